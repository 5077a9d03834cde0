"""Lot arithmetic against freqtrade's own: real orders of a real trade, truncated by its functions.

An entry is `amount_to_contract_precision(stake / price * leverage)`, an exit the share of the
trade's amount that the stake asked for is of its stake, truncated likewise
(`freqtradebot.check_and_call_adjust_trade_position`).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from ccxt import TICK_SIZE
from freqtrade.exchange import amount_to_contract_precision
from freqtrade.persistence import LocalTrade
from freqtrade.persistence import Order as TradeOrder
from freqtrade.util import FtPrecise
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid import plan as plans
from gridkit.grid import tags
from gridkit.grid.costs import Costs
from gridkit.grid.plan import Layout
from gridkit.grid.situation import Order
from gridkit.grid.spacing import Spacing
from gridkit.host import desk, orders
from gridkit.host.cycle import Cycle
from gridkit.settings import GridSettings, SpacingSettings

OPENED = datetime(2025, 1, 1, tzinfo=UTC)
DECIMAL_PLACES = orders.DECIMAL_PLACES
LAYOUT = Layout(SpacingSettings(), GridSettings(), Costs(0.001, 0.001, 0.0001, 0.001))
PLAN = plans.make(100.0, Spacing(0.01, 0.02), 1, 5, 25.0, 0.0, LAYOUT)


@dataclass
class Account:
    """One trade at an exchange that fills every order whole.

    With `base_fee` the exchange takes its fee from the coins bought, as on spot.
    """

    precision: float = 0.001
    mode: int = TICK_SIZE
    contract_size: float = 1.0
    leverage: float = 1.0
    base_fee: float = 0.0
    is_short: bool = False
    trade: LocalTrade = field(init=False)
    cycle: Cycle = field(init=False)

    def __post_init__(self) -> None:
        self.trade = LocalTrade(
            id=1,
            pair="ETH/USDT",
            exchange="binance",
            open_rate=100.0,
            amount=0.0,
            stake_amount=0.0,
            fee_open=0.0 if self.base_fee else 0.001,
            fee_close=0.001,
            open_date=OPENED,
            is_open=True,
            is_short=self.is_short,
            leverage=self.leverage,
            amount_precision=self.precision,
            price_precision=1e-8,
            precision_mode=self.mode,
            precision_mode_price=TICK_SIZE,
            contract_size=self.contract_size,
        )
        self.cycle = Cycle(orders.new_book(self.trade), PLAN)

    @property
    def step(self) -> float:
        return orders.amount_step(self.trade)

    def truncated(self, amount: float) -> float:
        return amount_to_contract_precision(amount, self.precision, self.mode, self.contract_size)

    def enter(self, stake: float, price: float, *levels: int, tag: str | None = None) -> float:
        """Place and fill an entry of a stake as the desk asks for it; the amount placed."""
        asked = desk.entry_stake(stake, price, self.leverage, self.step)
        amount = self.truncated(asked / price * self.leverage)
        side = self.trade.entry_side
        self._fill(side, amount, price, tags.entry_tag(levels) if tag is None else tag)
        return amount

    def leave(self, price: float, *levels: int, verb: str = tags.SELL) -> float:
        """Place and fill an exit of lots as the desk asks for it; the amount placed."""
        order = Order(False, levels, price, tags.exit_tag(levels, verb), "test")
        stake = desk.exit_stake(order, self.cycle, self.trade, self.step)
        trade = self.trade
        wanted = FtPrecise(stake) * FtPrecise(trade.amount) / FtPrecise(trade.stake_amount)
        amount = self.truncated(abs(float(wanted)))
        if amount:
            self._fill(trade.exit_side, amount, price, order.tag)
        return amount

    def by_hand(self, amount: float, price: float) -> None:
        """Sell an amount under a tag that is not ours."""
        self._fill(self.trade.exit_side, self.truncated(amount), price, "my own idea")

    def _fill(self, side: str, amount: float, price: float, tag: str) -> None:
        when = OPENED + timedelta(minutes=len(self.trade.orders))
        is_entry = side == self.trade.entry_side
        order = TradeOrder(
            ft_order_side=side,
            ft_pair=self.trade.pair,
            ft_is_open=False,
            ft_amount=amount,
            ft_price=price,
            ft_order_tag=tag,
            ft_fee_base=amount * self.base_fee if is_entry and self.base_fee else None,
            order_id=f"order-{len(self.trade.orders)}",
            status="closed",
            side=side,
            price=price,
            average=price,
            amount=amount,
            filled=amount,
            remaining=0.0,
            cost=amount * price,
            order_date=when,
            order_filled_date=when,
        )
        order._trade_bt = self.trade
        self.trade.orders.append(order)
        self.trade.recalc_trade_from_orders()
        self.cycle.book.read_on(self.trade, self.lines())

    def lines(self) -> dict[int, float]:
        return {line.level: line.price for line in self.cycle.plan.lines}

    @property
    def ledger(self):
        return self.cycle.book.ledger

    def position(self) -> float:
        """What the exchange holds: bought after fees less sold."""
        amounts = (
            order.safe_amount_after_fee
            if order.ft_order_side == self.trade.entry_side
            else -order.safe_filled
            for order in self.trade.orders
        )
        return sum(amounts)


PRECISIONS = st.sampled_from(
    (
        (0.001, TICK_SIZE, 1.0),
        (1e-5, TICK_SIZE, 1.0),
        (1.0, TICK_SIZE, 1.0),
        (1.0, TICK_SIZE, 0.001),
        (1.0, TICK_SIZE, 0.01),
        (0.1, TICK_SIZE, 10.0),
        (3, DECIMAL_PLACES, 1.0),
    )
)
MARKETS = st.builds(
    lambda precision, leverage, fee, short: Account(
        *precision, leverage=leverage, base_fee=0.0 if short else fee, is_short=short
    ),
    PRECISIONS,
    st.sampled_from((1.0, 3.0, 7.0)),
    st.sampled_from((0.0, 0.001, 0.00075)),
    st.booleans(),
)


@given(MARKETS, st.floats(90.0, 110.0), st.integers(1, 400), st.floats(0.0, 0.99))
def test_an_entry_is_placed_with_the_whole_steps_its_stake_pays_for(market, price, steps, more):
    stake = (steps + more) * market.step * price / market.leverage
    placed = market.enter(stake, price, 1)
    assert placed / market.step == pytest.approx(
        int(stake * market.leverage / price / market.step + 1e-9)
    )


@given(
    MARKETS, st.lists(st.tuples(st.floats(90, 110), st.integers(2, 400)), min_size=2, max_size=6)
)
def test_an_exit_is_placed_with_the_whole_steps_of_its_lot_and_the_dust(market, entries):
    for level, (price, steps) in enumerate(entries, start=1):
        market.enter(steps * market.step * price / market.leverage, price, level)
    for level in range(1, len(entries)):
        wanted = market.ledger.lots[level].amount + market.ledger.dust
        placed = market.leave(105.0, level)
        assert placed / market.step == pytest.approx(int(wanted / market.step + 1e-6))
        assert level not in market.ledger.lots


@given(
    MARKETS, st.lists(st.tuples(st.floats(90, 110), st.integers(2, 400)), min_size=1, max_size=5)
)
def test_the_last_exit_empties_the_trade(market, entries):
    for level, (price, steps) in enumerate(entries, start=1):
        market.enter(steps * market.step * price / market.leverage, price, level)
    placed = market.leave(105.0, *range(1, len(entries) + 1))
    assert placed == market.trade.amount
    assert market.position() < market.step * (1 + 1e-6)


@pytest.mark.parametrize("base_fee", [0.0, 0.001, 0.00075])
@pytest.mark.parametrize(("precision", "stake"), [(0.001, 25.0), (0.01, 25.0), (1e-5, 9.0)])
def test_dust_after_a_thousand_round_trips_stays_below_one_lot_step(base_fee, precision, stake):
    """A lot held throughout keeps the trade open; its orders are pruned, as 2,000 take minutes."""
    market = Account(precision, base_fee=base_fee)
    market.enter(stake, 100.0, 1)
    for turn in range(1_000):
        price = 99.0 + (turn % 7) * 0.013
        market.enter(stake, price, 2)
        held = market.ledger.lots[2].amount + market.ledger.dust
        placed = market.leave(price * 1.01, 2)
        assert placed == pytest.approx(int(held / precision + 1e-6) * precision)
        assert 0 <= market.ledger.dust < precision * (1 + 1e-6)
        fold_back(market)
    assert list(market.ledger.lots) == [1]


def fold_back(market: Account) -> None:
    """Replace the orders of a finished round trip by what it left."""
    first = market.trade.orders[0]
    left = market.position()
    del market.trade.orders[1:]
    first.filled = first.amount = left / (1 - market.base_fee)
    first.ft_fee_base = first.filled * market.base_fee or None
    market.trade.recalc_trade_from_orders()
    market.cycle.book.read = 1
    market.cycle.book.last_read = first.order_id


@st.composite
def careers(draw: st.DrawFn) -> Account:
    """A trade with entries of one and several levels, partial, foreign and stop exits behind it."""
    market = draw(MARKETS)
    for _ in range(draw(st.integers(1, 14))):
        price = draw(st.floats(90.0, 110.0))
        held = sorted(market.ledger.lots)
        act = draw(st.sampled_from(("enter", "enter", "leave", "stop", "by hand", "foreign entry")))
        if act == "enter" or not held:
            levels = draw(st.sets(st.integers(1, 5), min_size=1, max_size=3))
            steps = draw(st.integers(3 * len(levels), 300))
            market.enter(steps * market.step * price / market.leverage, price, *sorted(levels))
        elif act == "foreign entry":
            market.enter(50 * market.step * price / market.leverage, price, tag="force_entry")
        elif act == "by hand":
            part = draw(st.integers(1, 90)) / 100 * market.trade.amount
            if market.truncated(part):
                market.by_hand(part, price)
        else:
            some = draw(st.sets(st.sampled_from(held), min_size=1, max_size=max(1, len(held) - 1)))
            if len(some) == len(held):
                continue
            market.leave(price, *sorted(some), verb=tags.STOP if act == "stop" else tags.SELL)
    return market


@given(careers())
def test_lots_and_dust_equal_the_position_of_the_orders(market):
    ledger = market.ledger
    assert ledger.amount == pytest.approx(market.position(), abs=market.step * 1e-5)
    assert market.trade.amount <= ledger.amount + market.step * 1e-5
    assert ledger.amount - market.trade.amount < market.step * (1 + 1e-5)


@given(careers())
def test_a_restart_reads_the_same_ledger_from_the_orders(market):
    again = orders.new_book(market.trade)
    again.read_on(market.trade, market.lines())
    assert again.ledger == market.ledger


@given(careers())
def test_no_lot_is_so_small_that_it_could_not_be_sold(market):
    for lot in market.ledger.lots.values():
        assert lot.amount > market.step / 2


def test_an_exit_of_a_lot_bought_with_a_fee_in_the_base_coin():
    """0.25 bought, 0.00025 of it the fee: 0.249 can be sold, 0.00075 is dust."""
    market = Account(0.001, base_fee=0.001)
    market.enter(25.0, 100.0, 1)
    market.enter(25.0, 100.0, 2)
    assert market.ledger.lots[2].amount == pytest.approx(0.24975)
    assert market.leave(101.0, 2) == pytest.approx(0.249)
    assert market.ledger.dust == pytest.approx(0.00075)
