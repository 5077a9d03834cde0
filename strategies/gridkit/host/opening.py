"""A cycle's first order: where, how much, whether at all, and when it is taken back."""

import math
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from freqtrade.persistence import Trade

from gridkit.analytics import regime
from gridkit.analytics.regime import Regime
from gridkit.grid import laying, tags
from gridkit.grid.situation import Block
from gridkit.grid.spacing import Spacing, narrowest
from gridkit.host import account, lines, planning, shut
from gridkit.host.context import Context
from gridkit.host.market_data import PairSeries, Reading
from gridkit.host.pair_rules import PairRules
from gridkit.host.raising import Starts
from gridkit.host.surroundings import Surroundings
from gridkit.host.taken_back import TakenBack
from gridkit.host.terrain import Surveyor
from gridkit.host.treasury import Treasury, opening_lines
from gridkit.risk import gates
from gridkit.risk.predictions import PLAIN
from gridkit.settings import Settings

UNCERTAIN = Block("uncertain market starts no cycle", math.nan, math.nan)
STALE_STEPS = 2  # an unfilled first line goes when the market is this many steps away from it


class Opening:
    """Answers freqtrade's questions before there is a trade."""

    def __init__(
        self,
        context: Context,
        rules: PairRules,
        treasury: Treasury,
        surroundings: Surroundings,
        surveyor: Surveyor,
        starts: Starts,
    ) -> None:
        self._context = context
        self._rules = rules
        self._treasury = treasury
        self._surroundings = surroundings
        self._surveyor = surveyor
        self._starts = starts
        self._taken_back = TakenBack()
        self._unplaceable: dict[str, Block | str] = {}
        self._narrowest: tuple[Settings | None, float] = (None, math.nan)
        self.forget()

    def forget(self) -> None:
        """Drop what was read in another run, which may ask at the same moment."""
        self._seen: tuple[datetime | None, float] | None = None
        self._told: tuple[object, Block | str | None] = (None, None)

    def lines(self) -> int:
        """Return how many lines the first order takes: the initial inventory, at least one."""
        context = self._context
        if context.live:
            return opening_lines(context.settings, self._treasury.capital())
        # One tag for a whole backtest, and in hyperopt no epoch goes by the money of another.
        start = account.starting_capital(context.strategy.config)
        return opening_lines(context.settings, start)

    def price(
        self, pair: str, now: datetime, rate: float, side: int, tag: str | None
    ) -> float | None:
        """Return the first order's price; None where it is unknown or may not be placed.

        freqtrade takes None for its own price and asks for the stake next, which is then refused.
        """
        if is_forced(tag):
            self._unplaceable.pop(pair, None)
            return rate
        refusal = self._refusal(pair, now, side, tag)
        self._unplaceable[pair] = refusal or "price of the first order unknown"
        if refusal:
            return None
        reading = self._context.market.at(pair, now)
        gap = self._spacing(reading)
        if reading is None or gap is None:
            self._unplaceable[pair] = "volatility unknown"
            return None
        price, block = self._placed(pair, reading, rate, side, gap)
        block = block or gates.price_block(price, side, pair, self._context.settings.stops)
        if block is not None:
            self._unplaceable[pair] = block
            return None
        del self._unplaceable[pair]
        return price

    def _placed(
        self, pair: str, reading: Reading, rate: float, side: int, gap: Spacing
    ) -> tuple[float, Block | None]:
        grid = self._context.settings.grid
        anchor = self._highest_anchor(pair, rate, side)
        if grid.initial_inventory > 0 or grid.infinity:
            above = side * (anchor - rate) < 0
            return rate, Block("anchor may not follow price", rate, anchor) if above else None
        lay = partial(laying.first_line, anchor, gap, side, self._rules.layout_of(pair))
        price = self._surveyor.laid(pair, reading, lay)
        away, reach = abs(price / rate - 1), self._rules.max_distance()
        if away <= reach:
            return price, None
        if anchor == rate:  # nothing binds the anchor, so the first line comes within reach
            return rate * (1 - side * reach), None
        return price, Block("line too far for freqtrade", away, reach)

    def stake(
        self, pair: str, now: datetime, rate: float, side: int, leverage: float, tag: str | None
    ) -> float:
        """Return the first order's stake; 0 refuses it, with the reason in the notes."""
        refusal = self._unplaceable.get(pair) or self._refusal(pair, now, side, tag)
        if not refusal and self._context.live and not is_forced(tag):
            refusal = self._surroundings.wide(pair)
        if refusal:
            self._context.reasons.waits(pair, refusal, now)
            return 0.0
        return self._affordable(pair, now, rate, side, leverage, tag)

    def _affordable(
        self, pair: str, now: datetime, rate: float, side: int, leverage: float, tag: str | None
    ) -> float:
        """Return the stake of the first order, all of its lines, or 0; and say why."""
        reasons, wanted = self._context.reasons, max(1, len(tags.levels_of(tag)))
        capital = self._treasury.capital()
        try:
            budget = self._treasury.budget(pair, rate, leverage, capital)
        except ValueError as error:
            reasons.waits(pair, f"capital: {error}", now)
            return 0.0
        if budget.levels < wanted:
            reasons.waits(
                pair, Block("lines for the initial inventory", budget.levels, wanted), now
            )
            return 0.0
        means = self._treasury.means(pair, None, now, capital)
        if math.floor(means.room / budget.level_stake + 1e-9) < wanted:
            reasons.waits(pair, means.binding, now)
            return 0.0
        reading = self._context.market.at(pair, now)
        levels = lines.levels_of(reading, self._context.settings, capital)
        told = f"{budget.levels} of {levels} lines at {budget.level_stake:.2f} each"
        stake, scale = wanted * budget.level_stake, PLAIN
        if not is_forced(tag):
            scale = self._starts.scale(pair, reading, side, stake, means.room)
        if scale > PLAIN:
            told += f", the first raised by {scale - PLAIN:.0%} by the prediction"
        reasons.opens(pair, tag, rate, told, now)
        return stake * scale

    def note_last(self, pair: str) -> None:
        """Say why the last candle signals no cycle for a pair that has none (live)."""
        context, series = self._context, self._context.market.series.get(pair)
        reading = series.reading(len(series.times) - 1) if series else None
        if Trade.get_trades_proxy(pair=pair, is_open=True):
            return
        if context.now is None:
            return
        side = _side_of(reading, context.settings)
        # Without a side, asking for longs names what is unknown of the market.
        refusal = self._refusal_by(reading, pair, side or 1) or (UNCERTAIN if side == 0 else None)
        if refusal:
            context.reasons.waits(pair, refusal, context.now)
            return
        # What was said while it could be opened is older than two candles once it no longer is.
        age = timedelta(seconds=2 * context.seconds)
        context.reasons.unless_renewed(pair, shut.by_freqtrade(context, pair), context.now, age)

    def allowed(
        self, pair: str, now: datetime, rate: float, amount: float, side: int, tag: str | None
    ) -> bool:
        """Say the last word on a cycle's first order, as freqtrade will place it."""
        refusal = self._refusal(pair, now, side, tag)
        if refusal is None and self._context.live and self.look_for_taken_back(now, pair):
            refusal = "forceexit"
        if refusal is None and not (rate > 0 and amount > 0):
            refusal = Block("rate or amount unknown", rate, 0.0)
        if refusal:
            self._context.reasons.waits(pair, refusal, now)
        elif self._context.live:
            self._taken_back.allow(pair, now)
        return refusal is None

    def stale(
        self, trade: Trade, order: Any, series: PairSeries, index: int, *, stopped: bool
    ) -> bool:
        """Whether an unfilled first order should go: a gate closed, or the market went away.

        `index` is of the last closed candle; `stopped`: whether anything stands against starts.
        """
        goes = stopped or self._left_behind(trade, order, series, index)
        if not goes or is_forced(order.ft_order_tag):
            return False
        self._taken_back.withdraw(order.order_id)
        return True

    def look_for_taken_back(self, now: datetime, pair: str = "") -> bool:
        """Pause pairs whose unfilled first order the user took back; whether this pair is one."""
        pairs = self._taken_back.look()
        until = now + shut.pause(self._context)
        for one in pairs:
            self._context.lock(one, until, "forceexit of a start, or the exchange refused it")
        return pair in pairs

    def _left_behind(self, trade: Trade, order: Any, series: PairSeries, index: int) -> bool:
        """Whether the market is so many steps away; asked at each candle, so the near is quick."""
        side, close = -1 if trade.is_short else 1, series.close.item(index)
        away = side * (close / order.safe_placement_price - 1)
        if not away > STALE_STEPS * self._least_step():
            return False
        gap = self._spacing(series.reading(index))
        if gap is None or not close > 0 or order.safe_filled > 0 or away <= STALE_STEPS * gap.step:
            return False
        anchor = self._highest_anchor(trade.pair, close, side)
        return side * (anchor - close) >= 0

    def _refusal(self, pair: str, now: datetime, side: int, tag: str | None) -> Block | str | None:
        """Say why no cycle may open; what the user forces is bound by the caps alone."""
        if is_forced(tag):
            return None
        refusal = self._refusal_at(pair, now, side)
        if refusal:
            return refusal
        if self._context.live:
            return "forceexit" if shut.recently_forced(self._context, pair, now) else None
        return "a cycle ended in this candle" if shut.ended_at(pair, now) else None

    def _refusal_at(self, pair: str, now: datetime, side: int) -> Block | str | None:
        """Say what in the last candle stands against a cycle.

        A backtest asks for price, stake and a last word at one moment, and is told the same.
        """
        question = pair, now, side
        if self._context.live or self._told[0] != question:
            reading = self._context.market.at(pair, now)
            self._told = question, self._refusal_by(reading, pair, side)
        return self._told[1]

    def _refusal_by(self, reading: Reading | None, pair: str, side: int) -> Block | str | None:
        """Say what in the last candle stands against a cycle."""
        if reading is None or not reading.known:
            return "no usable candle"
        settings = self._context.settings
        return self._surroundings.against_start(pair, reading, side) or gates.price_block(
            reading.close, side, pair, settings.stops
        )

    def _least_step(self) -> float:
        """Return the smallest gap the settings can lead to; reckoned anew when they are others."""
        settings = self._context.settings
        if self._narrowest[0] is not settings:
            self._narrowest = settings, narrowest(settings.spacing)
        return self._narrowest[1]

    def _highest_anchor(self, pair: str, rate: float, side: int) -> float:
        grid = self._context.settings.grid
        limits = [rate]
        if pair in grid.trailing_up_limit:
            limits.append(grid.trailing_up_limit[pair])
        if not grid.trailing_up:
            limits.extend(self._last_anchor(pair))
        return min(limits) if side > 0 else max(limits)

    def _last_anchor(self, pair: str) -> list[float]:
        closed = Trade.get_trades_proxy(pair=pair, is_open=False)
        if not closed:
            return []
        last = max(closed, key=lambda trade: trade.close_date_utc)
        gap = self._spacing(self._context.market.at(pair, last.open_date_utc))
        anchor = planning.anchor_of_first(last, gap, self._context.settings) if gap else None
        return [] if anchor is None else [anchor]

    def _spacing(self, reading: Reading | None) -> Spacing | None:
        return lines.spacing_of(reading, self._context.settings, self._capital())

    def _capital(self) -> float:
        """Return what the method of spacing goes by; in a backtest read once per candle."""
        now = self._context.now
        if self._context.live or self._seen is None or self._seen[0] != now:
            self._seen = now, self._treasury.capital()
        return self._seen[1]


def _side_of(reading: Reading | None, settings: Settings) -> int:
    """Return the side a cycle would have: 1 long, -1 short; 0 where `auto` would choose none."""
    if settings.direction != "auto":
        return -1 if settings.direction == "short" else 1
    if reading is None or reading.regime == Regime.UNCERTAIN:
        return 0
    leaning = regime.direction(reading.regime, reading.side)
    return leaning or int(reading.side > 0) - int(reading.side < 0)


def is_forced(tag: str | None) -> bool:
    """Whether an entry is the user's own (/forceentry) and not a line of the grid."""
    return not tags.levels_of(tag)
