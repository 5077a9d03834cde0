"""freqtrade's search for look-ahead with the predictor on, as a shell has it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backtests.runs import CONFIG, STRATEGIES, Market
from host.analysed import merged
from host.conftest import base_config
from host.prediction.tiny import DAYS, GRID, freqai
from host.test_freqtrade_analysis import rows_of

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 180
# One pair, as each trade is looked at again without the others.
ALONE = {"exchange": {"pair_whitelist": ["ETH/USDT"]}, "max_open_trades": 1}
MINE = ("gridkit-0123456789", "of-another-strategy")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder in which models lie."""
    for name in MINE:
        folder = tmp_path / "user_data" / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.joblib").write_text("trained for days")
    return tmp_path


def analysis(home: Path, market: Market, *options: str) -> str:
    """Run lookahead-analysis in a process that ends as a shell's does; return what it wrote."""
    own = home / "own.json"
    config = merged(merged(base_config(market), freqai()), {**ALONE, "gridkit": GRID})
    own.write_text(json.dumps(config))
    files = (word for file in (CONFIG, market.exchange_config, own) for word in ("-c", str(file)))
    ended = subprocess.run(
        [
            sys.executable, "-m", "freqtrade", "lookahead-analysis", *files,
            "--strategy", "AdaptiveGrid", "--strategy-path", str(STRATEGIES),
            "--userdir", str(home / "user_data"), "--datadir", str(market.datadir), *options,
        ],
        capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False, cwd=home,
        env={"PATH": "", "COLUMNS": "250", "HOME": str(home)},
    )  # fmt: skip
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output[-3000:]
    assert "Traceback" not in output, output[-3000:]
    return output


def test_no_bias_is_found_and_the_users_models_are_left_as_they_are(home, swings):
    output = analysis(
        home, swings, "--timerange", DAYS,
        "--minimum-trade-amount", "2", "--targeted-trade-amount", "2",
    )  # fmt: skip
    ((_, _, biased, signals, entries, exits, indicators),) = rows_of(output, "AdaptiveGrid")
    assert (biased, entries, exits, indicators) == ("No", "0", "0", ""), output[-6000:]
    assert int(signals) == 2
    # It did train: once for all trades, and again for each with fewer candles.
    assert output.count("Saving metadata to disk") >= 3
    models = home / "user_data" / "models"
    assert sorted(path.name for path in models.iterdir()) == sorted(MINE)
    for name in MINE:
        assert (models / name / "model.joblib").read_text() == "trained for days"
