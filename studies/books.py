"""Order books: what order flow explains, walls planted and found, and what analyze() says."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridkit.analytics import book_flow, flow, trades
from gridkit.analytics.book_flow import Quotes
from gridkit.analytics.books import ASK, BID, PRICE, SIZE, Book, mid
from gridkit.analytics.walls import Wall, standing, walls
from gridkit.settings import Settings
from studies import pictures
from studies.data import public_trades
from studies.recorded import RECORDED, Recorded, book_at, recorded
from studies.scoring import explained
from studies.tables import Table, count, number, percent, table

SETTINGS = Settings()
MULTIPLE = SETTINGS.orderflow.wall_multiple
INTERVALS = (1, 5, 10, 30, 60)  # seconds
LEVELS = (1, 10)
PLANTED = (0.15, 0.20, 0.25, 0.33)
PLANTINGS = 1_000
BEFORE = (10, 20, 30)  # seconds, at which a wall that stands rested too
HORIZONS = (10, 60)  # seconds after an analysis
PAST_SECONDS = 300.0
SHOWN = (600.0, 1_800.0)  # seconds from the first book


def tables(data: Path) -> list[Table]:
    """R² by interval, walls, and the directions of analyze()."""
    books = [recorded(data, name) for name in RECORDED]
    return [_flow(books), _walls(books), _analyses(data, books)]


def picture(data: Path) -> Figure:
    """Depth with walls that stood, and order flow against the middle, over minutes."""
    book = recorded(data, "ETH/BTC spot")
    begin, end = np.searchsorted(book.quotes.times, book.quotes.times[0] + np.array(SHOWN))
    times = book.quotes.times[begin:end]
    figure, (top, middle, bottom) = pictures.sheet(
        "Order books, ETH/BTC spot, 25 levels, 1 November 2020", (2.8, 1.1, 1.1), height=7.0
    )
    _draw_depth(top, book, np.arange(begin, end, 5))
    top.plot(_dates(times), _middles(book.quotes)[begin:end], color="black", label="middle")
    pictures.legend(top, 4)
    edges = np.arange(times[0], times[-1], 10.0)
    for axis, values, colour, name in (
        (middle, _summed(book, 10, edges), pictures.BLUE, "order flow\nin 10 s, ETH"),
        (bottom, _moved(book, edges), pictures.ORANGE, "change of the\nmiddle, ticks"),
    ):
        axis.bar(_dates(edges[1:]), values, width=-10 / 86_400, align="edge", color=colour)
        axis.set_ylabel(name)
    return figure


def _draw_depth(axis: Axes, book: Recorded, places: np.ndarray) -> None:
    """Shade each price by the size that rests there, and mark the walls that stood."""
    quotes = book.quotes
    dates = _dates(quotes.times[places])
    sides = (
        (quotes.bid_price, quotes.bid_size, "Blues", pictures.BLUE, "bids"),
        (quotes.ask_price, quotes.ask_size, "Oranges", pictures.ORANGE, "asks"),
    )
    for prices, sizes, shades, colour, name in sides:
        ticks = np.round(prices[places] / book.tick).astype("int64")
        grid = np.full((ticks.max() - ticks.min() + 1, len(places)), np.nan)
        grid[ticks - ticks.min(), np.arange(len(places))[:, None]] = np.log(sizes[places])
        rows = np.arange(ticks.min(), ticks.max() + 1) * book.tick
        axis.pcolormesh(dates, rows, grid, cmap=shades, shading="nearest", vmin=-2, vmax=6)
        axis.scatter([], [], marker="s", color=colour, label=f"{name} (darker: larger)")
    stood = [
        (date, wall.price)
        for date, place in zip(dates, places, strict=True)
        for wall in _standing(book, int(place))
    ]
    if stood:
        moments, at = zip(*stood, strict=True)
        axis.scatter(moments, at, s=7, color=pictures.GREEN, label="walls that stood")
    axis.set_ylabel("price, BTC")


def _dates(seconds: np.ndarray) -> np.ndarray:
    return (seconds * 1e9).astype("int64").astype("datetime64[ns]")


def _middles(quotes: Quotes) -> np.ndarray:
    return (quotes.bid_price[:, 0] + quotes.ask_price[:, 0]) / 2


def _moved(book: Recorded, edges: np.ndarray) -> np.ndarray:
    """Change of the middle in ticks, in each interval."""
    places = np.searchsorted(book.quotes.times, edges, side="right") - 1
    return np.diff(_middles(book.quotes)[places]) / book.tick


def _summed(book: Recorded, levels: int, edges: np.ndarray) -> np.ndarray:
    quotes = book.quotes
    arrays = (quotes.bid_price, quotes.bid_size, quotes.ask_price, quotes.ask_size)
    best = Quotes(quotes.times, *(array[:, :levels] for array in arrays))
    return book_flow.summed(book_flow.total_flow(best), quotes.times, edges)


def _flow(books: list[Recorded]) -> Table:
    rows = []
    for book in books:
        for seconds in INTERVALS:
            edges = np.arange(book.quotes.times[0], book.quotes.times[-1], float(seconds))
            moved = _moved(book, edges)
            flows = [_summed(book, levels, edges) for levels in LEVELS]
            same = [percent(explained(each, moved)) for each in flows]
            later = [percent(explained(each[:-1], moved[1:])) for each in flows]
            row = [f"{book.name}, {seconds} s", count(len(moved)), *same, *later]
            rows.append(row)
    columns = ["book, interval", "intervals", "best level", "10 levels"]
    columns += ["next, best level", "next, 10 levels"]
    title = (
        "R² of the middle's change by the order flow of the same interval, and of the one before"
    )
    return table(title, columns, rows)


def _walls(books: list[Recorded]) -> Table:
    rows = []
    for book in books:
        sampled = [book_at(book.quotes, place) for place in range(0, len(book.quotes.times), 20)]
        found = [percent(_planting(sampled, share)) for share in PLANTED]
        levels = sum(len(each.bids) + len(each.asks) - 2 for each in sampled)
        alarms = sum(len(walls(each, MULTIPLE)) for each in sampled) / levels
        rows.append([book.name, *found, percent(alarms), percent(_stood(book))])
    planted = [f"{share:.0%} of its side" for share in PLANTED]
    columns = ("book", *planted, "walls unplanted", "of them standing 30 s")
    title = (
        f"Of {PLANTINGS:,} walls planted behind the best price, the share found at multiple "
        f"{MULTIPLE:g}; walls per level in the books as they are"
    )
    return table(title, columns, rows)


def _planting(books: list[Book], share: float) -> float:
    """Share of planted walls that are found: any level of any side of any book."""
    noise, hits = np.random.default_rng(7), 0
    for _ in range(PLANTINGS):
        book, side = books[noise.integers(len(books))], int(noise.choice([BID, ASK]))
        rows = {BID: book.bids.copy(), ASK: book.asks.copy()}
        level = int(noise.integers(1, len(rows[side])))
        rows[side][level, SIZE] += share * rows[side][1:, SIZE].sum()
        found = walls(Book(rows[BID], rows[ASK]), MULTIPLE)
        hits += (side, rows[side][level, PRICE]) in {(wall.side, wall.price) for wall in found}
    return hits / PLANTINGS


def _stood(book: Recorded) -> float:
    """Share of the walls that rested at three moments of the half minute before too."""
    times = book.quotes.times
    places = range(int(np.searchsorted(times, times[0] + max(BEFORE))), len(times), 30)
    stood = sum(len(_standing(book, place)) for place in places)
    return stood / sum(len(walls(book_at(book.quotes, place), MULTIPLE)) for place in places)


def _standing(book: Recorded, place: int) -> tuple[Wall, ...]:
    times = book.quotes.times
    befores = np.searchsorted(times, [times[place] - ago for ago in BEFORE])
    earlier = [book_at(book.quotes, int(before)) for before in befores]
    return standing(walls(book_at(book.quotes, place), MULTIPLE), earlier)


def _analyses(data: Path, books: list[Recorded]) -> Table:
    rows = []
    for book in books:
        found = _analyzed(data, book)
        pointed = found[found["direction"] != 0]
        row = [book.name, count(len(found)), percent((found["direction"] != 0).mean())]
        row.append(number(found["strength"].median()))
        for horizon in HORIZONS:
            went = (pointed[f"{horizon} s"] * pointed["direction"]).dropna()
            row += [percent((went > 0).mean()), percent((went < 0).mean())]
            row.append(number(went.mean() * 1e4, 2))
        rows.append([*row, number(found["spread"].median() * 1e4, 2)])
    columns = ["book", "analyses", "with a direction", "strength, median"]
    for horizon in HORIZONS:
        columns += [f"right after {horizon} s", "wrong", "mean move, bps"]
    title = "analyze() every 10 s, and where the middle went afterwards"
    return table(title, (*columns, "spread, bps"), rows)


def _analyzed(data: Path, book: Recorded) -> pd.DataFrame:
    """Analyse as a bot would that sees a book every other second, from five minutes on."""
    quotes, tape = book.quotes, public_trades(data, book.trades)
    middles, rows = _middles(quotes), []
    for now in np.arange(quotes.times[0] + PAST_SECONDS, quotes.times[-1] - HORIZONS[0], 10.0):
        moments = np.arange(now - PAST_SECONDS, now + 1.0, 2.0)
        places = np.unique(np.searchsorted(quotes.times, moments, side="right") - 1)
        seen = [book_at(quotes, int(place)) for place in places if place >= 0]
        said = flow.analyze(
            seen[-1], seen[:-1], trades.tape(tape, int(now * 1_000), SETTINGS), SETTINGS, now
        )
        row = {"direction": said.direction, "strength": said.strength}
        row["spread"] = said.measures.spread
        for horizon in HORIZONS:
            after = np.searchsorted(quotes.times, now + horizon, side="right") - 1
            known = now + horizon <= quotes.times[-1]
            row[f"{horizon} s"] = middles[after] / mid(seen[-1]) - 1 if known else np.nan
        rows.append(row)
    return pd.DataFrame(rows)
