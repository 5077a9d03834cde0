"""How long a forced exit keeps the desk from placing anything (DESIGN 2.9); see also tests/live."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from gridkit.grid.lots import Ledger
from gridkit.host import shut
from gridkit.host.cycle import Cycle
from gridkit.host.desk import GridDesk
from gridkit.host.history import History
from gridkit.host.orders import TradeBook
from gridkit.settings import Settings

FORCED = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PAUSE = timedelta(minutes=12)  # the default of twelve candles


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> GridDesk:
    monkeypatch.setattr(GridDesk, "_tell", lambda *_: None)
    locks: list[tuple[str, datetime]] = []
    strategy = SimpleNamespace(
        locks=locks, lock_pair=lambda pair, until, reason: locks.append((pair, until))
    )
    return GridDesk(strategy, History(Settings(), "1m", 1), live=True, timeframe="1m")


def forced(*, tag: str, reason: str | None, is_open: bool) -> SimpleNamespace:
    order = SimpleNamespace(
        ft_order_tag=tag,
        ft_cancel_reason=reason,
        ft_is_open=is_open,
        order_update_date=FORCED.replace(tzinfo=None),
        order_date=FORCED.replace(tzinfo=None),
        order_date_utc=FORCED,
    )
    return SimpleNamespace(pair="A/B", orders=[order])


def waits(desk: GridDesk, trade: SimpleNamespace, after: timedelta) -> bool:
    book = TradeBook("A/B", FORCED, Ledger())
    return desk._must_wait(Cycle(book, None), trade, FORCED + after)


@pytest.mark.parametrize(
    ("tag", "reason", "is_open", "after", "expected"),
    [
        ("L2", "forcesold", False, timedelta(0), True),
        ("L2", "forcesold", False, PAUSE - timedelta(seconds=1), True),
        ("L2", "forcesold", False, PAUSE, False),
        ("force_exit", None, False, PAUSE - timedelta(seconds=1), True),
        ("force_exit", None, False, PAUSE, False),
        ("force_exit", None, True, PAUSE * 100, True),
        ("L2", None, True, timedelta(0), False),
        ("L2", "cancelled to be replaced by new limit order", False, timedelta(0), False),
    ],
)
def test_nothing_is_placed_for_the_pause_nor_while_the_forced_exit_rests(
    desk: GridDesk, tag: str, reason: str | None, is_open: bool, after: timedelta, expected: bool
) -> None:
    assert waits(desk, forced(tag=tag, reason=reason, is_open=is_open), after) is expected


def test_the_pause_is_a_lock_on_the_pair(desk: GridDesk) -> None:
    waits(desk, forced(tag="L2", reason="forcesold", is_open=False), timedelta(0))
    assert desk.context.strategy.locks == [("A/B", FORCED + PAUSE)]


@pytest.mark.parametrize(
    ("closed", "expected"),
    [(timedelta(minutes=1), True), (timedelta(days=2), False)],
)
def test_a_cycle_that_ended_by_itself_long_after_a_forced_exit_may_be_followed(
    desk: GridDesk, monkeypatch: pytest.MonkeyPatch, closed: timedelta, expected: bool
) -> None:
    trade = forced(tag="L2", reason="forcesold", is_open=False)
    trade.close_date_utc = FORCED + closed
    monkeypatch.setattr(shut.Trade, "get_trades_proxy", lambda **_: [trade])
    assert shut.recently_forced(desk.context, "A/B", trade.close_date_utc) is expected
