import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.order_books import (
    RECORDED,
    SNAPSHOTS,
    any_book,
    book_at,
    mirrored,
    recorded,
    scaled,
    snapshot,
    with_size,
)
from gridkit.analytics import books
from gridkit.analytics.books import ASK, BID, Book, book_of

SIMPLE = Book([[99.0, 3.0], [98.0, 5.0]], [[101.0, 1.0], [102.0, 2.0], [110.0, 9.0]])
NOTHING = np.empty((0, 2))
ONE_SIDED = (
    Book(NOTHING, NOTHING),
    Book(SIMPLE.bids, NOTHING),
    Book(NOTHING, SIMPLE.asks),
)


# -- what a book is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bids", "asks", "complaint"),
    [
        ([[101.0, 1.0]], [[100.0, 1.0]], "crossed: bid 101, ask 100"),
        ([[100.0, 1.0]], [[100.0, 1.0]], "crossed"),
        ([[98.0, 1.0], [99.0, 1.0]], [], "bids are not sorted"),
        ([], [[102.0, 1.0], [101.0, 1.0]], "asks are not sorted"),
        ([[99.0, 1.0], [99.0, 1.0]], [], "bids are not sorted"),
        ([[99.0, -1.0]], [], "bids have a price or a size"),
        ([[99.0, 0.0]], [], "bids have a price or a size"),
        ([[99.0, math.nan]], [], "bids have a price or a size"),
        ([], [[math.inf, 1.0]], "asks have a price or a size"),
        ([], [[-1.0, 1.0]], "asks have a price or a size"),
        ([[99.0]], [], "shape"),
        ([99.0, 1.0], [], "shape"),
    ],
)
def test_what_no_exchange_would_call_a_book_is_refused_with_the_reason(bids, asks, complaint):
    with pytest.raises(ValueError, match=complaint):
        Book(bids, asks)


def test_a_book_is_a_private_read_only_copy():
    bids = np.array([[99.0, 3.0]])
    book = Book(bids, [])
    bids[0, 1] = 7.0
    assert book.bids[0, 1] == 3.0
    with pytest.raises(ValueError, match="read-only"):
        book.bids[0, 1] = 7.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        book.time = 1.0


def test_a_book_of_ccxt_is_read_with_its_time_in_seconds():
    raw = {"bids": [[99.0, 3.0]], "asks": [[101, 1]], "timestamp": 1_700_000_000_500, "nonce": None}
    book = book_of(raw)
    assert book.bids.tolist() == [[99.0, 3.0]]
    assert book.asks.tolist() == [[101.0, 1.0]]
    assert book.time == 1_700_000_000.5


def test_a_book_without_a_time_has_that_of_its_receipt_if_told():
    raw = {"bids": [], "asks": [], "timestamp": None}
    assert math.isnan(book_of(raw).time)
    assert book_of(raw, received=12.5).time == 12.5
    assert book_of(raw | {"timestamp": 3_000}, received=12.5).time == 3.0


def test_strings_further_columns_and_removed_levels_are_read_as_they_are_meant():
    raw = {"bids": [["99.0", "0"], ["98.0", "5.0", 1_700_000_000]], "asks": []}
    assert book_of(raw).bids.tolist() == [[98.0, 5.0]]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"bids": []},
        {"bids": None, "asks": []},
        {"bids": [[None, 1.0]], "asks": []},
        {"bids": [["dear", 1.0]], "asks": []},
        {"bids": [[1.0]], "asks": []},
        {"bids": [1.0], "asks": []},
        {"bids": [], "asks": [], "timestamp": "noon"},
    ],
)
def test_what_is_no_book_at_all_is_refused(raw):
    with pytest.raises(ValueError, match="not an order book"):
        book_of(raw)


def test_the_first_levels_are_the_best_ones():
    assert SIMPLE.first(1).asks.tolist() == [[101.0, 1.0]]
    assert SIMPLE.first(9).asks.tolist() == SIMPLE.asks.tolist()


# -- prices -----------------------------------------------------------------------------------


def test_the_prices_of_a_simple_book():
    assert books.mid(SIMPLE) == 100.0
    assert books.spread(SIMPLE) == pytest.approx(0.02)
    assert books.microprice(SIMPLE) == pytest.approx((99 * 1 + 101 * 3) / 4)
    assert books.reach(SIMPLE) == pytest.approx(0.02)


@given(any_book())
def test_the_microprice_lies_as_far_from_the_middle_as_the_best_sizes_lean(book):
    half = books.spread(book) * books.mid(book) / 2
    lean = (books.microprice(book) - books.mid(book)) / half
    assert lean == pytest.approx(books.imbalance(book, 1), abs=1e-6)
    assert abs(lean) <= 1 + 1e-9


@given(any_book(), st.sampled_from((1e-4, 3.7, 5e3)))
def test_prices_scale_with_their_unit_and_fractions_do_not(book, factor):
    other = scaled(book, price=factor)
    assert books.mid(other) == pytest.approx(factor * books.mid(book))
    assert books.microprice(other) == pytest.approx(factor * books.microprice(book))
    assert books.spread(other) == pytest.approx(books.spread(book))
    assert books.reach(other) == pytest.approx(books.reach(book))


# -- depth ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "expected"), [(1, 2 / 4), (2, 5 / 11), (3, -4 / 20), (50, -4 / 20), (None, -4 / 20)]
)
def test_the_imbalance_of_a_simple_book(levels, expected):
    assert books.imbalance(SIMPLE, levels) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.011, 2 / 4), (0.03, 5 / 11), (0.5, -4 / 20), (0.001, None)]
)
def test_the_imbalance_near_the_middle_of_a_simple_book(fraction, expected):
    found = books.imbalance_within(SIMPLE, fraction)
    assert math.isnan(found) if expected is None else found == pytest.approx(expected)


@given(any_book(), st.floats(1e-6, 0.1))
def test_depth_near_the_middle_equals_the_readable_loop(book, fraction):
    middle = books.mid(book)
    bid = sum(size for price, size in book.bids if price >= middle * (1 - fraction))
    ask = sum(size for price, size in book.asks if price <= middle * (1 + fraction))
    assert books.depth_within(book, fraction) == pytest.approx((bid, ask))


LEVELS = st.sampled_from((1, 5, 10, None))


@given(any_book(), LEVELS, st.floats(1e-3, 1e3))
def test_an_imbalance_is_bounded_and_has_no_unit(book, levels, factor):
    found = books.imbalance(book, levels)
    assert -1 <= found <= 1
    other = scaled(book, price=factor, size=1 / factor)
    assert books.imbalance(other, levels) == pytest.approx(found, abs=1e-9)


@given(any_book(), LEVELS, st.floats(1e-5, 0.05))
def test_swapped_sides_turn_every_sign(book, levels, fraction):
    other = mirrored(book)
    assert books.imbalance(other, levels) == pytest.approx(-books.imbalance(book, levels))
    assert books.depth_within(other, 1.0) == pytest.approx(books.depth_within(book, 1.0)[::-1])
    assert books.mid(other) == books.mid(book)
    away = books.microprice(book) - books.mid(book)
    assert books.microprice(other) - books.mid(other) == pytest.approx(-away, abs=1e-6)


@given(any_book(), LEVELS, st.floats(1.01, 100), st.data())
def test_more_size_bid_raises_the_imbalance_and_more_asked_lowers_it(book, levels, factor, data):
    for side, rows, sign in ((BID, book.bids, 1), (ASK, book.asks, -1)):
        count = len(rows[:levels])
        level = data.draw(st.integers(0, count - 1))
        more = with_size(book, side, level, rows[level, 1] * factor)
        assert sign * (books.imbalance(more, levels) - books.imbalance(book, levels)) > 0


@pytest.mark.parametrize("book", ONE_SIDED)
def test_what_needs_both_sides_is_unknown_without_one(book):
    assert not book.two_sided
    found = [
        books.mid(book),
        books.spread(book),
        books.microprice(book),
        books.imbalance(book),
        books.imbalance(book, 1),
        books.imbalance_within(book, 0.01),
        *books.depth_within(book, 0.01),
        books.reach(book),
        books.impact(book, 1.0, BID),
        books.impact(book, 1.0, ASK),
    ]
    assert all(math.isnan(number) for number in found)


# -- impact -----------------------------------------------------------------------------------


def walked(rows: np.ndarray, size: float) -> float:
    """The readable twin: take level after level until the order is filled; the average price."""
    left, paid = size, 0.0
    for price, there in rows:
        taken = min(left, there)
        left, paid = left - taken, paid + taken * price
    return paid / size if left <= 0 else math.nan


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        (0.5, BID, 0.01),
        (1.0, BID, 0.01),
        (2.0, BID, 0.015),
        (12.0, BID, (101 + 204 + 990) / 1200 - 1),
        (12.1, BID, None),
        (3.0, ASK, 0.01),
        (8.0, ASK, 1 - (297 + 490) / 800),
        (8.1, ASK, None),
    ],
)
def test_the_impact_on_a_simple_book(size, side, expected):
    found = books.impact(SIMPLE, size, side)
    assert math.isnan(found) if expected is None else found == pytest.approx(expected)


@given(any_book(), st.floats(0.001, 0.999), st.sampled_from((BID, ASK)))
def test_the_impact_equals_the_readable_walk(book, share, side):
    rows = book.asks if side == BID else book.bids
    size = share * rows[:, 1].sum()
    expected = side * (walked(rows, size) / books.mid(book) - 1)
    assert books.impact(book, size, side) == pytest.approx(expected, abs=1e-12)


@given(any_book(), st.floats(0.01, 0.9), st.sampled_from((BID, ASK)), st.floats(1e-3, 1e3))
def test_a_larger_order_costs_no_less_and_none_less_than_half_the_spread(book, share, side, factor):
    rows = book.asks if side == BID else book.bids
    size = share * rows[:, 1].sum()
    small, large = (books.impact(book, part, side) for part in (size, size * 1.1))
    assert books.spread(book) / 2 <= small * (1 + 1e-9) <= large * (1 + 2e-9)
    other = scaled(book, price=factor, size=factor)
    assert books.impact(other, size * factor, side) == pytest.approx(small, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan])
def test_an_order_of_no_size_has_no_impact_to_ask_for(size):
    with pytest.raises(ValueError, match="above 0"):
        books.impact(SIMPLE, size, BID)


# -- recorded ones ----------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_raw_depth_of_an_exchange_is_a_book_and_all_its_measures_are_known(real_data, name):
    book = snapshot(real_data, name)
    assert book.bids.shape == book.asks.shape == (1000, 2)
    assert 0 < books.spread(book) < 1e-4
    assert book.bids[0, 0] < books.microprice(book) < book.asks[0, 0]
    everything = book.asks[:, 1].sum()
    shallow, deep = (books.impact(book, size, BID) for size in (0.1, 0.9 * everything))
    assert shallow == pytest.approx(books.spread(book) / 2)
    assert shallow < deep < books.reach(book)
    assert math.isnan(books.impact(book, 1.01 * everything, BID))
    assert all(-1 < books.imbalance(book, levels) < 1 for levels in (1, 5, 10, None))


@pytest.mark.real
@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_book_is_one(real_data, name):
    quotes = recorded(real_data, name)
    places = range(0, len(quotes.times), 10)
    leans = np.array([books.imbalance(book_at(quotes, place), 1) for place in places])
    assert np.isfinite(leans).all()
