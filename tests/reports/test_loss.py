import importlib.util
import math
from pathlib import Path

import pytest

from gridkit.reports import loss
from gridkit.reports.report import build
from gridkit.reports.result import load_run, source_of_config
from reports.backtests import FREQTRADES_WARNINGS

pytestmark = [pytest.mark.slow, FREQTRADES_WARNINGS]
FILE = Path(__file__).parents[2] / "hyperopts" / "MarkedCalmarLoss.py"


def loss_of(done, strategy):
    """Call the loss as hyperopt does, on the frames as the backtest left them."""
    backtesting = done.backtesting
    spec = importlib.util.spec_from_file_location("MarkedCalmarLoss", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    content = backtesting.all_bt_content[strategy]
    stats = backtesting.results["strategy"][strategy]
    frames = {
        pair: backtesting.dataprovider.get_analyzed_dataframe(pair, "5m")[0]
        for pair in done.market.pairs
    }
    return module.MarkedCalmarLoss.hyperopt_loss_function(
        results=content["results"],
        trade_count=len(content["results"]),
        min_date=None,
        max_date=None,
        config=backtesting.config,
        processed=frames,
        backtest_stats=stats,
        starting_balance=1000.0,
    )


@pytest.mark.parametrize(
    ("kind", "strategy"),
    [
        ("spot", "TaggedGrid"),
        ("leveraged", "TaggedGridLeveraged"),
        ("short", "TaggedGridShort"),
    ],
)
def test_the_loss_is_minus_the_reports_calmar(kind, strategy, request):
    done = request.getfixturevalue(kind)
    expected = build(load_run(done.export)).figures["calmar"]
    assert loss_of(done, strategy) == pytest.approx(-expected, rel=1e-9)


def cut(done, strategy, trades):
    stats = dict(done.backtesting.results["strategy"][strategy], trades=trades)
    frames = {
        pair: done.backtesting.dataprovider.get_analyzed_dataframe(pair, "5m")[0]
        for pair in done.market.pairs
    }
    return loss.marked_calmar_loss(stats, frames, done.backtesting.config)


def test_no_fills_and_few_fills_are_refused_and_not_rewarded(spot):
    trades = spot.backtesting.results["strategy"]["TaggedGrid"]["trades"]
    few = [trade | {"orders": trade["orders"][:2]} for trade in trades[:3]]
    assert cut(spot, "TaggedGrid", []) == loss.REFUSED
    assert cut(spot, "TaggedGrid", few) == loss.REFUSED
    assert cut(spot, "TaggedGrid", trades) < loss.WORST_RESULT


def test_a_ruined_account_is_a_finite_loss_and_better_than_a_refusal(spot):
    stats = spot.backtesting.results["strategy"]["TaggedGrid"]
    ruined = [trade | {"fee_open": 0.9, "fee_close": 0.9} for trade in stats["trades"]]
    found = cut(spot, "TaggedGrid", ruined)
    assert math.isfinite(found)
    assert 0 < found < loss.REFUSED


def test_the_closing_of_what_is_left_is_no_fill_to_judge_by(spot):
    stats = spot.backtesting.results["strategy"]["TaggedGrid"]
    frames = {
        pair: spot.backtesting.dataprovider.get_analyzed_dataframe(pair, "5m")[0]
        for pair in spot.market.pairs
    }
    run = loss.run_in_memory(stats, frames, source_of_config(spot.backtesting.config))
    every = sum(len(trade["orders"]) for trade in stats["trades"])
    assert 0 < every - loss.fills_of(run) <= 2


def test_a_long_run_needs_more_fills():
    class Year:
        start, end = 0, 365 * 86_400

    class Week:
        start, end = 0, 7 * 86_400

    assert loss.minimum_fills(Week) == loss.MINIMUM_FILLS
    assert loss.minimum_fills(Year) == pytest.approx(365 / 7)
