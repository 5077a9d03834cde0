"""Every component of a score beside its twin, its closed form or an outside judge."""

import math

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gridkit.analytics import scores_crypto as crypto
from gridkit.analytics import scores_momentum as momentum
from gridkit.analytics import scores_parts as parts
from gridkit.analytics import scores_trend as trend
from gridkit.analytics import scores_volatility as volatility
from gridkit.analytics import scores_volume as volume
from gridkit.settings.market import ConfluencePeriods, ConfluenceSettings
from strategies import START

DEFAULTS = ConfluencePeriods()
SETTLED = 850
NAN = float("nan")
SEEDS = st.integers(0, 2**32 - 1)
KINDS = {
    "trend": trend.components,
    "momentum": momentum.components,
    "volatility": volatility.components,
    "volume": lambda made, periods: volume.components(made, None, periods),
}


def market(rows: int = 1_000, seed: int = 3, sigma: float = 0.01) -> parts.Bars:
    random = np.random.default_rng(seed)
    close = 4.0 + np.cumsum(random.normal(0, sigma, rows))
    before = np.concatenate([close[:1], close[:-1]])
    above, below = np.abs(random.normal(0, sigma / 2, (2, rows)))
    traded = random.lognormal(3, 1, rows) * (random.random(rows) < 0.95)
    high, low = np.maximum(close, before) + above, np.minimum(close, before) - below
    return parts.Bars(300.0 * np.arange(rows), high, low, close, traded)


MADE = market()


def straight(step: float, rows: int = 300) -> parts.Bars:
    close = step * np.arange(rows)
    return parts.Bars(300.0 * np.arange(rows), close + 0.001, close - 0.001, close, np.ones(rows))


def settled(values: np.ndarray) -> np.ndarray:
    return values[SETTLED:]


# -- trend ------------------------------------------------------------------------------------


def gap_in_a_walk(fast: int, slow: int) -> float:
    """Standard deviation of EMA(fast) - EMA(slow) of a random walk, in its steps."""
    a, b = (fast - 1) / (fast + 1), (slow - 1) / (slow + 1)
    return math.sqrt(a * a / (1 - a * a) + b * b / (1 - b * b) - 2 * a * b / (1 - a * b))


@pytest.mark.parametrize(("name", "fast", "slow"), [("middle", 20, 50), ("slow", 50, 200)])
def test_the_gap_of_two_averages_is_that_of_ta_lib_by_its_known_spread(name, fast, slow):
    found = trend.components(MADE, DEFAULTS)[name]
    gap = talib.EMA(MADE.close, fast) - talib.EMA(MADE.close, slow)
    expected = np.tanh(gap / (parts.sigma(MADE.close, 200) * gap_in_a_walk(fast, slow)))
    np.testing.assert_allclose(settled(found), settled(expected), atol=2e-3)


def test_the_fast_part_is_the_price_against_ta_libs_average():
    found = trend.components(MADE, DEFAULTS)["fast"]
    away = MADE.close - talib.EMA(MADE.close, 20)
    expected = np.tanh(away / (parts.sigma(MADE.close, 200) * 19 / (2 * math.sqrt(20))))
    np.testing.assert_allclose(settled(found), settled(expected), atol=1e-6)


def test_tema_is_that_of_ta_lib():
    found = settled(trend.tema(MADE.close, 21))
    np.testing.assert_allclose(found, settled(talib.TEMA(MADE.close, 21)), atol=1e-9)


@pytest.mark.parametrize(("window", "half", "root"), [(21, 10, 4), (16, 8, 4), (4, 2, 2)])
def test_hull_is_made_of_ta_libs_weighted_averages(window, half, root):
    ahead = 2 * talib.WMA(MADE.close, half) - talib.WMA(MADE.close, window)
    expected = talib.WMA(ahead[window - 1 :], root)
    np.testing.assert_allclose(trend.hull(MADE.close, window)[window - 1 :], expected, atol=1e-9)


def test_hull_follows_a_straight_line_without_delay_and_tema_too():
    """Hull 2005: of a straight line WMA(n) is late by (n - 1)/3, which the two others undo."""
    line = 0.01 * np.arange(400)
    np.testing.assert_allclose(trend.tema(line, 21)[-1], line[-1], atol=1e-9)
    late = 2 * (10 - 1) / 3 - (21 - 1) / 3 + (4 - 1) / 3
    np.testing.assert_allclose(trend.hull(line, 21)[-1], line[-1] - 0.01 * late, atol=1e-9)


@pytest.mark.parametrize("name", ["fast", "middle", "slow", "tema", "hull"])
def test_in_a_random_walk_every_part_of_the_trend_spreads_by_one(name):
    found = trend.components(market(rows=60_000), DEFAULTS)[name]
    assert np.nanstd(np.arctanh(found)) == pytest.approx(1.0, abs=0.07)


@pytest.mark.parametrize("name", ["tema", "hull"])
def test_the_averages_of_low_lag_point_where_they_go(name):
    line = {"tema": trend.tema, "hull": trend.hull}[name](MADE.close, 21)
    found = trend.components(MADE, DEFAULTS)[name]
    assert (np.sign(settled(found)) == settled(np.sign(np.diff(line, prepend=NAN)))).all()


# -- momentum ---------------------------------------------------------------------------------


def test_rsi_is_that_of_ta_lib_and_so_is_its_cmo():
    found = settled(momentum.components(MADE, DEFAULTS)["rsi"])
    np.testing.assert_allclose(found, settled(talib.RSI(MADE.close, 14)) / 50 - 1, atol=1e-9)
    np.testing.assert_allclose(found, settled(talib.CMO(MADE.close, 14)) / 100, atol=1e-9)


@given(SEEDS, st.integers(2, 20))
def test_cmo_is_that_of_chandes_sums(seed, window):
    made = market(60, seed)
    found = momentum.components(made, ConfluencePeriods(oscillator=window))["cmo"]
    steps = np.diff(made.close)
    assert np.isnan(found[:window]).all()
    for now in range(window, 60):
        recent = steps[now - window : now]
        up, down = recent[recent > 0].sum(), -recent[recent < 0].sum()
        assert found[now] == pytest.approx((up - down) / (up + down), abs=1e-9)


def test_macd_is_ta_libs_histogram_by_its_spread_in_a_random_walk():
    found = np.arctanh(momentum.components(MADE, DEFAULTS)["macd"])
    usual = parts.sigma(MADE.close, 200)
    histogram = talib.MACD(MADE.close, 12, 26, 9)[2]
    spread = settled(histogram / (usual * found))
    np.testing.assert_allclose(spread, spread[0], rtol=1e-5)
    long = market(rows=60_000, seed=8)
    assert np.nanstd(np.arctanh(momentum.components(long, DEFAULTS)["macd"])) == pytest.approx(
        1.0, abs=0.05
    )


def test_stochastic_is_ta_libs_slow_one():
    found = momentum.components(MADE, DEFAULTS)["stochastic"]
    slow, _ = talib.STOCH(MADE.high, MADE.low, MADE.close, 14, 3, 0, 3, 0)
    np.testing.assert_allclose(found[20:], slow[20:] / 50 - 1, atol=1e-9)


def test_williams_is_that_of_ta_lib():
    found = momentum.components(MADE, DEFAULTS)["williams"]
    expected = 1 + talib.WILLR(MADE.high, MADE.low, MADE.close, 14) / 50
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(("step", "sign"), [(0.01, 1), (-0.01, -1)])
def test_a_price_that_only_goes_one_way_is_all_gains_or_all_losses(step, sign):
    found = momentum.components(straight(step), DEFAULTS)
    assert found["rsi"][-1] == found["cmo"][-1] == sign
    assert sign * found["williams"][-1] > 0.98


# -- volatility -------------------------------------------------------------------------------


def test_bollinger_is_the_place_between_ta_libs_bands():
    upper, middle, _ = talib.BBANDS(MADE.close, 20, 2.0, 2.0)
    expected = np.clip((MADE.close - middle) / (upper - middle), -1, 1)
    found = volatility.components(MADE, DEFAULTS)["bollinger"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_keltner_is_the_place_between_two_of_ta_libs_true_ranges():
    away = MADE.close - talib.EMA(MADE.close, 20)
    expected = np.clip(away / (2 * talib.ATR(MADE.high, MADE.low, MADE.close, 14)), -1, 1)
    found = volatility.components(MADE, DEFAULTS)["keltner"]
    np.testing.assert_allclose(settled(found), settled(expected), atol=1e-6)


def test_donchian_is_the_place_between_the_extremes():
    highest, lowest = talib.MAX(MADE.high, 20), talib.MIN(MADE.low, 20)
    expected = -1 + 2 * (MADE.close - lowest) / (highest - lowest)
    found = volatility.components(MADE, DEFAULTS)["donchian"]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_move_is_measured_in_ta_libs_true_ranges():
    moved = MADE.close - np.roll(MADE.close, 14)
    expected = np.tanh(moved / (math.sqrt(14) * talib.ATR(MADE.high, MADE.low, MADE.close, 14)))
    found = volatility.components(MADE, DEFAULTS)["atr"]
    np.testing.assert_allclose(settled(found), settled(expected), atol=1e-6)


# -- volume -----------------------------------------------------------------------------------


def flows(made: parts.Bars) -> dict[str, np.ndarray]:
    return volume.components(made, None, DEFAULTS)


def test_obv_slope_is_that_of_a_line_through_ta_libs_obv():
    lines = talib.OBV(MADE.close, MADE.volume), np.cumsum(MADE.volume)
    found = flows(MADE)["obv"]
    for now in range(30, 1_000, 97):
        places = np.arange(21)
        slopes = [stats.linregress(places, one[now - 20 : now + 1]).slope for one in lines]
        assert found[now] == pytest.approx(slopes[0] / slopes[1], abs=1e-9)


def multiplier(made: parts.Bars) -> np.ndarray:
    return (2 * made.close - made.high - made.low) / (made.high - made.low)


def test_money_flow_is_chaikins_by_pandas():
    flow = pd.Series(multiplier(MADE) * MADE.volume).rolling(20).sum()
    expected = flow / pd.Series(MADE.volume).rolling(20).sum()
    np.testing.assert_allclose(flows(MADE)["cmf"], expected, atol=1e-9)


def test_money_flow_is_the_change_of_ta_libs_line_over_all_volume():
    line = talib.AD(MADE.high, MADE.low, MADE.close, MADE.volume)
    expected = parts.change(line, 20) / parts.total(MADE.volume, 20)
    np.testing.assert_allclose(flows(MADE)["cmf"][20:], expected[20:], atol=1e-6)


def test_accumulation_is_ta_libs_oscillator_over_that_of_all_volume():
    part = talib.ADOSC(MADE.high, MADE.low, MADE.close, MADE.volume, 3, 10)
    whole = talib.ADOSC(MADE.high, MADE.low, MADE.high, MADE.volume, 3, 10)
    np.testing.assert_allclose(settled(flows(MADE)["ad"]), settled(part / whole), atol=1e-6)


def test_vwap_deviation_is_that_of_a_loop():
    found = flows(MADE)["vwap"]
    typical = (MADE.high + MADE.low + MADE.close) / 3
    usual = parts.sigma(MADE.close, 200)
    chance = math.sqrt(sum((k / 20) ** 2 for k in range(1, 20)))
    for now in range(210, 1_000, 53):
        recent = slice(now - 19, now + 1)
        mean = np.average(typical[recent], weights=MADE.volume[recent])
        expected = math.tanh((MADE.close[now] - mean) / (usual[now] * chance))
        assert found[now] == pytest.approx(expected, abs=1e-9)


def test_where_nothing_traded_in_the_window_no_flow_is_known():
    silent = MADE.volume.copy()
    silent[900:] = 0.0
    made = parts.Bars(MADE.closed, MADE.high, MADE.low, MADE.close, silent)
    for values in flows(made).values():
        assert np.isnan(values[919:]).all()


@pytest.mark.parametrize(
    ("price", "place"),
    [(100, 0.0), (110, 1.0), (105, 0.512), (95, -0.487), (90, -1.0), (120, 1.0), (50, -1.0)],
)
def test_the_place_in_the_profile_runs_from_its_middle_to_its_edges(price, place):
    levels = np.log([[90.0], [100.0], [110.0]])
    one = np.log([float(price)])
    made = parts.Bars(np.zeros(1), one, one, one, np.ones(1))
    found = volume.components(made, levels, DEFAULTS)["profile"]
    assert found[0] == pytest.approx(place, abs=1e-3)


@pytest.mark.parametrize(("price", "place"), [(101.0, 1.0), (100.0, 0.0), (99.0, -1.0)])
def test_a_value_area_of_one_price_has_an_above_and_a_below(price, place):
    one = np.log([price])
    made = parts.Bars(np.zeros(1), one, one, one, np.ones(1))
    levels = np.log(np.full((3, 1), 100.0))
    assert volume.components(made, levels, DEFAULTS)["profile"][0] == place


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_a_profile_of_which_a_level_is_missing_is_unknown(unknown):
    levels = np.log([[90.0], [100.0], [110.0]])
    levels[unknown] = NAN
    made = parts.Bars(*np.zeros((4, 1)), np.ones(1))
    assert np.isnan(volume.components(made, levels, DEFAULTS)["profile"][0])


def test_without_a_profile_its_part_is_unknown():
    assert np.isnan(flows(MADE)["profile"]).all()


def test_a_candle_that_closes_at_its_high_is_bought_and_one_without_a_range_is_neither():
    rows = 300
    close = np.zeros(rows)
    high, low = close + 0.0, close - 0.01
    made = parts.Bars(close, high, low, close, np.ones(rows))
    assert flows(made)["cmf"][-1] == flows(made)["ad"][-1] == pytest.approx(1.0)
    flat = parts.Bars(close, close, close, close, np.ones(rows))
    assert [flows(flat)[name][-1] for name in ("obv", "cmf", "ad")] == [0.0, 0.0, 0.0]


# -- crypto -----------------------------------------------------------------------------------


def rates(values: list[float] | np.ndarray, hours: int = 8) -> pd.Series:
    return pd.Series(values, index=START + pd.Timedelta(hours=hours) * np.arange(len(values)))


@given(SEEDS, st.sampled_from((50.0, 80.0, 95.0)), st.sampled_from((0.0, 0.3)))
def test_extreme_funding_is_that_of_a_loop(seed, percentile, unknown):
    random = np.random.default_rng(seed)
    paid = random.normal(0, 1e-4, 70).round(4)
    paid[random.random(70) < unknown] = NAN
    series = rates(paid)
    settings = ConfluenceSettings(funding_days=10, funding_percentile=percentile)
    found = crypto.contrarian(series, settings)
    first = series.first_valid_index()
    for now, rate in series.items():
        recent = series[(series.index > now - pd.Timedelta("10D")) & (series.index <= now)].dropna()
        if np.isnan(rate) or now < first + pd.Timedelta("10D") or len(recent) < 20:
            assert np.isnan(found[now])
        else:
            extreme = abs(rate) > np.quantile(recent.abs(), percentile / 100)
            assert found[now] == (-0.5 * np.sign(rate) if extreme else 0.0)


@pytest.mark.parametrize(("rate", "score"), [(0.003, -0.5), (-0.003, 0.5), (0.0001, 0.0)])
def test_the_crowd_that_pays_much_is_bet_against(rate, score):
    found = crypto.contrarian(rates([0.0001] * 120 + [rate]), ConfluenceSettings())
    assert found.iloc[-1] == score


def test_funding_that_never_changes_is_never_extreme():
    found = crypto.contrarian(rates([0.0001] * 200), ConfluenceSettings())
    assert set(found.dropna()) == {0.0}


@pytest.mark.parametrize("values", [[], [NAN, NAN]])
def test_without_any_rate_nothing_is_known_of_funding(values):
    series = pd.Series(values, index=rates(values).index, dtype="float64")
    assert crypto.contrarian(series, ConfluenceSettings()).isna().all()


def test_what_the_crowd_pays_is_known_from_the_payment_on_and_for_a_day():
    series = rates([0.0001] * 120 + [0.003])
    paid = series.index[-1].timestamp()
    closes = paid + np.array([-1.0, 0.0, 86_400.0, 86_401.0])
    found = crypto.against_the_crowd(series, closes, ConfluenceSettings())
    np.testing.assert_equal(found, [0.0, -0.5, -0.5, NAN])
    unknown = crypto.against_the_crowd(None, closes, ConfluenceSettings())
    np.testing.assert_equal(unknown, [NAN] * 4)


def at_candles(extras: parts.Extras, step: float = 0.01, rows: int = 300) -> dict[str, np.ndarray]:
    """5m candles that go straight from START on, the first of which closes at 00:05."""
    made = straight(step, rows)
    moments = START.timestamp() + 300.0 * np.arange(1, rows + 1)
    made = parts.Bars(moments, made.high, made.low, made.close, made.volume)
    return crypto.components(made, extras, ConfluenceSettings())


def interest(growth: float, rows: int = 300) -> parts.Extras:
    held = 1e6 * np.exp(growth * np.arange(1, rows + 1))
    moments = START + pd.Timedelta("5min") * np.arange(1, rows + 1)
    return parts.Extras(open_interest=pd.Series(held, index=moments))


FULL = math.tanh(math.sqrt(20)) ** 2


@pytest.mark.parametrize(
    ("step", "growth", "confirmed", "divergence"),
    [
        (0.01, 0.001, FULL, 0.0),
        (-0.01, 0.001, -FULL, 0.0),
        (0.01, -0.001, 0.0, -FULL),
        (-0.01, -0.001, 0.0, FULL),
    ],
)
def test_rising_open_interest_confirms_a_move_and_falling_contradicts(
    step, growth, confirmed, divergence
):
    found = at_candles(interest(growth), step)
    assert found["open_interest"][-1] == pytest.approx(confirmed, abs=1e-9)
    assert found["divergence"][-1] == pytest.approx(divergence, abs=1e-9)


def test_open_interest_is_known_only_once_its_window_and_that_of_the_price_are_full():
    known = ~np.isnan(at_candles(interest(0.001))["open_interest"])
    assert known.tolist() == [False] * 200 + [True] * 100


def test_open_interest_that_never_changes_or_is_nothing_says_nothing():
    for extras in (interest(0.0), parts.Extras(open_interest=interest(0.1).open_interest * 0)):
        assert np.isnan(at_candles(extras)["open_interest"]).all()


def test_a_candle_sees_the_rate_that_was_known_when_it_closed():
    paid = rates([0.0001, -0.0002] * 60 + [0.003, 0.0001], hours=8)
    made = straight(0.01, 600)
    opening = paid.index[-2].timestamp() - 3_000
    made = parts.Bars(
        opening + 300.0 * np.arange(600), made.high, made.low, made.close, made.volume
    )
    found = crypto.components(made, parts.Extras(funding=paid), ConfluenceSettings())["funding"]
    paid_much = (made.closed >= paid.index[-2].timestamp()) & (
        made.closed < paid.index[-1].timestamp()
    )
    assert (found[paid_much] == -0.5).all()
    old = made.closed > paid.index[-1].timestamp() + 86_400
    assert old.any()
    assert np.isnan(found[old]).all()
    assert (found[~old & ~paid_much] == 0).all()


def test_without_extras_every_part_is_unknown():
    assert all(np.isnan(values).all() for values in at_candles(parts.Extras()).values())


# -- all of them ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS)
def test_the_opposite_market_has_the_opposite_parts(kind, seed):
    made = market(260, seed)
    upside_down = parts.Bars(made.closed, -made.low, -made.high, -made.close, made.volume)
    found, opposite = (KINDS[kind](one, DEFAULTS) for one in (made, upside_down))
    for name, values in found.items():
        np.testing.assert_allclose(opposite[name], -values, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("step", "sign"), [(0.01, 1), (-0.01, -1)])
def test_a_steady_rise_is_bullish_in_every_part_that_follows_closes(kind, step, sign):
    found = KINDS[kind](straight(step), DEFAULTS)
    blind = {"cmf", "ad", "profile", "macd"}  # within the candle, no profile, no acceleration
    for name in set(found) - blind:
        assert sign * found[name][-1] > 0.2, name


@pytest.mark.parametrize("sign", [1, -1])
def test_a_move_that_gathers_pace_has_the_macd_of_its_direction(sign):
    close = sign * np.arange(300.0) ** 2 / 1e5
    made = parts.Bars(close, close + 0.001, close - 0.001, close, np.ones(300))
    assert sign * momentum.components(made, DEFAULTS)["macd"][-1] > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_price_that_stands_still_points_nowhere(kind):
    close = np.full(300, 7.0)
    found = KINDS[kind](parts.Bars(close, close, close, close, np.ones(300)), DEFAULTS)
    assert all(np.isnan(values[-1]) or values[-1] == 0 for values in found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_price_that_stood_still_for_long_after_a_move_points_nowhere_either(kind):
    made = market(400)
    close = np.concatenate([made.close, np.full(1_000, made.close[-1])])
    flat = parts.Bars(close, close, close, close, np.ones(len(close)))
    found = KINDS[kind](flat, DEFAULTS)
    assert all(np.isnan(values[-1]) or values[-1] == 0 for values in found.values())


@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS)
def test_every_part_stays_within_its_bounds_even_of_candles_that_contradict_themselves(kind, seed):
    random = np.random.default_rng(seed)
    made = parts.Bars(np.arange(260.0), *random.normal(0, 0.01, (3, 260)), random.random(260))
    for values in KINDS[kind](made, DEFAULTS).values():
        assert (np.isnan(values) | (np.abs(values) <= 1)).all()
