"""The composite of four estimates: how good it is beside its parts, and what its classes say."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gridkit.analytics import forecast
from gridkit.analytics.forecast import VolatilityRegime, regime_of
from gridkit.settings import Settings
from studies import pictures
from studies.data import between
from studies.forecasts import COINS, Estimates, estimates
from studies.scoring import positive, quality
from studies.tables import Table, number, percent, table

BOUNDS = Settings().volatility.regimes
PARTS = ("implied", "basket", "garch", "realised")
FORECASTS = (*PARTS, "composite", "without basket")
SPOT = "spot 2022-23"
CLASSES = [kind for kind in VolatilityRegime if kind != VolatilityRegime.UNKNOWN]


def tables(data: Path) -> list[Table]:
    """Forecasts of the next day in both windows, and the classes."""
    judged = [_forecasts(data, name) for name in COINS]
    return [*judged, _classes(data)]


def picture(data: Path) -> Figure:
    """Candles, the four parts and their composite, and the class."""
    found = estimates(data, SPOT, "BTC")
    shown = between(found.hours, "2023-03-01", "2023-04-01")
    rows, dates = shown.index, pictures.moments(shown)
    figure, (top, middle, bottom) = pictures.sheet(
        "Composite forecast and its class, BTC/USDT spot, 1h candles", (2, 2.2, 1)
    )
    pictures.candlesticks(top, shown, "USDT")
    parts = {name: values[rows] for name, values in found.parts.items()}
    pictures.lines(middle, dates, parts, "annual volatility")
    composite = found.composite[rows]
    middle.plot(dates, composite, color="black", linewidth=1.8, label="composite")
    pictures.legend(middle, len(PARTS) + 1)
    pictures.in_percent(middle)
    bottom.step(dates, regime_of(composite, BOUNDS), where="post", color=pictures.BLUE)
    bottom.set_yticks([*CLASSES], [_named(kind) for kind in CLASSES])
    bottom.set_ylabel("class")
    return figure


def _forecasts(data: Path, name: str) -> Table:
    """Judge all in the hours in which all are known."""
    rows = [[said] for said in FORECASTS]
    biases: list[list[float]] = [[] for _ in FORECASTS]
    coins = COINS[name]
    for coin in coins:
        found = estimates(data, name, coin)
        said = {**found.parts, "composite": found.composite, "without basket": _rest(found)}
        usable = positive(found.next_day, *said.values())
        for row, bias in zip(rows, biases, strict=True):
            judged = quality(said[row[0]], found.next_day, usable)
            row.append(f"{number(judged.qlike, 3)} / {percent(judged.rmse)}")
            bias.append(judged.bias)
    for row, bias in zip(rows, biases, strict=True):
        row.append(percent(float(np.mean(bias))))
    title = f"{name}: forecast of the next 24 hours' volatility, QLIKE / RMSE, and the mean bias"
    return table(title, ("forecast", *coins, "bias"), rows)


def _rest(found: Estimates) -> np.ndarray:
    parts = {name: values for name, values in found.parts.items() if name != "basket"}
    return forecast.composite(parts, Settings().volatility.weights)


def _classes(data: Path) -> Table:
    rows = []
    for name in COINS:
        for coin in ("BTC", COINS[name][-1]):
            found = estimates(data, name, coin)
            rows += [
                [f"{coin} {name}, {_named(kind)}", *_of_class(found, kind)] for kind in CLASSES
            ]
    columns = ("class", "hours", "next 24 h, median", "a tenth below", "a tenth above")
    return table("Classes of the composite, and the volatility that followed", columns, rows)


def _of_class(found: Estimates, kind: VolatilityRegime) -> list[str]:
    classes = regime_of(found.composite, BOUNDS)
    known = classes != VolatilityRegime.UNKNOWN
    came = found.next_day[(classes == kind) & np.isfinite(found.next_day)]
    share = percent(float(np.mean(classes[known] == kind)))
    if not len(came):
        return [share, *[number(np.nan)] * 3]
    return [share, *(percent(float(np.quantile(came, part))) for part in (0.5, 0.1, 0.9))]


def _named(kind: VolatilityRegime) -> str:
    return kind.name.lower().replace("_", "-")
