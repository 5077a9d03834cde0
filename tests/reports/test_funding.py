"""Funding payment by payment; that they add up to freqtrade's own is in test_backtests."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.reports.funding import charges
from gridkit.reports.market_data import DataSource, funding_rows
from gridkit.reports.records import FundingRows, OrderFill, TradeRecord
from gridkit.reports.report import build
from reports.backtests import FREQTRADES_WARNINGS
from reports.runs import START, STEP, fill, run_of, trade

HOUR = 3600
NONE = np.empty(0, np.int64)


def rows(*fees, every=8 * HOUR, first=START):
    seconds = first + every * np.arange(len(fees), dtype=np.int64)
    return FundingRows(seconds, np.array(fees, dtype=float), NONE, np.empty(0))


def at(seconds, amount, *, entry=True, short=False):
    return OrderFill(entry, entry != short, 100.0, amount, START + seconds, 0.0, "")


def of(fills, *, short=False, funding=0.0):
    return TradeRecord("AAA/USDT", short, 1.0, tuple(fills), 0.0, funding, "")


def paid(one, funding):
    return charges(one, funding, HOUR).amounts.sum()


def test_a_long_pays_and_a_short_receives_rate_times_mark_times_amount():
    fees = rows(0.01, 0.02, 0.04)
    fills = [(300, 2.0, True), (17 * HOUR, 2.0, False)]
    long = of([at(when, amount, entry=entry) for when, amount, entry in fills])
    short = of([at(w, a, entry=e, short=True) for w, a, e in fills], short=True)
    assert paid(long, fees) == pytest.approx(-2 * 0.06)
    assert paid(short, fees) == pytest.approx(2 * 0.06)


def test_what_is_held_before_an_added_entry_pays_less_than_after_it():
    one = of([at(300, 1.0), at(9 * HOUR + 300, 2.0), at(20 * HOUR, 3.0, entry=False)])
    assert paid(one, rows(0.5, 0.01, 0.02)) == pytest.approx(-(0.01 * 1 + 0.02 * 3))


def test_a_position_closed_before_the_funding_time_pays_nothing():
    one = of([at(300, 1.0), at(7 * HOUR, 1.0, entry=False)])
    assert paid(one, rows(0.5, 0.01)) == 0.0


def test_a_position_closed_at_the_funding_time_still_pays_as_in_freqtrade():
    one = of([at(300, 1.0), at(8 * HOUR, 1.0, entry=False)])
    assert paid(one, rows(0.5, 0.01)) == pytest.approx(-0.01)


def test_a_partial_exit_at_a_funding_time_pays_for_both_amounts_as_in_freqtrade():
    one = of([at(300, 3.0), at(8 * HOUR, 1.0, entry=False), at(10 * HOUR, 2.0, entry=False)])
    assert paid(one, rows(0.5, 0.01)) == pytest.approx(-(0.01 * 3 + 0.01 * 2))


def test_whether_an_entry_rested_before_the_funding_time_is_read_from_the_total():
    fills = [at(300, 1.0), at(8 * HOUR, 1.0), at(10 * HOUR, 2.0, entry=False)]
    rested = charges(of(fills, funding=-0.02), rows(0.5, 0.01), HOUR)
    at_once = charges(of(fills, funding=-0.03), rows(0.5, 0.01), HOUR)
    assert rested.amounts.sum() == pytest.approx(-0.02)
    assert at_once.amounts.sum() == pytest.approx(-0.03)
    assert rested.unexplained == pytest.approx(0)
    assert at_once.unexplained == pytest.approx(0)


def test_a_sum_with_an_unknown_rate_in_it_is_nothing_as_in_freqtrade():
    one = of([at(300, 1.0), at(20 * HOUR, 1.0, entry=False)])
    assert paid(one, rows(0.5, 0.01, float("nan"))) == 0.0


def test_without_rows_the_exported_sum_is_unexplained_and_kept():
    found = charges(of([at(300, 1.0)], funding=-4.0), None, HOUR)
    assert (found.total, found.unexplained) == (-4.0, -4.0)


@given(
    st.lists(st.floats(-0.01, 0.01), min_size=2, max_size=12),
    st.lists(st.tuples(st.integers(1, 90), st.floats(0.1, 5)), min_size=1, max_size=8),
    st.booleans(),
)
def test_away_from_funding_times_payments_equal_the_loop_over_rates(fees, entries, short):
    """Fills lie between the hours, so that no quirk applies: each time pays what is held then."""
    funding = rows(*fees)
    times = sorted(hour * HOUR + 300 for hour, _ in entries)
    fills = [at(when, a, short=short) for when, (_, a) in zip(times, entries, strict=True)]
    fills.append(at(100 * HOUR + 300, sum(a for _, a in entries), entry=False, short=short))
    expected = 0.0
    for when, fee in zip(funding.seconds, fees, strict=True):
        held = sum(f.amount * (1 if f.is_entry else -1) for f in fills if f.seconds < when)
        expected += fee * held * (1 if short else -1)
    assert paid(of(fills, short=short), funding) == pytest.approx(expected, abs=1e-9)


def test_equity_carries_the_funding_from_the_candle_in_which_it_is_due():
    one = trade([fill(1, 1.0, 100.0, fee=0.0), fill(30, 1.0, 100.0, entry=False, fee=0.0)])
    one = TradeRecord(one.pair, False, 1.0, one.fills, -2.0, -2.0, "")
    found = build(
        run_of(
            {"AAA/USDT": [100.0] * 40},
            [one],
            futures=True,
            funding={"AAA/USDT": rows(2.0, first=START + 12 * STEP)},
        )
    )
    assert found.equity.equity[11:13].tolist() == [1000.0, 998.0]
    assert found.figures["funding_stake"] == -2.0
    assert found.figures["harvest_total_stake"] == 0.0
    assert found.figures["inventory_profit_stake"] == 0.0


def source(**changes):
    return DataSource(
        **(
            {
                "datadir": None,
                "data_format": "feather",
                "exchange": "binance",
                "trading_mode": "futures",
                "timerange": "",
            }
            | changes
        )
    )


def hours(count, column, value):
    dates = pd.date_range("2024-01-01", periods=count, freq="1h", tz="UTC")
    return pd.DataFrame({"date": dates, column: value})


@FREQTRADES_WARNINGS
def test_rates_without_a_mark_are_named_and_charge_nothing():
    found = funding_rows(
        hours(4, "funding_rate", 0.01), hours(2, "open", 100.0), source(), (START, START + 9 * HOUR)
    )
    assert found.seconds.tolist() == [START, START + HOUR]
    assert found.fee_per_unit.tolist() == [1.0, 1.0]
    assert found.unmarked_seconds.tolist() == [START + 2 * HOUR, START + 3 * HOUR]


@pytest.mark.parametrize("marks", [pd.DataFrame(), hours(0, "open", 1.0)])
def test_without_any_mark_every_rate_is_named(marks):
    found = funding_rows(hours(2, "funding_rate", 0.01), marks, source(), (START, START + HOUR))
    assert len(found.seconds) == 0
    assert len(found.unmarked_seconds) == 2


@FREQTRADES_WARNINGS
def test_the_fallback_rate_of_the_config_is_charged_where_there_are_no_rates():
    found = funding_rows(
        pd.DataFrame({"date": [], "funding_rate": []}),
        hours(2, "open", 100.0),
        source(futures_funding_rate=0.001),
        (START, START + HOUR),
    )
    assert found.fee_per_unit == pytest.approx([0.1, 0.1])
    assert found.rates_are_fallback
