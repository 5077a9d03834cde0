"""The volume profile: where closes stand, how wide it is, and what follows."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gridkit.analytics import profile
from gridkit.settings import Settings
from studies import pictures
from studies.data import Window, between, window, windows
from studies.scoring import forward, outcomes
from studies.tables import Table, count, number, percent, table

SETTINGS = Settings()
LEVELS = ("profile_poc", "profile_vah", "profile_val")
BIASES = {"above": 1, "inside": 0, "below": -1}
DAY = 86_400
LONG = ("spot 2022-23", "futures 2023-24")


def tables(data: Path) -> list[Table]:
    """Shares and widths, 5m against 15m candles, and the day that followed."""
    return [_shares(data), _coarser(data), _what_followed(data)]


def picture(data: Path) -> Figure:
    """Candles with the levels, the bias and the nearness beneath, the profile of the last hour."""
    market = window(data, "spot 2022-23")
    frame = market.candles("BTC", "5m")
    found = _levels(market, "BTC", "5m").assign(date=frame["date"])
    found = between(found, "2023-03-10", "2023-03-31")
    dates = pictures.moments(found)
    figure, (top, middle, bottom) = pictures.sheet(
        "Volume profile of 7 days, BTC/USDT spot, 5m candles (drawn: 1h)", (3, 1, 1)
    )
    shown = between(market.candles("BTC", "1h"), "2023-03-10", "2023-03-31")
    pictures.candlesticks(top, shown, "USDT")
    names = ("POC", "value area high", "value area low")
    columns = {name: found[level].to_numpy() for name, level in zip(names, LEVELS, strict=True)}
    pictures.lines(top, dates, columns, "price, USDT")
    width = found["profile_vah"] / found["profile_val"] - 1
    middle.plot(dates, width, color=pictures.BLUE, linewidth=1.2)
    middle.set_ylabel("width of the\nvalue area")
    pictures.in_percent(middle)
    bottom.step(dates, found["profile_bias"], where="post", color=pictures.BLUE)
    bottom.set_yticks([1, 0, -1], ["above", "inside", "below"])
    bottom.set_ylabel("close and\nvalue area")
    return figure


@cache
def _levels(market: Window, coin: str, timeframe: str) -> pd.DataFrame:
    return profile.compute(market.candles(coin, timeframe), SETTINGS)


def _shares(data: Path) -> Table:
    rows = []
    for market in windows(data):
        for coin in market.pairs():
            found = _levels(market, coin, "5m")
            known = found[found["profile_poc"].notna()]
            shares = [percent((known["profile_bias"] == bias).mean()) for bias in BIASES.values()]
            width = known["profile_vah"] / known["profile_val"] - 1
            sizes = [percent(width.quantile(part)) for part in (0.1, 0.5, 0.9)]
            near = percent((known["profile_near"] != 0).mean())
            rows.append([f"{coin} {market.name}", count(len(known)), *shares, *sizes, near])
    columns = ("coin", "candles", *BIASES, "width, 10 %", "width, median", "90 %", "near a level")
    return table("Closes and the value area, its width, 5m candles", columns, rows)


def _coarser(data: Path) -> Table:
    rows = [
        [f"{coin} {name}", *_apart(window(data, name), coin)]
        for name in LONG
        for coin in window(data, name).pairs()[:3]
    ]
    columns = ("coin", "moments", "POC", "POC, 90 %", "VAH", "VAL", "same bias")
    return table("Levels by 15m candles against those by 5m: median difference", columns, rows)


def _apart(market: Window, coin: str) -> list[str]:
    one, other = (
        _levels(market, coin, timeframe).set_axis(
            market.candles(coin, timeframe)["date"] + pd.Timedelta(timeframe.replace("m", "min"))
        )
        for timeframe in ("5m", "15m")
    )
    both = one.join(other.add_suffix("_coarse"), how="inner")
    both = both.dropna(subset=["profile_poc", "profile_poc_coarse"])
    apart = [np.log(both[f"{level}_coarse"] / both[level]).abs() for level in LEVELS]
    same = (both["profile_bias"] == both["profile_bias_coarse"]).mean()
    medians = [percent(each.median(), 2) for each in apart]
    medians.insert(1, percent(apart[0].quantile(0.9), 2))
    return [count(len(both)), *medians, percent(same)]


def _what_followed(data: Path) -> Table:
    rows = []
    for name in LONG:
        market = window(data, name)
        said = pd.concat([_said(market, coin) for coin in market.pairs()], ignore_index=True)
        found = outcomes(said, BIASES.values(), DAY)
        for bias, each in zip(BIASES, found, strict=True):
            values = (percent(each.share), percent(each.mean, 2), percent(each.rises))
            rows.append([f"{name}, {bias}", *values, number(each.t, 1)])
    columns = ("close is", "share", "mean return", "rises", "t")
    return table("The 24 hours after a close above, inside or below, all coins", columns, rows)


def _said(market: Window, coin: str) -> pd.DataFrame:
    frame, found = market.candles(coin, "5m"), _levels(market, coin, "5m")
    closes = frame["date"] + pd.Timedelta("5min")
    moved = forward(frame["close"].to_numpy(), DAY // 300)
    said = pd.DataFrame({"date": closes, "state": found["profile_bias"], "forward": moved})
    return said[found["profile_poc"].notna()]
