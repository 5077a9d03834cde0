"""An error in a callback: a backtest ends and says where, a bot refuses or leaves it to freqtrade.

freqtrade logs an exception of a callback and goes on with its own default: a backtest would quietly
be of something else.
"""

import pytest
from freqtrade.enums import RunMode

from AdaptiveGrid import TRADE_CALLBACKS, AdaptiveGrid
from backtests.runs import QUICK
from gridkit.host.desk import GridDesk
from gridkit.host.opening import Opening
from gridkit.risk.guards import RunFailed

NEEDED = dict.fromkeys(
    ("pair", "trade", "order", "current_time", "current_rate", "proposed_rate", "entry_tag", "rate",
     "exit_tag", "current_entry_rate", "current_exit_rate", "leverage", "amount")
)  # fmt: skip
# Callbacks that answer an error with a refusal, in trade mode.
REFUSALS = {"custom_stake_amount": 0.0, "confirm_trade_entry": False}


class Broken(Exception):
    """What a callback must not hide."""


@pytest.fixture
def broken(monkeypatch):
    """Whatever a callback asks the desk for fails."""

    def fails(*_args, **_kwargs):
        raise Broken("on purpose")

    for name in ("next_order", "order_price", "withdraws"):
        monkeypatch.setattr(GridDesk, name, fails)
    for name in ("stake", "allowed", "price"):
        monkeypatch.setattr(Opening, name, fails)


def strategy_in(runmode, **settings):
    config = {"runmode": runmode, "stake_currency": "USDT", "exchange": {"name": "binance"}}
    return AdaptiveGrid({**config, "gridkit": settings})


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", [*TRADE_CALLBACKS, *REFUSALS])
def test_an_error_in_a_callback_ends_a_backtest_with_its_name(name):
    with pytest.raises(RunFailed, match=f"{name} failed.*on purpose"):
        getattr(strategy_in(RunMode.BACKTEST), name)(**NEEDED, side="long")


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("mode", [RunMode.DRY_RUN, RunMode.LIVE, RunMode.HYPEROPT])
@pytest.mark.parametrize("uncopied", [False, True])
def test_elsewhere_an_error_refuses_or_is_left_to_freqtrade(mode, uncopied):
    strategy = strategy_in(mode, read_only_trades_live=uncopied)
    for name, refusal in REFUSALS.items():
        assert getattr(strategy, name)(**NEEDED, side="long") == refusal
    for name in TRADE_CALLBACKS:
        with pytest.raises(Broken):
            getattr(strategy, name)(**NEEDED, side="long")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("owner", "method", "callback"),
    [
        (GridDesk, "next_order", "adjust_trade_position"),
        (GridDesk, "order_price", "custom_(entry|exit)_price"),
        (GridDesk, "withdraws", "check_entry_timeout"),
        (Opening, "stake", "custom_stake_amount"),
    ],
)
def test_freqtrades_backtest_does_not_outlive_an_error(
    backtest, spot, monkeypatch, owner, method, callback
):
    """freqtrade's wrapper of callbacks catches every Exception; this one is none."""
    monkeypatch.setattr(owner, method, lambda *_args, **_kwargs: 1 / 0)
    with pytest.raises(RunFailed, match=rf"{callback} failed.*ZeroDivisionError"):
        backtest(spot, QUICK)


PLANTED = """
from AdaptiveGrid import AdaptiveGrid


class Failing(AdaptiveGrid):
    def __init__(self, config):
        super().__init__(config)
        self.desk.{method} = self.fails

    def fails(self, *args, **kwargs):
        raise ValueError("on purpose")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "callback"),
    [("next_order", "adjust_trade_position"), ("opening.stake", "custom_stake_amount")],
)
def test_the_command_ends_with_a_status_and_the_callbacks_name(
    freqtrade, spot, tmp_path, method, callback
):
    (tmp_path / "Failing.py").write_text(PLANTED.format(method=method))
    config = {"strategy_path": str(tmp_path), "gridkit": QUICK}
    ended = freqtrade("backtesting", spot, config, "--strategy", "Failing", "--timerange",
                      spot.timerange)  # fmt: skip
    assert ended.status not in (0, None)
    assert (
        f"gridkit: {callback} failed, which ends the run: ValueError('on purpose')" in ended.output
    )
    assert "Result for strategy" not in ended.output


BROKEN_MODULE = """
from AdaptiveGrid import AdaptiveGrid
from gridkit.analytics import profile


def fails(*args):
    raise ValueError("on purpose")


profile.compute = fails


class Failing(AdaptiveGrid):
    pass
"""


@pytest.mark.slow
def test_the_command_ends_with_a_status_where_a_feature_fails(freqtrade, spot, tmp_path):
    """Live it would be neutral, and in a backtest a result of something else."""
    (tmp_path / "Failing.py").write_text(BROKEN_MODULE)
    settings = {**QUICK, "profile": {"enabled": True, "days": 1}}
    config = {"strategy_path": str(tmp_path), "gridkit": settings}
    ended = freqtrade("backtesting", spot, config, "--strategy", "Failing", "--timerange",
                      spot.timerange)  # fmt: skip
    assert ended.status not in (0, None)
    assert "ValueError: on purpose" in ended.output
    assert "Result for strategy" not in ended.output
