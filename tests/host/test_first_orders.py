"""Why a pair without a trade waits, live; and how a cycle's first order is made and refused."""

from collections import deque

import numpy as np
import pytest
from freqtrade.enums import RunMode

from gridkit.analytics.books import Book
from gridkit.grid import tags
from gridkit.host import signals
from host.desks import CANDLE, NOW, PAIR, STRONG, candles_at, order_of, sees, strategy_of, trade_of

OTHER = "SOL/USDT"
UNCERTAIN_STARTS = {
    "stop_atr_multiple": 3.0, "threshold_factor": 1.3, "size_factor": 0.5, "new_cycles": True,
}  # fmt: skip
NO_SIDE = "uncertain market starts no cycle"
FIXED = {"method": "fixed", "grid_step": 0.01}
PLAIN = {"density": {"enabled": False}, "volume_lines": {"enabled": False}}


@pytest.fixture(autouse=True)
def trades(open_trades):
    return open_trades


def bot(*, locked=(), **settings):
    strategy = strategy_of(RunMode.DRY_RUN, **{**PLAIN, **settings})
    strategy.is_pair_locked = lambda pair: pair in locked
    return strategy


def why(strategy, pair=PAIR, *, later=0, **candle):
    """What the board says after a pair's newest candle was analysed; None for nothing."""
    desk = strategy.desk
    desk.context.now = NOW + later * CANDLE
    if candle:
        sees(strategy, 100.0, pair=pair, **candle)
    desk.opening.note_last(pair)
    reason = desk.context.reasons.get(pair)
    return reason and reason.condition


# -- direction auto ---------------------------------------------------------------------------


def started(strategy, **candle):
    """The sides on which the last candle signals a cycle."""
    strategy.can_short = True
    frame = signals.entries(candles_at(100.0, **candle), strategy)
    last = frame.iloc[-1]
    return {name for name in ("long", "short") if last[f"enter_{name}"]}


@pytest.mark.parametrize(
    ("candle", "signals_of", "reason"),
    [
        ({"side": 1.0}, {"long"}, None),
        ({"side": -1.0}, {"short"}, None),
        ({"strength": STRONG, "side": 1.0}, {"long"}, None),
        ({"strength": STRONG, "side": -1.0}, {"short"}, None),
        ({"strength": 22.0}, set(), "uncertain market starts no cycle, by ADX"),
        ({"side": 0.0}, set(), NO_SIDE),
        ({"strength": float("nan")}, set(), "market regime unknown"),
    ],
)
def test_a_pair_of_either_direction_waits_with_a_reason_exactly_where_nothing_is_signalled(
    candle, signals_of, reason
):
    strategy = bot(direction="auto", spacing=FIXED)
    assert started(strategy, **candle) == signals_of
    assert why(strategy, **candle) == reason


def test_an_uncertain_market_has_no_side_even_where_it_may_start_cycles():
    rule = {"uncertain": UNCERTAIN_STARTS}
    assert why(bot(regime=rule), strength=22.0) is None
    assert why(bot(regime=rule, direction="auto"), strength=22.0) == NO_SIDE


@pytest.mark.parametrize(("side", "refused"), [(1.0, True), (-1.0, False)])
def test_the_side_it_would_take_is_what_is_asked_about(side, refused):
    """A stop price above the market refuses longs, and shorts not at all."""
    strategy = bot(direction="auto", stops={"stop_price": {PAIR: 101.0}})
    assert (why(strategy, side=side) is not None) is refused


@pytest.mark.parametrize("direction", ["long", "auto"])
def test_a_pair_without_candles_says_that_and_nothing_of_its_market(direction):
    strategy = bot(direction=direction)
    del strategy.desk.context.market.series[PAIR]
    assert why(strategy) == "no usable candle"


# -- what of freqtrade keeps a pair out --------------------------------------------------------


def test_a_reason_that_no_longer_stands_goes_after_two_candles():
    strategy = bot()
    assert "bearish" in why(strategy, strength=STRONG, side=-1.0)
    assert "bearish" in why(strategy, later=1, side=1.0)
    assert why(strategy, later=2, side=1.0) is None


def test_a_locked_pair_says_so_in_place_of_a_reason_that_is_gone():
    strategy = bot(locked=(PAIR,))
    why(strategy, strength=STRONG, side=-1.0)
    assert why(strategy, later=2, side=1.0) == "locked, see /locks"


@pytest.mark.parametrize(("slots", "said"), [(1, "no free trade slot"), (2, None)])
def test_a_pair_without_a_free_slot_says_so(trades, slots, said):
    strategy = bot(pairs=(PAIR, OTHER))
    strategy.max_open_trades = slots
    trades.append(trade_of(order_of("L1", 99.0), pair=OTHER))
    assert why(strategy) == said


def test_a_reason_of_today_is_not_overwritten_by_a_lock_or_a_slot():
    strategy = bot(locked=(PAIR,))
    strategy.desk.context.reasons.waits(PAIR, "spread", NOW)
    assert why(strategy, later=1) == "spread"
    assert why(strategy, later=2) == "locked, see /locks"


def test_nothing_is_noted_of_a_pair_that_has_a_trade(trades):
    strategy = bot(locked=(PAIR,))
    trades.append(trade_of(order_of("L1", 99.0)))
    assert why(strategy, strength=STRONG, side=-1.0) is None


# -- the first order's spread -------------------------------------------------------------------


def stake(strategy, tag="L1", price=99.0):
    opening = strategy.desk.opening
    opening.price(PAIR, NOW, price, 1, tag)
    return opening.stake(PAIR, NOW, price, 1, 1.0, tag)


def ticks(strategy, bid, ask):
    """The exchange's ticker; says how often it was asked."""
    asked = []

    def ticker(pair):
        asked.append(pair)
        return {"bid": bid, "ask": ask}

    strategy.dp.ticker = ticker
    return asked


def offers(strategy, book):
    """The exchange's book, bids and asks; says how often it was asked."""
    asked = []

    def orderbook(pair, _depth):
        asked.append(pair)
        return {"bids": book[0], "asks": book[1]}

    strategy.dp.orderbook = orderbook
    return asked


def shows(strategy, spread, age=0.0):
    """The last book of the pair, with so wide a spread, taken so many seconds ago."""
    bids, asks = np.array([[100.0, 1.0]]), np.array([[100.0 * (1 + spread), 1.0]])
    book = Book(bids, asks, NOW.timestamp() - age)
    strategy.desk.flow._books[PAIR] = deque([book])


NEAR, FAR = ([[100.0, 1.0]], [[100.19, 1.0]]), ([[100.0, 1.0]], [[100.21, 1.0]])


@pytest.mark.parametrize(
    ("bid", "ask", "book", "opens"),
    [
        (100.0, 100.19, None, True), (100.0, 100.21, None, False), (None, 100.0, NEAR, True),
        (100.0, None, FAR, False), (0.0, 100.0, NEAR, True), (None, None, FAR, False),
        (None, None, ([], [[100.0, 1.0]]), False), (None, None, ([[100.0, 1.0]], []), False),
    ],
)  # fmt: skip
def test_without_a_book_the_ticker_is_asked_and_without_its_prices_the_exchanges_book(
    bid, ask, book, opens
):
    strategy = bot(spacing=FIXED)
    asked, looked = ticks(strategy, bid, ask), offers(strategy, book)
    assert (stake(strategy) > 0) is opens
    assert (asked, looked) == ([PAIR], [] if book is None else [PAIR])
    assert (strategy.desk.context.reasons.get(PAIR).condition == "spread") is not opens


@pytest.mark.parametrize(("spread", "opens"), [(0.0019, True), (0.0021, False)])
def test_a_fresh_book_is_asked_before_the_ticker(spread, opens):
    strategy = bot(spacing=FIXED, orderflow={"enabled": True})
    asked = ticks(strategy, 90.0, 110.0)
    shows(strategy, spread)
    assert (stake(strategy) > 0) is opens
    assert asked == []


def test_a_book_that_is_too_old_or_has_one_side_counts_for_nothing():
    strategy = bot(spacing=FIXED, orderflow={"enabled": True})
    oldest = strategy.desk.settings.orderflow.max_age_seconds
    for age, opens in ((oldest, False), (oldest + 1.0, True)):
        shows(strategy, 0.01, age)
        asked = ticks(strategy, 100.0, 100.01)
        assert (stake(strategy) > 0) is opens
        assert len(asked) == opens
    one_sided = Book(np.array([[100.0, 1.0]]), np.empty((0, 2)), NOW.timestamp())
    strategy.desk.flow._books[PAIR] = deque([one_sided])
    assert stake(strategy) > 0


def test_what_the_user_forces_and_what_a_backtest_opens_is_asked_for_no_spread():
    strategy = bot(spacing=FIXED)
    asked = ticks(strategy, 90.0, 110.0)
    assert stake(strategy, "force_entry") > 0
    offline = strategy_of(RunMode.BACKTEST, **PLAIN, spacing=FIXED)
    asked += ticks(offline, 90.0, 110.0)
    assert stake(offline) > 0
    assert asked == []


def test_a_wide_spread_is_said_once_however_many_loops_it_lasts(caplog):
    caplog.set_level("INFO", logger="gridkit")
    strategy = bot(spacing=FIXED)
    ticks(strategy, 100.0, 101.0)
    for _ in range(5):
        assert stake(strategy) == 0.0
    assert len([one for one in caplog.messages if one.startswith(PAIR)]) == 1


# -- how many lines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cash", "method", "inventory", "lines"),
    [
        (2_000.0, "micro", 0.7, 4), (700.0, "micro", 0.7, 7), (250.0, "micro", 0.7, 10),
        (2_000.0, "auto", 0.7, 7), (250.0, "auto", 0.7, 10), (2_000.0, "micro", 0.0, 1),
        (2_000.0, "fixed", 0.7, 7), (2_000.0, "micro", 0.01, 1),
    ],
)  # fmt: skip
def test_the_first_order_takes_its_share_of_the_lines_the_method_lays(
    cash, method, inventory, lines
):
    strategy = bot(cash=cash, grid={"initial_inventory": inventory}, spacing={"method": method})
    assert strategy.desk.opening.lines() == lines


def test_five_micro_lines_with_most_of_them_bought_at_once_open():
    grid, spacing = {"initial_inventory": 0.7}, {"method": "micro", "micro_levels": 5}
    strategy = bot(cash=2_000.0, grid=grid, spacing=spacing)
    frame = candles_at(100.0, volatility_smooth=0.02)
    sees(strategy, 100.0, volatility_smooth=0.02)
    tag = signals.entries(frame, strategy)["enter_tag"].iloc[-1]
    assert tags.levels_of(tag) == (1, 2, 3, 4)
    budget = strategy.desk.treasury.budget(PAIR, 100.0, 1.0)
    assert budget.levels == 5
    assert stake(strategy, tag, 100.0) == pytest.approx(4 * budget.level_stake)


def test_the_cap_on_lots_bounds_the_first_order_too():
    strategy = bot(cash=2_000.0, grid={"initial_inventory": 0.5}, caps={"max_lots": 4})
    assert strategy.desk.opening.lines() == 2
