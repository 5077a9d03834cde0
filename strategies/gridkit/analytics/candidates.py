"""Entries of the directional strategy: kind, side, score, threshold, confidence, size (SPEC M)."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.analytics import regime, shocks, thresholds
from gridkit.analytics.entry_reasons import Why
from gridkit.analytics.regime import Regime
from gridkit.settings import Settings

LONG, SHORT = 1, -1
TRENDS = (Regime.TRENDING_BULLISH, Regime.TRENDING_BEARISH, Regime.VOLATILE_TRENDING)
RANGES = (Regime.RANGING, Regime.TIGHT_RANGING, Regime.VOLATILE_RANGING)
AT_POC, AT_VAH, AT_VAL = 1, 2, 3  # as `profile_near` has them
NOWHERE = 0


class Kind(IntEnum):
    """Kinds of entry. Their numbers are kept in files: never give one another meaning."""

    NONE = 0
    TREND = 1
    EDGE = 2
    POC = 3


def compute(columns: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the entry each candle offers, and why it is not taken.

    `columns` is a pair's frame: candles, and by name what other modules say of them; those of a
    module that is switched off may be absent. So may `prediction_up` (probability of a rise),
    `funding_contrarian` (as of `scores_crypto.against_the_crowd`), `hours_thin` and `hours_pause`
    (1 in illiquid hours of which the brakes make that).

    - entry_kind, int8: a Kind. TREND in trends, the side that of the regime; EDGE, in ranges near
      VAL (long) or VAH (short); POC, in ranges near the POC, the side that of confluence. With
      `regime.enabled` false TREND everywhere, the side that of confluence;
    - entry_side, int8: 1 long, -1 short, 0 without a kind. Both stand where it is not entered, too;
    - entry_score, -1 … 1: confluence's score for the side; at an edge, against it. NaN if unknown;
    - entry_threshold: the score it takes, `entries.threshold` adapted to volatility and regime;
    - entry_confidence, 0 … 1: that of confluence, and what key level, order flow and prediction
      add; 0 where nothing is entered;
    - entry_size, 0 … 1: the product of the factors on size; 0 where nothing is entered;
    - entry_block, int8: a Why, 0 where it is entered.

    What is unknown of prediction, order flow, funding or levels changes nothing; without regime,
    score or ATR nothing is entered. What is no code is float32. Weak in that regime and score are
    read from the same closes: a trend confirms itself.
    """
    seen, offer = _Seen(columns), _offered(columns, settings)
    block = _first_reason(columns, offer, settings)
    enters = block == Why.ENTERS
    confidence, size = _confidence(seen, offer, settings), _size(seen, offer, settings)
    return pd.DataFrame(
        {
            "entry_kind": offer.kind.astype("int8"),
            "entry_side": offer.side.astype("int8"),
            "entry_score": offer.score.astype("float32"),
            "entry_threshold": offer.threshold.astype("float32"),
            "entry_confidence": np.where(enters, confidence, 0.0).astype("float32"),
            "entry_size": np.where(enters, size, 0.0).astype("float32"),
            "entry_block": block,
        },
        index=columns.index,
    )


def probability(columns: pd.DataFrame, side: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the predicted probability of each side, 0 … 1, shape (n,); NaN where unknown."""
    rising = _Seen(columns).number("prediction_up")
    unheeded = not settings.prediction.enabled
    return np.where(unheeded, np.nan, np.where(side == SHORT, 1.0 - rising, rising))


@dataclass(frozen=True, slots=True)
class _Seen:
    """The columns by name: of an absent one nothing is known, NaN or code 0."""

    columns: pd.DataFrame

    def number(self, name: str) -> np.ndarray:
        if name not in self.columns:
            return np.full(len(self.columns), np.nan)
        return self.columns[name].to_numpy("float64")

    def code(self, name: str) -> np.ndarray:
        if name not in self.columns:
            return np.zeros(len(self.columns), dtype=int)
        return self.columns[name].to_numpy().astype(int)


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    """What the market offers at each candle, all of shape (n,).

    `asked` is the kind the regime calls for, whether or not there is a level or a side to it.
    """

    asked: np.ndarray
    kind: np.ndarray
    side: np.ndarray
    score: np.ndarray
    threshold: np.ndarray


def _offered(columns: pd.DataFrame, settings: Settings) -> _Offer:
    seen = _Seen(columns)
    near, leaning = seen.code("profile_near"), seen.code("confluence_direction")
    asked, trend = _asked(seen, settings), leaning
    if settings.regime.enabled:
        trend = regime.directions(seen.code("regime_code"), seen.number("regime_side"))
    sides = {
        Kind.TREND: trend,
        Kind.EDGE: np.where(near == AT_VAL, LONG, SHORT),
        Kind.POC: leaning,
    }
    side = np.select([asked == kind for kind in sides], list(sides.values()), 0)
    score = seen.number("confluence_score") * np.where(asked == Kind.EDGE, -side, side)
    return _Offer(
        asked=asked,
        kind=np.where(side == 0, Kind.NONE, asked),
        side=side,
        score=np.where(side == 0, np.nan, score),
        threshold=_threshold(seen, settings),
    )


def _asked(seen: _Seen, settings: Settings) -> np.ndarray:
    if not settings.regime.enabled:
        return np.full(len(seen.columns), Kind.TREND)
    codes, near = seen.code("regime_code"), seen.code("profile_near")
    ranges, edge = np.isin(codes, RANGES), np.isin(near, (AT_VAH, AT_VAL))
    conditions = [np.isin(codes, TRENDS), ranges & edge, ranges & (near == AT_POC)]
    return np.select(conditions, [Kind.TREND, Kind.EDGE, Kind.POC], Kind.NONE)


def _threshold(seen: _Seen, settings: Settings) -> np.ndarray:
    multiplier = seen.number("thresholds_multiplier")
    adapted = thresholds.threshold(settings.entries.threshold, multiplier, settings.thresholds)
    return adapted * _of_regime(seen, "threshold_factor", settings)


def _of_regime(seen: _Seen, name: str, settings: Settings) -> np.ndarray:
    """Return a parameter of each candle's regime; 1 while the regime is not heeded."""
    if not settings.regime.enabled:
        return np.ones(len(seen.columns))
    factors = [getattr(regime.parameters(one, settings.regime), name) for one in Regime]
    return np.array(factors)[seen.code("regime_code")]


def _first_reason(columns: pd.DataFrame, offer: _Offer, settings: Settings) -> np.ndarray:
    """Return a Why of each candle, the first that holds, int8, shape (n,)."""
    reasons = _of_market(columns, offer, settings) | _of_guards(columns, offer, settings)
    ordered = sorted(reasons)
    return np.select([reasons[one] for one in ordered], ordered, Why.ENTERS).astype("int8")


def _of_market(columns: pd.DataFrame, offer: _Offer, settings: Settings) -> dict[Why, np.ndarray]:
    """Return where each reason holds for which there is no candidate."""
    seen, heeded, entries = _Seen(columns), settings.regime.enabled, settings.entries
    codes, leaning = seen.code("regime_code"), seen.code("confluence_direction")
    trend, ranging = np.isin(codes, TRENDS), heeded & np.isin(codes, RANGES)
    trend = trend | (not heeded)
    undirected = heeded & trend & (offer.side == 0)
    agreed = np.where(offer.kind == Kind.EDGE, -leaning, leaning) == offer.side
    return {
        Why.NO_PRICE: ~candles.known(columns).to_numpy(),
        Why.REGIME_UNKNOWN: heeded & np.isnan(seen.number("regime_adx")),
        Why.REGIME: ~(trend | ranging) | undirected,
        Why.SWITCHED_OFF: np.where(ranging, not entries.reversion, not entries.trend),
        Why.NO_LEVEL: ranging & (seen.code("profile_near") == NOWHERE),
        Why.SCORE_UNKNOWN: np.isnan(seen.number("confluence_score")),
        Why.NOT_ALIGNED: (offer.side == 0) | ~agreed,
        Why.SCORE: ~(offer.score >= offer.threshold),
    }


def _of_guards(columns: pd.DataFrame, offer: _Offer, settings: Settings) -> dict[Why, np.ndarray]:
    """Return where each reason holds that stands against a candidate."""
    seen, side = _Seen(columns), offer.side
    traded = {"long": side == LONG, "short": side == SHORT}.get(settings.direction, side != 0)
    against = side * seen.number("orderflow_imbalance") <= -settings.orderflow.one_sided
    expected = probability(columns, side, settings)
    return {
        Why.DIRECTION: ~traded,
        Why.ATR_UNKNOWN: ~(seen.number("turns_atr") > 0),
        Why.SHOCK: shocks.tripped(columns, settings) != 0,
        Why.FLOW: against & settings.entries.flow_veto,
        Why.PREDICTION: expected < settings.prediction.blocks,
        Why.HOURS: seen.code("hours_pause") == 1,
    }


def _confidence(seen: _Seen, offer: _Offer, settings: Settings) -> np.ndarray:
    entries, prediction = settings.entries, settings.prediction
    flow = offer.side * seen.number("orderflow_imbalance") >= settings.orderflow.one_sided
    likely = probability(seen.columns, offer.side, settings) > prediction.raises
    near = seen.code("profile_near") != NOWHERE
    added = entries.key_level_bonus * near + entries.flow_bonus * flow + prediction.bonus * likely
    return np.clip(seen.number("confluence_confidence") + added, 0.0, 1.0)


def _size(seen: _Seen, offer: _Offer, settings: Settings) -> np.ndarray:
    """Return the product of the factors that hold; at most 1."""
    entries, extreme = settings.entries, np.abs(seen.number("funding_contrarian")) > 0
    size = _of_regime(seen, "size_factor", settings)
    for holds, factor in (
        (seen.code("profile_low_volume") == 1, entries.low_volume_factor),
        (extreme, entries.funding_factor),
        (seen.code("hours_thin") == 1, entries.thin_factor),
    ):
        size = size * np.where(holds, factor, 1.0)
    return np.minimum(size, 1.0)
