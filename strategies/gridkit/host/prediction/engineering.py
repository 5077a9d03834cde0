"""What FreqAI is shown and asked: the columns of freqtrade's feature and target callbacks."""

from typing import Any

import pandas as pd

from gridkit.candles import OHLCV
from gridkit.host.prediction import context
from gridkit.host.prediction.section import FEATURE, LABEL
from gridkit.prediction import features, targets

TIME = "time"  # the family that is the same on every timeframe and pair


def candles_alone(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the candles without what else a frame holds, which FreqAI would copy per timeframe."""
    return frame[["date", *OHLCV]]


def of_timeframe(frame: pd.DataFrame, strategy: Any) -> pd.DataFrame:
    """Return candles of any pair and timeframe with their features."""
    families = [one for one in strategy.desk.settings.prediction.families if one != TIME]
    return _with(candles_alone(frame), features.names(families), strategy)


def of_pair(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Return the strategy's own candles with what is not of a timeframe: time, and the modules."""
    own = [one for one in strategy.desk.settings.prediction.families if one == TIME]
    made = _with(frame, features.names(own), strategy)
    known = context.of_frame(frame)
    if known is None:
        known = context.of_history(frame, pair, strategy)
    return pd.concat([made, known.rename(columns=_named)], axis=1)


def targets_of(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Return the frame with what came: `&-up_<horizon>` and `&-decided_<horizon>`, NaN unknown."""
    rule, cost = strategy.desk.settings.prediction, cost_fraction(pair, strategy)
    made = targets.compute(frame, cost, rule.horizons)
    columns = {}
    for horizon in rule.horizons:
        columns[f"{LABEL}up_{horizon}"] = made[f"target_{horizon}_up"]
        columns[f"{LABEL}decided_{horizon}"] = made[f"target_{horizon}_weight"]
    return frame.assign(**columns)


def cost_fraction(pair: str, strategy: Any) -> float:
    """Return what a round trip costs, a fraction of price: fees and spread of both sides."""
    costs = strategy.desk.rules.costs(pair)
    return float(costs.entry_fee + costs.exit_fee + 2 * costs.half_spread)


def _with(frame: pd.DataFrame, names: tuple[str, ...], strategy: Any) -> pd.DataFrame:
    made = features.compute(frame, strategy.desk.settings, names)
    return pd.concat([frame, made.rename(columns=_named)], axis=1)


def _named(column: str) -> str:
    return column.replace("features_", FEATURE, 1)
