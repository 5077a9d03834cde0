"""ATR and turns of momentum, against readable twins and candles whose turns can be seen."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import turns
from gridkit.settings import Settings
from strategies import START, any_market

HOUR = 3_600
QUICK = Settings.model_validate(
    {
        "exits": {"atr_period": 3},
        "confluence": {"periods": {"oscillator": 4, "macd": [3, 6, 3]}},
    }
)
SETTLED = 4 * 9  # spans of MACD and signal line


def candles_of(closes, spread=0.001):
    close = np.asarray(closes, dtype="float64")
    opened = np.concatenate([close[:1], close[:-1]])
    return pd.DataFrame(
        {
            "date": START + pd.Timedelta("1h") * np.arange(len(close)),
            "open": opened,
            "high": np.maximum(opened, close) * (1 + spread),
            "low": np.minimum(opened, close) * (1 - spread),
            "close": close,
            "volume": 1.0,
        }
    )


def averaged(values, factor):
    """Exponential average, from the first value on."""
    found = [values[0]]
    for value in values[1:]:
        found.append(found[-1] + factor * (value - found[-1]))
    return found


def ranges_by_loop(frame):
    closes = [frame["close"].iloc[0], *frame["close"].iloc[:-1]]
    rows = zip(frame["high"], frame["low"], closes, strict=True)
    return [max(high, before) - min(low, before) for high, low, before in rows]


def leanings_by_loop(frame, periods):
    prices = [math.log(price) for price in frame["close"]]
    steps = [now - before for before, now in itertools.pairwise(prices)]
    gains = [0.0, *averaged([max(step, 0.0) for step in steps], 1 / periods.oscillator)]
    losses = [0.0, *averaged([max(-step, 0.0) for step in steps], 1 / periods.oscillator)]
    fast, slow = (averaged(prices, 2 / (span + 1)) for span in periods.macd[:2])
    line = [one - other for one, other in zip(fast, slow, strict=True)]
    signal = averaged(line, 2 / (periods.macd[2] + 1))
    for gain, loss, macd, average in zip(gains, losses, line, signal, strict=True):
        rsi = 50.0 if gain + loss <= 1e-9 else 100.0 * gain / (gain + loss)
        if rsi > 50 + 1e-7 and macd - average > 1e-9:
            yield 1
        elif rsi < 50 - 1e-7 and macd - average < -1e-9:
            yield -1
        else:
            yield 0


def turns_by_loop(frame, periods):
    last = 0
    for row, leaning in enumerate(leanings_by_loop(frame, periods)):
        known = leaning if row >= SETTLED - 1 else 0
        yield known if known and last == -known else 0
        last = known or last


@given(any_market(least=40, most=150, timeframe="1h"))
def test_range_and_turns_are_what_a_loop_over_the_candles_with_prices_finds(market):
    found = turns.compute(market, QUICK)
    priced = market[market["close"].notna()]
    if priced.empty:
        assert found["turns_atr"].isna().all()
        return
    atr = averaged(ranges_by_loop(priced), 1 / 3)
    expected = pd.Series(atr, index=priced.index).iloc[SETTLED - 1 :]
    assert found["turns_atr"].dropna().to_numpy() == pytest.approx(expected, rel=1e-5)
    assert found["turns_atr"].dropna().index.equals(expected.index)
    twin = pd.Series(list(turns_by_loop(priced, QUICK.confluence.periods)), index=priced.index)
    assert found["turns_momentum"].tolist() == twin.reindex(market.index, fill_value=0).tolist()


def zigzag(legs=6, length=30, step=0.004):
    """Up and down in turn, so many candles each."""
    signs = np.repeat([1 if leg % 2 == 0 else -1 for leg in range(legs)], length)
    return 100 * np.exp(np.cumsum(signs * step))


def test_momentum_turns_once_in_each_leg_soon_after_the_price_has():
    found = turns.compute(candles_of(zigzag()), QUICK)["turns_momentum"]
    rows = np.flatnonzero(found)
    assert found.iloc[rows].tolist() == [1, -1, 1, -1]  # the first leg's is not settled yet
    assert ((rows % 30) < 10).all()


def test_a_market_that_goes_one_way_never_turns():
    found = turns.compute(candles_of(100 * np.exp(0.002 * np.arange(200))), QUICK)
    assert not found["turns_momentum"].any()


def test_prices_that_stand_still_have_no_range_and_no_turn():
    found = turns.compute(candles_of(np.full(100, 7.0), spread=0.0), QUICK)
    assert (found["turns_atr"].dropna() == 0).all()
    assert not found["turns_momentum"].any()


@given(any_market(least=40, most=150, timeframe="1h"), st.sampled_from((1.0, 100.0)))
def test_a_market_turned_upside_down_turns_the_other_way(market, scale):
    mirrored = market.assign(
        **{name: scale / market[name] for name in ("open", "close")},
        high=scale / market["low"],
        low=scale / market["high"],
    )
    found = turns.compute(mirrored, QUICK)["turns_momentum"]
    assert found.tolist() == (-turns.compute(market, QUICK)["turns_momentum"]).tolist()


def test_a_wide_range_is_seen_in_the_currency_of_the_price():
    """100 times 1 % up and down: a range of about 2 once the average has settled."""
    closes = 100.0 * np.ones(80)
    found = turns.compute(candles_of(closes, spread=0.01), QUICK)["turns_atr"]
    assert found.iloc[-1] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("changes", "candles"),
    [
        ({}, 4 * (26 + 9)),
        ({"exits": {"atr_period": 30}}, 4 * 59),
        ({"confluence": {"periods": {"oscillator": 40}}}, 4 * 79),
    ],
)
def test_the_slowest_average_says_how_much_history_it_takes(changes, candles):
    assert turns.warmup(Settings.model_validate(changes), HOUR) == candles
