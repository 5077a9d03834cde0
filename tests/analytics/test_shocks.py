"""What is sudden in one market, and how long it holds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import correlation, shocks
from gridkit.analytics.shocks import Shock
from gridkit.risk import shocks as figures
from gridkit.settings import Settings
from strategies import START, any_market

DEFAULTS = Settings()
RULE = DEFAULTS.breakers
DAY = 288


def settings_of(**breakers):
    return Settings.model_validate({"breakers": breakers})


def market(closes, volume=1.0, width=0.0):
    """Candles of 5 minutes: each opens where the last one closed."""
    closes = np.asarray(closes, "float64")
    opens = np.concatenate([closes[:1], closes[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("5min") * np.arange(len(closes)),
            "open": opens,
            "high": np.maximum(opens, closes) * (1 + width),
            "low": np.minimum(opens, closes) * (1 - width),
            "close": closes,
            "volume": volume,
        }
    )


def column(frame, shock, settings=DEFAULTS):
    return shocks.compute(frame, settings)[shock.column].to_numpy("float64")


# -- a move -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("last", "move"), [(105.0, 0.05), (95.0, 0.05), (100.0, 0.0)])
def test_a_move_is_a_fraction_of_the_price_it_began_at(last, move):
    frame = market([100.0] * 10 + [last])
    assert column(frame, Shock.MOVE)[-1] == pytest.approx(move)


def test_a_move_counts_all_that_happened_within_its_minutes_and_nothing_before():
    rising = [100.0] * 6 + [102.0, 104.0, 106.0, 106.0]
    found = column(market(rising), Shock.MOVE)
    assert found[8] == pytest.approx(0.06), "three candles are fifteen minutes"
    assert found[9] == pytest.approx(106 / 102 - 1), "the first of the three is too old now"


def test_a_move_that_ended_earlier_is_none_in_this_candle():
    found = column(market([100.0] * 6 + [106.0, 106.0, 106.0]), Shock.MOVE)
    assert found[6:] == pytest.approx([0.06, 0.06, 0.06])
    found = column(market([100.0] * 6 + [106.0, 106.0, 106.0, 106.0]), Shock.MOVE)
    assert found[9] == 0.0


@pytest.mark.parametrize(
    ("opened", "high", "low", "close", "move"),
    [
        (100, 107, 100, 100, 0.07),  # up and back
        (100, 100, 93, 100, 100 / 93 - 1),  # down and back
        (100, 104, 96, 101, 104 / 96 - 1),  # it rose, so the low came first
        (100, 104, 96, 99, 1 - 96 / 104),  # it fell, so the high did
    ],
)
def test_within_one_candle_the_order_is_that_of_its_colour(opened, high, low, close, move):
    frame = market([100.0] * 10)
    frame.loc[9, ["open", "high", "low", "close"]] = opened, high, low, close
    assert column(frame, Shock.MOVE)[9] == pytest.approx(move)


def test_a_jump_between_two_candles_is_a_move():
    frame = market([100.0] * 10)
    frame.loc[9, ["open", "high", "low", "close"]] = 94.0
    assert column(frame, Shock.MOVE)[9] == pytest.approx(0.06)


@given(frame=any_market(least=2, most=60))
def test_moves_equal_the_worst_of_all_pairs_of_extremes(frame):
    pd.testing.assert_series_equal(
        pd.Series(column(frame, Shock.MOVE)), pd.Series(slow_moves(frame)), rtol=1e-5, atol=1e-6
    )


def slow_moves(frame, seconds=900):
    """The path of prices walked point by point, each move to a point from any earlier one."""
    times, found, path, last = candles.times(frame), [], [], None
    for now, row in zip(times, frame.itertuples(), strict=True):
        if not row.close > 0:
            found.append(np.nan)
            continue
        turns = [row.low, row.high] if row.close >= row.open else [row.high, row.low]
        began, worst = now - seconds, 0.0
        for price in ([last] if last else []) + [row.open, *turns]:
            earlier = [one for moment, one in path if moment > began]
            moves = [price / one - 1 for one in earlier] if price in turns else []
            worst = max([worst, *map(abs, moves)])
            path.append((now, price))
        rows = (times > began) & (times <= now)
        known = (frame["close"] > 0) & rows
        first = times[(frame["close"] > 0).to_numpy()][0]
        covered = now - first >= seconds and 2 * known.sum() >= rows.sum()
        found.append(worst if covered else np.nan)
        last = row.close
    return np.array(found)


# -- volume and volatility --------------------------------------------------------------------


def test_volume_is_told_in_medians_of_a_day():
    frame = market([100.0] * 400)
    frame["volume"] = 2.0
    frame.loc[399, "volume"] = 21.0
    found = column(frame, Shock.VOLUME)
    assert found[399] == pytest.approx(10.5)
    assert found[DAY] == 1.0
    assert np.isnan(found[DAY - 1]), "no day has passed"


def test_a_market_that_mostly_stands_still_has_no_median_to_be_told_in():
    frame = market([100.0] * 400, volume=0.0)
    frame.loc[399, "volume"] = 5.0
    assert np.isnan(column(frame, Shock.VOLUME)[399])
    assert np.isnan(column(frame, Shock.VOLATILITY)[399])


def test_volatility_is_told_in_medians_of_a_day():
    """Ranges four times as wide for an hour are four times the volatility."""
    frame = market([100.0] * 400, width=0.0)
    calm, wild = np.exp(0.001), np.exp(0.004)
    frame["high"], frame["low"] = 100 * calm, 100 / calm
    frame.loc[388:, "high"], frame.loc[388:, "low"] = 100 * wild, 100 / wild
    found = column(frame, Shock.VOLATILITY)
    assert found[387] == pytest.approx(1.0)
    assert found[399] == pytest.approx(4.0)
    assert found[393] == pytest.approx(np.sqrt((6 * 1 + 6 * 16) / 12)), "half of the hour"


@given(frame=any_market(least=40, most=90, timeframe="1h", unknown=False), seed=st.integers(0, 99))
def test_volume_equals_the_loop_with_and_without_gaps(frame, seed):
    frame["volume"] = np.random.default_rng(seed).choice([1.0, 2.0, 3.5, 40.0], len(frame))
    times, expected = candles.times(frame), []
    for now in range(len(frame)):
        day = frame["volume"][(times > times[now] - 86_400) & (times <= times[now])]
        covered = times[now] - times[0] >= 86_400
        expected.append(frame["volume"].iloc[now] / np.median(day) if covered else np.nan)
    assert column(frame, Shock.VOLUME) == pytest.approx(np.array(expected), nan_ok=True)


# -- correlation ------------------------------------------------------------------------------


def returns_of(hours, together, seed=3):
    """Three pairs that move together, but for the hours where `together` is 0."""
    noise = np.random.default_rng(seed)
    common = noise.normal(0, 0.01, (hours, 1)) * np.asarray(together)[:, None]
    own = noise.normal(0, 0.001, (hours, 3)) + noise.normal(0, 0.01, (hours, 3)) * (
        1 - np.asarray(together)[:, None]
    )
    index = pd.date_range(START, periods=hours, freq="h", name="date")
    return pd.DataFrame(common + own, index=index, columns=list("ABC"))


SHORT = Settings.model_validate({"correlation": {"window_days": 5}})


def test_pairs_that_moved_together_and_no_longer_do_show_how_little():
    together = np.ones(240)
    together[216:] = 0.0
    returns = returns_of(240, together)
    found = shocks.broken(returns, SHORT)["shocks_correlation"]
    pairs = [("A", "B"), ("A", "C"), ("B", "C")]
    expected = np.mean([returns[a].iloc[216:].corr(returns[b].iloc[216:]) for a, b in pairs])
    assert found.iloc[-1] == pytest.approx(expected, abs=1e-6)
    assert found.iloc[-1] < RULE.correlation_to
    assert found.iloc[150] > 0.9


def test_pairs_that_never_moved_together_have_nothing_to_break():
    returns = returns_of(240, np.zeros(240))
    assert shocks.broken(returns, SHORT)["shocks_correlation"].isna().all()


def test_one_pair_alone_is_correlated_with_nothing():
    returns = returns_of(240, np.ones(240))[["A"]]
    assert shocks.broken(returns, SHORT)["shocks_correlation"].isna().all()


def test_a_correlation_of_a_day_needs_half_of_its_returns():
    returns = returns_of(240, np.ones(240))
    returns.iloc[-13:-1] = np.nan
    assert shocks.broken(returns, SHORT)["shocks_correlation"].notna().iloc[-1]
    returns.iloc[-14:-1] = np.nan
    assert shocks.broken(returns, SHORT)["shocks_correlation"].isna().iloc[-1]


def test_the_mean_of_the_longer_window_is_that_of_the_correlations():
    returns = returns_of(240, np.ones(240))
    mean = correlation.rolling_mean(returns, 120, correlation.LEAST_RETURNS)
    known = correlation.mean_pairwise(returns, SHORT)["correlation_mean"]
    assert mean == pytest.approx(known.to_numpy(), abs=1e-6, nan_ok=True)


# -- what trips, and for how long -------------------------------------------------------------


def shown(settings=DEFAULTS, **columns):
    rows = max(len(values) for values in columns.values())
    dates = START + pd.Timedelta("5min") * np.arange(rows)
    values = {f"shocks_{name}": np.asarray(one, "float32") for name, one in columns.items()}
    made = shocks.tripping(pd.DataFrame(values), settings)
    return pd.DataFrame({"date": dates, **values}).join(made)


@pytest.mark.parametrize(
    ("name", "calm", "trips"),
    [
        ("move", 0.049, 0.051), ("volume", 9.9, 10.1), ("volatility", 2.9, 3.1),
        ("correlation", 0.31, 0.29),
    ],
)  # fmt: skip
def test_each_shock_trips_beyond_its_own_threshold(name, calm, trips):
    frame = shown(**{name: [calm, np.nan, trips]})
    assert shocks.tripped(frame, DEFAULTS).tolist() == [0, 0, Shock[name.upper()]]
    assert frame["shocks_value"].tolist() == pytest.approx([np.nan, np.nan, trips], nan_ok=True)


def test_of_two_shocks_in_one_candle_the_first_counts_and_of_two_candles_the_last():
    frame = shown(
        volume=[0.0, 11.0, 0.0, 0.0], move=[0.0, 0.06, 0.0, 0.0], volatility=[0, 0, 3.5, 0]
    )
    assert shocks.tripped(frame, DEFAULTS).tolist() == [0, Shock.MOVE, *[Shock.VOLATILITY] * 2]


def test_a_trip_holds_for_the_pause_after_the_last_candle_that_tripped():
    frame = shown(move=[0.0, 0.06, 0.0, 0.06] + [0.0] * 14)
    held = shocks.tripped(frame, settings_of(pause_minutes=30))
    assert held.tolist() == [0] + [1] * 9 + [0] * 8, "candles 1 to 3, and six more"


def test_without_a_pause_a_trip_holds_for_its_candle():
    frame = shown(volume=[1.0, 11.0, 1.0])
    assert shocks.tripped(frame, settings_of(pause_minutes=0)).tolist() == [0, 2, 0]


def test_what_is_unknown_or_absent_trips_nothing():
    assert not shocks.tripped(shown(volatility=[np.nan] * 5), DEFAULTS).any()
    assert len(shocks.tripped(shown(move=[]), DEFAULTS)) == 0
    assert not shocks.tripped(market([100.0] * 5), DEFAULTS).any()


numbers = st.sampled_from((np.nan, 0.0, 0.049, 0.05, 0.3, 2.9, 3.0, 9.0, 10.0, 50.0, -0.5))


@given(
    values=st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=40),
    minutes=st.sampled_from((0.0, 5.0, 7.0, 30.0, 500.0)),
)
def test_the_array_and_the_one_with_figures_say_the_same_at_every_candle(values, minutes):
    names = ("move", "volume", "volatility", "correlation")
    frame = shown(**dict(zip(names, np.array(values).T, strict=True)))
    settings = settings_of(pause_minutes=minutes)
    held, times = shocks.tripped(frame, settings), candles.times(frame)
    columns = {name: frame[name].to_numpy() for name in (shocks.KIND, shocks.VALUE)}
    for index, shock in enumerate(held):
        up = figures.breaker(columns, times, index, settings.breakers)
        assert (up is None) == (shock == 0)
        if up is not None:
            assert up.name == figures.NAMES[Shock(shock)]
            assert up.threshold == shocks.threshold_of(Shock(shock), settings.breakers)
            assert up.since <= times[index] <= up.until
            assert shocks.trips(Shock(shock), np.float32([up.value]), settings.breakers).all()
            assert up.value in frame[Shock(shock).column].astype("float64").to_numpy()


def test_what_is_switched_off_has_no_breaker_with_figures():
    columns = {shocks.KIND: np.int8([Shock.MOVE]), shocks.VALUE: np.float32([0.9])}
    times = np.zeros(1)
    assert figures.breaker(columns, times, 0, RULE) is not None
    for changes in ({"enabled": False}, {"market": False}):
        assert figures.breaker(columns, times, 0, settings_of(**changes).breakers) is None
    assert figures.breaker(columns, times, -1, RULE) is None
