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


def test_locks_of_an_export_are_read_in_seconds_with_their_reasons():
    PairLocks.lock_pair("AAA/USDT", NOW + timedelta(hours=12), "gridkit breaker x", now=NOW)
    (found,) = _locks(exported())
    assert (found.pair, found.reason) == ("AAA/USDT", "gridkit breaker x")
    assert found.since == NOW.timestamp()
    assert found.until >= (NOW + timedelta(hours=12)).timestamp()
    assert breaker_trips([found]) == 1


def test_an_export_without_locks_says_nothing_of_breakers():
    assert _locks({}) is None
    assert _locks({"locks": []}) == ()


def test_the_reason_begins_as_the_host_writes_it():
    reasons = []
    strategy = SimpleNamespace(lock_pair=lambda pair, until, reason: reasons.append(reason))
    Context.lock(SimpleNamespace(strategy=strategy), "AAA/USDT", NOW, "breaker drawdown")
    assert reasons[0].startswith(BREAKER_LOCK)
