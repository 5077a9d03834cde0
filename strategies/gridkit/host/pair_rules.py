"""What holds on one pair: fees, the exchange's minimums and steps, and the grid's own rules."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridkit.grid.costs import Costs
from gridkit.grid.plan import Layout
from gridkit.grid.recovery import recovery_rules
from gridkit.grid.situation import Rules
from gridkit.host import orders
from gridkit.host.context import Context
from gridkit.host.limits import Limits, limits_of
from gridkit.settings import Settings

if TYPE_CHECKING:
    from freqtrade.persistence import Trade

    from gridkit.settings import Settings

MAX_DISTANCE_DEFAULT = 0.02
DISTANCE_MARGIN = 0.98  # inside freqtrade's clamp although the rate moves a little meanwhile


def costs_of(
    market: Mapping[str, Any] | None, config: Mapping[str, Any], settings: Settings
) -> Costs:
    """Return what a round trip costs: fees of the settings, else the config, else ccxt's market."""
    fee = settings.costs.fee
    if fee is None:
        fee = config.get("fee")
    if fee is None:
        known = market or {}
        fee = max(known.get("taker") or 0.0, known.get("maker") or 0.0)
    return Costs(fee, fee, settings.costs.half_spread, settings.grid.min_profit)


class PairRules:
    """Reads markets, config and settings.

    In a backtest markets cannot change, so they are kept, and rules for as long as settings stay.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._markets: dict[str, Mapping[str, Any] | None] = {}
        self._limits: dict[str, Limits] = {}
        self._rules: dict[str, tuple[Settings, Rules]] = {}

    def market(self, pair: str) -> Mapping[str, Any] | None:
        """Return ccxt's market, None for a pair the exchange does not have."""
        dp = self._context.strategy.dp
        if self._context.live:
            return dp.market(pair)
        if pair not in self._markets:
            self._markets[pair] = dp.market(pair)
        return self._markets[pair]

    def costs(self, pair: str) -> Costs:
        """Fees from the settings, else from the config, else from the market."""
        return costs_of(self.market(pair), self._context.strategy.config, self._context.settings)

    def limits(self, pair: str) -> Limits:
        """Return the exchange's smallest order on this pair."""
        if self._context.live:
            return limits_of(self.market(pair), self._context.strategy.config)
        if pair not in self._limits:
            self._limits[pair] = limits_of(self.market(pair), self._context.strategy.config)
        return self._limits[pair]

    def max_distance(self) -> float:
        """Return how far from the market, as a fraction, an order may be placed (DESIGN 2.5)."""
        config = self._context.strategy.config
        ratio = config.get("custom_price_max_distance_ratio", MAX_DISTANCE_DEFAULT)
        return float(ratio) * DISTANCE_MARGIN

    def layout(self, trade: "Trade") -> Layout:
        """Return what a trade's lines are laid by."""
        return self.layout_of(trade.pair, orders.price_tick(trade))

    def layout_of(self, pair: str, tick: float = 0.0) -> Layout:
        """Return what lines of a pair are laid by; before there is a trade, prices have no step."""
        settings = self._context.settings
        return Layout(
            settings.spacing,
            settings.grid,
            self.costs(pair),
            tick,
            settings.density if settings.density.enabled else None,
            settings.volume_lines if settings.volume_lines.enabled else None,
        )

    def rules(self, trade: "Trade") -> Rules:
        """Return what a trade's decisions are made by."""
        if self._context.live:
            return self._rules_of(trade)
        settings, kept = self._rules.get(trade.pair, (None, None))
        if kept is None or settings is not self._context.settings:
            kept = self._rules_of(trade)
            self._rules[trade.pair] = self._context.settings, kept
        return kept

    def _rules_of(self, trade: "Trade") -> Rules:
        settings, pair = self._context.settings, trade.pair
        stops = settings.stops
        return Rules(
            hysteresis=settings.grid.hysteresis,
            lot_stop=stops.lot_stop if stops.lot_stop_enabled else math.inf,
            cycle_stop=stops.cycle_stop if stops.cycle_stop_enabled else math.inf,
            stop_price=stops.stop_price.get(pair),
            pause_price=stops.pause_price.get(pair),
            max_lots=settings.caps.max_lots,
            max_orders=settings.caps.max_orders_per_cycle,
            max_distance=self.max_distance(),
            answers_gaps=not self._context.live,
            costs=self.costs(pair),
            tick=orders.price_tick(trade),
            amount_step=orders.amount_step(trade),
            recovery=recovery_rules(settings.recovery, stops),
        )
