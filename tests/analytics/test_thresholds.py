import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import assume, given
from hypothesis import strategies as st

from gridkit.analytics import thresholds
from gridkit.settings import Settings, ThresholdSettings
from strategies import START, any_market

HOURS, WINDOW = 3, 168
NEEDED = HOURS + WINDOW
QUICK = Settings(thresholds=ThresholdSettings(atr_hours=HOURS, window_days=7))
PRICES = ["open", "high", "low", "close"]
PERCENT = st.floats(0, 100)


def market(rows: int, seed: int = 3) -> pd.DataFrame:
    noise = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.005, rows)))
    opened = np.append(close[:1], close[:-1])
    spread = np.exp(np.abs(noise.normal(0, 0.004, (2, rows))))
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("1h") * np.arange(rows),
            "open": opened,
            "high": np.maximum(opened, close) * spread[0],
            "low": np.minimum(opened, close) / spread[1],
            "close": close,
            "volume": 1.0,
        }
    )


def compute(frame: pd.DataFrame) -> pd.DataFrame:
    return thresholds.compute(frame, QUICK)


@st.composite
def multipliers(draw: st.DrawFn) -> ThresholdSettings:
    low, middle, high = sorted(
        (draw(st.floats(0.1, 1)), draw(st.floats(0.1, 5)), draw(st.floats(1, 5)))
    )
    assume(low <= 1 <= high)
    return ThresholdSettings(
        at_lowest=low,
        at_median=middle,
        at_highest=high,
        least=draw(st.floats(0.01, 1)),
        most=draw(st.floats(1, 5)),
    )


# -- percentile and multiplier ----------------------------------------------------------------


def percentiles_by_loop(frame: pd.DataFrame) -> list[float]:
    """The readable twin, on candles that all have prices."""
    rows = list(frame.itertuples())
    ranges = [
        max(row.high, before.close) - min(row.low, before.close) for before, row in pairwise(rows)
    ]
    atr = [
        sum(ranges[now - HOURS : now]) / HOURS / rows[now].close for now in range(HOURS, len(rows))
    ]
    found = [math.nan] * len(rows)
    for now in range(WINDOW - 1, len(atr)):
        window = atr[now - WINDOW + 1 : now + 1]
        below = sum(value < atr[now] for value in window)
        found[HOURS + now] = 100 * below / (WINDOW - 1)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_percentile_is_that_of_the_readable_loop(seed):
    frame = market(NEEDED + 100, seed)
    found = compute(frame)["thresholds_percentile"]
    np.testing.assert_allclose(found, percentiles_by_loop(frame), rtol=1e-5)


def test_the_percentile_is_that_of_ta_libs_true_ranges_averaged_by_ta_lib():
    frame = market(NEEDED + 100)
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    ranges = talib.TRANGE(high, low, close)[1:]
    atr = pd.Series(talib.SMA(ranges, timeperiod=HOURS) / close[1:])
    places = (atr.rolling(WINDOW).rank() - 1) / (WINDOW - 1) * 100
    found = compute(frame)["thresholds_percentile"]
    np.testing.assert_allclose(found[1:], places, rtol=1e-5)


@pytest.mark.parametrize(
    ("percentile", "expected"),
    [(0, 0.7), (25, 0.85), (50, 1.0), (62, 1.12), (75, 1.25), (100, 1.5), (math.nan, 1.0)],
)
def test_the_multiplier_runs_straight_between_its_three_points(percentile, expected):
    found = thresholds.multiplier(np.array([percentile]), ThresholdSettings())
    assert found.tolist() == [pytest.approx(expected)]


@given(PERCENT, PERCENT, multipliers())
def test_the_multiplier_rises_with_volatility_and_stays_in_its_bounds(one, other, settings):
    """Properties P1 and P2."""
    lower, higher = thresholds.multiplier(np.array(sorted((one, other))), settings)
    assert settings.least <= lower <= higher <= settings.most


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 3.0))
def test_a_wilder_last_hour_never_lowers_the_threshold(seed, stretch):
    """Property P1, from candles."""
    frame = market(NEEDED, seed)
    wilder = frame.copy()
    wilder.loc[NEEDED - 1, "high"] *= stretch
    calm, wild = (compute(each)["thresholds_multiplier"].iloc[-1] for each in (frame, wilder))
    assert calm <= wild


def test_the_wildest_hours_have_the_highest_multiplier_and_the_calmest_the_lowest():
    for factor, expected in ((5.0, 1.5), (0.05, 0.7)):
        frame = market(NEEDED)
        late = slice(NEEDED - HOURS, None)
        frame.loc[late, "close"] = frame["close"].iloc[NEEDED - HOURS - 1]
        frame.loc[late, "high"] = frame["close"] * (1 + 0.01 * factor)
        frame.loc[late, "low"] = frame["close"] * (1 - 0.01 * factor)
        assert compute(frame)["thresholds_multiplier"].iloc[-1] == pytest.approx(expected)


@given(
    st.floats(-1e6, 1e6),
    st.one_of(st.floats(-10, 10), st.sampled_from((math.inf, -math.inf))),
    multipliers(),
)
def test_a_threshold_stays_between_its_bounds_times_the_base(base, factor, settings):
    """Property P2."""
    found = thresholds.threshold(base, factor, settings)
    assert abs(base) * settings.least <= abs(found) <= abs(base) * settings.most
    assert found * base >= 0


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.2, 0.6), (0.3, 0.25), (4.0, 1.0), (math.nan, 0.5)]
)
def test_a_threshold_is_its_base_times_the_factor_within_half_and_twice(factor, expected):
    assert thresholds.threshold(0.5, factor, ThresholdSettings()) == pytest.approx(expected)


# -- what every module owes -------------------------------------------------------------------


def test_the_percentile_is_known_exactly_from_the_warmup_on_and_the_multiplier_always():
    assert thresholds.warmup(QUICK, 3_600) == NEEDED
    columns = compute(market(NEEDED + 5))
    known = columns["thresholds_percentile"].notna()
    assert known.tolist() == [False] * (NEEDED - 1) + [True] * 6
    assert (columns["thresholds_multiplier"][~known] == 1).all()
    assert (columns["thresholds_multiplier"][known] != 1).all()


@given(any_market(least=190, most=260, timeframe="1h"))
def test_candles_without_prices_count_as_if_they_were_missing(frame):
    columns = compute(frame)
    priced = frame["close"].notna()
    assert columns["thresholds_percentile"][~priced].isna().all()
    assert (columns["thresholds_multiplier"][~priced] == 1).all()
    pd.testing.assert_frame_equal(columns[priced], compute(frame[priced]))


@given(any_market(least=190, most=260, timeframe="1h"), st.integers(1, 259))
def test_the_past_does_not_change_when_the_future_arrives(frame, now):
    then = compute(frame.iloc[:now])
    pd.testing.assert_frame_equal(then, compute(frame).iloc[:now], rtol=1e-9, atol=1e-12)


def test_no_candle_changes_by_those_after_it_with_gaps_and_unknown_prices_too():
    frame = market(NEEDED + 40)
    frame.loc[[30, NEEDED + 9], PRICES] = np.nan
    frame = frame.drop(index=[50, 51, NEEDED + 20]).reset_index(drop=True)
    later = compute(frame)
    for now in range(len(frame)):
        then = compute(frame.iloc[:now])
        pd.testing.assert_frame_equal(then, later.iloc[:now], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("factor", [1e-12, 1 / 3, 7.0, 1e9])
def test_nothing_depends_on_the_unit_of_price(factor):
    frame = market(NEEDED + 60)
    scaled = frame.assign(**{name: frame[name] * factor for name in PRICES})
    pd.testing.assert_frame_equal(compute(scaled), compute(frame), rtol=1e-4)


@pytest.mark.parametrize("price", [7.0, 0.1, 60_123.45])
def test_a_price_that_never_moves_is_at_the_median_of_its_past(price):
    frame = market(NEEDED + 60)
    frame[PRICES] = price
    late = compute(frame).iloc[NEEDED - 1 :]
    assert (late == [50.0, 1.0]).all(axis=None)


def test_a_price_that_always_grows_alike_is_at_the_median_although_numbers_are_rounded():
    frame = market(NEEDED + 60)
    close = 7.3 * 1.001 ** np.arange(len(frame))
    frame[PRICES] = np.column_stack([close, close * 1.003, close * 0.997, close])
    late = compute(frame).iloc[NEEDED - 1 :]
    assert (late == [50.0, 1.0]).all(axis=None)


def test_unknown_is_a_factor_of_one_whatever_the_factor_at_the_median():
    settings = ThresholdSettings(at_median=1.2)
    found = thresholds.multiplier(np.array([math.nan, 50.0]), settings)
    assert found.tolist() == [1.0, 1.2]


@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("priced", [True, False])
def test_hardly_any_candles_or_none_with_prices_leave_the_threshold_alone(rows, priced):
    frame = market(rows)
    if not priced:
        frame[PRICES] = np.nan
    columns = compute(frame)
    assert columns["thresholds_percentile"].isna().tolist() == [True] * rows
    assert columns["thresholds_multiplier"].tolist() == [1.0] * rows


def test_the_input_is_left_alone_and_the_answer_has_its_index():
    frame = market(NEEDED + 5).set_index(pd.Index([7] * (NEEDED + 5)))
    before = frame.copy(deep=True)
    columns = compute(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert columns.index.equals(frame.index)
    assert (columns.dtypes == "float32").all()


@pytest.mark.parametrize(
    "broken",
    [lambda frame: frame.drop(columns="low"), lambda frame: frame.iloc[::-1]],
    ids=["no lows", "newest first"],
)
def test_what_is_no_frame_of_candles_is_refused(broken):
    with pytest.raises(ValueError, match="candles"):
        compute(broken(market(30)))


@pytest.mark.parametrize(
    "changes",
    [
        {"atr_hours": 9},
        {"window_days": 9},
        {"at_lowest": 0.9},
        {"at_median": 1.1},
        {"at_highest": 1.2},
        {"least": 0.9},
        {"most": 1.2},
    ],
)
def test_every_setting_changes_the_multiplier(changes):
    frame = market(400)
    base = {"atr_hours": HOURS, "window_days": 7}
    other = Settings(thresholds=ThresholdSettings(**(base | changes)))
    usual, changed = compute(frame), thresholds.compute(frame, other)
    late = slice(300, None)
    assert (usual["thresholds_multiplier"][late] != changed["thresholds_multiplier"][late]).any()


# -- changes in words -------------------------------------------------------------------------


def columns_of(percentiles: list[float]) -> pd.DataFrame:
    values = np.array(percentiles, dtype="float32")
    factors = thresholds.multiplier(values, ThresholdSettings()).astype("float32")
    return pd.DataFrame({"thresholds_percentile": values, "thresholds_multiplier": factors})


def test_each_change_is_worded_with_both_factors_and_its_reason():
    nan = math.nan
    columns = columns_of([nan, nan, 62.0, 62.1, 62.1, 50.0, 12.0, nan, 50.0])
    assert thresholds.changes(columns, ThresholdSettings()).to_dict() == {
        2: "threshold factor 1.00 -> 1.12: ATR at the 62nd percentile of 30 days",
        5: "threshold factor 1.12 -> 1.00: ATR at the 50th percentile of 30 days",
        6: "threshold factor 1.00 -> 0.77: ATR at the 12th percentile of 30 days",
        7: "threshold factor 0.77 -> 1.00: ATR of 24 hours unknown",
    }


@pytest.mark.parametrize(
    ("percentile", "words"),
    [
        (0, "0th"), (1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"),
        (13, "13th"), (21, "21st"), (22, "22nd"), (93, "93rd"), (99.6, "100th"),
    ],
)  # fmt: skip
def test_a_percentile_is_named_as_one_says_it(percentile, words):
    (reason,) = thresholds.changes(columns_of([percentile]), ThresholdSettings())
    assert f"at the {words} percentile" in reason


@given(st.lists(st.one_of(PERCENT, st.just(math.nan)), max_size=30))
def test_the_changes_lead_from_one_to_the_last_factor_without_a_break(percentiles):
    columns = columns_of(percentiles)
    factor = "1.00"
    for reason in thresholds.changes(columns, ThresholdSettings()):
        before, after = reason.removeprefix("threshold factor ").split(":")[0].split(" -> ")
        assert before == factor != after
        factor = after
    last = columns["thresholds_multiplier"].iloc[-1] if percentiles else 1.0
    assert float(factor) == pytest.approx(last, abs=0.00501)


def test_the_changes_of_real_columns_are_at_the_candles_where_the_factor_changed():
    columns = compute(market(NEEDED + 50))
    factors = columns["thresholds_multiplier"].astype("float64").round(2)
    found = thresholds.changes(columns, QUICK.thresholds)
    assert found.index.tolist() == factors.index[factors != factors.shift(fill_value=1.0)].tolist()
    assert len(found) > 20
