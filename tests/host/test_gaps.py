"""What happens when the market jumps over a resting line: candles written by hand."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from backtests.datadirs import written
from backtests.runs import UNGATED, Market

pytestmark = pytest.mark.slow

START = datetime(2025, 1, 1, tzinfo=UTC)
CANDLE = timedelta(minutes=5)
WARMUP = 300
JUMP = START + CANDLE * (WARMUP + 10)  # after five candles, the fall, and four more
FALL = (99.9, 99.9, 98.9, 98.9)
SETTINGS = {
    **UNGATED,
    "spacing": {"method": "fixed", "grid_step": 0.01},
    "grid": {"levels": 5},
}


def candles(prices):
    """Candles from (open, high, low, close), after a warm-up that stands at 100."""
    rows = [(100.0, 100.05, 99.95, 100.0)] * WARMUP + prices
    frame = pd.DataFrame(rows, columns=["open", "high", "low", "close"])
    frame.insert(0, "date", [START + CANDLE * index for index in range(len(rows))])
    frame["date"] = pd.to_datetime(frame["date"], utc=True)
    return frame.assign(volume=1000.0)


def flat(price, count=5):
    return [(price, price + 0.05, price - 0.05, price)] * count


@pytest.fixture
def run_on(backtest, spot, tmp_path):
    def run_on(prices):
        datadir = written(tmp_path / "data", "SOL/USDT", {"5m": candles(prices)}, futures=False)
        market = Market(datadir, spot.exchange_config, ("SOL/USDT",), "20250102-")
        return backtest(market, SETTINGS)

    return run_on


def fill_of(run, tag):
    (fill,) = [one for one in run.filled if one.tag == tag]
    return fill


def test_an_entry_the_market_jumped_over_is_issued_again_and_fills_at_its_price_in_the_candle(
    run_on,
):
    gap = [(97.6, 97.8, 97.5, 97.7)]
    run = run_on([*flat(100.0), FALL, *flat(98.4, 4), *gap, *flat(97.7)])
    line = next(one.price for one in run.placed if one.tag == "L2")
    assert line > 97.8, "the candle after the jump lies wholly beyond the line"
    fill = fill_of(run, "L2")
    assert (fill.time, fill.price) == (JUMP, 97.8)


def test_an_exit_the_market_jumped_over_is_issued_again_and_fills_at_its_price_in_the_candle(
    run_on,
):
    gap = [(101.5, 101.6, 101.4, 101.5)]
    run = run_on([*flat(100.0), FALL, *flat(98.9, 4), *gap, *flat(101.5)])
    target = next(one.price for one in run.placed if one.tag == "sell L1")
    assert target < 101.4
    fill = fill_of(run, "sell L1")
    assert (fill.time, fill.price) == (JUMP, 101.4)


def test_a_jump_over_several_lines_takes_them_together_at_the_better_price(run_on):
    run = run_on([*flat(100.0), FALL, *flat(98.4, 4), *[(95.2, 95.3, 95.1, 95.2)] * 6])
    bought = [one for one in run.filled if one.side == "buy" and one.time >= JUMP]
    assert [one.tag for one in bought] == ["L2", "L3-4"]
    assert all(one.price <= 95.3 for one in bought)
