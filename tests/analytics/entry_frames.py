"""Frames of columns as the other modules leave them, for tests of entries."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from gridkit.analytics.regime import Regime
from gridkit.settings import Settings
from strategies import START

NAN = np.nan
INPUTS: dict[str, tuple[list[float], str]] = {
    "volume": ([0.0] + [5.0] * 20, "float64"),
    "regime_code": ([int(one) for one in Regime], "int8"),
    "regime_adx": ([NAN, *[30.0] * 20], "float32"),
    "regime_side": ([NAN, -1.0, 0.0, 1.0, 1.0, -1.0], "float32"),
    "profile_near": ([0, 1, 2, 3], "int8"),
    "profile_low_volume": ([0, 0, 1], "int8"),
    "confluence_score": ([NAN, -1.0, -0.6, -0.3, -0.26, 0.0, 0.26, 0.3, 0.6, 1.0], "float32"),
    "confluence_confidence": ([0.7, 1.0], "float64"),
    "thresholds_multiplier": ([NAN, 0.7, 1.0, 1.5], "float32"),
    "turns_atr": ([NAN, *[2.0] * 20], "float32"),
    "orderflow_imbalance": ([NAN, -0.9, -0.7, 0.0, 0.7, 0.9], "float32"),
    "prediction_up": ([NAN, 0.0, 0.25, 0.3, 0.5, 0.7, 0.75, 1.0], "float32"),
    "funding_contrarian": ([NAN, -0.5, 0.0, 0.5], "float32"),
    "hours_thin": ([0, 0, 1], "int8"),
    "hours_pause": ([0, 0, 0, 1], "int8"),
    "shocks_kind": ([0] * 40 + [1, 2], "int8"),
}
OPTIONAL = [
    "profile_near", "profile_low_volume", "thresholds_multiplier", "orderflow_imbalance",
    "prediction_up", "funding_contrarian", "hours_thin", "hours_pause", "shocks_kind",
]  # fmt: skip


def of_candles(rows: int, **columns: Any) -> pd.DataFrame:
    """Candles at one price with these columns; a scalar stands for every row."""
    dates = START + pd.Timedelta("5min") * np.arange(rows)
    prices = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    made = {
        name: np.broadcast_to(values, rows).astype(INPUTS[name][1])
        for name, values in {"volume": 5.0, **columns}.items()
    }
    return pd.DataFrame({"date": dates, **prices, **made})


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Anything the modules may say, each of them unknown in some candles."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(1, 300))
    columns = {name: noise.choice(values, rows) for name, (values, _) in INPUTS.items()}
    frame = of_candles(rows, **columns)
    score, side = frame["confluence_score"], noise.choice([1, 1, 1, 0], rows)
    direction = np.sign(score.fillna(0.0)) * side
    frame["confluence_direction"] = direction.astype("int8")
    unaligned = direction == 0
    return frame.assign(confluence_confidence=frame["confluence_confidence"].mask(unaligned, 0.0))


@st.composite
def choices(draw: st.DrawFn) -> Settings:
    """Settings in which each of the rules may be switched off or changed."""
    on = lambda: draw(st.booleans())  # noqa: E731
    return Settings.model_validate(
        {
            "direction": draw(st.sampled_from(("long", "short", "auto"))),
            "regime": {"enabled": draw(st.sampled_from((True, True, True, False)))},
            "entries": {
                "trend": on(),
                "reversion": on(),
                "threshold": draw(st.sampled_from((0.1, 0.25, 0.6))),
                "flow_veto": on(),
                "key_level_bonus": draw(st.sampled_from((0.0, 0.1, 0.4))),
            },
            "prediction": {"enabled": on()},
        }
    )


def mirrored(frame: pd.DataFrame) -> pd.DataFrame:
    """The same market upside down."""
    bullish, bearish = Regime.TRENDING_BULLISH, Regime.TRENDING_BEARISH
    signs = ("confluence_score", "confluence_direction", "regime_side", "orderflow_imbalance",
             "funding_contrarian")  # fmt: skip
    turned = {name: -frame[name] for name in signs if name in frame}
    if "prediction_up" in frame:
        turned["prediction_up"] = 1.0 - frame["prediction_up"].astype("float64")
    if "profile_near" in frame:
        turned["profile_near"] = frame["profile_near"].replace({2: 3, 3: 2})
    codes = frame["regime_code"].replace({int(bullish): int(bearish), int(bearish): int(bullish)})
    return frame.assign(regime_code=codes, **turned)
