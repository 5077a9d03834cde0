"""freqtrade's own searches for bias, on our strategies."""

import pytest

from backtests.runs import QUICK, STRATEGIES, VARIANTS
from host.directional.quick import QUICK as DIRECTIONAL

pytestmark = pytest.mark.slow

DAYS = "20251205-20251214"
# What reads hours, other pairs and the past for long, with windows that the candles reach back for.
RICH = {
    **QUICK,
    "volatility": {"garch": {"window_hours": 500, "refit_hours": 24}},
    "thresholds": {"enabled": True, "window_days": 7},
    "profile": {"enabled": True, "days": 1},
    "stress": {"window_days": 7},
    "correlation": {"window_days": 7},
    "spacing": {"method": "regime", "regime_steps": [0.004, 0.004, 0.006, 0.008, 0.01]},
}


def rows_of(output, strategy):
    return [
        [cell.strip() for cell in line.strip().strip("│").split("│")]
        for line in output.splitlines()
        if line.startswith("│") and strategy in line
    ]


def lookahead(freqtrade, market, strategy, path, settings=QUICK):
    config = {"gridkit": settings, "strategy": strategy, "strategy_path": str(path)}
    ended = freqtrade(
        "lookahead-analysis", market, config, "--timerange", DAYS,
        "--minimum-trade-amount", "3", "--targeted-trade-amount", "6",
    )  # fmt: skip
    assert ended.status == 0, ended.output[-3000:]
    assert "Traceback" not in ended.output, ended.output[-3000:]
    ((_, _, biased, _, biased_entries, biased_exits, indicators),) = rows_of(ended.output, strategy)
    return biased, biased_entries, biased_exits, indicators


def test_lookahead_analysis_finds_no_bias(freqtrade, spot):
    assert lookahead(freqtrade, spot, "AdaptiveGrid", STRATEGIES) == ("No", "0", "0", "")


def test_lookahead_analysis_finds_none_in_what_reads_other_pairs_and_timeframes(freqtrade, spot):
    assert lookahead(freqtrade, spot, "AdaptiveGrid", STRATEGIES, RICH) == ("No", "0", "0", "")


def test_lookahead_analysis_finds_none_in_confluence(freqtrade, rich_spot):
    assert lookahead(freqtrade, rich_spot, "Confluence", STRATEGIES, DIRECTIONAL) == (
        "No", "0", "0", "",
    )  # fmt: skip


def test_lookahead_analysis_finds_a_planted_one(freqtrade, spot):
    biased, *_, indicators = lookahead(freqtrade, spot, "Leaking", VARIANTS)
    assert biased == "Yes"
    assert "volatility_daily" in indicators


@pytest.mark.parametrize(
    ("strategy", "settings", "startup"),
    [("AdaptiveGrid", QUICK, ("900", "1100")), ("Confluence", DIRECTIONAL, ("2400", "2600"))],
)
def test_recursive_analysis_finds_no_variance_with_the_strategys_own_warm_up(
    freqtrade, rich_spot, strategy, settings, startup
):
    pairs = {"pair_whitelist": ["ETH/USDT"]}
    config = {"gridkit": settings, "strategy": strategy, "exchange": pairs}
    ended = freqtrade(
        "recursive-analysis", rich_spot, config, "--timerange", "20251212-20251214",
        "--startup-candle", *startup,
    )  # fmt: skip
    assert ended.status == 0, ended.output[-3000:]
    assert "Traceback" not in ended.output
    assert "No lookahead bias on indicators found" in ended.output
    variances = [cell for row in rows_of(ended.output, "%") for cell in row[1:]]
    # Sums of floats that begin elsewhere differ in the last bits: freqtrade shows ±0.000%.
    assert all(abs(float(cell.rstrip("%"))) == 0 for cell in variances if cell != "-"), variances
