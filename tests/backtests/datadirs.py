"""Datadirs written by tests: candles cut short, changed, or made by hand."""

from datetime import datetime
from pathlib import Path

import pandas as pd
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType

from backtests.runs import Market

LENGTHS = {"1m": "1min", "5m": "5min", "1h": "1h"}


def copied_until(
    source: Path, target: Path, market: Market, cut: datetime, changed: str | None = None
) -> Path:
    """Copy a market's candles up to the one that opens at `cut`; nothing later is left.

    Only candles that have opened by the end of that candle are kept, so a higher timeframe's last
    one is whole only where the cut allows. `changed` names the column (high, low) that becomes
    the close of the last 5m candle but one.
    """
    if target.exists():
        return target
    end = pd.Timestamp(cut) + pd.Timedelta("5min")
    for path in sorted(source.rglob("*.feather")):
        name = path.name.removesuffix(".feather")
        pair, _, rest = name.partition("-")
        if pair not in {one.replace("/", "_").replace(":", "_") for one in market.pairs}:
            continue
        frame = pd.read_feather(path)
        length = pd.Timedelta(LENGTHS.get(rest.split("-")[0], "1h"))
        whole = rest.endswith(("mark", "funding_rate"))  # what freqtrade charges, not signals
        frame = frame[frame["date"] + (pd.Timedelta(0) if whole else length) <= end]
        if changed and rest.startswith("5m"):
            frame = frame.copy()
            frame.loc[frame.index[-2], "close"] = frame.loc[frame.index[-2], changed]
        into = target / path.relative_to(source)
        into.parent.mkdir(parents=True, exist_ok=True)
        frame.reset_index(drop=True).to_feather(into)
    return target


def written(datadir: Path, pair: str, frames: dict[str, pd.DataFrame], *, futures: bool) -> Path:
    """Store candles by timeframe (and, for futures, mark candles and no funding)."""
    handler = get_datahandler(datadir, "feather")
    for timeframe, frame in frames.items():
        handler.ohlcv_store(
            pair, timeframe, frame, CandleType.FUTURES if futures else CandleType.SPOT
        )
    return datadir
