"""The score of one timeframe: how bullish its candles are, from five kinds of evidence."""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import (
    scores_crypto,
    scores_momentum,
    scores_parts,
    scores_trend,
    scores_volatility,
    scores_volume,
)
from gridkit.analytics.scores_parts import Bars, Extras
from gridkit.settings import Settings

NOTHING = Extras()


def warmup(settings: Settings, timeframe_seconds: float) -> int:
    """Candles of the timeframe itself until its recursive averages have settled.

    Funding's own history (`confluence.funding_days`) is beside the candles and not counted.
    """
    periods = settings.confluence.periods
    longest = max(
        periods.averages[-1],
        2 * periods.smooth,
        2 * periods.oscillator,
        periods.macd[1] + periods.macd[2],
        periods.window,
        *scores_volume.CHAIKIN,
    )
    return scores_parts.SETTLED * longest


def compute(frame: pd.DataFrame, settings: Settings, extras: Extras = NOTHING) -> pd.DataFrame:
    """Return `scores_trend`, _momentum, _volume, _volatility, _crypto and the weighted `_score`.

    Each -1 … 1, float32, above 0 where bullish: all five follow the market, save extreme funding.
    A group is the mean of its known parts, the score that of the known groups by
    `confluence.weights`. NaN until `warmup` candles have been seen, where nothing is known
    (`scores_crypto` without extras), and in a candle without prices or a volume, which is left out
    as if it had not been. No part is evidence of its own: most are made from the same closes.
    """
    candles.check(frame)
    kept = scores_parts.whole(frame)
    made = scores_parts.bars(frame, kept)
    groups = _groups(made, _levels(extras, kept), extras, settings)
    shares = settings.confluence.weights.model_dump()
    values = list(groups.values())
    columns = groups | {
        "score": scores_parts.mean_of_known(values, [shares[one] for one in groups])
    }
    known = np.flatnonzero(kept)[warmup(settings, 0) - 1 :]
    placed = np.full((len(columns), len(frame)), np.nan, dtype="float32")
    placed[:, known] = np.stack(list(columns.values()))[:, len(made.close) - len(known) :]
    names = [f"scores_{name}" for name in columns]
    return pd.DataFrame(dict(zip(names, placed, strict=True)), index=frame.index)


def _groups(
    made: Bars, levels: np.ndarray | None, extras: Extras, settings: Settings
) -> dict[str, np.ndarray]:
    periods = settings.confluence.periods
    groups = {
        "trend": scores_trend.components(made, periods),
        "momentum": scores_momentum.components(made, periods),
        "volume": scores_volume.components(made, levels, periods),
        "volatility": scores_volatility.components(made, periods),
        "crypto": scores_crypto.components(made, extras, settings.confluence),
    }
    return {name: _mean(components) for name, components in groups.items()}


def _mean(components: dict[str, np.ndarray]) -> np.ndarray:
    return scores_parts.mean_of_known(list(components.values()), [1.0] * len(components))


def _levels(extras: Extras, kept: np.ndarray) -> np.ndarray | None:
    """Log prices of value area low, point of control and value area high, shape (3, n)."""
    if extras.profile is None:
        return None
    names = ["profile_val", "profile_poc", "profile_vah"]
    prices = extras.profile[names].to_numpy("float64")[kept].T
    return np.log(prices, out=np.full(prices.shape, np.nan), where=prices > 0)
