import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import regime, trend
from gridkit.analytics.regime import Regime
from gridkit.settings import RegimeSettings, Settings, VolatilitySettings
from strategies import START, any_market

WINDOW = 48  # two days of hourly candles
METHODS = ("adx", "composite")
CLASSES = {
    "adx": set(Regime) - {Regime.VOLATILE_TRENDING, Regime.VOLATILE_RANGING, Regime.TIGHT_RANGING},
    "composite": set(Regime) - {Regime.VOLATILE},
}
PRICES = ["open", "high", "low", "close"]
each_method = pytest.mark.parametrize("method", METHODS)


def quick(method: str = "adx", **changes: Any) -> Settings:
    base = {
        "adx_period": 5, "ema_fast": 4, "ema_slow": 10, "atr_period": 3, "bollinger_period": 5,
        "window_days": 2,
    }  # fmt: skip
    return Settings(
        regime=RegimeSettings(method=method, **(base | changes)),
        volatility=VolatilitySettings(window_hours=4),
    )


QUICK = quick()


def market(rows: int, seed: int = 5, sigma: float = 0.005) -> pd.DataFrame:
    """Hourly candles of a random walk of twelve steps each, without gaps."""
    steps = np.random.default_rng(seed).normal(0, sigma / math.sqrt(12), 12 * rows)
    path = 100 * np.exp(np.cumsum(steps)).reshape(rows, 12)
    opened = np.append(100.0, path[:-1, -1])[:rows]
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("1h") * np.arange(rows),
            "open": opened,
            "high": np.maximum(opened, path.max(axis=1)),
            "low": np.minimum(opened, path.min(axis=1)),
            "close": path[:, -1],
            "volume": 1.0,
        }
    )


def names(codes: Any) -> list[str]:
    return [Regime(code).name for code in codes]


# -- the class of a candle --------------------------------------------------------------------


def class_by_adx(row: Any, rules: RegimeSettings) -> Regime:
    """The readable twin, which asks whether a number is known before it looks at it."""
    if math.isnan(row.adx) or math.isnan(row.side):
        return Regime.UNCERTAIN
    if row.adx >= rules.adx_strong and row.side != 0:
        return Regime.TRENDING_BULLISH if row.side > 0 else Regime.TRENDING_BEARISH
    if not math.isnan(row.atr_percentile) and row.atr_percentile >= 80:
        return Regime.VOLATILE
    if not math.isnan(row.width_percentile) and row.width_percentile >= 90:
        return Regime.VOLATILE
    if not math.isnan(row.width_percentile) and row.width_percentile < 50 and row.adx < 20:
        return Regime.RANGING
    return Regime.UNCERTAIN


def bound(value: float) -> float:
    """As it is compared with a column: 0.4 as a float32 is above 0.4."""
    return float(np.float32(value))


def class_by_composite(row: Any, rules: RegimeSettings) -> Regime:
    if any(map(math.isnan, (row.volatility, row.strength, row.score, row.confidence))):
        return Regime.UNCERTAIN
    if row.volatility > rules.volatile_above:
        trending = row.strength >= bound(rules.trend_cut)
        return Regime.VOLATILE_TRENDING if trending else Regime.VOLATILE_RANGING
    sure = row.confidence > bound(rules.trend_confidence)
    if sure and abs(row.score) > bound(rules.trend_score):
        return Regime.TRENDING_BULLISH if row.score > 0 else Regime.TRENDING_BEARISH
    return Regime.TIGHT_RANGING if row.volatility < rules.tight_below else Regime.RANGING


TWINS = {"adx": class_by_adx, "composite": class_by_composite}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Numbers of any kind, among them every bound exactly and unknown ones."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unknown = draw(st.sampled_from((0.0, 0.1)))

    def column(low: float, high: float, *marks: float) -> np.ndarray:
        values = noise.uniform(low, high, 300)
        values = np.where(noise.random(300) < 0.3, noise.choice(marks, 300), values)
        return np.where(noise.random(300) < unknown, np.nan, values)

    return pd.DataFrame(
        {
            "adx": column(0, 60, 20, 25),
            "side": column(-1, 1, -1, 0, 1).round(),
            "atr_percentile": column(0, 100, 80),
            "width_percentile": column(0, 100, 50, 90),
            "volatility": column(0, 1.2, 0.25, 0.75),
            "strength": column(0, 1, 0.6),
            "score": column(-1, 1, -0.4, 0.4),
            "confidence": column(0, 1, 0.7),
        },
        dtype="float32",
    )


@each_method
@given(numbers=tables())
def test_the_class_is_the_one_of_the_readable_rules(method, numbers):
    rules = RegimeSettings(method=method)
    expected = [TWINS[method](row, rules) for row in numbers.itertuples()]
    assert names(regime.classify(numbers, rules)) == names(expected)


@each_method
@given(market=any_market(most=140))
def test_every_candle_has_exactly_one_of_the_methods_classes(method, market):
    """Property P23."""
    columns = regime.compute(market, quick(method))
    assert columns["regime_code"].dtype == "int8"
    assert set(columns["regime_code"]) <= CLASSES[method]


@each_method
def test_every_class_of_a_method_does_occur(method):
    sigmas = (0.0005, 0.003, 0.006, 0.02)
    found = {
        code
        for seed, sigma in enumerate(sigmas)
        for code in regime.compute(market(2_000, seed, sigma), quick(method))["regime_code"]
    }
    assert found == CLASSES[method]


@each_method
@pytest.mark.parametrize(
    ("last", "expected"), [(300.0, Regime.TRENDING_BULLISH), (33.0, Regime.TRENDING_BEARISH)]
)
def test_a_steady_move_is_a_trend_to_its_side(method, last, expected):
    close = np.geomspace(100, last, 1_000)
    frame = market(1_000)
    frame[PRICES] = np.column_stack([close, close * 1.0005, close * 0.9995, close])
    assert regime.compute(frame, Settings(regime=RegimeSettings(method=method))).iloc[-1][
        "regime_code"
    ] == int(expected)


@pytest.mark.parametrize("price", [7.0, 0.1, 60_123.45])
def test_a_price_that_never_moves_stands_in_the_middle_of_all_it_ever_was(price):
    frame = market(200)
    frame[PRICES] = price
    last = regime.compute(frame, QUICK).iloc[-1]
    assert last[["regime_atr_percentile", "regime_width_percentile"]].tolist() == [50, 50]
    assert last[["regime_adx", "regime_side", "regime_volatility"]].tolist() == [0, 0, 0]
    assert Regime(last["regime_code"]) == Regime.UNCERTAIN
    tight = regime.compute(frame, quick("composite"))["regime_code"]
    assert Regime(tight.iloc[-1]) == Regime.TIGHT_RANGING


def test_a_price_that_always_grows_alike_stands_in_the_middle_although_numbers_are_rounded():
    frame = market(200)
    close = 7.3 * 1.001 ** np.arange(200)
    frame[PRICES] = np.column_stack([close, close * 1.003, close * 0.997, close])
    late = regime.compute(frame, QUICK).iloc[100:]
    assert (late[["regime_atr_percentile", "regime_width_percentile"]] == 50).all(axis=None)


def test_prices_that_stand_still_have_bands_of_no_width_wherever_they_stand():
    """Every twelfth hour a step: the bands of five hours are open for four of them."""
    frame = market(240)
    levels = np.random.default_rng(2).uniform(0.1, 0.2, 20)
    for name in PRICES:
        frame[name] = np.repeat(levels, 12)
    found = regime.compute(frame, QUICK)["regime_width_percentile"].to_numpy()
    still = np.arange(240) % 12 >= 4
    closed = WINDOW * 8 // 12
    np.testing.assert_allclose(found[100:][still[100:]], 50 * (closed - 1) / (WINDOW - 1))


# -- the numbers ------------------------------------------------------------------------------


def place_by_loop(values: np.ndarray) -> np.ndarray:
    found = np.full(len(values), np.nan)
    first = int(np.argmax(~np.isnan(values)))
    for now in range(first + WINDOW - 1, len(values)):
        window = values[now - WINDOW + 1 : now + 1]
        below, equal = (window < values[now]).sum(), (window == values[now]).sum()
        found[now] = 100 * (below + (equal - 1) / 2) / (WINDOW - 1)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_percentiles_are_those_of_ta_libs_atr_and_bollinger_bands(seed):
    frame = market(200, seed)
    columns = regime.compute(frame, QUICK)
    high, low, close = (frame[name].to_numpy() for name in ("high", "low", "close"))
    atr = talib.ATR(high, low, close, timeperiod=3) / close
    upper, middle, lower = talib.BBANDS(close, timeperiod=5)
    width = (upper - lower) / middle
    for name, values in (("atr", atr), ("width", width)):
        found = columns[f"regime_{name}_percentile"]
        np.testing.assert_allclose(found, place_by_loop(values), rtol=1e-6)


def test_adx_and_side_are_those_of_the_trend():
    frame = market(200)
    prices = trend.priced(frame)
    columns = regime.compute(frame, QUICK)
    np.testing.assert_allclose(columns["regime_adx"], trend.strength(prices, 5), rtol=1e-6)
    np.testing.assert_array_equal(columns["regime_side"], trend.side(prices, 4, 10))


@each_method
def test_everything_is_known_exactly_from_the_warmup_on(method):
    settings = quick(method)
    needed = regime.warmup(settings, 3_600)
    columns = regime.compute(market(needed + 30), settings)
    known = columns.notna().all(axis=1)
    assert known.tolist() == [False] * (needed - 1) + [True] * 31


@pytest.mark.parametrize(
    ("changes", "hours", "needed"),
    [
        ({}, 4, 52),
        ({"bollinger_period": 9}, 4, 56),
        ({"atr_period": 20}, 4, 68),
        ({"adx_period": 40}, 4, 80),
        ({"ema_slow": 30}, 4, 120),
        ({}, 96, 97),
    ],
)
def test_the_warmup_is_that_of_the_number_known_last(changes, hours, needed):
    settings = quick(**changes).model_copy(
        update={"volatility": VolatilitySettings(window_hours=hours)}
    )
    assert regime.warmup(settings, 3_600) == needed
    known = regime.compute(market(needed + 3), settings).notna().all(axis=1)
    assert known.tolist() == [False] * (needed - 1) + [True] * 4


def test_before_the_percentiles_are_known_a_market_without_a_trend_is_uncertain():
    adx = regime.compute(market(40, seed=8), quick(ema_slow=5))
    young = adx[adx["regime_adx"].notna() & adx["regime_side"].notna()]
    assert set(young["regime_code"]) == {0, 1, 2}
    assert ((young["regime_adx"] < 25) == (young["regime_code"] == 0)).all()


@each_method
@given(frame=any_market(least=60, most=160, timeframe="1h"))
def test_candles_without_prices_count_as_if_they_were_missing(frame, method):
    settings = quick(method)
    columns = regime.compute(frame, settings)
    priced = frame["close"].notna()
    assert set(columns["regime_code"][~priced]) <= {Regime.UNCERTAIN}
    assert columns[~priced].drop(columns="regime_code").isna().all(axis=None)
    alone = regime.compute(frame[priced], settings)
    pd.testing.assert_frame_equal(columns[priced], alone)


@each_method
@given(frame=any_market(least=60, most=140, timeframe="1h"), now=st.integers(1, 139))
def test_the_past_does_not_change_when_the_future_arrives(frame, now, method):
    settings = quick(method)
    then = regime.compute(frame.iloc[:now], settings)
    pd.testing.assert_frame_equal(
        then, regime.compute(frame, settings).iloc[:now], rtol=1e-9, atol=1e-12
    )


@each_method
def test_no_candle_changes_by_those_after_it_with_gaps_and_unknown_prices_too(method):
    frame = market(110)
    frame.loc[[30, 31, 77], PRICES] = np.nan
    frame = frame.drop(index=[12, 50, 51, 52, 90]).reset_index(drop=True)
    settings = quick(method)
    later = regime.compute(frame, settings)
    for now in range(len(frame)):
        then = regime.compute(frame.iloc[:now], settings)
        pd.testing.assert_frame_equal(then, later.iloc[:now], rtol=1e-9, atol=1e-12)


@each_method
@pytest.mark.parametrize("factor", [1e-12, 1 / 3, 7.0, 1e9])
def test_nothing_depends_on_the_unit_of_price(method, factor):
    frame = market(300)
    scaled = frame.assign(**{name: frame[name] * factor for name in PRICES})
    columns, other = (regime.compute(each, quick(method)) for each in (frame, scaled))
    pd.testing.assert_frame_equal(columns, other, rtol=1e-4, atol=1e-5)


@each_method
def test_the_input_is_left_alone_and_the_answer_has_its_index(method):
    frame = market(80).set_index(pd.Index([7] * 80))
    before = frame.copy(deep=True)
    columns = regime.compute(frame, quick(method))
    pd.testing.assert_frame_equal(frame, before)
    assert columns.index.equals(frame.index)
    assert columns.columns.str.startswith("regime_").all()
    assert (columns.drop(columns="regime_code").dtypes == "float32").all()


@each_method
@pytest.mark.parametrize("rows", [0, 1, 2, 6])
@pytest.mark.parametrize("priced", [True, False])
def test_hardly_any_candles_or_none_with_prices_are_uncertain_and_no_error(method, rows, priced):
    frame = market(rows)
    if not priced:
        frame[PRICES] = np.nan
    columns = regime.compute(frame, quick(method))
    assert columns["regime_code"].tolist() == [0] * rows
    assert len(columns) == rows


@pytest.mark.parametrize(
    "broken",
    [lambda frame: frame.drop(columns="low"), lambda frame: frame.iloc[::-1]],
    ids=["no lows", "newest first"],
)
def test_what_is_no_frame_of_candles_is_refused(broken):
    with pytest.raises(ValueError, match="candles"):
        regime.compute(broken(market(30)), QUICK)


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("adx", {"method": "composite"}),
        ("adx", {"adx_period": 9}),
        ("adx", {"adx_strong": 40.0}),
        ("adx", {"adx_calm": 12.0}),
        ("adx", {"ema_fast": 7}),
        ("adx", {"ema_slow": 14}),
        ("adx", {"atr_period": 9}),
        ("adx", {"bollinger_period": 11}),
        ("adx", {"window_days": 4}),
        ("adx", {"timeframe": "4h"}),
        ("adx", {"volatile_atr_percentile": 60.0}),
        ("adx", {"volatile_width_percentile": 60.0}),
        ("adx", {"ranging_width_percentile": 30.0}),
        ("composite", {"volatile_above": 0.5}),
        ("composite", {"tight_below": 0.4}),
        ("composite", {"trend_cut": 0.3}),
        ("composite", {"trend_score": 0.8}),
        ("composite", {"trend_confidence": 0.99}),
    ],
)
def test_every_setting_changes_the_classes(method, changes):
    frame = market(600, sigma=0.007)
    base = {"method": method}
    usual = regime.compute(frame, quick(**base))["regime_code"]
    changed = regime.compute(frame, quick(**(base | changes)))["regime_code"]
    late = slice(200, None)
    assert (usual[late] != changed[late]).any()


# -- what counts ------------------------------------------------------------------------------


def settled_by_loop(codes: list[int], times: list[float], seconds: float) -> list[int]:
    found, counts = [], int(Regime.UNCERTAIN)
    for now, code in enumerate(codes):
        since = now
        while since > 0 and codes[since - 1] == code:
            since -= 1
        if times[now] - times[since] >= seconds:
            counts = code
        found.append(counts)
    return found


@st.composite
def histories(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Codes that come in runs, at 5-minute moments of which some are missing."""
    runs = draw(st.lists(st.tuples(st.sampled_from(list(Regime)), st.integers(1, 8)), max_size=20))
    codes = np.array([code for code, length in runs for _ in range(length)], dtype="int8")
    steps = draw(st.lists(st.sampled_from((300, 300, 300, 900)), min_size=len(codes)))
    return codes, 1.7e9 + np.cumsum(steps[: len(codes)], dtype="float64")


SECONDS = st.sampled_from((0.0, 1.0, 300.0, 900.0, 901.0, 3_600.0))


@given(histories(), SECONDS)
def test_the_regime_that_counts_is_that_of_the_readable_loop(history, seconds):
    codes, times = history
    found = regime.settled(codes, times, seconds)
    assert found.dtype == "int8"
    assert found.tolist() == settled_by_loop(codes.tolist(), times.tolist(), seconds)


@given(histories(), SECONDS, st.integers(0, 160))
def test_what_counts_does_not_change_when_the_future_arrives(history, seconds, now):
    codes, times = history
    then = regime.settled(codes[:now], times[:now], seconds)
    assert then.tolist() == regime.settled(codes, times, seconds)[:now].tolist()


@given(histories())
def test_without_a_delay_every_change_counts_at_once(history):
    codes, times = history
    assert regime.settled(codes, times, 0.0).tolist() == codes.tolist()


@given(histories(), SECONDS)
def test_only_what_once_held_so_long_ever_counts(history, seconds):
    codes, times = history
    begins = [now for now in range(len(codes)) if now == 0 or codes[now] != codes[now - 1]]
    lasts = [now for now in range(len(codes)) if now + 1 in (*begins, len(codes))]
    held = {
        int(codes[begin])
        for begin, last in zip(begins, lasts, strict=True)
        if times[last] - times[begin] >= seconds
    }
    assert set(regime.settled(codes, times, seconds).tolist()) <= held | {0}


@pytest.mark.parametrize(
    ("codes", "counts"),
    [
        ("RRRRRR", "...RRR"),
        ("RRRRVVVR", "...RRRRR"),
        ("RRRRVVVVR", "...RRRRVV"),
        ("RRRRVVVVRRRR", "...RRRRVVVVR"),
        ("RVRVRVRV", "........"),
    ],
)
def test_at_five_minutes_a_change_counts_with_the_fourth_reading(codes, counts):
    letters = {"R": Regime.RANGING, "V": Regime.VOLATILE, ".": Regime.UNCERTAIN}
    times = 300.0 * np.arange(len(codes))
    found = regime.settled(np.array([letters[code] for code in codes]), times, 900.0)
    assert names(found) == [letters[code].name for code in counts]


# -- what it means ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (Regime.UNCERTAIN, (2.0, 1.2, 0.7, False)),
        (Regime.TRENDING_BULLISH, (2.5, 0.9, 1.0, True)),
        (Regime.TRENDING_BEARISH, (2.5, 0.9, 1.0, True)),
        (Regime.RANGING, (2.0, 1.0, 1.0, True)),
        (Regime.TIGHT_RANGING, (2.0, 1.0, 1.0, True)),
        (Regime.VOLATILE, (3.0, 1.3, 0.5, True)),
        (Regime.VOLATILE_TRENDING, (3.0, 1.3, 0.5, True)),
        (Regime.VOLATILE_RANGING, (3.0, 1.3, 0.5, True)),
    ],
)
def test_each_regime_has_the_parameters_of_the_specification(code, expected):
    """Property P25 among them: half the size in every volatile market."""
    found = regime.parameters(int(code), RegimeSettings())
    assert expected == (
        found.stop_atr_multiple,
        found.threshold_factor,
        found.size_factor,
        found.new_cycles,
    )


@pytest.mark.parametrize("kind", ["bullish", "bearish", "ranging", "volatile", "uncertain"])
def test_the_parameters_are_those_that_were_set(kind):
    usual = RegimeSettings()
    other = getattr(usual, kind).model_copy(update={"size_factor": 0.123})
    changed = usual.model_copy(update={kind: other})
    sizes = {code: regime.parameters(code, changed).size_factor for code in Regime}
    assert {code.name for code in Regime if sizes[code] == 0.123} == {
        "bullish": {"TRENDING_BULLISH"},
        "bearish": {"TRENDING_BEARISH"},
        "ranging": {"RANGING", "TIGHT_RANGING"},
        "volatile": {"VOLATILE", "VOLATILE_TRENDING", "VOLATILE_RANGING"},
        "uncertain": {"UNCERTAIN"},
    }[kind]


def test_a_number_that_is_no_regime_is_refused():
    with pytest.raises(ValueError, match="8"):
        regime.parameters(8, RegimeSettings())


@pytest.mark.parametrize("side", [-1.0, 0.0, 1.0, math.nan])
def test_only_a_trend_has_a_direction(side):
    directions = {code: regime.direction(code, side) for code in Regime}
    named = {Regime.TRENDING_BULLISH: 1, Regime.TRENDING_BEARISH: -1}
    volatile = {Regime.VOLATILE_TRENDING: 0 if math.isnan(side) else int(side)}
    assert directions == dict.fromkeys(Regime, 0) | named | volatile
    codes = np.array([int(code) for code in Regime], dtype="int8")
    assert regime.directions(codes, np.full(len(codes), side)).tolist() == list(directions.values())


def changed(codes: list[int], adx: float = 27.34, side: float = 1.0, **rule: Any) -> pd.Series:
    columns = {"regime_code": codes, "regime_adx": adx, "regime_side": side}
    frame = pd.DataFrame(columns).astype({"regime_code": "int8", "regime_adx": "float32"})
    return regime.changes(frame, RegimeSettings(**rule))


def test_a_change_of_the_regime_is_told_with_the_numbers_it_was_read_from():
    found = changed([0, 0, 1, 1, 3])
    assert found.to_dict() == {
        2: "market regime uncertain -> trending bullish: ADX 27.3, average of 50 candles above "
        "that of 200",
        4: "market regime trending bullish -> ranging: ADX 27.3, average of 50 candles above that "
        "of 200",
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"side": -1.0}, ": ADX 27.3, average of 50 candles below that of 200"),
        ({"side": 0.0}, ": ADX 27.3, average of 50 candles equal to that of 200"),
        ({"adx": math.nan}, ""),
        ({"method": "composite"}, ""),
    ],
)
def test_what_decided_is_named_as_far_as_it_is_known(values, said):
    assert changed([2], **values).tolist() == [f"market regime uncertain -> trending bearish{said}"]


def test_a_regime_that_stays_is_no_change():
    assert changed([0, 0, 0]).empty
    assert changed([]).empty


# -- real markets -----------------------------------------------------------------------------


@pytest.mark.real
@each_method
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_the_crash_of_november_2022_was_volatile_or_bearish(real_data: Path, coin, method):
    """Of these 72 hours at least 66 were; the first were still those of the calm before."""
    datadir = real_data / "spot_5m_2022-08_2023-09" / "binance"
    frame = pd.read_feather(datadir / f"{coin}_USDT-1h.feather")
    codes = regime.compute(frame, Settings(regime=RegimeSettings(method=method)))["regime_code"]
    crash = codes[(frame["date"] >= "2022-11-08") & (frame["date"] < "2022-11-11")]
    dangerous = {code for code in Regime if "VOLATILE" in code.name or "BEARISH" in code.name}
    assert len(crash) == 72
    assert crash.isin(dangerous).mean() > 0.9


@given(any_market(least=60, most=120, timeframe="1h"))
def test_the_distance_is_the_close_over_its_slow_average_once_that_has_settled(frame):
    """Against the average's own rule, close by close; candles without prices do not count."""
    span = QUICK.regime.ema_slow
    average, seen, expected = math.nan, 0, []
    for close, high, low in frame[["close", "high", "low"]].itertuples(index=False):
        if math.isnan(close + high + low):
            expected.append(math.nan)
            continue
        seen += 1
        average = close if seen == 1 else average + 2 / (span + 1) * (close - average)
        expected.append(close / average - 1 if seen >= trend.SETTLED * span else math.nan)
    found = regime.compute(frame, QUICK)["regime_distance"]
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
