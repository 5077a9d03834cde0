"""What ends a directional position altogether."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics.regime import Regime
from gridkit.risk.exits import Exit, exit_due
from gridkit.settings import Settings
from risk.positions import market, mirrored, mirrored_market, position

S = Settings()
BULL, BEAR = int(Regime.TRENDING_BULLISH), int(Regime.TRENDING_BEARISH)
WILD = int(Regime.VOLATILE_TRENDING)
DAY = 86_400.0


def with_exits(**changes):
    return Settings.from_config({"gridkit": {"exits": changes}})


@pytest.mark.parametrize(
    ("settings", "time", "done", "leaves"),
    [
        (S, DAY, set(), True),
        (S, DAY - 1, set(), False),
        (S, DAY, {1}, False),
        (with_exits(time_exit="always"), DAY, {1}, True),
        (with_exits(time_exit="always"), DAY, set(), True),
        (with_exits(time_exit="off"), 9 * DAY, set(), False),
        (with_exits(max_hours=2), 7_200.0, set(), True),
        (S, math.nan, set(), False),
    ],
)
def test_time_ends_those_that_sold_no_part_or_all_or_nobody(settings, time, done, leaves):
    found = exit_due(position(parts_done=frozenset(done)), market(time=time), settings)
    assert (found is not None) is leaves


@pytest.mark.parametrize(
    ("candles", "against", "leaves"), [(3, 2, False), (3, 3, True), (1, 1, True), (0, 99, False)]
)
def test_order_flow_against_it_ends_a_position(candles, against, leaves):
    found = exit_due(position(), market(flow_against=against), with_exits(flow_candles=candles))
    assert (found is not None) is leaves


@pytest.mark.parametrize(
    ("side", "regime", "average", "leaves"),
    [
        (1, BEAR, -1.0, True),
        (1, BULL, 1.0, False),
        (-1, BULL, 1.0, True),
        (-1, BEAR, -1.0, False),
        (1, WILD, -1.0, True),
        (1, WILD, 1.0, False),
        (1, WILD, math.nan, False),
        (-1, WILD, 1.0, True),
        (1, int(Regime.UNCERTAIN), -1.0, False),
        (1, int(Regime.RANGING), -1.0, False),
    ],
)
@pytest.mark.parametrize("enabled", [True, False])
def test_a_regime_that_turned_against_it_ends_a_position(side, regime, average, leaves, enabled):
    seen = market(regime=regime, regime_side=average)
    found = exit_due(position(side=side), seen, with_exits(regime_exit=enabled))
    assert (found is not None) is (leaves and enabled)


@pytest.mark.parametrize(
    ("seen", "tag", "reason"),
    [
        ({"time": 90_000.0}, "time", "open for 25.0 hours against 24, no part sold"),
        ({"flow_against": 4}, "flow", "order flow against it for 4 candles against 3"),
        (
            {"regime": BEAR},
            "regime",
            "trending_bearish for 15 minutes, direction -1 against a position of 1",
        ),
    ],
)
def test_an_exit_takes_all_and_says_its_numbers(seen, tag, reason):
    assert exit_due(position(amount=2.0), market(**seen), S) == Exit(2.0, tag, reason)


def test_how_many_parts_were_sold_is_said():
    held = position(parts_done=frozenset({1, 2}))
    found = exit_due(held, market(time=DAY), with_exits(time_exit="always"))
    assert found is not None
    assert found.reason.endswith("2 parts sold")


@pytest.mark.parametrize(
    ("change", "seen"),
    [({}, {"price": math.nan}), ({"amount": 0.0}, {}), ({"amount": math.nan}, {})],
)
def test_without_a_price_or_an_amount_nothing_leaves(change, seen):
    everything = market(time=DAY, flow_against=9, regime=BEAR, **seen)
    assert exit_due(position(**change), everything, S) is None


def test_an_unknown_atr_keeps_no_position_open_for_ever():
    assert exit_due(position(atr=math.nan), market(time=DAY), S) is not None


@given(
    st.sampled_from(list(Regime)),
    st.sampled_from([-1.0, 0.0, 1.0, math.nan]),
    st.integers(0, 5),
    st.floats(0.0, 2 * DAY),
    st.sets(st.sampled_from([1, 2])),
)
def test_a_mirrored_market_ends_a_mirrored_position_for_the_same_reason(
    regime, average, against, time, done
):
    held = position(parts_done=frozenset(done))
    seen = market(regime=int(regime), regime_side=average, flow_against=against, time=time)
    first = exit_due(held, seen, S)
    second = exit_due(mirrored(held), mirrored_market(seen, held.entry), S)
    assert (first and first.tag) == (second and second.tag)
