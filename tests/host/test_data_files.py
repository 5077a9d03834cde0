"""Which candle files on disk are refused before freqtrade goes on without their pair."""

import re

import pandas as pd
import pytest
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.exceptions import OperationalException

from gridkit.host import data_files
from gridkit.settings import Settings

PAIRS = ["ETH/USDT", "SOL/USDT"]
ENDINGS = {"feather": "feather", "parquet": "parquet", "json": "json", "jsongz": "json.gz"}
each_form = pytest.mark.parametrize("form", ENDINGS)


def candles(start, count, minutes):
    dates = pd.date_range(start, periods=count, freq=f"{minutes}min", tz="UTC").as_unit("ms")
    frame = pd.DataFrame({"date": dates})
    return frame.assign(open=1.0, high=1.1, low=0.9, close=1.0, volume=5.0)


def stored(folder, form="feather", kind=CandleType.SPOT, pairs=PAIRS):
    (folder / "futures").mkdir(exist_ok=True)
    for pair in pairs:
        for timeframe, minutes in (("5m", 5), ("1h", 60)):
            frame = candles("2025-01-01", 60, minutes)
            get_datahandler(folder, form).ohlcv_store(pair, timeframe, frame, kind)


def config(folder, form="feather", **exchange):
    return {
        "runmode": RunMode.BACKTEST,
        "datadir": folder,
        "dataformat_ohlcv": form,
        "candle_type_def": CandleType.SPOT,
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": {"pair_whitelist": PAIRS, "pair_blacklist": [], **exchange},
    }


def refused(wanted):
    with pytest.raises(OperationalException) as caught:
        data_files.check(wanted, "5m", Settings())
    return str(caught.value)


@each_form
def test_readable_files_pass(tmp_path, form):
    stored(tmp_path, form)
    data_files.check(config(tmp_path, form), "5m", Settings())


@each_form
@pytest.mark.parametrize("timeframe", ["5m", "1h"])
def test_a_spoilt_file_is_named_without_a_traceback(tmp_path, form, timeframe, caplog):
    stored(tmp_path, form)
    path = tmp_path / f"SOL_USDT-{timeframe}.{ENDINGS[form]}"
    path.write_bytes(b"not a table" * 50)
    said = refused(config(tmp_path, form))
    assert said.startswith(f"SOL/USDT: no {timeframe} candles can be read from {path}.")
    assert "ETH/USDT" not in said
    assert caplog.records == []


@each_form
def test_a_file_without_candles_is_named(tmp_path, form):
    stored(tmp_path, form)
    empty = candles("2025-01-01", 0, 5)
    get_datahandler(tmp_path, form).ohlcv_store("SOL/USDT", "5m", empty, CandleType.SPOT)
    assert refused(config(tmp_path, form)).startswith("SOL/USDT: no 5m candles can be read")


@each_form
def test_a_missing_file_is_named(tmp_path, form):
    stored(tmp_path, form, pairs=["ETH/USDT"])
    path = tmp_path / f"SOL_USDT-5m.{ENDINGS[form]}"
    assert f"SOL/USDT: no 5m candles, as there is no file {path}." in refused(
        config(tmp_path, form)
    )


@each_form
def test_candles_outside_the_timerange_are_named(tmp_path, form):
    stored(tmp_path, form)
    wanted = {**config(tmp_path, form), "timerange": "20250102-20250103"}
    assert "ETH/USDT: no 5m candles in 20250102-20250103" in refused(wanted)
    wanted["timerange"] = "20250101-20250102"
    data_files.check(wanted, "5m", Settings())


@each_form
def test_files_of_perpetuals_are_looked_for_in_their_own_folder(tmp_path, form):
    pairs = ["ETH/USDT:USDT"]
    wanted = config(tmp_path, form, pair_whitelist=pairs)
    wanted["candle_type_def"] = CandleType.FUTURES
    assert str(tmp_path / "futures") in refused(wanted)
    stored(tmp_path, form, CandleType.FUTURES, pairs)
    data_files.check(wanted, "5m", Settings())


def test_freqtrades_log_is_as_loud_afterwards_as_before(tmp_path, caplog):
    stored(tmp_path)
    data_files.check(config(tmp_path), "5m", Settings())
    get_datahandler(tmp_path).ohlcv_load("NOPE/USDT", "5m", CandleType.SPOT)
    assert "No history for NOPE/USDT" in caplog.text


@pytest.mark.parametrize("pattern", ["SOL/USDT", "SOL/.*", "sol/usdt", ".*L/USDT"])
def test_a_pair_on_the_blacklist_needs_no_files(tmp_path, pattern):
    stored(tmp_path, pairs=["ETH/USDT"])
    data_files.check(config(tmp_path, pair_blacklist=[pattern]), "5m", Settings())


def test_a_blacklist_of_other_pairs_spares_none(tmp_path):
    stored(tmp_path, pairs=["ETH/USDT"])
    assert "SOL/USDT" in refused(config(tmp_path, pair_blacklist=[".*/BNB", "BNB/.*"]))


@pytest.mark.parametrize("name", ["pair_blacklist", "pair_whitelist"])
def test_a_pattern_that_is_none_is_left_to_freqtrade(tmp_path, name):
    data_files.check(config(tmp_path, **{name: ["*/BNB", *PAIRS]}), "5m", Settings())


def test_pairs_chosen_by_a_pattern_are_freqtrades(tmp_path):
    data_files.check(config(tmp_path, pair_whitelist=[".*/USDT"]), "5m", Settings())


def test_candles_a_strategy_trades_on_beside_its_own_are_asked_for_once(tmp_path):
    stored(tmp_path)
    with pytest.raises(OperationalException) as caught:
        data_files.check(config(tmp_path), "5m", Settings(), ["1m", "5m", "1h", "4h", "4h"])
    assert re.findall(r"no (\w+) candles, as", str(caught.value)) == ["4h"] * len(PAIRS)
