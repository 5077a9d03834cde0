"""The arrays the callbacks read, against freqtrade's own analysed frame."""

import pytest

from backtests.runs import QUICK

pytestmark = pytest.mark.slow

SETTINGS = {**QUICK, "spacing": {"method": "volatility", "volatility_factor": 0.3}}
DETAILS = pytest.mark.parametrize("detail", ["", "1m"], ids=["candles", "detail candles"])


def compared(backtest, market, strategy, detail):
    start, _, end = market.timerange.partition("-")
    config = {
        "timerange": f"{int(start) + 6}-{end}",
        **({"timeframe_detail": detail} if detail else {}),
    }
    return backtest(market, SETTINGS, strategy=strategy, **config).strategy


@DETAILS
def test_the_arrays_give_the_last_closed_candle_of_freqtrades_frame_at_every_step(
    backtest, market, detail
):
    strategy = compared(backtest, market, "Comparing", detail)
    assert strategy.different == []
    assert strategy.compared.count("adjust_trade_position") > 500
    asked = {"adjust_trade_position", "custom_entry_price", "custom_stake_amount"}
    assert asked <= set(strategy.compared)


@DETAILS
def test_arrays_that_are_one_candle_late_are_noticed(backtest, market, detail):
    assert compared(backtest, market, "OneCandleLate", detail).different
