"""Market regimes by both methods: how often each, how long, and what follows."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gridkit.analytics import regime
from gridkit.analytics.regime import Regime
from gridkit.settings import RegimeSettings, Settings
from studies import pictures
from studies.data import Window, between, window, windows
from studies.scoring import forward, outcomes
from studies.simulation import walk
from studies.tables import Table, count, number, percent, table

METHODS = {
    method: Settings(regime=RegimeSettings(method=method)) for method in ("adx", "composite")
}
HOUR, HOURS_PER_DAY = 3_600, 24
TOSSES = 20
STEPS, WALKED = 60, 40_000  # of a random walk: steps an hour, hours
LONG = ("spot 2022-23", "futures 2023-24")
CRASH = ("2022-11-08", "2022-11-11")
DANGEROUS = [kind for kind in Regime if "VOLATILE" in kind.name or "BEARISH" in kind.name]


def tables(data: Path) -> list[Table]:
    """Shares in all windows, the crash, and the day that followed."""
    return [_shares(data), _crash(data), *(_what_followed(data, method) for method in METHODS)]


def picture(data: Path) -> Figure:
    """Candles, the regime by both methods, and the numbers of the first."""
    hours = window(data, "spot 2022-23").candles("BTC", "1h")
    shown = between(hours, "2022-10-28", "2022-11-19")
    dates = pictures.moments(shown)
    figure, (top, upper, lower, bottom) = pictures.sheet(
        "Market regimes, BTC/USDT spot, 1h candles", (2.2, 1.2, 1.2, 1.3), height=7.5
    )
    pictures.candlesticks(top, shown, "USDT")
    for axis, (method, settings) in zip((upper, lower), METHODS.items(), strict=True):
        codes = regime.compute(hours, settings)["regime_code"][shown.index].to_numpy()
        kinds = [kind for kind in Regime if (codes == kind).any()]
        places = [kinds.index(Regime(code)) for code in codes]
        axis.scatter(dates, places, s=9, marker="s", color=pictures.BLUE, linewidths=0)
        axis.set_yticks(range(len(kinds)), [_named(kind) for kind in kinds], fontsize=8)
        axis.set_ylim(-0.6, len(kinds) - 0.4)
        axis.set_ylabel(f"method\n{method}")
    numbers = regime.compute(hours, METHODS["adx"]).loc[shown.index]
    columns = {
        "ADX": numbers["regime_adx"].to_numpy(),
        "ATR percentile": numbers["regime_atr_percentile"].to_numpy(),
        "Bollinger width percentile": numbers["regime_width_percentile"].to_numpy(),
    }
    pictures.lines(bottom, dates, columns, "0 … 100")
    return figure


def _shares(data: Path) -> Table:
    kinds = list(Regime)
    rows = []
    for market in windows(data):
        for method, settings in METHODS.items():
            codes = [_codes(market, coin, settings) for coin in market.pairs()]
            rows.append([f"{market.name}, {method}", *_of_window(codes, kinds)])
    chance = walk(HOUR, STEPS, WALKED)
    for method, settings in METHODS.items():
        rows.append([f"a random walk, {method}", *_of_window([_known(chance, settings)], kinds)])
    columns = ("window, method", "hours", *map(_named, kinds), "changes a day", "one hour only")
    title = (
        "Shares of hours, all coins of a window, after the warm-up; how often the regime changes, "
        "and the share of stays that last one hour"
    )
    return table(title, columns, rows)


def _codes(market: Window, coin: str, settings: Settings) -> np.ndarray:
    return _known(market.candles(coin, "1h"), settings)


def _known(hours: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Regimes of hourly candles after the warm-up."""
    found = regime.compute(hours, settings)["regime_code"].to_numpy()
    return found[regime.warmup(settings, HOUR) - 1 :]


def _of_window(codes: list[np.ndarray], kinds: list[Regime]) -> list[str]:
    every = np.concatenate(codes)
    if not len(every):
        return ["0", *[number(np.nan)] * (len(kinds) + 2)]
    shares = [percent(float(np.mean(every == kind))) for kind in kinds]
    stays = np.concatenate([_stays(each) for each in codes])
    changes = (len(stays) - len(codes)) / len(every) * HOURS_PER_DAY
    return [count(len(every)), *shares, number(changes), percent(float(np.mean(stays == 1)))]


def _stays(codes: np.ndarray) -> np.ndarray:
    """Hours of each stay in one regime."""
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    return np.diff(begins, append=len(codes))


def _crash(data: Path) -> Table:
    market = window(data, "spot 2022-23")
    rows = []
    for coin in market.pairs():
        for method, settings in METHODS.items():
            hours = market.candles(coin, "1h")
            found = regime.compute(hours, settings).assign(date=hours["date"])
            codes = between(found, *CRASH)["regime_code"]
            rows.append([f"{coin}, {method}", *_of_days(codes)])
    columns = ("coin, method", "hours", *map(_named, Regime), "volatile or bearish")
    return table("8 to 10 November 2022 (the fall of FTX): hours in each regime", columns, rows)


def _of_days(codes: pd.Series) -> list[str]:
    shares = [count(int((codes == kind).sum())) for kind in Regime]
    return [count(len(codes)), *shares, percent(codes.isin(DANGEROUS).mean())]


def _what_followed(data: Path, method: str) -> Table:
    rows = []
    for name in LONG:
        market = window(data, name)
        said = pd.concat([_said(market, coin, method) for coin in market.pairs()])
        kinds = [kind for kind in Regime if (said["state"] == kind).any()]
        for kind, each in zip(kinds, outcomes(said, kinds, 86_400), strict=True):
            rows.append(
                [
                    f"{name}, {_named(kind)}",
                    percent(each.mean, 2),
                    percent(each.rises),
                    number(each.t, 1),
                    percent(said["volatility"][said["state"] == kind].median()),
                    number(said["straight"][said["state"] == kind].mean()),
                    number(said["tossed"][said["state"] == kind].mean()),
                ]
            )
    columns = (
        "regime",
        "mean return",
        "rises",
        "t",
        "volatility, median",
        "straightness",
        "by chance",
    )
    title = (
        f"The 24 hours after each hour, method {method}, all coins; straightness: size of the "
        "move over the root of its squared hours; by chance: the same hours, signs by coin toss"
    )
    return table(title, columns, rows)


def _said(market: Window, coin: str, method: str) -> pd.DataFrame:
    hours, settings = market.candles(coin, "1h"), METHODS[method]
    returns = np.log(hours["close"]).diff()
    squares = (returns**2).rolling(HOURS_PER_DAY).sum().shift(-HOURS_PER_DAY)
    moved = forward(hours["close"].to_numpy(), HOURS_PER_DAY)
    said = pd.DataFrame(
        {
            "date": hours["date"] + pd.Timedelta("1h"),
            "state": regime.compute(hours, settings)["regime_code"],
            "forward": moved,
            "volatility": np.sqrt(squares * 365),
            "straight": np.abs(moved) / np.sqrt(squares),
            "tossed": _tossed(returns) / np.sqrt(squares),
        }
    )
    return said[regime.warmup(settings, HOUR) - 1 :]


def _tossed(returns: pd.Series) -> pd.Series:
    """Mean size of the next day's move, had each hour gone up or down by a coin toss."""
    noise, size = np.random.default_rng(7), returns.abs()
    tossed = (size * noise.choice([-1.0, 1.0], len(size)) for _ in range(TOSSES))
    moves = [each.rolling(HOURS_PER_DAY).sum().shift(-HOURS_PER_DAY).abs() for each in tossed]
    return sum(moves) / TOSSES


def _named(kind: Regime) -> str:
    return kind.name.lower().replace("_", " ")
