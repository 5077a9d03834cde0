"""What one call of our callbacks costs at 10, 100 and 1,000 orders, beside freqtrade's own work.

Every pair holds a trade of that size. Our callbacks are called through freqtrade's wrapper, as its
backtest does, in two states:

- nothing changed: the line that should rest, rests, and the candle brings nothing new;
- after a fill: the last order filled a candle ago, and the next one has to be found.

Times are the medians of many single calls, in microseconds of CPU time.
"""

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from freqtrade.persistence import LocalTrade
from freqtrade.strategy import IStrategy
from freqtrade.strategy.strategy_wrapper import strategy_safe_wrapper

from benchmarks import runs, trades
from benchmarks.runs import Setting, TimedBacktesting
from benchmarks.trades import Lines

SIZES = (10, 100, 1_000)
CANDLE = timedelta(minutes=5)
DAYS = 3
LEAST_CALLS, MOST_CALLS = 5, 400
SECONDS_PER_MEASUREMENT = 0.25

# The same decision at every size: 1,000 orders are otherwise past what a cycle may have, and lines
# more than 2 % away are out of freqtrade's reach.
SETTINGS: dict[str, dict[str, Any]] = {
    "caps": {"max_orders_per_cycle": 2_000},
    "spacing": {"method": "fixed", "grid_step": 0.01},
}


@dataclass
class Scene:
    """Trades of all pairs as they stand at `now`, and the one that is asked about."""

    backtesting: TimedBacktesting
    strategy: Any
    now: datetime
    trade: Any
    rate: float


def measure(setting: Setting) -> dict[str, dict[str, float]]:
    """Return microseconds per call: by what is called, then by number of orders."""
    backtesting, frames = _analysed(setting)
    try:
        with runs.failing_loudly():
            columns = {size: _column(backtesting, frames, size) for size in SIZES}
    finally:
        backtesting.cleanup()
    names = columns[SIZES[0]]
    return {name: {str(size): columns[size][name] for size in SIZES} for name in names}


def _analysed(setting: Setting) -> tuple[TimedBacktesting, dict[str, pd.DataFrame]]:
    """Load AdaptiveGrid and have it analyse the last days; returns its candles with signals."""
    config = runs.configuration(setting, runs.GRID, DAYS)
    section = config["gridkit"]
    for name, values in SETTINGS.items():
        section[name] = {**section.get(name, {}), **values}
    backtesting = runs.prepared(config, setting)
    data, _ = backtesting.load_bt_data()
    strategy = backtesting.strategylist[0]
    backtesting._set_strategy(strategy)
    processed = strategy.advise_all_indicators(data)
    frames = {
        pair: strategy.ft_advise_signals(frame, {"pair": pair}) for pair, frame in processed.items()
    }
    return backtesting, frames


def _column(
    backtesting: TimedBacktesting, frames: dict[str, pd.DataFrame], size: int
) -> dict[str, float]:
    scene = _scene(backtesting, frames, size)
    return {**_after_fill(scene), **_unchanged(scene), **_freqtrades(scene)}


def calm_moment(frames: dict[str, pd.DataFrame]) -> pd.Timestamp:
    """Open time of the last candle at which no pair's trend forbids buying (or fewest do)."""
    columns = [frame.set_index("date")["enter_long"] for frame in frames.values()]
    allowed = pd.concat(columns, axis=1).sum(axis=1)
    return allowed[allowed == allowed.max()].index[-1]


def _scene(backtesting: TimedBacktesting, frames: dict[str, pd.DataFrame], size: int) -> Scene:
    """Open a trade of `size` fills per pair and let the desk settle on each but the first's."""
    LocalTrade.reset_trades()
    strategy = backtesting.strategy
    candle = calm_moment(frames)
    now = (candle + CANDLE).to_pydatetime()
    strategy.bot_loop_start(current_time=now)
    strategy.desk.cycles.clear()
    scenes = [
        _with_trade(backtesting, pair, number, _close(frame, candle), now, size)
        for number, (pair, frame) in enumerate(frames.items(), 1)
    ]
    backtesting.wallets.update()
    for scene in scenes[1:]:
        _settle(scene)
    return scenes[0]


def _close(frame: pd.DataFrame, candle: pd.Timestamp) -> float:
    return float(frame.set_index("date")["close"][candle])


def _with_trade(
    backtesting: TimedBacktesting, pair: str, number: int, rate: float, now: datetime, size: int
) -> Scene:
    """Lines stand so that the market is just below the second."""
    strategy = backtesting.strategy
    step = strategy.desk.settings.spacing.grid_step
    tick = backtesting.exchange.get_precision_price(pair)
    second = round(rate * 1.001 / tick) * tick
    lines = Lines(round(second * (1 + step) / tick) * tick, second)
    trade = trades.opened(backtesting, pair, number, lines.first, now)
    trades.fill_up_to(trade, size, lines, now - CANDLE, CANDLE)
    return Scene(backtesting, strategy, now, trade, rate)


def _adjust(scene: Scene, trade: Any = None, callback: Callable[..., Any] | None = None) -> Any:
    """Ask for the next order, in the words of freqtrade's `_adjust_trade_position_internal`."""
    return strategy_safe_wrapper(
        callback or scene.strategy.adjust_trade_position,
        default_retval=(None, ""),
        supress_error=True,
    )(
        trade=trade or scene.trade,
        current_time=scene.now,
        current_rate=scene.rate,
        current_profit=0.0,
        min_stake=5.0,
        max_stake=1e6,
        current_entry_rate=scene.rate,
        current_exit_rate=scene.rate,
        current_entry_profit=0.0,
        current_exit_profit=0.0,
    )


def _timeout(scene: Scene, callback: Callable[..., Any] | None = None) -> Any:
    """Ask whether the resting entry goes, in the words of freqtrade's `ft_check_timed_out`."""
    return strategy_safe_wrapper(
        callback or scene.strategy.check_entry_timeout, default_retval=False
    )(
        pair=scene.trade.pair,
        trade=scene.trade,
        order=scene.trade.orders[-1],
        current_time=scene.now,
    )


def _settle(scene: Scene) -> None:
    """Place what the desk asks for until it leaves all as it is."""
    for _ in range(3):
        wanted = _adjust(scene)
        if wanted is None or wanted[0] is None:
            return
        stake, tag = wanted
        price = scene.strategy.desk.order_price(scene.trade, tag, scene.rate)
        side = trades.BUY if stake > 0 else trades.SELL
        amount = abs(stake) / price
        trades.add_order(scene.trade, side, price, amount, tag, scene.now)
    raise RuntimeError("the grid keeps replacing its resting order")


def _after_fill(scene: Scene) -> dict[str, float]:
    """Time the decision after a fill; the desk's cache is put back before every call."""
    desk, trade = scene.strategy.desk, scene.trade
    before = _cycle_before_last_fill(scene)

    def put_back() -> None:
        desk.cycles[trade.id] = copy.deepcopy(before)

    wanted = _placed_after(scene, put_back)
    return {
        "adjust_trade_position, after a fill": microseconds(lambda: _adjust(scene), put_back),
        "... with freqtrade's copy": microseconds(
            lambda: _adjust(scene, callback=_copied(scene, "adjust_trade_position")), put_back
        ),
        "custom_entry_price, for that order": microseconds(
            lambda: scene.strategy.custom_entry_price(
                pair=trade.pair,
                trade=trade,
                current_time=scene.now,
                proposed_rate=scene.rate,
                entry_tag=wanted[1],
                side="long",
            )
        ),
    }


def _placed_after(scene: Scene, put_back: Callable[[], None]) -> tuple[float, str]:
    """Return the order that follows the fill; without one this is not what it says."""
    put_back()
    wanted = _adjust(scene)
    if wanted is None or wanted[0] is None:
        verdict = scene.strategy.desk.cycles[scene.trade.id].verdict
        raise RuntimeError(f"the grid asks for no order after a fill: {verdict}")
    return wanted


def _cycle_before_last_fill(scene: Scene) -> Any:
    """Return what the desk knew while the last order still rested, a candle earlier."""
    trade, desk, now = scene.trade, scene.strategy.desk, scene.now
    last = trade.orders[-1]
    filled_at, scene.now = last.order_filled_date, now - CANDLE
    last.ft_is_open, last.status, last.filled = True, "open", 0.0
    _adjust(scene)
    scene.now = now
    trades.fill(last, filled_at)
    return copy.deepcopy(desk.cycles[trade.id])


def _copied(scene: Scene, name: str) -> Callable[..., Any]:
    """Return the strategy's own method, which freqtrade hands a copy of the trade."""
    return getattr(type(scene.strategy), name).__get__(scene.strategy)


def _unchanged(scene: Scene) -> dict[str, float]:
    """Time the usual candle, on which everything is in place."""
    _settle(scene)
    trade, resting = scene.trade, scene.trade.orders[-1]
    results = {
        "adjust_trade_position, nothing changed": microseconds(lambda: _adjust(scene)),
        "... with freqtrade's copy (nothing changed)": microseconds(
            lambda: _adjust(scene, callback=_copied(scene, "adjust_trade_position"))
        ),
    }
    if resting.ft_order_side != trade.entry_side:
        trade.orders[-1] = copy.copy(resting)
        trade.orders[-1].ft_order_side = trade.entry_side
    results["check_entry_timeout, an entry rests"] = microseconds(lambda: _timeout(scene))
    trade.orders[-1] = resting
    return results


def _freqtrades(scene: Scene) -> dict[str, float]:
    """Time what freqtrade itself does to a trade of this size, per candle or per fill."""
    trade, rate = scene.trade, scene.rate
    nothing = scene.strategy.order_filled
    work = {
        "freqtrade: recalc_trade_from_orders": trade.recalc_trade_from_orders,
        "freqtrade: calc_profit_ratio": lambda: trade.calc_profit_ratio(rate),
        "freqtrade: select_order": lambda: trade.select_order(trade.entry_side, is_open=True),
        "freqtrade: open_orders": lambda: trade.open_orders,
        "freqtrade: has_open_orders": lambda: trade.has_open_orders,
        "freqtrade: nr_of_successful_entries": lambda: trade.nr_of_successful_entries,
        "freqtrade: deepcopy of the trade": lambda: copy.deepcopy(trade),
        "freqtrade: its wrapper around an empty callback": lambda: strategy_safe_wrapper(
            nothing, supress_error=True
        )(pair=trade.pair, trade=trade, order=trade.orders[-1], current_time=scene.now),
    }
    if not nothing.__qualname__.startswith(IStrategy.__name__):
        raise RuntimeError("order_filled is no longer freqtrade's own empty callback")
    return {name: microseconds(call) for name, call in work.items()}


def microseconds(call: Callable[[], Any], before: Callable[[], Any] | None = None) -> float:
    """Median CPU time of a call, `before` not counted; few calls of what takes long."""
    taken: list[int] = []
    ends = time.perf_counter() + SECONDS_PER_MEASUREMENT
    while len(taken) < LEAST_CALLS or (len(taken) < MOST_CALLS and time.perf_counter() < ends):
        if before:
            before()
        started = time.thread_time_ns()
        call()
        taken.append(time.thread_time_ns() - started)
    return statistics.median(taken) / 1_000
