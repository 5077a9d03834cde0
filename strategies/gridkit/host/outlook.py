"""What each candle says against new risk: one small number per candle and side.

A backtest asks for every candle of every pair whether anything changed. The reasons themselves,
with value and threshold, are made by `risk` where the number did.
"""

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import regime, shocks
from gridkit.analytics.regime import Regime
from gridkit.host.market_data import RISING
from gridkit.risk import brakes, predictions
from gridkit.settings import PredictionSettings, RegimeSettings, Settings

AGAINST = 1  # the regime stands against additions, or is unknown
TREND = 2  # ... and price is so far beyond the average that the cycle is closed
FLOW = 4  # order flow is one-sided against the grid
THIN = 8  # illiquid hours: every second line waits
PAUSE = 16  # illiquid hours: all lines wait
SHOCK = 32  # one of the market's breakers is up
NO_START = 64  # the regime starts no cycle; what is open goes on
UNLIKELY = 128  # the prediction speaks against the grid
LIKELY = 256  # ... for it, so that stakes are raised
BITS = 9
STOPS_ADDITIONS = AGAINST | FLOW | PAUSE | SHOCK | UNLIKELY
STOPS_STARTS = STOPS_ADDITIONS | NO_START
SIDES = (1, -1)


def of_frame(frame: pd.DataFrame, settings: Settings, seconds: int) -> dict[int, np.ndarray]:
    """Return, by side (1 long, -1 short), the sum of the numbers above per candle. uint16, (n,)."""
    both = THIN * hours(frame, settings, seconds, "thin")
    both |= PAUSE * hours(frame, settings, seconds, "pause")
    both |= SHOCK * shocked(frame, settings)
    both |= NO_START * ~starting(frame, settings.regime)
    return {side: (both | _one_sided(frame, side, settings)).astype("uint16") for side in SIDES}


def _one_sided(frame: pd.DataFrame, side: int, settings: Settings) -> np.ndarray:
    against, trend = _against(frame, side, settings), _by_trend(frame, side, settings)
    of_market = AGAINST * against | TREND * trend | FLOW * _flow(frame, side, settings)
    return of_market | predicted(frame, side, settings.prediction)


def _against(frame: pd.DataFrame, side: int, settings: Settings) -> np.ndarray:
    """Vectorised twin of `gates.regime_block`."""
    if not settings.regime.enabled:
        return _none(frame)
    unknown = frame["regime_adx"].isna().to_numpy()
    return (unknown | (leanings(frame) == -side)).astype(int)


def starting(frame: pd.DataFrame, rule: RegimeSettings) -> np.ndarray:
    """Return in which candles the regime starts cycles, on whichever side. bool, (n,)."""
    if not rule.enabled:
        return np.ones(len(frame), bool)
    starts = [one for one in Regime if regime.parameters(one, rule).new_cycles]
    return np.isin(frame["regime_code"].to_numpy(), starts)


def _by_trend(frame: pd.DataFrame, side: int, settings: Settings) -> np.ndarray:
    """Vectorised twin of `gates.flatten_by_trend`."""
    rule = settings.stops
    if not settings.regime.enabled or not rule.trend_flatten_enabled:
        return _none(frame)
    known = frame["regime_adx"].notna().to_numpy()
    beyond = -side * _column(frame, "regime_distance") > rule.trend_flatten
    return (known & (leanings(frame) == -side) & beyond).astype(int)


def leanings(frame: pd.DataFrame) -> np.ndarray:
    """Return 1 where the regime is a rising market's, -1 a falling one's, else 0."""
    return regime.directions(frame["regime_code"].to_numpy(), frame["regime_side"].to_numpy())


def sides_of(frame: pd.DataFrame) -> np.ndarray:
    """Return the sign of the regime's averages; 0 where it is unknown, too."""
    return np.sign(np.nan_to_num(frame["regime_side"].to_numpy())).astype(int)


def _flow(frame: pd.DataFrame, side: int, settings: Settings) -> np.ndarray:
    """Vectorised twin of `brakes.flow_block`."""
    if not settings.brakes.orderflow or not settings.orderflow.enabled:
        return _none(frame)
    pressure = side * _column(frame, "orderflow_imbalance")
    return (pressure <= -settings.orderflow.one_sided).astype(int)


def predicted(frame: pd.DataFrame, side: int, rule: PredictionSettings) -> np.ndarray:
    """Vectorised twin of `predictions.block` and `predictions.scale`: UNLIKELY, LIKELY, or 0."""
    if not rule.enabled or RISING not in frame:
        return _none(frame)
    likely = predictions.of_side(frame[RISING].to_numpy("float64"), side)
    return np.select([likely < rule.blocks, likely > rule.raises], [UNLIKELY, LIKELY], 0)


def hours(frame: pd.DataFrame, settings: Settings, seconds: int, what: str) -> np.ndarray:
    """Vectorised twin of `brakes.illiquid`: 1 where it says `what` of a candle's close, else 0."""
    closes = candles.times(frame) + seconds
    of_day = (closes // candles.SECONDS_PER_HOUR).astype("int64") % 24
    which = np.array([brakes.illiquid(hour, settings.brakes) == what for hour in range(24)])
    return which[of_day].astype(int)


def shocked(frame: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return 1 where a shock of the market stands against new risk, else 0. Shape (n,)."""
    if not settings.breakers.enabled or not settings.breakers.market:
        return _none(frame)
    return (shocks.tripped(frame, settings) != 0).astype(int)


def _column(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_numpy() if name in frame else np.full(len(frame), np.nan)


def _none(frame: pd.DataFrame) -> np.ndarray:
    return np.zeros(len(frame), int)
