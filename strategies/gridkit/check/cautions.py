"""What a configuration allows and yet may surprise: fees, smallest orders, history."""

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gridkit.check.conditions import AsLoaded, timeframe_of
from gridkit.check.markets import LEAST_ORDER, Markets
from gridkit.check.said import overheard
from gridkit.grid import spacing
from gridkit.grid.costs import Costs
from gridkit.host import account, history, lines, startup
from gridkit.host.data_files import named_pairs
from gridkit.host.directional import checks
from gridkit.host.limits import limits_of
from gridkit.host.pair_rules import costs_of
from gridkit.host.prediction import section, starting
from gridkit.host.worth_knowing import worth_knowing
from gridkit.risk import sizing
from gridkit.risk.performance import UNKNOWN
from gridkit.settings import SECTION, Settings
from gridkit.settings.readers import GRID

EACH = "each pair"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is looked at. `capital` is in stake currency, NaN where it is unknown."""

    strategy: str
    config: Mapping[str, Any]
    settings: Settings
    markets: Markets

    @property
    def capital(self) -> float:
        """Return what a run begins with; a real account is not asked."""
        real = not self.config.get("dry_run", True) and not self.config.get("available_capital")
        return math.nan if real else account.starting_capital(self.config)

    @property
    def pairs(self) -> list[str]:
        """Return the pairs that are looked at one by one: without their markets all are alike."""
        return named_pairs(self.config) if self.markets.asked else [EACH]

    @property
    def slots(self) -> int:
        """Return how many pairs share the capital; 1 where neither pairs nor slots are bounded."""
        most = self.config.get("max_open_trades", math.inf)
        most = math.inf if most == -1 else most
        counted = min(len(named_pairs(self.config)) or math.inf, most)
        return max(1, int(counted)) if math.isfinite(counted) else 1


def problems(seen: Situation) -> Iterator[str]:
    """Yield what the bot would refuse once it knows its markets."""
    for pair in seen.pairs if seen.markets.asked else ():
        market = seen.markets.of(pair, seen.config)
        if market is None:
            yield f"{pair} is no market of {seen.config['exchange']['name']}"
        elif seen.strategy == GRID:
            costs = costs_of(market, seen.config, seen.settings)
            yield from startup.target(seen.settings.grid, costs, pair)


def cautions(seen: Situation) -> list[str]:
    """Return everything that may surprise, in sentences."""
    found = [*_history(seen), *_capital(seen), *_predictor(seen)]
    if seen.strategy == GRID:
        return [*worth_knowing(seen.settings), *_fees(seen), *found]
    return [*checks.worth_knowing(seen.settings), *found]


def _predictor(seen: Situation) -> Iterator[str]:
    if section.is_on(seen.config):
        yield from starting.cautions(seen.config["freqai"], seen.settings)


def _history(seen: Situation) -> Iterator[str]:
    """Yield what `history` would log of the exchange's candles at a start."""
    with overheard(history.__name__, logging.WARNING) as said:
        asked = history.fitted(seen.config, seen.settings, timeframe_of(seen.config))
    yield from said
    own = AsLoaded(seen.strategy, seen.config, asked.settings, asked.candles)
    yield from startup.coarse(own, asked.settings)


def _fees(seen: Situation) -> Iterator[str]:
    """Yield where lines stand nearer than a round trip costs, or a target does not pay for it."""
    told: set[str] = set()
    for pair in seen.pairs:
        market = seen.markets.of(pair, seen.config)
        costs = costs_of(market, seen.config, seen.settings)
        if not seen.markets.asked:
            yield from startup.target(seen.settings.grid, costs, f"{EACH}{_assumed_fee(seen)}")
        told.update(_near_lines(costs, seen))
    yield from sorted(told)


def _near_lines(costs: Costs, seen: Situation) -> Iterator[str]:
    narrowest = spacing.narrowest(seen.settings.spacing)
    if seen.settings.grid.target == "next_line" and narrowest < costs.floor:
        yield (
            f"lines may stand {narrowest:.2%} apart, nearer than the fee floor of "
            f"{costs.floor:.2%} (fees {costs.entry_fee:.2%} + {costs.exit_fee:.2%}"
            f"{_assumed_fee(seen)}, spread {2 * costs.half_spread:.2%}, min_profit "
            f"{costs.min_profit:.2%}): such a lot is sold beyond the next line"
        )


def _assumed_fee(seen: Situation) -> str:
    given = seen.settings.costs.fee is not None or seen.config.get("fee") is not None
    return "" if given or seen.markets.asked else f", assumed: {SECTION}.costs.fee says it"


def _capital(seen: Situation) -> Iterator[str]:
    """Yield what the exchange's smallest orders leave of lines, or of parts."""
    if math.isnan(seen.capital):
        return
    of_pair = _lines if seen.strategy == GRID else _parts
    for pair in seen.pairs:
        market = seen.markets.of(pair, seen.config)
        if market is not None:
            yield from of_pair(pair, market, seen)


def _lines(pair: str, market: Mapping[str, Any], seen: Situation) -> Iterator[str]:
    wanted = lines.levels_of(None, seen.settings, seen.capital)
    try:
        budget = budget_of(market, seen)
    except ValueError as error:
        yield f"{pair}: no line can be had: {error}{_basis(seen)}"
        return
    if budget.levels < min(wanted, seen.settings.caps.max_lots):
        yield (
            f"{pair}: capital of {seen.capital:,.2f} gives {budget.levels} of {wanted} lines, "
            f"{budget.level_stake:.2f} each{_basis(seen)}"
        )


def budget_of(market: Mapping[str, Any], seen: Situation) -> sizing.Budget:
    """Return the lines of a pair as a run begins. Raises ValueError when not even one."""
    settings, capital = seen.settings, seen.capital
    leverage = leverage_of(seen)
    least = limits_of(market, seen.config).least_stake(0.0, leverage)
    fortune = sizing.Fortune(capital, 0.0, capital, math.nan)
    sized = sizing.level_stake(
        fortune, UNKNOWN, math.nan, settings.breakers.orange, settings.sizing
    )
    return sizing.level_budget(
        sizing.pair_share(capital, seen.slots, leverage, settings.caps),
        lines.levels_of(None, settings, capital),
        sizing.meaningful_stake(capital, least),
        settings.caps.max_lots,
        sized.stake,
    )


def leverage_of(seen: Situation) -> float:
    """Return what positions are multiplied by: 1 on spot."""
    futures = seen.config.get("trading_mode") == "futures"
    return seen.settings.leverage if futures else 1.0


def _parts(pair: str, market: Mapping[str, Any], seen: Situation) -> Iterator[str]:
    """Yield where even the largest position is too small to leave in parts."""
    settings = seen.settings
    share = sizing.exposure_fraction(seen.capital, settings.caps)
    if settings.portfolio.enabled:
        share = min(share, settings.portfolio.single)
    most = share * seen.capital
    part = min(*settings.exits.parts, 1 - sum(settings.exits.parts))
    least = limits_of(market, seen.config).least_stake(0.0, leverage_of(seen))
    if part * most < least:
        yield (
            f"{pair}: a position is {most:.2f} at most, its smallest part {part * most:.2f}; parts "
            f"(exits.parts) grow to what an order needs, {least:.2f}{_basis(seen)}"
        )


def _basis(seen: Situation) -> str:
    if seen.markets.asked:
        return ""
    return f" (assumed: the exchange takes orders from {LEAST_ORDER:g} on; --markets asks it)"
