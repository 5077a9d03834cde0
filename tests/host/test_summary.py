"""What the bot says before it starts."""

import logging
import math

import pytest

from gridkit.grid.costs import Costs
from gridkit.host import summary
from gridkit.risk.worst_loss import stopped_cycle
from host.desks import NOW, strategy_of

pytestmark = pytest.mark.usefixtures("open_trades")

PAIRS = ("ETH/USDT", "SOL/USDT", "XRP/USDT")
COSTS = Costs(0.001, 0.001, 0.0001, 0.001)


def looked(strategy):
    strategy.desk.fortune.look(NOW)
    return strategy


def lines_of(**more):
    strategy = looked(strategy_of(**more))
    return summary.lines(strategy, strategy.desk)


def test_an_account_of_a_thousand_is_summed_up():
    assert lines_of() == [
        "capital 1,000.00 USDT: at most 800.00 (80%) in the market; 800.00 for the one pair, set "
        "by caps.exposure",
        "caps: inventory off for one pair, 25 lots and 150 orders in a cycle",
        "ETH/USDT: 10 lines of 20.00, set by sizing (2.0% of 1,000.00); gap 1.20% by method "
        "volatility; fee floor 0.32%",
        "recovery ladder may lose 20.00 in all since the peak of equity (2.0% of capital, or 25% "
        "of the peak profit), 20.00 of it left",
        "worst loss of one round: 30.41 USDT (3.0% of capital): all lines filled and sold at their "
        "stops 10.41, recovery 20.00; everything is sold after 120.00 (breakers.red)",
        "worst loss of all rounds and restarts: 200.00 USDT (breakers.black); jumps of the market "
        "and slippage come on top",
    ]


def test_a_small_account_is_told_which_lines_it_can_afford_and_why():
    found = lines_of(pairs=PAIRS, cash=250.0)
    assert "75.00 for each of 3 pairs" in found[0]
    assert [line.split(":")[0] for line in found[2:5]] == list(PAIRS)
    assert (
        "9 of 15 lines of 8.25, set by the smallest stake worth placing where sizing wants 7.50 "
        "(2.0% of 250.00, x 1.5 for a small account); gap 0.60% by method micro"
    ) in found[2]


def test_a_pair_without_lines_is_told_the_figures():
    found = lines_of(pairs=PAIRS[:2], cash=12.0)
    assert found[2] == (
        "ETH/USDT: no lines: the pair's share of 3.60 is below 8.25, the least one line needs"
    )
    assert "stops 0.00" in found[5]


@pytest.mark.parametrize(
    ("caps", "cash", "name", "share"),
    [
        ({}, 5_000.0, "exposure", "1,333.33"),
        ({"inventory": 0.1}, 5_000.0, "inventory", "500.00"),
        ({"max_margin": 600.0}, 5_000.0, "max_margin", "200.00"),
        ({"max_position": 300.0}, 5_000.0, "max_position", "100.00"),
    ],
)
def test_the_cap_that_binds_a_pairs_share_is_named(caps, cash, name, share):
    found = lines_of(pairs=PAIRS, cash=cash, caps=caps)
    assert f"{share} for each of 3 pairs, set by caps.{name}" in found[0]
    for key, value in caps.items():
        figure = f"{value:.0%}" if key == "inventory" else f"{value:,.2f}"
        assert f"{key} {figure}" in found[1]


def test_a_fixed_stake_is_set_by_the_share_alone():
    found = lines_of(sizing={"mode": "fixed"}, cash=900.0, spacing={"method": "volatility"})
    assert "10 lines of 76.50, set by the pair's share over its lines; gap" in found[2]


@pytest.mark.parametrize("mode", ["none", "hedge"])
def test_recovery_that_sells_nothing_has_no_budget(mode):
    found = lines_of(recovery={"mode": mode})
    assert found[3] == f"recovery {mode}: sells nothing at a loss"
    assert "recovery 0.00" in found[4]


def test_without_breakers_there_is_no_end_and_that_is_said():
    found = lines_of(breakers={"enabled": False})
    assert found[-1].endswith("rounds follow one another without an end")


def test_before_the_first_candles_the_gap_is_left_out_and_said_to_be():
    strategy = looked(strategy_of())
    strategy.desk.context.now = None
    found = summary.lines(strategy, strategy.desk)
    assert "gap by method volatility, once there are candles" in found[2]


def test_a_fixed_gap_is_told_even_then():
    strategy = looked(strategy_of(spacing={"method": "fixed", "grid_step": 0.02}))
    strategy.desk.context.market.series.clear()
    assert "gap 2.00% by method fixed" in summary.lines(strategy, strategy.desk)[2]


def worst_of(strategy):
    return summary.worst_of(summary._budgets(strategy, strategy.desk), strategy.desk)


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_the_worst_round_is_that_of_all_pairs_that_may_be_open(slots):
    strategy = looked(strategy_of(pairs=PAIRS, cash=5_000.0, sizing={"mode": "fixed", "stake": 30}))
    strategy.max_open_trades = slots
    assert worst_of(strategy).stops == pytest.approx(slots * stopped_cycle(300.0, 1.0, 0.05, COSTS))


def test_what_recovery_lost_since_the_peak_is_no_longer_to_lose(monkeypatch):
    strategy = looked(strategy_of())
    monkeypatch.setattr(type(strategy.desk.fortune), "recovery_loss", lambda _: 12.0)
    assert worst_of(strategy).recovery == pytest.approx(8.0)
    assert "8.00 of it left" in summary.lines(strategy, strategy.desk)[3]


def test_a_drawdown_leaves_less_until_the_breakers():
    strategy = looked(strategy_of())
    fortune = strategy.desk.fortune
    fortune.base, fortune.profit = 1_040.0, -40.0
    worst = worst_of(strategy)
    assert worst.red == pytest.approx(1_000.0 - 0.88 * 1_040.0)
    assert worst.black == pytest.approx(1_000.0 - 0.80 * 1_040.0)


def test_after_a_restart_of_the_breakers_red_counts_from_there():
    strategy = looked(strategy_of())
    fortune, breakers = strategy.desk.fortune, strategy.desk.breakers
    fortune.base, fortune.profit = 1_100.0, -100.0
    breakers.state = type(breakers.state)(best=-90.0)
    worst = worst_of(strategy)
    assert worst.red == pytest.approx(1_000.0 - 0.88 * 1_010.0)
    assert worst.black == pytest.approx(1_000.0 - 0.80 * 1_100.0)


def test_an_account_not_looked_at_yet_counts_from_its_capital():
    strategy = strategy_of()
    assert math.isnan(strategy.desk.fortune.equity)
    worst = worst_of(strategy)
    assert (worst.red, worst.black) == (pytest.approx(120.0), pytest.approx(200.0))


def test_the_summary_reads_and_changes_nothing():
    strategy = looked(strategy_of(pairs=PAIRS))
    first = summary.lines(strategy, strategy.desk)
    assert summary.lines(strategy, strategy.desk) == first
    assert not strategy.desk.cycles


def test_all_of_it_goes_to_the_log(caplog):
    strategy = looked(strategy_of())
    with caplog.at_level(logging.INFO, logger=summary.__name__):
        summary.tell(strategy, strategy.desk)
    assert caplog.messages == summary.lines(strategy, strategy.desk)


@pytest.mark.parametrize("fatal", [True, False])
def test_a_summary_that_fails_ends_a_backtest_and_is_logged_by_a_bot(fatal, caplog):
    strategy = looked(strategy_of())
    strategy.wallets, strategy.errors_are_fatal = None, fatal
    if fatal:
        with pytest.raises(RuntimeError, match="wallets"):
            summary.tell(strategy, strategy.desk)
    else:
        summary.tell(strategy, strategy.desk)
        assert "the summary failed" in caplog.text


def test_leverage_is_told_and_counts_in_the_worst_loss():
    strategy = strategy_of(leverage=3.0)
    strategy.config["trading_mode"] = "futures"
    looked(strategy)
    assert "capital 1,000.00 USDT, leverage 3: at most" in summary.lines(strategy, strategy.desk)[0]
    assert worst_of(strategy).stops == pytest.approx(stopped_cycle(200.0, 3.0, 0.05, COSTS))
