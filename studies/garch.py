"""GARCH: whether it is arch's, and what it knows of the next hour."""

from pathlib import Path

import numpy as np
import pandas as pd
from arch import arch_model
from matplotlib.figure import Figure

from gridkit import candles
from gridkit.analytics import garch, volatility
from gridkit.settings import Settings
from studies import pictures
from studies.data import between, window
from studies.forecasts import Estimates, estimates
from studies.scoring import positive, quality
from studies.tables import Table, count, number, percent, table

SETTINGS = Settings()
WINDOW, REFIT = 2_160, 168  # hours; the defaults
SPOT = "spot 2022-23"
JUDGED = ("BTC", "ETH", "DOGE")
PER_YEAR = 8_760
INTEGRATED = 0.9999  # alpha + beta from which variance reverts to nothing


def tables(data: Path) -> list[Table]:
    """Against arch's own figures; as a forecast of the next hour and day."""
    return [_beside_arch(data), _of_the_next_hour(data)]


def picture(data: Path) -> Figure:
    """Candles, the forecast beside the past's volatility, and the hours that came."""
    found = estimates(data, SPOT, "BTC")
    shown = between(found.hours, "2023-03-05", "2023-03-26")
    rows = shown.index
    figure, (top, middle, bottom) = pictures.sheet(
        "GARCH(1,1), BTC/USDT spot, 1h candles, forecast of the next hour", (2, 2, 1.4)
    )
    pictures.candlesticks(top, shown, "USDT")
    dates = pictures.moments(shown)
    columns = {
        "GARCH, next hour": found.parts["garch"][rows],
        "realised, last 24 h": found.parts["realised"][rows],
    }
    pictures.lines(middle, dates, columns, "annual volatility")
    pictures.in_percent(middle)
    bottom.bar(dates, found.next_hour[rows], width=1 / 24, color=pictures.GREY)
    bottom.set_ylabel("the hour that came,\nannual volatility")
    pictures.in_percent(bottom)
    return figure


def _beside_arch(data: Path) -> Table:
    rows = [
        [f"{coin}, {name}", *_differences(window(data, name).candles(coin, "1h"))]
        for name, coin in ((SPOT, "BTC"), (SPOT, "ETH"), ("futures 2023-24", "BTC"))
    ]
    columns = (
        "hours of",
        "fits",
        "refused",
        "persistence 1",
        "hours",
        "median difference",
        "largest",
    )
    title = (
        "Forecasts against arch's conditional volatility, fitted by arch itself on the same hours "
        "and carried through the week (relative difference)"
    )
    return table(title, columns, rows)


def _differences(hours: pd.DataFrame) -> list[str]:
    found = garch.compute(hours, SETTINGS)["garch_volatility"].to_numpy("float64")
    whole = candles.times(hours) / 3_600
    returns = np.log(hours["close"].to_numpy()[1:] / hours["close"].to_numpy()[:-1])
    regular = np.diff(whole) == 1
    apart, persistences, refused = [], [], 0
    for anchor in np.flatnonzero(whole % REFIT == 0):
        # Weeks with a hole are left out: arch knows no missing hours.
        if anchor < WINDOW or not regular[anchor - WINDOW : anchor + REFIT].all():
            continue
        theirs, persistence = _by_arch(returns[anchor - WINDOW :][: WINDOW + REFIT])
        persistences.append(persistence)
        ours = found[anchor : anchor + len(theirs)]
        refused += int(np.isnan(ours).any())
        apart.append(ours / theirs - 1)
    gaps = np.abs(np.concatenate(apart))
    sizes = (percent(float(np.nanmedian(gaps)), 4), percent(float(np.nanmax(gaps)), 3))
    integrated = float(np.mean(np.array(persistences) >= INTEGRATED))
    fits = (count(len(persistences)), count(refused), percent(integrated))
    return [*fits, count(len(gaps)), *sizes]


def _by_arch(returns: np.ndarray) -> tuple[np.ndarray, float]:
    """Annual volatility of each hour after the first window, and alpha + beta of its fit."""
    options = {"mean": "Zero", "vol": "GARCH", "p": 1, "q": 1, "rescale": False}
    fit = arch_model(returns[:WINDOW] * 100, **options).fit(disp="off")
    carried = arch_model(returns * 100, **options).fix(fit.params)
    annual = carried.conditional_volatility[WINDOW:] / 100 * np.sqrt(PER_YEAR)
    return annual, float(fit.params["alpha[1]"] + fit.params["beta[1]"])


def _of_the_next_hour(data: Path) -> Table:
    rows = []
    for coin in JUDGED:
        found = estimates(data, SPOT, coin)
        forecasts = {"garch": found.parts["garch"], "realised 24 h": found.parts["realised"]}
        forecasts["ewma 12 h"] = _ewma(data, coin, found)
        usable = positive(found.next_hour, *forecasts.values())
        for name, said in forecasts.items():
            judged = quality(said, found.next_hour, usable)
            rows.append(
                [
                    f"{coin}, {name}",
                    count(judged.hours),
                    number(judged.qlike, 3),
                    percent(judged.rmse),
                    percent(judged.bias),
                    number(judged.correlation),
                ]
            )
    columns = ("forecast", "hours", "QLIKE", "RMSE", "bias", "correlation of logs")
    return table(f"Of the next hour's volatility (by its twelve 5m closes, {SPOT})", columns, rows)


def _ewma(data: Path, coin: str, found: Estimates) -> np.ndarray:
    base = window(data, SPOT).candles(coin, "5m")
    values = volatility.compute(base, SETTINGS)["volatility_ewma"].to_numpy("float64")
    known = pd.Series(values, index=base["date"] + pd.Timedelta("5min"))
    return known.reindex(found.hours["date"] + pd.Timedelta("1h")).to_numpy()
