"""What the bot is about to do, in lines for its log: capital, risk, limits. Nothing is changed."""

import logging
from typing import TYPE_CHECKING

from gridkit.risk import portfolio, sizing

if TYPE_CHECKING:
    from gridkit.host.directional.desk import DirectionalDesk

logger = logging.getLogger(__name__)


def tell(desk: "DirectionalDesk") -> None:
    """Log the summary. A failure is logged, and ends a backtest only."""
    try:
        for line in lines(desk):
            logger.info(line)
    except Exception:
        if getattr(desk.context.strategy, "errors_are_fatal", False):
            raise
        logger.exception("the summary failed; the bot trades without")


def lines(desk: "DirectionalDesk") -> list[str]:
    """Return the summary, one line of the log each."""
    settings, capital = desk.settings, desk.portfolio.capital()
    currency = desk.context.strategy.config["stake_currency"]
    rule, bounds = settings.portfolio, portfolio.limits(capital, settings)
    exposure = sizing.exposure_fraction(capital, settings.caps)
    leverage = f", leverage {desk.context.leverage:g}" if desk.context.is_futures else ""
    told = [
        f"capital {capital:,.2f} {currency}{leverage}: at most {bounds.exposure:,.2f} "
        f"({exposure:.0%}) in the market, {settings.direction}",
        f"a position of full confidence loses {rule.risk_per_trade * capital:,.2f} "
        f"({rule.risk_per_trade:.2%} of capital) at its stop, fees included; "
        f"at most {settings.entries.most_per_hour} entries an hour",
    ]
    if not rule.enabled:
        return [*told, "the portfolio's limits are off (portfolio.enabled)"]
    return [
        *told,
        f"portfolio: at most {rule.symbols} positions, {bounds.single:,.2f} in one, "
        f"{bounds.correlated:,.2f} in pairs correlated above {rule.correlation:g}, "
        f"{bounds.total_risk:,.2f} at risk in all",
    ]
