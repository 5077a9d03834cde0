"""Plans of open trades: laid from the first order, kept with the trade, laid anew in time."""

import logging
import math
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from gridkit.grid import laying, spacing, tags
from gridkit.grid import plan as plans
from gridkit.grid.plan import Plan
from gridkit.grid.spacing import Spacing
from gridkit.host import lines, orders, plan_store
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.host.market_data import Reading
from gridkit.host.pair_rules import PairRules
from gridkit.host.raising import Starts
from gridkit.host.terrain import Surveyor
from gridkit.host.treasury import Treasury
from gridkit.risk.predictions import PLAIN
from gridkit.settings import Settings

if TYPE_CHECKING:
    from freqtrade.persistence import LocalTrade, Order, Trade

logger = logging.getLogger(__name__)

SECONDS_PER_HOUR = 3_600


class Planner:
    """Makes and revises plans; live, every new one is stored with the trade for a restart."""

    def __init__(
        self,
        context: Context,
        rules: PairRules,
        treasury: Treasury,
        surveyor: Surveyor,
        starts: Starts,
    ) -> None:
        self._context = context
        self._rules = rules
        self._treasury = treasury
        self._surveyor = surveyor
        self._starts = starts
        self.placed: Counter[str] = Counter()  # free lines, those moved, those that fell back

    def load(self, trade: "Trade", reading: Reading) -> Cycle | None:
        """Return a cycle for a trade not seen before; None where its plan cannot be known."""
        stored = plan_store.load(trade) if self._context.live else None
        made = stored or self._made_at_opening(trade, reading)
        if made is None:
            return None
        is_new = self._context.live and stored is None
        if is_new:
            plan_store.save(trade, made)
            for line in plans.told(made):
                logger.info("%s: %s", trade.pair, line)
        return Cycle(orders.new_book(trade), made, is_new=is_new)

    def revise(
        self, cycle: Cycle, trade: "Trade", reading: Reading, now: datetime, rate: float
    ) -> None:
        """Lay free lines anew when time passed, the forecast moved or the regime changed."""
        low, high = self.volatility_band(cycle.plan)
        moved = reading.volatility < low or reading.volatility > high  # unknown is no move
        changed = moved or reading.regime != cycle.plan.regime
        if not changed and now.timestamp() < self.due(cycle.plan):
            return
        settings, method = self._context.settings, cycle.plan.method
        gap = lines.spacing_of(reading, settings, self._treasury.capital(), method)
        if gap is None:
            return
        held = set(cycle.book.ledger.lots)
        layout = self._rules.layout(trade)
        lay = partial(laying.revised, cycle.plan, held, gap, rate, now.timestamp(), layout)
        laid = self._surveyor.laid(trade.pair, reading, lay)
        cycle.plan = self._counted(replace(laid, regime=reading.regime))
        if self._context.live:
            plan_store.save(trade, cycle.plan)

    def due(self, made: Plan) -> float:
        """Return when free lines are laid anew at the latest, in seconds UTC."""
        return made.made + self._context.settings.grid.replan_hours * SECONDS_PER_HOUR

    def volatility_band(self, made: Plan) -> tuple[float, float]:
        """Return the forecasts between which a plan stays."""
        settings = self._context.settings
        change = settings.grid.replan_volatility_change
        return spacing.band(
            made.volatility, change, settings.spacing, settings.volatility, method=made.method
        )

    def _made_at_opening(self, trade: "Trade", reading: Reading) -> Plan | None:
        """Lay the plan the first order was placed by, from its price and candle."""
        settings, capital = self._context.settings, self._treasury.capital()
        then = self._context.market.at(trade.pair, trade.open_date_utc) or reading
        gap = lines.spacing_of(then, settings, capital) or lines.spacing_of(
            reading, settings, capital
        )
        first = first_entry(trade)
        anchor = anchor_of_first(trade, gap, settings) if gap else None
        if gap is None or first is None or anchor is None:
            return None
        levels = max(levels_of_first(first))
        stake = self._plain_stake(trade, first) / levels
        affordable = math.floor(self._treasury.share(capital) / stake + 1e-6)
        wanted = lines.levels_of(then, settings, capital, gap.method)
        count = max(levels, min(wanted, affordable, settings.caps.max_lots))
        side, made = -1 if trade.is_short else 1, trade.open_date_utc.timestamp()
        price = float(first.safe_placement_price)
        lay = partial(
            laying.make, anchor, gap, side, count, stake, made, self._rules.layout(trade),
            first=price, first_level=levels,
        )  # fmt: skip
        try:
            laid = self._surveyor.laid(trade.pair, then, lay)
        except ValueError as error:
            logger.error("%s: without a plan nothing is placed: %s", trade.pair, error)
            return None
        return self._counted(replace(laid, regime=then.regime))

    def _plain_stake(self, trade: "Trade", first: "Order") -> float:
        """Return what the lines of a first order cost, without what predictions added.

        Of a raised one half a step more, as it was truncated once, and its lines will be again.
        """
        amount, side = first.safe_amount, -1 if trade.is_short else 1
        if tags.levels_of(first.ft_order_tag):
            then = self._context.market.at(trade.pair, trade.open_date_utc)
            scale = self._starts.scaled(trade.pair, then, side)
            raised = orders.amount_step(trade) / 2 if scale > PLAIN else 0.0
            amount = (amount + raised) / scale
        return float(amount * first.safe_placement_price / (trade.leverage or 1.0))

    def _counted(self, laid: Plan) -> Plan:
        """Count what became of the free lines of a plan just laid (SPEC D)."""
        steps = laid.steps
        if steps is not None:
            self.placed.update(free=steps.free, moved=steps.moved, fell_back=steps.fell_back)
        return laid


def first_entry(trade: "LocalTrade") -> "Order | None":
    """Return the order that opened a trade."""
    entries = (order for order in trade.orders if order.ft_order_side == trade.entry_side)
    return next(entries, None)


def levels_of_first(order: "Order") -> tuple[int, ...]:
    """Return the levels an opening order takes; a foreign one counts as the first line."""
    return tags.levels_of(order.ft_order_tag) or (1,)


def anchor_of_first(trade: "LocalTrade", gap: Spacing, settings: Settings) -> float | None:
    """Return the anchor a trade's first order was placed by; None for a trade without orders."""
    first = first_entry(trade)
    if first is None:
        return None
    side, price = -1 if trade.is_short else 1, float(first.safe_placement_price)
    index = max(levels_of_first(first))
    return plans.anchor_of(price, gap.step, index, side, settings.spacing.progression)
