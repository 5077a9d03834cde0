"""What books and trades say of an entry, live: spread, pressure, the verdict of order flow."""

from types import SimpleNamespace

import pytest
from freqtrade.enums import RunMode

from host.directional.desks import NOW, PAIR, sees, strategy_of

TAG = "trend bull c1.0"


@pytest.fixture
def _nothing_entered(monkeypatch):
    """What a running bot would ask its database."""
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades", lambda *_, **__: iter(()))


pytestmark = pytest.mark.usefixtures("_nothing_entered", "open_trades")


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([[100.0, 1.0]], [[100.01, 1.0]], True),
        ([[100.0, 1.0]], [[101.0, 1.0]], False),
        ([], [[100.0, 1.0]], False),
        ([[100.0, 1.0]], [], False),
    ],
)
def test_where_a_ticker_has_no_prices_the_book_is_asked_for_the_spread(bids, asks, expected):
    """As of Binance's futures: there the guard would let every spread pass."""
    strategy = strategy_of(RunMode.DRY_RUN)
    strategy.dp.ticker = lambda _pair: {"bid": None, "ask": None, "last": 100.0}
    strategy.dp.orderbook = lambda _pair, _maximum: {"bids": bids, "asks": asks}
    assert strategy.desk.entering.allowed(PAIR, NOW, 100.0, 1.0, 1, TAG) is expected


def test_without_ticker_and_book_the_entry_is_refused():
    strategy = strategy_of(RunMode.DRY_RUN)
    strategy.dp.ticker = lambda _pair: {}
    strategy.dp.orderbook = lambda *_: 1 / 0
    asked = {"pair": PAIR, "amount": 1.0, "rate": 100.0, "current_time": NOW, "entry_tag": TAG}
    assert strategy.confirm_trade_entry(**asked, side="long") is False


@pytest.mark.parametrize(
    ("pressure", "side", "heeded", "expected"),
    [
        (-0.8, 1, True, False),
        (-0.8, -1, True, True),
        (0.8, -1, True, False),
        (-0.5, 1, True, True),
        (float("nan"), 1, True, True),
        (-0.8, 1, False, True),
    ],
)
def test_one_sided_books_and_tape_refuse_the_other_side(
    monkeypatch, pressure, side, heeded, expected
):
    strategy = strategy_of(RunMode.DRY_RUN, entries={"flow_veto": heeded})
    strategy.dp.ticker = lambda _pair: {"bid": 100.0, "ask": 100.01}
    monkeypatch.setattr(strategy.desk.flow, "pressure", lambda _pair: pressure)
    assert strategy.desk.entering.allowed(PAIR, NOW, 100.0, 1.0, side, TAG) is expected
    if not expected:
        assert strategy.desk.context.reasons.get(PAIR).value == pressure


def points(strategy, direction, strength):
    found = SimpleNamespace(direction=direction, strength=strength, tape=None)
    strategy.desk.flow.analyses[PAIR] = found


@pytest.mark.parametrize(
    ("direction", "strength", "side", "heeded", "expected"),
    [
        (-1, 0.45, 1, True, False),
        (1, 0.45, -1, True, False),
        (-1, 0.45, -1, True, True),
        (0, 0.3, 1, True, True),
        (-1, 0.45, 1, False, True),
    ],
)
def test_an_entry_against_the_direction_of_order_flow_is_refused(
    direction, strength, side, heeded, expected
):
    strategy = strategy_of(RunMode.DRY_RUN, entries={"flow_veto": heeded})
    strategy.dp.ticker = lambda _pair: {"bid": 100.0, "ask": 100.01}
    points(strategy, direction, strength)
    assert strategy.desk.entering.allowed(PAIR, NOW, 100.0, 1.0, side, TAG) is expected
    if not expected:
        against = strategy.desk.context.reasons.get(PAIR)
        assert (against.value, against.threshold) == (direction * strength, -side * 0.4)


@pytest.mark.parametrize(
    ("confidence", "direction", "candle", "expected"),
    [
        (0.7, 1, 0.0, 0.8),
        (0.95, 1, 0.0, 1.0),
        (0.7, 0, 0.0, 0.7),
        (0.7, 1, 0.8, 0.7),
        (0.7, 1, float("nan"), 0.8),
    ],
)
def test_order_flow_along_with_an_entry_raises_its_confidence_once(
    confidence, direction, candle, expected
):
    """A candle whose trades were one-sided has it in its confidence already."""

    def stake(**columns):
        strategy = strategy_of(RunMode.DRY_RUN)
        sees(strategy, 100.0, **columns)
        points(strategy, direction, 0.45)
        return strategy.desk.entering.stake(PAIR, NOW, 100.0, 1, 1.0, TAG, 999.0)

    whole = stake(entry_confidence=1.0, orderflow_imbalance=0.8)
    found = stake(entry_confidence=confidence, orderflow_imbalance=candle)
    assert found == pytest.approx(expected * whole)
