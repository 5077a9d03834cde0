"""Confluence with short windows and near targets: in nine days it enters dozens of times."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from freqtrade.data.converter import trim_dataframes
from freqtrade.data.history import get_timerange
from freqtrade.enums import RunMode
from freqtrade.persistence import LocalTrade

from backtests.runs import QUICK_REGIME, REALISED, Market, Placed, Recording, Run
from gridkit.host import parameters
from gridkit.host.directional.positions import Held
from gridkit.settings import CONFLUENCE_DEFAULTS, Settings
from host.analysed import candles_file, merged

QUICK = {
    "volatility": REALISED,
    "regime": QUICK_REGIME,
    "profile": {"days": 1},
    "thresholds": {"window_days": 7},
    "correlation": {"window_days": 7},
    "confluence": {
        "funding_days": 7,
        "periods": {
            "averages": [3, 5, 10], "smooth": 4, "oscillator": 4, "macd": [3, 5, 3], "window": 5,
        },
    },
    "entries": {"threshold": 0.1, "least_reward": 0},
    "exits": {"targets": [0.5, 1.0, 1.5], "break_even": 0.7, "max_hours": 4},
    "breakers": {"market": False},
}  # fmt: skip
ENTER = ("trend", "edge", "value")


def quick(**changes: Any) -> dict[str, Any]:
    return merged(QUICK, changes)


@dataclass
class Life:
    """One trade: its orders that were filled, and what stood after each candle."""

    trade: Any
    held: Held | None = None
    stops: list[tuple[datetime, float]] = field(default_factory=list)

    @property
    def side(self) -> int:
        return -1 if self.trade.is_short else 1

    @property
    def entry(self) -> Any:
        return self.trade.orders[0]

    @property
    def exits(self) -> list[Any]:
        return [one for one in self.trade.orders if one.ft_order_side == self.trade.exit_side]


class Lives:
    """Looks on while a backtest trades."""

    def __init__(self) -> None:
        self.of: dict[int, Life] = {}

    def watch(self, recording: Recording, _pair: str, now: datetime) -> None:
        for trade in LocalTrade.bt_trades_open:
            life = self.of.setdefault(trade.id, Life(trade))
            if trade.amount:
                life.held = recording.strategy.desk.positions.held(trade)
                life.stops.append((now, trade.stop_loss))

    def all(self) -> list[Life]:
        return [life for life in self.of.values() if life.held is not None]


def entries(run: Run) -> Iterator[Placed]:
    return (order for order in run.placed if order.tag.partition(" ")[0] in ENTER)


def opens_of(market: Market) -> dict[tuple[str, datetime], float]:
    """Opens of all candles of a market, by pair and time."""
    frames = {pair: pd.read_feather(candles_file(market, pair, "5m")) for pair in market.pairs}
    return {
        (pair, date.to_pydatetime()): price
        for pair, frame in frames.items()
        for date, price in zip(frame["date"], frame["open"], strict=True)
    }


class Reruns:
    """One analysis, traded again and again by other settings, as hyperopt's epochs are.

    Columns are made once; entries, exits and portfolio follow the settings of each run.
    """

    def __init__(self, recording: Recording, base: dict[str, Any]) -> None:
        self._recording = recording
        self.strategy = recording.strategylist[0]
        recording._set_strategy(self.strategy)
        recording.config["runmode"] = RunMode.HYPEROPT
        data, timerange = recording.load_bt_data()
        made = recording.strategy.advise_all_indicators(data)
        self._frames = {
            pair: frame.assign(prediction_up=_prediction(frame)) for pair, frame in made.items()
        }
        traded = trim_dataframes(made, timerange, recording.required_startup)
        self._span = get_timerange(traded)
        self._base = base

    def placed(self, changes: dict[str, Any]) -> list[Placed]:
        """Return the orders of a run by the base's settings and these changes."""
        settings = Settings.from_config(
            {"gridkit": merged(self._base, changes)}, {**CONFLUENCE_DEFAULTS, "direction": "auto"}
        )
        strategy, recording = self.strategy, self._recording
        strategy.configured = settings
        parameters.declare(strategy, settings, strategy.config, parameters.DIRECTIONAL)
        recording.reset_backtest()
        frames = {pair: frame.copy() for pair, frame in self._frames.items()}
        first, last = self._span
        recording.backtest(processed=frames, start_date=first, end_date=last)
        return recording.placed


def _prediction(frame: pd.DataFrame) -> np.ndarray:
    """Probabilities that go up and down over the hours."""
    return 0.5 + 0.45 * np.sin(np.arange(len(frame)) / 30)
