"""What costs money on the way out: order types, where the stop stands, what is at risk, profits."""

import logging
from datetime import timedelta

import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import Trade, init_db

from gridkit.host.context import Context
from gridkit.host.directional import checks
from gridkit.host.directional.published import realised_by_pair
from gridkit.risk.portfolio import Shrink
from host.directional.desks import ATR, NOW, PAIR, opened, order_of, sees, strategy_of


@pytest.fixture
def _nothing_entered(monkeypatch):
    """What a running bot would ask its database."""
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades", lambda *_, **__: iter(()))


def stored(trade):
    """A trade whose custom data nobody keeps."""
    trade.get_custom_data = lambda _key: None
    trade.set_custom_data = lambda _key, _value: None
    return trade


def test_what_leaves_does_so_at_the_market_and_a_limit_is_warned_of():
    """freqtrade acts on a reason once a candle: a limit would stay behind a falling price."""
    strategy = strategy_of()
    assert list(checks.limits(strategy)) == []
    strategy.order_types = strategy.order_types | {"stoploss": "limit"}
    (said,) = checks.limits(strategy)
    assert said.startswith("order_types.stoploss = 'limit'")


@pytest.mark.usefixtures("_nothing_entered")
def test_live_the_stop_follows_the_last_close_as_in_a_backtest(open_trades):
    """A tick above it would bring the stop nearer than any backtest has it."""
    strategy, trade = strategy_of(RunMode.DRY_RUN), stored(opened())
    sees(strategy, 100.0, turns_momentum=-1)
    open_trades.append(trade)
    relative = strategy.desk.leaving.stop(trade, NOW, 100.9)
    assert 100.9 * (1 - relative) == pytest.approx(100.0 - 0.5 * ATR)


def test_a_backtest_that_opens_beyond_the_stop_sells_at_the_open(open_trades):
    strategy, trade = strategy_of(), opened()
    open_trades.append(trade)
    assert strategy.desk.leaving.exit(trade, NOW, 95.1) is None
    assert strategy.desk.leaving.exit(trade, NOW, 94.9) == "trailing_stop_loss"


@pytest.mark.usefixtures("_nothing_entered")
def test_a_stop_that_another_rule_moved_is_logged_with_its_numbers(open_trades, caplog):
    caplog.set_level(logging.INFO)
    strategy, trade = strategy_of(RunMode.DRY_RUN), stored(opened())
    trade.stop_loss = 75.0
    open_trades.append(trade)
    for _ in range(2):
        strategy.desk.leaving.stop(trade, NOW, 101.0)
    (said,) = [text for text in caplog.messages if "stop at" in text]
    assert said == f"{PAIR}: stop at 95: stop 2.5 x ATR 2 from 100, trending_bullish"


@pytest.mark.parametrize(("stop", "expected"), [(75.0, 5.2), (95.0, 5.2), (98.0, 2.2)])
def test_what_is_at_risk_is_reckoned_to_our_stop_from_the_beginning(open_trades, stop, expected):
    """freqtrade begins with its net: so far away it leaves no room for a second entry."""
    strategy, trade = strategy_of(), opened()
    trade.stop_loss = stop
    open_trades.append(trade)
    (holding,) = strategy.desk.portfolio.holdings(open_trades)
    assert holding.risk == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("price", "expected"), [(100.0, "shrink"), (96.0, None)])
def test_a_position_that_would_end_by_it_is_not_shrunk(open_trades, monkeypatch, price, expected):
    """`price` is what it was when the stop was set; now it is 96."""
    strategy, trade = strategy_of(), opened()
    trade.adjust_stop_loss(price, 1 - 95.4 / price)
    due = Shrink(PAIR, 30.0, "shrink", "too much")
    monkeypatch.setattr(strategy.desk.portfolio, "shrinks", lambda *_: due)
    open_trades.append(trade)
    part = strategy.desk.leaving.part(trade, NOW, 96.0)
    assert (part and part[1]) == expected
    trade.orders.append(order_of("shrink", 96.0, amount=0.3, side="sell"))
    trade.recalc_trade_from_orders()
    ends = trade.stop_loss >= 96.0
    assert ends is (expected is None), "freqtrade's own reckoning has changed"


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_shrink_that_an_order_in_work_holds_up_stays_due(open_trades, taken_back):
    """It is looked for once in six hours; afterwards it is what is still above the limit."""
    strategy = strategy_of(cash=100.0, portfolio={"single": 0.2, "total_risk": 0.5})
    resting = order_of("part 1", 103.0, side="sell", amount=0.9, rests=True)
    trade = opened(resting)
    trade.adjust_stop_loss(100.0, 0.05)
    open_trades.append(trade)
    midnight = NOW.replace(hour=0, minute=0)
    leaving, later = strategy.desk.leaving, midnight + timedelta(minutes=5)
    assert leaving.part(trade, midnight, 100.0) is None
    resting.ft_is_open = False
    if not taken_back:
        resting.filled = 0.9
        trade.amount = 0.1
    asked = leaving.part(trade, later, 100.0)
    assert (asked and asked[1]) == ("shrink" if taken_back else None)
    assert leaving.part(trade, later + timedelta(minutes=5), 100.0) is None


@pytest.mark.parametrize(
    ("price", "expected"),
    [(110.0, 0.5 * (110 * 0.999 - 100 * 1.001)), (None, None)],
)
def test_the_profits_people_read_hold_what_is_open(open_trades, monkeypatch, price, expected):
    """As `gridkit portfolio` reckons them of /status: realised, and open with both fees."""
    strategy, trade = strategy_of(), opened(order_of("part 1", 103.0, amount=0.5, side="sell"))
    open_trades.append(trade)
    monkeypatch.setattr(Context, "mark", lambda *_: price)
    made = strategy.desk.portfolio.metrics(NOW, {PAIR: 1.25, "BTC/USDT": 2.0}).document()
    total = expected and pytest.approx(3.25 + expected)
    assert made["profits"] == {PAIR: expected and pytest.approx(1.25 + expected), "BTC/USDT": 2.0}
    assert made["total_profit"] == total


@pytest.fixture
def _database(tmp_path):
    before = Trade.use_db
    init_db(f"sqlite:///{tmp_path / 'trades.sqlite'}")
    yield
    Trade.session.remove()
    Trade.use_db = before


@pytest.mark.usefixtures("_database")
def test_profit_of_an_open_position_is_that_of_all_its_parts():
    """freqtrade's `close_profit_abs` of it is what the last part made."""
    known = {"exchange": "binance", "strategy": "Confluence", "fee_open": 0.0, "fee_close": 0.0,
             "open_rate": 100.0, "amount": 1.0, "stake_amount": 100.0}  # fmt: skip
    held = Trade(pair=PAIR, is_open=True, close_profit_abs=2.0, **known)
    held.realized_profit = 5.0
    Trade.session.add(held)
    for strategy, profit in (("Confluence", -1.0), ("AdaptiveGrid", 100.0)):
        one = known | {"strategy": strategy}
        Trade.session.add(Trade(pair=PAIR, is_open=False, close_profit_abs=profit, **one))
    Trade.commit()
    assert realised_by_pair("Confluence") == {PAIR: 4.0}
