"""The simulated source: prices as one function of (seed, coin, time), read in several ways."""

from collections.abc import Mapping

import numpy as np

from sandbox import books, candles, timeframes
from sandbox.candles import Window
from sandbox.instruments import Instrument, Market, known
from sandbox.memory import Remembered
from sandbox.simulation import cycle as cycles
from sandbox.simulation import paths
from sandbox.simulation import premium as premiums
from sandbox.simulation.cycle import EPOCH_MS
from sandbox.simulation.profiles import COINS, profile_named
from sandbox.simulation.randomness import BOOK, stream
from sandbox.simulation.trading import Day, trade_day
from sandbox.source import Book, Kind, Premium, Tape
from sandbox.timeframes import DAY_MS, HOUR_MS, MINUTE_MS

_MARKETS: tuple[Market, ...] = ("spot", "futures")
_LAST_MS = EPOCH_MS + (cycles.DAYS - 2) * DAY_MS
_BOOK_SHARE_OF_MINUTE = 0.3  # of a minute's usual volume rests on a level near the price


class SimulatedMarket:
    """Everything the exchange serves, worked out on demand from the seed and the time."""

    rounds_to_tick = True

    def __init__(self, seed: int = 7, profile: str = "steady") -> None:
        self.seed, self.profile = seed, profile_named(profile)
        self.cycle = cycles.build(seed, self.profile)
        self._listed = {market: _listing(market) for market in _MARKETS}
        self._coins = {
            coin.base(market) + "USDT": index
            for index, coin in enumerate(COINS)
            for market in _MARKETS
        }
        # How many days of one coin each keeps, of 0.35, 0.75, 0.01, 0.12 and 0.002 MB.
        self._path = Remembered(self._draw_path, 8)
        self._day = Remembered(self._draw_day, 32)
        self._premium = Remembered(self._draw_premium, 64)
        self._minutes = Remembered(self._draw_minutes, 64)
        self._hours = Remembered(self._draw_hours, 20_000)

    def instruments(self, market: Market) -> Mapping[str, Instrument]:
        """Every coin against USDT, on both markets."""
        return self._listed[market]

    def candles(
        self, market: Market, symbol: str, kind: Kind, timeframe: str, window: Window, now: int
    ) -> np.ndarray:
        """Candles of any kind; the running one holds what has traded until now."""
        span = _span(window, timeframe, now)
        if span is None:
            return candles.no_rows()
        first_day, last_day = ((time - EPOCH_MS) // DAY_MS for time in span)
        coarse = timeframes.LENGTH_MS[timeframe] >= HOUR_MS
        finer = self._hours if coarse else self._minutes
        blocks = [
            finer(market, symbol, kind, day)
            if EPOCH_MS + (day + 1) * DAY_MS <= now
            else self._today(market, symbol, kind, day, now)
            for day in range(first_day, last_day + 1)
        ]
        return window.cut(candles.aggregate(np.concatenate(blocks), timeframe))

    def day(self, market: Market, symbol: str, now: int) -> np.ndarray:
        """Minute candles of the last 24 hours."""
        first = timeframes.open_of(now, "1m") - DAY_MS + MINUTE_MS
        window = Window(first, None, paths.MINUTES)
        return self.candles(market, symbol, "last", "1m", window, now)

    def trades(
        self, market: Market, symbol: str, window: Window, from_id: int | None, now: int
    ) -> Tape:
        """One trade every two seconds: its id is the number of such steps since the epoch."""
        newest = _step(now)
        if from_id is not None:
            first, last = from_id, from_id + window.limit - 1
        elif window.start is not None:
            first = -(-(window.start - EPOCH_MS) // paths.STEP_MS)
            last = min(first + window.limit - 1, _step(window.end or now))
        else:
            last = _step(window.end or now)
            first = last - window.limit + 1
        return self._tape(market, symbol, max(0, first), min(newest, last))

    def book(self, market: Market, symbol: str, levels: int, now: int) -> Book:
        """Build a book around the last trade, drawn from the seed, the coin and the trade."""
        step = _step(now)
        tape = self._tape(market, symbol, step, step)
        rng = stream(self.seed, BOOK, self._coins[symbol], step)
        coin = COINS[self._coins[symbol]]
        amount = coin.daily_turnover / 1440 / tape.prices[0] * _BOOK_SHARE_OF_MINUTE
        instrument = self._listed[market][symbol]
        book = books.around(rng, instrument, tape.prices[0], bool(tape.sold[0]), amount)
        return book.top(levels)

    def funding(self, symbol: str, window: Window, now: int) -> np.ndarray:
        """Settlements every eight hours, from the average premium of the hours before."""
        every = premiums.FUNDING_INTERVAL_MS
        first, last = _settlements(window, now)
        times = np.arange(first, last + 1, every, dtype=np.int64)
        rates = [self._rate(symbol, int(time)) for time in times]
        marks = [self._settled_mark(symbol, int(time)) for time in times]
        return window.cut(np.column_stack([times, rates, marks]))

    def premium(self, symbol: str, now: int) -> Premium:
        """Prices now, and the funding rate that the running interval would settle at."""
        following = (now // premiums.FUNDING_INTERVAL_MS + 1) * premiums.FUNDING_INTERVAL_MS
        rate = self._rate(symbol, following, now)
        mark, index = (self._at(symbol, kind, now) for kind in ("mark", "index"))
        return Premium(mark, index, rate, following)

    def open_interest(self, symbol: str, period: str, window: Window, now: int) -> np.ndarray:
        """Open interest at each period's start, over the whole history."""
        rows = self.candles("futures", symbol, "last", period, window, now)
        times, price = rows[:, candles.TIME], rows[:, candles.OPEN]
        amount = premiums.open_interest(self.cycle, self._coins[symbol], times, price)
        return np.column_stack([times, amount, amount * price])

    def describe(self, now: int) -> dict[str, object]:
        """Profile, seed and the regimes by date, so that a backtest can be aimed at one."""
        spells = [spell.as_text() for spell in self.cycle.spells]
        return {
            "source": "simulated",
            "profile": self.profile.name,
            "seed": self.seed,
            "pairs": [f"{coin.name}/USDT" for coin in COINS],
            "regimes": [
                {"regime": name, "from": timeframes.iso(first), "to": timeframes.iso(after)}
                for name, first, after in spells
                if first <= now
            ],
        }

    def _draw_path(self, coin: int, day: int) -> paths.Path:
        return paths.draw(self.seed, self.profile, self.cycle, coin, day)

    def _draw_day(self, market: Market, symbol: str, day: int) -> Day:
        coin = self._coins[symbol]
        path = self._path(coin, day)
        log_price = path.log_price
        if market == "futures":
            log_price = log_price + _spread(self._premium(coin, day)) + _bundled(coin)
        return trade_day(
            self.seed, coin, day, log_price, path.intensity, self._listed[market][symbol], market
        )

    def _draw_premium(self, coin: int, day: int) -> np.ndarray:
        return premiums.minute_premium(self.seed, self.cycle, coin, day)

    def _draw_minutes(self, market: Market, symbol: str, kind: Kind, day: int) -> np.ndarray:
        start = EPOCH_MS + day * DAY_MS
        if kind == "last":
            return self._day(market, symbol, day).minutes(start)
        return _price_minutes(self._values(symbol, kind, day), start)

    def _values(self, symbol: str, kind: Kind, day: int) -> np.ndarray:
        """Mark, index or premium at every step of a day, shape (minutes, steps)."""
        coin = self._coins[symbol]
        premium = _spread(self._premium(coin, day))
        if kind == "premium":
            return np.round(premium, 8)
        log_price = self._path(coin, day).log_price + _bundled(coin)
        return np.round(np.exp(log_price + premium if kind == "mark" else log_price), 8)

    def _draw_hours(self, market: Market, symbol: str, kind: Kind, day: int) -> np.ndarray:
        return candles.aggregate(self._minutes(market, symbol, kind, day), "1h")

    def _today(self, market: Market, symbol: str, kind: Kind, day: int, now: int) -> np.ndarray:
        """Minutes of an unfinished day, the last holding only what has happened."""
        start = EPOCH_MS + day * DAY_MS
        minute, steps = (now - start) // MINUTE_MS, (now % MINUTE_MS) // paths.STEP_MS + 1
        whole = self._minutes(market, symbol, kind, day)[:minute]
        if kind == "last":
            running = self._day(market, symbol, day).running(start, minute, steps)
        else:
            values = self._values(symbol, kind, day)[minute : minute + 1, :steps]
            running = _price_minutes(values, start + minute * MINUTE_MS)
        return np.concatenate([whole, running])

    def _tape(self, market: Market, symbol: str, first: int, last: int) -> Tape:
        if last < first:
            return Tape.empty()
        days = range(first // paths.DAY_STEPS, last // paths.DAY_STEPS + 1)
        parts = [
            self._day(market, symbol, day).tape(
                max(first - day * paths.DAY_STEPS, 0), last - day * paths.DAY_STEPS
            )
            for day in days
        ]
        ids = np.arange(first, last + 1, dtype=np.int64)
        times = EPOCH_MS + ids * paths.STEP_MS
        prices, amounts, sold = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Tape(ids, times, prices, amounts, sold)

    def _at(self, symbol: str, kind: Kind, time: int) -> float:
        day, within = divmod(_step(time), paths.DAY_STEPS)
        return float(self._values(symbol, kind, day).flat[within])

    def _settled_mark(self, symbol: str, time: int) -> float:
        """Look the mark price up at a full hour."""
        day, within = divmod(time - EPOCH_MS, DAY_MS)
        hours = self._hours("futures", symbol, "mark", day)
        return float(hours[within // HOUR_MS, candles.OPEN])

    def _rate(self, symbol: str, settled: int, now: int | None = None) -> float:
        """Funding rate at a settlement, from the premium seen until then (or until now)."""
        start = settled - premiums.FUNDING_INTERVAL_MS
        day, within = divmod(start - EPOCH_MS, DAY_MS)
        until = (min(settled, now or settled) - start) // MINUTE_MS
        first = within // MINUTE_MS
        premium = self._premium(self._coins[symbol], day)[first : first + max(1, until)]
        return round(premiums.funding_rate(float(premium.mean())), 8)


def _listing(market: Market) -> dict[str, Instrument]:
    found = (known(coin.base(market), "USDT", market) for coin in COINS)
    return {instrument.symbol: instrument for instrument in found if instrument}


def _bundled(coin: int) -> float:
    """Difference of the log price of a coin's perpetual from the coin's own."""
    return float(np.log(COINS[coin].bundle))


def _step(time: int) -> int:
    """Count two-second steps since the epoch: the id of the trade in force."""
    return (time - EPOCH_MS) // paths.STEP_MS


def _spread(premium: np.ndarray) -> np.ndarray:
    """Spread the premium over every step, gliding from one minute's node to the next."""
    share = np.arange(paths.STEPS) / paths.STEPS
    return premium[:-1, None] + np.diff(premium)[:, None] * share


def _price_minutes(values: np.ndarray, start: int) -> np.ndarray:
    """Minute candles without volume, from values of shape (minutes, steps)."""
    rows = np.zeros((len(values), candles.COLUMNS))
    rows[:, candles.TIME] = start + np.arange(len(values)) * MINUTE_MS
    rows[:, candles.OPEN], rows[:, candles.CLOSE] = values[:, 0], values[:, -1]
    rows[:, candles.HIGH], rows[:, candles.LOW] = values.max(axis=1), values.min(axis=1)
    rows[:, candles.COUNT] = values.shape[1]
    return rows


def _span(window: Window, timeframe: str, now: int) -> tuple[int, int] | None:
    """First and last millisecond of data that the window needs; None when it is empty."""
    end = min(now, _LAST_MS if window.end is None else window.end, _LAST_MS)
    length = timeframes.LENGTH_MS[timeframe]
    if window.start is None:
        first = timeframes.open_of(max(EPOCH_MS, end - length * (window.limit - 1)), timeframe)
    else:
        first = timeframes.open_of(max(EPOCH_MS, window.start), timeframe)
        end = min(end, first + length * (window.limit + 1))
    last = timeframes.close_of(timeframes.open_of(end, timeframe), timeframe) - 1
    last = min(last, now)
    return (max(first, EPOCH_MS), last) if first <= last else None


def _settlements(window: Window, now: int) -> tuple[int, int]:
    """First and last settlement that the window can hold."""
    every = premiums.FUNDING_INTERVAL_MS
    earliest = EPOCH_MS + every
    last = min(now, window.end or now) // every * every
    if window.start is None:
        return max(earliest, last - (window.limit - 1) * every), last
    first = max(earliest, -(-window.start // every) * every)
    return first, min(last, first + (window.limit - 1) * every)
