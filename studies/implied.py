"""The option market: what its index says of the month to come, and asks for it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from studies import pictures
from studies.data import between
from studies.forecasts import COINS, estimates
from studies.scoring import positive, quality
from studies.tables import Table, count, number, percent, table

SPOT = "spot 2022-23"
FORECASTS = {"DVOL": "implied", "realised 24 h": "realised", "GARCH": "garch"}


def tables(data: Path) -> list[Table]:
    """DVOL against the 30 days it speaks of, of bitcoin and scaled to other coins."""
    rows = [
        row for name, coins in COINS.items() for coin in coins for row in _rows(data, name, coin)
    ]
    columns = ("coin, forecast", "hours", "mean forecast", "mean that came", "QLIKE", "bias")
    title = "Of the next 30 days' volatility; coins without an index: DVOL by the month's ratio"
    return [table(title, (*columns, "correlation of logs"), rows)]


def picture(data: Path) -> Figure:
    """Candles, DVOL beside the past's volatility and the month that came."""
    found = estimates(data, SPOT, "BTC")
    shown = between(found.hours, "2023-03-01", "2023-04-01")
    rows, dates = shown.index, pictures.moments(shown)
    figure, (top, middle, bottom) = pictures.sheet(
        "Option market: Deribit's DVOL as it was known, BTC/USDT spot", (2, 2, 1.2)
    )
    pictures.candlesticks(top, shown, "USDT, 1h candles")
    columns = {
        "DVOL, next 30 days": found.parts["implied"][rows],
        "realised, last 24 h": found.parts["realised"][rows],
        "the 30 days that came": found.next_month[rows],
    }
    pictures.lines(middle, dates, columns, "annual volatility")
    pictures.in_percent(middle)
    premium = found.parts["implied"] - found.next_month
    bottom.plot(dates, premium[rows], color=pictures.BLUE, linewidth=1.2)
    bottom.axhline(0.0, color=pictures.GREY, linewidth=0.8)
    bottom.set_ylabel("DVOL less\nwhat came")
    pictures.in_percent(bottom)
    return figure


def _rows(data: Path, name: str, coin: str) -> list[list[str]]:
    found = estimates(data, name, coin)
    usable = positive(found.next_month, *(found.parts[part] for part in FORECASTS.values()))
    if not usable.any():
        return []
    return [
        _row(f"{coin} {name}, {said}", found.parts[part], found.next_month, usable)
        for said, part in FORECASTS.items()
        if coin == "BTC" or part == "implied"
    ]


def _row(title: str, said: np.ndarray, came: np.ndarray, usable: np.ndarray) -> list[str]:
    judged = quality(said, came, usable)
    return [
        title,
        count(judged.hours),
        percent(float(said[usable].mean())),
        percent(float(came[usable].mean())),
        number(judged.qlike, 3),
        percent(judged.bias),
        number(judged.correlation),
    ]
