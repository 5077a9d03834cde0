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
from gridkit.analytics.books import ASK, BID, Book, mid
from gridkit.analytics.walls import Wall, standing, walls

MULTIPLE = 5.0


def even(levels: int) -> Book:
    ticks = np.arange(1, levels + 1)
    sides = (np.column_stack([1_000 + way * ticks, np.ones(levels)]) for way in (-1, 1))
    return Book(*sides)


def by_loop(sizes: list[float], multiple: float) -> list[int]:
    """The readable twin: each level against its twenty nearest, one after the other."""
    found = []
    for level, size in enumerate(sizes):
        count = min(20, len(sizes) - 1)
        first = min(max(0, level - count // 2), len(sizes) - 1 - count)
        others = sizes[:level] + sizes[level + 1 :]
        around = others[first : first + count]
        if len(around) < 4:
            continue
        if size >= multiple * np.median(around) and size >= multiple * np.mean(around):
            found.append(level)
    return found


@given(any_book(most=60), st.sampled_from((1.5, 5.0, 20.0)))
def test_walls_equal_the_readable_loop(book, multiple):
    found = walls(book, multiple)
    for side, rows in ((BID, book.bids[1:]), (ASK, book.asks[1:])):
        expected = [rows[level, 0] for level in by_loop(rows[:, 1].tolist(), multiple)]
        assert [wall.price for wall in found if wall.side == side] == expected


@pytest.mark.parametrize("side", [BID, ASK])
@pytest.mark.parametrize("level", [1, 2, 10, 19])
def test_in_an_even_book_a_wall_is_exactly_the_multiple_of_the_median(side, level):
    book = even(20)
    assert walls(with_size(book, side, level, 4.999), MULTIPLE) == ()
    (wall,) = walls(with_size(book, side, level, 5.0), MULTIPLE)
    assert wall == Wall(1_000 - side * (level + 1), 5.0, 5.0, side)
    assert walls(with_size(book, side, level, 5.0), 5.5) == ()


def test_an_even_book_has_no_wall_and_the_queue_at_the_best_price_is_none():
    assert walls(even(50), MULTIPLE) == ()
    assert walls(with_size(even(50), BID, 0, 1e6), MULTIPLE) == ()


def test_two_walls_do_not_hide_each_other():
    book = with_size(with_size(even(20), BID, 5, 20.0), BID, 8, 20.0)
    assert [wall.price for wall in walls(book, MULTIPLE)] == [994.0, 991.0]


@pytest.mark.parametrize("levels", [0, 1, 2, 5])
def test_among_too_few_neighbours_nothing_stands_out(levels):
    book = even(levels)
    if levels > 1:
        book = with_size(book, ASK, levels - 1, 1e6)
    assert walls(book, MULTIPLE) == ()


def test_four_neighbours_are_enough():
    assert len(walls(with_size(even(6), ASK, 5, 1e6), MULTIPLE)) == 1


@given(any_book(), st.floats(1e-3, 1e3))
def test_walls_have_no_unit_and_mirror(book, factor):
    found = walls(book, MULTIPLE)
    price, size = factor, 2.0 ** round(np.log2(factor))  # powers of two: no rounding at the edge
    other = walls(scaled(book, price, size), MULTIPLE)
    assert [(wall.side, wall.times) for wall in other] == [
        (wall.side, wall.times) for wall in found
    ]
    twice = 2 * mid(book)
    turned = {(-wall.side, twice - wall.price, wall.size) for wall in walls(mirrored(book), 5.0)}
    assert turned == {(wall.side, wall.price, wall.size) for wall in found}


@given(any_book(least=6), st.data())
def test_a_wall_remains_one_as_it_grows(book, data):
    side = data.draw(st.sampled_from((BID, ASK)))
    rows = book.bids if side == BID else book.asks
    level = data.draw(st.integers(1, len(rows) - 1))
    before = {wall.price for wall in walls(book, MULTIPLE)}
    grown = walls(with_size(book, side, level, rows[level, 1] * 3), MULTIPLE)
    assert rows[level, 0] not in before or rows[level, 0] in {wall.price for wall in grown}


# -- standing ---------------------------------------------------------------------------------


def test_a_wall_stands_if_half_of_it_rested_in_every_earlier_book():
    book = with_size(with_size(even(20), BID, 5, 40.0), ASK, 7, 40.0)
    found = walls(book, MULTIPLE)
    assert len(found) == 2
    enough, little = with_size(book, BID, 5, 20.0), with_size(book, BID, 5, 19.9)
    assert standing(found, []) == found
    assert standing(found, [enough, book]) == found
    assert standing(found, [book, little, book]) == found[1:]
    assert standing(found, [Book([], []), book]) == ()


def test_what_an_earlier_book_does_not_show_did_not_stand():
    book = with_size(even(20), ASK, 18, 40.0)
    found = walls(book, MULTIPLE)
    assert standing(found, [book.first(19)]) == found
    assert standing(found, [book.first(18)]) == ()


# -- recorded books ---------------------------------------------------------------------------


def planting(books: list[Book], share: float, count: int) -> float:
    """Share of planted walls that are found.

    Each at a random level of a random side of a random book, as large as `share` of all that rests
    on that side behind the best price.
    """
    noise, hits = np.random.default_rng(7), 0
    for _ in range(count):
        book, side = books[noise.integers(len(books))], int(noise.choice([BID, ASK]))
        rows = book.bids if side == BID else book.asks
        level = int(noise.integers(1, len(rows)))
        size = share * rows[1:, 1].sum() + rows[level, 1]
        found = walls(with_size(book, side, level, size), MULTIPLE)
        hits += (side, rows[level, 0]) in {(wall.side, wall.price) for wall in found}
    return hits / count


def alarms(books: list[Book]) -> float:
    """Walls per level that could be one, in the books as they are."""
    levels = sum(len(book.bids) + len(book.asks) - 2 for book in books)
    return sum(len(walls(book, MULTIPLE)) for book in books) / levels


def pages(book: Book, levels: int) -> list[Book]:
    """A deep book as many shallow ones: the parts of its sides that belong together."""
    starts = range(0, len(book.bids), levels)
    return [Book(book.bids[at : at + levels], book.asks[at : at + levels]) for at in starts]


SECONDS = (10, 20, 30)  # before a book, at which a standing wall rested too


@pytest.mark.real
@pytest.mark.parametrize(("name", "most"), list(zip(RECORDED, (0.03, 0.06), strict=True)))
def test_a_wall_planted_in_a_recorded_book_is_found_and_alarms_are_few(real_data, name, most):
    quotes = recorded(real_data, name)
    books = [book_at(quotes, place) for place in range(0, len(quotes.times), 20)]
    assert planting(books, share=0.25, count=500) >= 0.9
    assert alarms(books) <= most


@pytest.mark.real
@pytest.mark.parametrize("name", RECORDED)
def test_of_the_alarms_in_recorded_books_hardly_any_stands_for_half_a_minute(real_data, name):
    quotes = recorded(real_data, name)
    first = np.searchsorted(quotes.times, quotes.times[0] + SECONDS[-1])
    found = levels = 0
    for place in range(first, len(quotes.times), 30):
        befores = [np.searchsorted(quotes.times, quotes.times[place] - ago) for ago in SECONDS]
        book, earlier = book_at(quotes, place), [book_at(quotes, before) for before in befores]
        found += len(standing(walls(book, MULTIPLE), earlier))
        levels += len(book.bids) + len(book.asks) - 2
    assert 0 < found / levels <= 0.01


@pytest.mark.real
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_wall_planted_in_a_raw_snapshot_is_found_and_alarms_are_few(real_data, name):
    books = pages(snapshot(real_data, name), 20)
    assert planting(books, share=1 / 3, count=300) >= 0.9
    assert alarms(books) <= 0.08
