"""freqtrade's own search for look-ahead, with the predictor on."""

import re

import pandas as pd
import pytest

from backtests.runs import STRATEGIES
from gridkit.host.prediction import heeding
from gridkit.prediction.gate import Why
from gridkit.settings import Settings
from host.prediction.tiny import GRID, freqai
from host.test_freqtrade_analysis import rows_of

pytestmark = pytest.mark.slow

RULE = Settings.from_config({"gridkit": GRID}).prediction
NONE = pd.DataFrame({"date": pd.to_datetime([], utc=True)})


def test_lookahead_analysis_finds_no_prediction_that_knew_better_and_leaves_the_users_models(
    freqtrade, spot, tmp_path
):
    models = tmp_path / "models"
    mine = models / "gridkit" / "sub-train-ETH_1" / "kept"
    mine.mkdir(parents=True)
    section = freqai(identifier="theirs")
    config = {
        **section,
        "gridkit": GRID,
        "strategy": "AdaptiveGrid",
        "strategy_path": str(STRATEGIES),
        "user_data_dir": str(tmp_path),
        "exchange": {"pair_whitelist": ["ETH/USDT"]},
    }
    ended = freqtrade(
        "lookahead-analysis", spot, config, "--timerange", "20251210-20251213",
        "--minimum-trade-amount", "3", "--targeted-trade-amount", "4",
    )  # fmt: skip
    assert ended.status == 0, ended.output[-3000:]
    assert "Traceback" not in ended.output, ended.output[-3000:]
    ((_, _, _, _, entries, exits, _),) = rows_of(ended.output, "AdaptiveGrid")
    assert (entries, exits) == ("0", "0")
    # FreqAI predicts nothing for the candle at which a timerange ends, here that of each entry.
    found = re.findall(r"bias in column (\w+)\. \S+ != (\S+)", ended.output)
    assert {column for column, _ in found} <= {*heeding.unknown(NONE, RULE)}
    assert {seen for _, seen in found} <= {"nan", str(float(Why.UNKNOWN))}
    assert "Saving metadata to disk" in ended.output, "nothing was trained"
    assert [path.name for path in models.iterdir()] == ["gridkit"], "each run's own folder goes"
    assert mine.is_dir()
