import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from gridkit import candles
from gridkit.analytics import estimators, volatility
from gridkit.analytics.estimators import Prices
from gridkit.settings import Settings, SpacingSettings, VolatilitySettings
from strategies import START, any_market

ESTIMATORS = ("close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang", "ewma", "atr")
COLUMNS = [f"volatility_{name}" for name in ESTIMATORS]


def quick(**values: object) -> Settings:
    short = {"window_hours": 4, "ewma_half_life_hours": 2.0, "atr_period": 5}
    return Settings(volatility=VolatilitySettings(**{**short, **values}))


def market(rows: int, timeframe: str = "5m") -> pd.DataFrame:
    noise = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.002, rows)))
    opened = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(timeframe) * np.arange(rows),
            "open": opened,
            "high": np.maximum(opened, close) * 1.001,
            "low": np.minimum(opened, close) * 0.999,
            "close": close,
            "volume": 1.0,
        }
    )


@given(any_market(least=60, most=150))
def test_each_column_is_what_its_estimator_says(frame):
    prices, times, window = Prices.of(frame), candles.times(frame), 4 * 3_600
    expected = {
        "volatility_close": estimators.close_to_close(prices.close, times, window),
        "volatility_parkinson": estimators.parkinson(prices, times, window),
        "volatility_garman_klass": estimators.garman_klass(prices, times, window),
        "volatility_rogers_satchell": estimators.rogers_satchell(prices, times, window),
        "volatility_yang_zhang": estimators.yang_zhang(prices, times, window),
        "volatility_ewma": estimators.ewma(prices.close, times, 2 * 3_600),
        "volatility_atr": estimators.atr(prices, 5),
    }
    found = volatility.compute(frame, quick())
    expected = pd.DataFrame(expected, index=frame.index).astype("float32")
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("estimator", [name for name in ESTIMATORS if name != "atr"])
def test_realised_volatility_is_that_of_the_configured_estimator(estimator):
    frame = market(120)
    found = volatility.realised(frame, quick(estimator=estimator))
    column = volatility.compute(frame, quick())[f"volatility_{estimator}"]
    assert found.dtype == "float64"
    np.testing.assert_allclose(found, column, rtol=1e-6)


def test_realised_volatility_by_atr_is_annual_as_any_other():
    frame = market(400)
    by_range = volatility.realised(frame, quick(estimator="atr"))
    column = volatility.compute(frame, quick())["volatility_atr"]
    np.testing.assert_allclose(by_range, column / math.sqrt(8 / math.pi / 288 / 365), rtol=1e-6)
    by_range = by_range.iloc[100:].mean()
    assert by_range == pytest.approx(0.002 * math.sqrt(288 * 365), rel=0.4)


@pytest.mark.parametrize(
    ("values", "seconds", "needed"),
    [
        ({"window_hours": 24, "ewma_half_life_hours": 12}, 300, 289),
        ({"window_hours": 24, "ewma_half_life_hours": 12}, 60, 1_441),
        ({"window_hours": 4, "ewma_half_life_hours": 2}, 7_000, 21),
        ({"window_hours": 4, "ewma_half_life_hours": 12}, 300, 289),
        ({"window_hours": 24, "ewma_half_life_hours": 12, "atr_period": 2}, 3_600, 25),
        ({"window_hours": 24, "ewma_half_life_hours": 12, "atr_period": 14}, 3_600, 57),
    ],
)
def test_the_warmup_is_the_longest_of_window_half_lives_and_atr_and_one_candle(
    values, seconds, needed
):
    assert volatility.warmup(quick(**values), seconds) == needed


@pytest.mark.parametrize(
    "values", [{}, {"ewma_half_life_hours": 3.0}, {"atr_period": 20}, {"window_hours": 6}]
)
def test_every_column_is_known_from_the_warmup_on_and_the_last_no_earlier(values):
    settings = quick(**values)
    needed = volatility.warmup(settings, 300)
    known = volatility.compute(market(needed + 20), settings).notna()
    assert known.all(axis=1).tolist() == [False] * (needed - 1) + [True] * 21


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_candles_are_unknown_and_no_error(rows):
    columns = volatility.compute(market(rows), quick())
    assert columns.columns.tolist() == COLUMNS
    assert (columns.dtypes == "float32").all()
    assert len(columns) == rows
    assert columns.isna().all(axis=None)
    assert volatility.realised(market(rows), quick()).isna().all()


def test_what_is_no_frame_of_candles_is_refused():
    frame = market(60)
    for call in (volatility.compute, volatility.realised):
        with pytest.raises(ValueError, match="ascending order"):
            call(frame.iloc[::-1], quick())
        with pytest.raises(ValueError, match="no column high"):
            call(frame.drop(columns="high"), quick())


def test_a_day_is_a_year_over_the_root_of_its_days():
    assert volatility.daily(math.sqrt(365) * 0.03) == pytest.approx(0.03, rel=1e-12)
    series = volatility.daily(pd.Series([0.0, math.nan, math.sqrt(365)]))
    np.testing.assert_allclose(series, [0.0, math.nan, 1.0])


@pytest.mark.parametrize(("factor", "multiple"), [(0.6, 2.0), (1.0, 2.0), (0.3, 1.5)])
def test_spacing_by_the_annual_figure_of_an_atr_is_the_atr_times_its_multiple(factor, multiple):
    settings = quick(atr_multiple=multiple)
    settings = settings.with_values({"spacing": {"volatility_factor": factor}})
    annual = volatility.gap_as_annual(np.array([0.004, math.nan]), settings)
    gap = SpacingSettings(volatility_factor=factor).volatility_factor * volatility.daily(annual)
    np.testing.assert_allclose(gap, [0.004 * multiple, math.nan], rtol=1e-12)


@pytest.mark.real
def test_on_real_candles_the_estimators_agree_and_the_crash_stands_out(real_data):
    """Ranges see a little less than closes at 5m: trades are few, and price jumps."""
    folder = real_data / "spot_5m_2022-08_2023-09" / "binance"
    frame = pd.read_feather(folder / "BTC_USDT-5m.feather")
    annual = volatility.compute(frame, Settings()).drop(columns="volatility_atr")
    ratios = annual.div(annual["volatility_close"], axis=0).median()
    assert ratios.between(0.8, 1.1).all()
    crash = frame["date"].between("2022-11-08", "2022-11-11")
    assert (annual[crash].max() > 3 * annual.median()).all()
