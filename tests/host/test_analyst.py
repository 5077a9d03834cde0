"""The analyst, live: what is remembered, what may fail, what a user should know at the start."""

import logging
import os

import numpy as np
import pandas as pd
import pytest
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException

from gridkit.analytics import regime, thresholds
from gridkit.host import columns, outlook, startup
from gridkit.host.index_file import IndexFile
from gridkit.settings import ImpliedSettings, Settings
from host.desks import CANDLE, PAIR, strategy_of

HOUR = pd.Timedelta("1h")
QUICK = {
    "volatility": {"method": "realised"},
    "regime": {"window_days": 2, "ema_fast": 4, "ema_slow": 12, "adx_period": 5, "atr_period": 5},
    "profile": {"enabled": True, "days": 0.25},
    "thresholds": {"enabled": True, "atr_hours": 4, "window_days": 7},
}


def candles(rows: int, timeframe: str = "1h") -> pd.DataFrame:
    noise = np.random.default_rng(11)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.004, rows)))
    dates = pd.date_range("2024-12-01", periods=rows, freq=pd.Timedelta(timeframe), tz="UTC")
    return pd.DataFrame(
        {
            "date": dates, "open": close, "high": close * 1.002, "low": close * 0.998,
            "close": close, "volume": noise.uniform(1.0, 2.0, rows),
        }
    )  # fmt: skip


@pytest.fixture
def strategy(open_trades):
    made = strategy_of(RunMode.DRY_RUN, **QUICK)
    made.timeframe = "5m"
    hours = candles(400)
    made.dp.get_pair_dataframe = lambda _pair, timeframe, *_kind: (
        hours if timeframe == "1h" else pd.DataFrame()
    )
    return made


def base(strategy) -> pd.DataFrame:
    """Own candles within the hours that are known."""
    frame = candles(400, "5m")
    return frame.assign(date=frame["date"] + pd.Timedelta("14D"))


# -- what is remembered -------------------------------------------------------------------------


@pytest.mark.parametrize("module", [regime, thresholds])
def test_what_is_remembered_is_what_would_be_computed_at_every_hour(strategy, module):
    analyst, hours = strategy.desk.analyst, candles(300)
    for end in (260, 260, 261, 299, 300, 250):
        known = hours.iloc[:end]
        found = analyst.computed(PAIR, known, module.compute)
        pd.testing.assert_frame_equal(found, module.compute(known, strategy.desk.settings))


def test_the_same_hours_are_computed_once_live_and_each_time_in_a_backtest(strategy):
    calls, hours = [], candles(50)

    def compute(frame, _settings):
        calls.append(len(frame))
        return frame[["close"]]

    for _ in range(3):
        strategy.desk.analyst.computed(PAIR, hours, compute)
    assert calls == [50]
    strategy.desk.analyst.computed("BTC/USDT", hours, compute)
    strategy.desk.analyst.computed(PAIR, candles(51), compute)
    assert calls == [50, 50, 51]
    tested = strategy_of(RunMode.BACKTEST, **QUICK).desk.analyst
    for _ in range(3):
        tested.computed(PAIR, hours, compute)
    assert calls == [50, 50, 51, 50, 50, 50]


def test_other_settings_are_computed_anew(strategy):
    analyst, hours = strategy.desk.analyst, candles(300)
    before = analyst.computed(PAIR, hours, regime.compute)
    strategy.desk.use(strategy.desk.settings.with_values({"regime": {"adx_period": 20}}))
    after = analyst.computed(PAIR, hours, regime.compute)
    assert not before["regime_adx"].equals(after["regime_adx"])


# -- what may fail ------------------------------------------------------------------------------


def broken(*_arguments):
    raise ZeroDivisionError("a defect")


def after(strategy, candles_later=1):
    """Some candles later."""
    strategy.desk.context.now += candles_later * CANDLE


def test_live_a_module_that_fails_is_left_out_and_off_after_three_candles(
    strategy, monkeypatch, caplog
):
    calls = []
    monkeypatch.setattr("gridkit.host.columns.profile.compute", lambda *_: calls.append(1) or 1 / 0)
    for candle in range(5):
        frame = columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)
        assert not [name for name in frame if name.startswith("profile_")]
        assert frame["volatility_daily"].notna().any()
        assert frame["thresholds_percentile"].notna().any()
        assert len(strategy.dp.sent) == (candle >= 2)
        after(strategy)
    assert len(calls) == 3
    said = [record for record in caplog.records if "profile" in record.message]
    assert [bool(record.exc_info) for record in said] == [True, False]
    assert "so there are no levels of volume: ZeroDivisionError" in said[0].message
    assert "profile is switched off after 3 failures in a row" in said[1].message
    assert "`profile` is switched off: `ZeroDivisionError" in strategy.dp.sent[0]


def test_live_a_module_that_works_again_is_back_and_forgotten(strategy, monkeypatch):
    with monkeypatch.context() as failing:
        failing.setattr("gridkit.host.columns.profile.compute", broken)
        columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)
    assert [one.state for one in strategy.desk.context.features.of(PAIR)] == ["failing"]
    for _ in range(2):
        after(strategy)
        frame = columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)
        assert [name for name in frame if name.startswith("profile_")]
    assert strategy.desk.context.features.of(PAIR) == []
    assert strategy.dp.sent == []


@pytest.mark.parametrize("guard", ["regime", "volatility"])
def test_live_a_guard_of_the_analysis_that_fails_opens_and_adds_nothing(
    strategy, monkeypatch, guard
):
    """freqtrade keeps the last analysis: so that alone would go on."""
    broken_part = {"regime": "regime.compute", "volatility": "volatility.realised"}[guard]
    with monkeypatch.context() as failing:
        failing.setattr(f"gridkit.host.columns.{broken_part}", broken)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)
            after(strategy)
    reading = strategy.desk.context.market.series[PAIR].reading(0)
    found = strategy.desk.surroundings.of_trade(PAIR, reading, 1, 0.0)
    assert found.block.condition == f"{guard} failed"
    assert found.flatten is None
    columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)
    assert strategy.desk.surroundings.of_trade(PAIR, reading, 1, 0.0).block is None


def test_live_shocks_that_fail_refuse_and_leave_exits_alone(strategy, monkeypatch):
    strategy.desk.use(Settings.from_config({"gridkit": QUICK}))
    monkeypatch.setattr("gridkit.host.columns.shocks.compute", broken)
    frame = columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)
    against = outlook.of_frame(frame, strategy.desk.settings, 300)
    strategy.desk.context.market.prepare(PAIR, frame, against)
    strategy.desk.context.now = frame["date"].iloc[-1].to_pydatetime() + CANDLE
    up = strategy.desk.breakers.markets.up(PAIR)
    assert up is not None
    assert up.name == "sudden move"
    assert (against[1] & outlook.SHOCK).all()


@pytest.mark.parametrize("part", ["volatility.realised", "regime.compute"])
def test_live_what_decides_may_not_fail(strategy, monkeypatch, part):
    monkeypatch.setattr(f"gridkit.host.columns.{part}", broken)
    with pytest.raises(ZeroDivisionError):
        columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)


def test_in_a_backtest_every_failure_is_one(open_trades, monkeypatch):
    strategy = strategy_of(
        RunMode.BACKTEST,
        **QUICK,
    )
    strategy.timeframe = "5m"
    strategy.dp.get_pair_dataframe = lambda *_asked: candles(400)
    monkeypatch.setattr("gridkit.host.columns.profile.compute", broken)
    with pytest.raises(ZeroDivisionError):
        columns.of_pair(base(strategy), PAIR, strategy.desk.analyst)


def test_hours_that_stopped_coming_say_nothing_any_more(strategy, caplog):
    late = base(strategy).assign(date=lambda frame: frame["date"] + 40 * HOUR)
    frame = columns.of_pair(late, PAIR, strategy.desk.analyst)
    end = strategy.dp.get_pair_dataframe(PAIR, "1h")["date"].iloc[-1] + HOUR
    closes = frame["date"] + pd.Timedelta("5m")
    assert (closes > end + 2 * HOUR).any()
    assert (frame["regime_adx"].isna() == (closes > end + 2 * HOUR)).all()
    assert (frame.loc[closes > end + 2.5 * HOUR, "regime_code"] == 0).all()
    assert sum("1h candle is missing or old" in one.message for one in caplog.records) == 1


# -- the volatility index -----------------------------------------------------------------------

LINES = "date,close\n2024-12-01,50\n2024-12-02,60\n"


def written(path, text: str, seconds: int) -> None:
    path.write_text(text)
    os.utime(path, (seconds, seconds))


def test_an_index_file_that_grows_is_read_again(tmp_path):
    path = tmp_path / "index.csv"
    written(path, LINES, 1_000)
    index = IndexFile(ImpliedSettings(file=str(path)))
    assert index.current().annual.tolist() == [0.5, 0.6]
    assert index.current() is index.current()
    written(path, LINES + "2024-12-03,70\n", 2_000)
    assert index.current().annual.tolist() == [0.5, 0.6, 0.7]


@pytest.mark.parametrize("spoilt", ["", "date,close\n2024-12-01,many\n", None])
def test_a_file_that_is_spoilt_later_leaves_what_was_read_and_is_said_once(
    tmp_path, caplog, spoilt
):
    path = tmp_path / "index.csv"
    written(path, LINES, 1_000)
    index = IndexFile(ImpliedSettings(file=str(path)))
    path.unlink() if spoilt is None else written(path, spoilt, 2_000)
    for _ in range(3):
        assert index.current().annual.tolist() == [0.5, 0.6]
    assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1


def test_a_file_that_is_wrong_at_the_start_stops_the_bot(tmp_path):
    with pytest.raises(OperationalException, match=r"gridkit\.volatility\.implied\.file"):
        IndexFile(ImpliedSettings(file=str(tmp_path / "none.csv")))


@pytest.mark.parametrize("settings", [ImpliedSettings(), ImpliedSettings(enabled=False, file="x")])
def test_without_a_file_or_switched_off_there_is_no_index(settings):
    assert IndexFile(settings).current() is None


# -- what a user should know --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeframe", "settings", "said"),
    [
        ("5m", {"confluence": {"enabled": True}}, []),
        ("1h", {"confluence": {"enabled": True}}, ["confluence reads 1h, 4h of 5m, 15m, 1h, 4h"]),
        ("1h", {}, []),
        ("4h", {}, ["4h before the first trade are 388 days"]),
        ("4h", {"volatility": {"garch": {"enabled": False}}}, ["before the first trade are 133"]),
    ],
)
def test_candles_as_long_as_the_analytics_own_are_warned_of(timeframe, settings, said):
    plain = {"volume_lines": {"enabled": False}, "spacing": {"method": "volatility"}}
    strategy = strategy_of(RunMode.DRY_RUN, **plain, **settings)
    strategy.timeframe = timeframe
    strategy.desk.context.seconds = int(pd.Timedelta(timeframe).total_seconds())
    if timeframe != "1h":
        assert strategy.startup_candle_count * pd.Timedelta(timeframe) > pd.Timedelta(0)
    found = list(startup.coarse(strategy, strategy.desk.settings))
    wanted = [text for text in found if "confluence" in text or timeframe == "4h"]
    assert len(wanted) == len(said)
    assert all(text in line for text, line in zip(said, wanted, strict=True))


def test_defaults_of_settings_are_those_the_analyst_is_configured_with(strategy):
    assert strategy.desk.analyst.configured == Settings.from_config({"gridkit": QUICK})
