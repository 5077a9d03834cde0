"""Stress: how often, how much, and whether wild days follow."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gridkit import candles
from gridkit.analytics import correlation, scores_parts, stress
from gridkit.settings import Settings
from studies import pictures
from studies.data import Window, between, hourly, window
from studies.forecasts import COINS, estimates
from studies.tables import Table, number, percent, table

SETTINGS = Settings()
HOURS = SETTINGS.stress.window_days * 24
START = SETTINGS.stress.percentile
PARTS = ("liquidity", "correlation", "funding")
CRASH = ("2022-11-08", "2022-11-11")


def tables(data: Path) -> list[Table]:
    """Shares of hours under each stress, and the factor with what followed."""
    found = {
        (name, coin): measured(window(data, name), coin)
        for name, coins in COINS.items()
        for coin in coins
    }
    return [_shares(found), _what_followed(data, found)]


def picture(data: Path) -> Figure:
    """Candles, the three stresses, and the factors on the gap."""
    market = window(data, "futures 2023-24")
    found = measured(market, "BTC")
    shown = between(market.candles("BTC", "1h"), "2024-02-20", "2024-03-20")
    found, dates = found.loc[shown.index], pictures.moments(shown)
    figure, (top, middle, bottom) = pictures.sheet(
        "Stress and liquidity, BTC/USDT perpetual, 1h candles", (2, 1.6, 1.6)
    )
    pictures.candlesticks(top, shown, "USDT")
    pictures.lines(middle, dates, {name: found[name].to_numpy() for name in PARTS}, "stress, 0 … 1")
    factors = {
        "factor by stress": found["factor"].to_numpy(),
        "factor by liquidity": found["liquidity factor"].to_numpy(),
    }
    pictures.lines(bottom, dates, factors, "factor on the gap")
    return figure


def measured(market: Window, coin: str) -> pd.DataFrame:
    """Return each stress, the factor of all, and the factor of liquidity, on hourly candles."""
    hours = market.candles(coin, "1h")
    thin = stress.compute(hours, SETTINGS)
    parts = {
        "liquidity": thin["stress_liquidity"].to_numpy("float64"),
        "correlation": _correlation(market).reindex(hours["date"]).to_numpy(),
        "funding": _funding(market, coin, hours),
    }
    factor = stress.combined(*(parts[name] for name in ("funding", "correlation", "liquidity")))
    columns = {"date": hours["date"], **parts, "factor": factor}
    return pd.DataFrame(columns | {"liquidity factor": thin["stress_liquidity_factor"]})


def _correlation(market: Window) -> pd.Series:
    returns = correlation.returns(hourly(market))
    mean = correlation.mean_pairwise(returns, SETTINGS)["correlation_mean"]
    return pd.Series(stress.stressed(mean.to_numpy(), HOURS, START), index=returns.index)


def _funding(market: Window, coin: str, hours: pd.DataFrame) -> np.ndarray:
    """Of the rate in force at each hour's close."""
    if not market.futures:
        return np.full(len(hours), np.nan)
    rates = market.funding(coin)
    closes = candles.times(hours) + candles.SECONDS_PER_HOUR
    in_force, _ = scores_parts.latest(candles.moments(rates.index), rates.to_numpy(), closes)
    return stress.funding_stress(in_force, HOURS, START)


def _shares(found: dict[tuple[str, str], pd.DataFrame]) -> Table:
    rows = []
    for (name, coin), columns in found.items():
        known = columns.dropna(subset=["liquidity"])
        shares = [percent(_share(known[part])) for part in PARTS]
        factor = known["factor"]
        size = (number(factor.mean()), number(factor.quantile(0.95)))
        crash = between(known, *CRASH)["factor"].mean()
        rows.append([f"{coin} {name}", *shares, *size, number(crash)])
    columns = (
        "coin", *PARTS, "factor, mean", "factor, 95 %", "mean 8-10 Nov 2022",
    )  # fmt: skip
    return table("Share of hours under each stress, and the factor of all together", columns, rows)


def _share(column: pd.Series) -> float:
    known = column.dropna()
    return float((known > 0).mean()) if len(known) else np.nan


def _what_followed(data: Path, found: dict[tuple[str, str], pd.DataFrame]) -> Table:
    rows = []
    for (name, coin), columns in found.items():
        both = columns.assign(came=estimates(data, name, coin).next_day).dropna(
            subset=["factor", "came"]
        )
        calm, wild = (both["came"][kept].median() for kept in _calm_and_wild(both["factor"]))
        ranks = [
            both[part].corr(both["came"], method="spearman") if both[part].notna().any() else np.nan
            for part in ("factor", *PARTS)
        ]
        values = [percent(calm), percent(wild), *(number(rank) for rank in ranks)]
        rows.append([f"{coin} {name}", *values])
    columns = ("coin", "factor 1", "above 1", "rank correlation", *PARTS)
    title = "Volatility of the next 24 hours: median at factor 1 and above, and rank correlation"
    return table(title, columns, rows)


def _calm_and_wild(factor: pd.Series) -> tuple[pd.Series, pd.Series]:
    return factor <= 1.0, factor > 1.0
