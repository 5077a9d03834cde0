"""`strategies/` and `hyperopts/` copied into a user's folder, far from any checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backtests import runs
from backtests.runs import ROOT, UNGATED

pytestmark = pytest.mark.slow

DEADLINE_SECONDS = 240
# What the copies add to themselves: where they were imported from, and by which process.
WITNESS = """

def _testify(what):
    import os
    import pathlib
    seen = pathlib.Path({folder!r}) / f"{{what}}-{{os.getpid()}}"
    seen.write_text(str(pathlib.Path(__file__).resolve()))
"""
WITNESS_OF_CALLBACKS = """

_next_order = GridDesk.next_order


def _witnessed(self, trade, *args):
    from freqtrade.persistence import LocalTrade
    own = any(trade is one for one in LocalTrade.bt_trades_open)
    _testify("read-only" if own else "copied-trade")
    return _next_order(self, trade, *args)


GridDesk.next_order = _witnessed
"""


@pytest.fixture
def copies(tmp_path):
    """A folder with copies of both folders, which tell from where they are imported."""
    witness = tmp_path / "witness"
    witness.mkdir()
    for name in ("strategies", "hyperopts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "strategies" / "gridkit"
    code = WITNESS.format(folder=str(witness))
    for path, what in (("__init__.py", "package"), ("reports/loss.py", "loss")):
        with (package / path).open("a") as module:
            module.write(code + f'\n\n_testify("{what}")\n')
    with (package / "host" / "desk.py").open("a") as module:
        module.write(code + WITNESS_OF_CALLBACKS)
    return tmp_path


def hyperopt(folder, market):
    own = {
        "exchange": {"pair_whitelist": list(market.pairs)},
        "max_open_trades": len(market.pairs),
        "strategy_path": str(folder / "strategies"),
        "hyperopt_path": str(folder / "hyperopts"),
        "gridkit": {**UNGATED, "spacing": {"method": "volatility"}},
    }
    (folder / "own.json").write_text(json.dumps(own))
    (folder / "user_data").mkdir()
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": "", "COLUMNS": "200"}
    return subprocess.run(
        [
            sys.executable, "-m", "freqtrade", "hyperopt", "-j", "2", "--epochs", "4",
            "--hyperopt-loss", "MarkedCalmarLoss", "--spaces", "buy", "--min-trades", "1",
            "--strategy", "AdaptiveGrid", "--timerange", "20251210-20251214",
            "--random-state", "1", "--disable-param-export",
            "-c", str(runs.CONFIG), "-c", str(market.exchange_config),
            "-c", str(folder / "own.json"),
            "--userdir", str(folder / "user_data"), "--datadir", str(market.datadir),
        ],
        cwd=elsewhere, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_SECONDS, check=False,
    )  # fmt: skip


def witnessed(folder, what):
    """Which files the processes that imported a part say they are: by process id."""
    seen = (folder / "witness").glob(f"{what}-*")
    return {path.name.rpartition("-")[2]: Path(path.read_text()) for path in seen}


def epochs(folder):
    (results,) = (folder / "user_data" / "hyperopt_results").glob("*.fthypt")
    return [json.loads(line) for line in results.read_text().splitlines()]


def test_hyperopt_runs_on_copied_folders_and_its_workers_import_the_copies(copies, spot):
    ended = hyperopt(copies, spot)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "Traceback" not in ended.stdout, ended.stdout[-3000:]
    imported = {**witnessed(copies, "package"), **witnessed(copies, "loss")}
    assert len(imported) >= 3, "the parent and both workers import it"
    assert all(path.is_relative_to(copies) for path in imported.values()), imported
    assert len(witnessed(copies, "read-only")) >= 2, "both workers trade"
    assert not witnessed(copies, "copied-trade"), "workers are given the trade itself"
    losses = [epoch["loss"] for epoch in epochs(copies)]
    assert len(losses) == 4
    assert len(set(losses)) > 1, "other parameters give another result"


# freqtrade's PathModifier, and then a worker, which is started with the parent's sys.path.
LOADED_AS_FREQTRADE_DOES = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
import gridkit
sys.path.remove(sys.argv[1])
worker = "import sys; sys.path[:] = %r; import gridkit; print(gridkit.__file__)" % sys.path
subprocess.run([sys.executable, "-c", worker], check=True)
"""


@pytest.mark.parametrize("rival", [False, True], ids=["alone", "beside an installed gridkit"])
def test_a_worker_imports_the_copy_that_its_parent_loaded(tmp_path, rival):
    copy, installed = tmp_path / "strategies", tmp_path / "installed"
    for folder in (copy, installed):
        (folder / "gridkit").mkdir(parents=True)
        shutil.copy(ROOT / "strategies" / "gridkit" / "__init__.py", folder / "gridkit")
    ended = subprocess.run(
        [sys.executable, "-c", LOADED_AS_FREQTRADE_DOES, str(copy)],
        env={**os.environ, "PYTHONPATH": str(installed) if rival else ""},
        cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert Path(ended.stdout.strip()).is_relative_to(copy)
