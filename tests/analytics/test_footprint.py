import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from freqtrade.data.converter import orderflow as freqtrade
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import footprint, trades
from gridkit.analytics.footprint import Footprint, Stack
from gridkit.settings import OrderflowSettings
from tapes import any_tape, swapped, tape_of

WIDTH = 0.001
NO_LEAST = OrderflowSettings(footprint_share=0.0)


def prints(tape: pd.DataFrame, width: float = WIDTH) -> Footprint:
    return footprint.footprint(trades.read(tape), width)


def made_of(bid: list[float], ask: list[float], bins: list[int] | None = None) -> Footprint:
    """A footprint of these amounts, in neighbouring bins unless they are given."""
    places = np.array(range(len(bid)) if bins is None else bins, dtype="int64")
    unknown = np.zeros(len(bid))
    return Footprint(places, np.exp((places + 0.5) * WIDTH), np.array(bid), np.array(ask), unknown)


# -- volume by price --------------------------------------------------------------------------


@given(any_tape(), st.sampled_from((0.0002, 0.001, 0.02)))
def test_a_footprint_equals_the_readable_loop(tape, width):
    sums: dict[int, dict[str, float]] = defaultdict(lambda: dict.fromkeys(("sell", "buy", ""), 0.0))
    for row in tape.itertuples():
        side = row.side if row.side in {"buy", "sell"} else ""
        sums[math.floor(math.log(row.price) / width)][side] += row.amount
    found = prints(tape, width)
    assert found.bins.tolist() == sorted(sums)
    for name, side in (("bid", "sell"), ("ask", "buy"), ("unknown", "")):
        expected = [sums[place][side] for place in sorted(sums)]
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9)


@given(any_tape(least=1))
def test_nothing_that_was_traded_is_lost(tape):
    found = prints(tape)
    assert found.volume.sum() == pytest.approx(tape["amount"].sum())
    bought, sold = (tape.loc[tape["side"] == side, "amount"].sum() for side in ("buy", "sell"))
    assert found.delta.sum() == pytest.approx(bought - sold, abs=1e-9)


@given(any_tape(least=1), st.sampled_from((0.0002, 0.001, 0.02)))
def test_every_trade_is_at_most_half_a_bin_away_from_its_price(tape, width):
    found = prints(tape, width)
    distance = np.abs(np.log(tape["price"].to_numpy()[:, None] / found.price)).min(axis=1)
    assert (distance <= width / 2 * (1 + 1e-9)).all()
    assert (np.diff(found.price) > 0).all()


@given(any_tape(least=1), st.integers(-50, 50))
def test_prices_so_many_bins_higher_are_the_same_bins_so_many_higher(tape, moved):
    """Prices within bins, where rounding cannot move one into the next."""
    middles = prints(tape).price
    inside = tape.assign(
        price=middles[np.abs(tape["price"].to_numpy()[:, None] - middles).argmin(axis=1)]
    )
    found = prints(inside)
    higher = prints(inside.assign(price=inside["price"] * math.exp(moved * WIDTH)))
    assert (higher.bins - found.bins == moved).all()
    np.testing.assert_array_equal(higher.bid, found.bid)


@given(any_tape(least=1))
def test_swapping_the_sides_swaps_bid_and_ask(tape):
    found, other = prints(tape), prints(swapped(tape))
    np.testing.assert_array_equal(other.bid, found.ask)
    np.testing.assert_array_equal(other.unknown, found.unknown)


def test_the_point_of_control_is_where_most_was_traded_the_lowest_of_equals():
    found = made_of(bid=[1.0, 3.0, 0.0, 2.0], ask=[1.0, 0.0, 1.0, 1.0])
    assert found.point_of_control == found.price[1]


def test_without_trades_there_is_no_point_of_control():
    found = prints(tape_of(1, 0))
    assert math.isnan(found.point_of_control)
    assert len(found.bins) == 0
    assert footprint.stacks(found, NO_LEAST) == ()


# -- imbalances -------------------------------------------------------------------------------


def test_what_was_bought_is_compared_with_what_was_sold_one_bin_below():
    found = made_of(bid=[1.0, 9.0, 2.0], ask=[9.0, 3.0, 28.0])
    buyers, sellers = footprint.imbalances(found, NO_LEAST)
    assert buyers.tolist() == [False, False, True]
    assert sellers.tolist() == [False, False, False]
    found = made_of(bid=[9.0, 9.0, 2.0], ask=[9.0, 2.9, 27.0])
    buyers, sellers = footprint.imbalances(found, NO_LEAST)
    assert buyers.tolist() == [False, False, False]  # exactly three times is not more
    assert sellers.tolist() == [True, False, False]


def test_a_bin_apart_is_no_neighbour():
    near = made_of(bid=[0.0, 0.0], ask=[1.0, 5.0])
    apart = made_of(bid=[0.0, 0.0], ask=[1.0, 5.0], bins=[0, 2])
    assert footprint.imbalances(near, NO_LEAST)[0].tolist() == [False, True]
    assert footprint.imbalances(apart, NO_LEAST)[0].tolist() == [False, False]
    near = made_of(bid=[5.0, 1.0], ask=[0.0, 0.0])
    apart = made_of(bid=[5.0, 1.0], ask=[0.0, 0.0], bins=[0, 2])
    assert footprint.imbalances(near, NO_LEAST)[1].tolist() == [True, False]
    assert footprint.imbalances(apart, NO_LEAST)[1].tolist() == [False, False]


@pytest.mark.parametrize(("share", "counts"), [(0.0, True), (0.05, True), (0.051, False)])
def test_a_bin_with_too_small_a_share_of_the_volume_has_no_imbalance(share, counts):
    found = made_of(bid=[0.0, 0.0, 95.0], ask=[0.0, 5.0, 0.0])
    settings = OrderflowSettings(footprint_share=share)
    assert footprint.imbalances(found, settings)[0].tolist() == [False, counts, False]


def test_a_larger_ratio_leaves_fewer_imbalances():
    tape = tape_of(2, 3_000)
    counts = [
        sum(marked.sum() for marked in footprint.imbalances(prints(tape), settings))
        for settings in (
            OrderflowSettings(footprint_share=0.0, footprint_ratio=ratio)
            for ratio in (1.1, 2.0, 4.0, 20.0)
        )
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


# -- stacks -----------------------------------------------------------------------------------


def test_imbalances_in_a_row_are_a_stack_and_a_hole_ends_it():
    ask = [0.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]
    found = made_of(bid=[0.0] * 8, ask=ask, bins=[0, 1, 2, 3, 10, 11, 12, 13])
    price = found.price
    # The first bin after the hole has no neighbour below, so it is none.
    assert footprint.stacks(found, NO_LEAST) == (
        Stack(1, price[1], price[3], 3),
        Stack(1, price[5], price[7], 3),
    )
    sold = made_of(bid=ask[1:] + ask[:1], ask=[0.0] * 8, bins=[0, 1, 2, 3, 10, 11, 12, 13])
    assert footprint.stacks(sold, NO_LEAST) == (
        Stack(-1, price[0], price[2], 3),
        Stack(-1, price[4], price[6], 3),
    )
    longer = OrderflowSettings(footprint_share=0.0, footprint_stack=4)
    assert footprint.stacks(found, longer) == ()


def test_both_sides_may_have_stacks():
    found = made_of(bid=[9.0, 9.0, 9.0, 0.0, 0.0, 0.0], ask=[0.0, 0.0, 0.0, 1.0, 9.0, 9.0])
    sides = [(stack.side, stack.bins) for stack in footprint.stacks(found, NO_LEAST)]
    assert sides == [(-1, 3)]
    shorter = OrderflowSettings(footprint_share=0.0, footprint_stack=2)
    sides = [(stack.side, stack.bins) for stack in footprint.stacks(found, shorter)]
    assert sides == [(-1, 3), (1, 2)]


# -- freqtrade as the judge -------------------------------------------------------------------


def whole_counts(seed: int, bins: int = 30) -> pd.DataFrame:
    """Trades of one unit in the middle of bins, every bin traded, one side usually the stronger.

    freqtrade compares counts where we compare amounts, and the next traded bin where we ask for
    the next bin: with these trades both are the same.
    """
    noise = np.random.default_rng(seed)
    place = np.concatenate([np.arange(bins), noise.integers(0, bins, 20 * bins)])
    leaning = noise.choice([0.02, 0.5, 0.98], bins)
    bought = noise.random(len(place)) < leaning[place]
    return pd.DataFrame(
        {
            "timestamp": np.arange(len(place)),
            "side": np.where(bought, "buy", "sell"),
            "price": np.exp((4_600 + place + 0.5) * WIDTH),
            "amount": 1.0,
        }
    )


@given(st.integers(0, 2**32 - 1))
def test_volumes_imbalances_and_stacks_are_freqtrades(seed):
    tape = whole_counts(seed)
    theirs = freqtrade.trades_to_volumeprofile_with_total_delta_bid_ask(tape, scale=1e-9)
    found = prints(tape)
    np.testing.assert_allclose(found.price, theirs.index, rtol=1e-9)
    np.testing.assert_array_equal(found.bid, theirs["bid_amount"])
    np.testing.assert_array_equal(found.ask, theirs["ask_amount"])
    np.testing.assert_array_equal(found.delta, theirs["delta"])
    assert found.point_of_control == pytest.approx(theirs["total_volume"].idxmax())
    marked = freqtrade.trades_orderflow_to_imbalances(theirs, imbalance_ratio=3, imbalance_volume=0)
    buyers, sellers = footprint.imbalances(found, NO_LEAST)
    assert sellers.tolist() == marked["bid_imbalance"].tolist()
    # freqtrade marks the lower of the two bins it compares, we the one that was bought in.
    assert buyers.tolist() == [False, *marked["ask_imbalance"].tolist()[:-1]]
    for side, label, moved in ((-1, "bid", 0), (1, "ask", 1)):
        begins = freqtrade.stacked_imbalance(marked, label, stacked_imbalance_range=3)
        expected = {round(math.log(price) / WIDTH - 0.5) + moved for price in begins}
        assert begins_of(found, side) == expected


def begins_of(found: Footprint, side: int) -> set[int]:
    """Every bin at which three imbalances in a row begin, as freqtrade lists them."""
    return {
        round(math.log(stack.lowest) / WIDTH - 0.5) + place
        for stack in footprint.stacks(found, NO_LEAST)
        if stack.side == side
        for place in range(stack.bins - 2)
    }


# -- real trades ------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("pair", ["PEPE_USDT", "BTC_USDT"])
def test_real_footprints_hold_all_that_was_traded(real_data, pair):
    tape = pd.read_feather(real_data / "microstructure" / "binance" / f"{pair}-trades.feather")
    found = prints(tape, OrderflowSettings().footprint_bin)
    assert found.volume.sum() == pytest.approx(tape["amount"].sum())
    assert tape["price"].min() <= found.point_of_control <= tape["price"].max()
    for stack in footprint.stacks(found, NO_LEAST):
        assert stack.highest / stack.lowest == pytest.approx(
            math.exp((stack.bins - 1) * OrderflowSettings().footprint_bin)
        )
