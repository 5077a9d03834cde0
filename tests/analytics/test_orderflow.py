import math
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import orderflow as benchmark
from gridkit.analytics import orderflow, trades
from gridkit.settings import OrderflowSettings, Settings
from strategies import START, any_market
from tapes import START_MS, any_tape, swapped, tape_of

SECONDS = 300
LOOKBACK = 4
QUICK = Settings(orderflow=OrderflowSettings(lookback_candles=LOOKBACK, whale_trades=200))
WINDOW = ["cvd", "imbalance", "vwap_deviation", "whale"]
CANDLE = ["bid", "ask", "delta", "trades", "buy_pressure", "unknown"]
COLUMNS = [f"orderflow_{name}" for name in (*CANDLE, *WINDOW)]
SPARSE = tape_of(6, 2_000, (0, 1, 15_000))  # nearly three hours
SHARED = [
    name
    for name in COLUMNS
    if name not in {"orderflow_vwap_deviation", "orderflow_whale", "orderflow_unknown"}
]

few = settings(max_examples=50)
markets = any_market(least=1, most=40)


def flow(frame: pd.DataFrame, tape: pd.DataFrame, **others: Any) -> pd.DataFrame:
    return orderflow.compute(frame, tape, QUICK, SECONDS, **others)


def regular(rows: int, timeframe: str = "5m") -> pd.DataFrame:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.002, rows)))
    dates = START + pd.Timedelta(timeframe) * np.arange(rows)
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return pd.DataFrame({"date": dates, **prices, "volume": 1.0})


def dense(rows: int, seed: int = 3, unknown: float = 0.0) -> pd.DataFrame:
    """Trades from the first candle on, so many that whales are known from the second candle on."""
    frame = tape_of(seed, rows * 320, (0, 1, 1_000, 3_000), unknown)
    return frame[frame["timestamp"] < START_MS + rows * SECONDS * 1_000]


def flow_by_loop(frame: pd.DataFrame, tape: pd.DataFrame) -> pd.DataFrame:
    """The readable twin: candle by candle, trade by trade."""
    large = trades.whales(
        tape["amount"].to_numpy(), QUICK.orderflow.whale_quantile, QUICK.orderflow.whale_trades
    )
    tape = tape.assign(large=large.astype("float64"))
    starts = [int(date.timestamp() * 1_000) for date in frame["date"]]
    step = SECONDS * 1_000
    rows = [
        [row for row in tape.itertuples() if start <= row.timestamp < start + step]
        for start in starts
    ]
    first, last = (tape["timestamp"].iloc[[0, -1]]) if len(tape) else (math.inf, -math.inf)
    covered = [start + step > first and start <= last for start in starts]
    known = [
        yes and all(price > 0 for price in prices)
        for yes, prices in zip(
            covered, frame[["open", "high", "low", "close"]].to_numpy(), strict=True
        )
    ]
    found = []
    for now, start in enumerate(starts):
        back = [
            candle
            for candle in range(now + 1)
            if known[candle] and starts[candle] > start - LOOKBACK * step
        ]
        reaches = any(
            known[candle] and starts[candle] <= start - (LOOKBACK - 1) * step
            for candle in range(now + 1)
        )
        row = of_candle(rows[now]) if known[now] else {}
        if known[now] and reaches and 2 * len(back) >= LOOKBACK:
            window = [trade for candle in back for trade in rows[candle]]
            row |= of_window(window, frame["close"].iloc[now])
        found.append(row)
    return pd.DataFrame(found, index=frame.index).reindex(
        columns=[name.removeprefix("orderflow_") for name in COLUMNS]
    )


def amounts(rows: list[Any], side: str) -> float:
    return math.fsum(row.amount for row in rows if row.side == side)


def over(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def of_candle(rows: list[Any]) -> dict[str, float]:
    bid, ask = amounts(rows, "sell"), amounts(rows, "buy")
    total = math.fsum(row.amount for row in rows)
    nobody = math.fsum(row.amount for row in rows if row.side not in {"buy", "sell"})
    return {
        "bid": bid,
        "ask": ask,
        "delta": ask - bid,
        "trades": len(rows),
        "buy_pressure": over(ask, ask + bid),
        "unknown": over(nobody, total),
    }


def of_window(rows: list[Any], close: float) -> dict[str, float]:
    bid, ask = amounts(rows, "sell"), amounts(rows, "buy")
    total = math.fsum(row.amount for row in rows)
    paid = math.fsum(row.amount * row.price for row in rows)
    sign = {"buy": 1, "sell": -1}
    caught = sum(row.amount * row.large * sign.get(row.side, 0) for row in rows)
    return {
        "cvd": ask - bid,
        "imbalance": over(ask - bid, ask + bid),
        "vwap_deviation": over(close * total, paid) - 1,
        "whale": over(caught, total),
    }


def assert_close(found: pd.DataFrame, expected: pd.DataFrame, atol: float = 1e-6) -> None:
    assert list(found) == COLUMNS
    expected = expected.add_prefix("orderflow_").astype(found.dtypes)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, atol=atol)


# -- the numbers ------------------------------------------------------------------------------


@given(markets, any_tape(most=150))
def test_order_flow_equals_the_readable_loop(frame, tape):
    assert_close(flow(frame, tape), flow_by_loop(frame, tape))


@settings(max_examples=15)
@given(any_market(least=8, most=10), st.integers(0, 2**32 - 1), st.sampled_from((0.0, 0.2)))
def test_order_flow_of_many_trades_and_their_whales_equals_the_readable_loop(frame, seed, unknown):
    tape = dense(7, seed, unknown)
    assert_close(flow(frame, tape), flow_by_loop(frame, tape))


def test_a_candle_of_two_purchases_and_a_sale():
    tape = tape_of(1, 4).assign(
        timestamp=[START_MS, START_MS + 1, START_MS + 299_999, START_MS + 300_000],
        side=["buy", "sell", "buy", "sell"],
        amount=[2.0, 1.0, 3.0, 4.0],
    )
    first, second = flow(regular(2), tape)[COLUMNS[:6]].to_numpy().tolist()
    assert first == [1.0, 5.0, 4.0, 3.0, pytest.approx(5 / 6), 0.0]
    assert second == [4.0, 0.0, -4.0, 1.0, 0.0, 0.0]


def test_all_deltas_add_up_to_what_was_bought_less_what_was_sold():
    tape = dense(30, unknown=0.2)
    found = flow(regular(30), tape)
    bought, sold = (tape.loc[tape["side"] == side, "amount"].sum() for side in ("buy", "sell"))
    assert found["orderflow_delta"].sum() == pytest.approx(bought - sold, rel=1e-9)
    assert found["orderflow_trades"].sum() == len(tape)
    assert (found["orderflow_ask"] + found["orderflow_bid"]).sum() == pytest.approx(bought + sold)


def test_the_cumulative_delta_is_the_sum_of_the_lookbacks_deltas():
    found = flow(regular(30), dense(30))
    expected = found["orderflow_delta"].rolling(LOOKBACK).sum()
    np.testing.assert_allclose(found["orderflow_cvd"], expected, rtol=1e-9, atol=1e-9)


def test_a_price_that_never_moves_does_not_deviate_and_one_above_it_does_by_that_much():
    tape, frame = dense(20).assign(price=50.0), regular(20)
    found = flow(frame, tape)["orderflow_vwap_deviation"]
    np.testing.assert_allclose(found[3:], frame["close"][3:] / 50 - 1, rtol=1e-5)


def test_one_whale_who_bought_shows_by_its_share_of_the_lookback_until_it_has_left():
    tape = dense(20).assign(amount=1.0)
    minute = (tape["timestamp"] - START_MS) // 300_000
    whale = int(np.flatnonzero(minute == 9)[5])
    tape.iloc[whale, tape.columns.get_indexer(["side", "amount"])] = ["buy", 500.0]
    found = flow(regular(20), tape)["orderflow_whale"]
    in_window = [tape["amount"][minute.between(now - 3, now)].sum() for now in range(9, 13)]
    np.testing.assert_allclose(found[9:13], [500 / total for total in in_window], rtol=1e-6)
    assert (found[5:9] == 0).all()
    assert (found[13:] == 0).all()


@few
@given(markets, any_tape(most=200))
def test_shares_are_shares(frame, tape):
    found = flow(frame, tape)
    for name in ("buy_pressure", "unknown"):
        assert found[f"orderflow_{name}"].dropna().between(0, 1).all()
    for name in ("imbalance", "whale"):
        assert found[f"orderflow_{name}"].dropna().between(-1, 1).all()


@few
@given(markets, any_tape(most=200))
def test_swapping_buyers_and_sellers_swaps_the_signs(frame, tape):
    found, other = flow(frame, tape), flow(frame, swapped(tape))
    for name in ("orderflow_delta", "orderflow_cvd", "orderflow_imbalance", "orderflow_whale"):
        np.testing.assert_allclose(other[name], -found[name], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other["orderflow_bid"], found["orderflow_ask"])
    pressure = found["orderflow_buy_pressure"]
    np.testing.assert_allclose(other["orderflow_buy_pressure"], 1 - pressure, atol=1e-6)


@few
@given(markets, any_tape(most=200), st.integers(-20, 20), st.integers(-20, 20))
def test_the_units_of_price_and_amount_do_not_matter(frame, tape, prices, sizes):
    frame_then = frame.assign(close=frame["close"] * 2.0**prices)
    tape_then = tape.assign(price=tape["price"] * 2.0**prices, amount=tape["amount"] * 2.0**sizes)
    found, scaled = flow(frame, tape), flow(frame_then, tape_then)
    in_amounts = [f"orderflow_{name}" for name in ("bid", "ask", "delta", "cvd")]
    scaled[in_amounts] /= 2.0**sizes
    pd.testing.assert_frame_equal(found, scaled, rtol=1e-9)


# -- freqtrade as the judge -------------------------------------------------------------------


def judged(tape: pd.DataFrame, timeframe: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Our columns and freqtrade's frame of the same trades and candles."""
    tape = benchmark.trades_convert_types(tape)
    frame = benchmark.trades_to_ohlcv(tape, timeframe).reset_index(drop=True)
    seconds = benchmark.candles.seconds_of(timeframe)
    found = orderflow.compute(frame, tape, QUICK, seconds)
    return found, benchmark.freqtrades(tape, frame, timeframe)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h", "4h"])
@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_amounts_and_counts_are_freqtrades(timeframe, unknown):
    steps = {"1m": 200, "5m": 900, "1h": 20_000, "4h": 60_000}[timeframe]
    found, theirs = judged(tape_of(9, 8_000, (0, 1, steps), unknown), timeframe)
    assert len(theirs) >= 8
    for column in ("bid", "ask", "delta"):
        volume = (theirs["bid"] + theirs["ask"]).max()
        np.testing.assert_allclose(
            found[f"orderflow_{column}"], theirs[column], rtol=1e-12, atol=1e-12 * volume
        )
    assert found["orderflow_trades"].tolist() == theirs["total_trades"].tolist()


@pytest.mark.real
@pytest.mark.parametrize(
    ("pair", "timeframe"),
    [
        ("PEPE_USDT", "1h"),
        ("BTC_USDT", "5m"),
        ("ETH_BTC", "5m"),
        ("futures/BTC_USDT_USDT", "1m"),
    ],
)
def test_amounts_and_counts_of_real_trades_are_freqtrades(real_data, pair, timeframe):
    tape = pd.read_feather(real_data / "microstructure" / "binance" / f"{pair}-trades.feather")
    found, theirs = judged(tape, timeframe)
    for column in ("bid", "ask", "delta"):
        np.testing.assert_allclose(
            found[f"orderflow_{column}"],
            theirs[column],
            rtol=1e-12,
            atol=1e-12 * (theirs["bid"] + theirs["ask"]).max(),
        )
    assert found["orderflow_trades"].tolist() == theirs["total_trades"].tolist()


def test_freqtrades_own_columns_give_the_same_as_the_trades():
    """Quiet candles too, which freqtrade leaves empty, and those before its first."""
    sparse = tape_of(9, 60, (0, 1, 1_000_000), start_ms=START_MS + 10**6)
    tape = benchmark.trades_convert_types(sparse)
    frame = regular(90)
    theirs = benchmark.freqtrades(tape, frame, "5m")
    filled = np.flatnonzero(theirs["bid"].notna())
    assert 0 < filled[0] < filled[-1] < 89
    assert np.diff(filled).max() > 1
    found = orderflow.from_freqtrade(theirs, QUICK, SECONDS)
    expected = flow(frame, tape)
    assert list(found) == COLUMNS
    assert found.dtypes.equals(expected.dtypes)
    pd.testing.assert_frame_equal(found[SHARED], expected[SHARED], rtol=1e-6, atol=1e-9)
    assert found.drop(columns=SHARED).isna().all(axis=None)


def test_a_frame_that_freqtrade_never_filled_is_unknown():
    theirs = regular(9).assign(bid=np.nan, ask=np.nan, delta=np.nan, total_trades=np.nan)
    assert orderflow.from_freqtrade(theirs, QUICK, SECONDS).isna().all(axis=None)
    assert orderflow.from_freqtrade(theirs[:0], QUICK, SECONDS).empty


def test_a_frame_without_freqtrades_columns_is_an_error_that_names_them():
    with pytest.raises(ValueError, match="no column bid, ask, total_trades"):
        orderflow.from_freqtrade(regular(3), QUICK, SECONDS)


# -- what is known, and when ------------------------------------------------------------------


def test_what_the_lookback_says_is_unknown_exactly_until_the_warmup():
    assert orderflow.warmup(QUICK, SECONDS) == LOOKBACK
    longer = Settings(orderflow=OrderflowSettings(lookback_candles=7, whale_trades=200))
    tape = tape_of(3, 8_000, (0, 1, 2_000), start_ms=START_MS - 400_000)
    found = orderflow.compute(regular(12), tape, longer, SECONDS)
    known = found.notna()
    window = [f"orderflow_{name}" for name in WINDOW]
    assert known.drop(columns=window).all(axis=None)
    for name in window:
        assert known[name].tolist() == [False] * 6 + [True] * 6, name


def test_candles_before_the_first_trade_and_after_the_last_are_unknown_and_between_are_quiet():
    tape = tape_of(1, 2).assign(
        timestamp=[START_MS + 2 * 300_000 + 5, START_MS + 6 * 300_000], amount=2.0, side="buy"
    )
    found = flow(regular(10), tape)
    assert found["orderflow_delta"].tolist()[2:7] == [2.0, 0.0, 0.0, 0.0, 2.0]
    assert found["orderflow_trades"].tolist()[2:7] == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert found["orderflow_buy_pressure"].notna().tolist()[2:7] == [True, *[False] * 3, True]
    assert found["orderflow_unknown"].notna().tolist()[2:7] == [True, *[False] * 3, True]
    assert found["orderflow_cvd"].notna().tolist() == [False] * 5 + [True] * 2 + [False] * 3
    assert found.drop(index=range(2, 7)).isna().all(axis=None)


def test_a_lookback_without_a_trade_has_a_delta_and_no_shares():
    times = [START_MS, START_MS + 9 * 300_000]
    row = flow(regular(10), tape_of(1, 2).assign(timestamp=times)).iloc[6]
    assert row["orderflow_cvd"] == 0
    assert row[["orderflow_imbalance", "orderflow_vwap_deviation", "orderflow_whale"]].isna().all()


def test_candles_that_end_until_the_trades_are_complete_are_quiet():
    tape = tape_of(1, 1)
    ends = START + pd.Timedelta(seconds=4 * SECONDS)
    found = flow(regular(9), tape, complete_until=ends)
    assert found["orderflow_delta"].notna().tolist() == [True] * 4 + [False] * 5
    just_before = ends - pd.Timedelta(milliseconds=1)
    found = flow(regular(9), tape, complete_until=just_before)
    assert found["orderflow_delta"].notna().tolist() == [True] * 3 + [False] * 6


def test_before_the_first_trade_nothing_is_known_however_complete_the_trades_are():
    tape = tape_of(1, 5, start_ms=START_MS + 5 * 300_000)
    found = flow(regular(9), tape, complete_until=START + pd.Timedelta("1D"))
    assert found["orderflow_delta"].notna().tolist() == [False] * 5 + [True] * 4


@pytest.mark.parametrize("complete_until", [None, START + pd.Timedelta("1D")])
def test_without_trades_nothing_is_known(complete_until):
    found = flow(regular(9), tape_of(1, 0), complete_until=complete_until)
    assert list(found) == COLUMNS
    assert found.isna().all(axis=None)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_candles_are_no_error(rows):
    found = flow(regular(rows), dense(3))
    assert list(found) == COLUMNS
    assert len(found) == rows


@few
@given(any_market(least=2, most=40, gaps=False), any_tape(least=1), st.data())
def test_a_candle_without_prices_is_unknown_and_otherwise_as_if_it_were_missing(frame, tape, data):
    without = sorted(data.draw(st.sets(st.integers(0, len(frame) - 1))))
    unknown = frame.copy()
    unknown.loc[without, data.draw(st.sampled_from(("open", "high", "low", "close")))] = np.nan
    found, expected = flow(unknown, tape), flow(frame.drop(index=without), tape)
    assert found.loc[without].isna().all(axis=None)
    pd.testing.assert_frame_equal(found.drop(index=without), expected)


def test_a_lookback_of_which_fewer_than_half_the_candles_are_there_is_unknown():
    frame, tape = regular(12), dense(12)
    there = frame.drop(index=[5, 6, 7])
    known = flow(there, tape)["orderflow_cvd"].notna()
    assert known.to_dict() == {now: now not in {0, 1, 2, 8} for now in there.index}


# -- causality --------------------------------------------------------------------------------


@few
@given(markets, any_tape(most=200), st.floats(0, 1))
def test_later_candles_change_nothing(frame, tape, cut):
    now = round(cut * len(frame))
    then, later = flow(frame.iloc[:now], tape), flow(frame, tape).iloc[:now]
    pd.testing.assert_frame_equal(then, later, rtol=1e-9, atol=1e-12)


def test_no_candle_changes_by_those_after_it():
    frame, tape = regular(14), dense(14)
    later = flow(frame, tape)
    for now in range(1, 14):
        pd.testing.assert_frame_equal(flow(frame.iloc[:now], tape), later.iloc[:now])


@few
@given(markets, any_tape(least=1, most=200), st.floats(0, 1))
def test_later_trades_make_candles_known_but_change_no_number(frame, tape, cut):
    """Up to the candle in which the first of them happened."""
    kept = tape.iloc[: max(1, round(cut * len(tape)))]
    ended = frame["date"] + pd.Timedelta(seconds=SECONDS) <= pd.Timestamp(
        kept["timestamp"].iloc[-1], unit="ms", tz="UTC"
    )
    then, later = flow(frame, kept)[ended], flow(frame, tape)[ended]
    pd.testing.assert_frame_equal(then, later, rtol=1e-9, atol=1e-12)


@few
@given(markets, any_tape(least=1, most=200), st.floats(0, 1))
def test_with_trades_complete_until_now_later_ones_change_nothing_at_all(frame, tape, cut):
    now = START + pd.Timedelta(seconds=round(cut * len(frame)) * SECONDS)
    kept = tape[tape["timestamp"] < now.timestamp() * 1_000]
    until_now = frame["date"] + pd.Timedelta(seconds=SECONDS) <= now
    then = flow(frame, kept, complete_until=now)[until_now]
    later = flow(frame, tape, complete_until=START + pd.Timedelta("30D"))[until_now]
    pd.testing.assert_frame_equal(then, later, rtol=1e-9, atol=1e-12)


@few
@given(any_market(least=6, most=40, unknown=False), st.floats(0, 1))
def test_where_the_frame_begins_does_not_matter_a_lookback_later(frame, cut):
    begin = round(cut * (len(frame) - 1))
    whole, chunk = flow(frame, SPARSE), flow(frame.iloc[begin:], SPARSE)
    own = chunk[COLUMNS[:6]]
    pd.testing.assert_frame_equal(own, whole.loc[own.index, list(own)])
    dates = frame["date"].iloc[begin:]
    rest = chunk[dates >= dates.iloc[0] + pd.Timedelta(seconds=(LOOKBACK - 1) * SECONDS)]
    pd.testing.assert_frame_equal(rest, whole.loc[rest.index])


@pytest.mark.parametrize("begin", [1, 3, 8])
def test_where_the_trades_begin_does_not_matter_once_whales_are_known(begin):
    frame, tape = regular(20), dense(20)
    since = tape[tape["timestamp"] >= START_MS + begin * SECONDS * 1_000]
    whole, chunk = flow(frame, tape), flow(frame, since)
    settled = begin + LOOKBACK + 1
    pd.testing.assert_frame_equal(chunk[settled:], whole[settled:])


# -- the contract -----------------------------------------------------------------------------


@few
@given(markets, any_tape())
def test_the_answer_is_new_columns_on_the_same_index_and_the_input_is_left_alone(frame, tape):
    frame.index = frame.index + 7
    frame_before, tape_before = frame.copy(deep=True), tape.copy(deep=True)
    found = flow(frame, tape)
    pd.testing.assert_frame_equal(frame, frame_before)
    pd.testing.assert_frame_equal(tape, tape_before)
    assert found.index.equals(frame.index)
    assert not np.isinf(found.to_numpy()).any()


def test_amounts_are_exact_and_the_rest_is_small():
    types = flow(regular(9), dense(9)).dtypes
    exact = {f"orderflow_{name}" for name in ("bid", "ask", "delta", "cvd")}
    assert {name for name in types.index if types[name] == "float64"} == exact
    assert {name for name in types.index if types[name] == "float32"} == set(COLUMNS) - exact


def test_wrong_frames_are_errors():
    with pytest.raises(ValueError, match="no column close"):
        flow(regular(3).drop(columns="close"), dense(3))
    with pytest.raises(ValueError, match="ascending"):
        flow(regular(3)[::-1], dense(3))
    with pytest.raises(ValueError, match="trades: price"):
        flow(regular(3), dense(3).assign(price=math.nan))


def test_candles_that_are_shorter_than_the_timeframe_says_are_an_error():
    with pytest.raises(ValueError, match="closer together than 900 seconds"):
        orderflow.compute(regular(5), dense(5), QUICK, 900)


# -- what it costs ----------------------------------------------------------------------------


def test_memory_grows_with_the_trades_and_no_faster():
    few, many = (
        benchmark.bytes_per_trade(benchmark.trades_convert_types(benchmark.generated(count)))
        for count in (60_000, 240_000)
    )
    assert many <= few * 1.05
    assert few < 16


def test_order_flow_is_at_least_fifty_times_as_fast_as_freqtrades():
    """A sixth of a day, so that freqtrade does not take long; the benchmark measures whole days."""
    tape = benchmark.trades_convert_types(benchmark.generated(60_000).iloc[:10_000])
    frame = benchmark.trades_to_ohlcv(tape, "5m").reset_index(drop=True)
    flow(frame, tape)
    ours = min(taken(lambda: flow(frame, tape)) for _ in range(5))
    theirs = taken(lambda: benchmark.freqtrades(tape, frame, "5m"))
    assert theirs >= 50 * ours


def test_the_benchmark_finds_both_equal():
    measured = benchmark.measure(benchmark.generated(60_000).iloc[:600])
    assert measured["trades"] == 600
    assert measured["bytes_per_trade"] > 0
    for figures in measured["timeframes"].values():
        assert figures["equal"]
        assert figures["ratio"] == pytest.approx(
            figures["freqtrade_milliseconds"] / figures["milliseconds"]
        )


def test_the_benchmark_would_notice_a_difference():
    tape = benchmark.trades_convert_types(benchmark.generated(60_000).iloc[:1_200])
    frame = benchmark.trades_to_ohlcv(tape, "5m").reset_index(drop=True)
    theirs = benchmark.freqtrades(tape, frame, "5m")
    ours = flow(frame, tape)
    assert benchmark._equal(ours, theirs)
    for column in ("bid", "ask", "delta", "trades"):
        other = ours.copy()
        other.loc[2, f"orderflow_{column}"] += 1
        assert not benchmark._equal(other, theirs)


def taken(call: Any) -> float:
    started = time.thread_time()
    call()
    return time.thread_time() - started
