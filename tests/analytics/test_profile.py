import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from gridkit.analytics import profile, profile_windows
from gridkit.analytics.profile_kernels import peaks, point_of_control, value_area
from gridkit.settings import ProfileSettings, Settings
from strategies import START, any_market

LEVELS = ["profile_poc", "profile_vah", "profile_val", "profile_node_above", "profile_node_below"]
CODES = ["profile_bias", "profile_low_volume", "profile_near"]
TIE = 1e-9  # relative difference of volumes that count as equal
HOURS = 6  # of the shortest window: 24 candles of 15m


def chosen(**changes) -> Settings:
    return Settings(profile=ProfileSettings(**{"days": HOURS / 24, **changes}))


# -- what hypothesis may throw at a profile ---------------------------------------------------


@st.composite
def traded_markets(draw: st.DrawFn, least: int = 30, most: int = 80, **kinds) -> pd.DataFrame:
    """Candles of 15m with volumes of many sizes, some at one price only, some ten times away."""
    frame = draw(any_market(least, most, "15m", **kinds))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    prices = ["open", "high", "low", "close"]
    level = noise.choice([1e-8, 0.7, 3e4]) * noise.uniform(1, 2) / frame["close"].max()
    frame[prices] *= level if noise.random() < 0.5 else noise.uniform(0.5, 1.0)
    if draw(st.booleans()):
        frame["volume"] *= 10.0 ** noise.uniform(-8, 10, len(frame))
    flat = noise.random(len(frame)) < draw(st.sampled_from((0.0, 0.3, 1.0)))
    for name in prices:
        frame.loc[flat, name] = frame["close"][flat]
    if draw(st.booleans()):
        frame.loc[len(frame) // 2 :, prices] *= noise.choice([0.1, 10.0])
    return frame


def any_settings() -> st.SearchStrategy[Settings]:
    return st.builds(
        chosen,
        bin_width=st.sampled_from((0.005, 0.02)),
        bins=st.sampled_from((None, None, 10, 31)),
        value_area=st.sampled_from((0.5, 0.7, 0.95)),
        node_high=st.sampled_from((0.2, 0.7, 1.0)),
        node_low=st.sampled_from((0.3, 1.0)),
        near=st.sampled_from((0.001, 0.05)),
    )


def any_volumes() -> st.SearchStrategy[np.ndarray]:
    """Profiles with ties, gaps and sizes of any order; never without volume."""
    few = st.lists(st.sampled_from((0.0, 0.1, 0.3, 1.0)), min_size=1, max_size=40)
    many = st.lists(st.floats(1e-8, 1e13), min_size=1, max_size=40)
    return st.one_of(few, many).filter(any).map(lambda found: np.array(found, "float64"))


def market(rows: int, timeframe: str = "15m", seed: int = 5) -> pd.DataFrame:
    """A seeded random walk without gaps."""
    noise = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.004, rows)))
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta(timeframe) * np.arange(rows),
            "open": close,
            "high": close * 1.002,
            "low": close * 0.998,
            "close": close,
            "volume": noise.uniform(1.0, 9.0, rows),
        }
    )


# -- the readable twin: sums every window anew ------------------------------------------------


def same(one: float, other: float) -> bool:
    return abs(one - other) <= TIE * max(abs(one), abs(other))


def twin_window(frame: pd.DataFrame, row: int, hours: float) -> pd.DataFrame | None:
    """The candles of a row's window, or None while it is not covered."""
    numbers = frame[["open", "high", "low", "close", "volume"]]
    good = frame[numbers.notna().all(axis=1)]
    if row not in good.index:
        return None
    past = good.loc[:row]
    age = (past["date"].iloc[-1] - past["date"]).dt.total_seconds()
    length = -age.diff().max()
    if not age.iloc[0] + length >= hours * 3_600:
        return None
    return past[age < hours * 3_600]


def twin_edges(low: float, high: float, chosen: ProfileSettings) -> np.ndarray:
    if chosen.bins is not None and low == high:
        return np.array([low, high])
    if chosen.bins is not None:
        return low * (high / low) ** (np.arange(chosen.bins + 1) / chosen.bins)
    first = math.floor(math.log(low) / chosen.bin_width)
    last = math.ceil(math.log(high) / chosen.bin_width)
    return np.exp(np.arange(first, max(last, first + 1) + 1) * chosen.bin_width)


def twin_histogram(
    window: pd.DataFrame, chosen: ProfileSettings
) -> tuple[np.ndarray, np.ndarray] | None:
    """Each candle's share in each bin is the part of its range that lies in it."""
    window = window[window["volume"] > 0]
    if window.empty:
        return None
    edges = twin_edges(window["low"].min(), window["high"].max(), chosen)
    volumes = np.zeros(len(edges) - 1)
    for low, high, volume in zip(window["low"], window["high"], window["volume"], strict=True):
        if high > low:
            inside = np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])
            volumes += volume * np.maximum(inside, 0.0) / (high - low)
        else:
            volumes[min(np.sum(edges <= low), len(volumes)) - 1] += volume
    return edges, volumes


def twin_control(volumes: np.ndarray) -> int:
    largest = [place for place in range(len(volumes)) if same(volumes[place], volumes.max())]
    return min(largest, key=lambda place: (abs(place - (len(volumes) - 1) / 2), place))


def twin_growth(volumes: np.ndarray, control: int, share: float) -> list[set[int]]:
    """The value area as it grows, from the point of control to the end."""
    areas = [{control}]
    while volumes[list(areas[-1])].sum() < share * volumes.sum() * (1 - TIE):
        low, high = min(areas[-1]), max(areas[-1])
        above = {place for place in (high + 1, high + 2) if place < len(volumes)}
        below = {place for place in (low - 1, low - 2) if place >= 0}
        up, down = volumes[list(above)].sum(), volumes[list(below)].sum()
        upper_first = high - control <= control - low if same(up, down) else up > down
        joins = (above or below) if upper_first else (below or above)
        areas.append(areas[-1] | joins)
    return areas


def twin_peaks(values: np.ndarray, least: float) -> list[int]:
    runs: list[list[int]] = []
    for place in range(len(values)):
        if runs and same(values[place], values[place - 1]):
            runs[-1].append(place)
        else:
            runs.append([place])
    around = [0.0, *values, 0.0]
    return [
        run[(len(run) - 1) // 2]
        for run in runs
        if around[run[0]] < values[run[0]]
        and around[run[-1] + 2] < values[run[-1]]
        and values[run[0]] >= least - TIE * abs(least)
        and not same(around[run[0]], values[run[0]])
        and not same(around[run[-1] + 2], values[run[-1]])
    ]


def twin_row(frame: pd.DataFrame, row: int, chosen: ProfileSettings) -> list[float]:
    """LEVELS and CODES of one row."""
    window = twin_window(frame, row, chosen.days * 24)
    found = None if window is None else twin_histogram(window, chosen)
    if found is None:
        return [math.nan] * 5 + [0.0] * 3
    edges, volumes = found
    close, middles = frame["close"][row], (edges[:-1] + edges[1:]) / 2
    control = twin_control(volumes)
    area = twin_growth(volumes, control, chosen.value_area)[-1]
    poc, vah, val = middles[control], edges[max(area) + 1], edges[min(area)]
    high = middles[twin_peaks(volumes, chosen.node_high * volumes.max())]
    above, below = high[high > close], high[high < close]
    here = [
        place
        for place in range(len(volumes))
        if edges[place] <= close < edges[place + 1]
        or (place == len(volumes) - 1 and close == edges[-1])
    ]
    bound = chosen.node_low * volumes.mean() * (1 + TIE)
    distances = [abs(close / level - 1) for level in (poc, vah, val)]
    reached = min(distances) <= chosen.near
    return [
        poc,
        vah,
        val,
        above.min() if len(above) else math.nan,
        below.max() if len(below) else math.nan,
        float(close > vah) - float(close < val),
        float(not any(volumes[place] > bound for place in here)),
        1.0 + int(np.argmin(distances)) if reached else 0.0,
    ]


@settings(max_examples=40)
@given(traded_markets(), any_settings())
def test_every_column_equals_the_readable_twin(frame, given_settings):
    expected = [twin_row(frame, row, given_settings.profile) for row in frame.index]
    found = profile.compute(frame, given_settings)[LEVELS + CODES].to_numpy("float64")
    np.testing.assert_allclose(found, np.array(expected).reshape(-1, 8), rtol=1e-9)


# -- the histogram ----------------------------------------------------------------------------


@given(traded_markets(), any_settings())
def test_all_volume_of_the_window_is_in_the_bins_and_where_it_was_traded(frame, given_settings):
    """The judge is cumulative: how much of each candle lies below a price."""
    row = len(frame) - 1
    found = profile.histogram(frame, given_settings, row)
    window = twin_window(frame, row, HOURS)
    if found is None:
        assert window is None or not window["volume"].any()
        return
    low, high, volume = (window[name].to_numpy() for name in ("low", "high", "volume"))
    assert found.volumes.sum() == pytest.approx(volume.sum(), rel=1e-12)
    ranging = high > low
    spread = np.where(ranging, high - low, 1.0)
    for edge, below in zip(found.edges[1:-1], np.cumsum(found.volumes), strict=False):
        part = np.where(ranging, np.clip((edge - low) / spread, 0, 1), low < edge)
        assert below == pytest.approx((part * volume).sum(), rel=1e-9, abs=1e-9 * volume.sum())


@given(traded_markets(), any_settings(), st.floats(0, 1))
def test_the_histogram_of_a_row_has_the_levels_of_its_columns(frame, given_settings, place):
    row = round(place * (len(frame) - 1))
    columns = profile.compute(frame, given_settings).iloc[row]
    found = profile.histogram(frame, given_settings, row)
    if found is None:
        assert math.isnan(columns["profile_poc"])
        return
    high = profile.nodes(found, given_settings).high
    close = frame["close"].iloc[row]
    control = point_of_control(found.volumes)
    low_end, high_end = value_area(found.volumes, control, given_settings.profile.value_area)
    expected = [
        found.middles[control],
        found.edges[high_end + 1],
        found.edges[low_end],
        min((price for price in high if price > close), default=math.nan),
        max((price for price in high if price < close), default=math.nan),
    ]
    np.testing.assert_array_equal(columns[LEVELS].to_numpy("float64"), expected)


def test_a_candle_over_four_bins_leaves_to_each_the_part_of_its_range():
    frame = market(40).assign(volume=0.0)
    edges = np.exp(np.array([920, 921, 922, 923, 924]) * 0.005)
    frame.loc[39, ["low", "high", "volume"]] = [edges[0], edges[4], 60.0]
    found = profile.histogram(frame, chosen(bin_width=0.005), 39)
    np.testing.assert_allclose(found.edges, edges, rtol=1e-12)
    expected = 60.0 * np.diff(edges) / (edges[4] - edges[0])
    np.testing.assert_allclose(found.volumes, expected, rtol=1e-9)


def test_equal_bins_run_from_the_lowest_to_the_highest_price_of_the_window():
    frame = market(60)
    found = profile.histogram(frame, chosen(bins=50), 59)
    assert len(found.volumes) == 50
    assert found.edges[0] == frame["low"][36:].min()
    assert found.edges[-1] == frame["high"][36:].max()
    np.testing.assert_allclose(np.diff(np.log(found.edges)).std(), 0, atol=1e-12)


@pytest.mark.parametrize("row", [-1, 40, 400])
def test_a_row_that_is_not_there_is_an_error(row):
    with pytest.raises(IndexError, match="no row"):
        profile.histogram(market(40), chosen(), row)


def test_a_window_in_which_price_moved_tenfold_is_still_summed_exactly():
    frame = market(60)
    frame.loc[50:, ["open", "high", "low", "close"]] *= 10
    found = profile.histogram(frame, chosen(bin_width=0.0002), 59)
    assert len(found.volumes) > 10_000
    assert found.volumes.sum() == pytest.approx(frame["volume"][36:].sum(), rel=1e-12)


# -- point of control, value area, nodes ------------------------------------------------------


@given(any_volumes())
def test_the_point_of_control_is_a_largest_bin_and_of_equals_the_most_central(volumes):
    found = point_of_control(volumes)
    assert same(volumes[found], volumes.max())
    assert found == twin_control(volumes)


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([1, 1 + 1e-12, 1, 1 - 1e-12, 1 + 1e-12], 2),
        ([1, 3, 2], 1),
        ([3, 1, 3, 1, 1], 2),
        ([3, 1, 1, 3], 0),
        ([2, 2, 2, 2], 1),
        ([5], 0),
    ],
)
def test_of_equal_bins_the_most_central_is_the_point_of_control(volumes, expected):
    assert point_of_control(np.array(volumes, "float64")) == expected


@given(any_volumes(), st.sampled_from((0.5, 0.7, 0.95)))
def test_the_value_area_holds_its_share_and_would_not_without_the_last_pair(volumes, share):
    control = point_of_control(volumes)
    low, high = value_area(volumes, control, share)
    wanted = share * volumes.sum()
    assert volumes[low : high + 1].sum() >= wanted * (1 - 2 * TIE)
    growth = twin_growth(volumes, control, share)
    assert (low, high) == (min(growth[-1]), max(growth[-1]))
    assert all(volumes[list(area)].sum() < wanted for area in growth[:-1])


@pytest.mark.parametrize(
    ("volumes", "share", "expected"),
    [
        # by hand: 30; then 18 + 10 above beats 15 + 12 below: 58; then 27 below: 85 of 100
        ([3, 12, 15, 30, 18, 10, 7, 5], 0.7, (1, 5)),
        # the sum of the pair counts, not the nearest bin: 9 + 9 above beats 10 + 1 below
        ([1, 10, 20, 9, 9, 1], 0.6, (2, 4)),
        # equal pairs: above first, then the side that has grown less
        ([5, 5, 5, 5, 20, 5, 5, 5, 5], 0.5, (4, 6)),
        ([5, 5, 5, 5, 20, 5, 5, 5, 5], 0.6, (2, 6)),
        ([5, 5, 5, 5, 20, 5, 5, 5, 5], 0.75, (2, 8)),
        ([5, 5, 5 - 1e-12, 5, 20, 5 - 1e-12, 5, 5, 5], 0.5, (4, 6)),
        # empty bins are no more to one side than to the other
        ([8, 0, 0, 0, 0, 9, 0, 0, 0, 0, 8], 0.5, (3, 10)),
        # an end of the profile: one bin is the pair, then all that is left is below
        ([1, 1, 1, 1, 1, 6, 1], 0.9, (1, 6)),
        ([1, 1, 1, 1, 1, 6, 1], 0.95, (0, 6)),
        ([7], 0.7, (0, 0)),
        ([30, 1, 1], 0.7, (0, 0)),
    ],
)
def test_the_value_area_grows_by_the_larger_pair(volumes, share, expected):
    volumes = np.array(volumes, "float64")
    assert value_area(volumes, point_of_control(volumes), share) == expected


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 4))
def test_peaks_are_those_scipy_finds(heights, least):
    volumes = np.array(heights, "float64")
    expected, _ = find_peaks(np.concatenate([[0], volumes, [0]]), height=least)
    assert peaks(volumes, float(least)).tolist() == (expected - 1).tolist()


@given(any_volumes(), st.sampled_from((0.2, 0.7, 1.0)))
@example(np.array([1.0, 1.0 + 1e-12, 0.5, 1.0 - 1e-12]), 1.0)
def test_peaks_equal_the_readable_twin(volumes, share):
    least = share * volumes.max()
    assert peaks(volumes, least).tolist() == twin_peaks(volumes, least)
    bound = share * volumes.mean()
    assert peaks(-volumes, -bound).tolist() == twin_peaks(-volumes, -bound)


def test_nodes_are_peaks_near_the_largest_and_valleys_far_below_the_mean():
    edges = np.exp(np.arange(10) * 0.001)
    volumes = np.array([1.0, 10.0, 7.1, 0.0, 0.0, 8.0, 6.0, 6.9, 0.5])
    found = profile.nodes(profile.Histogram(edges, volumes), chosen())
    middles = (edges[1:] + edges[:-1]) / 2
    assert found.high == tuple(middles[[1, 5]])
    assert found.low == (middles[3],)
    more = profile.nodes(profile.Histogram(edges, volumes), chosen(node_high=0.69))
    assert more.high == tuple(middles[[1, 5, 7]])


# -- where the close stands -------------------------------------------------------------------


def after(close: float, **changes) -> pd.Series:
    """Columns of a candle without volume that closes at `close` after a triangle around 100.

    All volume is from 95 to 105, densest at 100; half of it, from 98.2 to 101.8 about.
    """
    half = np.linspace(0.0005, 0.05, 39)
    frame = market(40).assign(volume=1.0)
    frame.loc[:38, "low"] = 100 * (1 - half)
    frame.loc[:38, "high"] = 100 * (1 + half)
    frame.loc[39, ["open", "high", "low", "close", "volume"]] = [close] * 4 + [0.0]
    return profile.compute(frame, chosen(**{"days": 10 / 24, **changes})).iloc[-1]


@pytest.mark.parametrize(
    ("close", "bias", "low_volume"),
    [(90.0, -1, 1), (95.5, -1, 1), (99.0, 0, 0), (101.0, 0, 0), (104.6, 1, 1), (110.0, 1, 1)],
)
def test_the_bias_is_the_side_of_the_value_area_and_thin_prices_are_told(close, bias, low_volume):
    found = after(close)
    assert (found["profile_bias"], found["profile_low_volume"]) == (bias, low_volume)
    assert found["profile_val"] < found["profile_poc"] < found["profile_vah"]


@pytest.mark.parametrize(("close", "low_volume"), [(90.0, 1), (101.0, 0), (110.0, 1)])
def test_where_nothing_traded_volume_is_low_even_beside_a_full_bin(close, low_volume):
    frame = market(40).assign(low=100.0, high=102.0, close=101.0, volume=1.0)
    frame.loc[39, ["low", "high", "close", "volume"]] = [close, close, close, 0.0]
    assert profile.compute(frame, chosen()).iloc[-1]["profile_low_volume"] == low_volume


@pytest.mark.parametrize(
    ("level", "away", "near"),
    [
        ("profile_poc", 1.004, 1),
        ("profile_vah", 0.9951, 2),
        ("profile_vah", 1.0049, 2),
        ("profile_val", 0.9951, 3),
        ("profile_val", 1.0049, 3),
        ("profile_val", 0.9949, 0),
        ("profile_vah", 1.0051, 0),
    ],
)
def test_near_names_the_nearest_level_within_its_distance(level, away, near):
    quiet = after(100.0)
    assert after(quiet[level] * away)["profile_near"] == near


def test_the_nearest_nodes_are_on_either_side_of_the_close():
    frame = market(40).assign(volume=0.0)
    for row, price, volume in (
        (30, 90.0, 8.0),
        (31, 95.0, 10.0),
        (32, 105.0, 9.0),
        (33, 98.0, 2.0),
    ):
        frame.loc[row, ["low", "high", "volume"]] = [price, price, volume]
    found = profile.compute(frame.assign(close=100.0), chosen()).iloc[-1]
    assert found["profile_node_below"] == pytest.approx(95, rel=0.001)
    assert found["profile_node_above"] == pytest.approx(105, rel=0.001)
    lower = profile.compute(frame.assign(close=89.0), chosen()).iloc[-1]
    assert lower["profile_node_above"] == pytest.approx(90, rel=0.001)
    assert math.isnan(lower["profile_node_below"])


@pytest.mark.parametrize(
    "changes",
    [
        {"days": 0.5},
        {"bin_width": 0.005},
        {"bins": 20},
        {"value_area": 0.9},
        {"node_high": 0.2},
        {"node_low": 0.9},
        {"near": 0.02},
    ],
)
def test_every_setting_changes_the_outcome(changes):
    frame = market(120)
    assert not profile.compute(frame, chosen(**changes)).equals(profile.compute(frame, chosen()))


# -- exact, whatever came before and comes after ----------------------------------------------


@settings(max_examples=60)
@given(traded_markets(most=120), any_settings(), st.integers(1, 60))
def test_the_outcome_is_the_same_to_the_last_bit_wherever_the_frame_began(
    frame, given_settings, cut
):
    whole = profile.compute(frame, given_settings).iloc[cut:]
    part = profile.compute(frame.iloc[cut:], given_settings)
    both = part["profile_poc"].notna() & whole["profile_poc"].notna()
    pd.testing.assert_frame_equal(part[both], whole[both], check_exact=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_the_volumes_are_the_same_to_the_last_bit_wherever_the_frame_began(seed, cut):
    frame = market(100, seed=seed)
    whole = profile.histogram(frame, chosen(), 99)
    part = profile.histogram(frame.iloc[cut:], chosen(), 99 - cut)
    np.testing.assert_array_equal(part.volumes, whole.volumes)


@pytest.mark.parametrize("bins", [None, 20])
@given(frame=traded_markets(least=40, most=60))
@settings(max_examples=15)
def test_no_row_changes_by_those_after_it(bins, frame):
    given_settings = chosen(bins=bins, bin_width=0.005)
    later = profile.compute(frame, given_settings)
    for now in range(1, len(frame)):
        then = profile.compute(frame.iloc[:now], given_settings)
        pd.testing.assert_frame_equal(then, later.iloc[:now], check_exact=True)


@pytest.mark.parametrize("bins", [None, 20])
def test_a_giant_leaves_nothing_behind_once_it_is_out_of_the_window(bins):
    frame = market(300)
    frame["volume"] *= 1e-8
    frame.loc[100, "volume"] = 1e13
    clean = frame.assign(volume=frame["volume"].where(frame["volume"] < 1))
    found, expected = (profile.compute(each, chosen(bins=bins)) for each in (frame, clean))
    pd.testing.assert_frame_equal(found[124:], expected[124:], check_exact=True)
    assert not found[100:124].equals(expected[100:124])


@pytest.mark.parametrize("room", [0, 1, 7, 40])
@pytest.mark.parametrize("bins", [None, 20])
def test_with_little_room_to_save_sums_the_outcome_is_the_same(room, bins, monkeypatch):
    frame = market(200)
    expected = profile.compute(frame, chosen(bins=bins))
    monkeypatch.setattr(profile_windows, "SAVED", room)
    found = profile.compute(frame, chosen(bins=bins))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@given(traded_markets(), st.integers(-2_000, 2_000))
def test_prices_times_a_whole_number_of_bins_have_levels_times_it(frame, bins):
    factor = math.exp(bins * 0.005)
    check_scaled(frame, factor, chosen(bin_width=0.005))


@given(traded_markets(), st.floats(1e-3, 1e3))
def test_with_equal_bins_prices_may_be_in_any_unit(frame, factor):
    check_scaled(frame, factor, chosen(bins=20))


def check_scaled(frame: pd.DataFrame, factor: float, given_settings: Settings) -> None:
    prices = ["open", "high", "low", "close"]
    scaled = frame.assign(**{name: frame[name] * factor for name in prices})
    found = profile.compute(scaled, given_settings)
    expected = profile.compute(frame, given_settings)
    np.testing.assert_allclose(found[LEVELS], expected[LEVELS] * factor, rtol=1e-9)
    pd.testing.assert_frame_equal(found[CODES], expected[CODES])


@given(st.floats(0.5, 2.0))
def test_on_the_absolute_grid_a_clear_profile_moves_by_a_bin_at_most_in_another_unit(factor):
    prices = ["open", "high", "low", "close"]
    frame = market(40).assign(volume=1.0)
    half = np.linspace(0.0005, 0.05, 40)
    frame["low"], frame["high"] = 100 * (1 - half), 100 * (1 + half)
    scaled = frame.assign(**{name: frame[name] * factor for name in prices})
    wide = chosen(days=10 / 24)
    found, expected = (profile.compute(each, wide).iloc[-1][LEVELS[:3]] for each in (scaled, frame))
    assert (abs(np.log((found / expected / factor).to_numpy("float64"))) <= 0.0021).all()


# -- what is not known ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "timeframe", "expected"),
    [(7, "5m", 2_016), (7, "15m", 672), (0.25, "1h", 6), (0.3, "1h", 8), (0.25, "24h", 2)],
)
def test_the_profile_is_unknown_exactly_until_its_warmup(days, timeframe, expected):
    given_settings = chosen(days=days)
    seconds = pd.Timedelta(timeframe).total_seconds()
    assert profile.warmup(given_settings, seconds) == expected
    known = profile.compute(market(expected + 5, timeframe), given_settings)["profile_poc"].notna()
    assert known.tolist() == [False] * (expected - 1) + [True] * 6


@pytest.mark.parametrize("hours", [2, 5, 9])
def test_missing_candles_do_not_make_the_window_longer(hours):
    frame = market(200).drop(index=range(100, 100 + 4 * hours)).reset_index(drop=True)
    age = frame["date"][104] - frame["date"]
    inside = (age >= pd.Timedelta(0)) & (age < pd.Timedelta(hours=HOURS))
    assert inside.sum() < 4 * HOURS
    found = profile.histogram(frame, chosen(), 104)
    assert found.volumes.sum() == pytest.approx(frame["volume"][inside].sum(), rel=1e-12)


def test_what_was_known_and_no_longer_is_leaves_no_candle_out_later():
    """After one long step candles look long; at the next they turn out to be short."""
    frame = market(60).drop(index=range(1, 16)).reset_index(drop=True)
    found = profile.compute(frame, chosen())[LEVELS + CODES].to_numpy("float64")
    known = np.flatnonzero(~np.isnan(found[:, 0]))
    assert known.tolist() == [1, *range(8, len(frame))]
    expected = [twin_row(frame, row, chosen().profile) for row in frame.index]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_a_candle_without_a_figure_is_unknown_and_counts_as_if_it_were_missing(name, bad):
    frame = market(120)
    frame.loc[60, name] = bad
    found = profile.compute(frame, chosen())
    assert found.loc[60, LEVELS].isna().all()
    assert not found.loc[60, CODES].any()
    without = profile.compute(frame.drop(index=60), chosen())
    pd.testing.assert_frame_equal(found.drop(index=60), without, check_exact=True)


def test_a_candle_whose_high_is_below_its_low_counts_as_if_it_were_missing():
    frame = market(60)
    frame.loc[50, ["low", "high"]] = [100.0, 99.0]
    found = profile.compute(frame, chosen())
    assert found.loc[50, LEVELS].isna().all()
    assert found["profile_poc"].notna().tolist() == [row > 22 and row != 50 for row in range(60)]


def test_a_window_without_trades_is_unknown_and_its_return_is_not():
    frame = market(120)
    frame.loc[40:80, "volume"] = 0.0
    unknown = profile.compute(frame, chosen())["profile_poc"].isna()
    assert np.flatnonzero(unknown).tolist() == [*range(23), *range(63, 81)]


@pytest.mark.parametrize("bins", [None, 50])
def test_a_price_that_never_moves_is_its_own_profile(bins):
    frame = market(40)
    frame[["open", "high", "low", "close"]] = 42.0
    found = profile.compute(frame, chosen(bins=bins)).iloc[-1]
    np.testing.assert_allclose(found[LEVELS[:3]].to_numpy("float64"), 42.0, rtol=0.001)
    assert (found["profile_bias"], found["profile_low_volume"], found["profile_near"]) == (0, 0, 1)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_candles_are_unknown_and_no_error(rows):
    found = profile.compute(market(rows), chosen())
    assert len(found) == rows
    assert found[LEVELS].isna().all(axis=None)
    assert not found[CODES].any(axis=None)


def test_the_columns_are_prices_and_small_codes_on_the_index_they_came_with():
    frame = market(60)
    frame.index = frame.index + 7
    before = frame.copy(deep=True)
    found = profile.compute(frame, chosen())
    pd.testing.assert_frame_equal(frame, before)
    assert found.index.equals(frame.index)
    assert found.dtypes.astype(str).to_dict() == dict.fromkeys(LEVELS, "float64") | dict.fromkeys(
        CODES, "int8"
    )


def test_candles_out_of_order_are_an_error():
    with pytest.raises(ValueError, match="ascending"):
        profile.compute(market(40).iloc[::-1], chosen())
    with pytest.raises(ValueError, match="ascending"):
        profile.histogram(market(40).iloc[::-1], chosen(), 3)


# -- real candles -----------------------------------------------------------------------------


def real(folder, pair: str, timeframe: str, rows: int) -> pd.DataFrame:
    file = folder / "spot_5m_2022-08_2023-09" / "binance" / f"{pair}_USDT-{timeframe}.feather"
    return pd.read_feather(file).iloc[:rows]


@pytest.mark.real
@pytest.mark.parametrize("bins", [None, 50])
def test_real_candles_give_the_readable_twins_levels(real_data, bins):
    frame = real(real_data, "BTC", "5m", 40_000)
    given_settings = Settings(profile=ProfileSettings(bins=bins))
    found = profile.compute(frame, given_settings)[LEVELS + CODES].to_numpy("float64")
    for row in range(2_014, 40_000, 4_747):
        expected = twin_row(frame.iloc[: row + 1], row, given_settings.profile)
        np.testing.assert_allclose(found[row], expected, rtol=1e-9)


@pytest.mark.real
def test_a_profile_of_real_15m_candles_is_about_that_of_their_5m_candles(real_data):
    fine, coarse = (real(real_data, "BTC", timeframe, 60_000) for timeframe in ("5m", "15m"))
    columns = [profile.compute(frame, Settings()) for frame in (fine, coarse)]
    opened = (fine["date"] - pd.Timedelta("10min"), coarse["date"])  # those that close together
    one, other = (each.set_axis(dates) for each, dates in zip(columns, opened, strict=True))
    both = one.join(other, suffixes=("", "_coarse"), how="inner").dropna(subset=["profile_poc"])
    assert len(both) > 19_000
    assert (both["profile_bias"] == both["profile_bias_coarse"]).mean() > 0.97
    for level in LEVELS[:3]:
        apart = np.log(both[f"{level}_coarse"] / both[level]).abs()
        assert apart.median() < 0.0015
        assert (apart < 0.0025).mean() > 0.9


@pytest.mark.real
def test_most_real_closes_are_inside_the_value_area(real_data):
    found = profile.compute(real(real_data, "BTC", "5m", 125_000), Settings())
    known = found[found["profile_poc"].notna()]
    assert 0.5 < (known["profile_bias"] == 0).mean() < 0.75
    width = known["profile_vah"] / known["profile_val"] - 1
    assert 0.02 < width.median() < 0.06
