"""Entries of the directional strategy: a readable twin, each guard alone, what never happens."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.entry_frames import OPTIONAL, choices, frames, mirrored, of_candles
from gridkit.analytics import candidates, regime
from gridkit.analytics.candidates import Kind
from gridkit.analytics.entry_reasons import Why
from gridkit.analytics.regime import Regime
from gridkit.settings import Settings

LONG, SHORT = 1, -1
few = settings(max_examples=25)  # a frame holds up to 300 candles, each a case of its own
BOTH = Settings(direction="auto")
PAUSE_SECONDS = BOTH.breakers.pause_minutes * 60

# -- a readable twin --------------------------------------------------------------------------

TRENDING = (Regime.TRENDING_BULLISH, Regime.TRENDING_BEARISH, Regime.VOLATILE_TRENDING)
RANGING = (Regime.RANGING, Regime.TIGHT_RANGING, Regime.VOLATILE_RANGING)
POC, VAH, VAL = 1, 2, 3


def offered(row, rule):
    """Kind, side and score that the market offers in one candle; kind and side 0 for none."""
    score, agreed = float(row["confluence_score"]), int(row["confluence_direction"])
    if not rule.regime.enabled:
        kind, side = Kind.TREND, agreed
    elif row["regime_code"] in TRENDING:
        kind, side = Kind.TREND, regime.direction(row["regime_code"], row["regime_side"])
    elif row["regime_code"] in RANGING and row["profile_near"] in (VAH, VAL):
        kind, side = Kind.EDGE, LONG if row["profile_near"] == VAL else SHORT
    elif row["regime_code"] in RANGING and row["profile_near"] == POC:
        kind, side = Kind.POC, agreed
    else:
        kind, side = Kind.NONE, 0
    if side == 0:
        return Kind.NONE, 0, math.nan
    return kind, side, -side * score if kind is Kind.EDGE else side * score


def threshold_of(row, rule):
    multiplier, limits = float(row["thresholds_multiplier"]), rule.thresholds
    if math.isnan(multiplier):
        multiplier = 1.0
    base = rule.entries.threshold * min(max(multiplier, limits.least), limits.most)
    return base * parameter(row, rule, "threshold_factor")


def parameter(row, rule, name):
    if not rule.regime.enabled:
        return 1.0
    return getattr(regime.parameters(row["regime_code"], rule.regime), name)


def expectation(row, side, rule):
    """The predicted probability of a side, NaN where there is none."""
    rising = float(row["prediction_up"]) if rule.prediction.enabled else math.nan
    return rising if side > 0 else 1.0 - rising


def reason(row, rule, shocked):
    """Ask one by one why nothing is entered; the first that holds counts."""
    asked = (*of_market(row, rule), *of_guards(row, rule, shocked))
    return next((why for why, holds in asked if holds), Why.ENTERS)


def of_market(row, rule):
    kind, side, score = offered(row, rule)
    heeded, code = rule.regime.enabled, row["regime_code"]
    ranging = heeded and code in RANGING
    wanted = -side if kind is Kind.EDGE else side
    yield Why.NO_PRICE, not row["volume"] > 0
    yield Why.REGIME_UNKNOWN, heeded and math.isnan(row["regime_adx"])
    yield Why.REGIME, heeded and code not in TRENDING + RANGING
    yield Why.REGIME, heeded and code in TRENDING and side == 0
    yield Why.SWITCHED_OFF, not (rule.entries.reversion if ranging else rule.entries.trend)
    yield Why.NO_LEVEL, ranging and row["profile_near"] == 0
    yield Why.SCORE_UNKNOWN, math.isnan(row["confluence_score"])
    yield Why.NOT_ALIGNED, side == 0 or row["confluence_direction"] != wanted
    yield Why.SCORE, score < threshold_of(row, rule)


def of_guards(row, rule, shocked):
    _, side, _ = offered(row, rule)
    only = {"long": LONG, "short": SHORT, "auto": side}[rule.direction]
    pressure = side * row["orderflow_imbalance"]
    yield Why.DIRECTION, side != only
    yield Why.ATR_UNKNOWN, math.isnan(row["turns_atr"])
    yield Why.SHOCK, shocked
    yield Why.FLOW, rule.entries.flow_veto and pressure <= -rule.orderflow.one_sided
    yield Why.PREDICTION, expectation(row, side, rule) < rule.prediction.blocks
    yield Why.HOURS, row["hours_pause"]


def confidence_of(row, side, rule):
    sure = row["confluence_confidence"]
    if row["profile_near"] != 0:
        sure += rule.entries.key_level_bonus
    if side * row["orderflow_imbalance"] >= rule.orderflow.one_sided:
        sure += rule.entries.flow_bonus
    if expectation(row, side, rule) > rule.prediction.raises:
        sure += rule.prediction.bonus
    return min(sure, 1.0)


def size_of(row, rule):
    size = parameter(row, rule, "size_factor")
    if row["profile_low_volume"]:
        size *= rule.entries.low_volume_factor
    if row["funding_contrarian"] in (-0.5, 0.5):
        size *= rule.entries.funding_factor
    if row["hours_thin"]:
        size *= rule.entries.thin_factor
    return min(size, 1.0)


def twin(frame, rule):
    """One candle after the other."""
    shocked_at = None
    for row in frame.to_dict("records"):
        if row["shocks_kind"]:
            shocked_at = row["date"]
        shocked = shocked_at and (row["date"] - shocked_at).total_seconds() <= PAUSE_SECONDS
        kind, side, score = offered(row, rule)
        why = reason(row, rule, shocked)
        enters = why is Why.ENTERS
        yield {
            "entry_kind": int(kind),
            "entry_side": side,
            "entry_score": score,
            "entry_threshold": threshold_of(row, rule),
            "entry_confidence": confidence_of(row, side, rule) if enters else 0.0,
            "entry_size": size_of(row, rule) if enters else 0.0,
            "entry_block": int(why),
        }


@given(frames(), choices())
def test_every_candle_is_what_the_rules_asked_one_by_one_say(frame, rule):
    found = candidates.compute(frame, rule)
    expected = pd.DataFrame(list(twin(frame, rule)))
    assert list(found) == list(expected)
    for name in ("entry_kind", "entry_side", "entry_block"):
        assert found[name].tolist() == expected[name].tolist(), name
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-6)


# -- what holds of any frame ------------------------------------------------------------------


@few
@given(frames(), choices())
def test_confidence_and_size_are_shares_and_above_zero_only_where_something_is_entered(frame, rule):
    found = candidates.compute(frame, rule)
    enters = found["entry_block"] == Why.ENTERS
    for name in ("entry_confidence", "entry_size"):
        assert found[name].between(0, 1).all()
        assert ((found[name] > 0) == enters).all()
    assert found.loc[enters, ["entry_kind", "entry_side"]].all(axis=None)
    assert (found["entry_score"] >= found["entry_threshold"])[enters].all()


@few
@given(frames(), choices())
def test_an_uncertain_volatile_or_unknown_market_is_never_entered(frame, rule):
    found = candidates.compute(frame, rule)
    closed = frame["regime_code"].isin([Regime.UNCERTAIN, Regime.VOLATILE])
    closed |= frame["regime_adx"].isna()
    assert not rule.regime.enabled or (found["entry_block"] != Why.ENTERS)[closed].all()


@few
@given(frames(), choices())
def test_a_market_upside_down_is_entered_on_the_other_side(frame, rule):
    other = {"long": "short", "short": "long", "auto": "auto"}[rule.direction]
    found = candidates.compute(frame, rule)
    turned = candidates.compute(mirrored(frame), rule.model_copy(update={"direction": other}))
    turned["entry_side"] *= -1
    pd.testing.assert_frame_equal(found, turned, rtol=1e-6)


@few
@given(frames(), choices(), st.data())
def test_later_candles_change_nothing(frame, rule, data):
    now = data.draw(st.integers(0, len(frame)))
    then = candidates.compute(frame.iloc[:now], rule)
    pd.testing.assert_frame_equal(then, candidates.compute(frame, rule).iloc[:now])


@few
@given(frames(), choices(), st.sampled_from(OPTIONAL))
def test_a_column_that_is_absent_is_as_one_in_which_nothing_is_known(frame, rule, name):
    blank = np.nan if frame[name].dtype.kind == "f" else 0
    unknown = frame.assign(**{name: np.full(len(frame), blank, frame[name].dtype)})
    absent = frame.drop(columns=name)
    pd.testing.assert_frame_equal(
        candidates.compute(absent, rule), candidates.compute(unknown, rule)
    )


@few
@given(frames(), choices())
def test_the_frame_is_left_alone_and_the_columns_are_small(frame, rule):
    before = frame.copy(deep=True)
    found = candidates.compute(frame, rule)
    pd.testing.assert_frame_equal(frame, before)
    assert {str(kind) for kind in found.dtypes} == {"int8", "float32"}


# -- the plain rule, and each thing that is added to it ------------------------------------------

BULL = {
    "regime_code": Regime.TRENDING_BULLISH, "regime_adx": 30.0, "regime_side": 1.0,
    "confluence_score": 0.6, "confluence_confidence": 0.7, "turns_atr": 2.0,
}  # fmt: skip
RANGE = {**BULL, "regime_code": Regime.RANGING, "regime_adx": 15.0}


def entry(columns, rule=BOTH, direction=None, **more):
    """What a single candle offers."""
    frame = of_candles(1, **{**columns, **more})
    leaning = np.sign(frame["confluence_score"]) if direction is None else direction
    frame["confluence_direction"] = np.int8(leaning)
    return candidates.compute(frame, rule).iloc[0]


def test_with_every_optional_input_off_a_trend_is_followed_by_score_and_agreement_alone():
    found = entry(BULL)
    assert (found["entry_kind"], found["entry_side"], found["entry_block"]) == (Kind.TREND, LONG, 0)
    assert found["entry_score"] == pytest.approx(0.6)
    assert found["entry_threshold"] == pytest.approx(0.25 * 0.9)
    assert found["entry_confidence"] == pytest.approx(0.7)
    assert found["entry_size"] == 1.0


@pytest.mark.parametrize(
    ("near", "score", "kind", "side"),
    [
        (VAL, -0.6, Kind.EDGE, LONG),
        (VAH, 0.6, Kind.EDGE, SHORT),
        (POC, 0.6, Kind.POC, LONG),
        (POC, -0.6, Kind.POC, SHORT),
    ],
)
def test_a_range_is_faded_at_its_edges_and_followed_at_its_poc(near, score, kind, side):
    found = entry(RANGE, profile_near=near, confluence_score=score)
    assert (found["entry_kind"], found["entry_side"], found["entry_block"]) == (kind, side, 0)
    assert found["entry_score"] == pytest.approx(0.6)
    assert found["entry_confidence"] == pytest.approx(0.8), "a key level adds to it"


@pytest.mark.parametrize(("near", "score"), [(VAL, 0.6), (VAH, -0.6)])
def test_an_edge_that_is_not_stretched_is_not_faded(near, score):
    found = entry(RANGE, profile_near=near, confluence_score=score)
    assert found["entry_block"] == Why.NOT_ALIGNED


SOLD = {"orderflow_imbalance": -0.8}
REFUSALS = {
    Why.NO_PRICE: (BULL | {"volume": 0.0}, BOTH),
    Why.REGIME_UNKNOWN: (BULL | {"regime_adx": np.nan}, BOTH),
    Why.REGIME: (BULL | {"regime_code": Regime.VOLATILE}, BOTH),
    Why.SWITCHED_OFF: (BULL, BOTH.with_values({"entries": {"trend": False}})),
    Why.NO_LEVEL: (RANGE, BOTH),
    Why.SCORE_UNKNOWN: (BULL | {"confluence_score": np.nan}, BOTH),
    Why.NOT_ALIGNED: (BULL | {"confluence_score": -0.6}, BOTH),
    Why.SCORE: (BULL | {"confluence_score": 0.2}, BOTH),
    Why.DIRECTION: (BULL, Settings(direction="short")),
    Why.ATR_UNKNOWN: (BULL | {"turns_atr": np.nan}, BOTH),
    Why.SHOCK: (BULL | {"shocks_kind": 1}, BOTH),
    Why.FLOW: (BULL | SOLD, BOTH),
    Why.PREDICTION: (BULL | {"prediction_up": 0.29}, BOTH),
    Why.HOURS: (BULL | {"hours_pause": 1}, BOTH),
}


def test_every_reason_has_a_case_of_its_own_and_words():
    assert REFUSALS.keys() == set(Why) - {Why.ENTERS}
    assert len({why.text for why in Why}) == len(Why)


@pytest.mark.parametrize("why", list(REFUSALS), ids=lambda why: why.name.lower())
def test_each_guard_alone_refuses_what_would_be_entered(why):
    columns, rule = REFUSALS[why]
    direction = 0 if why is Why.SCORE_UNKNOWN else None
    assert entry(columns, rule, direction)["entry_block"] == why


@pytest.mark.parametrize(
    ("changes", "columns", "confidence", "size"),
    [
        ({}, {"profile_near": VAH}, 0.8, 1.0),
        ({}, {"orderflow_imbalance": 0.71}, 0.8, 1.0),
        ({}, {"orderflow_imbalance": 0.69}, 0.7, 1.0),
        ({}, {"prediction_up": 0.71}, 0.8, 1.0),
        ({}, {"prediction_up": 0.5}, 0.7, 1.0),
        ({}, {"profile_near": POC, "prediction_up": 0.9, "orderflow_imbalance": 1.0,
              "confluence_confidence": 1.0}, 1.0, 1.0),
        ({}, {"profile_low_volume": 1}, 0.7, 0.7),
        ({}, {"funding_contrarian": -0.5}, 0.7, 0.7),
        ({}, {"funding_contrarian": 0.5}, 0.7, 0.7),
        ({}, {"funding_contrarian": 0.0}, 0.7, 1.0),
        ({}, {"hours_thin": 1}, 0.7, 0.5),
        ({}, {"hours_thin": 1, "funding_contrarian": 0.5, "profile_low_volume": 1}, 0.7, 0.245),
        ({"entries": {"flow_veto": False}}, SOLD, 0.7, 1.0),
        ({"regime": {"bullish": {"size_factor": 2.0}}}, {}, 0.7, 1.0),
        ({"regime": {"bullish": {"size_factor": 0.4}}}, {}, 0.7, 0.4),
    ],
)  # fmt: skip
def test_what_else_is_known_changes_confidence_or_size(changes, columns, confidence, size):
    found = entry(BULL, BOTH.with_values(changes), **columns)
    assert found["entry_block"] == Why.ENTERS
    assert found["entry_confidence"] == pytest.approx(confidence)
    assert found["entry_size"] == pytest.approx(size)


BEAR = BULL | {
    "regime_code": Regime.TRENDING_BEARISH, "regime_side": -1.0, "confluence_score": -0.6,
}  # fmt: skip


@pytest.mark.parametrize(
    ("rising", "block", "confidence"),
    [(0.2, 0, 0.8), (0.5, 0, 0.7), (0.69, 0, 0.7), (0.8, Why.PREDICTION, 0.0)],
)
def test_a_short_takes_the_probability_of_a_fall(rising, block, confidence):
    found = entry(BEAR, prediction_up=rising)
    assert found["entry_block"] == block
    assert found["entry_confidence"] == pytest.approx(confidence)


@few
@given(frames(), choices())
def test_predictions_that_are_switched_off_absent_or_unknown_change_nothing(frame, rule):
    off = rule.with_values({"prediction": {"enabled": False}})
    plain = candidates.compute(frame.drop(columns="prediction_up"), rule)
    for seen, chosen in ((frame, off), (frame.assign(prediction_up=np.nan), rule)):
        pd.testing.assert_frame_equal(candidates.compute(seen, chosen), plain)


def test_the_threshold_follows_volatility_within_bounds_and_the_regime():
    wild = entry(BULL | {"regime_code": Regime.VOLATILE_TRENDING}, thresholds_multiplier=1.5)
    assert wild["entry_threshold"] == pytest.approx(0.25 * 1.5 * 1.3)
    assert wild["entry_size"] == 0.5
    beyond = entry(BULL, thresholds_multiplier=9.0)
    assert beyond["entry_threshold"] == pytest.approx(0.25 * 2.0 * 0.9)


def test_without_the_regime_trends_are_followed_on_the_side_of_confluence():
    rule = BOTH.with_values({"regime": {"enabled": False}})
    columns = {name: one for name, one in BULL.items() if not name.startswith("regime")}
    found = entry(columns, rule, confluence_score=-0.6)
    assert (found["entry_kind"], found["entry_side"], found["entry_block"]) == (1, SHORT, 0)
    assert (found["entry_threshold"], found["entry_size"]) == (0.25, 1.0)


@few
@given(frames(), choices())
def test_a_prediction_alone_enters_nothing_and_takes_no_other_side(frame, rule):
    with_one = candidates.compute(frame, rule)
    without = candidates.compute(frame.drop(columns="prediction_up"), rule)
    entered = with_one["entry_block"] == Why.ENTERS
    assert (without["entry_block"][entered] == Why.ENTERS).all()
    for name in ("entry_kind", "entry_side", "entry_score", "entry_threshold"):
        pd.testing.assert_series_equal(with_one[name], without[name])
    pd.testing.assert_series_equal(with_one["entry_size"][entered], without["entry_size"][entered])
