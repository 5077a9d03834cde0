import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.order_books import RECORDED, any_book, recorded
from gridkit.analytics import book_flow
from gridkit.analytics.book_flow import Iceberg, Quotes
from gridkit.analytics.books import ASK, BID, Book

HOUR = 3_600.0


@st.composite
def any_quotes(draw: st.DrawFn, most: int = 60) -> Quotes:
    """Best levels over time; prices on few ticks, so that many stay; some books unknown."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from((1, 5)))
    count = draw(st.integers(0, most))
    bid = 100.0 + noise.integers(-2, 3, (count, levels)) / 10
    quotes = Quotes(
        np.cumsum(noise.choice([1.0, 5.0, 400.0], count)),
        bid,
        noise.choice([0.0, 1.0, 7.5], bid.shape) + noise.random(bid.shape),
        bid + noise.integers(1, 3, bid.shape) / 10,
        noise.choice([0.0, 1.0, 7.5], bid.shape) + noise.random(bid.shape),
    )
    gone = noise.random(bid.shape) < draw(st.sampled_from((0.0, 0.2)))
    quotes.bid_price[gone], quotes.bid_size[gone] = np.nan, np.nan
    return quotes


def mirrored(quotes: Quotes) -> Quotes:
    return Quotes(
        quotes.times, 200 - quotes.ask_price, quotes.ask_size, 200 - quotes.bid_price,
        quotes.bid_size,
    )  # fmt: skip


def one_event(before: tuple, now: tuple) -> float:
    """The readable twin: e_n of the paper, term by term. A quote is bid, size, ask, size."""
    (bid_before, bid_size_before, ask_before, ask_size_before) = before
    (bid, bid_size, ask, ask_size) = now
    if any(math.isnan(number) for number in (*before, *now)):
        return math.nan
    event = 0.0
    if bid >= bid_before:
        event += bid_size
    if bid <= bid_before:
        event -= bid_size_before
    if ask <= ask_before:
        event -= ask_size
    if ask >= ask_before:
        event += ask_size_before
    return event


# -- order flow -------------------------------------------------------------------------------


@given(any_quotes())
def test_order_flow_equals_the_paper_term_by_term(quotes):
    found = book_flow.order_flow(quotes)
    arrays = (quotes.bid_price, quotes.bid_size, quotes.ask_price, quotes.ask_size)
    table = np.stack(arrays)
    assert np.isnan(found[:1]).all()
    for now, level in np.ndindex(found.shape):
        if now:
            expected = one_event(tuple(table[:, now - 1, level]), tuple(table[:, now, level]))
            assert found[now, level] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((99.0, 5.0, 101.0, 4.0), 0.0),
        ((99.0, 8.0, 101.0, 4.0), 3.0),
        ((99.0, 5.0, 101.0, 1.0), 3.0),
        ((100.0, 2.0, 101.0, 4.0), 2.0),
        ((98.0, 9.0, 101.0, 4.0), -5.0),
        ((99.0, 5.0, 100.0, 7.0), -7.0),
        ((99.0, 5.0, 102.0, 9.0), 4.0),
    ],
)
def test_what_is_added_taken_improved_and_withdrawn_counts_as_in_the_paper(now, expected):
    pairs = zip((99.0, 5.0, 101.0, 4.0), now, strict=True)
    quotes = Quotes(np.arange(2.0), *(np.array(pair)[:, None] for pair in pairs))
    assert book_flow.order_flow(quotes)[1, 0] == pytest.approx(expected)


@given(any_quotes(), st.sampled_from((0.25, 8.0)))
def test_order_flow_turns_with_the_sides_and_has_the_unit_of_size_not_of_price(quotes, factor):
    found = book_flow.order_flow(quotes)
    np.testing.assert_allclose(book_flow.order_flow(mirrored(quotes)), -found, atol=1e-12)
    other = Quotes(
        quotes.times,
        quotes.bid_price * 3.7, quotes.bid_size * factor,
        quotes.ask_price * 3.7, quotes.ask_size * factor,
    )  # fmt: skip
    np.testing.assert_allclose(book_flow.order_flow(other), found * factor)


@given(any_quotes(), st.floats(0, 1))
def test_order_flow_does_not_change_by_later_books(quotes, share):
    now = round(share * len(quotes.times))
    names = ("times", "bid_price", "bid_size", "ask_price", "ask_size")
    then = Quotes(*(getattr(quotes, name)[:now] for name in names))
    np.testing.assert_array_equal(book_flow.order_flow(then), book_flow.order_flow(quotes)[:now])


@given(any_quotes())
def test_total_flow_is_what_the_known_levels_add_up_to(quotes):
    flow = book_flow.order_flow(quotes)
    for total, row in zip(book_flow.total_flow(quotes), flow, strict=True):
        known = row[~np.isnan(row)]
        assert total == pytest.approx(sum(known) if len(known) else math.nan, nan_ok=True)


@given(any_quotes(), st.floats(1, 500))
def test_the_sum_of_an_interval_is_that_of_the_changes_within_it(quotes, seconds):
    flow = book_flow.total_flow(quotes)
    edges = np.arange(-seconds, 2_000, seconds)
    found = book_flow.summed(flow, quotes.times, edges)
    assert len(found) == len(edges) - 1
    for total, begin, end in zip(found, edges[:-1], edges[1:], strict=True):
        known = flow[(quotes.times > begin) & (quotes.times <= end) & ~np.isnan(flow)]
        assert total == pytest.approx(known.sum() if len(known) else math.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("flow", "expected"),
    [([2.0, 1.0], 1.0), ([2.0, -1.0, math.nan], 1 / 3), ([-2.0], -1.0), ([0.0], None), ([], None)],
)
def test_pressure_is_the_flow_net_of_its_size(flow, expected):
    found = book_flow.pressure(np.array(flow))
    assert math.isnan(found) if expected is None else found == pytest.approx(expected)


def test_the_quotes_of_books_are_their_best_levels():
    one, two = Book([[9.0, 1.0], [8.0, 2.0]], [[10.0, 3.0]], 5.0), Book([], [[11.0, 4.0]], 6.0)
    quotes = book_flow.quotes_of([one, two], 2)
    nan = math.nan
    np.testing.assert_array_equal(quotes.times, [5.0, 6.0])
    np.testing.assert_array_equal(quotes.bid_price, [[9.0, 8.0], [nan, nan]])
    np.testing.assert_array_equal(quotes.bid_size, [[1.0, 2.0], [nan, nan]])
    np.testing.assert_array_equal(quotes.ask_price, [[10.0, nan], [11.0, nan]])
    np.testing.assert_array_equal(quotes.ask_size, [[3.0, nan], [4.0, nan]])


# -- depth against its mean -------------------------------------------------------------------


def ratios_by_loop(depth: np.ndarray, times: np.ndarray, window: float) -> list[float]:
    found = []
    for now, time in enumerate(times):
        before = [
            place for place in range(now)
            if times[place] >= time - window and not math.isnan(depth[place])
        ]  # fmt: skip
        known = len(before) >= 10 and time - times[before[0]] >= window / 2
        mean = np.mean(depth[before]) if known else math.nan
        found.append(depth[now] / mean)
    return found


@given(st.integers(0, 150), st.sampled_from((20.0, 60.0, 400.0)), st.integers(0, 2**32 - 1))
def test_the_ratio_of_depth_equals_the_readable_loop(count, step, seed):
    noise = np.random.default_rng(seed)
    depth = np.where(noise.random(count) < 0.1, np.nan, noise.lognormal(0, 1, count))
    times = np.cumsum(step * noise.integers(1, 4, count))
    found = book_flow.depth_ratio(depth, times)
    np.testing.assert_allclose(found, ratios_by_loop(depth, times, HOUR), rtol=1e-9)


def test_half_the_depth_is_a_ratio_of_one_half_and_unknown_for_the_first_half_hour():
    times = 30.0 * np.arange(121)
    depth = np.append(np.full(120, 8.0), 4.0)
    found = book_flow.depth_ratio(depth, times)
    assert np.isnan(found[:60]).all()
    assert found[60:].tolist() == pytest.approx([1.0] * 60 + [0.5])


@given(any_book(), st.integers(1, 40))
def test_the_depth_of_a_book_is_both_sides_together(book, levels):
    expected = sum(book.bids[:levels, 1]) + sum(book.asks[:levels, 1])
    assert book_flow.depth_of(book, levels) == pytest.approx(expected)
    assert math.isnan(book_flow.depth_of(Book(book.bids, []), levels))


# -- icebergs ---------------------------------------------------------------------------------


def standing(bid_sizes: list[float]) -> Quotes:
    """One level a side whose prices stay, as does what is asked."""
    count = len(bid_sizes)
    sizes = (np.array(bid_sizes, dtype="float64"), np.full(count, 5.0))
    (bid_size, ask_size), times = (size[:, None] for size in sizes), np.arange(float(count))
    return Quotes(times, np.full((count, 1), 99.0), bid_size, np.full((count, 1), 100.0), ask_size)


def test_a_best_price_that_is_refilled_again_and_again_is_an_iceberg():
    quotes = standing([10, 4, 10, 7, 5, 9.5, 2, 10])
    assert book_flow.icebergs(quotes) == (Iceberg(99.0, 3, BID),)
    assert book_flow.icebergs(mirrored(quotes)) == (Iceberg(101.0, 3, ASK),)


@pytest.mark.parametrize(
    "sizes",
    [
        [10, 4, 10, 4, 10],  # twice is chance
        [10, 6, 10, 6, 10, 6, 10],  # never eaten
        [10, 4, 8, 4, 8, 4, 8],  # never full again
        [10, 8, 6, 4, 3, 2, 1],
        [1, 10, 20, 30, 40],
        [],
        [10],
    ],
)
def test_what_is_not_eaten_and_refilled_three_times_is_none(sizes):
    assert book_flow.icebergs(standing(sizes)) == ()


@pytest.mark.parametrize("price", [98.9, math.nan])
def test_what_was_refilled_before_the_price_was_another_does_not_count(price):
    quotes = standing([10, 4, 10, 4, 10, 4, 10])
    quotes.bid_price[3] = price
    assert book_flow.icebergs(quotes) == ()


def test_without_a_best_price_now_there_is_no_iceberg():
    quotes = standing([10, 4, 10, 4, 10, 4, 10])
    quotes.bid_price[-1], quotes.bid_size[-1] = math.nan, math.nan
    assert book_flow.icebergs(quotes) == ()


@given(any_quotes(), st.sampled_from((0.25, 8.0)))
def test_icebergs_have_no_unit(quotes, factor):
    other = replace(quotes, bid_size=quotes.bid_size * factor, ask_size=quotes.ask_size * factor)
    assert book_flow.icebergs(other) == book_flow.icebergs(quotes)


@pytest.mark.real
@pytest.mark.parametrize("name", RECORDED)
def test_icebergs_are_rare_in_recorded_books(real_data, name):
    """Looked for in each stretch of 120 books."""
    quotes = recorded(real_data, name)
    arrays = (quotes.times, quotes.bid_price, quotes.bid_size, quotes.ask_price, quotes.ask_size)
    ends = range(120, len(quotes.times), 30)
    hints = [
        len(book_flow.icebergs(Quotes(*(array[end - 120 : end] for array in arrays))))
        for end in ends
    ]
    assert np.mean(np.array(hints) > 0) < 0.05


# -- what it explains -------------------------------------------------------------------------


def explained(quotes: Quotes, tick: float, seconds: float, levels: int) -> float:
    """R² of the middle's change in ticks, regressed on the order flow of the same interval."""
    arrays = (quotes.bid_price, quotes.bid_size, quotes.ask_price, quotes.ask_size)
    best = Quotes(quotes.times, *(array[:, :levels] for array in arrays))
    edges = np.arange(quotes.times[0], quotes.times[-1], seconds)
    flow = book_flow.summed(book_flow.total_flow(best), quotes.times, edges)
    middle = (quotes.bid_price[:, 0] + quotes.ask_price[:, 0]) / 2 / tick
    moved = np.diff(middle[np.searchsorted(quotes.times, edges, side="right") - 1])
    known = ~np.isnan(flow)
    return float(np.corrcoef(flow[known], moved[known])[0, 1] ** 2)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "levels", "least"),
    [
        ("binance_usdm_BTC_USDT_2024-07_top25.parquet", 1, 0.6),
        ("binance_usdm_BTC_USDT_2024-07_top25.parquet", 10, 0.7),
        ("binance_spot_ETH_BTC_2020-11-01_top25.parquet", 1, 0.2),
        ("binance_spot_ETH_BTC_2020-11-01_top25.parquet", 10, 0.45),
    ],
)
def test_order_flow_explains_the_price_changes_of_the_same_ten_seconds(
    real_data, name, levels, least
):
    """The paper: 65 % on average over stocks, from every event; here only snapshots are known."""
    assert explained(recorded(real_data, name), RECORDED[name], 10.0, levels) >= least
