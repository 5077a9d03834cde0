import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid import tags
from gridkit.grid.lots import Fill, Ledger, Lot, merged

STEP = 0.001


def bought(
    *levels: int, amount: float = 1.0, price: float = 100.0, when: float = 1.0, fee=0.0
) -> Fill:
    return Fill(True, levels, price, amount, when, fee, tags.entry_tag(levels) if levels else "")


def sold(
    *levels: int, amount: float = 1.0, price: float = 101.0, verb: str = tags.SELL, fee: float = 0.0
) -> Fill:
    tag = tags.exit_tag(levels, verb) if levels else "by hand"
    return Fill(False, levels, price, amount, 9.0, fee, tag)


def ledger(*fills: Fill, is_short: bool = False) -> Ledger:
    book = Ledger(is_short=is_short, amount_step=STEP)
    book.apply_all(fills)
    return book


@st.composite
def histories(draw: st.DrawFn) -> list[Fill]:
    """Fills of a trade whose position never turns, with foreign and partial ones among them."""
    fills: list[Fill] = []
    steps = 0
    for when in range(draw(st.integers(1, 25))):
        levels = tuple(sorted(draw(st.sets(st.integers(1, 8), max_size=3))))
        price = draw(st.floats(80.0, 120.0))
        if steps == 0 or draw(st.booleans()):
            amount = draw(st.integers(1, 500))
            steps += amount
            fills.append(bought(*levels, amount=amount * STEP, price=price, when=when))
        else:
            amount = draw(st.integers(1, steps))
            steps -= amount
            verb = draw(st.sampled_from((tags.SELL, tags.STOP, tags.RECOVER)))
            fills.append(sold(*levels, amount=amount * STEP, price=price, verb=verb))
    return fills


@given(histories())
def test_lots_and_dust_are_the_position_always(history):
    book = Ledger(amount_step=STEP)
    position = 0.0
    for fill in history:
        book.apply(fill)
        position += fill.amount if fill.is_entry else -fill.amount
        assert book.amount == pytest.approx(position, abs=STEP * 1e-6)


@given(histories())
def test_a_lot_is_never_the_small_rest_of_a_larger_one(history):
    """What an exit leaves of a lot is at least half a step, or it is dust."""
    book = Ledger(amount_step=STEP)
    for fill in history:
        before = dict(book.lots)
        book.apply(fill)
        for level, lot in book.lots.items():
            assert lot.amount > STEP / 2 or lot == before.get(level) or fill.is_entry


@given(histories(), st.data())
def test_reading_all_fills_again_gives_the_same_ledger_as_reading_on(history, data):
    cut = data.draw(st.integers(0, len(history)))
    read_on = ledger(*history[:cut])
    read_on.apply_all(history[cut:])
    assert read_on == ledger(*history)


@given(histories())
def test_harvest_is_the_profit_of_the_pieces_that_were_closed(history):
    book = Ledger(amount_step=STEP)
    closed = book.apply_all(history)
    assert book.harvest == pytest.approx(sum(piece.profit for piece in closed))
    for piece in closed:
        gained = piece.amount * (piece.exit_price - piece.entry_price) - piece.fees
        assert piece.profit == pytest.approx(gained)


@given(histories())
def test_peak_cost_is_the_most_the_lots_cost_after_any_fill(history):
    """That reading on gives the same as reading again is shown above, for the whole ledger."""
    costs = [ledger(*history[: count + 1]).cost for count in range(len(history))]
    assert ledger(*history).peak_cost == pytest.approx(max(costs))


def test_peak_cost_stays_when_lots_are_sold_or_stopped():
    book = ledger(bought(1), bought(2, price=90.0))
    assert (book.cost, book.peak_cost) == (190.0, 190.0)
    book.apply_all([sold(1, price=99.0), sold(2, price=85.0, verb=tags.STOP)])
    assert (book.cost, book.peak_cost) == (0.0, 190.0)
    book.apply(bought(1))
    assert book.peak_cost == 190.0


@given(histories())
def test_a_short_ledger_earns_what_the_long_one_loses(history):
    long, short = ledger(*history), ledger(*history, is_short=True)
    assert short.harvest == pytest.approx(-long.harvest)
    assert short.lots == long.lots


def test_an_entry_of_several_levels_is_shared_equally():
    book = ledger(bought(2, 3, 4, amount=0.9, fee=0.3))
    assert list(book.lots) == [2, 3, 4]
    assert book.lots[3] == Lot(3, pytest.approx(0.3), 100.0, 1.0, pytest.approx(0.1))


def test_a_second_purchase_of_a_level_averages_its_price_and_keeps_its_age():
    book = ledger(bought(1), bought(1, amount=3.0, price=96.0, when=5.0))
    assert book.lots[1] == Lot(1, 4.0, 97.0, 1.0)
    assert book.last_entry == 5.0


def test_an_exit_takes_the_level_it_names():
    book = ledger(bought(1), bought(2, price=99.0), sold(1, price=99.0))
    assert list(book.lots) == [2]


def test_a_partial_exit_leaves_the_rest_of_the_lot():
    book = ledger(bought(1, fee=0.4), sold(1, amount=0.25))
    assert book.lots[1] == Lot(1, 0.75, 100.0, 1.0, pytest.approx(0.3))


def test_profit_of_a_round_trip_is_after_both_fees():
    book = Ledger(amount_step=STEP)
    (piece,) = book.apply_all([bought(1, fee=0.1), sold(1, fee=0.101)])
    assert piece.fees == pytest.approx(0.201)
    assert (piece.profit, book.harvest) == pytest.approx((1 - 0.201, 1 - 0.201))


def test_what_an_exit_leaves_below_one_step_is_dust():
    book = ledger(bought(1, amount=0.9995), sold(1, amount=0.999))
    assert not book.lots
    assert book.dust == pytest.approx(0.0005)


def test_dust_is_sold_with_a_lot_once_it_makes_a_whole_step():
    book = ledger(bought(1, amount=0.9995), sold(1, amount=0.999))
    book.apply_all([bought(1, amount=0.9995), sold(1, amount=1.0)])
    assert not book.lots
    assert book.dust == pytest.approx(0.0)


def test_a_foreign_exit_takes_the_lots_entered_nearest_to_its_price():
    book = ledger(bought(1), bought(2, price=90.0), sold(amount=1.5, price=92.0))
    assert {level: lot.amount for level, lot in book.lots.items()} == {1: 0.5}


def test_a_foreign_entry_joins_the_nearest_lot():
    book = ledger(bought(1), bought(2, price=90.0), bought(amount=2.0, price=91.0))
    assert book.lots[2].amount == 3.0


def test_a_foreign_entry_into_nothing_is_the_first_level():
    assert list(ledger(bought()).lots) == [1]


def test_an_exit_of_more_than_its_level_takes_the_nearest_others():
    book = ledger(bought(1), bought(2, price=99.0), bought(3, price=90.0), sold(1, amount=1.5))
    assert {level: lot.amount for level, lot in book.lots.items()} == {2: 0.5, 3: 1.0}


def test_an_exit_of_more_than_there_is_leaves_nothing():
    book = ledger(bought(1), sold(1, amount=1.7))
    assert (book.amount, book.lots) == (0.0, {})


def test_an_exit_that_names_no_held_level_takes_the_nearest():
    book = ledger(bought(1), bought(2, price=90.0), sold(7, price=91.0))
    assert list(book.lots) == [1]


@pytest.mark.parametrize("verb", [tags.SELL, tags.FLATTEN, tags.TRIM])
def test_a_level_that_was_sold_may_be_entered_again(verb):
    assert not ledger(bought(1), sold(1, verb=verb)).stopped


def test_a_stop_retires_the_level():
    assert ledger(bought(1), bought(2), sold(1, verb=tags.STOP)).stopped == {1}


def test_a_stop_that_was_filled_in_part_retires_nothing_yet():
    book = ledger(bought(1), sold(1, amount=0.4, verb=tags.STOP))
    assert not book.stopped
    book.apply(sold(1, amount=0.6, verb=tags.STOP))
    assert book.stopped == {1}


def test_a_level_that_is_entered_again_is_no_longer_retired():
    assert not ledger(bought(1), sold(1, verb=tags.STOP), bought(1)).stopped


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(1, 1e5), st.floats(1, 1e5))
def test_a_merged_lot_costs_what_both_cost(one, other, price, next_price):
    both = merged(Lot(1, one, price, 1.0), Lot(1, other, next_price, 2.0))
    assert both.cost == pytest.approx(one * price + other * next_price)
    low, high = sorted((price, next_price))
    assert math.nextafter(low, 0) * (1 - 1e-12) <= both.price <= high * (1 + 1e-12)


# -- what recovery sells, and what becomes of whole lots ---------------------------------------


@pytest.mark.parametrize(
    ("verb", "stopped", "recovered"),
    [(tags.STOP, {1}, set()), (tags.RECOVER, set(), {1}), (tags.SELL, set(), set())],
)
def test_a_level_is_stopped_or_recovered_once_it_is_gone_whole(verb, stopped, recovered):
    book = ledger(bought(1), sold(1, amount=0.4, verb=verb))
    assert (book.stopped, book.recovered) == (set(), set())
    book.apply(sold(1, amount=0.6, verb=verb))
    assert (book.stopped, book.recovered) == (stopped, recovered)
    book.apply(bought(1))
    assert (book.stopped, book.recovered) == (set(), set())


def test_a_lot_sold_in_thirds_is_one_lot_with_all_its_profit_and_cost():
    """Bought for 300 at a fee of 0.3; sold at 91, 92 and 93 for a fee of 0.1 each."""
    book = ledger(bought(1, amount=3.0, fee=0.3))
    for price in (91.0, 92.0, 93.0):
        assert book.done == []
        book.apply(sold(1, price=price, verb=tags.RECOVER, fee=0.1))
    (lot,) = book.done
    assert (lot.level, lot.opened, lot.closed) == (1, 1.0, 9.0)
    assert (lot.profit, lot.cost) == pytest.approx((-24.6, 300.0))
    assert book.parts == {}


def test_losses_of_recovery_are_kept_one_for_each_exit_and_no_profit_with_them():
    book = ledger(bought(1, 2, amount=4.0))
    for price, verb in ((90.0, tags.RECOVER), (110.0, tags.RECOVER), (50.0, tags.STOP)):
        book.apply(sold(1, price=price, verb=verb, amount=0.5))
    assert book.recovery_losses == [(9.0, pytest.approx(5.0))]


@given(histories())
def test_finished_lots_and_open_parts_account_for_every_piece(history):
    book = Ledger(amount_step=STEP)
    pieces = [piece for fill in history for piece in book.apply(fill)]
    profit = sum(lot.profit for lot in book.done) + sum(part[0] for part in book.parts.values())
    cost = sum(lot.cost for lot in book.done) + sum(part[1] for part in book.parts.values())
    assert profit == pytest.approx(sum(piece.profit for piece in pieces), abs=1e-6)
    assert cost == pytest.approx(sum(piece.amount * piece.entry_price for piece in pieces))
    assert set(book.parts) <= set(book.lots)
