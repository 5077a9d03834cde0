"""What FreqAI keeps of a walk-forward run, as tables: how good, and how often heeded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gridkit import candles
from gridkit.host.prediction import heeding
from gridkit.prediction import accuracy, gate, targets
from gridkit.prediction.accuracy import Measured
from gridkit.prediction.gate import Why
from gridkit.settings import Settings
from studies.data import MissingData
from studies.tables import Table, count, number, percent, table

TIMEFRAME = "5m"
FEE = 0.0005  # of the sandbox's perpetuals, one side
QUALITY = (
    "", "decided", "that do not overlap", "right", "nine in ten", "break-even", "Brier",
    "nine in ten", "log loss", "said too much",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """A pair's candles with FreqAI's answers, and the columns our strategies read of them."""

    pair: str
    seen: pd.DataFrame
    columns: pd.DataFrame

    @property
    def coin(self) -> str:
        """Return the pair's coin."""
        return self.pair.split("/")[0]


def histories(datadir: Path, user_data: Path, pairs: Sequence[str]) -> list[History]:
    """Read what the last run left in FreqAI's folder, and judge it as the strategy did."""
    folders = sorted((user_data / "models").glob("*/backtesting_predictions"), key=_age)
    if not folders:
        raise MissingData(f"no predictions below {user_data}")
    return [_history(datadir, folders[-1], pair) for pair in pairs]


def cost_fraction() -> float:
    """Return what a round trip costs, a fraction of price, by the settings as they come."""
    return 2 * FEE + 2 * Settings().costs.half_spread


def quality(title: str, found: Sequence[History]) -> Table:
    """Set pairs and horizons below each other: right, Brier, log loss, calibration."""
    return table(title, QUALITY, [row for one in found for row in _qualities(one)])


def gates(title: str, found: Sequence[History]) -> Table:
    """Count hours by what the gate says; and how often it opened."""
    step = candles.seconds_of(TIMEFRAME) / candles.SECONDS_PER_HOUR
    rows = []
    for one in found:
        codes = one.columns["prediction_gate"].to_numpy()
        opened = int(((codes[1:] == Why.ON) & (codes[:-1] != Why.ON)).sum())
        hours = [number(step * (codes == why).sum(), 0) for why in Why]
        rows.append([one.coin, *hours, count(opened)])
    return table(title, ("", *(why.name.lower() for why in Why), "times opened"), rows)


def _age(folder: Path) -> float:
    return folder.stat().st_mtime


def _history(datadir: Path, folder: Path, pair: str) -> History:
    coin = pair.split("/", maxsplit=1)[0]
    files = sorted(folder.glob(f"cb_{coin.lower()}_*_prediction.feather"))
    if not files:
        raise MissingData(f"no predictions of {pair} in {folder}")
    answers = pd.concat(map(pd.read_feather, files), ignore_index=True)
    name = f"{pair.replace('/', '_').replace(':', '_')}-{TIMEFRAME}-futures.feather"
    prices = pd.read_feather(datadir / "futures" / name)[["date", "close"]]
    seen = answers.merge(prices, on="date", how="left").sort_values("date", ignore_index=True)
    made = heeding.columns(seen, Settings().prediction, TIMEFRAME, cost_fraction())
    return History(pair, seen, made)


def _qualities(one: History) -> Iterator[list[str]]:
    cost, rule = cost_fraction(), Settings().prediction
    for horizon in rule.horizons:
        move = targets.between(
            candles.times(one.seen), one.seen["close"].to_numpy("float64"), horizon
        )
        up = one.columns[f"prediction_up_{horizon}"].to_numpy("float64")
        length = targets.horizon_candles(horizon, TIMEFRAME)
        found = accuracy.measure(up, move, cost, length)
        mean = np.abs(move[targets.decided(move, cost) & ~np.isnan(up)]).mean()
        yield [
            f"{one.coin} {horizon}",
            count(found.outcomes),
            number(found.effective, 0),
            percent(found.accuracy.value),
            _between(found.accuracy),
            percent(float(gate.break_even(cost, mean))),
            number(found.brier.value, 4),
            f"{number(found.brier.low, 4)} … {number(found.brier.high, 4)}",
            number(found.log_loss.value, 4),
            percent(found.calibration_error.value),
        ]


def _between(found: Measured) -> str:
    return f"{percent(found.low)} … {percent(found.high)}"
