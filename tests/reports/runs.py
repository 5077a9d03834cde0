"""Small runs made by hand or by hypothesis, and a slow reader of their orders."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from gridkit.reports.records import Candles, FundingRows, OrderFill, Run, TradeRecord

STEP = 300
START = 1_704_067_200  # 2024-01-01
FEE = 0.001


def candles(closes: Sequence[float]) -> Candles:
    close = np.array(closes, dtype=np.float64)
    seconds = START + STEP * np.arange(len(close), dtype=np.int64)
    return Candles(seconds, close, close * 1.001, close * 0.999, close)


def fill(
    candle: int,
    amount: float,
    price: float,
    tag: str = "",
    *,
    short: bool = False,
    entry: bool = True,
    fee: float = FEE,
) -> OrderFill:
    return OrderFill(
        is_entry=entry,
        is_buy=entry != short,
        price=price,
        amount=amount,
        seconds=START + candle * STEP,
        fee=fee * amount * price,
        tag=tag,
    )


def trade(
    fills: Sequence[OrderFill],
    pair: str = "AAA/USDT",
    *,
    short: bool = False,
    leverage: float = 1.0,
    funding: float = 0.0,
) -> TradeRecord:
    profit = sum(order.cash_flow for order in fills) + funding
    return TradeRecord(pair, short, leverage, tuple(fills), profit, funding, "")


def run_of(
    closes: dict[str, Sequence[float]],
    trades: Sequence[TradeRecord],
    *,
    start: float = 1000.0,
    futures: bool = False,
    funding: dict[str, FundingRows] | None = None,
) -> Run:
    market = {pair: candles(prices) for pair, prices in closes.items()}
    length = max(len(prices) for prices in closes.values())
    return Run(
        strategy="ByHand",
        stake_currency="USDT",
        trading_mode="futures" if futures else "spot",
        starting_balance=start,
        final_balance=None,
        start=START,
        end=START + STEP * (length - 1),
        step=STEP,
        fill_step=STEP,
        pairs=tuple(closes),
        trades=tuple(trades),
        candles=market,
        fill_candles=market,
        funding=funding or {},
        fee_fraction=FEE,
    )


def slow_equity(run: Run) -> list[float]:
    """Walk the orders for every candle, with margin and open profit as an exchange keeps them."""
    equity = []
    for index in range((run.end - run.start) // run.step + 1):
        now = run.start + index * run.step
        cash, tied_up, open_profit = run.starting_balance, 0.0, 0.0
        for one in run.trades:
            side = -1 if one.is_short else 1
            held = average = margin = 0.0
            for order in one.fills:
                if order.seconds >= now + run.step:
                    break
                cash -= order.fee
                if order.is_entry:
                    cost = order.amount * order.price
                    average = (average * held + cost) / (held + order.amount)
                    held += order.amount
                    margin += cost / one.leverage
                    cash -= cost / one.leverage
                else:
                    released = margin * order.amount / held
                    margin -= released
                    cash += released + side * order.amount * (order.price - average)
                    held -= order.amount
            tied_up += margin
            open_profit += side * held * (run.candles[one.pair].close[index] - average)
        equity.append(cash + tied_up + open_profit)
    return equity


prices = st.floats(min_value=0.01, max_value=1e5)


@st.composite
def any_trade(draw: st.DrawFn, length: int, pair: str) -> TradeRecord:
    """Entries and exits that never sell more than is held; it may stay open."""
    short = draw(st.booleans())
    held, fills, candle = 0.0, [], 0
    for _ in range(draw(st.integers(1, 12))):
        candle = draw(st.integers(candle, length - 1))
        price = draw(prices)
        if held and draw(st.booleans()):
            amount = held * draw(st.sampled_from([0.25, 0.5, 1.0]))
            fills.append(fill(candle, amount, price, short=short, entry=False))
            held -= amount
        else:
            amount = draw(st.floats(0.001, 10.0))
            fills.append(fill(candle, amount, price, short=short))
            held += amount
    return trade(fills, pair, short=short, leverage=draw(st.sampled_from([1.0, 3.0, 10.0])))


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    """Two pairs, spot or futures, long and short."""
    length = draw(st.integers(2, 30))
    pairs = ("AAA/USDT", "BBB/USDT")
    closes = {pair: draw(st.lists(prices, min_size=length, max_size=length)) for pair in pairs}
    trades = [
        draw(any_trade(length, draw(st.sampled_from(pairs))))
        for _ in range(draw(st.integers(1, 4)))
    ]
    return run_of(closes, trades)
