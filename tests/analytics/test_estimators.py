import math

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import assume, given
from hypothesis import strategies as st

from gridkit import candles
from gridkit.analytics import estimators
from gridkit.analytics.estimators import Prices
from strategies import any_market

HOUR = candles.SECONDS_PER_HOUR
DAY = candles.SECONDS_PER_DAY
YEAR = candles.SECONDS_PER_YEAR
STEP = 300
WINDOW = 4 * HOUR
LN2 = math.log(2)

BY_RANGES = {
    "parkinson": estimators.parkinson,
    "garman_klass": estimators.garman_klass,
    "rogers_satchell": estimators.rogers_satchell,
    "yang_zhang": estimators.yang_zhang,
}
each_by_ranges = pytest.mark.parametrize("name", BY_RANGES)


def close_to_close(prices: Prices, times: np.ndarray, window: float) -> np.ndarray:
    return estimators.close_to_close(prices.close, times, window)


def ewma(prices: Prices, times: np.ndarray, window: float) -> np.ndarray:
    return estimators.ewma(prices.close, times, window / 2)


def of_atr(prices: Prices, times: np.ndarray, window: float) -> np.ndarray:
    period = int(window / candles.lengths(times)[-1] // 4) if len(times) > 1 else 5
    return estimators.of_atr(estimators.atr(prices, period), times)


ALL = {"close": close_to_close, **BY_RANGES, "ewma": ewma, "atr": of_atr}
each = pytest.mark.parametrize("name", ALL)


def clock(rows: int, step: float = STEP) -> np.ndarray:
    return step * np.arange(rows)


def by_closes(close: np.ndarray, window: float = WINDOW, step: float = STEP) -> np.ndarray:
    return estimators.close_to_close(close, clock(len(close), step), window)


def flat(close: np.ndarray) -> Prices:
    """Candles that open, turn and close at one price."""
    return Prices(close, close, close, close)


def read(frame: pd.DataFrame) -> tuple[Prices, np.ndarray]:
    return Prices.of(frame), candles.times(frame)


def walk(rows: int, sigma: float, steps: int, seed: int, *, seen: bool = False) -> Prices:
    """Candles of a Brownian motion of log price with deviation `sigma` per candle.

    The extremes are those of continuous trading, drawn from the bridge between two steps; `seen`:
    only prices at the steps are traded.
    """
    noise = np.random.default_rng(seed)
    path = np.cumsum(noise.normal(0, sigma / math.sqrt(steps), rows * steps)).reshape(rows, steps)
    opened = np.concatenate([[0.0], path[:-1, -1]])
    ends = np.concatenate([opened[:, None], path], axis=1)
    highest, lowest = ends.max(axis=1), ends.min(axis=1)
    if not seen:
        before, after = ends[:, :-1], ends[:, 1:]
        up, down = -2 * sigma**2 / steps * np.log(1 - noise.random((2, rows, steps)))
        highest = ((before + after + np.sqrt((after - before) ** 2 + up)) / 2).max(axis=1)
        lowest = ((before + after - np.sqrt((after - before) ** 2 + down)) / 2).min(axis=1)
    return Prices(*(100 * np.exp(log) for log in (opened, highest, lowest, path[:, -1])))


# -- what all of them owe -----------------------------------------------------------------------


at_each_timeframe = pytest.mark.parametrize("timeframe", ["1m", "5m", "1h"])
calm_and_wild = pytest.mark.parametrize("sigma", [0.2, 1.5])


@pytest.mark.parametrize("name", ["close", *BY_RANGES, "ewma"])
@at_each_timeframe
@calm_and_wild
def test_the_volatility_a_market_was_made_with_is_recovered_at_each_timeframe(
    name, timeframe, sigma
):
    """Within four standard errors; the EWMA's by the share of candles that count."""
    rows, step = 4_000, candles.seconds_of(timeframe)
    efficiency = {"close": 1.0, "ewma": 0.85}.get(name, 4.9)
    prices = walk(rows, sigma * math.sqrt(step / YEAR), 20, seed=1)
    found = ALL[name](prices, clock(rows, step), (rows - 1) * step)[-1]
    error = 0.5 * math.sqrt(2 / (efficiency * rows))
    assert found == pytest.approx(sigma, rel=4 * error)


@each
def test_a_price_that_never_moved_has_no_volatility(name):
    found = ALL[name](flat(np.full(200, 42.0)), clock(200), WINDOW)
    assert (found[48:] == 0).all()


@each_by_ranges
def test_volatility_is_nothing_again_once_wild_candles_have_left_the_window(name):
    wild = walk(300, 0.05, 5, seed=2)
    calm = np.full(100, wild.close[-1])
    prices = Prices(
        *(np.concatenate([column, calm]) for column in (wild.open, wild.high, wild.low, wild.close))
    )
    found = BY_RANGES[name](prices, clock(400), WINDOW)
    assert (found[48:300] > 1).all()
    assert (found[300 + 48 :] == 0).all()


@each
@given(frame=any_market(least=60, most=120), doublings=st.integers(-30, 30))
def test_volatility_does_not_depend_on_the_unit_of_price(name, frame, doublings):
    prices, times = read(frame)
    scaled = Prices(*(getattr(prices, column) * 2.0**doublings for column in Prices.__slots__))
    expected = ALL[name](prices, times, WINDOW)
    np.testing.assert_allclose(ALL[name](scaled, times, WINDOW), expected, rtol=1e-6, atol=1e-6)


@each
@given(frame=any_market(least=10, most=150, gaps=False))
def test_candles_without_prices_count_as_if_they_were_missing(name, frame):
    """Wherever enough candles are known to say anything."""
    assume(frame["close"].iloc[:2].notna().all())
    whole = frame.dropna()
    found = pd.Series(ALL[name](*read(frame), WINDOW))
    without = pd.Series(ALL[name](*read(whole), WINDOW), index=whole.index)
    known = found.notna()
    assert frame["close"][known].notna().all()
    np.testing.assert_allclose(found[known], without[found.index[known]], rtol=1e-9)


@each
def test_no_candle_changes_by_those_after_it(name):
    """Even the step between candles is only known to be short once a short one was seen."""
    prices = walk(180, 0.002, 5, seed=3)
    kept = np.random.default_rng(4).random(180) < 0.8
    kept[1:100:2] = False
    times = clock(180)[kept]
    columns = [getattr(prices, column)[: len(times)] for column in Prices.__slots__]
    columns[1][60] = np.nan
    columns[3][60] = np.nan
    later = estimate(name, columns, times)
    for now in range(len(times)):
        then = estimate(name, [column[:now] for column in columns], times[:now])
        np.testing.assert_allclose(then, later[:now], rtol=1e-9)
    assert np.isfinite(later).sum() > 50


def estimate(name: str, columns: list[np.ndarray], times: np.ndarray) -> np.ndarray:
    if name == "atr":
        return estimators.of_atr(estimators.atr(Prices(*columns), 5), times)
    return ALL[name](Prices(*columns), times, WINDOW)


@each
def test_a_window_mostly_without_prices_is_unknown(name):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.002, 300)))
    close[100:150] = np.nan
    found = ALL[name](flat(close), clock(300), WINDOW)
    assert np.isnan(found[100:151]).all()
    assert not math.isnan(found[99])
    assert not np.isnan(found[260:]).any()


@each
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_price_that_is_no_positive_number_makes_that_candle_unknown_and_no_other(name, bad):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(6).normal(0, 0.002, 200)))
    close[100] = bad
    unknown = np.isnan(ALL[name](flat(close), clock(200), WINDOW))
    assert np.flatnonzero(unknown[60:]).tolist() == [40]


@pytest.mark.parametrize(
    ("column", "price"),
    [("high", 100.4), ("low", 100.6), ("open", 102.0), ("close", 99.0), ("low", 0.0)],
)
def test_a_candle_that_contradicts_itself_is_unknown_to_whoever_reads_its_range(column, price):
    rows = {"open": 100.5, "high": 101.0, "low": 100.0, "close": 100.5}
    frame = pd.DataFrame({name: [value] * 3 for name, value in rows.items()})
    frame.loc[1, column] = price
    assert Prices.of(frame).known().tolist() == [True, False, True]


# -- close to close -----------------------------------------------------------------------------


def closes_by_loop(close: np.ndarray, times: np.ndarray, window: float) -> np.ndarray:
    """The readable twin: walk back from each candle to the last price that is a window old."""
    found = np.full(len(close), np.nan)
    for now in range(len(close)):
        squares, last, back, prices = 0.0, now, now, 0
        while close[now] > 0 and back > 0 and times[now] - times[last] < window:
            back -= 1
            if close[back] > 0:
                squares += math.log(close[last] / close[back]) ** 2
                last, prices = back, prices + 1
        elapsed = times[now] - times[last]
        if elapsed >= window and 2 * prices >= now - last:
            found[now] = math.sqrt(squares / elapsed * YEAR)
    return found


@given(any_market(most=150))
def test_close_to_close_equals_the_readable_loop(frame):
    prices, times = read(frame)
    expected = closes_by_loop(prices.close, times, WINDOW)
    np.testing.assert_allclose(
        close_to_close(prices, times, WINDOW), expected, rtol=1e-6, atol=1e-6
    )


@given(st.integers(0, 2**32 - 1))
def test_without_gaps_close_to_close_is_the_textbook_root_mean_square(seed):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.003, 120)))
    squares = pd.Series(np.log(close)).diff() ** 2
    expected = np.sqrt(squares.rolling(48).mean() * 288 * 365)
    np.testing.assert_allclose(by_closes(close), expected, rtol=1e-9)


def test_close_to_close_is_nothing_again_once_a_jump_has_left_the_window():
    found = by_closes(np.where(np.arange(200) < 60, 1.0, 5.0))
    assert found[60 + 47] > 1
    assert (found[60 + 48 :] == 0).all()


def test_a_constant_return_is_the_volatility():
    found = by_closes(100 * np.exp(0.002 * np.arange(100)))
    np.testing.assert_allclose(found[48:], 0.002 * math.sqrt(288 * 365), rtol=1e-9)


def test_close_to_close_is_unknown_until_its_window_is_covered_and_no_longer():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.002, 200)))
    assert np.flatnonzero(np.isnan(by_closes(close))).tolist() == list(range(48))


@pytest.mark.parametrize("name", ["close", "yang_zhang", "ewma"])
def test_missing_candles_do_not_make_a_market_look_wilder(name):
    """The return across a hole counts for as long as the hole lasted."""
    prices = walk(20_000, 0.002, 5, seed=7)
    kept = np.random.default_rng(8).random(20_000) < 0.6
    fewer = Prices(*(getattr(prices, column)[kept] for column in Prices.__slots__))
    whole = ALL[name](prices, clock(20_000), DAY)
    holes = ALL[name](fewer, clock(20_000)[kept], DAY)
    ratio = np.nanmean(holes**2) / np.nanmean(whole**2)
    assert ratio == pytest.approx(1.0, abs=0.05)


# -- ranges -------------------------------------------------------------------------------------


def parkinson_by_book(part: pd.DataFrame) -> float:
    return np.mean(np.log(part["high"] / part["low"]) ** 2) / (4 * LN2)


def garman_klass_by_book(part: pd.DataFrame) -> float:
    ranges = np.log(part["high"] / part["low"]) ** 2
    return np.mean(0.5 * ranges - (2 * LN2 - 1) * np.log(part["close"] / part["open"]) ** 2)


def rogers_satchell_by_book(part: pd.DataFrame) -> float:
    up, down, end = (np.log(part[name] / part["open"]) for name in ("high", "low", "close"))
    return np.mean(up * (up - end) + down * (down - end))


def yang_zhang_by_book(part: pd.DataFrame) -> float:
    count = len(part)
    if count < 2:
        return math.nan
    weight = 0.34 / (1.34 + (count + 1) / (count - 1))
    jumps = np.log(part["open"] / part["close_before"])
    bodies = np.log(part["close"] / part["open"])
    return (
        np.var(jumps, ddof=1)
        + weight * np.var(bodies, ddof=1)
        + (1 - weight) * rogers_satchell_by_book(part)
    )


BOOK = {
    "parkinson": parkinson_by_book,
    "garman_klass": garman_klass_by_book,
    "rogers_satchell": rogers_satchell_by_book,
    "yang_zhang": yang_zhang_by_book,
}


def ranges_by_loop(name: str, frame: pd.DataFrame, window: float) -> np.ndarray:
    """The readable twin: the textbook's variance of the known candles of each window."""
    times = candles.times(frame)
    known = frame.assign(time=times, row=np.arange(len(frame))).dropna()
    known["close_before"] = known["close"].shift()
    found = np.full(len(frame), np.nan)
    for place in range(len(known)):
        now = known.iloc[place]
        older = np.flatnonzero(known["time"] <= now["time"] - window)
        if not len(older):
            continue
        before = known.iloc[older[-1]]
        part = known.iloc[older[-1] + 1 : place + 1]
        if 2 * len(part) < now["row"] - before["row"]:
            continue
        lasted = np.diff(times[: int(now["row"]) + 1]).min()
        if name == "yang_zhang":
            lasted = (now["time"] - before["time"]) / len(part)
        found[int(now["row"])] = math.sqrt(max(BOOK[name](part), 0) / lasted * YEAR)
    return found


@each_by_ranges
@given(frame=any_market(most=90))
def test_ranges_equal_the_textbook_in_a_loop(name, frame):
    expected = ranges_by_loop(name, frame, WINDOW / 2)
    found = BY_RANGES[name](*read(frame), WINDOW / 2)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("parkinson", 0.02**2 / (4 * LN2)),
        ("garman_klass", 0.02**2 / 2 - (2 * LN2 - 1) * 0.005**2),
        ("rogers_satchell", 0.01 * (0.01 - 0.005) + 0.01 * (0.01 + 0.005)),
    ],
)
def test_equal_candles_have_the_variance_of_the_formula(name, variance):
    opened = np.full(60, 100.0)
    prices = Prices(
        opened, opened * math.exp(0.01), opened * math.exp(-0.01), opened * math.exp(0.005)
    )
    found = BY_RANGES[name](prices, clock(60), WINDOW)
    np.testing.assert_allclose(found[48:], math.sqrt(variance * 288 * 365), rtol=1e-9)


def test_yang_zhang_of_equal_candles_and_equal_jumps_is_the_part_that_rogers_satchell_sees():
    """Neither the jumps nor the bodies scatter, however large they are."""
    opened = 100 * np.exp(0.003 * np.arange(60))
    prices = Prices(opened, opened * math.exp(0.01), opened * math.exp(-0.01), opened)
    weight = 0.34 / (1.34 + 49 / 47)
    expected = math.sqrt((1 - weight) * 0.0002 * 288 * 365)
    np.testing.assert_allclose(
        estimators.yang_zhang(prices, clock(60), WINDOW)[48:], expected, rtol=1e-7
    )


@pytest.mark.parametrize(
    ("name", "blind"),
    [
        ("parkinson", False),
        ("garman_klass", False),
        ("rogers_satchell", True),
        ("yang_zhang", True),
    ],
)
def test_rogers_satchell_and_yang_zhang_are_blind_to_a_steady_climb(name, blind):
    edges = 100 * np.exp(0.002 * np.arange(101))
    prices = Prices(edges[:-1], edges[1:], edges[:-1], edges[1:])
    found = BY_RANGES[name](prices, clock(100), WINDOW)[48:]
    assert (found < 1e-4).all() == blind
    assert (found > 0.1).all() != blind


def test_only_yang_zhang_sees_what_price_jumps_between_candles():
    jumps = 100 * np.exp(np.cumsum(np.random.default_rng(9).normal(0, 0.002, 5_000)))
    found = {
        name: estimate(flat(jumps), clock(5_000), 4_000 * STEP)[-1]
        for name, estimate in BY_RANGES.items()
    }
    assert found.pop("yang_zhang") == pytest.approx(0.002 * math.sqrt(288 * 365), rel=0.05)
    assert set(found.values()) == {0.0}


def test_yang_zhang_needs_two_candles_in_its_window():
    prices = walk(20, 0.01, 5, seed=10)
    assert np.isnan(estimators.yang_zhang(prices, clock(20), STEP)).all()
    assert np.isfinite(estimators.yang_zhang(prices, clock(20), 2 * STEP)[2:]).all()


@pytest.mark.parametrize(
    ("name", "efficiency"),
    [
        # The closed form: 2 / (9 ζ(3) / (16 ln² 2) - 1); Garman and Klass print 5.2.
        ("parkinson", 4.91),
        ("garman_klass", 7.4),  # Garman & Klass (1980)
        ("rogers_satchell", 6.0),  # Rogers & Satchell (1991)
    ],
)
def test_ranges_are_as_efficient_as_was_published(name, efficiency):
    """The variance of one candle's close-to-close estimate, in those of one candle's range's."""
    prices, times = walk(40_000, 0.01, 20, seed=11), clock(40_000)
    classical = close_to_close(prices, times, STEP) ** 2
    found = BY_RANGES[name](prices, times, STEP) ** 2
    assert np.nanvar(classical) / np.nanvar(found) == pytest.approx(efficiency, rel=0.07)


@pytest.mark.parametrize(("count", "efficiency"), [(2, 13.8), (10, 8.5), (20, 8.2)])
def test_yang_zhang_is_as_efficient_as_was_published(count, efficiency):
    """1 + 1/k where price does not jump between candles: their peak of 14 is at two candles."""
    prices, times = walk(60_000, 0.01, 20, seed=12), clock(60_000)
    returns = pd.Series(np.log(prices.close)).diff()
    classical = returns.rolling(count).var().to_numpy()[count:]
    found = estimators.yang_zhang(prices, times, count * STEP)[count:] ** 2
    relative = (np.std(classical) / np.mean(classical)) / (np.std(found) / np.mean(found))
    assert relative**2 == pytest.approx(efficiency, rel=0.1)


@pytest.mark.parametrize("steps", [25, 100])
def test_thin_trading_hides_part_of_the_range(steps):
    """The weakness that the module states: 0.67 / √m of the volatility for m steps per candle."""
    prices = walk(10_000, 0.01, steps, seed=13, seen=True)
    found = estimators.parkinson(prices, clock(10_000), 9_999 * STEP)[-1]
    lost = 1 - found / (0.01 * math.sqrt(288 * 365))
    assert lost == pytest.approx(0.67 / math.sqrt(steps), abs=0.015)


# -- weighted by age ----------------------------------------------------------------------------


def ewma_by_loop(close: np.ndarray, times: np.ndarray, half_life: float) -> np.ndarray:
    """The readable twin: every return so far, by its age."""
    found = np.full(len(close), np.nan)
    known = np.flatnonzero(close > 0)
    for now in known:
        past = known[known <= now]
        if times[now] - times[past[0]] < 2 * half_life:
            continue
        rows = np.arange(past[0], now + 1)
        ages = (times[now] - times) / half_life
        if 2 * np.sum(0.5 ** ages[past]) < np.sum(0.5 ** ages[rows]):
            continue
        weights = 0.5 ** ages[past[1:]]
        squares = np.diff(np.log(close[past])) ** 2
        found[now] = math.sqrt(
            np.sum(weights * squares) / np.sum(weights * np.diff(times[past])) * YEAR
        )
    return found


@given(any_market(most=150))
def test_ewma_equals_the_readable_loop(frame):
    prices, times = read(frame)
    expected = ewma_by_loop(prices.close, times, HOUR)
    found = estimators.ewma(prices.close, times, HOUR)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(any_market(least=30, most=150, gaps=False, unknown=False))
def test_without_gaps_ewma_is_the_adjusted_average_of_pandas(frame):
    prices, times = read(frame)
    squares = np.log(frame["close"]).diff() ** 2
    average = squares.ewm(alpha=1 - 0.5 ** (STEP / HOUR), adjust=True).mean()
    expected = np.where(np.arange(len(frame)) >= 24, np.sqrt(average * 288 * 365), np.nan)
    found = estimators.ewma(prices.close, times, HOUR)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_jump_counts_half_after_a_half_life():
    close = np.where(np.arange(2_000) < 1_000, 1.0, 1.1)
    variance = estimators.ewma(close, clock(2_000), HOUR) ** 2
    assert variance[1_012] / variance[1_000] == pytest.approx(0.5, rel=1e-6)


# -- average true range -------------------------------------------------------------------------


def atr_by_loop(frame: pd.DataFrame, period: int) -> list[float]:
    """Wilder's average as his book tells it."""
    ranges, found = [], []
    for before, now in zip(frame.index[:-1], frame.index[1:], strict=True):
        high, low = frame["high"][now], frame["low"][now]
        last = frame["close"][before]
        ranges.append(max(high - low, abs(high - last), abs(low - last)))
        if len(ranges) == period:
            found.append(sum(ranges) / period)
        elif len(ranges) > period:
            found.append((found[-1] * (period - 1) + ranges[-1]) / period)
    return found


@given(any_market(least=30, most=120, gaps=False, unknown=False), st.sampled_from((2, 5)))
def test_atr_is_that_of_ta_lib_and_of_wilders_book_once_settled(frame, period):
    found = estimators.atr(Prices.of(frame), period) * frame["close"].to_numpy()
    columns = (frame[name].to_numpy() for name in ("high", "low", "close"))
    judge = talib.ATR(*columns, timeperiod=period)
    np.testing.assert_allclose(found[4 * period :], judge[4 * period :], rtol=1e-9)
    np.testing.assert_allclose(
        judge[period:], atr_by_loop(frame, period), rtol=1e-6, atol=1e-9 * found[-1]
    )
    assert np.isnan(found[: 4 * period]).all()


def test_the_atr_of_equal_candles_is_their_range():
    close = np.full(30, 200.0)
    found = estimators.atr(Prices(close, close + 3, close - 1, close), 5)
    np.testing.assert_allclose(found[20:], 4 / 200, rtol=1e-12)


def test_the_atr_of_few_or_no_candles_is_unknown():
    for rows in (0, 1, 20):
        assert np.isnan(estimators.atr(flat(np.full(rows, 1.0)), 5)).all()
    assert estimators.atr(flat(np.full(21, 1.0)), 5)[20] == 0


@at_each_timeframe
@calm_and_wild
def test_the_annual_figure_of_an_atr_recovers_the_volatility_a_market_was_made_with(
    timeframe, sigma
):
    """A walk's ranges have a variance of 0.089 of their squared mean (Feller 1951)."""
    rows, step = 4_000, candles.seconds_of(timeframe)
    prices = walk(rows, sigma * math.sqrt(step / YEAR), 20, seed=1)
    found = np.nanmean(estimators.of_atr(estimators.atr(prices, 14), clock(rows, step)))
    assert found == pytest.approx(sigma, rel=4 * math.sqrt(0.089 / rows))


def test_the_annual_figure_of_an_atr_is_that_of_a_walk_with_such_ranges():
    """A walk's mean range is √(8/π) of its deviation (Feller 1951), here 1 % per hour."""
    fractions = np.full(3, 0.01 * math.sqrt(8 / math.pi))
    found = estimators.of_atr(fractions, clock(3, HOUR))
    assert math.isnan(found[0])
    np.testing.assert_allclose(found[1:], 0.01 * math.sqrt(24 * 365), rtol=1e-12)
