import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.order_books import SNAPSHOTS, any_book, mirrored, scaled, snapshot
from gridkit.analytics import books
from gridkit.analytics.book_levels import levels, quality
from gridkit.analytics.books import ASK, BID, Book
from gridkit.settings import OrderflowSettings

DEFAULTS = OrderflowSettings()
SETTINGS = st.builds(
    OrderflowSettings,
    bucket=st.sampled_from((0.0005, 0.001, 0.01)),
    reach=st.sampled_from((0.002, 0.05, 0.5)),
    strong=st.sampled_from((0.1, 0.3)),
)
NOTHING = np.empty((0, 2))


def strengths_by_loop(book: Book, settings: OrderflowSettings) -> dict[tuple[int, int], tuple]:
    """The readable twin of SPEC D: (side, bucket): (price, strength)."""
    middle, found = books.mid(book), {}
    for side, rows in ((BID, book.bids), (ASK, book.asks)):
        buckets: dict[int, list[tuple[float, float]]] = {}
        for price, size in rows:
            distance = abs(price / middle - 1)
            if distance <= settings.reach + 1e-9:
                step = math.floor(distance / settings.bucket + 1e-9)
                buckets.setdefault(step, []).append((price, size))
        everything = sum(size for inside in buckets.values() for _, size in inside)
        for step, inside in buckets.items():
            size = sum(size for _, size in inside)
            price = sum(price * size for price, size in inside) / size
            nearness = max(0.1, 1 - 10 * abs(price / middle - 1))
            orders = min(1, len(inside) / 10)
            found[side, step] = (price, 0.6 * size / everything + 0.3 * orders + 0.1 * nearness)
    return found


@given(any_book(most=60), SETTINGS)
def test_levels_equal_the_readable_loop(book, settings):
    found = {(level.side, level.price): level.strength for level in levels(book, settings).levels}
    expected = sorted((key[0], *value) for key, value in strengths_by_loop(book, settings).items())
    assert len(found) == len(expected)
    for (side, price), (_, wanted, strength) in zip(sorted(found), expected, strict=True):
        assert price == pytest.approx(wanted)
        assert found[side, price] == pytest.approx(strength)


@given(any_book(most=60), SETTINGS)
def test_quality_equals_the_words_of_the_specification(book, settings):
    found = levels(book, settings)
    values = [level.strength for level in found.levels]
    if not values:
        assert math.isnan(found.quality)
        return
    expected = (
        0.4 * min(1, len(values) / 10)
        + 0.4 * statistics.fmean(values)
        + 0.1 * (1 - statistics.pstdev(values))
        + 0.1 * min(1, sum(value > settings.strong for value in values) / 5)
    )
    assert found.quality == pytest.approx(expected)
    assert 0 <= found.quality <= 1


def test_the_levels_of_a_small_book_by_hand():
    bids = [[99.98, 6.0], [99.92, 2.0], [99.85, 2.0]]
    asks = [[100.02, 4.0], [104.0, 4.0], [106.0, 99.0]]
    found = levels(Book(bids, asks), DEFAULTS)
    near, far = (level for level in found.levels if level.side == BID)
    assert near.price == pytest.approx((6 * 99.98 + 2 * 99.92) / 8)
    nearness = 1 - 10 * (100 - near.price) / 100
    assert near.strength == pytest.approx(0.6 * 0.8 + 0.3 * 0.2 + 0.1 * nearness)
    assert (near.rank, far.rank) == (1, 2)
    assert far.strength == pytest.approx(0.6 * 0.2 + 0.3 * 0.1 + 0.1 * 0.985)
    asked = {level.price: level.strength for level in found.levels if level.side == ASK}
    assert asked == pytest.approx({100.02: 0.3 + 0.03 + 0.1 * 0.998, 104.0: 0.3 + 0.03 + 0.1 * 0.6})


def test_far_from_the_middle_the_distance_counts_no_less_and_the_nearer_of_equals_is_first():
    far = [[95.0, 1.0], [85.0, 1.0], [70.0, 1.0], [60.0, 1.0]]
    found = levels(Book(far, [[105.0, 1.0]]), OrderflowSettings(reach=0.5)).levels
    bids = [level for level in found if level.side == BID]
    assert [level.price for level in bids] == [95.0, 85.0, 70.0, 60.0]
    assert [level.rank for level in bids] == [1, 2, 3, 4]
    least = 0.6 / 4 + 0.3 / 10 + 0.1 * 0.1
    assert [level.strength for level in bids[1:]] == pytest.approx([least] * 3)


def test_the_strongest_that_can_be_is_everything_in_ten_orders_at_the_middle():
    step = 1e-7 * np.arange(1, 11)
    ones = np.ones(10)
    book = Book(np.column_stack([1 - step, ones]), np.column_stack([1 + step, ones]))
    assert [level.strength for level in levels(book, DEFAULTS).levels] == pytest.approx(
        [1.0, 1.0], abs=1e-6
    )


@given(any_book(most=60), SETTINGS)
def test_levels_are_ranked_within_their_side_and_bounded(book, settings):
    found = levels(book, settings).levels
    assert [level.strength for level in found] == sorted(
        (level.strength for level in found), reverse=True
    )
    assert all(0.01 <= level.strength <= 1 for level in found)
    for side, rows in ((BID, book.bids), (ASK, book.asks)):
        own = [level for level in found if level.side == side]
        assert [level.rank for level in own] == list(range(1, len(own) + 1))
        prices = rows[:, 0]
        assert all(
            prices.min() * (1 - 1e-12) <= level.price <= prices.max() * (1 + 1e-12) for level in own
        )


@given(any_book(most=60), st.sampled_from((1e-4, 3.7, 5e3)), st.sampled_from((1e-3, 7.0)))
def test_levels_have_no_unit_and_mirror(book, price, size):
    def told(book: Book, price: float = 1.0, side: int = 1) -> list[float]:
        found = levels(book, DEFAULTS)
        own = sorted((side * level.side, level.price * price) for level in found.levels)
        return [found.quality, *(number for pair in own for number in pair)]

    expected = told(book)
    assert told(scaled(book, price, size), 1 / price) == pytest.approx(expected, rel=1e-9)
    turned = levels(mirrored(book), DEFAULTS)
    assert turned.quality == pytest.approx(expected[0], nan_ok=True)


@pytest.mark.parametrize(
    ("strengths", "expected"),
    [
        ([1.0], 0.04 + 0.4 + 0.1 + 0.02),
        ([1.0] * 10, 1.0),
        ([0.1] * 10, 0.4 + 0.04 + 0.1),
        ([0.0, 0.2], 0.08 + 0.04 + 0.09 + 0.02),
    ],
)
def test_the_quality_of_given_strengths(strengths, expected):
    assert quality(strengths, 0.1) == pytest.approx(expected)


@pytest.mark.parametrize(
    "book",
    [Book(NOTHING, NOTHING), Book([[99.0, 1.0]], NOTHING), Book(NOTHING, [[99.0, 1.0]])],
)
def test_a_book_with_an_empty_side_has_no_middle_and_so_no_levels(book):
    found = levels(book, DEFAULTS)
    assert found.levels == ()
    assert math.isnan(found.quality)


def test_a_book_with_nothing_within_reach_has_no_levels():
    found = levels(Book([[80.0, 1.0]], [[120.0, 1.0]]), DEFAULTS)
    assert found.levels == ()
    assert math.isnan(found.quality)


@pytest.mark.real
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_raw_snapshot_has_levels_that_lines_may_move_to(real_data, name):
    """SPEC D moves a line to a level of strength 0.3 and rank 5, in a book of quality 0.3."""
    found = levels(snapshot(real_data, name), DEFAULTS)
    assert found.quality > 0.3
    for side in (BID, ASK):
        own = [level for level in found.levels if level.side == side]
        assert sum(level.strength >= 0.3 and level.rank <= 5 for level in own) >= 3
