"""FreqAI's answer as columns: what is predicted, and whether that is heeded (SPEC O)."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.host import timeframes
from gridkit.host.prediction import context, section
from gridkit.host.prediction.engineering import candles_alone, cost_fraction
from gridkit.host.prediction.section import DRIFTED, LABEL, SHIFT, TRAINED
from gridkit.prediction import gate, targets
from gridkit.prediction.gate import Why
from gridkit.settings import PredictionSettings

logger = logging.getLogger(__name__)

KEPT_DAYS = 1  # of history beyond what the gate looks at
DIGITS = 9  # of a share, so that one added to SHIFT is itself again
FIGURES = ("accuracy", "lower", "break_even", "outcomes")


def added(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Return an analysed frame with the predictor's columns; as it is where it is switched off."""
    if not section.is_on(strategy.config) or not strategy.desk.settings.prediction.enabled:
        return frame
    features = strategy.desk.context.features
    made = features.run(
        "prediction",
        pair,
        lambda: of_pair(frame, pair, strategy),
        lambda: unknown(frame, strategy.desk.settings.prediction),
    )
    return pd.concat([frame, made], axis=1)


def of_pair(frame: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Ask FreqAI, which trains where it must, and judge its answer."""
    analyst, settings = strategy.desk.analyst, strategy.desk.settings
    brought = context.brought(frame, pair, analyst)
    asked = pd.concat([candles_alone(frame), brought], axis=1)
    answer = strategy.freqai.start(asked, {"pair": pair}, strategy)
    seen = _history(answer, pair, strategy)
    cost = cost_fraction(pair, strategy)
    made = columns(seen, settings.prediction, analyst.sources.timeframe, cost)
    found = _at(frame, seen, made)
    if strategy.desk.context.live:
        _show(made, pair, strategy)
    else:
        logger.info("%s: %s", pair, summary(found["prediction_gate"].to_numpy()))
    return found


def summary(codes: np.ndarray) -> str:
    """Say how many of the candles that have a prediction are heeded, and why the others are not."""
    counts = {why: int((codes == why).sum()) for why in Why if why is not Why.UNKNOWN}
    whole, heeded = sum(counts.values()), counts.pop(Why.ON)
    if not whole:
        return "nothing was predicted"
    told = [f"{count / whole:.0%} {why.text}" for why, count in counts.items() if count]
    against = f"; not heeded: {', '.join(told)}" if told else ""
    return f"predictions of {whole:,} candles, {heeded / whole:.0%} of them heeded{against}"


def columns(
    seen: pd.DataFrame, rule: PredictionSettings, timeframe: str, cost_fraction: float
) -> pd.DataFrame:
    """Return the predictor's columns of consecutive candles.

    `seen` has `date`, `close` and what FreqAI answered: `&-up_<horizon>`, `&-decided_<horizon>`,
    `&-uncertainty_<horizon>`, `&-drifted`, `prediction_trained` (seconds UTC) and `do_predict`.
    FreqAI fills with 0 where it has no answer, so that 0 is unknown in all of them.

    - prediction_up: P(up | decided) of the main horizon while it is heeded, else NaN;
    - prediction_gate, int8: a gate.Why, 0 while it is heeded, else the first reason against it;
    - prediction_accuracy, _lower, _break_even, _outcomes: the gate's figures;
    - prediction_up_<horizon>: P(up | decided), heeded or not; NaN unknown;
    - prediction_decided, _uncertainty: of the main horizon; _drifted: share of shifted features;
      _hours: age of the model at the candle's close.
    """
    closes = candles.times(seen) + candles.seconds_of(timeframe)
    main, ups = rule.main_horizon, {one: _up(seen, one, closes) for one in rule.horizons}
    own = np.isnan(ups[main])
    judged = gate.compute(_for_gate(seen, ups[main], main), _rule(rule, timeframe, cost_fraction))
    hours = (closes - _known(seen, TRAINED, own)) / candles.SECONDS_PER_HOUR
    drifted = np.round(_known(seen, DRIFTED, own) - SHIFT, DIGITS)
    doubt = _number(seen, f"{LABEL}uncertainty_{main}")
    against = {
        Why.UNKNOWN: own,
        Why.OLD: ~(hours <= rule.gate.max_age_hours),
        Why.DRIFTED: rule.drift.enabled & ~(drifted <= rule.drift.most_drifted),
    }
    reason = np.select(list(against.values()), list(against), judged["gate_reason"].to_numpy())
    made = {
        "prediction_up": np.where(reason == Why.ON, ups[main], np.nan),
        **{f"prediction_{name}": judged[f"gate_{name}"] for name in FIGURES},
        **{f"prediction_up_{one}": up for one, up in ups.items()},
        "prediction_decided": _known(seen, f"{LABEL}decided_{main}", own),
        "prediction_uncertainty": np.where(own, np.nan, doubt),
        "prediction_drifted": drifted,
        "prediction_hours": hours,
    }
    frame = pd.DataFrame(made, index=seen.index, dtype="float32")
    return frame.assign(prediction_gate=reason.astype("int8"))


def unknown(frame: pd.DataFrame, rule: PredictionSettings) -> pd.DataFrame:
    """Return the columns of candles of which nothing is predicted."""
    names = ["up", *FIGURES, *(f"up_{one}" for one in rule.horizons)]
    names += ["decided", "uncertainty", "drifted", "hours"]
    nothing = {f"prediction_{name}": np.float32(np.nan) for name in names}
    return pd.DataFrame({**nothing, "prediction_gate": np.int8(Why.UNKNOWN)}, index=frame.index)


def _rule(rule: PredictionSettings, timeframe: str, cost_fraction: float) -> gate.Rule:
    return gate.Rule(
        rule.main_horizon,
        timeframe,
        cost_fraction,
        least_accuracy=rule.gate.least_accuracy,
        least_outcomes=rule.gate.least_outcomes,
        confidence=rule.gate.confidence,
        window_days=rule.gate.window_days,
    )


def _for_gate(seen: pd.DataFrame, up: np.ndarray, horizon: str) -> pd.DataFrame:
    move = targets.between(candles.times(seen), seen["close"].to_numpy("float64"), horizon)
    return pd.DataFrame(
        {
            "date": seen["date"],
            "up": up,
            "do_predict": seen["do_predict"],
            "in_sample": False,  # of which `up` is unknown
            "move": move,
        }
    )


def _up(seen: pd.DataFrame, horizon: str, closes: np.ndarray) -> np.ndarray:
    """Return the answers that count: not those of a model trained beyond their candle."""
    up = _number(seen, f"{LABEL}up_{horizon}")
    counts = (seen["do_predict"] == 1).to_numpy() & (up > 0) & (up <= 1)
    return np.where(counts & ~(_number(seen, TRAINED) > closes), up, np.nan)


def _known(seen: pd.DataFrame, name: str, own: np.ndarray) -> np.ndarray:
    values = _number(seen, name)
    return np.where(own | ~(values > 0), np.nan, values)


def _number(seen: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column; unknown where FreqAI has no model yet, and so no such column."""
    return seen[name].to_numpy("float64") if name in seen else np.full(len(seen), np.nan)


def _history(answer: pd.DataFrame, pair: str, strategy: Any) -> pd.DataFrame:
    """Return the answer; live, FreqAI's own longer history of predictions, where it has one."""
    desk, rule = strategy.desk, strategy.desk.settings.prediction
    if not desk.context.live:
        return answer
    past = strategy.freqai.dd.historic_predictions.get(pair)
    if past is None or not len(past):
        return answer
    rows = round((rule.gate.window_days + KEPT_DAYS) * candles.SECONDS_PER_DAY)
    rows = rows // desk.context.seconds + len(answer)
    return _priced(
        past.tail(rows).rename(columns={"date_pred": "date", "close_price": "close"}), answer
    )


def _priced(seen: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """Return the history with closes of candles that it missed, as after a restart: they are 0."""
    place = _places(answer, seen)
    known = answer["close"].to_numpy("float64")[place]
    return seen.assign(close=np.where(place >= 0, known, seen["close"].to_numpy("float64")))


def _at(frame: pd.DataFrame, seen: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """Return the columns at the candles of the frame; what is not there is unknown."""
    place = _places(seen, frame)
    found = timeframes.taken(made, place, frame.index)
    gate = np.where(place >= 0, found["prediction_gate"], Why.UNKNOWN)
    return found.assign(prediction_gate=gate.astype("int8"))


def _places(seen: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Return where in `seen` each candle of the frame is, -1 where it is not. Shape (n,)."""
    have, want = candles.times(seen), candles.times(frame)
    place = np.clip(np.searchsorted(have, want), 0, len(have) - 1)
    return np.where(have[place] == want, place, -1)


def _show(made: pd.DataFrame, pair: str, strategy: Any) -> None:
    """Put on the board why a pair has no prediction, as training is tried again anyhow."""
    desk = strategy.desk
    if np.isnan(made.iloc[-1].filter(like="prediction_up_")).all():
        why = strategy.freqai.learning.told.get(pair, "no model has predicted this candle")
        desk.context.features.mark("prediction", pair, why)
