"""How Confluence is set each time."""

from studies.grid_cases import NEVER, Case

__all__ = ["AS_IT_COMES", "ONE_OTHER", "Case"]

AS_IT_COMES = Case("as it comes")
ONE_OTHER = (
    Case("trends alone", {"entries": {"reversion": False}}),
    Case("ranges alone", {"entries": {"trend": False}}),
    Case("without adaptive thresholds", {"thresholds": {"enabled": False}}),
    Case("without the volume profile", {"profile": {"enabled": False}}),
    Case("without the stop", {"exits": {"stop_enabled": False}}),
    Case("without break-even", {"exits": {"break_even_enabled": False}}),
    Case("without tightening at reversals", {"exits": {"reversal_enabled": False}}),
    Case("the rest by trail", {"exits": {"rest": "trail"}}),
    Case("without the time exit", {"exits": {"time_exit": "off"}}),
    Case("without the regime exit", {"exits": {"regime_exit": False}}),
    Case("without the portfolio", {"portfolio": {"enabled": False}}),
    Case(
        "without drawdown breakers",
        {"breakers": dict.fromkeys(("yellow", "orange", "red", "black"), NEVER)},
    ),
)
