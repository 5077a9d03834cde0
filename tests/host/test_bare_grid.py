"""With every feature off, the grid places the orders that it placed before it had any.

The orders were written down by the commit before these features (e369aad), from this module's own
runs; where the simulated candles differ from those, by another machine's rounding, it is skipped.
"""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from backtests.runs import BARE, QUICK_REGIME, REALISED, Market, Run

pytestmark = pytest.mark.slow

WRITTEN = Path(__file__).with_name("bare_grid.json")
KINDS = {
    "long spot": ("spot", {"spacing": {"method": "volatility", "volatility_factor": 0.3}}),
    "short futures": (
        "futures",
        {"direction": "short", "spacing": {"method": "volatility", "volatility_factor": 0.3}},
    ),
    "long futures by class": (
        "futures",
        {"spacing": {"method": "regime"}, "grid": {"levels": 20}, "stops": {"lot_stop": 0.01}},
    ),
}
COMMON = {"regime": QUICK_REGIME, "volatility": REALISED}
FEWEST_ORDERS = 60


def fingerprint(run: Run) -> dict[str, object]:
    """How many orders there were, and a hash of them all."""
    orders = [
        (f"{one.time:%Y-%m-%dT%H:%M}", one.pair, one.side, f"{one.price:.8g}",
         f"{one.amount:.6g}", one.tag)
        for one in run.placed
    ]  # fmt: skip
    return {"orders": len(orders), "sha": hashed(json.dumps(orders).encode())}


def candles_of(market: Market) -> str:
    """A hash of the candles, that says whether two runs could be the same at all."""
    paths = sorted(market.datadir.rglob("*-5m*.feather"))
    closes = [pd.read_feather(path)["close"].to_numpy().tobytes() for path in paths]
    return hashed(b"".join(closes))


def hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@pytest.mark.parametrize("kind", list(KINDS))
def test_with_every_feature_off_the_orders_are_the_bare_grids(kind, request, backtest):
    name, settings = KINDS[kind]
    market = request.getfixturevalue(name)
    before = json.loads(WRITTEN.read_text())
    if candles_of(market) != before["candles"]:
        pytest.skip("the simulated candles are rounded otherwise on this machine")
    bare = {**BARE, "stops": {**BARE["stops"], **settings.get("stops", {})}}
    run = backtest(market, {**COMMON, **settings, **{k: bare[k] for k in bare}})
    assert fingerprint(run) == before[kind]
    assert len(run.placed) >= FEWEST_ORDERS
