import math
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.order_books import (
    RECORDED,
    any_book,
    book_at,
    mirrored,
    recorded,
    scaled,
    with_size,
)
from gridkit.analytics import book_flow, books, evidence, flow, trades
from gridkit.analytics.books import ASK, BID, Book
from gridkit.analytics.flow import Analysis, Measures, analyze
from gridkit.analytics.trades import Tape
from gridkit.settings import OrderflowSettings, Settings

NOW = 1_700_000_000.0
DEFAULTS = Settings()
EVIDENCE = ("imbalance", "microprice", "order flow", "trades", "whales")
ROWS = st.lists(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=0, max_size=3), max_size=4
)
SHARES = st.floats(-1, 1) | st.just(math.nan)


def dated(book: Book, time: float) -> Book:
    return Book(book.bids, book.asks, time)


@st.composite
def any_tape(draw: st.DrawFn) -> Tape:
    imbalance = draw(SHARES)
    return Tape(
        delta=imbalance * 10,
        buy_pressure=(1 + imbalance) / 2,
        imbalance=imbalance,
        trades=draw(st.integers(1, 10_000)),
        vwap_deviation=draw(SHARES),
        whale_share=draw(SHARES),
        unknown_share=draw(st.floats(0, 1) | st.just(math.nan)),
        age_seconds=draw(st.sampled_from((0.0, 299.0, 300.0, 301.0, math.nan))),
    )


@st.composite
def any_history(draw: st.DrawFn, most: int = 40) -> list[Book]:
    """Books every few seconds up to now, some far too old, some of one side, in any order."""
    step = draw(st.sampled_from((0.0, 1.0, 30.0, 120.0)))
    few = draw(st.lists(any_book(least=0), min_size=1, max_size=4))
    picks = draw(st.lists(st.integers(0, len(few) - 1), max_size=most))
    return [dated(few[pick], NOW - step * (place + 1)) for place, pick in enumerate(picks)]


TIMES = st.sampled_from((NOW, NOW - 30, NOW - 31, NOW + 3, NOW + 400, math.nan))
RAW = st.fixed_dictionaries(
    {"bids": ROWS | st.none(), "asks": ROWS}, optional={"timestamp": st.floats() | st.none()}
)
NOW_BOOKS = st.one_of(st.none(), st.builds(dated, any_book(least=0), TIMES), RAW)


def a_tape(**changes: Any) -> Tape:
    tape = Tape(
        delta=0.0,
        buy_pressure=0.5,
        imbalance=0.0,
        trades=100,
        vwap_deviation=0.0,
        whale_share=0.0,
        unknown_share=0.0,
        age_seconds=1.0,
    )
    return replace(tape, **changes)


def a_book(bid_size: float = 1.0, ask_size: float = 1.0, time: float = NOW, best: int = 0) -> Book:
    """Twelve levels a side, a tick of 1 apart; `best` ticks from 1000."""
    ticks = np.arange(1, 13)
    bids = np.column_stack([1_000 + best - ticks, np.full(12, bid_size)])
    asks = np.column_stack([1_000 + best + ticks, np.full(12, ask_size)])
    return Book(bids, asks, time)


def bought_into(count: int = 20, size: float = 1.0) -> list[Book]:
    """Books one second apart, each with more bid for than the one before."""
    return [a_book(bid_size=5 + size * place, time=NOW - count + place) for place in range(count)]


def for_quote(quote: float) -> Settings:
    return Settings(orderflow=OrderflowSettings(impact_quote=quote))


def missing(analysis: Analysis) -> set[str]:
    """What was unavailable, without the reasons."""
    assert all(line.split(": ", 1)[1] for line in analysis.unavailable)
    return {line.split(": ", 1)[0] for line in analysis.unavailable}


# -- nothing, and anything --------------------------------------------------------------------


@pytest.mark.parametrize("book", [None, {}, {"bids": [], "asks": []}, Book([], [], NOW)])
def test_nothing_known_is_no_direction_and_says_so(book):
    found = analyze(book, (), None, DEFAULTS, NOW)
    assert (found.direction, found.strength, found.reasons, found.votes) == (0, 0.0, (), ())
    assert (found.walls, found.levels.levels, found.icebergs, found.tape) == ((), (), (), None)
    assert all(math.isnan(number) for number in asdict(found.measures).values())
    assert missing(found) == {"book", "depth ratio", *EVIDENCE}
    assert found.summary.startswith("Nothing is known of where order flow points. Not available: ")
    assert all(line in found.summary for line in found.unavailable)


@given(NOW_BOOKS, any_history(), st.none() | any_tape())
def test_any_mixture_of_what_is_known_and_what_is_not_gets_an_answer(book, history, tape):
    found = analyze(book, history, tape, DEFAULTS, NOW)
    assert 0 <= found.strength <= 1
    assert found.direction in (-1, 0, 1)
    assert bool(found.direction) == (found.strength >= 0.4)
    assert not any(math.isinf(number) for number in asdict(found.measures).values())
    voted = {vote.name for vote in found.votes}
    assert len(voted) == len(found.votes)
    assert voted | missing(found) >= set(EVIDENCE)
    assert not voted & missing(found)
    assert all(-1 <= vote.value <= 1 for vote in found.votes)
    assert set(found.reasons) == {vote.reason for vote in found.votes if vote.value}
    assert all(text in found.summary for text in (*found.reasons, *found.unavailable))
    assert "nan" not in found.summary.replace("not finite", "")


@given(any_book(time=NOW), any_history(), any_tape())
def test_swapped_sides_turn_the_direction_and_keep_the_strength(book, history, tape):
    found = analyze(book, history, tape, DEFAULTS, NOW)
    turned_tape = replace(
        tape,
        imbalance=-tape.imbalance,
        whale_share=-tape.whale_share,
        buy_pressure=1 - tape.buy_pressure,
    )
    turned_history = [mirrored(item, 100_000.0) for item in history]
    turned = analyze(mirrored(book, 100_000.0), turned_history, turned_tape, DEFAULTS, NOW)
    assert turned.strength == pytest.approx(found.strength, abs=1e-9)
    if abs(found.strength - 0.4) > 1e-9:
        assert turned.direction == -found.direction
    for name in ("imbalance_best", "imbalance", "imbalance_all", "order_flow", "flow_pressure"):
        number = getattr(found.measures, name)
        assert getattr(turned.measures, name) == pytest.approx(-number, abs=1e-6, nan_ok=True)


@given(any_book(time=NOW), any_history(), any_tape(), st.sampled_from((0.25, 64.0)))
def test_neither_the_unit_of_price_nor_that_of_size_matters(book, history, tape, factor):
    found = analyze(book, history, tape, DEFAULTS, NOW)
    unavailable = tuple(line.replace("1,000", f"{1_000 * factor:,g}") for line in found.unavailable)
    as_much = for_quote(1_000 * factor)
    for price, size in ((factor, 1.0), (1.0, factor)):
        past = [scaled(item, price, size) for item in history]
        other = analyze(scaled(book, price, size), past, tape, as_much, NOW)
        assert (other.direction, other.reasons, other.unavailable) == (
            found.direction,
            found.reasons,
            unavailable,
        )
        assert other.strength == pytest.approx(found.strength)
        for name in ("impact_buy", "impact_sell"):
            expected = pytest.approx(getattr(found.measures, name), nan_ok=True)
            assert getattr(other.measures, name) == expected


@given(any_book(time=NOW), any_tape(), st.floats(1.0, 100.0), st.integers(0, 9))
def test_more_size_bid_never_points_further_down(book, tape, factor, level):
    def score(found: Analysis) -> float:
        return sum(vote.value * vote.weight for vote in found.votes)

    level = min(level, len(book.bids) - 1)
    more = with_size(book, BID, level, book.bids[level, 1] * factor)
    before, after = (score(analyze(item, (), tape, DEFAULTS, NOW)) for item in (book, more))
    assert after >= before - 1e-12


# -- what is not used, and why ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("book", "why"),
    [
        (None, "none"),
        (a_book(time=NOW - 45), "45 s old"),
        (a_book(time=NOW + 45), "dated 45 s ahead of now"),
        (a_book(time=math.nan), "its time is not known"),
        ({"bids": [[101, 1]], "asks": [[100, 1]]}, "the book is crossed: bid 101, ask 100"),
        ({"bids": [[99, 1]], "asks": [[100, 1]]}, "its time is not known"),
        ({"bids": [[1, -1]], "asks": []}, "bids have a price or a size that is no finite number"),
        (Book([[99.0, 1.0]], [], NOW), "no asks"),
        (Book([], [[99.0, 1.0]], NOW), "no bids"),
        (Book([], [], NOW), "no bids and no asks"),
    ],
)
def test_a_book_that_cannot_be_used_is_listed_with_the_reason(book, why):
    found = analyze(book, (), a_tape(imbalance=0.5), DEFAULTS, NOW)
    assert any(line.startswith(f"book: {why}") for line in found.unavailable)
    assert math.isnan(found.measures.mid)
    assert (found.walls, found.levels.levels) == ((), ())
    assert [vote.name for vote in found.votes] == ["trades", "whales"]


@pytest.mark.parametrize("age", [-30.0, 0.0, 30.0])
def test_a_book_is_of_now_up_to_its_greatest_age(age):
    assert "book" not in missing(analyze(a_book(time=NOW - age), (), None, DEFAULTS, NOW))


def test_a_raw_book_is_analyzed_as_the_book_it_is():
    book = a_book(bid_size=3.0)
    raw = {"bids": book.bids.tolist(), "asks": book.asks.tolist(), "timestamp": NOW * 1_000}
    assert analyze(raw, (), None, DEFAULTS, NOW).summary == (
        analyze(book, (), None, DEFAULTS, NOW).summary
    )


@pytest.mark.parametrize(
    ("tape", "lines"),
    [
        (None, ("trades: none in the last 300 s", "whales: no trades in the last 300 s")),
        (
            a_tape(age_seconds=301.0),
            ("trades: none in the last 300 s", "whales: no trades in the last 300 s"),
        ),
        (
            a_tape(age_seconds=math.nan),
            ("trades: none in the last 300 s", "whales: no trades in the last 300 s"),
        ),
        (
            a_tape(imbalance=math.nan),
            ("trades: nobody knows which were bought and which sold",),
        ),
        (a_tape(whale_share=math.nan), ("whales: too few trades to know what is large",)),
    ],
)
def test_trades_that_say_nothing_are_listed_with_the_reason(tape, lines):
    found = analyze(a_book(), (), tape, DEFAULTS, NOW)
    said = [line for line in found.unavailable if line.startswith(("trades", "whales"))]
    assert tuple(said) == lines


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([], "1 of the 11 books needed in the last 300 s"),
        ([dated(Book([[9.0, 1.0]], []), NOW - at) for at in range(1, 40)], "1 of the 11 books"),
        (bought_into(9), "10 of the 11 books needed in the last 300 s"),
        ([a_book(time=NOW - 200 - place) for place in range(300)], "101 books did not change"),
        ([a_book(time=NOW - 300 - place) for place in range(50)], "1 of the 11 books needed"),
    ],
)
def test_too_few_changes_of_the_book_say_nothing(history, why):
    found = analyze(a_book(), history, None, DEFAULTS, NOW)
    assert any(line.startswith(f"order flow: {why}") for line in found.unavailable)
    assert math.isnan(found.measures.order_flow)


def test_without_a_book_of_now_the_last_of_the_history_must_be_one():
    past = [dated(book, book.time - 60) for book in bought_into()]
    found = analyze(None, past, None, DEFAULTS, NOW)
    assert "order flow: the last book is 61 s old" in found.unavailable
    assert [vote.name for vote in analyze(None, bought_into(), None, DEFAULTS, NOW).votes] == [
        "order flow"
    ]


def test_a_shallow_book_does_not_say_what_rests_further_away():
    near = Book([[99.99, 1.0]], [[100.01, 1.0]], NOW)
    found = analyze(near, (), None, DEFAULTS, NOW)
    assert math.isnan(found.measures.imbalance_near)
    line = "imbalance near the middle: the book reaches 0.010% and not 0.10%"
    assert line in found.unavailable
    wide = Book([[99.0, 1.0]], [[101.0, 1.0]], NOW)
    line = "imbalance near the middle: nothing rests within 0.10%"
    assert line in analyze(wide, (), None, DEFAULTS, NOW).unavailable


# -- what is used -----------------------------------------------------------------------------


def test_every_measure_is_that_of_its_function():
    book = a_book(bid_size=30.0, ask_size=10.0)
    history = [dated(a_book(best=place % 3), NOW - 3_000 + 30 * place) for place in range(99)]
    history += bought_into()
    found = analyze(book, history, a_tape(), DEFAULTS, NOW).measures
    recent = [item for item in [*history, book] if item.time > NOW - 300]
    recent = list({item.time: item for item in recent}.values())
    recent.sort(key=lambda item: item.time)
    changes = book_flow.total_flow(book_flow.quotes_of(recent, 10))
    assert found.mid == books.mid(book)
    assert found.spread == books.spread(book)
    assert found.microprice == books.microprice(book)
    assert found.imbalance_best == books.imbalance(book, 1) == 0.5
    assert found.imbalance_five == found.imbalance == found.imbalance_all == 0.5
    assert found.imbalance_near == books.imbalance_within(book, 0.001)
    assert found.order_flow == pytest.approx(np.nansum(changes))
    assert found.flow_pressure == pytest.approx(book_flow.pressure(changes))
    assert found.depth_ratio > 1
    assert not any(math.isnan(getattr(found, field.name)) for field in fields(Measures))


def test_walls_levels_and_icebergs_of_the_book_are_there_and_told():
    sizes = (10, 4, 10, 4, 10, 4, 10, 4, 10, 4, 10, 4)
    past = [with_size(a_book(time=NOW - 12 + at), BID, 0, size) for at, size in enumerate(sizes)]
    past = [with_size(with_size(item, ASK, 6, 50.0), ASK, 3, 5.0) for item in past]
    book = with_size(with_size(a_book(), BID, 0, 10.0), ASK, 6, 50.0)
    book = with_size(book, BID, 8, 30.0)  # only just appeared
    found = analyze(book, past, None, DEFAULTS, NOW)
    assert [(wall.price, wall.side) for wall in found.walls] == [(1_007.0, ASK)]
    assert [(hint.price, hint.refills) for hint in found.icebergs] == [(999.0, 6)]
    assert len(found.levels.levels) > 10
    assert found.levels.quality > 0.3
    assert "A wall: 50 asked at 1007, 50 times its neighbours." in found.summary
    assert "What is bid at 999 was refilled 6 times." in found.summary
    assert analyze(None, past, None, DEFAULTS, NOW).icebergs == ()


def test_the_order_of_the_history_and_the_book_being_in_it_do_not_matter():
    history = bought_into()
    book = a_book(bid_size=99.0)
    expected = analyze(book, history, None, DEFAULTS, NOW)
    shuffled = [*history[7:], book, *history[:7], dated(book, math.nan)]
    assert analyze(book, shuffled, None, DEFAULTS, NOW) == expected


def test_books_after_now_do_not_count():
    later = [dated(item, item.time + 3_000) for item in bought_into()]
    found = analyze(a_book(), later, None, DEFAULTS, NOW)
    assert "order flow: 1 of the 11 books needed in the last 300 s" in found.unavailable


# -- what follows -----------------------------------------------------------------------------


def value_of(found: Analysis, name: str) -> float:
    (vote,) = [vote for vote in found.votes if vote.name == name]
    return vote.value


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        (1.19, 0.81, 0.0),
        (1.21, 0.79, 0.21 / 0.7),
        (1.35, 0.65, 0.5),
        (1.71, 0.29, 1.0),
        (1.99, 0.01, 1.0),
        (0.65, 1.35, -0.5),
    ],
)
def test_depth_says_nothing_below_the_significant_and_everything_when_one_sided(
    bids, asks, expected
):
    found = analyze(a_book(bids, asks), (), None, DEFAULTS, NOW)
    assert value_of(found, "imbalance") == pytest.approx(expected)
    assert value_of(found, "microprice") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("imbalance", "unknown", "expected"),
    [(0.19, 0.0, 0.0), (0.35, 0.0, 0.5), (-0.8, 0.0, -1.0), (0.7, 0.5, 0.5), (0.3, 0.5, 0.0)],
)
def test_trades_of_unknown_side_weaken_what_the_others_say(imbalance, unknown, expected):
    tape = a_tape(imbalance=imbalance, unknown_share=unknown)
    found = analyze(None, (), tape, DEFAULTS, NOW)
    assert value_of(found, "trades") == pytest.approx(expected)


@pytest.mark.parametrize(("share", "expected"), [(0.1, 0.5), (-0.1, -0.5), (0.2, 1.0), (0.9, 1.0)])
def test_whales_count_fully_from_a_significant_share_on(share, expected):
    found = analyze(None, (), a_tape(whale_share=share), DEFAULTS, NOW)
    assert value_of(found, "whales") == pytest.approx(expected)


def test_steady_additions_to_the_bids_count_as_buying():
    found = analyze(a_book(bid_size=99.0), bought_into(), None, DEFAULTS, NOW)
    assert found.measures.flow_pressure == 1.0
    assert value_of(found, "order flow") == 1.0


def test_the_strength_is_the_weighted_mean_of_what_is_known():
    tape = a_tape(imbalance=0.35, whale_share=-0.1)
    found = analyze(a_book(1.35, 0.65), (), tape, DEFAULTS, NOW)
    weights = {vote.name: vote.weight for vote in found.votes}
    assert weights == {"imbalance": 0.3, "microprice": 0.1, "trades": 0.25, "whales": 0.1}
    expected = (0.3 * 0.5 + 0.1 * 0.5 + 0.25 * 0.5 - 0.1 * 0.5) / 0.75
    assert found.strength == pytest.approx(expected)
    full = analyze(a_book(bid_size=99.0), bought_into(), tape, DEFAULTS, NOW)
    assert sum(vote.weight for vote in full.votes) == pytest.approx(1.0)


def test_one_small_piece_of_evidence_alone_is_never_strong():
    found = analyze(None, (), a_tape(imbalance=math.nan, whale_share=1.0), DEFAULTS, NOW)
    assert found.strength == pytest.approx(0.1 / 0.5)
    assert found.direction == 0


@pytest.mark.parametrize(("threshold", "direction"), [(0.4, 1), (0.49, 1), (0.51, 0)])
def test_a_direction_needs_the_action_threshold(threshold, direction):
    settings = Settings(orderflow=OrderflowSettings(action_threshold=threshold))
    found = analyze(None, (), a_tape(imbalance=0.7, whale_share=0.0), settings, NOW)
    assert found.strength == pytest.approx(0.5)
    assert found.direction == direction


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"significant": 0.5}, lambda found: value_of(found, "imbalance")),
        ({"one_sided": 0.9}, lambda found: value_of(found, "imbalance")),
        ({"imbalance_depth": 1}, lambda found: found.measures.imbalance),
        ({"tape_seconds": 15.0}, lambda found: found.measures.order_flow),
        ({"depth": 5, "imbalance_depth": 5}, lambda found: found.measures.depth_ratio),
        ({"bucket": 0.005}, lambda found: found.measures.imbalance_near),
        ({"reach": 0.003}, lambda found: found.levels),
        ({"strong": 0.5}, lambda found: found.levels.quality),
        ({"wall_multiple": 60.0}, lambda found: found.walls),
        ({"max_age_seconds": 0.5}, lambda found: found.measures.mid),
        ({"impact_quote": 20_000.0}, lambda found: found.measures.impact_buy),
        ({"action_threshold": 0.6}, lambda found: found.direction),
    ],
)
def test_every_setting_changes_what_it_is_for(changed, differs):
    book = with_size(a_book(30.0, 10.0, NOW - 1), ASK, 6, 50.0)
    book = with_size(book, BID, 0, 12.0)
    past = [a_book(9 + place % 3, 8.0, NOW - 3_000 + 30 * place) for place in range(98)]
    past += [a_book(9 + place, 8.0, NOW - 20 + place) for place in range(18)]
    past = [with_size(with_size(item, BID, 0, 20.0), ASK, 6, 50.0) for item in past]
    results = [
        differs(analyze(book, past, a_tape(imbalance=0.5), settings, NOW))
        for settings in (DEFAULTS, Settings(orderflow=OrderflowSettings(**changed)))
    ]
    assert str(results[0]) != str(results[1])


@pytest.mark.parametrize("edge", [{"significant": at, "one_sided": at} for at in (0.0, 1.0)])
@given(any_book(time=NOW), any_tape())
def test_no_setting_divides_by_zero(edge, book, tape):
    settings = Settings(orderflow=OrderflowSettings(**edge))
    assert 0 <= analyze(book, bought_into(), tape, settings, NOW).strength <= 1


def test_the_summary_is_a_paragraph_of_plain_words():
    tape = a_tape(imbalance=-0.8, whale_share=-0.3)
    found = analyze(a_book(1.0, 3.0), (), tape, DEFAULTS, NOW)
    assert found.direction == -1
    assert found.summary == (
        "Order flow points down: its strength 0.85 of 1 reaches 0.4. "
        "What says so or against it: "
        "trades: takers sold 80% net of the volume of 100 trades; "
        "imbalance: asks exceed bids by 50% of all at the best 10 levels; "
        "whales: they sold 30% net of the volume; "
        "microprice: 50% of the way from the middle to the bid. "
        "The spread is 0.2000%. "
        "Buying for 1,000 moves price 0.1000%. "
        "Selling for 1,000 moves price 0.1000%. "
        "Not available: "
        "order flow: 1 of the 11 books needed in the last 300 s; "
        "depth ratio: too few books over the last hour."
    )


# -- what an order would do to price ----------------------------------------------------------

# The middle is 100, so that 1,000 is worth 10 of either side.
STEPS = Book([[99.0, 4.0], [98.0, 6.0], [90.0, 90.0]], [[101.0, 5.0], [103.0, 95.0]], NOW)


@pytest.mark.parametrize(
    ("quote", "buy", "sell"),
    [
        (400.0, 0.01, 0.01),
        (1_000.0, (5 * 0.01 + 5 * 0.03) / 10, (4 * 0.01 + 6 * 0.02) / 10),
        (2_000.0, (5 * 0.01 + 15 * 0.03) / 20, (4 * 0.01 + 6 * 0.02 + 10 * 0.10) / 20),
        (10_000.0, (5 * 0.01 + 95 * 0.03) / 100, (4 * 0.01 + 6 * 0.02 + 90 * 0.10) / 100),
    ],
)
def test_the_impact_of_an_order_is_the_mean_of_the_levels_it_takes(quote, buy, sell):
    found = analyze(STEPS, (), None, for_quote(quote), NOW)
    assert found.measures.impact_buy == pytest.approx(buy)
    assert found.measures.impact_sell == pytest.approx(sell)
    assert f"Buying for {quote:,g} moves price {buy:.4%}. " in found.summary
    assert f"Selling for {quote:,g} moves price {sell:.4%}. " in found.summary


QUOTES = st.floats(10, 10_000_000)


@given(any_book(time=NOW), QUOTES, QUOTES)
def test_a_larger_order_moves_price_no_less_or_is_not_known(book, one, other):
    small, large = (
        analyze(book, (), None, for_quote(quote), NOW).measures for quote in sorted((one, other))
    )
    for name in ("impact_buy", "impact_sell"):
        less, more = getattr(small, name), getattr(large, name)
        assert math.isnan(more) or small.spread / 2 <= less * (1 + 1e-9) <= more * (1 + 2e-9)


@given(any_book(time=NOW), QUOTES)
def test_buying_from_a_book_is_selling_to_its_mirror_image(book, quote):
    found, turned = (
        analyze(each, (), None, for_quote(quote), NOW).measures for each in (book, mirrored(book))
    )
    assert turned.impact_buy == pytest.approx(found.impact_sell, abs=1e-12, nan_ok=True)
    assert turned.impact_sell == pytest.approx(found.impact_buy, abs=1e-12, nan_ok=True)


@given(any_book(time=NOW), QUOTES)
def test_the_impact_is_known_or_its_absence_is_explained(book, quote):
    found = analyze(book, (), None, for_quote(quote), NOW)
    for doing, name, rows in (("buying", "buy", book.asks), ("selling", "sell", book.bids)):
        thin = rows[:, 1].sum() < quote / books.mid(book)
        assert math.isnan(getattr(found.measures, f"impact_{name}")) == thin
        assert (f"impact of {doing}" in missing(found)) == thin
        assert (f"{doing.capitalize()} for" in found.summary) == (not thin)


def test_a_book_too_thin_for_the_order_is_named_with_what_it_holds():
    thin = Book([[99.0, 40.0], [98.0, 59.9]], [[101.0, 25.0]], NOW)
    found = analyze(thin, (), None, for_quote(10_000.0), NOW)
    assert math.isnan(found.measures.impact_buy)
    assert math.isnan(found.measures.impact_sell)
    assert [line for line in found.unavailable if line.startswith("impact")] == [
        "impact of buying: the asks hold 25.0% of what 10,000 is worth",
        "impact of selling: the bids hold 99.9% of what 10,000 is worth",
    ]
    assert "moves price" not in found.summary


def test_large_sums_are_written_out():
    found = analyze(a_book(99_999.0, 99_999.0), (), None, for_quote(10_000_000.0), NOW)
    assert "Buying for 10,000,000 moves price" in found.summary


# -- old trades -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "share"),
    [
        (0.0, 1.0),
        (30.0, 1.0),
        (60.0, 0.9),
        (180.0, 0.5),
        (214.0, 1 - 184 / 300),
        (300.0, 0.1),
        (330.0, 0.0),
        (900.0, 0.0),
        (math.nan, 0.0),
    ],
)
def test_old_trades_lose_weight_in_a_straight_line(age, share):
    tape = a_tape(imbalance=0.7, whale_share=0.5, age_seconds=age)
    votes = (
        evidence.of_trades(tape, DEFAULTS.orderflow),
        evidence.of_whales(tape, DEFAULTS.orderflow),
    )
    assert [vote.weight for vote in votes] == pytest.approx([0.25 * share, 0.1 * share])
    assert [vote.value for vote in votes] == [1.0, 1.0]


def test_the_weight_of_old_trades_is_by_both_settings():
    rule = OrderflowSettings(max_age_seconds=100.0, tape_seconds=200.0)
    assert evidence.freshness(150.0, rule) == pytest.approx(0.75)


@given(any_book(time=NOW), any_tape(), st.floats(0, 300), st.floats(0, 300))
def test_older_trades_never_count_for_more(book, tape, one, other):
    fresh, old = (
        analyze(book, (), replace(tape, age_seconds=age), DEFAULTS, NOW)
        for age in sorted((one, other))
    )
    for before, after in zip(fresh.votes, old.votes, strict=True):
        assert (after.name, after.value) == (before.name, before.value)
        assert 0 <= after.weight <= before.weight
        assert before.name in ("trades", "whales") or after.weight == before.weight


def test_the_age_of_old_trades_is_said_and_that_of_fresh_ones_is_not():
    for age, words in ((30.0, ""), (30.6, ", the last 31 s old"), (214.2, ", the last 214 s old")):
        tape = a_tape(imbalance=0.8, whale_share=0.3, age_seconds=age)
        found = analyze(a_book(), (), tape, DEFAULTS, NOW)
        assert found.reasons == (
            f"trades{words}: takers bought 80% net of the volume of 100 trades",
            f"whales{words}: they bought 30% net of the volume",
        )
        assert all(reason in found.summary for reason in found.reasons)


def test_old_trades_alone_are_no_direction():
    fresh, old = (
        analyze(None, (), a_tape(imbalance=0.9, age_seconds=age), DEFAULTS, NOW)
        for age in (1.0, 214.0)
    )
    assert fresh.direction == 1
    assert old.direction == 0
    assert old.strength == pytest.approx(0.25 * (1 - 184 / 300) / 0.5)


# -- recorded books and trades ----------------------------------------------------------------

TRADES = dict(
    zip(RECORDED, ("ETH_BTC-trades.feather", "futures/BTC_USDT_USDT-trades.feather"), strict=True)
)


@pytest.mark.real
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_books_and_trades_are_analyzed_throughout(real_data, name):
    quotes = recorded(real_data, name)
    tape = pd.read_feather(real_data / "microstructure" / "binance" / TRADES[name])
    step = round(2.0 / float(np.median(np.diff(quotes.times))))
    for end in np.linspace(200 * step, len(quotes.times) - 1, 10).astype(int):
        past = [book_at(quotes, place) for place in range(end - 150 * step, end, step)]
        book = book_at(quotes, end)
        now = book.time + 0.5
        last = trades.tape(tape, int(now * 1_000), DEFAULTS)
        found = analyze(book, past, last, for_quote(10.0), now)
        assert {"imbalance", "microprice", "order flow", "trades"} <= {
            vote.name for vote in found.votes
        }
        assert 0 <= found.strength <= 1
        assert flow.summary(found, DEFAULTS.orderflow) != found.summary
        assert flow.summary(found, for_quote(10.0).orderflow) == found.summary
        for side, measure in ((BID, "impact_buy"), (ASK, "impact_sell")):
            expected = books.impact(book, 10.0 / found.measures.mid, side)
            assert str(getattr(found.measures, measure)) == str(expected)
            assert not expected < found.measures.spread / 2 * (1 - 1e-9)
