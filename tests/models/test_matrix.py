"""What learners are shown: named columns, and of longer candles only what had closed by then."""

import numpy as np
import pandas as pd
import pytest

from gridkit.models import matrix
from gridkit.prediction import features
from models.simulated import BTC, SETTINGS, longer, market

FAMILIES = SETTINGS.prediction.families
TIMEFRAMES = ("5m", "15m", "1h")


@pytest.fixture(scope="module")
def frames():
    base = market(days=2)
    return {one: base if one == "5m" else longer(base, one) for one in TIMEFRAMES}


@pytest.fixture(scope="module")
def others():
    base = market(days=2, seed=2)
    return {BTC: {one: base if one == "5m" else longer(base, one) for one in TIMEFRAMES}}


def test_the_columns_are_named_as_told_and_the_time_is_there_once(frames, others):
    found = matrix.compute(frames, SETTINGS, others)
    assert tuple(found) == matrix.columns(FAMILIES, TIMEFRAMES, [BTC])
    assert len(found.columns) == 17 * 3 * 2 + 3
    assert {"trend_fast_1h", "trend_fast_BTC_1h", "time_weekend"} <= set(found)
    assert all(dtype == "float32" for dtype in found.dtypes)


@pytest.mark.parametrize("at", [300, 301, 302, 455, 575])
def test_of_longer_candles_only_what_had_closed_with_a_candle_is_shown(frames, others, at):
    found = matrix.compute(frames, SETTINGS, others).iloc[at]
    closed = frames["5m"]["date"].iloc[at] + pd.Timedelta("5m")
    names = features.names([one for one in FAMILIES if one != "time"])
    for named, source in (("", frames), ("_BTC", others[BTC])):
        for each in TIMEFRAMES:
            length = pd.Timedelta(each)
            known = source[each][source[each]["date"] + length <= closed]
            expected = features.compute(known, SETTINGS, names).iloc[-1].to_numpy()
            actual = found[[f"{name}{named}_{each}" for name in names]].to_numpy("float32")
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_families_that_are_not_wanted_are_not_there(frames):
    some = SETTINGS.with_values({"prediction": {"families": ("trend", "time")}})
    found = matrix.compute(frames, some)
    assert len(found.columns) == 3 * 3 + 3
    alone = SETTINGS.with_values({"prediction": {"families": ("trend",)}})
    assert not [one for one in matrix.compute(frames, alone) if one.startswith("time")]


def test_all_are_known_once_the_slowest_has_warmed_up(frames):
    found = matrix.compute(frames, SETTINGS)
    known = found.notna().all(axis=1)
    waited = matrix.warmup_seconds(SETTINGS, TIMEFRAMES)
    first = round(waited / 300) - 1
    assert known.iloc[first:].all()
    assert not known.iloc[:first].any()
