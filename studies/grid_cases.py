"""What the grid is tried on, and how it is set each time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gridkit.settings import Settings as GridkitSettings

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "user_data" / "configs"
BASE = ROOT / "config.json"

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """A datadir below the data folder, a time in it, and the configs that name its pairs."""

    name: str
    folder: str
    timerange: str
    configs: tuple[Path, ...]
    futures: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One run: what it is called, its `gridkit` section, and what else differs in the config."""

    name: str
    settings: Settings = field(default_factory=dict)
    others: Settings = field(default_factory=dict)


_FUTURES = "futures_5m_2023-05_2024-05/binance"
_SPOT = "spot_5m_2022-08_2023-09/binance"
_TEN, _FIVE = (BASE, CONFIGS / "ten_pairs.json"), (BASE, CONFIGS / "futures.json")

RANGE = Period("five perpetuals, June to November 2023", _FUTURES, "20230601-20231201", _FIVE, True)
BULL = Period(
    "five perpetuals, June 2023 to April 2024", _FUTURES, "20230615-20240501", _FIVE, True
)
SPOT = Period("ten spot pairs, September 2022 to August 2023", _SPOT, "20220915-20230901", _TEN)
MINUTES = Period(
    "one spot pair, May to August 2025, filled by the minute",
    "spot_1m_2025-05_2025-08/binance",
    "20250518-20250803",
    (BASE,),
)
WINDOWS = {"futures": (RANGE, BULL), "spot": (SPOT,)}

NEVER = 0.999  # a drawdown that no breaker lives to see
HOURS_OF_A_WEEK = 168

DEFAULTS = Case("as it comes")
NO_RECOVERY = Case("without recovery", {"recovery": {"mode": "none"}})
PARTS: tuple[tuple[str, Settings, Settings], ...] = (  # name, on, off
    ("density", {"density": {"enabled": True}}, {"density": {"enabled": False}}),
    ("volume lines", {"volume_lines": {"enabled": True}}, {"volume_lines": {"enabled": False}}),
    ("dynamic sizing", {"sizing": {"mode": "dynamic"}}, {"sizing": {"mode": "fixed"}}),
    ("recovery", {"recovery": {"mode": "ladder"}}, NO_RECOVERY.settings),
    (
        "trend flatten",
        {"stops": {"trend_flatten_enabled": True}},
        {"stops": {"trend_flatten_enabled": False}},
    ),
    (
        "drawdown breakers",
        {"breakers": {"enabled": True}},
        {"breakers": dict.fromkeys(("yellow", "orange", "red", "black"), NEVER)},
    ),
    ("market breakers", {"breakers": {"market": True}}, {"breakers": {"market": False}}),
    (
        "the illiquid hours' brake",
        {"brakes": {"illiquid": "thin"}},
        {"brakes": {"illiquid": "ignore"}},
    ),
    (
        "the lot stop",
        {"stops": {"lot_stop_enabled": True}},
        {"stops": {"lot_stop_enabled": False}},
    ),
)


def differing(name: str, on: Settings, off: Settings) -> Case:
    """Return the case in which one part is not as it comes: without it, or with it."""
    if GridkitSettings.from_config({"gridkit": dict(off)}) == GridkitSettings():
        return Case(f"with {name}", on)
    return Case(f"without {name}", off)


ONE_OTHER = tuple(differing(*part) for part in PARTS)
BARE = Case(
    "all of these off",
    {
        "density": {"enabled": False},
        "volume_lines": {"enabled": False},
        "sizing": {"mode": "fixed"},
        "recovery": {"mode": "none"},
        "stops": {"trend_flatten_enabled": False, "lot_stop_enabled": False},
        "breakers": {"enabled": False, "market": False},
        "brakes": {"orderflow": False, "illiquid": "ignore"},
    },
)
STATIC = Case(
    "static 1 % grid",
    {
        **BARE.settings,
        "spacing": {"method": "fixed", "grid_step": 0.01},
        "stops": {**BARE.settings["stops"], "cycle_stop_enabled": False},
        "regime": {"enabled": False},
        "grid": {"replan_hours": HOURS_OF_A_WEEK, "replan_volatility_change": 2.0},
    },
)
CAPITALS = (250, 500, 1_000)


def alone(pair: str, capital: float, *, detail: str | None = None) -> Case:
    """One pair with so much money; `detail` is the timeframe in which orders fill."""
    others: dict[str, Any] = {
        "dry_run_wallet": capital,
        "max_open_trades": 1,
        "exchange": {"pair_whitelist": [pair]},
    }
    if detail:
        others["timeframe_detail"] = detail
    return Case(f"{pair}, {capital:,} USDT", {}, others)


def on_pairs(case: Case, pairs: tuple[str, ...]) -> Case:
    """Return the case on some pairs only."""
    listed = {"max_open_trades": len(pairs), "exchange": {"pair_whitelist": list(pairs)}}
    return replace(case, others={**case.others, **listed})
