"""What the pairs say together: made once for all of them, and each hour from what it knew."""

import numpy as np
import pandas as pd
import pytest

from gridkit.analytics import basket, correlation
from gridkit.host.whitelist import Whitelist
from gridkit.settings import Settings

SETTINGS = Settings.from_config({"gridkit": {"correlation": {"window_days": 2}}})
PAIRS = ("A/B", "C/D", "E/F")
HOURS = 300


def candles(seed, count=HOURS):
    closes = 100 * np.exp(np.cumsum(0.01 * np.sin(np.arange(count) * (seed + 1.7) ** 2)))
    dates = pd.date_range("2025-01-01", periods=count, freq="h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pd.DataFrame({"date": dates, **prices, "volume": 10.0 + seed})


class Sources:
    """Hourly candles of some pairs, counting how often they are asked for."""

    pairs_come_and_go = False

    def __init__(self, pairs=PAIRS):
        self.frames = {pair: candles(seed) for seed, pair in enumerate(PAIRS)}
        self.pairs, self.asked = list(pairs), 0

    def whitelist(self):
        return list(self.pairs)

    def of(self, pair, _timeframe):
        self.asked += 1
        return self.frames.get(pair)


@pytest.fixture
def sources():
    return Sources()


@pytest.fixture
def whitelist(sources):
    return Whitelist(sources)


def test_both_are_what_their_modules_say_of_all_pairs(whitelist, sources):
    hours = sources.frames["A/B"]
    shared = whitelist.basket(hours, SETTINGS)
    expected = basket.volatility(sources.frames, SETTINGS)
    np.testing.assert_array_equal(shared["basket_volatility"], expected["basket_volatility"])
    assert list(shared["date"]) == list(hours["date"])
    together = whitelist.correlation(hours, SETTINGS)
    means = correlation.mean_pairwise(correlation.returns(sources.frames), SETTINGS)
    np.testing.assert_array_equal(together["correlation_mean"], means["correlation_mean"])
    assert together["correlation_mean"].notna().sum() > 200


def test_pairs_that_share_their_last_hour_are_asked_for_once(whitelist, sources):
    for frame in sources.frames.values():
        whitelist.basket(frame, SETTINGS)
        whitelist.correlation(frame, SETTINGS)
    assert sources.asked == 2 * len(PAIRS)


def test_a_new_hour_other_pairs_or_other_settings_ask_anew(whitelist, sources):
    hours = sources.frames["A/B"]
    whitelist.basket(hours, SETTINGS)
    changes = [
        lambda: sources.frames.update({pair: candles(0, HOURS + 1) for pair in PAIRS}),
        lambda: sources.pairs.remove("C/D"),
        lambda: None,
    ]
    settings = [SETTINGS, SETTINGS, SETTINGS.with_values({"volatility": {"window_hours": 8}})]
    for change, used in zip(changes, settings, strict=True):
        before = sources.asked
        change()
        whitelist.basket(sources.frames["A/B"], used)
        assert sources.asked > before


def test_a_pair_without_hourly_candles_is_left_out(whitelist, sources):
    del sources.frames["E/F"]
    found = whitelist.basket(sources.frames["A/B"], SETTINGS)
    expected = basket.volatility(sources.frames, SETTINGS)
    np.testing.assert_array_equal(found["basket_volatility"], expected["basket_volatility"])


@pytest.mark.parametrize("kind", ["basket", "correlation"])
@pytest.mark.parametrize("count", [120, 200, 299])
def test_no_hour_depends_on_a_later_one_of_any_pair(kind, count):
    whole, part = Sources(), Sources()
    part.frames = {pair: frame.iloc[:count] for pair, frame in whole.frames.items()}
    found = [
        getattr(Whitelist(one), kind)(one.frames["A/B"], SETTINGS).iloc[:count]
        for one in (whole, part)
    ]
    pd.testing.assert_frame_equal(*found, rtol=1e-9)


def test_in_a_bias_analysis_every_pair_is_taken_alone(sources):
    sources.pairs_come_and_go = True
    shared = Whitelist(sources)
    for pair, hours in sources.frames.items():
        found = shared.basket(hours, SETTINGS)
        expected = basket.volatility({pair: hours}, SETTINGS)["basket_volatility"]
        np.testing.assert_array_equal(found["basket_volatility"], expected)
    assert sources.asked == 0
