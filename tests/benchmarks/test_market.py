import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pandas as pd
import pytest

from benchmarks import market
from sandbox.running import running_exchange
from sandbox.simulation.market import SimulatedMarket

DAY = datetime(2025, 3, 1, tzinfo=UTC)
SHORT = {"5m": 1, "15m": 1, "1h": 2}


def served(url: str, timeframe: str, first: pd.Timestamp, limit: int) -> pd.DataFrame:
    """Ask over HTTP, and read numbers as freqtrade reads them."""
    query = f"symbol=BTCUSDT&interval={timeframe}&startTime={first.timestamp() * 1000:.0f}"
    with urlopen(f"{url}/api/v3/klines?{query}&limit={limit}", timeout=30) as answer:
        rows = json.load(answer)
    frame = pd.DataFrame([[row[0], *map(float, row[1:6])] for row in rows], columns=market.COLUMNS)
    frame["date"] = pd.to_datetime(frame["date"], unit="ms", utc=True).dt.as_unit("ms")
    return frame


def test_candles_are_those_a_download_from_the_sandbox_gets() -> None:
    simulated = SimulatedMarket(market.SEED, market.PROFILE)
    written = market.candles_of(
        simulated, "BTC/USDT", DAY, days=1, history={"5m": 1, "15m": 1, "1h": 2}
    )
    with running_exchange(profile=market.PROFILE, seed=market.SEED) as exchange:
        for timeframe, frame in written.items():
            asked = served(exchange.url, timeframe, frame["date"].iloc[0], len(frame))
            pd.testing.assert_frame_equal(frame, asked, check_exact=True)


def test_candles_leave_no_gap_where_chunks_join() -> None:
    simulated = SimulatedMarket(market.SEED, market.PROFILE)
    written = market.candles_of(simulated, "ETH/USDT", DAY, days=3, history={"5m": 2, "1h": 40})
    for timeframe, step, days in (("5m", "5min", 2), ("1h", "1h", 40)):
        dates = written[timeframe]["date"]
        assert dates.diff().dropna().eq(pd.Timedelta(step)).all()
        assert dates.iloc[0] == DAY - pd.Timedelta(days=days)
        assert dates.iloc[-1] + pd.Timedelta(step) == DAY + pd.Timedelta(days=4)


@pytest.mark.parametrize(("days", "equal"), [(1, True), (2, False)])
def test_the_fingerprint_tells_candles_apart(tmp_path: Path, days: int, equal: bool) -> None:
    first = market.write(tmp_path / "first", ["BTC/USDT"], 1)
    again = market.write(tmp_path / "again", ["BTC/USDT"], days)
    assert (first.fingerprint == again.fingerprint) is equal


def test_a_timerange_ends_with_the_dataset() -> None:
    data = market.Dataset(Path(), ("BTC/USDT",), 365, "")
    assert data.timerange(365) == "20250101-20260101"
    assert data.timerange(14) == "20251218-20260101"
