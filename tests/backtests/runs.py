"""Runs of freqtrade's own Backtesting, in this process, that remember every order and fill."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.persistence import LocalTrade
from freqtrade.resolvers import ExchangeResolver
from freqtrade.strategy import IStrategy

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config.json"
FUTURES_CONFIG = ROOT / "user_data" / "configs" / "futures.json"
STRATEGIES = ROOT / "strategies"
VARIANTS = Path(__file__).parent / "variants"
# Any market may start a cycle, or a quick look would decide whether a test trades at all.
ANY_MARKET = {
    "stop_atr_multiple": 2.0, "threshold_factor": 1.2, "size_factor": 0.7, "new_cycles": True,
}  # fmt: skip
# Warmed up after a few days, so that runs can begin earlier and last longer.
QUICK_REGIME = {"ema_fast": 10, "ema_slow": 30, "window_days": 2, "uncertain": ANY_MARKET}
REALISED = {"method": "realised"}  # no hourly candles, no fits
# Every feature that changes the bare grid's orders, off.
BARE = {
    "density": {"enabled": False},
    "volume_lines": {"enabled": False},
    "sizing": {"mode": "fixed"},
    "stops": {"trend_flatten_enabled": False},
    "recovery": {"mode": "none"},
    "breakers": {"enabled": False},
    "brakes": {"orderflow": False, "illiquid": "ignore"},
}
QUICK = {"regime": QUICK_REGIME, "volatility": REALISED}
UNGATED = {**BARE, "regime": {"enabled": False}, "volatility": REALISED}
END_OF_RUN = "force_exit"  # freqtrade sells what is left when the candles end


class Placed(NamedTuple):
    """One order as it was placed; what the tests call the order list is a list of these."""

    time: datetime
    pair: str
    side: str
    price: float
    amount: float
    tag: str


class Filled(NamedTuple):
    """One fill: in which (detail) candle, and the candle in which its order was placed."""

    time: datetime
    pair: str
    side: str
    price: float
    amount: float
    tag: str
    placed: datetime
    low: float
    high: float


@dataclass
class Run:
    """What a run did, and the objects that did it."""

    backtesting: "Recording"
    strategy: IStrategy
    placed: list[Placed]
    filled: list[Filled]
    events: list[Placed | Filled]
    trades: list[dict[str, Any]]
    content: dict[str, Any]

    def tags(self) -> set[str]:
        return {order.tag for order in self.placed}


Watch = Callable[["Recording", str, datetime], None]


class Recording(Backtesting):
    """freqtrade's backtester with a pencil: it behaves the same, and `watch` sees every step."""

    def __init__(self, config: dict[str, Any], exchange: Exchange, watch: Watch | None = None):
        self.watch = watch
        self.placed: list[Placed] = []
        self.filled: list[Filled] = []
        self.events: list[Placed | Filled] = []
        super().__init__(config, exchange=exchange)

    def reset_backtest(self, enable_protections: bool = False) -> None:
        self.placed, self.filled, self.events = [], [], []
        super().reset_backtest(enable_protections)

    def _enter_trade(self, pair: str, row: Any, *args: Any, **kwargs: Any) -> Any:
        before = self.order_id_counter
        trade = super()._enter_trade(pair, row, *args, **kwargs)
        self._note(trade, before)
        return trade

    def _exit_trade(self, trade: LocalTrade, *args: Any, **kwargs: Any) -> Any:
        before = self.order_id_counter
        answer = super()._exit_trade(trade, *args, **kwargs)
        self._note(answer, before)
        return answer

    def _note(self, trade: LocalTrade | None, before: int) -> None:
        if trade is None or not trade.orders or int(trade.orders[-1].order_id) <= before:
            return
        order = trade.orders[-1]
        placed = Placed(
            order.order_date_utc, trade.pair, order.side, order.ft_price, order.amount,
            order.ft_order_tag or "",
        )  # fmt: skip
        self.placed.append(placed)
        # freqtrade tries to fill an entry within the call that places it.
        filled_at_once = self.events and self.events[-1][:6] == placed
        self.events.insert(len(self.events) - bool(filled_at_once), placed)

    def _try_close_open_order(
        self, order: Any, trade: LocalTrade, current_date: datetime, row: Any
    ) -> bool:
        filled = super()._try_close_open_order(order, trade, current_date, row)
        if filled:
            self.filled.append(
                Filled(
                    current_date, trade.pair, order.side, order.ft_price, order.safe_filled,
                    order.ft_order_tag or "", order.order_date_utc, row[3], row[2],
                )
            )  # fmt: skip
            self.events.append(self.filled[-1])
        return filled

    def backtest_loop(self, row: Any, pair: str, current_time: datetime, *args: Any) -> Any:
        answer = super().backtest_loop(row, pair, current_time, *args)
        if self.watch:
            self.watch(self, pair, current_time)
        return answer


@dataclass
class Market:
    """A datadir, the exchange that lists its pairs, and when to trade on it."""

    datadir: Path
    exchange_config: Path
    pairs: tuple[str, ...]
    timerange: str
    futures: bool = False
    _exchange: list[Exchange] = field(default_factory=list)

    def exchange(self, config: dict[str, Any]) -> Exchange:
        """freqtrade's exchange object; one for all runs, as its hyperopt has it."""
        if not self._exchange:
            self._exchange.append(
                ExchangeResolver.load_exchange(config, load_leverage_tiers=self.futures)
            )
        return self._exchange[0]

    def close(self) -> None:
        for exchange in self._exchange:
            exchange.close()
        self._exchange.clear()


def config_of(
    folder: Path,
    market: Market,
    settings: dict[str, Any] | None = None,
    *,
    strategy: str = "AdaptiveGrid",
    timerange: str | None = None,
    datadir: Path | None = None,
    runmode: RunMode = RunMode.BACKTEST,
    **overrides: Any,
) -> dict[str, Any]:
    """The project's own config.json with a market and settings, read by freqtrade itself."""
    own = {
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": {"pair_whitelist": list(market.pairs)},
        "max_open_trades": len(market.pairs),
        "strategy": strategy,
        "strategy_path": str(STRATEGIES if (STRATEGIES / f"{strategy}.py").exists() else VARIANTS),
        "user_data_dir": str(folder),
        "timerange": timerange or market.timerange,
        "backtest_cache": "none",
        "export": "none",
        "gridkit": settings or {},
        **overrides,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "own.json"
    path.write_text(json.dumps(own))
    files = [CONFIG, *([FUTURES_CONFIG] if market.futures else []), market.exchange_config, path]
    arguments = {
        "config": [str(file) for file in files],
        "datadir": str(datadir or market.datadir),
        "user_data_dir": str(folder),
    }
    return Configuration(arguments, runmode).get_config()


def run(
    folder: Path,
    market: Market,
    settings: dict[str, Any] | None = None,
    *,
    watch: Watch | None = None,
    change: Callable[[IStrategy], None] | None = None,
    **overrides: Any,
) -> Run:
    """One backtest. `change` may alter the loaded strategy object before the run."""
    with backtesting(folder, market, settings, watch=watch, **overrides) as recording:
        if change:
            change(recording.strategylist[0])
        return started(recording)


@contextmanager
def backtesting(
    folder: Path,
    market: Market,
    settings: dict[str, Any] | None = None,
    *,
    watch: Watch | None = None,
    **overrides: Any,
) -> Iterator[Recording]:
    """freqtrade's Backtesting, ready to start; its global state is put back afterwards."""
    config = config_of(folder, market, settings, **overrides)
    with others_warnings_ignored():
        try:
            yield Recording(config, market.exchange(config), watch)
        finally:
            Backtesting.cleanup()


@contextmanager
def others_warnings_ignored() -> Iterator[None]:
    """Leave freqtrade's warnings about its own code to freqtrade; ours stay errors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"freqtrade(\..*)?$")
        yield


def started(recording: Recording) -> Run:
    """Run as `Backtesting.start` does, without the tables it prints; tell what was done."""
    data, timerange = recording.load_bt_data()
    recording.backtest_one_strategy(recording.strategylist[0], data, timerange)
    (content,) = recording.all_bt_content.values()
    return Run(
        recording,
        recording.strategy,
        recording.placed,
        recording.filled,
        recording.events,
        content["results"].to_dict("records"),
        content,
    )


def until(run: Run, cut: datetime) -> list[Placed]:
    """The order list up to a moment, without what freqtrade sells because the candles end."""
    return [order for order in run.placed if order.time <= cut and order.tag != END_OF_RUN]


def disagreements(
    whole: Run, part: Run, cut: datetime
) -> list[tuple[Placed | None, Placed | None]]:
    """Pairs of orders in which a run on less data differs from the whole one; empty: no leak."""
    first, second = until(whole, cut), until(part, cut)
    longest = max(len(first), len(second))
    padded = [orders + [None] * (longest - len(orders)) for orders in (first, second)]
    return [(one, other) for one, other in zip(*padded, strict=True) if one != other]
