"""Adaptive thresholds: how far and how often they move, and whether rightly."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gridkit.analytics import thresholds
from gridkit.settings import Settings
from studies import pictures
from studies.data import Window, between, window, windows
from studies.tables import Table, count, number, percent, table

SETTINGS = Settings()
CALM, WILD = 0.8, 1.3
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def tables(data: Path) -> list[Table]:
    """Measure how the multiplier is distributed, and what it knows of the next day."""
    rows = [row for market in windows(data) for row in _rows(market)]
    columns = ("coin", "hours", *(f"{part:.0%}" for part in QUANTILES), "mean", "changes a day")
    columns = (*columns, "rank correlation", f"after < {CALM}", f"after > {WILD}")
    title = (
        "The multiplier where the percentile is known: quantiles, changes of a hundredth or more; "
        "its rank correlation with the next 24 hours' volatility, and the median of that volatility"
    )
    return [table(title, columns, rows)]


def picture(data: Path) -> Figure:
    """Candles, the percentile of the ATR, and the multiplier."""
    hours = window(data, "spot 2022-23").candles("BTC", "1h")
    shown = between(hours, "2022-10-28", "2022-11-28")
    found = thresholds.compute(hours, SETTINGS).loc[shown.index]
    dates = pictures.moments(shown)
    figure, (top, middle, bottom) = pictures.sheet(
        "Adaptive thresholds, BTC/USDT spot, 1h candles", (2, 1.3, 1.3)
    )
    pictures.candlesticks(top, shown, "USDT")
    middle.plot(dates, found["thresholds_percentile"], color=pictures.BLUE, linewidth=1.2)
    middle.set_ylabel("percentile of\nthe 24 h ATR")
    bottom.step(dates, found["thresholds_multiplier"], where="post", color=pictures.ORANGE)
    bottom.axhline(1.0, color=pictures.GREY, linewidth=0.8)
    bottom.set_ylabel("multiplier")
    return figure


def _rows(market: Window) -> list[list[str]]:
    """Return a row per coin; a single one for a window too short for any."""
    rows = [[f"{coin} {market.name}", *_of_coin(market, coin)] for coin in market.pairs()]
    known = [row for row in rows if len(row) > 1]
    return known or [[market.name, "0", *[number(np.nan)] * (len(QUANTILES) + 5)]]


def _of_coin(market: Window, coin: str) -> list[str]:
    hours = market.candles(coin, "1h")
    found = thresholds.compute(hours, SETTINGS)
    known = found["thresholds_percentile"].notna()
    if not known.any():
        return []
    multiplier = found.loc[known, "thresholds_multiplier"].astype("float64")
    changes = len(thresholds.changes(found[known], SETTINGS.thresholds)) / len(multiplier) * 24
    came = _next_day(hours)[known]
    calm, wild = (came[kept].median() for kept in (multiplier < CALM, multiplier > WILD))
    return [
        count(len(multiplier)),
        *(number(multiplier.quantile(part)) for part in QUANTILES),
        number(multiplier.mean()),
        number(changes, 1),
        number(multiplier.corr(came, method="spearman")),
        percent(calm),
        percent(wild),
    ]


def _next_day(hours: pd.DataFrame) -> pd.Series:
    """Annual volatility of the 24 hours after each, by hourly closes."""
    squares = np.log(hours["close"]).diff() ** 2
    return np.sqrt(squares.rolling(24).sum().shift(-24) * 365)
