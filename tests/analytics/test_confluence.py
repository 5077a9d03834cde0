import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import confluence, scores
from gridkit.settings import ConfluenceSettings, Settings
from gridkit.settings.market import FOUR_TIMEFRAMES, SIX_TIMEFRAMES
from strategies import START

DEFAULTS = Settings()
SETS = {"four": FOUR_TIMEFRAMES, "six": SIX_TIMEFRAMES}
NAN = float("nan")
UP, DOWN, NEUTRAL, MISSING, STALE = 0.5, -0.5, 0.01, "missing", "stale"
each_set = pytest.mark.parametrize("weights", SETS.values(), ids=SETS)


def table(
    rows: list[tuple[float | str, ...]], weights: dict[str, float]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and ages from rows of one state per timeframe."""
    names = list(weights)
    values = [
        [NAN if one == MISSING else UP if one == STALE else one for one in row] for row in rows
    ]
    ages = [
        [
            2.01 * candles.seconds_of(name) * (one == STALE)
            for name, one in zip(names, row, strict=True)
        ]
        for row in rows
    ]
    return pd.DataFrame(values, columns=names), pd.DataFrame(ages, columns=names)


def combined(
    rows: list[tuple[float | str, ...]],
    weights: dict[str, float] = FOUR_TIMEFRAMES,
    settings: Settings = DEFAULTS,
) -> pd.DataFrame:
    return confluence.combine(*table(rows, weights), weights, settings)


def one(*row: float | str, weights: dict[str, float] = FOUR_TIMEFRAMES) -> tuple[float, ...]:
    return tuple(combined([row], weights).iloc[0])


def by_loop(
    row: tuple[float | str, ...], weights: dict[str, float]
) -> tuple[float, float, int, int]:
    """What `combine` says of one candle, told slowly."""
    told = [
        (name, state)
        for name, state in zip(weights, row, strict=True)
        if state not in (MISSING, STALE)
    ]
    excluded = sum(2**i for i, state in enumerate(row) if state in (MISSING, STALE))
    if not told:
        return NAN, 0.0, 0, excluded
    score = sum(weights[name] * state for name, state in told) / sum(
        weights[name] for name, _ in told
    )
    if abs(score) < 1e-6:
        return score, 0.0, 0, excluded
    agreeing = [name for name, state in told if state * score > 0 and abs(state) >= 0.05]
    share = sum(weights[name] for name in agreeing) / sum(weights.values())
    if len(weights) == 4:
        share = len(agreeing) / 4
    confidence = 0.7 if len(agreeing) >= 3 and share > 0.7499 else 0.0
    if len(agreeing) == len(weights):
        confidence = 1.0
    return score, confidence, round(math.copysign(1, score)) if confidence else 0, excluded


@pytest.mark.parametrize(
    ("row", "confidence", "direction"),
    [
        ((UP, UP, UP, UP), 1.0, 1),
        ((DOWN, DOWN, DOWN, DOWN), 1.0, -1),
        ((UP, UP, UP, DOWN), 0.7, 1),
        ((DOWN, UP, UP, UP), 0.7, 1),
        ((UP, DOWN, DOWN, DOWN), 0.7, -1),
        ((NEUTRAL, UP, UP, UP), 0.7, 1),
        ((MISSING, UP, UP, UP), 0.7, 1),
        ((UP, UP, UP, MISSING), 0.7, 1),
        ((UP, UP, UP, STALE), 0.7, 1),
        ((UP, UP, DOWN, DOWN), 0.0, 0),
        ((DOWN, UP, UP, MISSING), 0.0, 0),
        ((MISSING, MISSING, UP, UP), 0.0, 0),
        ((NEUTRAL, NEUTRAL, UP, UP), 0.0, 0),
        ((MISSING, MISSING, MISSING, 1.0), 0.0, 0),
        ((0.0, 0.0, 0.0, 0.0), 0.0, 0),
        ((MISSING, MISSING, MISSING, MISSING), 0.0, 0),
    ],
)
def test_confidence_of_four_timeframes_is_by_how_many_agree(row, confidence, direction):
    assert one(*row)[1:3] == (confidence, direction)


@pytest.mark.parametrize(
    ("row", "confidence"),
    [
        ((UP, UP, UP, UP, UP, UP), 1.0),
        ((MISSING, UP, UP, UP, UP, UP), 0.7),
        ((UP, DOWN, UP, UP, UP, DOWN), 0.7),  # weighs exactly .75
        ((DOWN, UP, UP, UP, UP, DOWN), 0.7),
        ((DOWN, DOWN, UP, UP, UP, UP), 0.7),
        ((UP, UP, UP, UP, DOWN, DOWN), 0.0),  # four agree, and weigh .70
        ((UP, UP, UP, DOWN, UP, UP), 0.7),
        ((UP, UP, UP, DOWN, UP, DOWN), 0.0),
    ],
)
def test_confidence_of_six_timeframes_is_by_the_weight_that_agrees(row, confidence):
    assert one(*row, weights=SIX_TIMEFRAMES)[1] == confidence


@each_set
def test_every_combination_of_states_is_what_the_loop_says(weights):
    states = (UP, DOWN, NEUTRAL, MISSING, STALE)
    rows = list(itertools.product(states, repeat=len(weights)))
    found = combined(rows, weights)
    expected = np.array([by_loop(row, weights) for row in rows])
    np.testing.assert_allclose(found.to_numpy("float64"), expected, atol=1e-6)
    assert set(found["confluence_confidence"]) == {0.0, 0.7, 1.0}


@each_set
def test_there_is_no_direction_under_three_aligned_timeframes(weights):
    rows = list(itertools.product((0.9, -0.9, 0.04, MISSING), repeat=len(weights)))
    found = combined(rows, weights)
    for row, direction in zip(rows, found["confluence_direction"], strict=True):
        aligned = sum(state == 0.9 * direction for state in row if state != MISSING)
        assert direction == 0 or aligned >= 3


@pytest.mark.parametrize(
    "weights", [{"5m": 0.5, "1h": 0.5}, {"5m": 1.0}, {"5m": 0.9, "1h": 0.05, "4h": 0.05}]
)
def test_weight_alone_is_no_agreement(weights):
    row = (UP, *[DOWN] * (len(weights) - 1)) if len(weights) > 2 else (UP,) * len(weights)
    assert one(*row, weights=weights)[1:3] == (0.0, 0.0)


@each_set
def test_a_timeframe_that_is_missing_or_stale_is_never_worth_more_than_one_that_agrees(weights):
    states = (UP, DOWN, MISSING, STALE)
    for row in itertools.product(states, repeat=len(weights)):
        absent = [place for place, state in enumerate(row) if state in (MISSING, STALE)]
        if len(absent) != 1:
            continue
        score, confidence, _, _ = by_loop(row, weights)
        joined = tuple(math.copysign(0.5, score) if i in absent else s for i, s in enumerate(row))
        assert confidence <= by_loop(joined, weights)[1]


@pytest.mark.parametrize(
    ("row", "mask", "names"),
    [
        ((UP, UP, UP, UP), 0, ()),
        ((MISSING, UP, UP, UP), 1, ("5m",)),
        ((UP, MISSING, STALE, UP), 6, ("15m", "1h")),
        ((MISSING, MISSING, MISSING, STALE), 15, ("5m", "15m", "1h", "4h")),
    ],
)
def test_what_was_left_out_is_named(row, mask, names):
    assert one(*row)[3] == mask
    assert confluence.excluded_names(mask, FOUR_TIMEFRAMES) == names


def test_seven_timeframes_have_a_bit_each():
    weights = dict.fromkeys(("1m", "3m", "5m", "15m", "1h", "4h", "1d"), 0.1)
    assert one(*[MISSING] * 7, weights=weights)[3] == 127
    assert confluence.excluded_names(127, weights) == tuple(weights)


@pytest.mark.parametrize(("candles_old", "mask"), [(0, 0), (2.0, 0), (2.0001, 8), (NAN, 8)])
def test_a_timeframe_is_stale_beyond_two_of_its_candles(candles_old, mask):
    scored, ages = table([(UP, UP, UP, UP)], FOUR_TIMEFRAMES)
    ages["4h"] = candles_old * 14_400
    found = confluence.combine(scored, ages, FOUR_TIMEFRAMES, DEFAULTS).iloc[0]
    assert found["confluence_excluded"] == mask
    assert found["confluence_confidence"] == (0.7 if mask else 1.0)


def test_how_old_is_stale_is_a_setting():
    scored, ages = table([(UP, UP, UP, STALE)], FOUR_TIMEFRAMES)
    patient = Settings(confluence=ConfluenceSettings(stale_candles=3))
    found = confluence.combine(scored, ages, FOUR_TIMEFRAMES, patient)
    assert found["confluence_excluded"].item() == 0


@pytest.mark.parametrize(("least", "confidence"), [(0.0, 1.0), (0.01, 1.0), (0.02, 0.7)])
def test_how_small_is_neutral_is_a_setting(least, confidence):
    settings = Settings(confluence=ConfluenceSettings(neutral_below=least))
    found = combined([(NEUTRAL, UP, UP, UP)], settings=settings)
    assert found["confluence_confidence"].item() == confidence


def test_a_timeframe_without_a_column_is_missing():
    scored, ages = table([(UP, UP, UP, UP)], FOUR_TIMEFRAMES)
    without = confluence.combine(
        scored.drop(columns="1h"), ages.drop(columns="1h"), FOUR_TIMEFRAMES, DEFAULTS
    )
    pd.testing.assert_frame_equal(without, combined([(UP, UP, MISSING, UP)]))


def test_the_score_is_the_weighted_mean_of_what_is_known():
    assert one(0.1, 0.2, 0.3, 0.4)[0] == pytest.approx(0.01 + 0.04 + 0.09 + 0.16)
    assert one(0.1, 0.2, 0.3, MISSING)[0] == pytest.approx((0.01 + 0.04 + 0.09) / 0.6)
    assert one(STALE, MISSING, MISSING, -0.7)[0] == pytest.approx(-0.7)


def test_scores_that_cancel_have_no_direction_whatever_rounding_leaves():
    assert one(0.6666667, 0.6666667, 0.6666667, -1.0)[1:3] == (0.0, 0.0)  # leaves 2e-8


ANY_SCORE = st.floats(-1, 1, width=32) | st.sampled_from((0.0, 0.05, -0.05, NAN))


@each_set
@given(data=st.data())
def test_opposite_scores_have_the_opposite_answer_and_all_stay_within_bounds(weights, data):
    row = st.tuples(*[ANY_SCORE] * len(weights))
    rows = data.draw(st.lists(row, min_size=1, max_size=20))
    found = combined(rows, weights)
    opposite = combined([tuple(-value for value in row) for row in rows], weights)
    for name, sign in (("score", -1), ("confidence", 1), ("direction", -1), ("excluded", 1)):
        expected = (sign * found[f"confluence_{name}"]).to_numpy()
        np.testing.assert_array_equal(opposite[f"confluence_{name}"], expected)
    assert (found["confluence_score"].isna() | (found["confluence_score"].abs() <= 1)).all()
    assert ((found["confluence_direction"] == 0) == (found["confluence_confidence"] == 0)).all()


@effort(max_examples=25)
@given(st.lists(st.tuples(*[ANY_SCORE] * 4), min_size=2, max_size=9))
def test_each_candle_is_judged_by_itself(rows):
    found = combined(rows)
    for now in range(len(rows)):
        alone = combined([rows[now]]).set_axis([now])
        pd.testing.assert_frame_equal(found.iloc[[now]], alone)


def test_the_columns_are_on_the_index_they_came_with_and_small():
    scored, ages = table([(UP, UP, UP, UP)] * 3, FOUR_TIMEFRAMES)
    index = pd.Index([5, 7, 9])
    found = confluence.combine(
        scored.set_axis(index).astype("float32"), ages.set_axis(index), FOUR_TIMEFRAMES, DEFAULTS
    )
    assert found.index.equals(index)
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
        "confluence_score": "float32",
        "confluence_confidence": "float64",
        "confluence_direction": "int8",
        "confluence_excluded": "int8",
    }


def test_no_candles_are_no_error():
    assert len(combined([])) == 0


@pytest.mark.parametrize("names", [[], ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"]])
def test_a_set_that_has_no_bits_is_an_error(names):
    weights = dict.fromkeys(names, 0.1)
    with pytest.raises(ValueError, match="1 to 7 timeframes"):
        confluence.combine(pd.DataFrame(), pd.DataFrame(), weights, DEFAULTS)


def test_a_score_from_the_future_is_an_error():
    scored, ages = table([(UP, UP, UP, UP)], FOUR_TIMEFRAMES)
    with pytest.raises(ValueError, match="had not closed"):
        confluence.combine(scored, ages.assign(**{"1h": -1.0}), FOUR_TIMEFRAMES, DEFAULTS)


def test_scores_and_ages_of_different_candles_are_an_error():
    scored, ages = table([(UP, UP, UP, UP)], FOUR_TIMEFRAMES)
    with pytest.raises(ValueError, match="same candles"):
        confluence.combine(scored, ages.set_axis([1]), FOUR_TIMEFRAMES, DEFAULTS)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_set_of_timeframes_that_could_never_signal_is_refused_by_the_settings(count):
    names = ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"][:count]
    with pytest.raises(ValueError, match="three to seven"):
        ConfluenceSettings(timeframes=dict.fromkeys(names, 0.1))


# -- scores of a higher timeframe, as seen from the base --------------------------------------


def dates(count: int, minutes: int) -> pd.DataFrame:
    return pd.DataFrame({"date": START + pd.Timedelta(minutes=minutes) * np.arange(count)})


def test_a_higher_score_is_seen_when_its_candle_has_closed_and_then_ages():
    base, higher = dates(8, 5), dates(2, 15)
    found, ages = confluence.seen_from(base, 300, higher, 900, pd.Series([0.1, 0.2]))
    np.testing.assert_array_equal(found, [NAN, NAN, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2])
    np.testing.assert_array_equal(ages, [NAN, NAN, 0, 300, 600, 0, 300, 600])


def test_an_unknown_score_leaves_the_one_before_which_ages():
    base, higher = dates(9, 5), dates(3, 15)
    found, ages = confluence.seen_from(base, 300, higher, 900, pd.Series([0.1, NAN, 0.3]))
    np.testing.assert_array_equal(found[2:], [0.1] * 6 + [0.3])
    np.testing.assert_array_equal(ages[2:], [0, 300, 600, 900, 1_200, 1_500, 0])


def test_the_base_sees_its_own_score_at_once():
    base = dates(4, 5)
    found, ages = confluence.seen_from(base, 300, base, 300, pd.Series([0.1, 0.2, NAN, 0.4]))
    np.testing.assert_array_equal(found, [0.1, 0.2, 0.2, 0.4])
    np.testing.assert_array_equal(ages, [0, 0, 300, 0])


@given(seed=st.integers(0, 2**32 - 1), minutes=st.sampled_from((5, 15, 60)))
def test_what_is_seen_is_what_pandas_merges_backwards(seed, minutes):
    random = np.random.default_rng(seed)
    base = dates(80, 5)[random.random(80) < 0.8].reset_index(drop=True)
    higher = dates(30, minutes)[random.random(30) < 0.8].reset_index(drop=True)
    score = pd.Series(random.random(len(higher)))
    found, _ = confluence.seen_from(base, 300, higher, 60 * minutes, score)
    expected = pd.merge_asof(
        base["date"].add(pd.Timedelta("5min")).to_frame(),
        higher.assign(date=higher["date"] + pd.Timedelta(minutes=minutes), score=score),
        on="date",
    )["score"]
    np.testing.assert_array_equal(found, expected)


@effort(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_seen_is_what_freqtrade_merges(seed):
    from freqtrade.strategy import merge_informative_pair  # noqa: PLC0415 (slow to import)

    base, higher = dates(100, 5), dates(9, 60)
    higher["score"] = np.random.default_rng(seed).random(9)
    merged = merge_informative_pair(base, higher, "5m", "1h", ffill=True)
    found, _ = confluence.seen_from(base, 300, higher, 3_600, higher["score"])
    np.testing.assert_array_equal(found, merged["score_1h"])


# -- real candles -----------------------------------------------------------------------------


def real_confluence(folder: object, last: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Base candles until `last` and their confluence; of all timeframes as far as had closed."""
    seen = {}
    frames = {
        name: pd.read_feather(folder / f"BTC_USDT_USDT-{name}-futures.feather")
        for name in FOUR_TIMEFRAMES
    }
    end = pd.Timestamp(last, tz="UTC")
    frames = {
        name: frame[frame["date"] + pd.Timedelta(name) <= end] for name, frame in frames.items()
    }
    base = frames["5m"]
    for name, frame in frames.items():
        score = scores.compute(frame, DEFAULTS)["scores_score"]
        seen[name] = confluence.seen_from(base, 300, frame, candles.seconds_of(name), score)
    scored, ages = (
        pd.DataFrame({name: pair[place] for name, pair in seen.items()}, index=base.index)
        for place in (0, 1)
    )
    return base, confluence.combine(scored, ages, FOUR_TIMEFRAMES, DEFAULTS)


@pytest.mark.real
def test_on_real_candles_all_confidences_occur_and_later_candles_change_nothing(real_data):
    folder = real_data / "futures_5m_2023-05_2024-05" / "binance" / "futures"
    base, found = real_confluence(folder, "2024-05-01")
    shares = found["confluence_confidence"][base["date"] >= "2023-10-01"].value_counts(
        normalize=True
    )
    assert sorted(shares.index) == [0.0, 0.7, 1.0]
    assert shares.between(0.15, 0.6).all()
    _, then = real_confluence(folder, "2023-12-24 07:05")
    pd.testing.assert_frame_equal(then, found.loc[then.index], rtol=1e-9)
