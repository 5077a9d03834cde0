"""The report against freqtrade's own backtester: what it says must be what freqtrade did."""

import pandas as pd
import pytest
from freqtrade.data.btanalysis import get_backtest_wallet_change

from gridkit.reports import report
from gridkit.reports.result import load_run, run_from_stats, source_of_config
from gridkit.reports.round_trips import verb
from reports.backtests import FREQTRADES_WARNINGS, Market, random_walk, write_candles
from reports.conftest import finished, funding_of, hourly
from reports.runs import slow_equity

pytestmark = [pytest.mark.slow, FREQTRADES_WARNINGS]
KINDS = ("spot", "leveraged", "short")


@pytest.fixture(params=KINDS)
def result(request):
    return request.getfixturevalue(request.param)


def test_the_last_equity_is_freqtrades_final_balance(result):
    run = load_run(result.export)
    found = report.build(run)
    assert len(run.trades) >= 4
    assert found.equity.equity[-1] == pytest.approx(run.final_balance, abs=1e-6)
    assert found.figures["final_balance_difference_stake"] == pytest.approx(0, abs=1e-6)
    assert found.figures["mismatches_count"] == 0


def test_equity_without_funding_equals_the_slow_walk_over_the_orders(result):
    run = load_run(result.export)
    _, _, equity = report.account(run)
    assert equity.equity - equity.funding == pytest.approx(slow_equity(run), abs=1e-6)


@pytest.mark.parametrize("kind", ["leveraged", "short"])
def test_funding_payments_of_each_trade_add_up_to_freqtrades(kind, request):
    run = load_run(request.getfixturevalue(kind).export)
    for trade, paid in zip(run.trades, report.trade_charges(run), strict=True):
        assert paid.amounts.sum() == pytest.approx(trade.funding, abs=1e-9)
        assert paid.unexplained == pytest.approx(0, abs=1e-9)


def test_a_long_pays_positive_rates_and_a_short_receives_them(leveraged, short):
    paid = report.build(load_run(leveraged.export)).figures["funding_stake"]
    received = report.build(load_run(short.export)).figures["funding_stake"]
    assert paid < -0.01
    assert received > 0.01


def test_funding_is_booked_in_the_candle_in_which_it_is_due(leveraged):
    _, _, equity = report.account(load_run(leveraged.export))
    changes = pd.Series(equity.funding).diff().to_numpy()
    times = equity.seconds[abs(changes) > 1e-9]
    assert len(times) >= 5
    assert (times % (8 * 3600) == 0).all()


def test_hourly_funding_is_followed_too(futures_market, tmp_path):
    market = futures_market
    hours = hourly(random_walk(700, 5, 1))
    write_candles(market.datadir, market.pairs[0], "1h", funding_of(hours, 1), "funding_rate")
    run = load_run(finished(tmp_path, market, "TaggedGridLeveraged").export)
    found = report.build(run)
    assert abs(found.figures["funding_stake"]) > 0.1
    assert found.figures["unexplained_funding_stake"] == pytest.approx(0, abs=1e-9)


def test_missing_mark_candles_are_said_loudly(futures_market, tmp_path):
    market = futures_market
    hours = hourly(random_walk(700, 5, 1))
    write_candles(market.datadir, market.pairs[0], "1h", hours.iloc[20:], "mark")
    found = report.build(load_run(finished(tmp_path, market, "TaggedGridLeveraged").export))
    (warning,) = found.warnings
    assert warning.startswith("NO FUNDING for AAA/USDT:USDT at 2 funding times")
    assert "mark candles are missing (2024-01-01 to 2024-01-01)" in warning
    assert found.figures["unexplained_funding_stake"] == pytest.approx(0, abs=1e-9)


def test_a_run_without_any_mark_candles_is_said_loudly(futures_market, tmp_path):
    done = finished(tmp_path, futures_market, "TaggedGridLeveraged")
    for file in (futures_market.datadir / "futures").glob("*-mark.feather"):
        file.unlink()
    found = report.build(load_run(done.export))
    assert any(text.startswith("NO FUNDING for AAA/USDT:USDT") for text in found.warnings)
    assert any("do not explain" in text for text in found.warnings)
    assert found.equity.equity[-1] == pytest.approx(found.run.final_balance, abs=1e-6)


def test_missing_funding_rates_are_said_loudly(futures_market, tmp_path):
    market = futures_market
    hours = hourly(random_walk(700, 5, 1))
    write_candles(
        market.datadir, market.pairs[0], "1h", funding_of(hours, 8).iloc[:3], "funding_rate"
    )
    found = report.build(load_run(finished(tmp_path, market, "TaggedGridLeveraged").export))
    assert any("the funding rates have gaps" in text for text in found.warnings)


def test_nothing_is_warned_of_when_all_data_is_there(result):
    assert report.build(load_run(result.export)).warnings == ()


def test_candles_that_are_missing_in_the_folder_are_counted_and_said(spot, tmp_path):
    frame = random_walk(700, 5, 1).drop(index=range(300, 310))
    folder = tmp_path / "gaps"
    folder.mkdir()
    write_candles(folder, "AAA/USDT", "5m", frame, "spot")
    write_candles(folder, "BBB/USDT", "5m", random_walk(700, 5, 2), "spot")
    found = report.build(load_run(spot.export, datadir=folder))
    assert any(text.startswith("AAA/USDT: 10 candles with an unknown") for text in found.warnings)
    assert found.figures["carried_marks_count"] == 10
    assert found.equity.equity[-1] == pytest.approx(found.run.final_balance, abs=1e-6)


def test_lots_carry_the_tags_levels_and_exits(spot):
    run = load_run(spot.export)
    found = report.build(run)
    verbs = {verb(fill.tag) for trade in run.trades for fill in trade.fills if not fill.is_entry}
    assert {"sell", "flatten"} <= verbs
    assert {trip.level for trip in found.trips} == {1, 2, 3, 4}
    assert 0 < found.figures["harvest_lots_count"] < found.figures["lots_count"]


def test_fills_in_a_detail_timeframe_are_judged_in_its_candles(tmp_path):
    folder = tmp_path / "detail"
    datadir = folder / "data" / "binance"
    datadir.mkdir(parents=True)
    fine = random_walk(1500, 1, 3)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    coarse = fine.set_index("date").resample("5min").agg(how).reset_index()
    write_candles(datadir, "AAA/USDT", "1m", fine, "spot")
    write_candles(datadir, "AAA/USDT", "5m", coarse, "spot")
    market = Market(datadir, futures=False, pairs=("AAA/USDT",))
    run = load_run(finished(folder, market, "TaggedGrid", timeframe_detail="1m").export)
    found = report.build(run)
    assert (run.step, run.fill_step) == (300, 60)
    assert any(order.seconds % 300 for trade in run.trades for order in trade.fills)
    assert found.figures["fills_of_unknown_strictness_count"] == 0
    assert found.equity.equity[-1] == pytest.approx(run.final_balance, abs=1e-6)


def test_a_strategy_without_tags_is_reported_too(spot, tmp_path):
    done = finished(tmp_path, spot.market, "PlainTrades")
    run = load_run(done.export, datadir=spot.market.datadir)
    found = report.build(run)
    assert len(run.trades) > 3
    assert found.figures["lots_count"] == len(run.trades)
    assert found.figures["harvest_lots_count"] > 0
    assert found.equity.equity[-1] == pytest.approx(run.final_balance, abs=1e-6)


def test_a_run_in_memory_equals_its_export(leveraged):
    backtesting = leveraged.backtesting
    stats = backtesting.results["strategy"]["TaggedGridLeveraged"]
    run = run_from_stats(stats, source_of_config(backtesting.config))
    exported = report.build(load_run(leveraged.export)).figures
    for name, value in report.build(run).figures.items():
        assert value == pytest.approx(exported[name], abs=1e-6), name


def test_freqtrades_own_wallet_agrees_at_every_candle(spot, tmp_path):
    """An outside judge; for orders that fill at once, as it counts resting entries twice."""
    done = finished(tmp_path, spot.market, "PlainTrades")
    run = load_run(done.export, datadir=spot.market.datadir)
    captured = get_backtest_wallet_change(done.export, "PlainTrades")
    wallet = captured.groupby("date")["total_quote"].sum()
    _, _, equity = report.account(run)
    # It books an entry's fee when the trade closes, and is read at the open of the next candle.
    booked_later = equity.equity + run.fee_fraction * equity.margin
    times = pd.to_datetime(equity.seconds + run.step, unit="s", utc=True)
    both = pd.concat([wallet, pd.Series(booked_later, times)], axis=1, join="inner").to_numpy()
    assert len(both) > 600
    assert both[:, 0] == pytest.approx(both[:, 1], abs=0.01)
