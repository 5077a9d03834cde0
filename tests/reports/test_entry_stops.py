"""The stop a trade of Confluence was entered with, by its tag and the candles."""

import math

import numpy as np
import pandas as pd
import pytest

from gridkit.analytics import turns
from gridkit.analytics.entry_tags import KINDS, REGIMES
from gridkit.analytics.regime import Regime, parameters
from gridkit.reports.entry_stops import entry_stops, regime_of
from gridkit.reports.market_data import DataSource
from gridkit.settings import Settings
from reports.backtests import START, write_candles

PAIR = "AAA/USDT"
HOURS = 300
RANGE = 2.0  # of each hour's candle, so that the ATR is this


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hours")
    dates = pd.date_range(START, periods=HOURS, freq="1h")
    close = np.full(HOURS, 100.0)
    frame = pd.DataFrame(
        {"date": dates, "open": close, "high": close + RANGE / 2, "low": close - RANGE / 2,
         "close": close, "volume": 1.0}
    )  # fmt: skip
    frame.loc[HOURS - 1, ["high", "low"]] = [150.0, 50.0]
    write_candles(folder, PAIR, "1h", frame, "spot")
    return DataSource(folder, "feather", "binance", "spot", "")


def exported(tag: str, hours: float, *, short: bool = False, pair: str = PAIR):
    opened = START + pd.Timedelta(hours=hours)
    return {
        "pair": pair, "enter_tag": tag, "is_short": short, "open_rate": 100.0,
        "open_timestamp": int(opened.timestamp() * 1000),
    }  # fmt: skip


def multiple(regime: Regime) -> float:
    return parameters(regime, Settings().regime).stop_atr_multiple


@pytest.mark.parametrize(
    ("tag", "short", "regime"),
    [
        ("trend bull c1.0 poc", False, Regime.TRENDING_BULLISH),
        ("trend bull c1.0", True, Regime.TRENDING_BULLISH),
        ("edge volatile c0.7 val p+", False, Regime.VOLATILE_RANGING),
    ],
)
def test_the_stop_is_the_regimes_multiple_of_the_atr_from_the_entry(source, tag, short, regime):
    (stop,) = entry_stops([exported(tag, 200.0, short=short)], {}, source)
    side = -1 if short else 1
    assert stop == pytest.approx(100.0 - side * multiple(regime) * RANGE)


def test_an_hour_counts_only_once_it_is_closed(source):
    """The last hour's range is fifty times that of the others."""
    tag = "trend bull c1.0"
    before, after = entry_stops([exported(tag, HOURS - 0.1), exported(tag, HOURS)], {}, source)
    assert before == pytest.approx(100.0 - multiple(Regime.TRENDING_BULLISH) * RANGE)
    assert after < before - 5.0


def test_a_multiple_of_the_config_counts(source):
    config = {"gridkit": {"regime": {"bullish": {"stop_atr_multiple": 3.5}}}}
    (stop,) = entry_stops([exported("trend bull c1.0", 200.0)], config, source)
    assert stop == pytest.approx(100.0 - 3.5 * RANGE)


def test_what_no_candle_and_no_tag_of_ours_tells_is_unknown(source):
    trades = [
        exported("trend bull c1.0", 200.0),
        exported("force_entry", 200.0),
        exported("trend bull c1.0", 200.0, pair="BBB/USDT"),
        exported("trend bull c1.0", (turns.warmup(Settings(), 3600) - 2) / 2),
    ]
    known, *unknown = entry_stops(trades, {}, source)
    assert math.isfinite(known)
    assert all(math.isnan(stop) for stop in unknown)


def test_settings_of_another_version_leave_the_stop_unknown(source):
    config = {"gridkit": {"gone": 1}}
    (stop,) = entry_stops([exported("trend bull c1.0", 200.0)], config, source)
    assert math.isnan(stop)


def test_of_another_strategy_nothing_is_said(source):
    assert entry_stops([exported("L1", 200.0), exported("", 200.0)], {}, source) is None


@pytest.mark.parametrize("regime", list(REGIMES))
def test_a_regime_has_the_stop_of_the_one_its_word_names(regime):
    for kind in KINDS.values():
        named = regime_of(f"{kind} {REGIMES[regime]} c1.0")
        assert named is not None
        assert multiple(named) == multiple(regime)
