"""Candles, funding, trades or an index that are not there: said once, unknown, and no error."""

import pandas as pd
import pytest

from backtests.runs import run
from host import analysed
from host.analysed import everything, frames_of, ours

pytestmark = pytest.mark.slow

RANGE = "20251212-20251214"


@pytest.fixture
def said(caplog):
    caplog.set_level("WARNING", logger="gridkit")
    return lambda: [one.getMessage() for one in caplog.records if one.name.startswith("gridkit")]


def without(market, folder, *words):
    """Copy a market but for the files whose names hold one of these."""
    for path in sorted(market.datadir.rglob("*")):
        if path.is_file() and not any(word in path.name for word in words):
            into = folder / path.relative_to(market.datadir)
            into.parent.mkdir(parents=True, exist_ok=True)
            into.write_bytes(path.read_bytes())
    return analysed.replaced(market, folder)


def frames_without(market, tmp_path, *words, **changes):
    poor = without(market, tmp_path / "data", *words)
    settings = everything(market, regime={"timeframe": "5m"}, **changes)
    return frames_of(tmp_path, poor, settings, timerange=RANGE)


def unknown(frame):
    return {name for name in ours(frame) if frame[name].isna().all()}


def missing(pair, what):
    return f"{pair}: no {what}; what is read from them stays unknown"


@pytest.mark.parametrize(
    ("word", "what", "columns"),
    [
        (
            "SOL_USDT-1h", "1h candles",
            {"volatility_garch", "volatility_basket", "volatility_implied", "stress_factor",
             "thresholds_percentile"},
        ),
        ("SOL_USDT-4h", "4h candles", set()),
        (
            "SOL_USDT-trades", "public trades",
            {"orderflow_delta", "orderflow_trades", "orderflow_buy_pressure", "orderflow_cvd",
             "orderflow_imbalance", "orderflow_vwap_deviation", "orderflow_whale"},
        ),
    ],
)  # fmt: skip
def test_what_has_no_file_is_said_once_and_its_columns_are_unknown(
    rich_spot, tmp_path, said, word, what, columns
):
    frames = frames_without(rich_spot, tmp_path, word)
    assert said().count(missing("SOL/USDT", what)) == 1
    assert not [line for line in said() if "ETH/USDT" in line and "no " in line]
    assert unknown(frames["SOL/USDT"]) == columns
    assert unknown(frames["ETH/USDT"]) == set()
    assert set(ours(frames["SOL/USDT"])) == set(ours(frames["ETH/USDT"]))
    assert (frames["SOL/USDT"]["stress_gap_factor"] >= 1).all()


def test_an_hourly_file_less_leaves_the_forecast_to_what_is_known(rich_spot, tmp_path):
    frame = frames_without(rich_spot, tmp_path, "SOL_USDT-1h")["SOL/USDT"]
    pd.testing.assert_series_equal(
        frame["volatility_forecast"], frame["volatility_realised"], check_names=False
    )


def test_a_timeframe_without_candles_is_left_out_of_confluence(rich_spot, tmp_path):
    frames = frames_without(rich_spot, tmp_path, "SOL_USDT-4h")
    assert (frames["SOL/USDT"]["confluence_excluded"].iloc[-100:] == 0b1000).all()
    assert (frames["ETH/USDT"]["confluence_excluded"].iloc[-100:] == 0).all()


def test_funding_without_a_file_is_said_once_and_counts_as_no_stress(rich_futures, tmp_path, said):
    frames = frames_without(rich_futures, tmp_path, "SOL_USDT_USDT-1h-funding_rate",
                            "SOL_USDT_USDT-8h-funding_rate")  # fmt: skip
    assert said().count(missing("SOL/USDT:USDT", "funding rates")) == 1
    frame = frames["SOL/USDT:USDT"]
    assert unknown(frame) == set()
    assert frame["stress_factor"].iloc[-1] >= 1


def test_an_index_of_a_coin_without_candles_says_nothing_of_others(rich_spot, tmp_path, said):
    implied = {"volatility": {"implied": {"asset": "BTC"}}}
    frames = frames_of(
        tmp_path, rich_spot, analysed.merged(everything(rich_spot), implied), timerange=RANGE
    )
    assert said().count(missing("BTC/USDT", "1h candles")) == 1
    for frame in frames.values():
        assert unknown(frame) == {"volatility_implied"}


def test_candles_of_the_regime_are_not_done_without(rich_spot, tmp_path):
    poor = without(rich_spot, tmp_path / "data", "SOL_USDT-4h")
    settings = everything(rich_spot, regime={"timeframe": "4h"})
    with pytest.raises(Exception, match=r"SOL/USDT: no 4h candles.*download-data"):
        frames_of(tmp_path, poor, settings, timerange=RANGE)


def test_a_backtest_without_any_of_them_trades_on(rich_futures, tmp_path, caplog):
    words = ("-1h-futures", "-4h-futures", "-15m-futures", "trades")
    poor = without(rich_futures, tmp_path / "data", *words)
    settings = everything(rich_futures, regime={"timeframe": "5m"}, spacing={"method": "regime"})
    found = run(tmp_path, poor, settings, timerange=RANGE)
    assert found.placed
    assert not [one for one in caplog.records if one.exc_info]
