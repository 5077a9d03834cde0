"""Correlation of ten spot pairs: how high, who with whom, and how little it diversifies."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from gridkit.analytics import correlation
from gridkit.settings import Settings
from studies import pictures
from studies.data import between, hourly, window
from studies.tables import Table, count, number, table

SETTINGS = Settings()
WINDOW = SETTINGS.correlation.window_days * 24
NAMES = ("spot 2022-23", "futures 2023-24")
CUTS = (0.6, 0.7, 0.8)
STEP = 168  # hours between two matrices


def tables(data: Path) -> list[Table]:
    """Measure the mean over time, clusters and diversification week by week, the matrix."""
    return [_over_time(data), _clusters(data), _matrix(data)]


def picture(data: Path) -> Figure:
    """Bitcoin's candles, the mean correlation, and the diversification ratio."""
    frames = hourly(window(data, NAMES[0]))
    returns = correlation.returns(frames)
    shown = between(frames["BTC"], "2022-10-25", "2022-11-25")
    mean = correlation.mean_pairwise(returns, SETTINGS)["correlation_mean"].reindex(shown["date"])
    figure, (top, middle, bottom) = pictures.sheet(
        "Correlation of ten spot pairs, hourly returns of 30 days (BTC/USDT above)", (2, 1.3, 1.3)
    )
    pictures.candlesticks(top, shown, "USDT, 1h candles")
    dates = pictures.moments(shown)
    middle.plot(dates, mean, color=pictures.BLUE, linewidth=1.4)
    middle.set_ylabel("mean correlation")
    ends = [returns.index.get_loc(date) for date in shown["date"][::6]]
    bottom.plot(dates[::6], [_ratio(returns, end) for end in ends], color=pictures.ORANGE)
    bottom.set_ylabel("diversification\nratio, equal weights")
    return figure


def _over_time(data: Path) -> Table:
    rows = []
    for name in NAMES:
        returns = correlation.returns(hourly(window(data, name)))
        mean = correlation.mean_pairwise(returns, SETTINGS)["correlation_mean"].dropna()
        ratios = pd.Series([_ratio(returns, end) for end in _ends(returns)])
        for what, values in (("mean correlation", mean), ("diversification ratio", ratios)):
            sizes = values.quantile([0.0, 0.1, 0.5, 0.9, 1.0])
            rows.append([f"{name}, {what}", count(len(values)), *map(number, sizes)])
    columns = ("window", "measured", "least", "10 %", "median", "90 %", "most")
    title = (
        "30 days of hourly returns: mean over all pairs of pairs (every hour), and the "
        "diversification ratio of equal weights (every week)"
    )
    return table(title, columns, rows)


def _ends(returns: pd.DataFrame) -> range:
    return range(WINDOW, len(returns), STEP)


def _ratio(returns: pd.DataFrame, end: int) -> float:
    part = returns.iloc[end + 1 - WINDOW : end + 1]
    weights = pd.Series(1 / part.shape[1], index=part.columns)
    found = correlation.matrix(part)
    return correlation.diversification_ratio(weights, part.std(), found)


def _clusters(data: Path) -> Table:
    rows = []
    for name in NAMES:
        returns = correlation.returns(hourly(window(data, name)))
        matrices = [
            correlation.matrix(returns.iloc[end + 1 - WINDOW : end + 1]) for end in _ends(returns)
        ]
        for cut in CUTS:
            found = [correlation.clusters(each, cut) for each in matrices]
            groups = pd.Series([len(each) for each in found])
            largest = pd.Series([max(map(len, each)) for each in found])
            last = max(found[-1], key=len)
            rows.append(
                [
                    f"{name}, above {cut}",
                    number(groups.mean(), 1),
                    number(largest.mean(), 1),
                    count(int(largest.max())),
                    " ".join(last) if len(last) > 1 else "none",
                ]
            )
    columns = ("window, cut", "groups, mean", "largest, mean", "largest ever", "largest at the end")
    return table("Clusters, week by week (a coin alone is a group)", columns, rows)


def _matrix(data: Path) -> Table:
    found = correlation.matrix(correlation.returns(hourly(window(data, NAMES[0]))))
    rows = [[coin, *(number(value) for value in found.loc[coin])] for coin in found.index]
    return table(f"Matrix over the whole of {NAMES[0]}", ("", *found.columns), rows)
