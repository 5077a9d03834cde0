"""What stands, from outside the grid, against adding to it or for closing it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridkit.analytics.books import PRICE
from gridkit.grid.situation import Block
from gridkit.host.context import Context
from gridkit.host.market_data import PairSeries, Reading
from gridkit.host.outlook import BITS, FLOW, NO_START, STOPS_ADDITIONS, STOPS_STARTS
from gridkit.risk import brakes, gates, predictions

if TYPE_CHECKING:
    from gridkit.host.breakers import Breakers
    from gridkit.host.flow import FlowDesk

UNKNOWN = Block("no usable candle", math.nan, math.nan)

Refusal = Callable[[str, int], Block | None]  # of a pair, and 1 for long, -1 for short


@dataclass(frozen=True, slots=True)
class Outside:
    """`block`: why nothing may be added; `flatten`: why all is sold; `thin`: half of the lines.

    `adverse`: the market trends against the grid; `scale`: what predictions make of stakes.
    """

    block: Block | None
    flatten: str | None
    thin: bool
    adverse: bool = False
    scale: float = predictions.PLAIN


class Surroundings:
    """Asks the market, the breakers and, live, whoever else may refuse a pair new risk."""

    def __init__(self, context: Context, breakers: "Breakers", flow: "FlowDesk") -> None:
        self._context = context
        self._breakers = breakers
        self._flow = flow
        self.refusals: list[Refusal] = []

    def code(self, series: PairSeries, index: int, side: int) -> int:
        """Return a number that changes where the answers of a backtest may change. Cheap."""
        return series.outlook[side].item(index) & ~NO_START | self._breakers.state_id << BITS

    def stops_additions(self, series: PairSeries, index: int, pair: str, side: int) -> bool:
        """Whether anything stands against additions; without saying what, hence cheap."""
        if self._breakers.block_add(pair):
            return True
        return self._stopped(series.outlook[side].item(index) & STOPS_ADDITIONS, pair, side)

    def stops_starts(self, series: PairSeries, index: int, pair: str, side: int) -> bool:
        """Whether `against_start` would name anything; cheap, too, in a backtest."""
        if self._context.live:
            reading = series.reading(index)
            return reading is None or self.against_start(pair, reading, side) is not None
        if self._breakers.block_start(pair):
            return True
        return self._stopped(series.outlook[side].item(index) & STOPS_STARTS, pair, side)

    def _stopped(self, against: int, pair: str, side: int) -> bool:
        """Whether what the last candle says against it, or, live, anybody else, stops a pair."""
        if pair in self._flow.analyses:  # which counts instead of the candle's own flow
            against &= ~FLOW
            against |= self._flow_block(pair, math.nan, side) is not None
        return against != 0 or self._refused(pair, side) is not None

    def of_trade(self, pair: str, reading: Reading, side: int, spread: float) -> Outside:
        """Return what stands against an open cycle. `spread` is a fraction of price."""
        settings = self._context.settings
        trend = gates.flatten_by_trend(reading.market, reading.distance, side, settings)
        flatten = self._breakers.flatten_reason(pair) or (str(trend) if trend else None)
        if math.isnan(reading.opened):
            return Outside(UNKNOWN, flatten, False)
        hours = brakes.illiquid(self._hour(reading), settings.brakes)
        block = self._against_additions(pair, reading, side, spread)
        adverse = gates.trends_against(reading.market, side, settings.regime)
        scale = predictions.scale(reading.rising, side, settings.prediction)
        return Outside(block, flatten, hours == "thin", adverse, scale)

    def against_start(self, pair: str, reading: Reading, side: int) -> Block | None:
        """Return why no cycle may start, None where one may."""
        start = gates.start_block(reading.market, side, self._context.settings.regime)
        found = self._breakers.block_start(pair) or start
        return found or self._against_additions(pair, reading, side, math.nan)

    def wide(self, pair: str) -> Block | None:
        """Refuse a cycle's first order at a wide spread, and where a side has no offer; live."""
        bid, ask = self._best(pair)
        spread = (ask - bid) / bid if bid > 0 else math.inf
        return brakes.spread_block(spread, self._context.settings.brakes)

    def _best(self, pair: str) -> tuple[float, float]:
        """Return best bid and ask, by the last book, a ticker, or a book asked for now.

        Tickers of futures have none on some exchanges, Binance among them. A side without an offer
        is 0 or infinite.
        """
        dp, book = self._context.strategy.dp, self._flow.fresh_book(pair)
        if book is not None and book.two_sided:
            return float(book.bids[0, PRICE]), float(book.asks[0, PRICE])
        ticker = dp.ticker(pair)
        if ticker.get("bid") and ticker.get("ask"):
            return float(ticker["bid"]), float(ticker["ask"])
        raw = dp.orderbook(pair, 1)
        bids, asks = raw["bids"], raw["asks"]
        return float(bids[0][0]) if bids else 0.0, float(asks[0][0]) if asks else math.inf

    def _against_additions(
        self, pair: str, reading: Reading, side: int, spread: float
    ) -> Block | None:
        settings = self._context.settings
        return (
            self._breakers.block_add(pair)
            or gates.regime_block(reading.market, side, settings.regime)
            or self._breakers.block_market(pair)
            or self._flow_block(pair, reading.imbalance, side)
            or predictions.block(reading.rising, side, settings.prediction)
            or self._pause(reading)
            or brakes.spread_block(spread, settings.brakes)
            or self._refused(pair, side)
        )

    def _refused(self, pair: str, side: int) -> Block | None:
        for refusal in self.refusals:
            block = refusal(pair, side)
            if block is not None:
                return block
        return None

    def _pause(self, reading: Reading) -> Block | None:
        rule, hour = self._context.settings.brakes, self._hour(reading)
        if brakes.illiquid(hour, rule) != "pause":
            return None
        return Block("illiquid hours", hour, rule.illiquid_to)

    def _flow_block(self, pair: str, of_candle: float, side: int) -> Block | None:
        """Heed the books and the tape where there are some, else the candles' own flow."""
        known = pair in self._flow.analyses
        imbalance = self._flow.pressure(pair) if known else of_candle
        return brakes.flow_block(imbalance, side, self._context.settings)

    def _hour(self, reading: Reading) -> int:
        """Return the hour, UTC, at the candle's close."""
        return int((reading.opened + self._context.seconds) // 3_600) % 24
