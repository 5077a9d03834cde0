"""Locks as freqtrade itself makes them and writes them into an export."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from freqtrade.persistence import PairLocks

from gridkit.host.context import Context
from gridkit.reports.report import BREAKER_LOCK, breaker_trips
from gridkit.reports.result import _locks

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_memory(monkeypatch):
    monkeypatch.setattr(PairLocks, "use_db", False)
    monkeypatch.setattr(PairLocks, "timeframe", "5m")
    monkeypatch.setattr(PairLocks, "locks", [])


def exported() -> dict:
    return {"locks": [lock.to_json() for lock in PairLocks.get_all_locks()]}


def test_locks_of_a_backtest_end_in_its_time_though_they_begin_by_the_clock_on_the_wall():
    """Three trips, two pairs each, locked as a strategy does: without a word of the time."""
    for day in (1, 2, 3):
        for pair in ("AAA/USDT", "BBB/USDT"):
            until = NOW + timedelta(days=day)
            PairLocks.lock_pair(pair, until, f"gridkit breaker red: drawdown 12.{day} %")
    found = _locks(exported())
    assert {lock.pair for lock in found} == {"AAA/USDT", "BBB/USDT"}
    days = [(lock.until - NOW.timestamp()) / 86_400 for lock in found]
    assert days == pytest.approx([1, 1, 2, 2, 3, 3], abs=0.01)
    assert breaker_trips(found) == 3


def test_an_export_without_locks_says_nothing_of_breakers():
    assert _locks({}) is None
    assert _locks({"locks": []}) == ()


def test_the_reason_begins_as_the_host_writes_it():
    reasons = []
    strategy = SimpleNamespace(lock_pair=lambda pair, until, reason: reasons.append(reason))
    Context.lock(SimpleNamespace(strategy=strategy), "AAA/USDT", NOW, "breaker drawdown")
    assert reasons[0].startswith(BREAKER_LOCK)
