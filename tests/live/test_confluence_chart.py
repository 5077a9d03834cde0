"""FreqUI's chart of Confluence, as `/pair_candles` and `/plot_config` send it."""

from collections.abc import Iterator
from typing import Any

import pytest

from gridkit.analytics.regime import NAMES
from gridkit.host.directional import bands
from live.bot import Bot, running, until
from sandbox.running import running_exchange

pytestmark = pytest.mark.slow

HELD, WAITS = "ETH/USDT", "SOL/USDT"
SETTINGS = {
    "timeframe": "5m",
    "max_open_trades": 2,
    "force_entry_enable": True,
    "internals": {"process_throttle_secs": 1},
    "exchange": {"pair_whitelist": [HELD, WAITS]},
    # Nothing is entered but what the test forces.
    "gridkit": {"entries": {"trend": False, "reversion": False}},
}
CANDLES = 400
MOST_LINES = 20


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with running_exchange() as exchange:
        folder = tmp_path_factory.mktemp("confluence")
        one = Bot(folder, exchange.config_path, (), SETTINGS, strategy="Confluence")
        with running(one):
            yield one


@pytest.fixture(scope="module")
def charts(bot: Bot) -> dict[str, dict[str, Any]]:
    """Charts of a pair that is held, by the user's force, and of one that waits."""

    def analysed() -> bool:
        return "entry_block" in chart_of(bot, WAITS).get("columns", [])

    def published() -> bool:
        return any(bot.grid(one["trade_id"]) for one in bot.get("status") if one["amount"])

    until("candles that are analysed", 120.0, analysed, bot)
    answer = bot.post("forceenter", {"pair": HELD, "side": "long", "ordertype": "market"})
    assert answer.status == 200, answer
    until("a position that is told", 60.0, published, bot)
    return {pair: chart_of(bot, pair) for pair in (HELD, WAITS)}


def chart_of(bot: Bot, pair: str) -> dict[str, Any]:
    found: dict[str, Any] = bot.get("pair_candles", pair=pair, timeframe="5m", limit=CANDLES)
    return found


def of_kind(chart: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in chart["annotations"] if one["type"] == kind]


def column(chart: dict[str, Any], name: str) -> list[Any]:
    place = chart["columns"].index(name)
    return [row[place] for row in chart["data"]]


def test_regimes_are_bands_that_follow_on_each_other_from_the_first_candle_to_the_last(
    charts: dict[str, dict[str, Any]],
) -> None:
    chart = charts[WAITS]
    areas, dates = of_kind(chart, "area"), column(chart, "date")
    assert 0 < len(areas) <= bands.MOST
    assert areas[-1]["end"] == dates[-1]
    assert [one["end"] for one in areas[:-1]] == [one["start"] for one in areas[1:]]
    named = {one["start"]: one["label"] for one in areas}
    codes = dict(zip(dates, column(chart, "regime_code"), strict=True))
    assert named == {start: NAMES[codes[start]] for start in named}
    assert len(areas) == bands.MOST or areas[0]["start"] == dates[0]


def test_targets_and_stop_of_the_position_are_drawn_where_it_is_published(
    bot: Bot, charts: dict[str, dict[str, Any]]
) -> None:
    (trade,) = [one for one in bot.get("status") if one["pair"] == HELD]
    state = bot.grid(trade["trade_id"])["confluencestate"]["value"]
    drawn = {one["label"]: one["y_start"] for one in of_kind(charts[HELD], "line")}
    parts = {number: price for label, price in drawn.items() for number in (1, 2, 3)
             if label.startswith(f"part {number},")}  # fmt: skip
    assert parts == pytest.approx({one["part"]: one["price"] for one in state["targets"]})
    assert drawn[f"entry, holds {trade['amount']:.6g}"] == trade["open_rate"]
    (stop,) = [price for label, price in drawn.items() if label.startswith("stop: ")]
    assert stop == pytest.approx(trade["stop_loss_abs"], rel=0.02)
    assert stop < trade["open_rate"]


def test_a_pair_that_waits_says_why_and_both_say_what_is_on(
    charts: dict[str, dict[str, Any]],
) -> None:
    labels = {
        pair: [one["label"] for one in of_kind(chart, "line")] for pair, chart in charts.items()
    }
    assert sum(one.startswith("nothing is opened, ") for one in labels[WAITS]) == 1
    for told in labels.values():
        assert len(told) <= MOST_LINES
        assert "prediction: no predictor runs, entries go without" in told
        (features,) = [one for one in told if one.startswith("on: ")]
        assert features.endswith("; off by settings: orderflow")


def test_no_annotation_leaves_the_chart(charts: dict[str, dict[str, Any]]) -> None:
    for chart in charts.values():
        dates = column(chart, "date")
        for one in chart["annotations"]:
            assert dates[0] <= one["start"] <= one["end"] <= dates[-1]


def test_every_column_the_plot_configuration_names_is_on_the_chart(
    bot: Bot, charts: dict[str, dict[str, Any]]
) -> None:
    plots = bot.get("plot_config")
    named = set(plots["main_plot"]).union(*plots["subplots"].values())
    assert {"profile_poc", "profile_vah", "profile_val"} == set(plots["main_plot"])
    assert {"entry_score", "entry_threshold", "entry_confidence"} == set(plots["subplots"]["Entry"])
    for chart in charts.values():
        assert named <= set(chart["columns"])


def test_changes_of_regime_and_threshold_are_logged_and_nothing_fails(
    bot: Bot, charts: dict[str, dict[str, Any]]
) -> None:
    said = bot.log.read_text()
    assert charts
    for what, reason in (("market regime ", ": ADX "), ("threshold factor ", ": ATR at the ")):
        lines = [line for line in said.splitlines() if f"{HELD}: {what}" in line]
        assert lines
        assert all(" -> " in line and reason in line for line in lines)
    assert " - ERROR - " not in said
    assert "Traceback" not in said
