"""A freqtrade datadir served as history."""

import gzip
import json
import os
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pytest

from sandbox import candles
from sandbox.candles import Window
from sandbox.errors import SandboxError
from sandbox.recorded.market import RecordedMarket
from sandbox.running import running_exchange

NOW = 1_772_619_083_500
START = pd.Timestamp("2024-02-05", tz="UTC")  # a Monday
START_MS = int(START.timestamp() * 1000)
FIVE = 300_000
ALL = Window(0, None, 10**6)

_FOLDER = os.environ.get("GRIDKIT_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data"
REAL = Path(_FOLDER)
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="no real market data: set GRIDKIT_REAL_DATA to its folder"
)


def frame(count=2 * 288, price=0.0723, seed=1):
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(rng.normal(0, 0.002, count))), 5)
    opened = np.r_[price, close[:-1]]
    return pd.DataFrame(
        {
            "date": pd.date_range(START, periods=count, freq="5min", unit="ms"),
            "open": opened,
            "high": np.round(np.maximum(opened, close) * 1.001, 5),
            "low": np.round(np.minimum(opened, close) * 0.999, 5),
            "close": close,
            "volume": np.round(rng.lognormal(3, 1, count), 3),
        }
    )


def as_lists(data):
    times = data["date"].dt.as_unit("ms").astype("int64")
    return data.assign(date=times).to_numpy().tolist()


def write(data, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".feather"):
        data.to_feather(path)
    elif path.name.endswith(".parquet"):
        data.to_parquet(path)
    elif path.name.endswith(".json"):
        path.write_text(json.dumps(as_lists(data)))
    else:
        path.write_bytes(gzip.compress(json.dumps(as_lists(data)).encode()))


def rows(market, symbol="ETHBTC", timeframe="5m", where="spot", kind="last", window=ALL):
    return market.candles(where, symbol, kind, timeframe, window, NOW)


@pytest.mark.parametrize("suffix", ["feather", "parquet", "json", "json.gz"])
def test_every_format_of_freqtrade_gives_the_candles_that_were_written(tmp_path, suffix):
    data = frame()
    write(data, tmp_path / f"ETH_BTC-5m.{suffix}")
    served = rows(RecordedMarket(tmp_path))
    np.testing.assert_array_equal(served[:, 1:6], data.drop(columns="date").to_numpy())
    assert served[0, candles.TIME] == START_MS


def test_every_digit_survives_the_api(tmp_path):
    data = frame()
    data.loc[3, "close"] = 0.072312345678
    write(data, tmp_path / "ETH_BTC-5m.feather")
    with running_exchange(data=tmp_path) as exchange:
        path = f"/api/v3/klines?symbol=ETHBTC&interval=5m&startTime={START_MS}"
        with urlopen(exchange.url + path) as answer:
            served = json.load(answer)
    assert [float(row[4]) for row in served] == data["close"].tolist()[:500]
    assert [float(row[5]) for row in served] == data["volume"].tolist()[:500]


def test_the_quote_coin_and_the_decimals_come_from_the_files(tmp_path):
    write(frame(), tmp_path / "ETH_BTC-5m.feather")
    instrument = RecordedMarket(tmp_path).instruments("spot")["ETHBTC"]
    assert (instrument.base, instrument.quote) == ("ETH", "BTC")
    assert instrument.tick == pytest.approx(1e-5)
    assert instrument.lot == pytest.approx(1e-3)


def test_a_common_coin_has_the_exchanges_filters(tmp_path):
    whole = dict.fromkeys(("open", "high", "low", "close", "volume"), 1)
    write(frame(price=60_000.0).round(whole), tmp_path / "BTC_USDT-5m.feather")
    instrument = RecordedMarket(tmp_path).instruments("spot")["BTCUSDT"]
    assert (instrument.tick, instrument.lot, instrument.min_notional) == (0.01, 0.00001, 5)


def test_a_higher_timeframe_without_a_file_is_resampled_and_whole(tmp_path):
    data = frame(count=288 + 100)
    write(data, tmp_path / "ETH_BTC-5m.feather")
    market = RecordedMarket(tmp_path)
    hours = rows(market, timeframe="1h")
    assert len(hours) == 24 + 8
    assert hours[1, candles.HIGH] == data["high"][12:24].max()
    assert hours[1, candles.VOLUME] == pytest.approx(data["volume"][12:24].sum())
    assert len(rows(market, timeframe="1d")) == 1
    assert len(rows(market, timeframe="1w")) == 0


def test_a_file_of_the_timeframe_comes_before_resampling(tmp_path):
    write(frame(), tmp_path / "ETH_BTC-5m.feather")
    hourly = frame(count=3, price=0.5).assign(date=pd.date_range(START, periods=3, freq="1h"))
    write(hourly, tmp_path / "ETH_BTC-1h.feather")
    served = rows(RecordedMarket(tmp_path), timeframe="1h")
    assert served[:, candles.OPEN].tolist() == hourly["open"].tolist()


def test_a_lower_timeframe_is_not_invented(tmp_path):
    write(frame(), tmp_path / "ETH_BTC-5m.feather")
    assert len(rows(RecordedMarket(tmp_path), timeframe="1m")) == 0
    assert len(rows(RecordedMarket(tmp_path), where="futures")) == 0


def test_a_gap_in_the_recording_is_a_gap_and_a_page_is_still_full(tmp_path):
    data = frame().drop(index=range(10, 20))
    write(data.reset_index(drop=True), tmp_path / "ETH_BTC-5m.feather")
    page = rows(RecordedMarket(tmp_path), window=Window(START_MS, None, 15))
    assert len(page) == 15
    assert page[10, candles.TIME] - page[9, candles.TIME] == 11 * FIVE


def futures_folder(tmp_path, legacy):
    write(frame(price=60_000.0), tmp_path / "futures" / "BTC_USDT_USDT-5m-futures.feather")
    write(frame(price=60_010.0), tmp_path / "futures" / "BTC_USDT_USDT-5m-mark.feather")
    dates = pd.date_range(START, periods=6, freq="8h", unit="ms")
    column = "open" if legacy else "funding_rate"
    rates = pd.DataFrame({"date": dates, column: [0.0001, -0.0002, 0.0003, 0.0, 0.0001, 0.00042]})
    rates.to_feather(tmp_path / "futures" / "BTC_USDT_USDT-1h-funding_rate.feather")
    return RecordedMarket(tmp_path)


@pytest.mark.parametrize("legacy", [False, True])
def test_funding_is_the_files_in_either_of_freqtrades_layouts(tmp_path, legacy):
    market = futures_folder(tmp_path, legacy)
    funding = market.funding("BTCUSDT", ALL, NOW)
    assert funding[:, 1].tolist() == [0.0001, -0.0002, 0.0003, 0.0, 0.0001, 0.00042]
    assert funding[0, 2] == rows(market, "BTCUSDT", "1h", "futures", "mark")[0, candles.OPEN]
    assert market.premium("BTCUSDT", NOW).funding_rate == 0.00042


def test_ticker_and_book_describe_the_last_candle(tmp_path):
    market = futures_folder(tmp_path, legacy=False)
    close = rows(market, "BTCUSDT", "5m", "futures")[-1, candles.CLOSE]
    book = market.book("futures", "BTCUSDT", 10, NOW)
    assert len(market.day("futures", "BTCUSDT", NOW)) == 288
    assert book.bids[0, 0] <= close + 0.1
    assert book.asks[0, 0] >= close - 0.1
    assert book.bids[0, 0] < book.asks[0, 0]


def test_recorded_trades_are_the_tape(tmp_path):
    trades = pd.DataFrame(
        {
            "timestamp": [START_MS, START_MS + 5, START_MS + 9],
            "id": ["11", "12", "15"],
            "type": [None, None, None],
            "side": ["buy", "sell", "buy"],
            "price": [0.07, 0.0699, 0.0701],
            "amount": [1.0, 2.0, 3.0],
            "cost": [0.07, 0.1398, 0.2103],
        }
    )
    trades.to_feather(tmp_path / "ETH_BTC-trades.feather")
    market = RecordedMarket(tmp_path)
    tape = market.trades("spot", "ETHBTC", Window(None, None, 10), 12, NOW)
    assert tape.ids.tolist() == [12, 15]
    assert tape.sold.tolist() == [True, False]
    assert market.instruments("spot")["ETHBTC"].tick == pytest.approx(1e-4)
    assert market.book("spot", "ETHBTC", 10, NOW) is None


def test_nothing_after_now_is_served(tmp_path):
    write(frame(), tmp_path / "ETH_BTC-5m.feather")
    market = RecordedMarket(tmp_path)
    served = market.candles("spot", "ETHBTC", "last", "5m", ALL, START_MS + 4 * FIVE)
    assert len(served) == 5


def test_a_folder_without_candles_is_refused_with_a_hint(tmp_path):
    write(frame(), tmp_path / "data" / "binance" / "ETH_BTC-5m.feather")
    (tmp_path / "data" / "notes.txt").write_text("no candles here")
    with pytest.raises(SandboxError, match=r"--data: .* no candle files .* did you mean .*binance"):
        RecordedMarket(tmp_path / "data")
    with pytest.raises(SandboxError, match=r"--data: .*missing' is not a folder"):
        RecordedMarket(tmp_path / "missing")


@pytest.mark.parametrize("suffix", ["feather", "parquet", "json", "json.gz"])
def test_an_unreadable_file_is_refused_by_name(tmp_path, suffix):
    write(frame(), tmp_path / "ETH_USDT-5m.feather")
    (tmp_path / f"ETH_BTC-5m.{suffix}").write_bytes(b"not a data file at all")
    with pytest.raises(SandboxError, match=rf"--data: .*ETH_BTC-5m\.{suffix}' cannot be read"):
        RecordedMarket(tmp_path)


def test_a_file_with_other_columns_is_refused_by_name(tmp_path):
    frame().rename(columns={"date": "when"}).to_feather(tmp_path / "ETH_BTC-5m.feather")
    with pytest.raises(SandboxError, match=r"ETH_BTC-5m.feather' cannot be read .*no column"):
        RecordedMarket(tmp_path)


@pytest.mark.real
@needs_real_data
def test_the_recorded_source_equals_the_real_files():
    folder = REAL / "spot_5m_2022-08_2023-09" / "binance"
    market = RecordedMarket(folder)
    for name in ("BTC", "DOT"):
        for timeframe in ("5m", "1h"):
            data = pd.read_feather(folder / f"{name}_USDT-{timeframe}.feather")
            served = rows(market, f"{name}USDT", timeframe)
            np.testing.assert_array_equal(served[:, 1:6], data.drop(columns="date").to_numpy())


@pytest.mark.real
@needs_real_data
def test_every_real_datadir_can_be_served():
    folders = sorted(each for each in REAL.glob("*/binance") if each.is_dir())
    assert folders
    for folder in folders:
        market = RecordedMarket(folder)
        listed = [*market.instruments("spot").items(), *market.instruments("futures").items()]
        assert all(0 < each.tick <= 1 and 0 < each.lot <= 1 for _symbol, each in listed)
