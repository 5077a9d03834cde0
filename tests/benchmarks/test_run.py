import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.sampling import ROOT
from benchmarks.verdicts import FLAT


@pytest.mark.slow
def test_a_short_run_measures_everything(tmp_path: Path) -> None:
    report = tmp_path / "reports" / "bench.json"
    command = [sys.executable, "-m", "benchmarks.run", "--json", str(report)]
    options = ["--days", "4", "--slice-days", "2", "--pairs", "2"]
    ended = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    written = json.loads(report.read_text())
    assert written["grid"]["fills"] > 0
    assert written["slice"]["equal_orders"] is True
    assert written["slice"]["compared_orders"] > 0
    assert 0 < written["grid"]["profile"]["exclusive"] <= written["grid"]["profile"]["inclusive"]
    assert all(cost > 0 for name in FLAT for cost in written["callbacks"][name].values())
    assert written["memory"]["grid_mb"] > 0
    for verdict in written["verdicts"]:
        assert verdict["name"].split(":")[0] in ended.stdout


@pytest.mark.parametrize("options", [["--days", "0"], ["--pairs", "-1"], ["--days", "many"]])
def test_a_number_that_is_none_is_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run.main(options)
    assert refused.value.code == 2
