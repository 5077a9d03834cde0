"""The gate: on exactly when its rule says so, by a loop; noise stays off, a real edge gets on."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gridkit.prediction import gate
from gridkit.prediction.gate import Rule, Why
from strategies import START

RULE = Rule("15m", "5m", 0.001, window_days=2.0)
MAIN = Rule("4h", "5m", 0.001)
DAYS = 50
MAIN_CANDLES = 48


def frame_of(up, move, **columns):
    count = len(up)
    base = {
        "date": START + pd.Timedelta("5m") * np.arange(count),
        "up": up,
        "do_predict": 1,
        "in_sample": False,
        "move": move,
    }
    return pd.DataFrame(base | columns)


@st.composite
def histories(draw, most=900):
    """Candles with gaps; predictions of some skill, some missing, neutral, filled or in-sample."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, skill = draw(st.integers(0, most)), draw(st.sampled_from((0.5, 0.58, 0.65, 0.8)))
    move = noise.normal(0, draw(st.sampled_from((0.0005, 0.004, 0.02))), count)
    sure = noise.uniform(0.01, 0.49, count)
    side = np.where(noise.random(count) < skill, np.sign(move), -np.sign(move))
    up = 0.5 + side * sure
    strange = draw(st.sampled_from((0.0, 0.1)))
    for value in (0.0, 0.5, np.nan, 1.5):
        up[noise.random(count) < strange] = value
    move[noise.random(count) < strange] = np.nan
    frame = frame_of(
        up,
        move,
        do_predict=np.where(noise.random(count) < strange, noise.integers(-2, 3, count), 1),
        in_sample=noise.random(count) < strange,
    )
    gaps = draw(st.sampled_from((0.0, 0.2)))
    return frame[noise.random(count) >= gaps]


def heard(row, rule):
    """Whether a row's prediction was one, and what came of it was a question."""
    own = row.do_predict == 1 and not row.in_sample and 0 < row.up <= 1 and row.up != 0.5
    return own and abs(row.move) > rule.cost_fraction


def wilson(share, count, confidence):
    """The smallest true share of which `share` is no further off than chance allows, by halving."""
    normal = stats.norm.ppf(confidence)
    low, high = 0.0, share
    for _ in range(50):
        middle = (low + high) / 2
        off = (share - middle) > normal * math.sqrt(middle * (1 - middle) / count)
        low, high = (middle, high) if off else (low, middle)
    return (low + high) / 2


def by_loop(frame, rule):
    """Reason, accuracy, lower bound, break-even and outcomes at each candle."""
    horizon = pd.Timedelta(rule.horizon).total_seconds()
    per_outcome = horizon / pd.Timedelta(rule.timeframe).total_seconds()
    rows = [
        (row.date.timestamp() + horizon, (row.up > 0.5) == (row.move > 0), abs(row.move))
        for row in frame.itertuples()
        if heard(row, rule)
    ]
    for now in frame["date"].map(pd.Timestamp.timestamp):
        seen = [row for row in rows if now - rule.window_days * 86_400 < row[0] <= now]
        yield judged(seen, len(seen) / per_outcome, rule) if seen else UNHEARD


def judged(seen, count, rule):
    share = sum(right for _, right, _ in seen) / len(seen)
    size = sum(moved for _, _, moved in seen) / len(seen)
    # From share·(size - cost) = (1 - share)·(size + cost): what right ones earn, wrong ones lose.
    even = (size + rule.cost_fraction) / (2 * size)
    lower = wilson(share, count, rule.confidence)
    if count < rule.least_outcomes:
        reason = Why.FEW
    elif share < rule.least_accuracy:
        reason = Why.INACCURATE
    else:
        reason = Why.ON if lower > even else Why.UNSURE
    return reason, share, lower, even, count


UNHEARD = (Why.FEW, math.nan, math.nan, math.nan, 0.0)
FIGURES = ["accuracy", "lower", "break_even", "outcomes"]


@given(frame=histories(most=300), least=st.sampled_from((3, 10, 30)))
def test_the_gate_is_on_exactly_when_its_rule_says_so(frame, least):
    """P14."""
    rule = Rule("15m", "5m", 0.001, least_outcomes=least, window_days=0.5)
    found, expected = gate.compute(frame, rule), list(by_loop(frame, rule))
    assert found["gate_reason"].tolist() == [row[0] for row in expected]
    assert found["gate_on"].tolist() == [row[0] == Why.ON for row in expected]
    figures = np.array([row[1:] for row in expected]).reshape(-1, 4)
    named = found[[f"gate_{name}" for name in FIGURES]]
    np.testing.assert_allclose(named.to_numpy(), figures, rtol=1e-9, atol=1e-9)
    assert found.index.equals(frame.index)


@given(frame=histories(), cut=st.floats(0.0, 1.0))
def test_only_outcomes_already_known_at_the_candle_are_counted(frame, cut):
    """Neither later candles nor later outcomes of earlier candles change what was said."""
    now = round(cut * len(frame))
    then, found = frame.iloc[:now].copy(), gate.compute(frame, RULE)
    if now:
        late = then["date"] + pd.Timedelta("15m") > then["date"].iloc[-1]
        then.loc[late, "move"] = 1.0
    pd.testing.assert_frame_equal(gate.compute(then, RULE), found.iloc[:now])


@given(frame=histories())
def test_the_input_is_left_alone(frame):
    before = frame.copy(deep=True)
    gate.compute(frame, RULE)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "unknown",
    [
        {"do_predict": 0},
        {"do_predict": 2},
        {"do_predict": -2},
        {"up": 0.0},
        {"up": np.nan},
        {"up": 0.5},
        {"in_sample": True},
        {"move": 0.0},
        {"move": np.nan},
    ],
)
def test_rows_that_are_no_prediction_are_never_counted(unknown):
    frame = frame_of(np.full(400, 0.8), np.full(400, 0.02))
    assert gate.compute(frame, RULE)["gate_on"].iloc[-1]
    found = gate.compute(frame.assign(**unknown), RULE)
    assert not found["gate_on"].any()
    assert (found["gate_outcomes"] == 0).all()
    assert (found["gate_reason"] == Why.FEW).all()


def test_it_is_off_at_the_start_and_opens_with_the_sixtieth_outcome():
    found = gate.compute(frame_of(np.full(400, 0.8), np.full(400, 0.02)), RULE)
    # 180 candles make 60 outcomes of three, and the last of them is known three candles later.
    assert int(np.argmax(found["gate_on"])) == 182
    assert found["gate_on"].iloc[182:].all()


def test_it_closes_below_the_least_accuracy_and_says_why():
    up = np.full(1_200, 0.8)
    move = np.where(np.arange(1_200) < 600, 0.02, -0.02)
    found = gate.compute(frame_of(up, move), RULE)
    assert found["gate_on"].iloc[599]
    closed = found[600:][~found["gate_on"][600:]]
    assert len(closed) > 300
    assert not found["gate_on"][(found["gate_accuracy"] < 0.55)].any()
    assert Why(int(found["gate_reason"].iloc[-1])) is Why.INACCURATE


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, Why.ON),
        ({"least_accuracy": 0.75}, Why.INACCURATE),
        ({"least_outcomes": 200}, Why.FEW),
        ({"confidence": 0.999_999_999}, Why.UNSURE),
        ({"cost_fraction": 0.012}, Why.UNSURE),
        ({"window_days": 0.5}, Why.FEW),
        ({"horizon": "1h"}, Why.FEW),
        ({"timeframe": "1m"}, Why.FEW),
    ],
)
def test_each_part_of_the_rule_decides(changed, reason):
    right = np.arange(600) % 10 < 7
    frame = frame_of(np.where(right, 0.6, 0.4), np.full(600, 0.02))
    rule = Rule(**{"horizon": "15m", "timeframe": "5m", "cost_fraction": 0.001} | changed)
    assert Why(int(gate.compute(frame, rule)["gate_reason"].iloc[-1])) is reason


def test_every_reason_has_words():
    assert len({one.text for one in Why}) == len(Why) == 7


@pytest.mark.parametrize("count", [1, 40, 60, 200, 1_000])
def test_the_lower_bound_is_wilsons_by_scipy(count):
    for hits in range(0, count + 1, max(1, count // 7)):
        # One-sided 90 % is the lower end of two-sided 80 %.
        judge = stats.binomtest(hits, count).proportion_ci(0.80, method="wilson").low
        found = gate.lower_bound(np.array([hits / count]), np.array([count]), 0.90)
        assert found[0] == pytest.approx(judge, abs=1e-12)


def test_the_lower_bound_is_about_half_an_outcome_above_the_one_that_is_never_too_high():
    for count, hits in ((60, 40), (180, 110)):
        exact = stats.binomtest(hits, count).proportion_ci(0.80, method="exact").low
        found = gate.lower_bound(np.array([hits / count]), np.array([count]), 0.90)[0]
        assert 0 < (found - exact) * count < 1


@given(move=st.floats(0.002, 0.2), cost=st.floats(0, 0.002))
def test_at_break_even_gains_and_losses_cancel(move, cost):
    share = gate.break_even(cost, np.array([move]))[0]
    assert share * (move - cost) - (1 - share) * (move + cost) == pytest.approx(0, abs=1e-12)


def walk_of(noise, count, sigma=0.001):
    """Moves over the main horizon of a random walk of 5-minute closes."""
    close = np.exp(np.cumsum(noise.normal(0, sigma, count)))
    move = np.full(count, np.nan)
    move[:-MAIN_CANDLES] = close[MAIN_CANDLES:] / close[:-MAIN_CANDLES] - 1
    return move


def lasting(noise, count, half_life):
    """Opinions without any skill that last: an autoregression, put on 0 … 1."""
    keep = 0.5 ** (1 / half_life)
    opinion = pd.Series(noise.normal(0, 1, count)).ewm(alpha=1 - keep, adjust=False).mean()
    return stats.norm.cdf(opinion / opinion.std())


@pytest.mark.parametrize(("half_life", "cost"), [(1, 0.0), (48, 0.0002), (288, 0.0005)])
def test_pure_noise_over_twenty_seeds_is_on_less_than_5_percent_of_the_time(half_life, cost):
    on = []
    for seed in range(20):
        noise = np.random.default_rng(seed)
        move = walk_of(noise, DAYS * 288)
        frame = frame_of(lasting(noise, len(move), half_life), move)
        on.append(gate.compute(frame, Rule("4h", "5m", cost))["gate_on"].mean())
    assert np.mean(on) < 0.05


def test_a_planted_edge_of_65_percent_is_gated_on():
    on = []
    for seed in range(5):
        noise = np.random.default_rng(seed)
        move = walk_of(noise, DAYS * 288, sigma=0.0015)
        right = noise.random(len(move)) < 0.65
        up = np.where(right == (np.nan_to_num(move) > 0), 0.6, 0.4)
        found = gate.compute(frame_of(up, move), MAIN)
        on.append(found["gate_on"].iloc[30 * 288 :].mean())
    assert min(on) > 0.95
