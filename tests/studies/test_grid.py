import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from gridkit.grid import laying
from gridkit.grid.lines import Line, Plan, Steps
from gridkit.reports.report import build
from gridkit.settings import RecoverySettings, Settings
from reports.backtests import FREQTRADES_WARNINGS
from reports.runs import START, STEP, fill, run_of, trade
from studies import grid, grid_cases
from studies.data import MissingData
from studies.grid import STUDIES, Measuring, main, mark
from studies.grid_cases import (
    BARE,
    BULL,
    DEFAULTS,
    NO_RECOVERY,
    ONE_OTHER,
    PARTS,
    SPOT,
    STATIC,
    Case,
    alone,
    differing,
)
from studies.grid_criteria import criteria
from studies.grid_recovery import Budget, losses_of, most_used
from studies.grid_runs import Outcome, Placement, Runner, counting, outcome_of
from studies.tables import UNKNOWN

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "results.md"

each_study = pytest.mark.parametrize("name", STUDIES)


# -- the document -----------------------------------------------------------------------------


@each_study
def test_every_study_has_its_command_and_its_figures_in_the_results(name: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(f"<!-- figures: {mark(name)} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert text.count(f"python -m studies.grid --data DATA --only {name}\n") == 1
    assert found
    assert "| --- |" in found[1]


# -- what is kept of a run --------------------------------------------------------------------


def lossy(*, futures: bool = False):
    """A lot earns 10, and then recovery loses 4, 3 and, after a new peak, 2."""
    closes = [100.0] * 20 + [110.0] * 10 + [106.0] * 20 + [140.0] * 10 + [138.0] * 20
    fills = [
        fill(0, 2.0, 100.0, "L1", fee=0.0),
        fill(21, 1.0, 110.0, "sell L1", entry=False, fee=0.0),
        fill(22, 2.0, 110.0, "L2", fee=0.0),
        fill(31, 1.0, 106.0, "recover L2", entry=False, fee=0.0),
        fill(40, 1.0, 107.0, "recover L2", entry=False, fee=0.0),
        fill(55, 1.0, 140.0, "L3", fee=0.0),
        fill(65, 1.0, 138.0, "recover L3", entry=False, fee=0.0),
        fill(66, 1.0, 137.0, "stop L1", entry=False, fee=0.0),
    ]
    pair = "AAA/USDT:USDT" if futures else "AAA/USDT"
    return build(run_of({pair: closes}, [trade(fills, pair)], futures=futures))


def test_losses_of_recovery_are_those_of_its_exits_at_a_loss() -> None:
    (one,) = lossy().run.trades
    expected = [(31, 4.0), (40, 3.0), (65, 2.0)]
    assert losses_of(one) == [(START + candle * STEP, lost) for candle, lost in expected]


def test_a_profit_of_recovery_is_no_loss_and_neither_is_the_loss_of_a_stop() -> None:
    fills = [
        fill(0, 1.0, 100.0, "L1", fee=0.0),
        fill(1, 1.0, 100.0, "L2", fee=0.0),
        fill(2, 1.0, 101.0, "recover L1", entry=False, fee=0.0),
        fill(3, 1.0, 90.0, "stop L2", entry=False, fee=0.0),
    ]
    assert losses_of(trade(fills)) == []


@pytest.mark.parametrize(
    ("budget", "of_profit", "since", "allowed"),
    [
        # Before candle 40 the lots had made 10 + 6 - 4 - 4; both losses count.
        (0.02, 0.25, 7.0, 0.02 * 1_008.0),
        # A share of the 20 at the peak is more than a thousandth of the capital.
        (0.001, 0.25, 7.0, 5.0),
    ],
)
def test_the_budget_is_of_capital_or_of_the_profit_at_the_peak(
    budget, of_profit, since, allowed
) -> None:
    rule = RecoverySettings(budget=budget, budget_of_profit=of_profit)
    report = lossy()
    assert report.equity.equity[29] == report.equity.equity[:50].max() == 1_020.0
    found = most_used(report, rule)
    assert (found.lost, found.since_peak) == (9.0, since)
    assert found.allowed == pytest.approx(allowed)
    assert found.used == pytest.approx(since / allowed)


def test_a_new_peak_gives_the_whole_budget_back() -> None:
    """Of a loss of 2 after the peak at candle 55, nothing before it counts."""
    report = lossy()
    late = [one for one in report.run.trades[0].fills if one.tag != "recover L2"]
    run = replace(report.run, trades=(replace(report.run.trades[0], fills=tuple(late)),))
    found = most_used(build(run), RecoverySettings())
    assert (found.lost, found.since_peak) == (2.0, 2.0)


def test_without_recovery_nothing_of_the_budget_is_used() -> None:
    report = build(run_of({"AAA/USDT": [100.0] * 3}, [trade([fill(0, 1.0, 100.0, "L1")])]))
    found = most_used(report, RecoverySettings())
    assert found == Budget()
    assert found.used == 0.0


def test_a_loss_without_any_budget_uses_more_than_all_of_it() -> None:
    found = most_used(lossy(), RecoverySettings(budget=0.0, budget_of_profit=0.0))
    assert found.since_peak > 0
    assert found.used == np.inf


@pytest.mark.parametrize(("futures", "free"), [(False, -0.05), (True, 1 - 70 / 1_000)])
def test_what_is_free_is_cash_on_spot_and_equity_beyond_margin_on_futures(futures, free) -> None:
    closes = [100.0] * 8_760  # of five minutes: a twelfth of a year
    pairs = ("AAA/USDT:USDT", "BBB/USDT:USDT") if futures else ("AAA/USDT", "BBB/USDT")
    amount = 2.1 if futures else 10.5
    fills = [fill(0, amount, 100.0, "L1", fee=0.0)]
    one = trade(fills, pairs[0], leverage=3.0 if futures else 1.0)
    run = run_of(dict.fromkeys(pairs, closes), [one], futures=futures)
    found = outcome_of(build(run), Budget(), Placement())
    assert found.least_free == pytest.approx(free)
    assert found.fills_per_pair_month == pytest.approx(0.5, rel=1e-3)


STEPS = Steps(0.01, 0.01, 0.009, 10, 4, 1, 0.005, 0)


def plan(steps: Steps | None = STEPS) -> Plan:
    return Plan(1, 100.0, 0.01, (Line(1, 99.0, 100.0),), 10.0, 0.0, 0.02, steps=steps)


def test_lines_of_plans_are_counted_where_the_host_lays_them(monkeypatch) -> None:
    monkeypatch.setattr(laying, "make", lambda *_args, **_kwargs: plan())
    fresh = plan(Steps(0.01, 0.01, 0.009, 6, 2, 0, 0.01, 0))
    monkeypatch.setattr(laying, "revised", lambda old, *_args: fresh)
    before, placement = laying.make, Placement()
    with counting(placement):
        laying.make(100.0)
        laying.revised(plan(), ())
        laying.revised(fresh, ())  # nothing was laid: the same plan
    assert (placement.free, placement.moved, placement.fell_back) == (16, 6, 1)
    assert placement.distance == pytest.approx(4 * 0.005 + 2 * 0.01)
    assert laying.make is before


def test_a_plan_that_tells_nothing_is_not_counted() -> None:
    placement = Placement()
    assert placement.add(plan(None)).steps is None
    assert placement == Placement()


# -- criteria ---------------------------------------------------------------------------------


def outcome(**changes) -> Outcome:
    figures = dict.fromkeys(lossy().figures)
    known = {
        "return_fraction": 0.01,
        "max_drawdown_fraction": 0.05,
        "exposure_mean_fraction": 0.10,
        "margin_utilisation_max_fraction": 0.40,
        "stuck_lots_count": 20,
        "stuck_lots_resolved_fraction": 0.95,
        "lots_count": 100,
    }
    others = {name: changes.pop(name) for name in tuple(changes) if name not in figures}
    good = Outcome(
        figures={**figures, **known, **changes},
        held={"return_fraction": 0.2},
        fills_per_pair_month=50.0,
        least_free=0.1,
        budget=Budget(8.0, 5.0, 20.0),
        placement=Placement(100, 25, 10, 0.25),
    )
    return replace(good, **others)


def test_a_good_run_meets_every_criterion() -> None:
    found = list(criteria(outcome(), outcome(return_fraction=0.01)))
    assert len(found) == 7
    assert all(one.met for one in found)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"fills_per_pair_month": 19.9}, "fills per pair and month"),
        ({"exposure_mean_fraction": 0.049}, "mean exposure"),
        ({"least_free": -0.01}, "least free cash, share of equity"),
        ({"margin_utilisation_max_fraction": 1.01}, "margin utilisation at most"),
        ({"stuck_lots_resolved_fraction": 0.89}, "stuck lots resolved"),
        ({"stuck_lots_resolved_fraction": None}, "stuck lots resolved"),
        ({"budget": Budget(30.0, 20.1, 20.0)}, "recovery loss, of its budget"),
        ({"return_fraction": 0.0099}, "return, less that without recovery"),
    ],
)
def test_each_criterion_is_missed_by_itself(changes, name) -> None:
    missed = [one.name for one in criteria(outcome(**changes), outcome()) if not one.met]
    assert missed == [name]


def test_spot_knows_no_margin() -> None:
    found = criteria(outcome(margin_utilisation_max_fraction=None), outcome())
    assert "margin utilisation at most" not in [one.name for one in found]


# -- tables -----------------------------------------------------------------------------------


def tables_of(name: str, periods=(BULL, SPOT), **changes):
    asked = []

    def measured(period, case):
        asked.append((period, case))
        return outcome(**changes)

    return list(STUDIES[name](measured, periods)), asked


@each_study
def test_every_row_has_a_cell_for_every_column(name: str) -> None:
    found, _ = tables_of(name)
    assert found
    for one in found:
        assert {len(row) for row in one.rows} == {len(one.columns)}


def test_each_part_is_changed_once_between_the_defaults_and_the_bare_grid() -> None:
    _, asked = tables_of("contribution", (SPOT,))
    assert [case for _, case in asked] == [DEFAULTS, *ONE_OTHER, BARE]
    assert len({json.dumps(case.settings) for _, case in asked}) == len(asked)


def test_little_money_is_of_spot_alone() -> None:
    found, asked = tables_of("small")
    capitals = [case.others["dry_run_wallet"] for _, case in asked]
    assert capitals == [250, 500, 1_000] * 3
    assert [case.others.get("timeframe_detail") for _, case in asked] == [None] * 6 + ["1m"] * 3
    assert len(found) == 2
    assert tables_of("small", (BULL,)) == ([], [])


def test_buy_and_hold_has_the_figures_that_make_sense_for_it() -> None:
    (found,), _ = tables_of("beside", (SPOT,))
    held = dict(zip(found.columns, found.rows[-1], strict=True))
    assert held["return"] == "20.00 %"
    assert held["mean exposure"] == held["fills / pair-month"] == UNKNOWN


def test_lines_at_their_base_are_those_that_did_not_move() -> None:
    (found,), _ = tables_of("lines", (SPOT,))
    assert found.rows[0][1:] == ("100", "25.0 %", "1.00 %", "75.0 %", "10.0 %")
    (unplaced,), _ = tables_of("lines", (SPOT,), placement=Placement())
    assert unplaced.rows[0][1:] == ("0", *[UNKNOWN] * 4)


def test_a_criterion_that_is_missed_is_said() -> None:
    (found,), _ = tables_of("wanted", (SPOT,), least_free=-0.5)
    verdicts = {row[0]: row[3] for row in found.rows}
    assert verdicts["least free cash, share of equity"] == "MISSED"
    assert verdicts["mean exposure"] == "met"


# -- what is run ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case", [DEFAULTS, *ONE_OTHER, BARE, STATIC, alone("BTC/USDT", 250)], ids=lambda case: case.name
)
def test_every_case_is_a_valid_setting_of_the_grid(case: Case) -> None:
    base = json.loads(grid_cases.BASE.read_text())["gridkit"]
    config = {"gridkit": {**base, **case.settings}, "timeframe": "5m"}
    settings = Settings.from_config(config)
    assert (settings == Settings.from_config({"gridkit": base})) == (not case.settings)


@pytest.mark.parametrize(("name", "on", "off"), PARTS, ids=[part[0] for part in PARTS])
def test_a_part_that_comes_off_is_switched_on_and_any_other_off(name, on, off) -> None:
    default, with_it, without = (
        Settings.from_config({"gridkit": dict(part)}) for part in ({}, on, off)
    )
    assert (default == with_it) != (default == without)
    expected = Case(f"with {name}", on) if default == without else Case(f"without {name}", off)
    assert differing(name, on, off) == expected


@pytest.mark.parametrize(("name", "on", "off"), PARTS, ids=[part[0] for part in PARTS])
def test_what_is_off_alone_is_off_in_the_bare_grid_too(name, on, off) -> None:
    if name == "drawdown breakers":
        assert BARE.settings["breakers"]["enabled"] is False
        return
    for section, values in off.items():
        assert values.items() <= BARE.settings[section].items()


class Counted(Runner):
    """A runner that makes an outcome up, and counts."""

    runs = 0

    def _measured(self, case: Case) -> Outcome:
        type(self).runs += 1
        return outcome(return_fraction=0.1 * self.runs)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data" / SPOT.folder).mkdir(parents=True)
    return tmp_path / "data"


def test_an_outcome_is_kept_and_read_again(data, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Counted, "runs", 0)
    first = Counted(data, SPOT, tmp_path).outcome(DEFAULTS)
    again = Counted(data, SPOT, tmp_path).outcome(DEFAULTS)
    assert Counted.runs == 1
    assert asdict(again) == asdict(first)
    Counted(data, SPOT, tmp_path).outcome(replace(DEFAULTS, settings={"grid": {"levels": 3}}))
    assert Counted.runs == 2
    Counted(data, SPOT).outcome(DEFAULTS)
    assert Counted.runs == 3


def test_a_case_is_run_once_however_many_tables_ask(data, monkeypatch, capsys) -> None:
    monkeypatch.setattr(Counted, "runs", 0)
    monkeypatch.setattr(grid, "Runner", Counted)
    with Measuring(data) as measured:
        assert measured(SPOT, DEFAULTS) is measured(SPOT, DEFAULTS)
        measured(SPOT, NO_RECOVERY)
    assert Counted.runs == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_missing_data_is_one_line_and_status_2(tmp_path: Path, capsys) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["--data", str(folder)]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.count("\n") == 1
        assert str(folder) in told.err
    with pytest.raises(MissingData):
        Runner(tmp_path, SPOT)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--window", "spot", "--docs", "x.md"], "all windows"),
        (["--out", "/nowhere/at/all"], "no folder"),
        (["--only", "nothing"], "invalid choice"),
    ],
)
def test_wrong_options_are_told(tmp_path, capsys, wrong, message) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), *wrong])
    assert message in capsys.readouterr().err


def test_tables_are_printed_and_renewed_in_a_document(tmp_path, monkeypatch, capsys) -> None:
    for period in (grid_cases.RANGE, BULL, SPOT):
        (tmp_path / period.folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(grid, "Runner", Counted)
    document = tmp_path / "results.md"
    document.write_text(f"<!-- figures: {mark('lines')} -->\n<!-- end -->\n", encoding="utf-8")
    options = ["--data", str(tmp_path), "--only", "lines", "--docs", str(document)]
    assert main(options) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("## lines\n\n**Lines of all plans")
    assert printed.split("\n\n", 1)[1].strip() in document.read_text(encoding="utf-8")


# -- on real candles --------------------------------------------------------------------------

SHORT = replace(grid_cases.RANGE, timerange="20230705-20230805")
THREE = ("ETH/USDT:USDT", "LTC/USDT:USDT", "SUI/USDT:USDT")


@pytest.mark.real
@pytest.mark.slow
@FREQTRADES_WARNINGS
def test_the_grid_is_as_wanted_in_a_month_with_stuck_lots(real_data: Path, tmp_path: Path) -> None:
    """A falling July. Not every month has as much exposure: whole windows are in the results."""
    runner = Runner(real_data, SHORT, tmp_path)
    try:
        found, without = (
            runner.outcome(grid_cases.on_pairs(case, THREE)) for case in (DEFAULTS, NO_RECOVERY)
        )
    finally:
        runner.close()
    assert found["stuck_lots_count"] > 10
    assert found.budget.lost > 0
    assert found["mismatches_count"] == 0
    assert found["final_balance_difference_stake"] == pytest.approx(0.0, abs=0.01)
    assert found.placement.moved > 0
    missed = [one for one in criteria(found, without) if not one.met]
    assert missed == []
