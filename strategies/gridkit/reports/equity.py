"""Marked equity, candle by candle: cash plus what the inventory is worth at the close.

A short is a negative inventory. Leverage changes how much of the cash is margin, not the equity, so
`cash` here is what would be left after paying every purchase in full (it may be negative under
leverage); `margin` says how much freqtrade ties up. Exit fees of what is still held are not yet in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gridkit.reports.funding import Charges
from gridkit.reports.records import Candles, Floats, Ints, Run, TradeRecord


@dataclass(frozen=True, slots=True)
class Marks:
    """Closes on the run's regular grid, the last known one carried on; NaN before the first.

    `unknown` counts, for each pair, the candles whose close was carried.
    """

    seconds: Ints
    closes: Mapping[str, Floats]
    known: Mapping[str, np.ndarray]

    def unknown(self, pair: str) -> int:
        """Candles of the grid that the pair's data lacks."""
        return int((~self.known[pair]).sum())


@dataclass(frozen=True, slots=True)
class MarkedEquity:
    """The account at the close of every candle, in stake currency.

    `exposure` is the gross value of all positions, `margin` their entry cost / leverage; `fees` and
    `funding` are cumulative (fees positive, funding positive when received). `positions` are in
    base currency, negative when short; `worth` is what each is worth, negative when short, and
    `profits` what each pair has made so far, marked, after fees and funding. `carried` counts, per
    pair, the candles in which something was held while its close was unknown.
    """

    seconds: Ints
    cash: Floats
    inventory: Floats
    exposure: Floats
    margin: Floats
    fees: Floats
    funding: Floats
    positions: Mapping[str, Floats]
    worth: Mapping[str, Floats]
    profits: Mapping[str, Floats]
    carried: Mapping[str, int]

    @property
    def equity(self) -> Floats:
        """Cash plus inventory."""
        return self.cash + self.inventory


def grid_of(start: int, end: int, step: int) -> Ints:
    """Return the opening times of all candles from `start` to `end`, both included."""
    return np.arange(start, end + 1, step, dtype=np.int64)


def marks_of(candles: Mapping[str, Candles], grid: Ints) -> Marks:
    """Put each pair's closes on the grid; an unknown one carries the last known."""
    closes, known = {}, {}
    for pair, frame in candles.items():
        exact = _on_grid(frame, grid)
        known[pair] = ~np.isnan(exact)
        closes[pair] = carried_forward(exact)
    return Marks(grid, closes, known)


def _on_grid(frame: Candles, grid: Ints) -> Floats:
    found = np.full(len(grid), np.nan)
    if len(frame.seconds) and len(grid):
        at = np.searchsorted(grid, frame.seconds)
        inside = at < len(grid)
        inside[inside] = grid[at[inside]] == frame.seconds[inside]
        found[at[inside]] = frame.close[inside]
    return np.where(found > 0, found, np.nan)


def carried_forward(values: Floats) -> Floats:
    """Replace each NaN by the last number before it; leading ones stay."""
    latest = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(latest >= 0, values[np.maximum(latest, 0)], np.nan)


def marked_equity(run: Run, marks: Marks, charges: list[Charges]) -> MarkedEquity:
    """Rebuild the account from the fills, the closes and the funding payments of each trade."""
    grid = marks.seconds
    cash = np.full(len(grid), run.starting_balance)
    inventory, exposure, margin, fees, funding = (np.zeros(len(grid)) for _ in range(5))
    positions, worth, profits, carried = {}, {}, {}, {}
    for pair in sorted({trade.pair for trade in run.trades}):
        book = _Book.of([trade for trade in run.trades if trade.pair == pair], grid)
        close = np.where(np.isnan(marks.closes[pair]), book.last_price, marks.closes[pair])
        held = book.position != 0
        value = np.where(held, book.position * close, 0.0)
        paid = _funding_of(pair, run, charges, grid)
        cash += book.cash
        inventory += value
        exposure += np.abs(value)
        margin += book.margin
        fees += book.fees
        funding += paid
        positions[pair], worth[pair] = book.position, value
        profits[pair] = book.cash + value + paid
        carried[pair] = int((held & ~marks.known[pair]).sum())
    by_pair = positions, worth, profits, carried
    return MarkedEquity(grid, cash + funding, inventory, exposure, margin, fees, funding, *by_pair)


@dataclass(frozen=True, slots=True)
class _Book:
    """Cumulative sums of one pair's fills on the grid."""

    position: Floats
    cash: Floats
    fees: Floats
    margin: Floats
    last_price: Floats

    @classmethod
    def of(cls, trades: list[TradeRecord], grid: Ints) -> "_Book":
        fills = [fill for trade in trades for fill in trade.fills]
        at = candle_index(grid, np.array([fill.seconds for fill in fills], dtype=np.int64))

        def summed(values: list[float]) -> Floats:
            return np.bincount(at, weights=values, minlength=len(grid)).cumsum()

        amounts = [fill.signed_amount for fill in fills]
        position = summed(amounts)
        # Sums of thousands of decimal amounts leave 1e-12 where nothing is held.
        traded = np.bincount(at, weights=np.abs(amounts), minlength=len(grid)).cumsum()
        position[np.abs(position) <= 1e-12 * np.maximum(traded, 1.0)] = 0.0
        margin = summed([part for trade in trades for part in margin_changes(trade)])
        margin[position == 0] = 0.0
        return cls(
            position,
            summed([fill.cash_flow for fill in fills]),
            summed([fill.fee for fill in fills]),
            margin,
            _last_prices(at, [fill.price for fill in fills], len(grid)),
        )


def _last_prices(at: Ints, prices: list[float], length: int) -> Floats:
    """Price of the latest fill, for marks before the first known close."""
    latest = np.full(length, np.nan)
    latest[at] = prices
    return carried_forward(latest)


def margin_changes(trade: TradeRecord) -> list[float]:
    """Return what each fill adds to the margin: entries their cost, exits their share of it."""
    held = cost = 0.0
    changes = []
    for fill in trade.fills:
        if fill.is_entry:
            change = fill.amount * fill.price
            held += fill.amount
        else:
            change = -cost * min(1.0, fill.amount / held) if held > 0 else 0.0
            held = max(0.0, held - fill.amount)
        cost += change
        changes.append(change / trade.leverage)
    return changes


def candle_index(grid: Ints, seconds: Ints) -> Ints:
    """Index of the candle that holds each time; times outside go to the nearest end."""
    return np.clip(np.searchsorted(grid, seconds, "right") - 1, 0, len(grid) - 1)


def _funding_of(pair: str, run: Run, charges: list[Charges], grid: Ints) -> Floats:
    """Return what a pair's trades have received so far."""
    booked = np.zeros(len(grid))
    for trade, paid in zip(run.trades, charges, strict=True):
        if trade.pair == pair:
            booked += _funding_on_grid(trade, paid, grid)
    return booked.cumsum()


def _funding_on_grid(trade: TradeRecord, paid: Charges, grid: Ints) -> Floats:
    booked = np.zeros(len(grid))
    np.add.at(booked, candle_index(grid, paid.seconds), paid.amounts)
    if trade.fills and paid.unexplained:
        booked[candle_index(grid, np.array([trade.fills[-1].seconds]))] += paid.unexplained
    return booked
