"""The recorded source: a freqtrade datadir, served as the history of an exchange.

Candles come from the file of their timeframe or, where there is none, from the coarsest finer
file that fills them. Nothing is served that was not recorded: no file, no candles. Prices stand
still at the last candle, so tickers and the book describe that moment.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from sandbox import books, candles, timeframes
from sandbox.candles import Window
from sandbox.instruments import Instrument, Market, inferred
from sandbox.memory import Remembered
from sandbox.recorded import files
from sandbox.recorded.files import Recording
from sandbox.source import Book, Kind, Premium, Tape
from sandbox.timeframes import DAY_MS, HOUR_MS

_SAMPLE_ROWS = 5000  # enough to see every decimal that a price of that coin uses
_FUNDING_INTERVAL_MS = 8 * HOUR_MS
_BOOK_SHARE_OF_DAY = 0.0002
_MINUTES_A_DAY = 1440


class RecordedMarket:
    """Files by what they hold. Each is checked at once and read when it is first asked for."""

    rounds_to_tick = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recordings = files.scan(folder)
        self._by_content = {
            (each.market, each.symbol, each.kind, each.timeframe): each for each in self.recordings
        }
        self._rows = Remembered(self._load_rows, 24)
        self._columns = Remembered(files.read_columns, 24)
        self._tapes = Remembered(self._load_tape, 4)

    @cached_property
    def _listed(self) -> dict[Market, dict[str, Instrument]]:
        listed: dict[Market, dict[str, Instrument]] = {"spot": {}, "futures": {}}
        for each in self.recordings:
            if each.symbol not in listed[each.market]:
                listed[each.market][each.symbol] = self._instrument(each)
        return listed

    def instruments(self, market: Market) -> Mapping[str, Instrument]:
        """Every pair of which any file lies in the folder."""
        return self._listed[market]

    def candles(
        self, market: Market, symbol: str, kind: Kind, timeframe: str, window: Window, now: int
    ) -> np.ndarray:
        """Give recorded rows; empty where neither this nor a finer timeframe was recorded."""
        rows = self._rows(market, symbol, kind, timeframe)
        return window.until(now).cut(rows)

    def day(self, market: Market, symbol: str, now: int) -> np.ndarray:
        """Give the last 24 hours there are, in the finest timeframe."""
        finest = self._finest(market, symbol, "last")
        if finest is None:
            return candles.no_rows()
        rows = Window(None, now, _MINUTES_A_DAY).cut(self._rows(market, symbol, "last", finest))
        return rows[rows[:, candles.TIME] > rows[-1, candles.TIME] - DAY_MS] if len(rows) else rows

    def trades(
        self, market: Market, symbol: str, window: Window, from_id: int | None, now: int
    ) -> Tape:
        """Give recorded trades; an empty tape where there is no file of them."""
        tape = self._tapes(market, symbol)
        if from_id is not None:
            first = int(np.searchsorted(tape.ids, from_id))
            return tape.cut(first, first + window.limit)
        first, after = window.until(now).bounds(tape.times)
        return tape.cut(first, after)

    def book(self, market: Market, symbol: str, levels: int, now: int) -> Book | None:
        """Give a book around the last close; None where no candle was recorded."""
        rows = self.day(market, symbol, now)
        if not len(rows):
            return None
        rng = np.random.default_rng(int(rows[-1, candles.TIME]))
        amount = rows[:, candles.VOLUME].sum() * _BOOK_SHARE_OF_DAY
        price, instrument = float(rows[-1, candles.CLOSE]), self._listed[market][symbol]
        sold = bool(rows[-1, candles.CLOSE] < rows[-1, candles.OPEN])
        return books.around(rng, instrument, price, sold, amount).top(levels)

    def funding(self, symbol: str, window: Window, now: int) -> np.ndarray:
        """Give recorded rates, with the mark price of their hour or 0."""
        recording = self._of("futures", symbol, "funding_rate")
        if recording is None:
            return np.empty((0, 3))
        rows = window.until(now).cut(self._columns(recording))
        return np.column_stack([rows[:, :2], self._marks(symbol, rows[:, 0])])

    def premium(self, symbol: str, now: int) -> Premium | None:
        """Prices and rate as they were last recorded; None where no candle was."""
        rows, funding = self.day("futures", symbol, now), self.funding(symbol, _LATEST, now)
        if not len(rows):
            return None
        price, rate = float(rows[-1, candles.CLOSE]), float(funding[-1, 1]) if len(funding) else 0.0
        following = (now // _FUNDING_INTERVAL_MS + 1) * _FUNDING_INTERVAL_MS
        return Premium(price, price, rate, following)

    def open_interest(self, symbol: str, period: str, window: Window, now: int) -> np.ndarray:
        """Give recorded open interest of exactly this period."""
        recording = self._by_content.get(("futures", symbol, "open_interest", period))
        if recording is None:
            return np.empty((0, 3))
        return window.until(now).cut(self._columns(recording))

    def describe(self, now: int) -> dict[str, object]:
        """Pairs and the timeframes recorded of each."""
        pairs: dict[str, list[str]] = {}
        for each in self.recordings:
            name = f"{each.base}/{each.quote}" + ("" if each.market == "spot" else f":{each.quote}")
            pairs.setdefault(name, []).append(f"{each.timeframe} {each.kind}".strip())
        return {"source": "recorded", "folder": str(self.folder), "pairs": pairs}

    def _load_rows(self, market: Market, symbol: str, kind: Kind, timeframe: str) -> np.ndarray:
        recording = self._by_content.get((market, symbol, kind, timeframe))
        if recording is not None:
            return files.read_candles(recording)
        finer = self._finer(market, symbol, kind, timeframe)
        if finer is None:
            return candles.no_rows()
        return candles.whole(self._rows(market, symbol, kind, finer), finer, timeframe)

    def _load_tape(self, market: Market, symbol: str) -> Tape:
        recording = self._by_content.get((market, symbol, files.TRADES, ""))
        if recording is None:
            return Tape.empty()
        table = files.read_trades(recording)
        return Tape(
            ids=_numbers(table["id"]),
            times=table["timestamp"].astype(np.int64),
            prices=table["price"].astype(float),
            amounts=table["amount"].astype(float),
            sold=table["side"] == "sell",
        )

    def _recorded(self, market: Market, symbol: str, kind: str) -> list[str]:
        """Timeframes on file, finest first."""
        found = [key[3] for key in self._by_content if key[:3] == (market, symbol, kind)]
        return sorted(found, key=lambda each: timeframes.LENGTH_MS[each])

    def _finest(self, market: Market, symbol: str, kind: str) -> str | None:
        return next(iter(self._recorded(market, symbol, kind)), None)

    def _finer(self, market: Market, symbol: str, kind: str, timeframe: str) -> str | None:
        """Coarsest timeframe on file whose candles fill the wanted one's without crossing it."""
        wanted = DAY_MS if timeframe == "1M" else timeframes.LENGTH_MS[timeframe]
        lengths = timeframes.LENGTH_MS
        found = self._recorded(market, symbol, kind)
        fitting = [each for each in found if each != timeframe and wanted % lengths[each] == 0]
        return fitting[-1] if fitting else None

    def _of(self, market: Market, symbol: str, kind: str) -> Recording | None:
        timeframe = self._finest(market, symbol, kind)
        return self._by_content[market, symbol, kind, timeframe] if timeframe else None

    def _marks(self, symbol: str, times: np.ndarray) -> np.ndarray:
        rows = self._rows("futures", symbol, "mark", "1h")
        if not len(rows):
            return np.zeros(len(times))
        place = np.minimum(np.searchsorted(rows[:, candles.TIME], times), len(rows) - 1)
        same = rows[place, candles.TIME] == times
        return np.where(same, rows[place, candles.OPEN], 0.0)

    def _instrument(self, recording: Recording) -> Instrument:
        market, symbol = recording.market, recording.symbol
        finest = self._finest(market, symbol, "last")
        rows = self._rows(market, symbol, "last", finest) if finest else candles.no_rows()
        sample = rows[-_SAMPLE_ROWS:]
        prices = sample[:, candles.OPEN : candles.VOLUME].ravel()
        volumes = sample[:, candles.VOLUME]
        if not len(sample):
            tape = self._tapes(market, symbol)
            prices, volumes = tape.prices[-_SAMPLE_ROWS:], tape.amounts[-_SAMPLE_ROWS:]
        return inferred(recording.base, recording.quote, market, prices, volumes)


_LATEST = Window(None, None, 1)


def _numbers(ids: np.ndarray) -> np.ndarray:
    """Trade ids as whole numbers; their places in the file where they are not."""
    try:
        return ids.astype(np.int64)
    except (ValueError, TypeError):
        return np.arange(len(ids))
