"""The columns of the directional strategy: no look-ahead, few and small, and what switches them."""

import numpy as np
import pandas as pd
import pytest

from gridkit.analytics import candidates, turns
from gridkit.analytics.entry_reasons import Why
from gridkit.settings import Settings
from host import analysed
from host.analysed import everything, frames_of, known_until, ours

pytestmark = pytest.mark.slow

BEGIN = "20251210"
RANGE = f"{BEGIN}-20251214"
MOMENT = pd.Timestamp("2025-12-13 08:05", tz="UTC")
FIVE_MINUTES = pd.Timedelta("5min")
MOST_COLUMNS = 50
ENTRIES = {
    f"entry_{name}"
    for name in ("kind", "side", "score", "threshold", "confidence", "size", "block")
}
TURNS = {"turns_atr", "turns_momentum"}


@pytest.fixture(params=["rich_spot", "rich_futures"])
def rich(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def known():
    return {}


def asked(market, **changes):
    direction = "auto" if market.futures else "long"
    return everything(market, exits={"atr_period": 5}, **changes) | {"direction": direction}


def frames(folder, market, strategy="Entering", **changes):
    changes = {"timerange": RANGE} | changes
    timerange = changes.pop("timerange")
    return frames_of(
        folder, market, asked(market, **changes), strategy=strategy, timerange=timerange
    )


@pytest.fixture
def whole(rich, known, tmp_path):
    """The frames of a market with everything switched on, analysed once."""
    if rich.datadir not in known:
        known[rich.datadir] = frames(tmp_path, rich)
    return known[rich.datadir]


@pytest.mark.parametrize("change", [analysed.cut, analysed.wild], ids=["cut", "changed"])
def test_nothing_in_a_frame_depends_on_what_came_to_be_known_later(rich, whole, tmp_path, change):
    """All pairs, timeframes, trades, funding and the index, cut or changed after the moment."""
    market = known_until(rich, tmp_path / "data", MOMENT, change)
    for pair, frame in frames(tmp_path, market, timerange=f"{BEGIN}-").items():
        then = frame[frame["date"] + FIVE_MINUTES <= MOMENT]
        before = whole[pair][whole[pair]["date"].isin(then["date"])].reset_index(drop=True)
        assert len(before) == len(then) > 288
        pd.testing.assert_frame_equal(before, then, rtol=1e-9, atol=1e-12)


def test_everything_together_is_no_more_than_fifty_columns_all_of_them_small(whole):
    for frame in whole.values():
        assert set(ours(frame)) >= ENTRIES | TURNS
        assert frame.columns.is_unique
        assert len(frame.columns) < MOST_COLUMNS, "freqtrade's own included, a prediction to come"
        made = frame[sorted(ENTRIES | TURNS)]
        assert {kind.name for kind in made.dtypes} == {"float32", "int8"}
        assert not any(name.startswith(("funding_", "hours_")) for name in frame)


def test_entries_are_found_of_each_kind_the_market_allows_and_every_reason_is_a_known_one(whole):
    joined = pd.concat(whole.values())
    assert set(joined["entry_kind"]) >= {0, 1}
    assert set(joined["entry_block"]) <= {int(why) for why in Why}
    enters = joined["entry_block"] == Why.ENTERS
    assert 0 < enters.sum() < len(joined) / 2
    entered = joined["enter_long"].astype(bool)
    if "enter_short" in joined:
        entered |= joined["enter_short"].astype(bool)
        assert set(joined.loc[enters, "entry_side"]) == {1, -1}
    assert (entered == enters).all()
    assert ((joined["enter_tag"] != "") == enters).all()


def test_the_range_is_that_of_the_last_closed_hour(rich, whole):
    """As the module itself says of the hours that had closed."""
    settings = Settings.from_config({"gridkit": asked(rich)})
    for pair, frame in whole.items():
        hours = pd.read_feather(analysed.candles_file(rich, pair, "1h"))
        made = turns.compute(hours, settings).set_index(hours["date"] + pd.Timedelta("1h"))
        closes = frame["date"] + FIVE_MINUTES
        expected = made.reindex(closes, method="ffill").reset_index(drop=True)
        late = slice(-600, None)
        found = frame[list(made)].iloc[late]
        pd.testing.assert_frame_equal(found, expected.iloc[late], check_dtype=False, rtol=1e-5)
        assert found["turns_atr"].nunique() > 10


def test_a_prediction_in_the_frame_is_heeded(rich_spot, tmp_path):
    plain = frames(tmp_path / "plain", rich_spot)["ETH/USDT"]
    sure = frames(tmp_path / "sure", rich_spot, "Predicting")["ETH/USDT"]
    enters = plain["enter_long"] == 1
    assert enters.any()
    assert (sure["enter_long"] == 1)[enters].all()
    more = sure["entry_confidence"][enters] - plain["entry_confidence"][enters]
    assert more.max() == pytest.approx(0.1)
    assert sure["enter_tag"][enters].str.endswith(" p+").all()


OFF = {
    "profile": {"enabled": False}, "thresholds": {"enabled": False},
    "orderflow": {"enabled": False}, "breakers": {"market": False},
    "brakes": {"illiquid": "ignore"}, "prediction": {"enabled": False},
}  # fmt: skip


def test_with_every_optional_module_off_the_plain_rule_remains(rich_spot, tmp_path):
    frame = frames(tmp_path, rich_spot, **OFF)["ETH/USDT"]
    enters = frame["entry_block"] == Why.ENTERS
    assert enters.any()
    assert set(frame.loc[enters, "entry_kind"]) == {candidates.Kind.TREND}
    sure = frame["confluence_confidence"].astype("float32")
    assert (frame["entry_confidence"] == sure)[enters].all()
    bullish = Settings.from_config({"gridkit": asked(rich_spot)}).regime.bullish
    base = np.float32(0.25 * bullish.threshold_factor)
    calm = enters & (frame["regime_code"] == 1)
    assert (frame["entry_threshold"] == base)[calm].all()


def test_without_confluence_nothing_is_entered_and_it_is_said_why(rich_spot, tmp_path):
    frame = frames(tmp_path, rich_spot, confluence={"enabled": False})["ETH/USDT"]
    assert not frame["enter_long"].any()
    assert Why.SCORE_UNKNOWN in set(frame["entry_block"])
