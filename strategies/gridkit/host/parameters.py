"""The settings that hyperopt may search, and the settings as it searches them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from freqtrade.exceptions import OperationalException
from freqtrade.optimize.space import Categorical
from freqtrade.strategy import DecimalParameter, IntParameter

from gridkit.grid import spacing
from gridkit.host import account
from gridkit.settings import Settings, SettingsError

STOPLOSS = -0.99  # freqtrade's, off: lots and cycles have their own stops


@dataclass(frozen=True, slots=True)
class Searched:
    """One setting as a hyperopt parameter. No decimals: a whole number.

    `place` is that within a setting of several numbers.
    """

    section: str
    field: str
    space: str
    low: float
    high: float
    decimals: int = 0
    methods: tuple[str, ...] = ()
    place: int | None = None
    prefix: str = "grid"

    @property
    def name(self) -> str:
        """Name of the strategy's attribute, and of the parameter in freqtrade's files."""
        number = "" if self.place is None else f"_{self.place + 1}"
        return f"{self.prefix}_{self.field.removeprefix('grid_')}{number}"

    def configured(self, settings: Settings) -> float:
        """Return the value the config gives."""
        value = self.whole(settings)
        return float(value if self.place is None else value[self.place])

    def whole(self, settings: Settings) -> Any:
        """Return the setting as the config has it: all of its numbers, where it has several."""
        return getattr(getattr(settings, self.section), self.field)

    def changed(self, whole: Any, value: float) -> Any:
        """Return the setting with another value, in its place where it has one."""
        if self.place is None:
            return value
        return (*whole[: self.place], value, *whole[self.place + 1 :])

    def parameter(self, settings: Settings, method: str) -> IntParameter | DecimalParameter:
        """Return a parameter whose default is the configured value; searched where it matters.

        That is with the methods of spacing that read it; none named: all.
        """
        given = self.configured(settings)
        matters = not self.methods or method in self.methods
        low, high = min(self.low, given), max(self.high, given)
        options = {"space": self.space, "optimize": matters}
        if not self.decimals:
            return IntParameter(int(low), int(high), default=int(given), **options)
        return DecimalParameter(low, high, decimals=self.decimals, default=given, **options)

    def current(self, strategy: Any) -> float:
        """Return the parameter's value; a default stays as configured, before it was rounded."""
        value = float(getattr(strategy, self.name).value)
        given = self.configured(strategy.configured)
        return given if value == round(given, self.decimals) else value


SEARCHED = (
    Searched("grid", "levels", "buy", 1, 25, methods=("fixed", "volatility", "regime")),
    Searched("spacing", "volatility_factor", "buy", 0.2, 2.0, 2, methods=("volatility",)),
    Searched("spacing", "micro_range", "buy", 0.02, 0.3, 2, methods=("micro",)),
    Searched("spacing", "micro_levels", "buy", 1, 15, methods=("micro",)),
    Searched("spacing", "grid_step", "buy", 0.002, 0.04, 3, methods=("fixed",)),
    Searched("stops", "lot_stop", "sell", 0.005, 0.10, 3),
    Searched("stops", "cycle_stop", "sell", 0.05, 0.40, 2),
)


DIRECTIONAL = (
    Searched("entries", "threshold", "buy", 0.05, 0.6, 2, prefix="confluence"),
    Searched("portfolio", "risk_per_trade", "buy", 0.002, 0.03, 3, prefix="confluence"),
    Searched("exits", "targets", "sell", 0.5, 2.0, 1, prefix="confluence", place=0),
    Searched("exits", "targets", "sell", 2.1, 4.0, 1, prefix="confluence", place=1),
    Searched("exits", "targets", "sell", 4.1, 10.0, 1, prefix="confluence", place=2),
    Searched("exits", "break_even", "sell", 0.5, 4.0, 1, prefix="confluence"),
    Searched("exits", "max_hours", "sell", 4, 96, prefix="confluence"),
)


def declare(
    strategy: Any,
    settings: Settings,
    config: Mapping[str, Any],
    searched: Iterable[Searched] = SEARCHED,
) -> None:
    """Give a strategy its parameters, before freqtrade looks for them.

    Searched are those that matter with the money a run begins with.
    """
    method = spacing.method_for(account.starting_capital(config), settings.spacing)
    for one in searched:
        setattr(strategy, one.name, one.parameter(settings, method))


def effective(strategy: Any, searched: Iterable[Searched] = SEARCHED) -> Settings:
    """Return the settings with the parameters' current values, bounds checked again."""
    changes: dict[str, dict[str, Any]] = {}
    for one in searched:
        section = changes.setdefault(one.section, {})
        whole = section.get(one.field, one.whole(strategy.configured))
        section[one.field] = one.changed(whole, one.current(strategy))
    try:
        return strategy.configured.with_values(changes)
    except SettingsError as error:
        raise OperationalException(str(error)) from None


class OwnSpaces:
    """What hyperopt searches beside the parameters: nothing.

    freqtrade's default spaces hold a ROI table and a stoploss, which would close whole cycles. A
    strategy that names this class `HyperOpt` keeps its own, whatever `--spaces` says.
    """

    @staticmethod
    def roi_space() -> list[Any]:
        """Search no ROI table."""
        return []

    @staticmethod
    def generate_roi_table(_params: dict[str, Any]) -> dict[int, float]:
        """Return the empty table: targets are the grid's own."""
        return {}

    @staticmethod
    def stoploss_space() -> list[Any]:
        """Offer the one stoploss that never acts before the grid's stops."""
        return [Categorical([STOPLOSS], name="stoploss")]

    @staticmethod
    def trailing_space() -> list[Any]:
        """Search no trailing stop."""
        return []

    @staticmethod
    def generate_trailing_params(_params: dict[str, Any]) -> dict[str, Any]:
        """Return a trailing stop that is off."""
        return {
            "trailing_stop": False,
            "trailing_stop_positive": None,
            "trailing_stop_positive_offset": 0.0,
            "trailing_only_offset_is_reached": False,
        }
