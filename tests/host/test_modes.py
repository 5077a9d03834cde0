"""What differs between trade mode and a backtest."""

from datetime import UTC, datetime

import pytest
from freqtrade.enums import RunMode

from AdaptiveGrid import TRADE_CALLBACKS, AdaptiveGrid
from gridkit.grid.lots import Ledger
from gridkit.host.read_only import PREFIX

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def strategy_in(runmode, **settings):
    config = {"runmode": runmode, "stake_currency": "USDT", "exchange": {"name": "binance"}}
    return AdaptiveGrid({**config, "gridkit": settings})


def are_read_only(strategy):
    names = [getattr(strategy, name).__qualname__.startswith(PREFIX) for name in TRADE_CALLBACKS]
    assert len(set(names)) == 1, "all of them or none"
    return names[0]


@pytest.mark.parametrize("mode", [RunMode.BACKTEST, RunMode.HYPEROPT])
def test_callbacks_read_the_trade_itself_in_backtest_and_hyperopt(mode):
    assert are_read_only(strategy_in(mode, read_only_trades_live=False))


@pytest.mark.parametrize("mode", [RunMode.LIVE, RunMode.DRY_RUN])
@pytest.mark.parametrize("wanted", [False, True])
def test_live_a_setting_decides_whether_callbacks_read_the_trade_itself(mode, wanted):
    assert are_read_only(strategy_in(mode, read_only_trades_live=wanted)) is wanted


class _Cycle:
    """As much of a cycle as the pause between additions looks at."""

    def __init__(self, lots, lines):
        self.book = type("Book", (), {"ledger": Ledger(last_entry=NOW.timestamp())})
        self.book.ledger.lots.update(dict.fromkeys(range(1, lots + 1)))
        self.plan = type("Plan", (), {"lines": [None] * lines})


@pytest.mark.parametrize(("mode", "seconds"), [(RunMode.DRY_RUN, 40.0), (RunMode.BACKTEST, 300.0)])
@pytest.mark.parametrize("lots", [0, 5, 10])
def test_additions_pause_for_the_wait_time_live_and_for_a_candle_in_a_backtest(mode, seconds, lots):
    desk = strategy_in(mode, grid={"wait_time_seconds": 40.0}).desk
    block, until = desk.situations.cooldown(_Cycle(lots, lines=10), NOW)
    assert until == NOW.timestamp() + seconds * (1 + lots / 10)
    assert block.threshold == seconds * (1 + lots / 10)
