import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import trades
from gridkit.analytics.trades import Tape
from gridkit.settings import OrderflowSettings, Settings
from tapes import START_MS, any_tape, swapped, tape_of

MINUTE = Settings(orderflow=OrderflowSettings(tape_seconds=60, whale_trades=200))
COLUMNS = ["timestamp", "id", "type", "side", "price", "amount", "cost"]


def frame_of(*rows: tuple[int, str | None, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["timestamp", "side", "price", "amount"])


# -- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_a_side_is_the_takers_and_anything_else_is_unknown(dtype):
    sides = pd.Series(["buy", "sell", None, "", "BUY", "short sell"], dtype=dtype)
    frame = pd.DataFrame({"timestamp": range(6), "side": sides, "price": 1.0, "amount": 1.0})
    assert trades.read(frame).sign.tolist() == [1, -1, 0, 0, 0, 0]


def test_what_was_read_are_plain_numbers():
    found = trades.read(tape_of(1, 50))
    types = [array.dtype for array in (found.times_ms, found.price, found.amount, found.sign)]
    assert types == ["int64", "float64", "float64", "int8"]


@pytest.mark.parametrize("empty", [pd.DataFrame(columns=COLUMNS), tape_of(1, 0), tape_of(1, 9)[:0]])
def test_no_trades_are_no_error(empty):
    assert len(trades.read(empty)) == 0
    assert trades.tape(empty, START_MS, MINUTE) is None


@pytest.mark.parametrize("column", ["timestamp", "side", "price", "amount"])
def test_a_missing_column_is_named(column):
    with pytest.raises(ValueError, match=f"no column {column}"):
        trades.read(tape_of(1, 5).drop(columns=column))


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("price", math.nan),
        ("price", math.inf),
        ("price", 0.0),
        ("price", -1.0),
        ("amount", math.nan),
        ("amount", math.inf),
        ("amount", -1e-9),
        ("timestamp", math.nan),
        ("timestamp", 0),
    ],
)
def test_what_cannot_be_is_an_error_that_names_the_column(column, bad):
    frame = tape_of(1, 5)
    frame[column] = frame[column].astype("float64")
    frame.loc[3, column] = bad
    with pytest.raises(ValueError, match=f"trades: {column}"):
        trades.read(frame)


def test_trades_of_one_millisecond_and_amounts_of_nothing_are_allowed():
    assert len(trades.read(frame_of((7, "buy", 1.0, 0.0), (7, "sell", 1.0, 0.0)))) == 2


@given(
    any_tape(), st.integers(-500, 3_000_000), st.integers(0, 3_000_000), st.sampled_from((0, 1, 9))
)
def test_a_part_is_the_trades_of_its_time_and_those_before(frame, begin, length, before):
    begin += START_MS
    end = begin + length
    times = frame["timestamp"]
    earlier = frame[times < begin]
    wanted = frame[(times >= begin) & (times < end)]
    expected = pd.concat([earlier[len(earlier) - min(before, len(earlier)) :], wanted])
    found = trades.between(frame, begin, end, before)
    assert found.times_ms.tolist() == expected["timestamp"].tolist()
    assert found.amount.tolist() == expected["amount"].tolist()


# -- whales -----------------------------------------------------------------------------------


def whales_by_loop(amount: np.ndarray, quantile: float, count: int) -> list[float]:
    """The readable twin, with numpy's own quantile of the same definition."""
    return [
        math.nan
        if now < count
        else float(
            amount[now] > np.quantile(amount[now - count : now], quantile, method="inverted_cdf")
        )
        for now in range(len(amount))
    ]


@given(
    st.lists(st.sampled_from((0.0, 0.5, 1.0, 1.0, 2.0, 3.0, 90.0)), max_size=120),
    st.sampled_from((0.5, 0.9, 0.95, 0.995)),
    st.sampled_from((1, 2, 20, 57)),
)
def test_whales_equal_the_readable_loop_also_among_equal_sizes(amounts, quantile, count):
    found = trades.whales(np.array(amounts), quantile, count)
    np.testing.assert_array_equal(found, whales_by_loop(np.array(amounts), quantile, count))


@pytest.mark.parametrize(("quantile", "count"), [(0.9, 200), (0.995, 200), (0.999, 1_000)])
def test_whales_of_a_long_tape_equal_the_readable_loop(quantile, count):
    amount = np.random.default_rng(4).lognormal(0, 2, 2_500)
    found = trades.whales(amount, quantile, count)
    np.testing.assert_array_equal(found, whales_by_loop(amount, quantile, count))


@pytest.mark.parametrize("quantile", [0.9, 0.99, 0.995])
def test_of_unchanging_markets_the_share_of_whales_is_what_is_above_the_quantile(quantile):
    """Of independent sizes, a new one is the k-th largest of n + 1 with equal chances."""
    amount = np.random.default_rng(8).exponential(1, 200_000)
    share = np.nanmean(trades.whales(amount, quantile, 2_000).astype("float64"))
    expected = (2_000 - math.ceil(quantile * 2_000) + 1) / 2_001
    assert share == pytest.approx(expected, rel=0.15)


def test_the_first_trades_have_nothing_to_be_compared_with():
    unknown = np.isnan(trades.whales(np.ones(250), 0.99, 200))
    assert unknown.tolist() == [True] * 200 + [False] * 50


def test_only_what_is_larger_than_all_usual_sizes_is_a_whale():
    amount = np.ones(300)
    amount[260] = 1.001
    assert np.flatnonzero(trades.whales(amount, 0.99, 200) == 1).tolist() == [260]


@given(st.integers(0, 2**32 - 1), st.integers(0, 400))
def test_no_later_trade_makes_a_whale(seed, now):
    amount = np.random.default_rng(seed).lognormal(0, 1, 400)
    then, later = trades.whales(amount[:now], 0.95, 60), trades.whales(amount, 0.95, 60)[:now]
    np.testing.assert_array_equal(then, later)


# -- the tape ---------------------------------------------------------------------------------


def tape_by_loop(frame: pd.DataFrame, now: int, settings: Settings) -> Tape | None:
    """The readable twin: trade by trade."""
    orderflow = settings.orderflow
    whale = whales_by_loop(
        frame["amount"].to_numpy(), orderflow.whale_quantile, orderflow.whale_trades
    )
    rows = [
        (row, large)
        for row, large in zip(frame.itertuples(), whale, strict=True)
        if now - 1_000 * orderflow.tape_seconds < row.timestamp <= now
    ]
    if not rows:
        return None
    bought = math.fsum(row.amount for row, _ in rows if row.side == "buy")
    sold = math.fsum(row.amount for row, _ in rows if row.side == "sell")
    traded = math.fsum(row.amount for row, _ in rows)
    paid = math.fsum(row.amount * row.price for row, _ in rows)
    sign = {"buy": 1, "sell": -1}
    caught = math.fsum(row.amount * large * sign.get(row.side, 0) for row, large in rows)
    last = rows[-1][0]
    return Tape(
        delta=bought - sold,
        buy_pressure=bought / (bought + sold) if bought + sold else math.nan,
        imbalance=(bought - sold) / (bought + sold) if bought + sold else math.nan,
        trades=len(rows),
        vwap_deviation=last.price / (paid / traded) - 1 if traded else math.nan,
        whale_share=caught / traded if traded else math.nan,
        unknown_share=1 - (bought + sold) / traded if traded else math.nan,
        age_seconds=(now - last.timestamp) / 1_000,
    )


def assert_same(found: Tape | None, expected: Tape | None) -> None:
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        for name in Tape.__slots__:
            wanted = getattr(expected, name)
            assert getattr(found, name) == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)


@given(any_tape(most=300), st.integers(-100_000, 3_000_000))
def test_a_tape_equals_the_readable_loop(frame, now):
    now += START_MS
    assert_same(trades.tape(frame, now, MINUTE), tape_by_loop(frame, now, MINUTE))


@given(st.integers(0, 2**32 - 1), st.integers(150, 900), st.sampled_from((0.0, 0.3)))
def test_a_tape_with_enough_trades_before_it_knows_its_whales(seed, rows, unknown):
    frame = tape_of(seed, 900, unknown=unknown)
    now = int(frame["timestamp"][rows - 1])
    found = trades.tape(frame, now, MINUTE)
    assert_same(found, tape_by_loop(frame, now, MINUTE))
    assert found is not None
    minute = (frame["timestamp"] > now - 60_000) & (frame["timestamp"] <= now)
    assert math.isnan(found.whale_share) == bool(minute.to_numpy()[:200].any())


def test_a_tape_holds_the_trade_of_now_and_not_the_one_a_whole_window_ago():
    frame = frame_of((0, "buy", 1.0, 5.0), (1, "buy", 1.0, 2.0), (60_000, "sell", 1.0, 1.0))
    found = trades.tape(frame, 60_000, MINUTE)
    assert found is not None
    assert (found.trades, found.delta, found.age_seconds) == (2, 1.0, 0.0)


@pytest.mark.parametrize(("now", "trades_then"), [(-1, None), (10, 1), (59_999, 1), (60_000, None)])
def test_there_is_a_tape_while_a_trade_is_in_its_window(now, trades_then):
    found = trades.tape(frame_of((0, "buy", 1.0, 5.0)), now, MINUTE)
    assert (found and found.trades) == trades_then


def test_sides_nobody_knows_are_reported_and_count_as_neither():
    frame = frame_of((0, "buy", 2.0, 3.0), (1, "sell", 2.0, 1.0), (2, None, 5.0, 4.0))
    found = trades.tape(frame, 2, MINUTE)
    assert found is not None
    assert (found.delta, found.buy_pressure, found.imbalance) == (2.0, 0.75, 0.5)
    assert found.unknown_share == 0.5
    assert found.vwap_deviation == pytest.approx(5 / 3.5 - 1)


@given(any_tape(least=1), st.integers(0, 3_000_000))
def test_what_comes_after_now_is_not_on_the_tape(frame, now):
    now += START_MS
    until_now = frame[frame["timestamp"] <= now]
    assert_same(trades.tape(until_now, now, MINUTE), trades.tape(frame, now, MINUTE))


@given(any_tape(least=1))
def test_shares_are_shares_and_swapping_the_sides_swaps_the_signs(frame):
    now = int(frame["timestamp"].iloc[-1])
    found, other = trades.tape(frame, now, MINUTE), trades.tape(swapped(frame), now, MINUTE)
    assert found is not None
    assert other is not None
    assert not abs(found.imbalance) > 1
    assert not abs(found.whale_share) > 1
    assert not (found.buy_pressure < 0)
    assert not (found.buy_pressure > 1)
    assert other.delta == -found.delta
    assert other.unknown_share == pytest.approx(found.unknown_share, nan_ok=True)
    assert other.buy_pressure == pytest.approx(1 - found.buy_pressure, nan_ok=True)


def test_a_short_tape_of_a_long_frame_looks_at_no_other_price():
    frame = tape_of(3, 1_000)
    frame.loc[:300, "price"] = math.nan
    now = int(frame["timestamp"].iloc[-1])
    assert trades.tape(frame, now, MINUTE) is not None


def test_the_frame_is_left_alone():
    frame = tape_of(3, 300, unknown=0.2)
    before = frame.copy(deep=True)
    trades.tape(frame, int(frame["timestamp"].iloc[-1]), MINUTE)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.real
@pytest.mark.parametrize("pair", ["PEPE_USDT", "BTC_USDT", "ETH_BTC", "futures/BTC_USDT_USDT"])
def test_real_tapes_equal_the_readable_loop(real_data, pair):
    frame = pd.read_feather(real_data / "microstructure" / "binance" / f"{pair}-trades.feather")
    frame = frame.iloc[-3_400:].reset_index(drop=True)
    now = int(frame["timestamp"].iloc[-1]) + 40
    assert_same(trades.tape(frame, now, Settings()), tape_by_loop(frame, now, Settings()))
