"""freqtrade hyperopt with workers, from copied folders, where gridkit is not installed."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gridkit.reports.loss import REFUSED
from reports.backtests import Market, config_of, random_walk, write_candles
from sandbox.running import running_exchange

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

# Hides an installed gridkit from the process and from its workers.
HIDE = """
import sys
from pathlib import Path
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in getattr(f, "__module__", "")]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in getattr(f, "__name__", "")]
sys.path[:] = [p for p in sys.path if not (Path(p) / "gridkit").is_dir()]
"""


@pytest.fixture
def copied(tmp_path) -> Path:
    """Folders as a user copies them: strategies with the library, and hyperopts."""
    shutil.copytree(ROOT / "strategies" / "gridkit", tmp_path / "strategies" / "gridkit")
    shutil.copytree(ROOT / "hyperopts", tmp_path / "hyperopts")
    shutil.copy(HERE / "strategies" / "TunedTrades.py", tmp_path / "strategies")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HIDE)
    return tmp_path


def test_hyperopt_with_two_workers_finds_the_library_beside_the_copied_loss(copied):
    market = Market(copied / "data", futures=False, pairs=("ETH/USDT",))
    market.datadir.mkdir()
    write_candles(market.datadir, "ETH/USDT", "5m", random_walk(600, 5, 3, 2000.0), "spot")
    (copied / "user_data" / "hyperopt_results").mkdir(parents=True)
    (copied / "config.json").write_text(
        json.dumps(config_of(copied / "user_data", market, strategy="TunedTrades"))
    )
    with running_exchange() as exchange:
        done = subprocess.run(
            [
                sys.executable, "-m", "freqtrade", "hyperopt",
                "-c", str(copied / "config.json"), "-c", str(exchange.config_path),
                "--userdir", str(copied / "user_data"), "--datadir", str(market.datadir),
                "--strategy-path", str(copied / "strategies"),
                "--hyperopt-path", str(copied / "hyperopts"),
                "--hyperopt-loss", "MarkedCalmarLoss", "--spaces", "buy",
                "-e", "4", "-j", "2", "--random-state", "7",
            ],
            env=os.environ | {"PYTHONPATH": str(copied / "site")},
            cwd=copied, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    losses = losses_in(copied / "user_data")
    assert len(losses) == 4
    assert len(set(losses)) > 1
    assert all(math.isfinite(loss) and loss < REFUSED for loss in losses)


def losses_in(userdir: Path) -> list[float]:
    (file,) = (userdir / "hyperopt_results").glob("*.fthypt")
    return [json.loads(line)["loss"] for line in file.read_text().splitlines()]
