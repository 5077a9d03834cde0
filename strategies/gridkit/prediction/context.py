"""What the modules know of a candle, as features: distances and states without a unit."""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from gridkit.analytics import regime
from gridkit.prediction.features import Feature
from gridkit.settings import Settings

FARTHEST = 3.0  # half value areas
FULL_ADX = 100.0

FEATURES = (
    Feature("profile_poc", "profile", "close from the POC, in half value areas, -3 … 3"),
    Feature("profile_area", "profile", "close from the middle of the value area, likewise"),
    Feature("regime_direction", "regime", "1 in a rising market, -1 in a falling one, else 0"),
    Feature("regime_strength", "regime", "ADX / 100"),
    Feature("confluence_score", "confluence", "how far the timeframes agree, -1 … 1"),
    Feature("confluence_confidence", "confluence", "by how many of them, 0 … 1"),
    Feature("orderflow_imbalance", "orderflow", "bought against sold, -1 … 1; 0 if unknown"),
    Feature("funding_contrarian", "funding", "against extreme funding; 0 if there is none known"),
    Feature("correlation_mean", "correlation", "mean correlation of the pairs; 0 if unknown"),
)
FAMILIES = tuple(dict.fromkeys(feature.family for feature in FEATURES))


def active(settings: Settings, *, is_futures: bool) -> tuple[str, ...]:
    """Return the families that are wanted and whose module is switched on."""
    known = {
        "profile": settings.profile.enabled,
        "regime": settings.regime.enabled,
        "confluence": settings.confluence.enabled,
        "orderflow": settings.orderflow.enabled,
        "funding": is_futures,
        "correlation": settings.correlation.enabled,
    }
    return tuple(one for one in FAMILIES if known[one] and one in settings.prediction.families)


def names(families: Collection[str]) -> tuple[str, ...]:
    """Return the names of the features of these families."""
    return tuple(feature.name for feature in FEATURES if feature.family in families)


def compute(columns: pd.DataFrame, families: Collection[str]) -> pd.DataFrame:
    """Return one column `features_<name>` for each feature of these families, float32.

    `columns` holds the close and what the modules say; of an absent one all is unknown. NaN where a
    profile, regime or confluence is not known (yet); order flow, extreme funding and correlation
    are 0 then, as many markets never have them.
    """
    wanted = names(families)
    found = {f"features_{name}": values for name, values in _all(columns) if name in wanted}
    return pd.DataFrame(found, index=columns.index, dtype="float32")


def _all(columns: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    poc, high, low, close, adx = (
        _number(columns, name)
        for name in ("profile_poc", "profile_vah", "profile_val", "close", "regime_adx")
    )
    half = (high - low) / 2
    yield "profile_poc", _against(close - poc, half)
    yield "profile_area", _against(close - (high + low) / 2, half)
    codes = np.nan_to_num(_number(columns, "regime_code")).astype(int)
    direction = regime.directions(codes, _number(columns, "regime_side"))
    yield "regime_direction", np.where(np.isnan(adx), np.nan, direction)
    yield "regime_strength", adx / FULL_ADX
    for name in ("confluence_score", "confluence_confidence"):
        yield name, _number(columns, name)
    for name in ("orderflow_imbalance", "funding_contrarian", "correlation_mean"):
        yield name, np.nan_to_num(_number(columns, name))


def _number(columns: pd.DataFrame, name: str) -> np.ndarray:
    if name not in columns:
        return np.full(len(columns), np.nan)
    return columns[name].to_numpy("float64")


def _against(distance: np.ndarray, half: np.ndarray) -> np.ndarray:
    unknown = np.full(len(half), np.nan)
    return np.clip(np.divide(distance, half, out=unknown, where=half > 0), -FARTHEST, FARTHEST)
