"""The whitelist's volatility together: who weighs what, and how it differs from one coin's."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from gridkit.analytics import basket
from gridkit.settings import Settings
from studies import pictures
from studies.data import between, hourly, window
from studies.forecasts import estimates
from studies.tables import Table, number, percent, table

SETTINGS = Settings()
SPOT, FUTURES = "spot 2022-23", "futures 2023-24"


def tables(data: Path) -> list[Table]:
    """Weights over time, for both windows of many coins."""
    return [_weights(data, name) for name in (SPOT, FUTURES)]


def picture(data: Path) -> Figure:
    """Bitcoin's candles, the basket beside single coins, and the weights."""
    frames = hourly(window(data, SPOT))
    shown = between(frames["BTC"], "2022-11-01", "2022-11-22")
    figure, (top, middle, bottom) = pictures.sheet(
        "Basket: ten spot pairs by quote volume, 1h candles (BTC/USDT above)", (2, 2, 1.6)
    )
    pictures.candlesticks(top, shown, "USDT")
    dates = pictures.moments(shown)
    together = basket.volatility(frames, SETTINGS)["basket_volatility"]
    columns = {"basket": together.reindex(shown["date"]).to_numpy()}
    columns |= {coin: estimates(data, SPOT, coin).parts["realised"] for coin in ("BTC", "SOL")}
    columns = {
        name: values[shown.index] if len(values) > len(shown) else values
        for name, values in columns.items()
    }
    pictures.lines(middle, dates, columns, "annual volatility,\nlast 24 h")
    pictures.in_percent(middle)
    shares = basket.weights(frames, SETTINGS).reindex(shown["date"])
    largest = shares.mean().sort_values(ascending=False).index[:4]
    stacked = [*(shares[coin] for coin in largest), 1 - shares[largest].sum(axis=1)]
    names = [*largest, "other six"]
    colours = [*pictures.COLOURS[:4], pictures.GREY]
    bottom.stackplot(dates, *stacked, labels=names, colors=colours, linewidth=0)
    bottom.set_ylabel("weight")
    bottom.set_ylim(0, 1)
    pictures.in_percent(bottom)
    pictures.legend(bottom, len(names))
    return figure


def _weights(data: Path, name: str) -> Table:
    frames = hourly(window(data, name))
    shares = basket.weights(frames, SETTINGS).dropna()
    together = basket.volatility(frames, SETTINGS)["basket_volatility"]
    rows = [_row(coin, shares[coin], frames, together) for coin in frames]
    title = f"{name}: mean weight, hours left out, and how volatile the basket is beside the coin"
    columns = ("coin", "mean weight", "largest", "left out", "basket / coin, median", "correlation")
    return table(title, columns, rows)


def _row(
    coin: str, shares: pd.Series, frames: dict[str, pd.DataFrame], together: pd.Series
) -> list[str]:
    alone = basket.volatility({coin: frames[coin]}, SETTINGS)["basket_volatility"]
    both = pd.concat([together, alone], axis=1, keys=["basket", "coin"]).dropna()
    return [
        coin,
        percent(shares.mean()),
        percent(shares.max()),
        percent((shares == 0).mean()),
        number((both["basket"] / both["coin"]).median()),
        number(both["basket"].corr(both["coin"])),
    ]
