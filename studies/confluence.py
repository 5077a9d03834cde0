"""Confluence of four timeframes: how often they agree, and whether it predicts."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gridkit import candles
from gridkit.analytics import confluence, scores
from gridkit.analytics.scores_parts import Extras
from gridkit.settings import Settings
from studies import pictures
from studies.data import Window, between, window
from studies.scoring import Outcome, forward, outcomes
from studies.tables import Table, number, percent, table

SETTINGS = Settings()
BASE = "5m"
BASE_SECONDS = candles.seconds_of(BASE)
WEIGHTS = SETTINGS.confluence.weights_for(BASE)
LONG = ("spot 2022-23", "futures 2023-24")
HORIZONS = {"1 h": 3_600, "4 h": 14_400, "24 h": 86_400}
STATES = {(1.0, 1): "up, 1.0", (0.7, 1): "up, 0.7", (0.0, 0): "none, 0"} | {
    (0.7, -1): "down, 0.7",
    (1.0, -1): "down, 1.0",
}


def tables(data: Path) -> list[Table]:
    """Shares of confidence; what followed each direction; what the score explains."""
    return [_shares(data), _what_followed(data), _explained(data)]


def picture(data: Path) -> Figure:
    """Candles, the scores of the timeframes, and their confluence."""
    market = window(data, "futures 2023-24")
    base = market.candles("BTC", BASE)
    found = between(measured(market, "BTC"), "2023-10-16", "2023-10-30")
    single = _scores(market, "BTC")[0].loc[found.index]
    hours = between(market.candles("BTC", "1h"), "2023-10-16", "2023-10-30")
    figure, (top, middle, bottom) = pictures.sheet(
        "Confluence, BTC/USDT perpetual, 5m base (drawn: 1h candles)", (2, 1.6, 1.6)
    )
    pictures.candlesticks(top, hours, "USDT")
    dates = pictures.moments(base.loc[found.index])
    slow = {name: single[name].to_numpy() for name in ("1h", "4h")}
    pictures.lines(middle, dates, slow, "score of a\ntimeframe")
    pictures.lines(bottom, dates, {"score of all": found["confluence_score"].to_numpy()}, "-1 … 1")
    signal = found["confluence_confidence"] * found["confluence_direction"]
    bottom.fill_between(
        dates,
        signal,
        step="post",
        color=pictures.ORANGE,
        alpha=0.5,
        linewidth=0,
        label="confidence, by direction",
    )
    pictures.legend(bottom, 2)
    return figure


@cache
def measured(market: Window, coin: str) -> pd.DataFrame:
    """Return the columns of confluence and the dates of the base candles."""
    scored, ages = _scores(market, coin)
    found = confluence.combine(scored, ages, WEIGHTS, SETTINGS)
    return found.assign(date=market.candles(coin, BASE)["date"])


@cache
def _scores(market: Window, coin: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and ages of the timeframes, on the base candles; funding where there is any."""
    base = market.candles(coin, BASE)
    extras = Extras(funding=market.funding(coin)) if market.futures else Extras()
    scored, ages = pd.DataFrame(index=base.index), pd.DataFrame(index=base.index)
    for timeframe in WEIGHTS:
        frame, seconds = market.candles(coin, timeframe), candles.seconds_of(timeframe)
        score = scores.compute(frame, SETTINGS, extras)["scores_score"]
        scored[timeframe], ages[timeframe] = confluence.seen_from(
            base, BASE_SECONDS, frame, seconds, score
        )
    return scored, ages


def _shares(data: Path) -> Table:
    rows = []
    for name in LONG:
        market = window(data, name)
        for coin in market.pairs():
            found = _settled(market, coin)
            confidence = found["confluence_confidence"]
            shares = [percent((confidence == value).mean()) for value in (1.0, 0.7, 0.0)]
            directions = [percent((found["confluence_direction"] == way).mean()) for way in (1, -1)]
            changes = (found["confluence_direction"].diff() != 0).mean() * 288
            rows.append([f"{coin} {name}", *shares, *directions, number(changes, 1)])
    columns = ("coin", "all agree, 1.0", "three, 0.7", "none, 0", "up", "down", "changes a day")
    return table("Share of 5m candles by confidence and direction", columns, rows)


def _settled(market: Window, coin: str) -> pd.DataFrame:
    """Return the candles from where every timeframe is known."""
    found = measured(market, coin)
    return found[_scores(market, coin)[0].notna().all(axis=1)]


def _what_followed(data: Path) -> Table:
    seconds = HORIZONS["4 h"]
    rows = []
    for name in LONG:
        said = _said(window(data, name), seconds)
        for state, each in zip(STATES.values(), _judged(said, seconds), strict=True):
            values = (percent(each.share), percent(each.mean, 3), percent(each.rises))
            rows.append([f"{name}, {state}", *values, number(each.t, 1)])
    columns = ("direction, confidence", "share", "mean return", "rises", "t")
    return table("The 4 hours after a direction, all coins", columns, rows)


def _judged(said: pd.DataFrame, seconds: int) -> list[Outcome]:
    return outcomes(said, STATES.values(), seconds)


def _said(market: Window, seconds: int) -> pd.DataFrame:
    parts = []
    for coin in market.pairs():
        found = _settled(market, coin)
        close = market.candles(coin, BASE)["close"].to_numpy()
        pairs = zip(found["confluence_confidence"], found["confluence_direction"], strict=True)
        parts.append(
            pd.DataFrame(
                {
                    "date": found["date"] + pd.Timedelta("5min"),
                    "state": [STATES[pair] for pair in pairs],
                    "score": found["confluence_score"],
                    "forward": forward(close, seconds // BASE_SECONDS)[found.index],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _explained(data: Path) -> Table:
    """Score against return: correlation, and what following the direction would have brought."""
    rows = []
    for name in LONG:
        for horizon, seconds in HORIZONS.items():
            said = _said(window(data, name), seconds).dropna(subset=["forward"])
            sides = said["state"].str.startswith("up").astype(int) - said["state"].str.startswith(
                "down"
            )
            followed = (sides * said["forward"])[sides != 0]
            rows.append(
                [
                    f"{name}, {horizon}",
                    number(float(np.corrcoef(said["score"], said["forward"])[0, 1]), 3),
                    percent(followed.mean(), 3),
                    percent((followed > 0).mean()),
                ]
            )
    columns = ("window, horizon", "correlation with the score", "mean, followed", "right")
    title = "The score against the return that followed, and the direction followed (before costs)"
    return table(title, columns, rows)
