"""Estimators of volatility: against a truth that was simulated, and beside each other."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from gridkit import candles
from gridkit.analytics import volatility
from gridkit.analytics.estimators import of_atr
from gridkit.settings import Settings
from studies import pictures
from studies.data import Window, between, window
from studies.forecasts import estimates
from studies.scoring import positive, quality
from studies.simulation import ANNUAL, walk
from studies.tables import Table, number, percent, table

SETTINGS = Settings()
NAMES = ("close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang", "ewma", "atr")
DAYS = 1_000
CANDLES_PER_DAY = 288
STEPS = (20, 200)
REAL = (
    ("spot 2022-23", "BTC", "5m"),
    ("spot 2022-23", "DOGE", "5m"),
    ("spot 2022-23", "BTC", "1h"),
    ("spot 2025", "BTC", "1m"),
)
JUDGED = ("BTC", "DOGE")


def tables(data: Path) -> list[Table]:
    """Bias and efficiency where the truth is known; ratios and forecasts on real candles."""
    real = [_beside_each_other(data), _forecasts(data)]
    return [_simulated(), *real]


def picture(data: Path) -> Figure:
    """Two weeks around the crash of November 2022."""
    frame = window(data, "spot 2022-23").candles("BTC", "5m")
    annual = between(_annual(frame).assign(date=frame["date"]), "2022-11-03", "2022-11-17")
    hours = between(window(data, "spot 2022-23").candles("BTC", "1h"), "2022-11-03", "2022-11-17")
    figure, (top, middle, bottom) = pictures.sheet(
        "Estimators of volatility, BTC/USDT spot, 5m candles, 24 hours back", (2, 2, 1.4)
    )
    pictures.candlesticks(top, hours, "USDT, 1h candles")
    dates = pictures.moments(annual)
    shown = {name: annual[name].to_numpy() for name in ("close", "parkinson", "yang_zhang", "ewma")}
    pictures.lines(middle, dates, shown, "annual volatility")
    pictures.in_percent(middle)
    ratios = {
        f"{name} / close": (annual[name] / annual["close"]).to_numpy()
        for name in ("parkinson", "garman_klass", "rogers_satchell", "yang_zhang", "atr")
    }
    pictures.lines(bottom, dates, ratios, "ratio")
    bottom.axhline(1.0, color=pictures.GREY, linewidth=0.8)
    return figure


def _annual(frame: pd.DataFrame) -> pd.DataFrame:
    """All estimates as annual volatility, the ATR's too."""
    found = volatility.compute(frame, SETTINGS).astype("float64")
    found.columns = [name.removeprefix("volatility_") for name in found]
    found["atr"] = of_atr(found["atr"].to_numpy(), candles.times(frame))
    return found


def _simulated() -> Table:
    rows = {name: [name] for name in NAMES}
    for steps in STEPS:
        found = _annual(walk(300, steps, DAYS * CANDLES_PER_DAY))[
            CANDLES_PER_DAY::CANDLES_PER_DAY
        ].dropna()
        of_closes = (found["close"] ** 2).var()
        for name, row in rows.items():
            variance = found[name] ** 2
            mean = (variance.mean() / ANNUAL**2) ** 0.5
            scaled = (variance / mean**2).var()
            row += [percent(mean - 1), number(of_closes / scaled, 1)]
    titles = [f"{what}, {steps} steps" for steps in STEPS for what in ("bias", "efficiency")]
    title = (
        f"{DAYS:,} simulated days of 5m candles, each a random walk of so many steps; "
        "efficiency: how many times less variance than close, its bias removed"
    )
    return table(title, ("estimator", *titles), rows.values())


def _beside_each_other(data: Path) -> Table:
    ratios = [_ratios(window(data, name), coin, frame) for name, coin, frame in REAL]
    rows = [[name, *(number(each[name]) for each in ratios)] for name in NAMES]
    titles = [f"{coin} {timeframe}, {name}" for name, coin, timeframe in REAL]
    return table("Median of each estimate over close's", ("estimator", *titles), rows)


def _ratios(market: Window, coin: str, timeframe: str) -> pd.Series:
    annual = _annual(market.candles(coin, timeframe))
    return annual.div(annual["close"], axis=0).median()


def _forecasts(data: Path) -> Table:
    """Each as a forecast of the next day."""
    rows = [[name] for name in NAMES]
    for coin in JUDGED:
        known = estimates(data, "spot 2022-23", coin)
        base = window(data, "spot 2022-23").candles(coin, "5m")
        annual = _annual(base).set_axis(base["date"] + pd.Timedelta("5min"))
        said = annual.reindex(known.hours["date"] + pd.Timedelta("1h"))
        usable = positive(known.next_day, *said.to_numpy().T)
        for row in rows:
            found = quality(said[row[0]].to_numpy(), known.next_day, usable)
            row += [number(found.qlike, 3), percent(found.rmse), percent(found.bias)]
    titles = [f"{coin} {what}" for coin in JUDGED for what in ("QLIKE", "RMSE", "bias")]
    title = "As a forecast of the next 24 hours (5m candles, every hour, spot 2022-23)"
    return table(title, ("estimator", *titles), rows)
