"""All analytics in a bot that trades: on the chart as `/pair_candles` sends it, no error."""

from collections.abc import Iterator
from typing import Any

import pytest

from live.bot import Bot, running, until
from sandbox.running import running_exchange

pytestmark = pytest.mark.slow

PAIR = "ETH/USDT"
SETTINGS = {
    "timeframe": "5m",
    "max_open_trades": 2,
    "internals": {"process_throttle_secs": 1},
    "exchange": {"pair_whitelist": [PAIR, "SOL/USDT"]},
    "gridkit": {"spacing": {"method": "regime"}, "orderflow": {"lookback_candles": 10}},
}
KNOWN = (
    "volatility_realised", "volatility_garch", "volatility_basket", "volatility_forecast",
    "volatility_daily", "regime_adx", "regime_side", "stress_gap_factor", "profile_poc",
    "profile_vah", "profile_val", "confluence_score", "thresholds_multiplier",
)  # fmt: skip
FLOW = ("orderflow_delta", "orderflow_cvd", "orderflow_imbalance", "orderflow_vwap_deviation")
MOST_COLUMNS = 50
FREQTRADES = {  # of its own order flow, and for the chart
    "trades", "orderflow", "imbalances", "stacked_imbalances_bid", "stacked_imbalances_ask",
    "max_delta", "min_delta", "bid", "ask", "delta", "total_trades", "__date_ts",
    "_enter_long_signal_close", "_exit_long_signal_close", "_enter_short_signal_close",
    "_exit_short_signal_close",
}  # fmt: skip


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    overlays = ("analytics.json", "orderflow.json")
    with running_exchange() as exchange:
        one = Bot(tmp_path_factory.mktemp("analytics"), exchange.config_path, overlays, SETTINGS)
        with running(one):
            yield one


@pytest.fixture(scope="module")
def chart(bot: Bot) -> dict[str, Any]:
    """The pair's chart, once freqtrade has loaded the trades of the lookback."""

    def complete() -> dict[str, Any] | None:
        found = bot.get("pair_candles", pair=PAIR, timeframe="5m", limit=5)
        columns = found.get("columns", [])
        known = "orderflow_imbalance" in columns and last(found)["orderflow_imbalance"] is not None
        return found if known else None

    found: dict[str, Any] = until("order flow on the chart", 120.0, complete, bot)
    return found


def last(chart: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(chart["columns"], chart["data"][-1], strict=True))


@pytest.mark.parametrize("column", [*KNOWN, *FLOW])
def test_the_last_candle_knows_every_number(chart: dict[str, Any], column: str) -> None:
    assert last(chart)[column] is not None


def test_no_timeframe_is_left_out(chart: dict[str, Any]) -> None:
    assert last(chart)["confluence_excluded"] == 0


def test_the_frame_has_at_most_fifty_columns_beside_freqtrades_order_flow(
    chart: dict[str, Any],
) -> None:
    assert len(set(chart["columns"]) - FREQTRADES) <= MOST_COLUMNS


def test_books_are_taken_and_nothing_fails(bot: Bot, chart: dict[str, Any]) -> None:
    said = bot.log.read_text()
    assert chart
    assert "Traceback" not in said
    assert " - ERROR - " not in said
    assert "no order book" not in said
