"""What the benchmark wants, and whether it got it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import live_loop
from gridkit.settings import Settings

LEAST_FILLS_A_YEAR = 3_000  # of five pairs
MOST_OWN_SHARE = 0.25
LEAST_FILLS_OF_DIRECTIONAL = 500  # likewise, or it would be quick by waiting
LEAST_SPEED_OF_HOLD = 0.2
LEAST_SPEED_OF_DIRECTIONAL = 0.3
MOST_SPEED_COPIED = 0.2
MOST_SECONDS_PER_LOOP = 0.2  # live, of our part, with 1,000 orders in the trade
MOST_GROWTH = 1.5  # "flat": a call at 1,000 orders against one at 10
MOST_MEMORY_MB = 1_000.0
MOST_MEMORY_OF_ALL_MB = 1_200.0
ROWS_A_YEAR = 105_120  # of 5m candles
MOST_SECONDS = {"all modules": 5.0, "profile": 0.5, "garch": 2.0}  # for a year
LEAST_ORDERFLOW_RATIO = 50.0
MOST_SECONDS_OF_TRAINING, MOST_COLUMNS = 10.0, 100  # of the predictor, on 30 days of 5m
MOST_MS_OF_ANSWER = 100.0

FLAT = (
    "adjust_trade_position, nothing changed",
    "adjust_trade_position, after a fill",
    "check_entry_timeout, an entry rests",
)


@dataclass(frozen=True)
class Verdict:
    """One bound: `at_most` says which side of the bound is good."""

    name: str
    value: float
    bound: float
    at_most: bool

    @property
    def met(self) -> bool:
        """Whether the value is on the good side; NaN never is."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def as_document(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "met": self.met}


def verdicts(report: Mapping[str, Any]) -> Iterator[Verdict]:
    """Hold a report against every bound."""
    hold, grid = report["hold"], report["grid"]
    part = report["slice"]
    size = report["data"]["days"] * len(report["data"]["pairs"])
    wanted = round(LEAST_FILLS_A_YEAR * size / (365 * 5))
    yield Verdict("fills of (b)", grid["fills"], wanted, at_most=False)
    yield Verdict("our code's share of (b)", grid["profile"]["inclusive"], MOST_OWN_SHARE, True)
    speed = grid["candles_per_second"] / hold["candles_per_second"]
    yield Verdict("speed of (b) / (a)", speed, LEAST_SPEED_OF_HOLD, at_most=False)
    yield from _directional(report["directional"], hold, size)
    copied = part["copied"]["candles_per_second"] / part["grid"]["candles_per_second"]
    yield Verdict("speed of (c) / (b)", copied, MOST_SPEED_COPIED, at_most=True)
    yield Verdict("orders of (c) unlike (b)'s", float(not part["equal_orders"]), 0.0, at_most=True)
    for name in FLAT:
        costs = list(report["callbacks"][name].values())
        yield Verdict(f"growth with orders: {name}", costs[-1] / costs[0], MOST_GROWTH, True)
    seconds = live_loop.seconds_per_loop(
        report["live_loop"], read_only=Settings().read_only_trades_live, size=live_loop.SIZES[-1]
    )
    yield Verdict("live loop at 1,000 orders, s", seconds, MOST_SECONDS_PER_LOOP, at_most=True)
    memory = report["memory"]
    yield Verdict("peak memory of (b), MB", memory["grid_mb"], MOST_MEMORY_MB, True)
    whole = memory["all_modules_mb"]
    yield Verdict("peak memory with all modules, MB", whole, MOST_MEMORY_OF_ALL_MB, True)
    yield from _analytics(report["analytics"])
    yield from _predictor(report["prediction"])
    yield from _orderflow(report["orderflow"])


def _directional(run: Mapping[str, Any], hold: Mapping[str, Any], size: int) -> Iterator[Verdict]:
    wanted = round(LEAST_FILLS_OF_DIRECTIONAL * size / (365 * 5))
    yield Verdict("fills of (d)", run["fills"], wanted, at_most=False)
    yield Verdict("our code's share of (d)", run["profile"]["inclusive"], MOST_OWN_SHARE, True)
    speed = run["candles_per_second"] / hold["candles_per_second"]
    yield Verdict("speed of (d) / (a)", speed, LEAST_SPEED_OF_DIRECTIONAL, at_most=False)


def _analytics(part: Mapping[str, Any]) -> Iterator[Verdict]:
    """Hold the seconds against bounds for a year, shortened as the data is."""
    spent = part["modules"]
    seconds = {"all modules": sum(spent.values()) + sum(part["shared"].values())}
    for name in ("profile", "garch"):
        seconds[name] = sum(value for key, value in spent.items() if key.startswith(name))
    share = min(1.0, part["rows"] / ROWS_A_YEAR)
    for name, value in seconds.items():
        yield Verdict(f"analytics, {name}, s", value, MOST_SECONDS[name] * share, at_most=True)


def _predictor(part: Mapping[str, Any]) -> Iterator[Verdict]:
    if not part:
        return
    ours = part["ours"]
    answer = ours["features_ms"] + ours["predict_ms"]
    yield Verdict("training of a pair, s", ours["train_seconds"], MOST_SECONDS_OF_TRAINING, True)
    yield Verdict("columns it is trained on", ours["columns"], MOST_COLUMNS, at_most=True)
    yield Verdict("answer of a pair's candle, ms", answer, MOST_MS_OF_ANSWER, at_most=True)


def _orderflow(part: Mapping[str, Any]) -> Iterator[Verdict]:
    for timeframe, found in part["timeframes"].items():
        name = f"order flow {timeframe}, times freqtrade's speed"
        yield Verdict(name, found["ratio"], LEAST_ORDERFLOW_RATIO, at_most=False)
        unequal = float(not found["equal"])
        yield Verdict(f"order flow {timeframe} unlike freqtrade's", unequal, 0.0, at_most=True)
