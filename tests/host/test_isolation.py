"""P26: whichever feature fails, the columns of the others are what they were, to the last digit."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from backtests.runs import others_warnings_ignored
from gridkit.prediction.gate import Why
from host.analysed import everything, loaded, ours

pytestmark = pytest.mark.slow

FORECAST = ("volatility_forecast", "volatility_class", "volatility_daily")
# Feature: what raises, and which columns are its own or made of it.
FEATURES = {
    "garch": ("gridkit.analytics.garch.compute", ("volatility_garch", *FORECAST)),
    "basket": ("gridkit.host.whitelist.Whitelist.basket", ("volatility_basket", *FORECAST)),
    "implied": ("gridkit.analytics.implied.known_at", ("volatility_implied", *FORECAST)),
    "profile": ("gridkit.analytics.profile.compute", ("profile_", "confluence_")),
    "confluence": ("gridkit.analytics.confluence.combine", ("confluence_",)),
    "thresholds": ("gridkit.analytics.thresholds.compute", ("thresholds_",)),
    "orderflow": ("gridkit.analytics.orderflow.compute", ("orderflow_",)),
}
GUARDS = {
    "shocks": ("gridkit.analytics.shocks.compute", ("shocks_",)),
}


@pytest.fixture(scope="module")
def recording(rich_spot, tmp_path_factory):
    """A strategy that is told it trades, on candles of the past."""
    folder = tmp_path_factory.mktemp("isolation")
    with loaded(folder, rich_spot, everything(rich_spot), timerange="20251212-20251213") as made:
        context = made.strategy.desk.context
        context.now = datetime(2025, 12, 13, tzinfo=UTC)
        context.live = context.features._live = True
        yield made


@pytest.fixture(scope="module")
def whole(recording):
    return frames(recording)


def frames(recording) -> dict[str, pd.DataFrame]:
    with others_warnings_ignored():
        data, _ = recording.load_bt_data()
        return recording.strategy.advise_all_indicators(data)


@pytest.mark.parametrize("name", [*FEATURES, *GUARDS])
def test_a_feature_that_fails_leaves_all_other_columns_as_they_were(
    recording, whole, monkeypatch, name
):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("a defect")

    target, own = (FEATURES | GUARDS)[name]
    monkeypatch.setattr(target, fail)
    features = recording.strategy.desk.context.features
    monkeypatch.setattr(features, "_known", {})
    found = frames(recording)
    assert set(whole) == set(found)
    for pair, frame in found.items():
        assert [one.name for one in features.of(pair)] == [name]
        kept = [column for column in whole[pair] if not column.startswith(own)]
        pd.testing.assert_frame_equal(frame[kept], whole[pair][kept], check_exact=True)
        changed = [column for column in ours(whole[pair]) if column not in kept]
        assert not whole[pair].reindex(columns=changed).equals(frame.reindex(columns=changed))


def test_a_predictor_that_fails_leaves_every_column_as_it_is_without_one(
    recording, whole, monkeypatch
):
    """Here it fails by being absent, where FreqAI's section says that it runs."""
    monkeypatch.setitem(recording.strategy.config, "freqai", {"enabled": True})
    features = recording.strategy.desk.context.features
    monkeypatch.setattr(features, "_known", {})
    for pair, frame in frames(recording).items():
        assert [one.name for one in features.of(pair)] == ["prediction"]
        pd.testing.assert_frame_equal(frame[list(whole[pair])], whole[pair], check_exact=True)
        added = frame.columns.difference(whole[pair].columns)
        assert all(name.startswith("prediction_") for name in added)
        assert frame["prediction_up"].isna().all()
        assert (frame["prediction_gate"] == Why.UNKNOWN).all()
