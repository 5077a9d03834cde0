"""What the bot is about to do, in lines for its log: capital, lines, caps, the worst loss.

Nothing is changed by it. Before the first candles no price and no volatility is known: then what
follows from them is left out, and said to be.
"""

import logging
import math
from typing import TYPE_CHECKING

from gridkit.grid import spacing
from gridkit.host import lines as grid_lines
from gridkit.host import raising
from gridkit.risk import sizing
from gridkit.risk.worst_loss import WorstLoss, stop_fraction, stopped_cycle, worst_loss

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

    from gridkit.host.desk import GridDesk
    from gridkit.risk.sizing import Budget

logger = logging.getLogger(__name__)

Budgets = dict[str, "Budget | str"]  # of each pair, or why there is none


def tell(strategy: "IStrategy", desk: "GridDesk") -> None:
    """Log the summary. A failure is logged, and ends a backtest only."""
    try:
        for line in lines(strategy, desk):
            logger.info(line)
    except Exception:
        if getattr(strategy, "errors_are_fatal", False):
            raise
        logger.exception("the summary failed; the bot trades without")


def lines(strategy: "IStrategy", desk: "GridDesk") -> list[str]:
    """Return the summary, one line of the log each.

    Raises what reading the account raises: nothing can be told without it.
    """
    capital, budgets = desk.treasury.capital(), _budgets(strategy, desk)
    currency = strategy.config["stake_currency"]
    return [
        _account(capital, currency, desk),
        _caps(desk),
        *(_pair(pair, budget, capital, desk) for pair, budget in budgets.items()),
        _recovery(desk),
        *_worst(worst_of(budgets, desk), capital, currency),
    ]


def worst_of(budgets: Budgets, desk: "GridDesk") -> WorstLoss:
    """Return what may be lost from now on, lots of cycles that are open left as they are."""
    settings, fortune = desk.settings, desk.fortune
    leverage = desk.context.leverage
    fraction = stop_fraction(settings.stops, trailing_down=settings.grid.trailing_down)
    most = raising.most(desk.context)
    cycles = [
        stopped_cycle(
            most * one.levels * one.level_stake, leverage, fraction, desk.rules.costs(pair)
        )
        for pair, one in budgets.items()
        if not isinstance(one, str)
    ]
    left = desk.recovery.budget() - fortune.recovery_loss()
    recovery = left if _recovers(desk) else 0.0
    equity, peaks = _equities(desk)
    return worst_loss(cycles, desk.treasury.pairs(), recovery, equity, peaks, settings.breakers)


def _equities(desk: "GridDesk") -> tuple[float, tuple[float, float]]:
    """Return equity now, the most since the breakers' last restart, and the most ever.

    Before the account was looked at all three are its capital.
    """
    fortune, best = desk.fortune, desk.breakers.state.best
    peak = fortune.base + fortune.peak_profit
    if math.isnan(fortune.equity) or math.isnan(peak):
        capital = desk.treasury.capital()
        return capital, (capital, capital)
    return fortune.equity, (peak if best is None else fortune.base + best, peak)


def _budgets(strategy: "IStrategy", desk: "GridDesk") -> Budgets:
    found: Budgets = {}
    for pair in strategy.dp.current_whitelist():
        price = desk.context.mark(pair) or 0.0
        try:
            found[pair] = desk.treasury.budget(pair, price, desk.context.leverage)
        except ValueError as error:
            found[pair] = str(error)
    return found


def _account(capital: float, currency: str, desk: "GridDesk") -> str:
    context, pairs = desk.context, desk.treasury.pairs()
    caps = desk.settings.caps
    limits = sizing.share_limits(capital, pairs, context.leverage, caps)
    binding = min(limits, key=lambda name: limits[name])
    exposure = sizing.exposure_fraction(capital, caps)
    leverage = f", leverage {context.leverage:g}" if context.is_futures else ""
    each = f"each of {pairs} pairs" if pairs > 1 else "the one pair"
    return (
        f"capital {capital:,.2f} {currency}{leverage}: at most {exposure * capital:,.2f} "
        f"({exposure:.0%}) in the market; {limits[binding]:,.2f} for {each}, "
        f"set by caps.{binding}"
    )


def _caps(desk: "GridDesk") -> str:
    caps = desk.settings.caps
    named = [f"inventory {caps.inventory:.0%} of capital per asset and those that move with it"]
    if desk.treasury.pairs() == 1:
        named = ["inventory off for one pair"]
    if caps.max_margin is not None:
        named.append(f"max_margin {caps.max_margin:,.2f}")
    if caps.max_position is not None:
        named.append(f"max_position {caps.max_position:,.2f}")
    named.append(f"{caps.max_lots} lots and {caps.max_orders_per_cycle} orders in a cycle")
    return f"caps: {', '.join(named)}"


def _pair(pair: str, budget: "Budget | str", capital: float, desk: "GridDesk") -> str:
    if isinstance(budget, str):
        return f"{pair}: no lines: {budget}"
    reading, settings = desk.context.reading(pair), desk.settings
    wanted = grid_lines.levels_of(reading, settings, capital)
    levels = f"{budget.levels}" if budget.levels == wanted else f"{budget.levels} of {wanted}"
    floor = desk.rules.costs(pair).floor
    return (
        f"{pair}: {levels} lines of {budget.level_stake:,.2f}, "
        f"{_set_by(budget, desk.treasury.sized(pair, reading))}; {_gap(pair, capital, desk)}; "
        f"fee floor {floor:.2%}"
    )


def _set_by(budget: "Budget", sized: sizing.Sized) -> str:
    told = f"set by {budget.binds}"
    if math.isinf(sized.stake):
        return told
    if budget.binds != sizing.BY_SIZING:
        told += f" where sizing wants {sized.stake:,.2f}"
    return f"{told} ({sized.why})"


def _gap(pair: str, capital: float, desk: "GridDesk") -> str:
    settings = desk.settings
    method = spacing.method_for(capital, settings.spacing)
    gap = grid_lines.spacing_of(desk.context.reading(pair), settings, capital)
    if gap is None and method != "fixed":
        return f"gap by method {method}, once there are candles"
    step = settings.spacing.grid_step if gap is None else gap.step
    return f"gap {step:.2%} by method {method}"


def _recovery(desk: "GridDesk") -> str:
    rule = desk.settings.recovery
    if not _recovers(desk):
        return f"recovery {rule.mode}: sells nothing at a loss"
    budget, lost = desk.recovery.budget(), desk.fortune.recovery_loss()
    return (
        f"recovery {rule.mode} may lose {budget:,.2f} in all since the peak of equity "
        f"({rule.budget:.1%} of capital, or {rule.budget_of_profit:.0%} of the peak profit), "
        f"{max(0.0, budget - lost):,.2f} of it left"
    )


def _recovers(desk: "GridDesk") -> bool:
    return desk.settings.recovery.mode in ("ladder", "aggressive")


def _worst(worst: WorstLoss, capital: float, currency: str) -> list[str]:
    told = (
        f"worst loss of one round: {worst.round:,.2f} {currency} ({worst.round / capital:.1%} of "
        f"capital): all lines filled and sold at their stops {worst.stops:,.2f}, recovery "
        f"{worst.recovery:,.2f}"
    )
    if math.isinf(worst.red):
        return [f"{told}; breakers are off, so that rounds follow one another without an end"]
    return [
        f"{told}; everything is sold after {worst.red:,.2f} (breakers.red)",
        f"worst loss of all rounds and restarts: {worst.black:,.2f} {currency} (breakers.black); "
        "jumps of the market and slippage come on top",
    ]
