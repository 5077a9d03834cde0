"""Areas of FreqUI's chart: in which regime the market was."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from gridkit.analytics.regime import NAMES, Regime

MOST = 60  # areas, the latest: a browser draws each anew with every refresh

UP, DOWN, RANGE = "rgba(0, 158, 115, 0.13)", "rgba(213, 94, 0, 0.13)", "rgba(0, 114, 178, 0.10)"
WILD, UNSURE = "rgba(230, 159, 0, 0.13)", "rgba(138, 143, 152, 0.08)"
COLORS = {
    Regime.UNCERTAIN: UNSURE,
    Regime.TRENDING_BULLISH: UP,
    Regime.TRENDING_BEARISH: DOWN,
    Regime.RANGING: RANGE,
    Regime.VOLATILE: WILD,
    Regime.VOLATILE_TRENDING: WILD,
    Regime.VOLATILE_RANGING: RANGE,
    Regime.TIGHT_RANGING: RANGE,
}


def of_regimes(frame: pd.DataFrame, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return an area over the whole height for each stretch of one regime from `start` to `end`.

    One ends where the next begins, the last at `end`. Nothing where the regime is switched off.
    """
    if "regime_code" not in frame:
        return []
    seen = frame.loc[frame["date"].between(start, end), ["date", "regime_code"]]
    codes = seen["regime_code"].to_numpy()
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))[: len(codes)]
    moments = [*seen["date"].iloc[first].dt.to_pydatetime(), end]
    stretches = zip(codes[first].tolist(), moments[:-1], moments[1:], strict=True)
    return [_area(*stretch) for stretch in list(stretches)[-MOST:]]


def _area(code: int, start: datetime, end: datetime) -> dict[str, Any]:
    color, label = COLORS[Regime(code)], NAMES[code]
    return {"type": "area", "start": start, "end": end, "color": color, "label": label}
