"""What a user is promised in a range, a rise, a fall, a crash and a quiet market, in numbers.

Simulated candles, one pair, 1,000 USDT, every feature as by default; freqtrade's own backtest. What
the loss is held against is what the summary states before the first order.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtests import runs
from backtests.datadirs import written
from backtests.runs import BARE, QUICK, Run
from gridkit.grid import tags
from gridkit.host import summary

pytestmark = pytest.mark.slow

PAIR = "SOL/USDT"
START = datetime(2025, 1, 1, tzinfo=UTC)
BEGINS = START + timedelta(days=10)
ENDS = START + timedelta(days=14)
DAY = 288  # candles
PARTS = 5  # ticks of a candle
CASH = 1_000.0
CALM = 0.02 / np.sqrt(DAY)  # two per cent a day
SEEDS = pytest.mark.parametrize("seed", [1, 2])
CRASH = 1.5  # days after BEGINS
LOSSES = {tags.STOP, tags.FLATTEN, tags.RECOVER}
UNSTOPPED = {
    "lot_stop_enabled": False, "cycle_stop_enabled": False, "trend_flatten_enabled": False,
}  # fmt: skip
FILLED_AND_STOPPED = re.compile(r"worst loss of one round: ([\d.,]+) USDT")

Path = Callable[[np.ndarray], np.ndarray]  # days since BEGINS (negative: before), log of price


def swinging(days: np.ndarray) -> np.ndarray:
    return 0.015 * np.sin(2 * np.pi * days / 0.7)


def rising(days: np.ndarray) -> np.ndarray:
    return 0.02 * np.maximum(0.0, days)


def falling(days: np.ndarray) -> np.ndarray:
    return -0.04 * np.maximum(0.0, days)


def crashing(days: np.ndarray) -> np.ndarray:
    """Two per cent within half a day, then a fifth within two hours."""
    return -0.02 * np.clip(days * 2 - 2, 0.0, 1.0) + np.log(0.8) * _crash(days)


def _crash(days: np.ndarray) -> np.ndarray:
    return np.clip((days - CRASH) * 12, 0.0, 1.0)


def standing(days: np.ndarray) -> np.ndarray:
    return np.zeros_like(days)


@dataclass
class Seen:
    """A run, the worst loss that was stated, marked profit at each candle, breakers and when."""

    run: Run
    stated: float
    profits: list[float] = field(default_factory=list)
    breakers: dict[datetime, str] = field(default_factory=dict)

    @property
    def verbs(self) -> list[str]:
        return [tags.verb_of(fill.tag) for fill in self.run.filled]

    @property
    def buys(self) -> list[Any]:
        return [fill for fill in self.run.filled if fill.side == "buy"]

    @property
    def profit(self) -> float:
        return sum(trade["profit_abs"] for trade in self.run.trades)

    @property
    def deepest(self) -> float:
        """The most that was lost from a peak, marked."""
        curve = np.array([0.0, *self.profits, self.profit])
        return float(np.max(np.maximum.accumulate(curve) - curve))

    def bought_after(self, days: float) -> list[Any]:
        """Fills of entries after a time, in days since the run began."""
        return [fill for fill in self.buys if fill.time >= BEGINS + timedelta(days=days)]


def candles(path: Path, sigma: float, seed: int) -> dict[str, pd.DataFrame]:
    """Candles of a path with noise that does not add up: it is drawn back to the path."""
    count = DAY * (ENDS - START).days
    noise = np.random.default_rng(seed).normal(0.0, sigma / np.sqrt(PARTS), count * PARTS)
    wander = np.zeros(count * PARTS)
    for index in range(1, len(wander)):
        wander[index] = wander[index - 1] * (1 - 0.01 / PARTS) + noise[index]
    days = np.arange(count * PARTS) / PARTS / DAY - (BEGINS - START).days
    price = 100.0 * np.exp(path(days) + wander).reshape(count, PARTS)
    dates = pd.date_range(START, periods=count, freq="5min")
    volume = np.random.default_rng(seed + 1).uniform(500.0, 1_500.0, count)
    small = pd.DataFrame(
        {
            "date": dates, "open": price[:, 0], "high": price.max(axis=1),
            "low": price.min(axis=1), "close": price[:, -1], "volume": volume,
        }
    )  # fmt: skip
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    hourly = small.resample("1h", on="date").agg(how).reset_index()
    return {"5m": small, "1h": hourly}


@pytest.fixture(scope="module")
def known() -> dict[Any, Seen]:
    return {}


@pytest.fixture
def lived(known, spot, tmp_path) -> Callable[..., Seen]:
    """Run a path once: `lived(path, seed, sigma)`."""

    def lived(path: Path, seed: int, sigma: float = CALM) -> Seen:
        key = path.__name__, seed, sigma
        if key not in known:
            known[key] = _run(path, seed, sigma, spot, tmp_path)
        return known[key]

    return lived


def _run(
    path: Path, seed: int, sigma: float, spot: Any, folder: Any, settings: Any = QUICK
) -> Seen:
    folder.mkdir(exist_ok=True)
    datadir = written(folder / "data", PAIR, candles(path, sigma, seed), futures=False)
    stated: list[float] = []
    profits: list[float] = []
    breakers: dict[datetime, str] = {}

    def watch(recording: Any, _pair: str, now: datetime) -> None:
        strategy = recording.strategy
        desk = strategy.desk
        if not stated:
            stated.append(_stated(summary.lines(strategy, desk)))
        profits.append(desk.fortune.profit)
        for up in (desk.breakers.up, desk.breakers.markets.up(PAIR)):
            if up:
                breakers[now] = up.name

    run = runs.run(
        folder / "user_data", spot, settings, watch=watch, datadir=datadir,
        timerange=f"{BEGINS:%Y%m%d}-{ENDS:%Y%m%d}", max_open_trades=1,
        exchange={"pair_whitelist": [PAIR]}, dry_run_wallet=CASH,
    )  # fmt: skip
    return Seen(run, stated[0], profits, breakers)


def _stated(lines: list[str]) -> float:
    found = [match for line in lines if (match := FILLED_AND_STOPPED.search(line))]
    (only,) = found
    return float(only[1].replace(",", ""))


@SEEDS
def test_a_range_is_harvested_without_a_stop(lived, seed):
    seen = lived(swinging, seed)
    assert seen.verbs.count(tags.SELL) >= 10
    assert LOSSES & set(seen.verbs) <= {tags.RECOVER}
    assert seen.profit > 0
    assert seen.deepest <= seen.stated / 4


@SEEDS
def test_a_rise_is_followed_and_loses_nothing(lived, seed):
    seen = lived(rising, seed)
    opened = [trade["open_rate"] for trade in seen.run.trades]
    assert len(opened) >= 2
    assert opened == sorted(opened)
    placed = [order.price for order in seen.run.placed if order.side == "buy"]
    assert placed[-1] > 1.05 * placed[0], "the order that waits for a start follows the price"
    assert not LOSSES & set(seen.verbs)
    assert seen.profit > 0


@SEEDS
def test_a_fall_is_left_within_the_stated_loss_and_not_bought_into(lived, seed):
    """Sixteen per cent in four days."""
    seen = lived(falling, seed)
    assert {tags.FLATTEN, tags.STOP} & set(seen.verbs)
    assert 0 < seen.deepest <= seen.stated
    assert seen.buys
    assert seen.bought_after(1.5) == []
    held = [fill for fill in seen.run.filled if fill.time >= BEGINS + timedelta(days=2)]
    assert held == [], "there is nothing left to sell"


@SEEDS
def test_a_crash_is_left_within_the_stated_loss_while_a_breaker_lets_nothing_be_added(lived, seed):
    """Twenty per cent in two hours, with lots open."""
    seen = lived(crashing, seed)
    assert {tags.FLATTEN, tags.STOP} & set(seen.verbs)
    assert 0 < seen.deepest <= seen.stated
    began = BEGINS + timedelta(days=CRASH)
    up = [moment for moment in seen.breakers if moment >= began]
    assert up
    assert min(up) <= began + timedelta(minutes=30)
    assert [one for one in seen.run.placed if one.side == "buy" and one.time in seen.breakers] == []


@SEEDS
def test_a_quiet_market_costs_nothing_and_few_orders(lived, seed):
    """A quarter of a per cent a day."""
    seen = lived(standing, seed, CALM / 8)
    assert 1 <= len(seen.run.placed) <= 8
    assert seen.profit >= 0
    assert seen.deepest == 0


def test_without_its_features_the_grid_loses_more_in_a_fall(known, lived, spot, tmp_path):
    """So that what bounds the loss above is the features and not the market."""
    with_all = lived(falling, 1)
    bare = {**QUICK, **BARE, "regime": {"enabled": False}, "stops": UNSTOPPED}
    without = _run(falling, 1, CALM, spot, tmp_path / "bare", bare)
    assert without.deepest > 5 * with_all.deepest
    assert without.bought_after(1.5)
