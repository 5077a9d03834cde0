"""When a prediction is heeded: the rule against a loop, what is unknown, and what is asked of whom.

P14 for the strategies' own columns. What outcomes say is tested in tests/prediction/test_gate.py.
"""

import math
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from freqtrade.enums import RunMode
from hypothesis import given
from hypothesis import strategies as st

from gridkit.host.prediction import heeding
from gridkit.prediction import gate
from gridkit.prediction.gate import Why
from gridkit.settings import PredictionSettings
from host.desks import PAIR, strategy_of
from strategies import START

COST = 0.0022  # what a strategy of these tests pays for a round trip
CANDLE, HORIZON = 300, 900
LEAST = 10.0
SETTINGS = {
    "horizons": ("15m", "1h"), "main_horizon": "15m",
    "gate": {"least_outcomes": LEAST, "window_days": 1, "max_age_hours": 24},
    "drift": {"most_drifted": 0.1},
}  # fmt: skip
RULE = PredictionSettings.model_validate(SETTINGS)
UNHEARD = ["prediction_accuracy", "prediction_lower", "prediction_break_even"]
TRAINED = START.timestamp() - 3_600
BIG = 0.01  # a move worth a trade


def rule(**changes):
    return PredictionSettings.model_validate({**SETTINGS, **changes})


def answers(moves, up, **columns):
    """What FreqAI answers on consecutive candles; `moves` are log returns of each."""
    count = len(moves)
    known = {
        "date": START + pd.Timedelta(seconds=CANDLE) * np.arange(count),
        "close": 100 * np.exp(np.cumsum(moves)),
        "&-up_15m": up,
        "&-decided_15m": 0.8,
        "&-uncertainty_15m": 0.05,
        "&-up_1h": 0.6,
        "&-drifted": 1.0,
        "prediction_trained": TRAINED,
        "do_predict": 1,
    }
    return pd.DataFrame({**known, **columns})


def skilled(count=200, **columns):
    """Prices that swing, and somebody who knows which way, always."""
    moves = BIG * np.where(np.arange(count + 3) // 12 % 2, 1.0, -1.0)
    ahead = np.array([moves[now + 1 : now + 4].sum() for now in range(count)])
    return answers(moves[:count], np.where(ahead > 0, 0.9, 0.1), **columns)


def asked(seen, of=RULE):
    return heeding.columns(seen, of, "5m", COST)


def reasons(seen, of=RULE):
    return [Why(code) for code in asked(seen, of)["prediction_gate"]]


@st.composite
def histories(draw, most=150):
    """Answers of some skill; some are missing, filled with 0, in-sample, old or of another time."""
    noise, count = (
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        draw(st.integers(1, most)),
    )
    moves = noise.normal(0, draw(st.sampled_from((0.0003, 0.003, 0.01))), count + 3)
    ahead = np.array([moves[now + 1 : now + 4].sum() for now in range(count)])
    right = noise.random(count) < draw(st.sampled_from((0.4, 0.6, 1.0)))
    up = 0.5 + np.where(right, np.sign(ahead), -np.sign(ahead)) * noise.uniform(0.01, 0.49, count)
    hours = noise.choice([0.0, 1.0, 23.9, 30.0], count, p=[0.1, 0.5, 0.3, 0.1])
    times = START.timestamp() + CANDLE * np.arange(1, count + 1)
    frame = answers(
        moves[:count],
        up,
        do_predict=noise.choice([1, 0, 2, -1], count, p=[0.85, 0.1, 0.03, 0.02]),
        **{
            "&-drifted": noise.choice(
                [0.0, 1.0, 1.1, 1.2, np.nan], count, p=[0.1, 0.6, 0.1, 0.1, 0.1]
            ),
            "prediction_trained": np.where(hours == 0, 0.0, times - 3_600 * hours),
        },
    )
    frame.loc[noise.random(count) < 0.1, "&-up_15m"] = draw(st.sampled_from((0.0, np.nan, 1.5)))
    frame.loc[noise.random(count) < draw(st.sampled_from((0.0, 0.1))), "close"] = 0.0
    return frame[noise.random(count) >= draw(st.sampled_from((0.0, 0.1)))]


# -- P14: heeded exactly when the rule says so ----------------------------------------------------


def by_loop(seen, of):
    """At each candle the first reason against its prediction."""
    rows = list(seen.itertuples(index=False, name=None))
    place = {name: number for number, name in enumerate(seen.columns)}
    told = [dict(zip(place, row, strict=True)) for row in rows]
    closes = {one["date"].timestamp(): one["close"] for one in told}
    outcomes = []
    for one in told:
        then = one["date"].timestamp() + HORIZON
        if known(one) is None or known(one) == 0.5 or not closes.get(then) or not one["close"]:
            continue
        move = closes[then] / one["close"] - 1
        if abs(move) > COST:
            outcomes.append((then, (known(one) > 0.5) == (move > 0), abs(move)))
    return [first_reason(one, outcomes, of) for one in told]


def known(one):
    up = one["&-up_15m"]
    return up if one["do_predict"] == 1 and 0 < up <= 1 else None


def first_reason(one, outcomes, of):
    now = one["date"].timestamp()
    hours = (now + CANDLE - one["prediction_trained"]) / 3_600
    drifted = one["&-drifted"] - 1
    if known(one) is None:
        return Why.UNKNOWN
    if not one["prediction_trained"] or hours > of.gate.max_age_hours:
        return Why.OLD
    if of.drift.enabled and not 0 <= drifted <= of.drift.most_drifted + 1e-12:
        return Why.DRIFTED
    seen = [one for one in outcomes if now - of.gate.window_days * 86_400 < one[0] <= now]
    return by_outcomes(seen, of)


def by_outcomes(seen, of):
    count = len(seen) * CANDLE / HORIZON
    if count < of.gate.least_outcomes:
        return Why.FEW
    share = sum(right for _, right, _ in seen) / len(seen)
    if share < of.gate.least_accuracy:
        return Why.INACCURATE
    size = sum(moved for _, _, moved in seen) / len(seen)
    lower = gate.lower_bound(np.array([share]), np.array([count]), of.gate.confidence)[0]
    return Why.ON if lower > (size + COST) / (2 * size) else Why.UNSURE


@given(seen=histories(), drifts=st.booleans())
def test_a_prediction_is_heeded_exactly_when_the_rule_says_so(seen, drifts):
    of = rule(drift={"enabled": drifts, "most_drifted": 0.1})
    found = asked(seen, of)
    assert found["prediction_gate"].tolist() == by_loop(seen, of)
    heeded = found["prediction_gate"] == Why.ON
    assert found["prediction_up"].notna().equals(heeded)
    assert found["prediction_up"][heeded].equals(found["prediction_up_15m"][heeded])


@given(seen=histories(), cut=st.floats(0, 1))
def test_nothing_changes_when_later_candles_arrive(seen, cut):
    now = round(cut * len(seen))
    pd.testing.assert_frame_equal(asked(seen.iloc[:now]), asked(seen).iloc[:now])


@given(seen=histories())
def test_the_input_is_left_alone_and_every_answer_is_a_probability(seen):
    before = seen.copy(deep=True)
    found = asked(seen)
    pd.testing.assert_frame_equal(seen, before)
    for name in ("prediction_up", "prediction_up_15m", "prediction_up_1h"):
        assert found[name].dropna().between(0, 1).all()


def test_skill_opens_the_gate_once_enough_is_known_and_is_heeded_then():
    found = reasons(skilled())
    first = found.index(Why.ON)
    assert set(found[:first]) == {Why.FEW}
    assert set(found[first:]) == {Why.ON}
    # Three candles overlap, some of the swings' ends are in the dead zone, and an outcome is known
    # three candles later.
    assert 3 * LEAST < first < 3 * LEAST * 1.5


@pytest.mark.parametrize("up", [lambda up: 1 - up, lambda up: 0.5 + 0 * up])
def test_without_skill_it_stays_off(up):
    seen = skilled()
    assert Why.ON not in reasons(seen.assign(**{"&-up_15m": up(seen["&-up_15m"])}))


def test_moves_that_a_round_trip_eats_up_are_not_sure_enough():
    small = skilled()
    small["close"] = 100 * (small["close"] / 100) ** 0.077
    assert set(reasons(small)) == {Why.FEW, Why.UNSURE}


# -- before the gate's own reasons ----------------------------------------------------------------

EARLIER = {
    Why.UNKNOWN: {"do_predict": 0},
    Why.OLD: {"prediction_trained": TRAINED - 25 * 3_600},
    Why.DRIFTED: {"&-drifted": 1.2},
}


@pytest.mark.parametrize("why", EARLIER)
def test_unknown_old_and_drifted_come_before_what_outcomes_say(why):
    """On the last candles alone, while the gate is open, and on all, while there are none."""
    seen, columns = skilled(), EARLIER[why]
    for name, value in columns.items():
        seen.loc[seen.index[-5:], name] = value
    assert reasons(seen)[-6:] == [Why.ON, *5 * [why]]
    assert set(reasons(skilled(20, **columns))) == {why}
    found = asked(seen).iloc[-5:]
    assert found["prediction_up"].isna().all()
    assert found[UNHEARD].notna().all(axis=None)


def test_of_several_the_first_is_named():
    every = {name: value for one in EARLIER.values() for name, value in one.items()}
    assert set(reasons(skilled(**every))) == {Why.UNKNOWN}
    every.pop("do_predict")
    assert set(reasons(skilled(**every))) == {Why.OLD}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"prediction_trained": 0.0}, Why.OLD),
        ({"prediction_trained": np.nan}, Why.OLD),
        ({"&-drifted": 0.0}, Why.DRIFTED),
        ({"&-drifted": np.nan}, Why.DRIFTED),
    ],
)
def test_an_age_or_a_drift_that_is_not_known_stands_against_it(columns, why):
    assert set(reasons(skilled(**columns))) == {why}


def test_up_to_its_age_and_its_drift_a_model_is_heeded():
    seen = skilled()
    closes = seen["date"].map(pd.Timestamp.timestamp) + CANDLE
    on_the_line = {"prediction_trained": closes - 24 * 3_600, "&-drifted": 1.1}
    assert reasons(seen.assign(**on_the_line))[-1] == Why.ON
    assert reasons(seen.assign(prediction_trained=closes - 24 * 3_600 - 1))[-1] == Why.OLD
    assert reasons(seen.assign(**{"&-drifted": 1.101}))[-1] == Why.DRIFTED


def test_where_drift_is_switched_off_nobody_asks_for_it():
    without = rule(drift={"enabled": False})
    for drifted in (0.0, np.nan, 2.0):
        assert reasons(skilled(**{"&-drifted": drifted}), without)[-1] == Why.ON
    assert reasons(skilled().drop(columns="&-drifted"), without)[-1] == Why.ON


# -- what is unknown, and never counted -----------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"do_predict": 0}, {"do_predict": 2}, {"do_predict": -1},
        {"&-up_15m": 0.0}, {"&-up_15m": np.nan}, {"&-up_15m": 1.5},
    ],
    ids=str,
)  # fmt: skip
def test_what_freqai_did_not_predict_is_unknown_and_never_counted(columns):
    """Zeros it fills in, what a model says of its own training, outliers, models that expired."""
    seen = skilled()
    early = seen.index[:100]
    for name, value in columns.items():
        seen.loc[early, name] = value
    found = asked(seen)
    assert set(found["prediction_gate"][early]) == {Why.UNKNOWN}
    assert found["prediction_up_15m"][early].isna().all()
    assert found["prediction_outcomes"].iloc[102] == 0
    assert found["prediction_outcomes"].iloc[-1] == asked(skilled())["prediction_outcomes"].iloc[99]


def test_a_column_that_freqai_does_not_have_yet_is_unknown_in_every_row():
    """Before the first model there are zeros for what it will be trained on, and nothing else."""
    bare = skilled()[["date", "close", "do_predict"]].assign(do_predict=0)
    found = asked(bare)
    assert set(found["prediction_gate"]) == {Why.UNKNOWN}
    rest = found.drop(columns=["prediction_gate", "prediction_outcomes"])
    assert rest.isna().all(axis=None)


def test_of_an_unknown_prediction_no_figure_is_shown():
    found = asked(skilled(do_predict=0))
    shown = ["decided", "uncertainty", "drifted", "hours", "up_15m", "up_1h"]
    assert found[[f"prediction_{name}" for name in shown]].isna().all(axis=None)


def test_what_is_shown_is_of_the_main_horizon_and_each_horizon_has_its_own():
    found = asked(skilled()).iloc[-1]
    assert found["prediction_decided"] == pytest.approx(0.8)
    assert found["prediction_uncertainty"] == pytest.approx(0.05)
    assert found["prediction_up_1h"] == pytest.approx(0.6)
    assert found["prediction_drifted"] == pytest.approx(0.0)
    assert found["prediction_hours"] == pytest.approx(1 + 200 / 12)
    other = asked(skilled(), rule(main_horizon="1h")).iloc[-1]
    assert math.isnan(other["prediction_decided"])
    assert other["prediction_up_15m"] == found["prediction_up_15m"]


def test_another_horizon_that_is_unknown_does_not_stand_against_the_main_one():
    found = asked(skilled(**{"&-up_1h": 0.0})).iloc[-1]
    assert found["prediction_gate"] == Why.ON
    assert math.isnan(found["prediction_up_1h"])


def test_what_stands_for_unknown_has_the_same_columns():
    found, instead = asked(skilled()), heeding.unknown(skilled(), RULE)
    assert sorted(found) == sorted(instead)
    pd.testing.assert_series_equal(found.dtypes.sort_index(), instead.dtypes.sort_index())
    assert instead.index.equals(found.index)
    assert set(instead["prediction_gate"]) == {Why.UNKNOWN}
    assert instead.drop(columns="prediction_gate").isna().all(axis=None)


# -- asked of FreqAI ------------------------------------------------------------------------------


class FreqAI:
    """Gives an answer made before; live it also has a history of its own."""

    def __init__(self, answer, past=None):
        self.answer = answer
        history = {} if past is None else {PAIR: past}
        self.dd = SimpleNamespace(historic_predictions=history)
        self.learning = SimpleNamespace(told={})

    def start(self, frame, metadata, strategy):
        if isinstance(self.answer, Exception):
            raise self.answer
        assert metadata == {"pair": PAIR}
        return self.answer


def strategy_with(freqai, runmode=RunMode.DRY_RUN):
    settings = {name: {"enabled": False} for name in ("regime", "correlation")}
    strategy = strategy_of(runmode, prediction=SETTINGS, **settings)
    strategy.config["freqai"] = {"enabled": True}
    strategy.freqai = freqai
    return strategy


def candles_of(seen):
    ohlc = dict.fromkeys(("open", "high", "low", "close"), seen["close"])
    return pd.DataFrame({"date": seen["date"], **ohlc, "volume": 1.0}).reset_index(drop=True)


def history_of(seen):
    return seen.rename(columns={"date": "date_pred", "close": "close_price"})


def added(seen, strategy):
    frame = candles_of(seen)
    found = heeding.added(frame, PAIR, strategy)
    assert found.columns[: len(frame.columns)].equals(frame.columns)
    return found


def test_where_freqai_is_off_the_frame_stays_as_it_is():
    strategy = strategy_with(FreqAI(ValueError("must not be asked")))
    frame = candles_of(skilled())
    for section in ({"enabled": False}, {}):
        strategy.config["freqai"] = section
        assert heeding.added(frame, PAIR, strategy) is frame


def test_live_a_history_longer_than_the_frame_is_judged():
    seen, last = skilled(), skilled().tail(10)
    short = added(last, strategy_with(FreqAI(last)))
    assert short["prediction_gate"].iloc[-1] == Why.FEW
    whole = added(last, strategy_with(FreqAI(last, history_of(seen))))
    assert whole["prediction_gate"].iloc[-1] == Why.ON
    expected = asked(seen).tail(10).reset_index(drop=True)
    pd.testing.assert_frame_equal(whole[expected.columns], expected)


def test_in_a_backtest_the_answer_is_judged_whatever_freqai_holds():
    last = skilled().tail(10)
    strategy = strategy_with(FreqAI(last, history_of(skilled())), RunMode.BACKTEST)
    assert added(last, strategy)["prediction_gate"].iloc[-1] == Why.FEW


def test_of_the_history_all_that_the_gate_looks_at_is_read():
    seen = skilled(1_000)
    found = added(seen.tail(10), strategy_with(FreqAI(seen.tail(10), history_of(seen))))
    expected = asked(seen).tail(10).reset_index(drop=True)
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_closes_that_the_history_missed_come_from_the_frame():
    """After a restart FreqAI has zeros for the candles of the meantime, their closes included."""
    seen = skilled()
    gap = seen.index[-40:-5]
    numbers = [name for name in seen if name != "date"]
    past = seen.copy()
    past.loc[gap, numbers] = 0
    expected = seen.copy()
    expected.loc[gap, [name for name in numbers if name != "close"]] = 0
    last = seen.tail(60)
    found = added(last, strategy_with(FreqAI(last, history_of(past))))
    wanted = asked(expected).tail(60).reset_index(drop=True)
    pd.testing.assert_frame_equal(found[wanted.columns], wanted)
    counted = asked(past)["prediction_outcomes"].iloc[-1]
    assert found["prediction_outcomes"].iloc[-1] > counted


def test_candles_that_the_history_does_not_have_are_unknown():
    seen = skilled()
    past = history_of(seen.drop(index=seen.index[-3:-1]))
    found = added(seen, strategy_with(FreqAI(seen, past)))
    assert found["prediction_gate"].tolist()[-4:] == [Why.ON, Why.UNKNOWN, Why.UNKNOWN, Why.ON]
    assert found["prediction_up_15m"].isna().tolist()[-4:] == [False, True, True, False]


def test_live_an_error_leaves_predictions_unknown_and_is_shown():
    strategy = strategy_with(FreqAI(ArithmeticError("a defect")))
    found = added(skilled(), strategy)
    unknown = heeding.unknown(candles_of(skilled()), RULE)
    pd.testing.assert_frame_equal(found[unknown.columns], unknown)
    (shown,) = strategy.desk.context.features.of(PAIR)
    assert (shown.name, shown.state) == ("prediction", "failing")


def test_in_a_backtest_an_error_is_raised():
    strategy = strategy_with(FreqAI(ArithmeticError("a defect")), RunMode.BACKTEST)
    with pytest.raises(ArithmeticError):
        added(skilled(), strategy)


def test_live_a_pair_without_a_model_waits_and_says_what_for():
    freqai = FreqAI(skilled(do_predict=0))
    strategy = strategy_with(freqai)
    added(skilled(), strategy)
    (shown,) = strategy.desk.context.features.of(PAIR)
    assert (shown.state, shown.why) == ("waits", "no model has predicted this candle")
    strategy.desk.context.now += timedelta(seconds=CANDLE)
    freqai.learning.told[PAIR] = "training failed: too few rows"
    added(skilled(), strategy)
    (shown,) = strategy.desk.context.features.of(PAIR)
    assert shown.why == "training failed: too few rows"


def test_live_a_pair_with_a_prediction_does_not_wait_though_it_is_not_heeded():
    strategy = strategy_with(FreqAI(skilled(20)))
    assert added(skilled(20), strategy)["prediction_gate"].iloc[-1] == Why.FEW
    assert strategy.desk.context.features.of(PAIR) == []


def test_a_backtest_shows_nobody_waiting():
    strategy = strategy_with(FreqAI(skilled(do_predict=0)), RunMode.BACKTEST)
    added(skilled(), strategy)
    assert strategy.desk.context.features.of(PAIR) == []


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([Why.UNKNOWN] * 3, "nothing was predicted"),
        ([Why.ON] * 4, "predictions of 4 candles, 100% of them heeded"),
        (
            [Why.UNKNOWN, Why.ON, Why.FEW, Why.FEW, Why.UNSURE],
            "predictions of 4 candles, 25% of them heeded; not heeded: "
            f"50% {Why.FEW.text}, 25% {Why.UNSURE.text}",
        ),
    ],
)
def test_a_backtest_says_how_often_predictions_were_heeded_and_why_not(codes, said):
    assert heeding.summary(np.array(codes)) == said


def test_an_answer_by_a_model_trained_beyond_its_candle_is_unknown_and_never_counted():
    seen = skilled()
    late = seen["date"] < seen["date"].iloc[150]
    beyond = seen["date"].iloc[150].timestamp() + CANDLE
    seen["prediction_trained"] = np.where(late, beyond, TRAINED)
    found = asked(seen)
    assert found["prediction_up_15m"][late].isna().all()
    assert (found["prediction_gate"][late] == Why.UNKNOWN).all()
    assert (found["prediction_outcomes"][:153] == 0).all()
    assert found["prediction_up_15m"][~late].notna().all()
