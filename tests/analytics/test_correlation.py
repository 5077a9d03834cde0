import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse.csgraph import connected_components

from gridkit.analytics import correlation
from gridkit.settings import CorrelationSettings, Settings
from strategies import START, any_market

QUICK = Settings(correlation=CorrelationSettings(window_days=2))
WINDOW = 48
SEEDS = st.integers(0, 2**32 - 1)


def hourly(values: np.ndarray, names: str = "ABCDEFGHIJ") -> pd.DataFrame:
    index = pd.date_range(START, periods=len(values), freq="1h", name="date")
    return pd.DataFrame(values, index=index, columns=list(names[: values.shape[1]]))


def some_returns(seed: int, rows: int = 200, pairs: int = 4) -> pd.DataFrame:
    """Pairs that partly move together; some hours are unknown, and the last pair stood at first."""
    noise = np.random.default_rng(seed)
    values = noise.normal(0, 0.01, (rows, 1)) * noise.random(pairs) + noise.normal(
        0, 0.005, (rows, pairs)
    )
    values[: rows // 2, -1] = 0.0
    values[noise.random((rows, pairs)) < noise.choice([0.0, 0.05, 0.3])] = np.nan
    return hourly(values)


def mean_of(returns: pd.DataFrame, configured: Settings = QUICK) -> np.ndarray:
    return correlation.mean_pairwise(returns, configured)["correlation_mean"].to_numpy()


# -- returns ----------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from("ABC"), any_market(timeframe="1h"), min_size=1))
@settings(max_examples=30)
def test_returns_stand_side_by_side_by_hour(frames):
    found = correlation.returns(frames)
    assert list(found) == list(frames)
    assert (np.diff(found.index) == np.timedelta64(1, "h")).all()
    for pair, frame in frames.items():
        close = frame.set_index("date")["close"].reindex(found.index)
        expected = np.log(close / close.shift())
        np.testing.assert_allclose(found[pair], expected, rtol=1e-9, atol=1e-15)


@given(any_market(timeframe="1h"), st.integers(-20, 20))
@settings(max_examples=20)
def test_returns_do_not_depend_on_the_unit_of_price(frame, doublings):
    scaled = frame.assign(close=frame["close"] * 2.0**doublings)
    pd.testing.assert_frame_equal(
        correlation.returns({"A": scaled}), correlation.returns({"A": frame})
    )


def test_no_pairs_have_no_returns():
    assert correlation.returns({}).shape == (0, 0)


# -- two pairs --------------------------------------------------------------------------------


@given(SEEDS)
def test_two_pairs_correlation_is_that_of_scipy(seed):
    first, second = np.random.default_rng(seed).normal(0, 0.01, (2, 100))
    second = second + 0.4 * first
    judge = stats.pearsonr(first, second).statistic
    assert correlation.pearson(first, second) == pytest.approx(judge, rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.002, 1 / 3])
def test_a_pair_whose_returns_are_all_the_same_has_no_correlation(value):
    """Nothing but rounding is left of such a spread."""
    noise = np.random.default_rng(1).normal(0, 0.01, 100)
    assert math.isnan(correlation.pearson(np.full(100, value), noise))


@pytest.mark.parametrize("factor", [1e-9, 1.0, -3.0])
def test_pairs_that_move_as_one_are_correlated_by_one_and_never_more(factor):
    noise = np.random.default_rng(1).normal(0, 0.01, 100)
    found = correlation.pearson(noise, factor * noise)
    assert found == pytest.approx(math.copysign(1.0, factor), rel=1e-12)
    assert -1 <= found <= 1


# -- the matrix -------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=30)
def test_the_matrix_is_that_of_pandas(seed):
    returns = some_returns(seed)
    judge = returns.corr(min_periods=correlation.LEAST_RETURNS)
    found = correlation.matrix(returns)
    pd.testing.assert_frame_equal(found, judge, rtol=1e-9, atol=1e-12)


def test_the_matrix_of_known_returns_is_that_of_numpy():
    values = np.random.default_rng(2).normal(0, 0.01, (300, 5))
    found = correlation.matrix(hourly(values))
    np.testing.assert_allclose(found, np.corrcoef(values.T), rtol=1e-9)


def test_what_is_unknown_of_a_pair_is_unknown_on_the_diagonal_too():
    returns = some_returns(1)
    returns["A"] = 0.0
    returns.loc[returns.index[47] :, "B"] = np.nan
    found = correlation.matrix(returns)
    assert found.loc["A"].isna().all()
    assert found.loc["B"].isna().all()
    assert found.loc["C", "C"] == 1.0


def test_the_latest_matrix_is_of_the_last_window():
    returns = some_returns(3)
    pd.testing.assert_frame_equal(
        correlation.latest(returns, QUICK), correlation.matrix(returns.iloc[-WINDOW:])
    )


# -- the rolling mean -------------------------------------------------------------------------


def by_hand(returns: pd.DataFrame, window: int) -> list[float]:
    """The readable twin: the upper half of each hour's own matrix."""
    found = [math.nan] * (window - 1)
    for now in range(window, len(returns) + 1):
        matrix = correlation.matrix(returns.iloc[now - window : now]).to_numpy()
        values = matrix[np.triu_indices(len(matrix), 1)]
        known = values[np.isfinite(values)]
        found.append(known.mean() if len(known) else math.nan)
    return found[: len(returns)]


@pytest.mark.parametrize("days", [2, 4])
@given(SEEDS)
@settings(max_examples=10)
def test_the_rolling_mean_is_that_of_each_hour_s_matrix(days, seed):
    returns = some_returns(seed)
    configured = Settings(correlation=CorrelationSettings(window_days=days))
    found = mean_of(returns, configured)
    np.testing.assert_allclose(found, by_hand(returns, days * 24), rtol=1e-5, atol=1e-6)


@given(SEEDS)
@settings(max_examples=10)
def test_the_rolling_mean_of_two_pairs_is_that_of_pandas(seed):
    returns = hourly(np.random.default_rng(seed).normal(0, 0.01, (150, 2)))
    judge = returns["A"].rolling(WINDOW).corr(returns["B"])
    np.testing.assert_allclose(mean_of(returns), judge, rtol=1e-5, atol=1e-6)


@given(SEEDS, st.integers(0, 200))
@settings(max_examples=30)
def test_the_past_does_not_change_when_the_future_arrives(seed, now):
    returns = some_returns(seed)
    then = correlation.mean_pairwise(returns.iloc[:now], QUICK)
    later = correlation.mean_pairwise(returns, QUICK).iloc[:now]
    pd.testing.assert_frame_equal(then, later, rtol=1e-9)


def test_the_rolling_mean_does_not_depend_on_where_the_candles_begin():
    returns = some_returns(4)
    part = mean_of(returns.iloc[31:])
    np.testing.assert_allclose(part[WINDOW - 1 :], mean_of(returns)[31 + WINDOW - 1 :], rtol=1e-6)


def test_a_crash_leaves_nothing_behind_once_it_has_left_the_window():
    calm = np.random.default_rng(3).normal(0, 1e-5, (200, 2))
    crash = calm.copy()
    crash[60] = -5.0
    found, expected = mean_of(hourly(crash)), mean_of(hourly(calm))
    assert found[60 + WINDOW - 1] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(found[60 + WINDOW :], expected[60 + WINDOW :], rtol=1e-6)


@pytest.mark.parametrize("days", [2, 3])
def test_the_rolling_mean_is_unknown_exactly_until_its_warmup(days):
    configured = Settings(correlation=CorrelationSettings(window_days=days))
    needed = correlation.warmup(configured, 3_600)
    noise = np.random.default_rng(1).normal(0, 0.01, (2, needed + 5))
    dates = START + pd.Timedelta("1h") * np.arange(needed + 5)
    frames = {}
    for pair, moves in zip("AB", noise, strict=True):
        close = 100 * np.exp(np.cumsum(moves))
        prices = dict.fromkeys(("open", "high", "low", "close"), close)
        frames[pair] = pd.DataFrame({"date": dates, **prices, "volume": 1.0})
    found = mean_of(correlation.returns(frames), configured)
    # The first hour has no return; where two days are the window, the fewest returns are too.
    assert needed == days * 24 + 1
    assert np.isfinite(found[needed - 1 :]).all()
    assert np.isfinite(found).argmax() == max(days * 24 - 1, correlation.LEAST_RETURNS)


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (1, 2), (100, 1), (47, 2)])
def test_where_no_two_pairs_are_known_the_mean_is_unknown(shape):
    found = correlation.mean_pairwise(hourly(np.ones(shape)), QUICK)
    assert found.shape == (shape[0], 1)
    assert found["correlation_mean"].dtype == "float32"
    assert found["correlation_mean"].isna().all()


# -- clusters ---------------------------------------------------------------------------------


def matrix_of(values: list[list[float]]) -> pd.DataFrame:
    names = list("ABCDEFGHIJ"[: len(values)])
    return pd.DataFrame(values, names, names)


@st.composite
def matrices(draw: st.DrawFn) -> pd.DataFrame:
    size = draw(st.integers(0, 8))
    values = np.random.default_rng(draw(SEEDS)).uniform(-1, 1, (size, size))
    values = np.triu(values, 1) + np.triu(values, 1).T + np.eye(size)
    unknown = np.abs(values) < draw(st.sampled_from((0.0, 0.2)))
    return matrix_of(np.where(unknown, np.nan, values).tolist())


@given(matrices(), st.sampled_from((0.3, 0.7, 0.9)))
def test_clusters_are_the_connected_components_of_scipy(matrix, threshold):
    found = correlation.clusters(matrix, threshold)
    assert sorted(itertools.chain(*found)) == list(matrix)
    if len(matrix):
        _, labels = connected_components(matrix.to_numpy() > threshold, directed=False)
        judge = pd.Series(list(matrix)).groupby(labels, sort=False).agg(tuple)
        assert found == tuple(judge)
    assert list(found) == sorted(found)


def test_a_cluster_holds_together_through_its_members():
    """A goes with C and C with D, though A does not with D; B stands alone."""
    matrix = matrix_of([[1, 0, 0.8, 0.1], [0, 1, 0, 0], [0.8, 0, 1, 0.9], [0.1, 0, 0.9, 1]])
    assert correlation.clusters(matrix, 0.7) == (("A", "C", "D"), ("B",))


def test_the_threshold_itself_and_the_unknown_join_nothing():
    matrix = matrix_of([[1, 0.7, math.nan], [0.7, 1, -0.9], [math.nan, -0.9, 1]])
    assert correlation.clusters(matrix, 0.7) == (("A",), ("B",), ("C",))


# -- the diversification ratio ----------------------------------------------------------------


def ratio(weights: list[float], volatilities: list[float], matrix: pd.DataFrame) -> float:
    names = list(matrix)
    return correlation.diversification_ratio(
        pd.Series(weights, names), pd.Series(volatilities, names), matrix
    )


@given(st.integers(1, 8), st.floats(0.01, 2.0))
def test_equal_risks_that_have_nothing_in_common_diversify_by_the_root_of_their_number(n, sigma):
    found = ratio([1 / n] * n, [sigma] * n, matrix_of(np.eye(n).tolist()))
    assert found == pytest.approx(math.sqrt(n), rel=1e-12)


@given(SEEDS, st.integers(1, 6))
def test_pairs_that_move_as_one_do_not_diversify(seed, n):
    noise = np.random.default_rng(seed)
    found = ratio(list(noise.random(n)), list(noise.random(n)), matrix_of([[1.0] * n] * n))
    assert found == pytest.approx(1.0, rel=1e-9)


@given(SEEDS)
def test_the_ratio_is_that_of_the_returns_of_the_portfolio(seed):
    """Volatilities and matrix of a sample give exactly the volatility of its weighted sum."""
    values = np.random.default_rng(seed).normal(0, 0.01, (100, 4)) @ np.eye(4, k=1) + 0.001
    values += np.random.default_rng(seed + 1).normal(0, 0.01, (100, 4))
    weights = np.random.default_rng(seed).random(4)
    each = values.std(axis=0)
    expected = (weights @ each) / (values @ weights).std()
    found = ratio(list(weights), list(each), correlation.matrix(hourly(values)))
    assert found == pytest.approx(expected, rel=1e-9)
    assert found >= 1 - 1e-9
    assert ratio(list(weights * 7), list(each * 3), correlation.matrix(hourly(values))) == (
        pytest.approx(found, rel=1e-9)
    )


@pytest.mark.parametrize(
    ("rho", "expected"), [(0.5, 2.0), (-0.5, 2 / math.sqrt(3)), (1.0, math.nan)]
)
def test_a_long_and_a_short_diversify_by_what_they_have_in_common(rho, expected):
    """Of unit risks: 2 over the root of 2 - 2 rho; a full hedge moves not at all."""
    found = ratio([0.5, -0.5], [0.3, 0.3], matrix_of([[1, rho], [rho, 1]]))
    assert found == pytest.approx(expected, nan_ok=True)


def test_what_is_unknown_of_a_pair_only_matters_where_it_has_a_weight():
    matrix = matrix_of([[1, 0, math.nan], [0, 1, math.nan], [math.nan] * 3])
    assert ratio([1, 1, 0], [0.5, 0.5, math.nan], matrix) == pytest.approx(math.sqrt(2))
    assert math.isnan(ratio([1, 1, 0.1], [0.5, 0.5, 0.5], matrix))
    assert math.isnan(ratio([1, 1, 0], [0.5, math.nan, 0.5], matrix))


def test_pairs_go_by_name_and_not_by_place():
    matrix = matrix_of([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    weights, each = pd.Series({"C": 0.5, "A": 0.5}), pd.Series({"A": 0.2, "B": 9.0, "C": 0.2})
    found = correlation.diversification_ratio(weights, each, matrix)
    assert found == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize(("weights", "each"), [([0, 0], [1, 1]), ([1, 1], [0, 0]), ([], [])])
def test_a_portfolio_that_holds_or_moves_nothing_has_no_ratio(weights, each):
    assert math.isnan(ratio(weights, each, matrix_of(np.eye(len(weights)).tolist())))


def test_an_impossible_matrix_has_no_ratio():
    matrix = matrix_of([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    assert math.isnan(ratio([1, -1, 1], [1, 1, 1], matrix))


# -- real candles -----------------------------------------------------------------------------


@pytest.mark.real
def test_real_pairs_move_together(real_data):
    folder = real_data / "spot_5m_2022-08_2023-09" / "binance"
    frames = {path.name[:3]: pd.read_feather(path) for path in sorted(folder.glob("*-1h.feather"))}
    returns = correlation.returns(frames)
    found = mean_of(returns, Settings())
    now = len(returns) - 1
    matrix = correlation.latest(returns, Settings())
    upper = matrix.to_numpy()[np.triu_indices(10, 1)]
    assert found[now] == pytest.approx(upper.mean(), rel=1e-5)
    assert 0.4 < np.nanmedian(found) < 0.9
    assert "ETH" in next(group for group in correlation.clusters(matrix, 0.7) if "BTC" in group)


# -- the short way ------------------------------------------------------------------------------


@given(SEEDS)
def test_the_product_of_unit_vectors_is_the_correlation(seed):
    values = some_returns(seed).to_numpy()
    for one, other in itertools.combinations(range(values.shape[1]), 2):
        first, second = correlation.unit(values[:, one]), correlation.unit(values[:, other])
        if first is not None and second is not None:
            expected = correlation.pearson(values[:, one], values[:, other])
            assert np.dot(first, second) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "returns",
    [np.zeros(100), np.full(100, 0.25), np.array([0.1, np.nan] * 50), np.array([0.1, -0.1] * 23)],
    ids=["standing", "constant", "a gap", "too few"],
)
def test_there_is_no_short_way_for_what_is_unknown_or_never_moved(returns):
    assert correlation.unit(returns) is None


def test_a_series_with_itself_is_one_and_with_its_mirror_minus_one():
    noise = np.random.default_rng(3).normal(0, 0.01, 720)
    vector, mirrored = correlation.unit(noise), correlation.unit(-noise)
    assert vector is not None
    assert mirrored is not None
    assert np.dot(vector, vector) == pytest.approx(1.0)
    assert np.dot(vector, mirrored) == pytest.approx(-1.0)
