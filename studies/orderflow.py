"""Order flow from public trades: what it explains of the same candle, and of the next."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gridkit.analytics import orderflow
from gridkit.analytics.footprint import footprint, imbalances, stacks
from gridkit.analytics.trades import read, whales
from gridkit.settings import Settings
from studies import pictures
from studies.data import TAPES, public_trades
from studies.scoring import explained
from studies.tables import Table, count, number, percent, table

SETTINGS = Settings()
FLOW = SETTINGS.orderflow
CANDLES = (  # pair, seconds of a candle
    ("PEPE/USDT", 60),
    ("PEPE/USDT", 300),
    ("BTC/USDT", 10),
    ("BTC/USDT", 60),
    ("ETH/BTC", 60),
    ("BTC/USDT:USDT", 5),
    ("BTC/USDT:USDT", 10),
)


def tables(data: Path) -> list[Table]:
    """Shares explained, whales, and footprints."""
    return [_explained(data), _whales(data), _footprints(data)]


def picture(data: Path) -> Figure:
    """Draw a day of one pair in 5m candles."""
    frame, found = _measured(data, "PEPE/USDT", 300)
    shown = frame.assign(**{name: frame[name] * 1e6 for name in ("open", "high", "low", "close")})
    dates = pictures.moments(frame)
    figure, (top, upper, lower, bottom) = pictures.sheet(
        "Order flow from trades, PEPE/USDT spot, 5m candles", (2, 1.2, 1.2, 1.2), height=7.5
    )
    pictures.candlesticks(top, shown, "10⁻⁶ USDT")
    delta = found["orderflow_delta"] / 1e9
    colours = np.where(delta >= 0, pictures.BLUE, pictures.ORANGE)
    upper.bar(dates, delta, width=300 / 86_400, color=colours)
    upper.set_ylabel("delta,\n10⁹ PEPE")
    lower.plot(dates, found["orderflow_cvd"] / 1e9, color=pictures.BLUE, linewidth=1.2)
    lower.set_ylabel("cvd of 20\ncandles, 10⁹")
    shares = {
        "imbalance": found["orderflow_imbalance"].to_numpy(),
        "whales": found["orderflow_whale"].to_numpy(),
    }
    pictures.lines(bottom, dates, shares, "share of the\nvolume, -1 … 1")
    return figure


def candles_of(trades: pd.DataFrame, seconds: int) -> pd.DataFrame:
    """Return the candles in which something traded."""
    begins = trades["timestamp"] // (1_000 * seconds) * seconds
    grouped = trades.groupby(begins)
    found = grouped["price"].agg(["first", "max", "min", "last"])
    found.columns = ["open", "high", "low", "close"]
    found.insert(0, "date", pd.to_datetime(found.index, unit="s", utc=True))
    return found.assign(volume=grouped["amount"].sum()).reset_index(drop=True)


@cache
def _measured(data: Path, pair: str, seconds: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    trades = public_trades(data, pair)
    frame = candles_of(trades, seconds)
    return frame, orderflow.compute(frame, trades, SETTINGS, seconds)


def _explained(data: Path) -> Table:
    rows = []
    for pair, seconds in CANDLES:
        frame, found = _measured(data, pair, seconds)
        close = np.log(frame["close"].to_numpy())
        same = close - np.log(frame["open"].to_numpy())
        later = np.append(np.diff(close), np.nan)
        columns = [
            found[f"orderflow_{name}"].to_numpy("float64")
            for name in ("delta", "buy_pressure", "imbalance", "whale")
        ]
        shares = [percent(explained(columns[0], same)), percent(explained(columns[1], same))]
        shares += [percent(explained(column, later)) for column in columns]
        rows.append([f"{pair}, {_length(seconds)}", count(len(frame)), *shares])
    titles = ["pair, candles", "count", "delta", "buy pressure", "next by delta"]
    titles += ["by buy pressure", "by imbalance", "by whales"]
    title = "R² of the same candle's return by delta and buy pressure, and of the next candle's"
    return table(title, titles, rows)


def _whales(data: Path) -> Table:
    rows = []
    for pair in TAPES:
        trades = read(public_trades(data, pair))
        large = whales(trades.amount, FLOW.whale_quantile, FLOW.whale_trades)
        known = ~np.isnan(large)
        if not known.any():
            continue
        amount, sign, large = trades.amount[known], trades.sign[known], large[known] > 0
        rows.append(
            [
                pair,
                count(len(trades)),
                percent(float(large.mean()), 2),
                percent(float(amount[large].sum() / amount.sum())),
                percent(float((sign[large] > 0).mean())),
                number(float(np.median(amount[large]) / np.median(amount)), 0),
            ]
        )
    columns = ("pair", "trades", "whales", "of the volume", "bought", "size over the median")
    title = (
        f"Trades above the {FLOW.whale_quantile:.1%} quantile of the {FLOW.whale_trades:,} before"
    )
    return table(title, columns, rows)


def _footprints(data: Path) -> Table:
    rows = []
    for pair in TAPES:
        trades = read(public_trades(data, pair))
        prints = footprint(trades, FLOW.footprint_bin)
        buyers, sellers = imbalances(prints, FLOW)
        hours = (trades.times_ms[-1] - trades.times_ms[0]) / 3_600_000
        rows.append(
            [
                pair,
                number(hours, 1),
                count(len(prints.bins)),
                f"{prints.point_of_control:.6g}",
                count(int(buyers.sum())),
                count(int(sellers.sum())),
                count(len(stacks(prints, FLOW))),
            ]
        )
    columns = ("pair", "hours", "bins", "point of control", "buyers", "sellers", "stacks")
    return table("Footprint of the whole tape: bins with an imbalance, and stacks", columns, rows)


def _length(seconds: int) -> str:
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds} s"
