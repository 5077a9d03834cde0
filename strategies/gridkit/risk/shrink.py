"""What is sold where positions outgrew their limits (SPEC N): back to the limit, never churned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gridkit.candles import SECONDS_PER_HOUR
from gridkit.risk.groups import groups
from gridkit.risk.holding import Correlations, Holding, Limits
from gridkit.settings import PortfolioSettings

SHRINK = "shrink"


@dataclass(frozen=True, slots=True)
class Shrink:
    """The stake of a pair to sell, in stake currency at the price now, and why."""

    pair: str
    stake: float
    tag: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Cap:
    """A limit on the sum of stakes, or of risks, of some pairs."""

    pairs: tuple[str, ...]
    measure: Literal["stake", "risk"]
    limit: float
    name: str


def rebalances(time: float, candle_seconds: float, rule: PortfolioSettings) -> bool:
    """Whether the candle that opens at `time` (seconds UTC) is the first of its `rebalance_hours`.

    These are counted from 1970, so that nothing has to be remembered, and a backtest looks when a
    bot does. Weak: a bot that is down during that candle looks at the next one only.
    """
    seconds = rule.rebalance_hours * SECONDS_PER_HOUR
    return rule.enabled and time // seconds != (time - candle_seconds) // seconds


def next_rebalance(time: float, rule: PortfolioSettings) -> float:
    """Return when the period ends in which `time` lies, seconds UTC."""
    seconds = rule.rebalance_hours * SECONDS_PER_HOUR
    return (time // seconds + 1) * seconds


def shrink_due(
    holdings: Sequence[Holding],
    bounds: Limits,
    correlations: Correlations,
    rule: PortfolioSettings,
    *,
    cost: float,
    least: Mapping[str, float],
) -> list[Shrink]:
    """Return what is to be sold so that what is above its limit by `tolerance` is at it again.

    In this order, each seeing what the one before left: one pair, correlated pairs, all stakes, all
    risk; what counts together is cut by the same factor. Nothing is sold where that is no more than
    `cost` (fees of a round trip, a fraction) of the position, or where it, or what it leaves, is
    below `least` (stake by pair; 0 where missing). Unknown stakes and risks are left alone, with
    all that is summed with them: a sale is no refusal.
    """
    left = {holding.pair: holding for holding in holdings}
    reasons: dict[str, str] = {}
    for cap in _caps(holdings, bounds, correlations, rule):
        total = sum(getattr(left[pair], cap.measure) for pair in cap.pairs)
        if not total > cap.limit * (1 + rule.tolerance):
            continue
        for pair in cap.pairs:
            left[pair] = _cut(left[pair], cap.limit / total)
            reasons[pair] = f"{cap.name} of {total:.2f} against {cap.limit:.2f}"
    return [
        Shrink(holding.pair, sold, SHRINK, reasons[holding.pair])
        for holding in holdings
        if holding.pair in reasons
        for sold in [holding.stake - left[holding.pair].stake]
        if _is_worth_it(sold, holding.stake, cost, least.get(holding.pair, 0.0))
    ]


def _caps(
    holdings: Sequence[Holding],
    bounds: Limits,
    correlations: Correlations,
    rule: PortfolioSettings,
) -> Iterator[_Cap]:
    pairs = tuple(holding.pair for holding in holdings)
    for pair in pairs:
        yield _Cap((pair,), "stake", bounds.single, f"stake in {pair}")
    for group in groups(pairs, correlations, rule.correlation):
        yield _Cap(group, "stake", bounds.correlated, f"stake in {', '.join(group)} together")
    yield _Cap(pairs, "stake", bounds.exposure, "stake in all pairs")
    risky = tuple(holding.pair for holding in holdings if holding.risk != 0)
    yield _Cap(risky, "risk", bounds.total_risk, "risk of all pairs")


def _cut(holding: Holding, factor: float) -> Holding:
    return replace(holding, stake=holding.stake * factor, risk=holding.risk * factor)


def _is_worth_it(sold: float, stake: float, cost: float, least: float) -> bool:
    return sold > cost * stake and sold >= least and stake - sold >= least
