"""How the positions of one account stay together within limits (SPEC N, A.6).

What a new one may take is here; how shares come about in `allocation`, which pairs count together
in `groups`, what is shrunk in `shrink`, and the figures people see in `portfolio_metrics`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gridkit.grid.situation import Block
from gridkit.risk import caps
from gridkit.risk.allocation import weights
from gridkit.risk.caps import Account
from gridkit.risk.groups import correlation_rise, group_of, groups, has_risen
from gridkit.risk.holding import (
    Candidate,
    Correlations,
    Holding,
    Limits,
    limits,
    of_matrix,
    stop_distance,
)
from gridkit.risk.portfolio_metrics import Metrics, metrics
from gridkit.risk.shrink import Shrink, next_rebalance, rebalances, shrink_due
from gridkit.settings import PortfolioSettings, Settings

__all__ = [
    "Account",
    "Candidate",
    "Correlations",
    "Holding",
    "Limits",
    "Metrics",
    "Room",
    "Shrink",
    "correlation_rise",
    "group_of",
    "groups",
    "has_risen",
    "limits",
    "metrics",
    "next_rebalance",
    "of_matrix",
    "rebalances",
    "risk_stake",
    "room",
    "shrink_due",
    "stake",
    "stop_distance",
    "weights",
]

SYMBOLS = "symbols"
SINGLE = "single"
CORRELATED = "correlated"
TOTAL_RISK = "total_risk"
ALLOCATION = "allocation by confidence and volatility"
RISK_PER_TRADE = "risk_per_trade"


@dataclass(frozen=True, slots=True)
class Room:
    """The stake a new position may take, in stake currency, and what sets it."""

    stake: float
    binding: Block


def stake(
    candidate: Candidate,
    holdings: Sequence[Holding],
    account: Account,
    correlations: Correlations,
    settings: Settings,
    *,
    risen: bool = False,
) -> Room:
    """Return what an entry takes: what its risk allows, within the room of the portfolio.

    Where that risk sets it, the block says what the room would have lost at the stop, and what may
    be lost.
    """
    found = room(candidate, holdings, account, correlations, settings, risen=risen)
    wanted = risk_stake(candidate, account, settings.portfolio)
    if wanted >= found.stake:
        return found
    loses = candidate.distance * account.leverage
    block = Block(RISK_PER_TRADE, found.stake * loses, wanted * loses)
    return Room(wanted if wanted > 0 else 0.0, block)


def risk_stake(candidate: Candidate, account: Account, rule: PortfolioSettings) -> float:
    """Return the stake that loses its risk at the stop, fees included; NaN where it is unknown.

    risk_per_trade x capital x confidence x size / (distance x leverage). Infinite without a
    distance: then the room has the last word.
    """
    risk = rule.risk_per_trade * account.capital * min(candidate.confidence, 1.0) * candidate.size
    distance = candidate.distance * account.leverage
    return risk / distance if distance else math.inf


def room(
    candidate: Candidate,
    holdings: Sequence[Holding],
    account: Account,
    correlations: Correlations,
    settings: Settings,
    *,
    risen: bool = False,
) -> Room:
    """Return the stake a new position may take at most, and the limit that sets it.

    Of `account` all is read but `asset` and `pairs`. Where the portfolio is off its cash, exposure
    and own maxima remain. `risen`: the limits are cut, as all pairs move together. What is unknown
    leaves no room; an unknown correlation counts as one above the threshold.
    """
    bounds = limits(account.capital, settings, risen=risen)
    cut = settings.portfolio.rise_factor if risen else 1.0
    exposure = caps.exposure_fraction(account.capital, settings.caps) * cut
    own = settings.caps.model_copy(update={"exposure": exposure})
    found = [caps.room(replace(account, pairs=1), own)]
    if settings.portfolio.enabled:
        others = [holding for holding in holdings if holding.pair != candidate.pair]
        held = sum((one.stake for one in holdings if one.pair == candidate.pair), 0.0)
        found += [
            _symbols(others, settings.portfolio),
            (bounds.single - held, Block(SINGLE, held, bounds.single)),
            _correlated(candidate, holdings, correlations, bounds, settings.portfolio),
            _total_risk(candidate, holdings, account, bounds),
            _allocated(candidate, others, held, bounds),
        ]
    amount, binding = min(found, key=lambda limit: _known(limit[0]))
    return Room(max(0.0, _known(amount)), binding)


def _known(amount: float) -> float:
    return -math.inf if math.isnan(amount) else amount


def _symbols(others: Sequence[Holding], rule: PortfolioSettings) -> tuple[float, Block]:
    count = len({holding.pair for holding in others})
    return math.inf if count < rule.symbols else 0.0, Block(SYMBOLS, count, rule.symbols)


def _correlated(
    candidate: Candidate,
    holdings: Sequence[Holding],
    correlations: Correlations,
    bounds: Limits,
    rule: PortfolioSettings,
) -> tuple[float, Block]:
    pairs = [holding.pair for holding in holdings]
    group = group_of(candidate.pair, pairs, correlations, rule.correlation)
    together = sum((one.stake for one in holdings if one.pair in group), 0.0)
    return bounds.correlated - together, Block(CORRELATED, together, bounds.correlated)


def _total_risk(
    candidate: Candidate, holdings: Sequence[Holding], account: Account, bounds: Limits
) -> tuple[float, Block]:
    """Return no room for a distance of 0 either: no entry's stop is at break-even."""
    used = sum((one.risk for one in holdings), 0.0)
    distance = candidate.distance * account.leverage
    left = (bounds.total_risk - used) / distance if distance > 0 else math.nan
    return left, Block(TOTAL_RISK, used, bounds.total_risk)


def _allocated(
    candidate: Candidate, others: Sequence[Holding], held: float, bounds: Limits
) -> tuple[float, Block]:
    shares = weights(
        [candidate.confidence, *(one.confidence for one in others)],
        [candidate.volatility, *(one.volatility for one in others)],
    )
    allocated = float(shares[0]) * bounds.exposure
    return allocated - held, Block(ALLOCATION, held, allocated)
