import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gridkit.analytics import stress
from gridkit.settings import Settings, StressSettings
from strategies import START, any_market

SETTINGS = Settings(stress=StressSettings(window_days=7))
WINDOW = 7 * 24
part = st.one_of(st.floats(0, 1), st.just(math.nan))


def market(rows: int, seed: int = 1) -> pd.DataFrame:
    """Hours of a market whose trade comes and goes."""
    noise = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.004, rows)))
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("1h") * np.arange(rows),
            "open": close,
            "high": close * np.exp(np.abs(noise.normal(0, 0.004, rows))),
            "low": close * np.exp(-np.abs(noise.normal(0, 0.004, rows))),
            "close": close,
            "volume": noise.lognormal(3, 1, rows),
        }
    )


def percentiles_by_judge(values: np.ndarray, window: int) -> list[float]:
    """Of full windows, by scipy: the mean of ranks from 1 to n, put on 0 to 100."""
    return [
        100 * (stats.rankdata(values[now - window + 1 : now + 1])[-1] - 1) / (window - 1)
        for now in range(window - 1, len(values))
    ]


# -- candles --------------------------------------------------------------------------------------


def test_the_columns_are_what_scipy_ranks_and_the_specification_says():
    frame = market(400)
    illiquidity = (
        (frame["high"] - frame["low"]) / frame["close"] / (frame["close"] * frame["volume"])
    )
    places = np.array(percentiles_by_judge(illiquidity.to_numpy(), WINDOW))
    found = stress.compute(frame, SETTINGS)
    assert (found.dtypes == "float32").all()
    assert found.iloc[: WINDOW - 1].isna().all(axis=None)
    found = found.iloc[WINDOW - 1 :]
    expected = [min(max((place - 80) / 20, 0), 1) for place in places]
    np.testing.assert_allclose(found["stress_liquidity"], expected, atol=1e-6)
    expected = [1 + 0.5 * max(place - 50, 0) / 50 for place in places]
    np.testing.assert_allclose(found["stress_liquidity_factor"], expected, rtol=1e-6)
    assert 0.1 < (found["stress_liquidity"] > 0).mean() < 0.3


def test_the_settings_say_where_stress_begins_and_how_far_the_gap_widens():
    own = StressSettings(window_days=7, percentile=50, most_liquidity_factor=3)
    frame = market(300)
    found = stress.compute(frame, Settings(stress=own)).iloc[WINDOW:]
    usual = stress.compute(frame, SETTINGS).iloc[WINDOW:]
    np.testing.assert_allclose(
        found["stress_liquidity_factor"], 1 + 2 * found["stress_liquidity"], rtol=1e-6
    )
    assert (found["stress_liquidity"] >= usual["stress_liquidity"]).all()
    longer = Settings(stress=StressSettings(window_days=8))
    assert stress.warmup(longer, 3_600) == 8 * 24
    assert stress.compute(frame, longer).notna().all(axis=1).argmax() == 8 * 24 - 1


def test_the_thinnest_hour_is_full_stress_and_the_deepest_none():
    frame = market(300)
    frame.loc[298, "volume"] = 1e9
    frame.loc[299, "volume"] = 1e-9
    found = stress.compute(frame, SETTINGS)
    assert found.iloc[298].tolist() == [0.0, 1.0]
    assert found.iloc[299].tolist() == [1.0, 1.5]


def test_a_market_that_is_always_the_same_is_under_no_stress():
    frame = market(200).assign(open=1.0, high=1.01, low=0.99, close=1.0, volume=5.0)
    found = stress.compute(frame, SETTINGS).iloc[WINDOW:]
    assert (found == [0.0, 1.0]).all(axis=None)


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("volume", 0.0),
        ("volume", math.nan),
        ("volume", math.inf),
        ("volume", 1e-323),
        ("close", math.nan),
        ("high", math.nan),
        ("high", math.inf),
        ("low", 0.0),
        ("low", 1_000.0),
    ],
)
def test_a_candle_without_prices_or_volume_is_unknown_and_no_other(column, bad):
    frame = market(300)
    frame.loc[250, column] = bad
    assert np.flatnonzero(~np.isfinite(stress.illiquidity(frame))).tolist() == [250]
    assert not np.isinf(stress.illiquidity(frame)).any()
    unknown = stress.compute(frame, SETTINGS).iloc[WINDOW:].isna()
    assert unknown.index[unknown.all(axis=1)].tolist() == [250]
    assert unknown.index[unknown.any(axis=1)].tolist() == [250]


def test_a_market_mostly_without_volume_is_unknown():
    frame = market(400)
    frame.loc[frame.index % 3 > 0, "volume"] = 0.0
    assert stress.compute(frame, SETTINGS).isna().all(axis=None)


@given(any_market(least=170, most=220, timeframe="1h"))
def test_nothing_is_out_of_bounds_or_changed_by_later_candles(frame):
    found = stress.compute(frame, SETTINGS)
    known = found.dropna()
    assert known["stress_liquidity"].between(0, 1).all()
    assert known["stress_liquidity_factor"].between(1, 1.5).all()
    assert found[(frame["volume"] == 0) | frame["close"].isna()].isna().all(axis=None)
    now = len(frame) * 9 // 10
    pd.testing.assert_frame_equal(stress.compute(frame.iloc[:now], SETTINGS), found.iloc[:now])


def test_no_candle_changes_by_those_after_it():
    frame = market(200).drop(index=[20, 21, 150]).reset_index(drop=True)
    frame.loc[100, ["open", "high", "low", "close"]] = math.nan
    later = stress.compute(frame, SETTINGS)
    for now in range(1, len(frame)):
        pd.testing.assert_frame_equal(stress.compute(frame.iloc[:now], SETTINGS), later.iloc[:now])


@pytest.mark.parametrize("factor", [1e-6, 0.37, 7_000.0])
def test_neither_the_unit_of_price_nor_that_of_volume_matters(factor):
    frame = market(300)
    expected = stress.compute(frame, SETTINGS)
    prices = ["open", "high", "low", "close"]
    pricier = frame.assign(**{name: frame[name] * factor for name in prices})
    busier = frame.assign(volume=frame["volume"] * factor)
    pd.testing.assert_frame_equal(stress.compute(pricier, SETTINGS), expected)
    pd.testing.assert_frame_equal(stress.compute(busier, SETTINGS), expected)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_candles_are_unknown_and_no_error(rows):
    found = stress.compute(market(rows), SETTINGS)
    assert found.columns.tolist() == ["stress_liquidity", "stress_liquidity_factor"]
    assert len(found) == rows
    assert found.isna().all(axis=None)


def test_what_is_no_frame_of_candles_is_refused():
    with pytest.raises(ValueError, match="ascending order"):
        stress.compute(market(60).iloc[::-1], SETTINGS)


# -- parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("percentile", [50.0, 80.0, 95.0])
def test_stress_rises_evenly_from_its_percentile_to_the_highest(percentile):
    values = np.random.default_rng(2).normal(size=400)
    places = np.array(percentiles_by_judge(values, 101))
    found = stress.stressed(values, 101, percentile)
    expected = [max(place - percentile, 0) / (100 - percentile) for place in places]
    np.testing.assert_allclose(found[100:], expected, atol=1e-12)
    assert np.isnan(found[:100]).all()


def test_a_series_that_reaches_a_new_high_is_at_full_stress():
    assert stress.stressed(np.arange(50.0), 50, 80.0)[-1] == 1.0
    assert stress.stressed(-np.arange(50.0), 50, 80.0)[-1] == 0.0
    assert stress.stressed(np.ones(50), 50, 80.0)[-1] == 0.0


def test_dear_funding_is_stress_whoever_pays_it():
    rates = np.random.default_rng(3).normal(0, 1e-4, 300)
    found = stress.funding_stress(rates, 90, 80.0)
    np.testing.assert_array_equal(stress.funding_stress(-rates, 90, 80.0), found)
    np.testing.assert_array_equal(stress.stressed(np.abs(rates), 90, 80.0), found)
    rates[-1] = -1e-2
    assert stress.funding_stress(rates, 90, 80.0)[-1] == 1.0


@given(part, part, part)
def test_the_combined_factor_is_one_and_the_mean_of_what_is_known(funding, correlation, liquidity):
    known = [value for value in (funding, correlation, liquidity) if not math.isnan(value)]
    expected = 1 + sum(known) / len(known) if known else math.nan
    found = float(stress.combined(funding, correlation, liquidity))
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert math.isnan(found) or 1 <= found <= 2


def test_the_combined_factor_takes_arrays_and_numbers_and_is_two_at_most():
    liquidity = np.array([0.0, 0.6, math.nan, 1.0, 9.0])
    found = stress.combined(math.nan, 0.2, liquidity)
    np.testing.assert_allclose(found, [1.1, 1.4, 1.2, 1.6, 2.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("spread", "depth", "factor"),
    [
        (50, 50, 1.0),
        (0, 100, 1.0),
        (100, 0, 1.5),
        (75, 25, 1.25),
        (100, 100, 1.0),
        (100, 50, 1.25),
        (90, math.nan, 1.4),
        (math.nan, 10, 1.4),
        (math.nan, math.nan, math.nan),
    ],
)
def test_a_wide_spread_and_a_shallow_book_widen_the_gap(spread, depth, factor):
    found = stress.liquidity_factor(spread, depth, 1.5)
    assert found == pytest.approx(factor, nan_ok=True)


@pytest.mark.real
def test_on_real_hours_a_fifth_of_them_is_under_stress(real_data):
    """A percentile says so of any market that does not drift: here, of ten pairs."""
    folder = real_data / "spot_5m_2022-08_2023-09" / "binance"
    for path in sorted(folder.glob("*-1h.feather")):
        found = stress.compute(pd.read_feather(path), Settings()).dropna()
        assert 0.1 < (found["stress_liquidity"] > 0).mean() < 0.35, path.name
