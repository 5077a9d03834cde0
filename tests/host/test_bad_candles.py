"""Candles with gaps, without volume or with unknown prices."""

import math

import numpy as np
import pandas as pd
import pytest
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType

from backtests.runs import QUICK, REALISED, UNGATED, Market

pytestmark = pytest.mark.slow

SETTINGS = {
    **QUICK,
    "volatility": {**REALISED, "window_hours": 4},
    "spacing": {"method": "volatility", "volatility_factor": 0.3},
}
PAIR = "SOL/USDT"
PRICES = ["open", "high", "low", "close"]
SPOILT_FROM, SPOILT_TO = "2025-12-10 06:00+00:00", "2025-12-10 18:00+00:00"


def removed(frame, spoilt):
    return frame[~spoilt]


def without_volume(frame, spoilt):
    return frame.assign(volume=frame["volume"].where(~spoilt, 0.0))


def without_prices(frame, spoilt):
    return frame.assign(**{name: frame[name].where(~spoilt) for name in PRICES})


def without_closes(frame, spoilt):
    return frame.assign(close=frame["close"].where(~spoilt))


def with_zeros(frame, spoilt):
    return frame.assign(**{name: frame[name].where(~spoilt, 0.0) for name in PRICES})


def every_seventh_unknown(frame, spoilt):
    return without_prices(frame, spoilt & (np.arange(len(frame)) % 7 == 0))


# Not with_zeros: there freqtrade's own stoploss sells what is held, at a price of zero.
SPOILERS = [removed, without_volume, without_prices, without_closes, every_seventh_unknown]


@pytest.fixture
def spoilt_market(spot, tmp_path):
    def spoilt_market(spoil):
        handler = get_datahandler(tmp_path / "data", "feather")
        (tmp_path / "data").mkdir()
        for timeframe in ("5m", "1h"):
            frame = pd.read_feather(spot.datadir / f"SOL_USDT-{timeframe}.feather")
            during = frame["date"].between(SPOILT_FROM, SPOILT_TO)
            stored = spoil(frame, during).reset_index(drop=True)
            handler.ohlcv_store(PAIR, timeframe, stored, CandleType.SPOT)
        return Market(tmp_path / "data", spot.exchange_config, (PAIR,), "20251209-20251214")

    return spoilt_market


@pytest.mark.parametrize("spoil", SPOILERS)
def test_no_order_is_placed_from_unknown_numbers(backtest, spoilt_market, caplog, spoil):
    run = backtest(spoilt_market(spoil), SETTINGS)
    assert run.placed, "it goes on trading when candles are whole again"
    for order in run.placed:
        assert math.isfinite(order.price), order
        assert math.isfinite(order.amount), order
        assert order.price > 0 < order.amount, order
    # A wrapped callback that fails is logged by freqtrade, and the trade goes ahead.
    assert not [one for one in caplog.records if "exception" in one.getMessage().lower()]
    assert not [one for one in caplog.records if "failed" in one.getMessage()]


DENSE = {**UNGATED, "spacing": {"method": "fixed", "grid_step": 0.003}}


def opened_while_spoilt(run):
    # A candle's order is decided by the candle before it.
    first, last = (pd.Timestamp(one) + pd.Timedelta("5min") for one in (SPOILT_FROM, SPOILT_TO))
    return [one.time for one in run.placed if one.tag == "L1" and first <= one.time <= last]


def test_cycles_would_open_at_the_time_that_is_spoilt(backtest, spoilt_market):
    assert opened_while_spoilt(backtest(spoilt_market(lambda frame, _: frame), DENSE))


@pytest.mark.parametrize("spoil", [without_volume, without_prices, with_zeros])
def test_nothing_is_opened_on_candles_that_are_not_fit_to_trade_on(backtest, spoilt_market, spoil):
    run = backtest(spoilt_market(spoil), DENSE)
    assert run.placed
    assert opened_while_spoilt(run) == []


def test_a_gap_in_the_candles_does_not_shift_what_callbacks_read(backtest, spoilt_market):
    run = backtest(spoilt_market(removed), SETTINGS, strategy="Comparing")
    assert run.strategy.compared
    assert run.strategy.different == []
