"""The stop each trade of Confluence was entered with, made again from its tag and the candles.

An export does not keep it: `initial_stop_loss_abs` is freqtrade's own net, and `stop_loss_abs` the
last stop of all. But the tag names the regime, the settings its multiple, and the candles of
`exits.timeframe` the ATR. Weak where a parameter file of hyperopt changed any of these settings.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from freqtrade.exceptions import OperationalException

from gridkit import candles
from gridkit.analytics import turns
from gridkit.analytics.entry_tags import KINDS, REGIMES
from gridkit.analytics.regime import Regime
from gridkit.host.directional.checks import read_settings
from gridkit.reports.market_data import DataSource, load_frames
from gridkit.risk.stops import first_stop
from gridkit.settings import Settings


def entry_stops(
    trades: Iterable[Mapping[str, Any]], config: Mapping[str, Any], source: DataSource
) -> tuple[float, ...] | None:
    """Return the stop of each exported trade, NaN where unknown; None where no tag is Confluence's.

    `config` is that of the backtest.
    """
    exported = list(trades)
    if all(regime_of(trade.get("enter_tag") or "") is None for trade in exported):
        return None
    try:
        settings = read_settings(config)
    except OperationalException:  # of another version of gridkit
        return (math.nan,) * len(exported)
    timeframe = settings.exits.timeframe
    length = candles.seconds_of(timeframe)
    opened = [int(trade["open_timestamp"]) // 1000 for trade in exported]
    begin = min(opened) - (turns.warmup(settings, length) + 1) * length
    pairs = sorted({trade["pair"] for trade in exported})
    frames = load_frames(source, pairs, timeframe, begin, max(opened))
    ranges = {pair: turns.compute(frame, settings) for pair, frame in frames.items()}
    return tuple(
        _stop(trade, _last_closed(frames, ranges, trade["pair"], moment, length), settings)
        for trade, moment in zip(exported, opened, strict=True)
    )


def regime_of(tag: str) -> Regime | None:
    """Return a regime an entry's tag names; None where the tag is not Confluence's.

    Regimes that share a word share a stop.
    """
    kind, *rest = tag.split(" ")
    if kind not in KINDS.values() or not rest:
        return None
    return next((regime for regime, word in REGIMES.items() if word == rest[0]), None)


def _last_closed(
    frames: Mapping[str, pd.DataFrame],
    ranges: Mapping[str, pd.DataFrame],
    pair: str,
    moment: int,
    length: int,
) -> float:
    """Return the ATR of a pair's last candle that was closed at a moment; NaN without one."""
    if pair not in frames:
        return math.nan
    closes = candles.times(frames[pair]) + length
    found = int(np.searchsorted(closes, moment, "right")) - 1
    return float(ranges[pair]["turns_atr"].iloc[found]) if found >= 0 else math.nan


def _stop(trade: Mapping[str, Any], atr: float, settings: Settings) -> float:
    regime = regime_of(trade.get("enter_tag") or "")
    if regime is None:
        return math.nan
    side = -1 if trade["is_short"] else 1
    return first_stop(side, float(trade["open_rate"]), atr, regime, settings)
