"""Where the stop of a directional position stands."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.regime import Regime
from gridkit.risk.exits import break_even, first_stop, stop_price
from gridkit.risk.stops import next_best
from gridkit.settings import Settings
from risk.positions import market, mirrored, mirrored_market, position

S = Settings()
BREAK_EVEN = 100.0 / 0.998


def with_exits(**changes):
    return Settings.from_config({"gridkit": {"exits": changes}})


ALL_OFF = with_exits(stop_enabled=False, break_even_enabled=False, reversal_enabled=False)


@pytest.mark.parametrize(
    ("regime", "multiple"),
    [
        (Regime.TRENDING_BULLISH, 2.5),
        (Regime.TRENDING_BEARISH, 2.5),
        (Regime.RANGING, 2.0),
        (Regime.TIGHT_RANGING, 2.0),
        (Regime.VOLATILE, 3.0),
        (Regime.VOLATILE_TRENDING, 3.0),
        (Regime.VOLATILE_RANGING, 3.0),
        (Regime.UNCERTAIN, 2.0),
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_an_entrys_stop_is_the_regimes_multiple_of_the_atr_away(regime, multiple, side):
    expected = 100.0 - side * multiple * 2.0
    assert first_stop(side, 100.0, 2.0, int(regime), S) == expected
    found, why = stop_price(position(side=side), market(regime=int(regime)), S)
    assert found == expected
    assert why == f"stop {multiple:g} x ATR 2 from 100, {regime.name.lower()}"


@pytest.mark.parametrize(("entry", "atr"), [(100.0, math.nan), (math.nan, 2.0), (100.0, 0.0)])
def test_without_an_atr_or_an_entry_price_there_is_no_first_stop(entry, atr):
    assert math.isnan(first_stop(1, entry, atr, 0, S))


def test_a_stop_that_would_be_at_no_price_at_all_is_none():
    assert math.isnan(first_stop(1, 100.0, 50.0, int(Regime.RANGING), S))
    assert stop_price(position(atr=50.0), market(), S) == (
        pytest.approx(math.nan, nan_ok=True),
        "none",
    )


@pytest.mark.parametrize(
    ("change", "seen", "settings", "price", "why"),
    [
        (
            {"best": 104.0},
            {},
            S,
            BREAK_EVEN,
            "break-even of 100 with fees 0.20%, best 2.00 ATR away",
        ),
        ({"best": 103.99}, {}, S, 96.0, "stop 2 x ATR 2 from 100, ranging"),
        ({}, {"momentum": -1}, S, 99.0, "reversal 0.5 x ATR 2 from 100, momentum -1"),
        ({}, {"momentum": 1}, S, 96.0, "stop 2 x ATR 2 from 100, ranging"),
        ({}, {"momentum": 0}, S, 96.0, "stop 2 x ATR 2 from 100, ranging"),
        ({"stop": 98.0}, {}, S, 98.0, "kept"),
        ({"stop": 96.0}, {}, S, 96.0, "kept"),
        ({"stop": 95.0}, {}, S, 96.0, "stop 2 x ATR 2 from 100, ranging"),
        ({"stop": 98.0, "best": 104.0}, {}, ALL_OFF, 98.0, "kept"),
        ({"stop": 95.0}, {}, with_exits(stop_enabled=False), 95.0, "kept"),
        (
            {"best": 104.0},
            {},
            with_exits(break_even_enabled=False),
            96.0,
            "stop 2 x ATR 2 from 100, ranging",
        ),
        (
            {},
            {"momentum": -1},
            with_exits(reversal_enabled=False),
            96.0,
            "stop 2 x ATR 2 from 100, ranging",
        ),
    ],
)
def test_the_tightest_rule_sets_the_stop_and_each_has_its_switch(
    change, seen, settings, price, why
):
    assert stop_price(position(**change), market(**seen), settings) == (pytest.approx(price), why)


def test_without_any_rule_there_is_no_stop():
    found, why = stop_price(position(best=200.0), market(momentum=-1), ALL_OFF)
    assert math.isnan(found)
    assert why == "none"


TRAILS = with_exits(rest="trail")


@pytest.mark.parametrize(
    ("done", "settings", "trails"),
    [
        ({1, 2}, TRAILS, True),
        ({1}, TRAILS, False),
        ({2}, TRAILS, False),
        (set(), TRAILS, False),
        ({1, 2}, S, False),
        ({1}, with_exits(rest="trail", parts=[0.5, 0.0]), True),
        (set(), with_exits(rest="trail", parts=[0.0, 0.0]), True),
    ],
)
def test_a_rest_trails_once_the_second_part_left(done, settings, trails):
    held = position(parts_done=frozenset(done), best=110.0)
    found, why = stop_price(held, market(price=108.0), settings)
    assert found == (pytest.approx(106.0 if trails else BREAK_EVEN))
    assert why.startswith("trail 2 x ATR 2 from the best price 110" if trails else "break-even")


def test_a_part_without_a_share_is_done_at_its_target_and_not_before():
    settings = with_exits(rest="trail", parts=[0.5, 0.0])
    held = position(parts_done=frozenset({1}), best=105.9)
    assert stop_price(held, market(price=105.0), settings)[1].startswith("break-even")


@pytest.mark.parametrize("stop", [98.0, math.nan])
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"atr": math.nan}, {}),
        ({"atr": 0.0}, {}),
        ({"atr": math.inf}, {}),
        ({"entry": math.nan}, {}),
        ({}, {"price": math.nan}),
        ({}, {"price": math.inf}),
    ],
)
def test_where_price_or_atr_is_unknown_the_stop_stays_what_it_was(change, seen, stop):
    held = position(best=110.0, stop=stop, **change)
    found, why = stop_price(held, market(momentum=-1, **seen), S)
    assert found == pytest.approx(stop, nan_ok=True)
    assert why == ("none" if math.isnan(stop) else "kept")


def test_an_unknown_best_price_moves_nothing_to_break_even():
    assert stop_price(position(best=math.nan), market(), S)[0] == 96.0


def test_a_profit_that_does_not_pay_the_fees_is_not_called_break_even():
    """Where two ATR are less than the fees, a stop there would be beyond the price."""
    held = position(atr=0.05, best=100.15)
    assert stop_price(held, market(price=100.15), S)[1].startswith("stop")
    assert stop_price(position(atr=0.05, best=100.3), market(price=100.3), S)[0] == BREAK_EVEN


FEES = st.floats(0.0, 0.02)


@given(FEES, FEES, st.floats(0.001, 1e5))
def test_break_even_loses_nothing_however_fees_divide_and_is_no_further_than_it_must(
    entry_fee, exit_fee, entry
):
    cost = entry_fee + exit_fee
    long, short = break_even(1, entry, cost), break_even(-1, entry, cost)
    slack = 1e-12 * entry
    assert long * (1 - exit_fee) >= entry * (1 + entry_fee) - slack
    assert long * (1 - exit_fee) * (1 - entry_fee) >= entry - slack  # a fee in the coin bought
    assert short * (1 + exit_fee) <= entry * (1 - entry_fee) + slack
    assert long == pytest.approx(entry * (1 + cost), rel=1.1 * cost**2 + 1e-12)
    assert short == pytest.approx(entry * (1 - cost))


STEP = st.tuples(
    st.integers(-400, 400),  # eighths of a price unit from the entry
    st.sampled_from([-1, 0, 0, 0, 1]),
    st.sampled_from(list(Regime)),
    st.booleans(),  # whether a part leaves
)
PATH = st.lists(STEP, min_size=1, max_size=30)
RULES = st.builds(
    lambda rest, flags: with_exits(
        rest=rest,
        trail=1.25,
        **dict(zip(("stop_enabled", "break_even_enabled", "reversal_enabled"), flags, strict=True)),
    ),
    st.sampled_from(["target", "trail"]),
    st.tuples(*[st.booleans()] * 3),
)
ENTRY = 1_024.0
ATRS = st.integers(1, 200).map(lambda eighths: eighths / 8)


def walk(side, path, atr, settings, cost=0.0):
    """Yield the position with its stop, and the market, at each step of a path."""
    held = position(side=side, entry=ENTRY, atr=atr, best=ENTRY, cost=cost)
    for eighths, momentum, regime, part in path:
        price = ENTRY + side * eighths / 8
        seen = market(price=price, momentum=side * momentum, regime=int(regime))
        best = side * max(side * held.best, side * price)
        done = held.parts_done | ({len(held.parts_done) + 1} if part else set())
        held = position(**{**fields(held), "best": best, "parts_done": frozenset(done)})
        stop, why = stop_price(held, seen, settings)
        yield held, seen, stop, why
        held = position(**{**fields(held), "stop": stop})


def fields(held):
    return {name: getattr(held, name) for name in held.__dataclass_fields__}


@given(st.sampled_from([1, -1]), PATH, ATRS, RULES)
def test_stops_only_tighten_over_any_path(side, path, atr, settings):
    before = math.nan
    for _held, _seen, stop, why in walk(side, path, atr, settings, cost=0.002):
        assert math.isnan(before) or side * stop >= side * before
        assert (why == "kept") is (stop == before)
        before = stop


@given(st.sampled_from([1, -1]), PATH, ATRS, RULES, st.floats(0.0, 0.01))
def test_p20_the_stop_is_never_on_the_wrong_side_of_entry_and_fees_after_two_atr(
    side, path, atr, settings, cost
):
    free = break_even(side, ENTRY, cost)
    for held, _seen, stop, _why in walk(side, path, atr, settings, cost):
        far = side * (held.best - ENTRY) >= max(2 * atr, side * (free - ENTRY))
        if far and settings.exits.break_even_enabled:
            assert side * stop >= side * free >= side * ENTRY


@given(PATH, ATRS, RULES)
def test_a_mirrored_path_gives_mirrored_stops(path, atr, settings):
    for held, seen, stop, why in walk(1, path, atr, settings):
        twin, twin_why = stop_price(mirrored(held), mirrored_market(seen, ENTRY), settings)
        assert twin == pytest.approx(2 * ENTRY - stop, nan_ok=True, rel=1e-12)
        assert twin_why.split()[0] == why.split()[0]


def readable_stop(held, seen, settings):
    """Every rule in words, long and short apart; the highest for a long, the lowest for a short."""
    rule, found = settings.exits, []
    multiple = {5: 3.0, 4: 3.0, 6: 3.0, 1: 2.5, 2: 2.5}.get(seen.regime, 2.0)
    profit = (held.best - held.entry) if held.side > 0 else (held.entry - held.best)
    free = held.entry / (1 - held.cost) if held.side > 0 else held.entry * (1 - held.cost)
    if rule.stop_enabled:
        found.append(held.entry - multiple * held.atr * held.side)
    if rule.break_even_enabled and profit >= 2 * held.atr and profit >= abs(free - held.entry):
        found.append(free)
    if rule.reversal_enabled and (seen.momentum, held.side) in [(1, -1), (-1, 1)]:
        found.append(seen.price - 0.5 * held.atr * held.side)
    if rule.rest == "trail" and {1, 2} <= held.parts_done:
        found.append(held.best - rule.trail * held.atr * held.side)
    if not math.isnan(held.stop):
        found.append(held.stop)
    return (max(found) if held.side > 0 else min(found)) if found else math.nan


@given(st.sampled_from([1, -1]), PATH, ATRS, RULES)
def test_the_stop_is_that_of_its_readable_twin(side, path, atr, settings):
    for held, seen, stop, _why in walk(side, path, atr, settings, cost=0.002):
        assert stop == pytest.approx(readable_stop(held, seen, settings), nan_ok=True, rel=1e-9)


@given(st.sampled_from([1, -1]), PATH, ATRS, RULES, st.floats(0.0, 1.0))
def test_a_better_price_short_of_the_next_best_moves_no_stop(side, path, atr, settings, share):
    """What a backtest relies on where it asks for no stop until then."""
    for held, seen, stop, _why in walk(side, path, atr, settings, cost=0.002):
        following = next_best(held, settings)
        short = held.best + share * (following - held.best)
        best = side * 2 * ENTRY if math.isinf(following) else short
        if side * held.best <= side * best < side * following:
            better = position(**{**fields(held), "best": best})
            assert stop_price(better, seen, settings)[0] == pytest.approx(stop, nan_ok=True)


@pytest.mark.parametrize(
    ("best", "rest", "expected"),
    [(100.0, "target", 104.0), (104.0, "target", math.inf), (103.0, "trail", 103.0)],
)
def test_the_next_best_is_that_of_break_even_or_where_the_rest_trails_any(best, rest, expected):
    assert next_best(position(best=best), with_exits(rest=rest)) == expected
