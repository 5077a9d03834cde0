"""The directional strategy's analysis of a pair, live: what is told, and what may fail."""

import logging

import numpy as np
import pandas as pd
import pytest
from freqtrade.enums import RunMode

from gridkit.analytics import candidates, entry_tags
from gridkit.analytics.candidates import Kind
from gridkit.analytics.entry_reasons import Why
from gridkit.host.directional import columns, signals
from host.desks import PAIR, strategy_of

SETTINGS = {
    "direction": "long",
    "volatility": {"method": "realised"},
    "regime": {"window_days": 2, "ema_fast": 4, "ema_slow": 12, "adx_period": 5, "atr_period": 5},
    "profile": {"enabled": True, "days": 0.25},
    "thresholds": {"enabled": True, "atr_hours": 4, "window_days": 7},
    "confluence": {
        "enabled": True,
        "timeframes": {"5m": 0.2, "15m": 0.3, "1h": 0.5},
        "periods": {"averages": [3, 5, 10], "smooth": 4, "oscillator": 4, "macd": [3, 5, 3]},
    },
    "exits": {"atr_period": 5},
    "brakes": {"illiquid_from": 0, "illiquid_to": 23},
}


def candles(rows, timeframe, start="2024-12-01"):
    """A market that rises as it trembles."""
    noise = np.random.default_rng(11)
    close = 100 * np.exp(np.cumsum(noise.normal(0.0004, 0.003, rows)))
    dates = pd.date_range(start, periods=rows, freq=pd.Timedelta(timeframe), tz="UTC")
    return pd.DataFrame(
        {
            "date": dates, "open": close, "high": close * 1.002, "low": close * 0.998,
            "close": close, "volume": noise.uniform(1.0, 2.0, rows),
        }
    )  # fmt: skip


def strategy(**changes):
    made = strategy_of(RunMode.DRY_RUN, **(SETTINGS | changes))
    made.timeframe = "5m"
    known = {"15m": candles(300, "15m", "2024-12-13"), "1h": candles(400, "1h")}
    made.dp.get_pair_dataframe = lambda _pair, timeframe, *_kind: known.get(
        timeframe, pd.DataFrame()
    )
    made.dp.trades = lambda *_args, **_kwargs: pd.DataFrame({"timestamp": []})
    return made


@pytest.fixture(autouse=True)
def _alone(open_trades):
    """No trade of another test is open."""


def analysed(one):
    frame = candles(400, "5m", "2024-12-14")
    return signals.entries(columns.of_pair(frame, PAIR, one.desk.analyst), PAIR, one)


def broken(*_arguments):
    raise ZeroDivisionError("a defect")


def named(name):
    """`broken` by another name, as parts are known by theirs."""

    def fails(*arguments):
        broken(*arguments)

    fails.__name__ = name
    return fails


# -- what is told -----------------------------------------------------------------------------


def test_a_change_of_regime_or_threshold_is_logged_once_with_its_reason(caplog):
    caplog.set_level(logging.INFO)
    one = strategy()
    for _ in range(3):
        analysed(one)
    for start in ("market regime ", "threshold factor "):
        (said,) = [text for text in caplog.messages if text.startswith(f"{PAIR}: {start}")]
        assert " -> " in said
        assert "ADX" in said or "percentile" in said


def test_in_a_backtest_nothing_of_it_is_logged(caplog):
    caplog.set_level(logging.INFO)
    one = strategy_of(RunMode.BACKTEST, **SETTINGS)
    one.timeframe, one.dp = "5m", strategy().dp
    analysed(one)
    assert not [text for text in caplog.messages if "market regime" in text]


# -- what may fail ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken_part", "changed"),
    [
        ("gridkit.host.columns.profile.compute", ("profile_", "entry_", "confluence_")),
        ("gridkit.host.columns.thresholds.compute", ("thresholds_", "entry_")),
        ("gridkit.host.columns.confluence.combine", ("confluence_", "entry_")),
        ("gridkit.host.directional.columns.turns.compute", ("turns_", "entry_")),
        ("gridkit.host.directional.columns._funding", ()),
        ("gridkit.host.directional.columns.candidates.compute", ("entry_",)),
    ],
)
def test_a_part_that_fails_is_said_and_leaves_the_others_as_they_were(
    monkeypatch, broken_part, changed
):
    whole = analysed(strategy())
    one = strategy()
    monkeypatch.setattr(broken_part, named(broken_part.rpartition(".")[2]))
    frame = analysed(one)
    assert len(one.desk.context.features.of(PAIR)) == 1
    kept = [name for name in whole if not name.startswith((*changed, "enter_"))]
    pd.testing.assert_frame_equal(frame[kept], whole[kept])


@pytest.mark.parametrize("module", ["profile", "thresholds"])
def test_a_module_that_fails_is_as_if_it_were_switched_off(monkeypatch, module):
    off = analysed(strategy(**{module: {**SETTINGS[module], "enabled": False}}))
    monkeypatch.setattr(f"gridkit.host.columns.{module}.compute", broken)
    pd.testing.assert_frame_equal(analysed(strategy()), off)


@pytest.mark.parametrize("broken_part", ["candidates.compute", "turns.compute"])
def test_without_a_range_or_a_candidate_nothing_is_entered(monkeypatch, broken_part):
    before = analysed(strategy())
    assert before["enter_long"].any()
    monkeypatch.setattr(f"gridkit.host.directional.columns.{broken_part}", broken)
    after = analysed(strategy())
    assert not after["enter_long"].any()
    assert (after["enter_tag"] == "").all()


# -- funding and hours ------------------------------------------------------------------------


def test_extreme_funding_is_known_from_the_close_at_which_it_is_paid(monkeypatch):
    """Between the payments at midnight and at eight the crowd had paid a hundred times as much."""
    paid = pd.date_range("2024-10-01", "2024-12-15 08:00", freq="8h", tz="UTC")
    rates = pd.Series(0.0001, index=paid)
    rates.loc["2024-12-15 00:00"] = 0.01
    monkeypatch.setattr("gridkit.host.sources.Sources.funding", lambda *_: rates)
    frame = columns.of_pair(candles(400, "5m", "2024-12-14"), PAIR, strategy().desk.analyst)
    closes = frame["date"] + pd.Timedelta("5min")
    extreme = closes[frame["funding_contrarian"] == -0.5]
    assert extreme.iloc[[0, -1]].tolist() == [
        pd.Timestamp("2024-12-15 00:00", tz="UTC"), pd.Timestamp("2024-12-15 07:55", tz="UTC")
    ]  # fmt: skip
    assert len(extreme) == 96


def test_illiquid_hours_are_thin_or_paused_by_the_close_of_the_candle():
    """From midnight to 23 UTC: the candle that closes at 23:00 is outside again."""
    thin, paused = (
        analysed(strategy(brakes={"illiquid_from": 0, "illiquid_to": 23, "illiquid": what}))
        for what in ("thin", "pause")
    )
    closes = thin["date"] + pd.Timedelta("5min")
    enters = thin["entry_block"] == Why.ENTERS
    inside = closes.dt.hour < 23
    assert (enters & inside).any()
    assert (thin["entry_size"] <= 0.5)[enters & inside].all()
    assert (paused["entry_block"] == Why.HOURS)[enters & inside].all()
    outside = enters & ~inside
    assert (paused["entry_block"] == Why.ENTERS)[outside].all()


# -- signals ------------------------------------------------------------------------------------


def entered(monkeypatch, can_short, sides, blocks):
    """Signals of candles with these entries."""
    one = strategy_of(RunMode.BACKTEST, direction="auto" if can_short else "long")
    one.can_short = can_short
    dates = pd.date_range("2025-01-01", periods=len(sides), freq="5min", tz="UTC")
    made = pd.DataFrame({"entry_side": sides, "entry_block": blocks})
    made = made.assign(entry_kind=Kind.TREND, entry_confidence=1.0)
    monkeypatch.setattr(candidates, "compute", lambda *_: made)
    return signals.entries(pd.DataFrame({"date": dates, "regime_code": 1}), PAIR, one)


def test_a_candle_signals_its_own_side_where_nothing_stands_against_it(monkeypatch):
    found = entered(monkeypatch, True, [1, -1, 1, -1, 0], [0, 0, Why.FLOW, Why.SCORE, Why.REGIME])
    assert found["enter_long"].tolist() == [1, 0, 0, 0, 0]
    assert found["enter_short"].tolist() == [0, 1, 0, 0, 0]
    assert found["enter_tag"].tolist() == ["trend bull c1.0"] * 2 + [""] * 3


def test_a_strategy_that_cannot_short_signals_no_short(monkeypatch):
    found = entered(monkeypatch, False, [1, -1], [0, 0])
    assert found["enter_long"].tolist() == [1, 0]
    assert "enter_short" not in found


@pytest.mark.parametrize(("direction", "entered"), [("long", 1), ("auto", 1), ("short", 0)])
def test_a_rising_market_is_bought_unless_shorts_alone_are_traded(direction, entered):
    found = analysed(strategy(direction=direction))
    assert found["enter_long"].max() == entered
    assert (found["entry_block"] == Why.DIRECTION).any() == (not entered)


@pytest.mark.parametrize(("timeframe", "more"), [("2h", [(PAIR, "2h")]), ("1h", []), ("5m", [])])
def test_candles_of_the_exits_timeframe_are_asked_for_where_nothing_else_does(timeframe, more):
    plain = strategy().desk.analyst.wanted()
    one = strategy(exits={"timeframe": timeframe})
    assert signals.informative_pairs(one) == plain + more


def test_hourly_closes_are_kept_live_for_correlations():
    one = strategy()
    signals.indicators(candles(400, "5m", "2024-12-14"), PAIR, one)
    assert len(one.desk.context.hourly.series[PAIR].times) == 400


def test_another_threshold_counts_without_another_analysis():
    """As in hyperopt, which analyses candles once."""
    one = strategy()
    frame = columns.of_pair(candles(400, "5m", "2024-12-14"), PAIR, one.desk.analyst)
    found = []
    for threshold in (0.1, 0.9):
        one.desk.use(one.desk.settings.with_values({"entries": {"threshold": threshold}}))
        found.append(signals.entries(frame.copy(), PAIR, one)["enter_long"].sum())
    assert found[0] > found[1]


def test_tags_and_candidates_know_the_same_kinds():
    assert set(entry_tags.KINDS) == set(Kind) - {Kind.NONE}
    entering = {*candidates.TRENDS, *candidates.RANGES}
    assert entering <= set(entry_tags.REGIMES)
