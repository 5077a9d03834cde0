"""What our part of one loop of a running bot takes, by the orders in its trade.

A strategy in dry-run mode, a real trade in a sqlite database, doubles for markets and wallet. The
callbacks are called through freqtrade's wrapper, in its words, with a copy of the trade for each
of them (`read_only_trades_live` false) and without. Two kinds of loop:

- quiet: the line that should rest, rests;
- busy: an entry has just been filled; what should rest now is decided, priced and kept.

freqtrade's own work, and the network, are left out. Times are medians, in seconds of CPU time.
"""

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "strategies"))

import pandas as pd  # noqa: E402
from ccxt import TICK_SIZE  # noqa: E402
from freqtrade.enums import RunMode  # noqa: E402
from freqtrade.persistence import (  # noqa: E402
    Order,
    Trade,
    disable_database_use,
    enable_database_use,
    init_db,
)
from freqtrade.strategy.strategy_wrapper import strategy_safe_wrapper  # noqa: E402

from AdaptiveGrid import AdaptiveGrid  # noqa: E402
from gridkit.analytics.regime import Regime  # noqa: E402
from gridkit.host import outlook  # noqa: E402

SIZES = (10, 100, 1_000)
ROUNDS = 5
PAIR = "ETH/USDT"
CANDLE = timedelta(minutes=5)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
RATE = 100.0
FIRST, SECOND = 101.0, 100.05  # where lines 1 and 2 of the trade stand
FEE = 0.001
AMOUNT = 0.2
SETTINGS = {
    "caps": {"max_orders_per_cycle": 2_000},
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "grid": {"wait_time_seconds": 0.0},
}


@dataclass
class Bot:
    """A strategy as a running bot has it, and its one trade."""

    strategy: AdaptiveGrid
    trade: Any
    now: datetime

    def ask(self, name: str, **arguments: Any) -> Any:
        """Call a callback that takes the trade as freqtrade does."""
        return strategy_safe_wrapper(getattr(self.strategy, name))(
            pair=PAIR, trade=self.trade, current_time=self.now, **arguments
        )


def measure(sizes: Sequence[int] = SIZES, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return seconds, with a copy of the trade and without: by what is called, then by orders."""
    return {
        name: _by_name({size: _column(size, rounds, read_only=own) for size in sizes})
        for name, own in (("copied", False), ("own", True))
    }


def seconds_per_loop(report: dict[str, Any], *, read_only: bool, size: int) -> float:
    """Return what a loop takes at most, quiet or busy."""
    part = report["own" if read_only else "copied"]
    return max(part[name][str(size)] for name in ("a quiet loop", "a busy loop"))


def _by_name(columns: dict[int, dict[str, float]]) -> dict[str, dict[str, float]]:
    names = next(iter(columns.values()))
    return {name: {str(size): one[name] for size, one in columns.items()} for name in names}


def _column(size: int, rounds: int, *, read_only: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="gridkit-bench-") as folder, database(Path(folder)):
        bot = opened_bot(size, read_only=read_only)
        several = [_round(bot) for _ in range(rounds)]
    return {name: statistics.median(one[name] for one in several) for name in several[0]}


def _round(bot: Bot) -> dict[str, float]:
    """Time what takes longest while an entry rests, and while an exit does: they take turns."""
    turns = [{**_quiet(bot), **_busy(bot)} for _ in range(2)]
    return {name: max(turn[name] for turn in turns) for name in turns[0]}


@contextlib.contextmanager
def database(folder: Path) -> Iterator[None]:
    """Let freqtrade use a database of this run's own."""
    used = Trade.use_db
    enable_database_use()
    init_db(f"sqlite:///{folder / 'trades.sqlite'}")
    try:
        yield
    finally:
        engine = Trade.session.get_bind()
        Trade.session.remove()
        engine.dispose()
        if not used:
            disable_database_use(str(CANDLE))


def opened_bot(size: int, *, read_only: bool) -> Bot:
    """Open a trade of `size` filled orders, and let the desk settle on it as at a start."""
    strategy = _strategy(read_only=read_only)
    _sees(strategy, NOW)
    trade = _opened(size)
    bot = Bot(strategy, trade, NOW)
    loop(bot, {})
    return bot


def _strategy(*, read_only: bool) -> AdaptiveGrid:
    strategy = AdaptiveGrid(
        {
            "runmode": RunMode.DRY_RUN,
            "dry_run": True,
            "stake_currency": "USDT",
            "timeframe": "5m",
            "exchange": {"name": "binance"},
            "custom_price_max_distance_ratio": 0.05,
            "gridkit": {**SETTINGS, "read_only_trades_live": read_only},
        }
    )
    market = {
        "symbol": PAIR, "taker": FEE, "maker": FEE,
        "limits": {"cost": {"min": 5.0}, "amount": {"min": 0.0}},
    }  # fmt: skip
    strategy.dp = SimpleNamespace(
        current_whitelist=lambda: [PAIR],
        market=lambda _pair: market,
        send_msg=lambda _text, **_how: None,
        _exchange=None,  # asked for lost orders at a start, except in a dry-run
    )
    strategy.wallets = SimpleNamespace(
        get_free=lambda _currency: 10_000.0, get_total=lambda _currency: 10_000.0
    )
    strategy.max_open_trades = 1
    return strategy


def _sees(strategy: AdaptiveGrid, now: datetime) -> None:
    """Give the desk a day of calm candles up to now, as an analysis does."""
    dates = pd.date_range(end=now - CANDLE, periods=288, freq=CANDLE)
    frame = pd.DataFrame(
        {
            "date": dates, "open": RATE, "high": RATE, "low": RATE, "close": RATE,
            "volume": 1.0, "volatility_daily": 0.02, "regime_code": Regime.RANGING,
            "regime_adx": 10.0, "regime_side": 1.0, "stress_gap_factor": 1.0,
        }
    )  # fmt: skip
    desk = strategy.desk
    seen = outlook.of_frame(frame, desk.settings, desk.context.seconds)
    desk.context.market.prepare(PAIR, frame, seen)


def _opened(size: int) -> Trade:
    """Store a trade that keeps line 1 and bought and sold line 2 over and over."""
    trade = Trade(
        pair=PAIR, exchange="binance", strategy="AdaptiveGrid", open_rate=FIRST, amount=0.0,
        stake_amount=0.0, fee_open=FEE, fee_close=FEE, open_date=NOW - (size + 1) * CANDLE,
        is_open=True, is_short=False, leverage=1.0, amount_precision=0.001, price_precision=0.01,
        precision_mode=TICK_SIZE, precision_mode_price=TICK_SIZE, contract_size=1.0,
    )  # fmt: skip
    Trade.session.add(trade)
    Trade.session.flush()
    for number in range(size):
        moment = NOW - (size - number) * CANDLE
        side, price, tag = _order(number)
        _fill(_placed(trade, side, price, tag, moment), moment)
    trade.recalc_trade_from_orders()
    Trade.commit()
    return trade


def _order(number: int) -> tuple[str, float, str]:
    if number == 0:
        return "buy", FIRST, "L1"
    return ("buy", SECOND, "L2") if number % 2 else ("sell", FIRST, "sell L2")


def _placed(trade: Trade, side: str, price: float, tag: str, moment: datetime) -> Order:
    order = Order(
        ft_trade_id=trade.id, ft_pair=PAIR, order_id=f"{len(trade.orders)}", ft_order_side=side,
        side=side, ft_is_open=True, ft_amount=AMOUNT, ft_price=price, ft_order_tag=tag,
        status="open", price=price, average=price, amount=AMOUNT, filled=0.0, remaining=AMOUNT,
        cost=AMOUNT * price, order_date=moment, order_update_date=moment, symbol=PAIR,
        order_type="limit",
    )  # fmt: skip
    trade.orders.append(order)
    return order


def _fill(order: Order, moment: datetime) -> None:
    order.ft_is_open, order.status = False, "closed"
    order.filled, order.remaining, order.order_filled_date = order.amount, 0.0, moment


def _quiet(bot: Bot) -> dict[str, float]:
    """Time a loop in which nothing happened."""
    bot.now += timedelta(seconds=5)
    spent: dict[str, float] = {}
    loop(bot, spent)
    if not bot.trade.orders[-1].ft_is_open:
        raise RuntimeError("nothing rests")
    return {f"{name}, quiet": taken for name, taken in spent.items()} | {
        "a quiet loop": sum(spent.values())
    }


def _busy(bot: Bot) -> dict[str, float]:
    """Time the loop after a fill; what it asks for then rests, and is the next one's to fill."""
    resting = fill_resting(bot)
    spent: dict[str, float] = {}
    loop(bot, spent)
    if bot.trade.orders[-1] is resting:
        raise RuntimeError("the grid asks for no order after a fill")
    return {f"{name}, busy": taken for name, taken in spent.items()} | {
        "a busy loop": sum(spent.values())
    }


def fill_resting(bot: Bot) -> Order:
    """Fill the order in work, some seconds later, as freqtrade does when the exchange says so."""
    resting = bot.trade.orders[-1]
    bot.now += timedelta(seconds=5)
    _fill(resting, bot.now)
    bot.trade.recalc_trade_from_orders()
    Trade.commit()
    return resting


def loop(bot: Bot, spent: dict[str, float]) -> None:
    """Ask all that freqtrade asks of a trade in one loop; a new order then rests."""
    _read_again(bot)
    with _timed(spent, "bot_loop_start"):
        bot.strategy.bot_loop_start(current_time=bot.now)
    last = bot.trade.orders[-1]
    with _timed(spent, "check_entry_timeout"):
        if last.ft_is_open and last.ft_order_side == bot.trade.entry_side:
            bot.ask("check_entry_timeout", order=last)
    _read_again(bot)
    with _timed(spent, "adjust_trade_position"):
        wanted = bot.ask(
            "adjust_trade_position",
            current_rate=RATE, current_profit=0.0, min_stake=5.0, max_stake=1e6,
            current_entry_rate=RATE, current_exit_rate=RATE,
            current_entry_profit=0.0, current_exit_profit=0.0,
        )  # fmt: skip
    if wanted is not None and wanted[0] is not None:
        with _timed(spent, "price of the order"):
            price = _price(bot, *wanted)
        side = "buy" if wanted[0] > 0 else "sell"
        _placed(bot.trade, side, price, wanted[1], bot.now)
        Trade.commit()


def _price(bot: Bot, stake: float, tag: str) -> float:
    common = {"proposed_rate": RATE, "side": "long"}
    if stake > 0:
        return bot.ask("custom_entry_price", entry_tag=tag, **common)
    return bot.ask("custom_exit_price", exit_tag=tag, current_profit=0.0, **common)


def _read_again(bot: Bot) -> None:
    """Read the open trades, as freqtrade does after each commit: its own work."""
    (bot.trade,) = Trade.get_open_trades()
    len(bot.trade.orders)


@contextlib.contextmanager
def _timed(spent: dict[str, float], name: str) -> Iterator[None]:
    started = time.thread_time()
    yield
    spent[name] = time.thread_time() - started
