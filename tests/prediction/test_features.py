"""The twenty features: against readable formulas at one candle, and what their list says.

What every module of candles owes its callers is in tests/analytics/test_contract.py.
"""

import itertools
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.analytics import scores_momentum, scores_trend, scores_volume
from gridkit.analytics import scores_parts as parts
from gridkit.prediction import features
from gridkit.settings import Settings
from strategies import any_market

DOCUMENT = Path(__file__).parents[2] / "docs" / "prediction.md"
QUICK = Settings.model_validate(
    {
        "confluence": {
            "periods": {
                "averages": [3, 5, 12],
                "smooth": 4,
                "oscillator": 4,
                "macd": [3, 5, 3],
                "window": 6,
            }
        }
    }
)
PERIODS = QUICK.confluence.periods
NAN = math.nan


def over(part, scale, least=1e-9):
    return part / scale if scale > least else NAN


def spread_of(closes):
    """Root mean square of the log returns between these closes."""
    steps = [math.log(now / before) for before, now in itertools.pairwise(closes)]
    return math.sqrt(sum(step**2 for step in steps) / len(steps))


def against(value, usual, least=1e-9):
    return over(value - usual, value + usual, least)


def true_ranges(rows):
    closes = [rows[0].close, *(row.close for row in rows[:-1])]
    return [
        math.log(max(row.high, before) / min(row.low, before))
        for row, before in zip(rows, closes, strict=True)
    ]


def wilder(values, period):
    found = values[0]
    for value in values[1:]:
        found += (value - found) / period
    return found


def textbook(rows):
    """What this file's own formulas say of the last candle; `rows` are those with prices."""
    row, closes = rows[-1], [one.close for one in rows]
    usual, lately = spread_of(closes[-13:]), spread_of(closes[-5:])
    highest, lowest = max(one.high for one in rows[-6:]), min(one.low for one in rows[-6:])
    span, width = math.log(row.high / row.low), math.log(highest / lowest)
    mean = sum(one.volume for one in rows[-6:]) / 6
    day = 2 * math.pi * (row.date.hour * 60 + row.date.minute) / 1_440
    return {
        "price_return": over(math.log(closes[-1] / closes[-2]), usual),
        "price_move": over(math.log(closes[-1] / closes[-5]), 2 * usual),
        "price_close": math.log(row.close**2 / row.high / row.low) / span if span > 1e-9 else 0,
        "price_place": over(math.log(row.close**2 / highest / lowest), width),
        "volume_relative": against(row.volume, mean, 0.0),
        "volatility_level": usual,
        "volatility_short": against(lately, usual),
        "volatility_range": against(span, wilder(true_ranges(rows), 4)),
        "time_day_sine": math.sin(day),
        "time_day_cosine": math.cos(day),
        "time_weekend": float(row.date.day_name() in ("Saturday", "Sunday")),
    }


@given(market=any_market(least=60, most=90, timeframe="1h"))
def test_the_features_are_what_the_textbook_says_of_each_candle(market):
    found = features.compute(market, QUICK)
    rows = [row for row in market.itertuples() if row.close > 0]
    for count in range(features.warmup(QUICK, 3_600), len(rows) + 1, 3):
        at = rows[count - 1].Index
        for name, expected in textbook(rows[:count]).items():
            actual = found.loc[at, f"features_{name}"]
            assert actual == pytest.approx(expected, rel=1e-4, abs=1e-4, nan_ok=True), name


@given(market=any_market(least=60, most=90))
def test_what_other_modules_compute_is_theirs(market):
    found = features.compute(market, QUICK)
    kept = parts.whole(market)
    made = parts.bars(market, kept)
    momentum = scores_momentum.components(made, PERIODS)
    trend = scores_trend.components(made, PERIODS)
    volume = scores_volume.components(made, None, PERIODS)
    theirs = {
        "volume_vwap": volume["vwap"],
        "volume_obv": volume["obv"],
        "volume_flow": volume["cmf"],
        "momentum_rsi": momentum["rsi"],
        "momentum_macd": momentum["macd"],
        "momentum_stochastic": momentum["stochastic"],
        "trend_fast": trend["fast"],
        "trend_middle": trend["middle"],
        "trend_slow": trend["slow"],
    }
    late = features.warmup(QUICK, 300) - 1
    for name, expected in theirs.items():
        actual = found.loc[kept, f"features_{name}"].to_numpy()
        np.testing.assert_array_equal(actual[late:], expected[late:].astype("float32"), name)


@given(market=any_market(least=60, most=90), data=st.data())
def test_all_but_returns_and_level_are_within_one(market, data):
    found = features.compute(market, QUICK)
    bounded = found.drop(columns=[f"features_price_{one}" for one in ("return", "move")])
    assert (bounded.abs().max().fillna(0) <= 1).all()
    # A window's largest return is at most the root of its length times its root mean square.
    returns = found["features_price_return"].abs().max()
    assert not returns > math.sqrt(PERIODS.averages[-1]) * (1 + 1e-6)


def test_there_are_twenty_of_six_families_each_with_a_meaning_of_one_line():
    names = [feature.name for feature in features.FEATURES]
    assert len(names) == len(set(names)) == 20
    families = Counter(feature.family for feature in features.FEATURES)
    assert list(families) == ["price", "volume", "volatility", "momentum", "trend", "time"]
    assert all(count >= 3 for count in families.values())
    assert all(one.name.startswith(f"{one.family}_") for one in features.FEATURES)
    assert all(one.meaning and "\n" not in one.meaning for one in features.FEATURES)


def test_the_columns_are_the_list_in_its_order():
    names = [f"features_{feature.name}" for feature in features.FEATURES]
    empty = pd.DataFrame(
        {"date": pd.DatetimeIndex([], tz="UTC"), **dict.fromkeys(parts_of_a_candle(), 1.0)},
        index=pd.RangeIndex(0),
    )
    assert list(features.compute(empty, QUICK)) == names


def parts_of_a_candle():
    return ("open", "high", "low", "close", "volume")


def test_the_document_lists_them_all_as_they_are():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [tuple(feature) for feature in features.FEATURES]


@pytest.mark.parametrize(
    ("key", "value", "changed"),
    [
        ("averages", [3, 5, 11], ["price_return", "volatility_level", "trend_slow"]),
        ("oscillator", 5, ["price_move", "volatility_short", "volatility_range", "momentum_rsi"]),
        ("window", 7, ["price_place", "volume_relative", "volume_flow"]),
        ("macd", [3, 6, 3], ["momentum_macd"]),
    ],
)
def test_the_periods_of_confluence_are_heeded(key, value, changed):
    walk = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(walk.normal(0, 0.01, 120)))
    market = pd.DataFrame(
        {
            "date": pd.date_range("2025-01-01", periods=120, freq="5min", tz="UTC"),
            "open": close,
            "high": close * 1.01,
            "low": close / 1.01,
            "close": close,
            "volume": walk.uniform(1, 2, 120),
        }
    )
    other = QUICK.with_values({"confluence": {"periods": {key: value}}})
    before, after = (features.compute(market, one).iloc[-1] for one in (QUICK, other))
    for name in changed:
        assert before[f"features_{name}"] != after[f"features_{name}"]


@given(market=any_market(least=60, most=90), data=st.data())
def test_some_features_are_those_of_all(market, data):
    every = [feature.name for feature in features.FEATURES]
    wanted = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    found = features.compute(market, QUICK, wanted)
    order = [f"features_{name}" for name in every if name in wanted]
    pd.testing.assert_frame_equal(found, features.compute(market, QUICK)[order])


def test_names_are_those_of_the_families_in_the_order_of_the_list():
    assert features.names(["time", "momentum"]) == (
        "momentum_rsi",
        "momentum_macd",
        "momentum_stochastic",
        "time_day_sine",
        "time_day_cosine",
        "time_weekend",
    )
    assert features.names(["regime"]) == ()


def test_what_is_no_feature_is_named():
    market = pd.DataFrame(
        {"date": pd.DatetimeIndex([], tz="UTC"), **dict.fromkeys(parts_of_a_candle(), 1.0)},
        index=pd.RangeIndex(0),
    )
    with pytest.raises(ValueError, match=r"momentum_rsy: no features of candles"):
        features.compute(market, QUICK, ["momentum_rsy", "momentum_rsi"])
