"""What a report says of the pairs together, against closed forms and sums over the pairs."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gridkit.reports import html, text
from gridkit.reports.document import document
from gridkit.reports.portfolio import Portfolio, hourly_returns, portfolio_of
from gridkit.reports.report import account, build
from reports.runs import any_run, fill, run_of, trade

PER_HOUR = 12
HOURS = 200


def path(returns: np.ndarray) -> list[float]:
    """Closes of five-minute candles that make one return an hour, at its last candle."""
    moves = np.zeros((len(returns), PER_HOUR))
    moves[:, -1] = returns
    closes: list[float] = (100 * np.exp(moves.ravel().cumsum())).tolist()
    return closes


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, HOURS)


def held(pair: str, amount: float, *, short: bool = False):
    """Bought before the first return and kept."""
    return trade([fill(0, amount, 100.0, short=short, fee=0.0)], pair, short=short)


def portfolio(run) -> Portfolio:
    marks, _, equity = account(run)
    found = portfolio_of(run, marks, equity)
    assert found is not None
    return found


@given(any_run())
def test_profits_of_the_pairs_add_up_to_what_the_account_gained(run):
    found = build(run)
    size = sum(order.amount * 1e5 for one in run.trades for order in one.fills)
    profits = {pair: made[-1] for pair, made in found.equity.profits.items()}
    gained = found.equity.equity[-1] - run.starting_balance
    assert sum(profits.values()) == pytest.approx(gained, abs=1e-9 * max(size, 1e3))
    if found.portfolio is not None:
        told = {pair: one.profit_stake for pair, one in found.portfolio.symbols.items()}
        assert told == profits
        assert found.portfolio.total.profit_stake == pytest.approx(sum(told.values()))


@given(any_run())
def test_mean_exposures_of_the_pairs_add_up_to_that_of_the_account(run):
    found = build(run)
    if found.portfolio is None or found.portfolio.total.exposure_mean_fraction is None:
        return
    symbols, total = found.portfolio.symbols.values(), found.portfolio.total
    assert total.exposure_mean_fraction == found.figures["exposure_mean_fraction"]
    assert total.exposure_max_fraction == found.figures["exposure_max_fraction"]
    means = sum(one.exposure_mean_fraction for one in symbols)
    assert means == pytest.approx(total.exposure_mean_fraction, rel=1e-9, abs=1e-12)
    assert max(one.exposure_max_fraction for one in symbols) <= total.exposure_max_fraction * (
        1 + 1e-9
    )


def test_profit_and_exposure_of_known_positions():
    closes = {"AAA/USDT": [100.0, 110.0], "BBB/USDT": [100.0, 90.0]}
    run = run_of(closes, [held("AAA/USDT", 2.0), held("BBB/USDT", 1.0, short=True)])
    found = portfolio(run)
    one, other = found.symbols["AAA/USDT"], found.symbols["BBB/USDT"]
    assert (one.profit_stake, other.profit_stake) == pytest.approx((20.0, 10.0))
    assert found.total.profit_stake == pytest.approx(30.0)
    assert one.exposure_mean_fraction == pytest.approx((200 / 1000 + 220 / 1030) / 2)
    assert one.exposure_max_fraction == pytest.approx(220 / 1030)
    assert other.exposure_max_fraction == pytest.approx(100 / 1000)


def test_funding_counts_for_the_pair_that_received_it():
    fills = [fill(0, 1.0, 100.0, fee=0.0), fill(1, 1.0, 100.0, entry=False, fee=0.0)]
    trades = [trade(fills, "AAA/USDT", funding=-3.0), trade(fills, "BBB/USDT", funding=5.0)]
    closes = {"AAA/USDT": [100.0, 100.0], "BBB/USDT": [100.0, 100.0]}
    symbols = portfolio(run_of(closes, trades, futures=True)).symbols
    assert symbols["AAA/USDT"].profit_stake == pytest.approx(-3.0)
    assert symbols["BBB/USDT"].profit_stake == pytest.approx(5.0)


def test_correlations_are_those_of_hourly_returns():
    first, second = noise(1), noise(2)
    closes = {"AAA/USDT": path(first), "BBB/USDT": path(second), "CCC/USDT": path(-first)}
    found = portfolio(run_of(closes, [held(pair, 1.0) for pair in closes])).correlations
    expected = np.corrcoef(first[1:], second[1:])[0, 1]
    assert found.loc["AAA/USDT", "BBB/USDT"] == pytest.approx(expected)
    assert found.loc["AAA/USDT", "CCC/USDT"] == pytest.approx(-1.0)
    assert found.loc["BBB/USDT", "BBB/USDT"] == pytest.approx(1.0)


def test_a_missing_close_makes_two_returns_unknown():
    marks, _, equity = account(run_of({"AAA/USDT": path(noise(1))}, [held("AAA/USDT", 1.0)]))
    marks.known["AAA/USDT"][5 * PER_HOUR - 1] = False
    unknown = hourly_returns(marks, list(equity.profits))["AAA/USDT"].isna().to_numpy()
    assert np.flatnonzero(unknown).tolist() == [0, 4, 5]


@pytest.mark.parametrize(("short", "moves"), [(False, 1.0), (True, -1.0)])
def test_two_positions_that_gain_and_lose_together_do_not_diversify(short, moves):
    closes = {"AAA/USDT": path(noise(1)), "BBB/USDT": path(moves * noise(1))}
    run = run_of(closes, [held("AAA/USDT", 1.0), held("BBB/USDT", 2.0, short=short)])
    assert portfolio(run).diversification_ratio == pytest.approx(1.0)


@given(st.floats(0.1, 2.0), st.floats(0.1, 2.0))
def test_the_diversification_ratio_of_two_pairs_has_its_closed_form(one, other):
    closes = {"AAA/USDT": path(noise(1)), "BBB/USDT": path(noise(2))}
    run = run_of(closes, [held("AAA/USDT", one), held("BBB/USDT", other)])
    found, (_, _, equity) = portfolio(run), account(run)
    a, b = (
        float((equity.worth[pair] / equity.equity).mean() * noise(seed)[1:].std(ddof=1))
        for seed, pair in ((1, "AAA/USDT"), (2, "BBB/USDT"))
    )
    together = found.correlations.loc["AAA/USDT", "BBB/USDT"]
    expected = (a + b) / math.sqrt(a * a + b * b + 2 * a * b * together)
    assert found.diversification_ratio == pytest.approx(expected, rel=1e-9)


def test_risk_is_what_is_held_times_the_distance_to_the_stop_over_equity():
    """Two of 10 and one of 5 below, then half of the first is sold; equity stays at 1000."""
    half = fill(2, 1.0, 100.0, entry=False, fee=0.0)
    long = trade([fill(0, 2.0, 100.0, fee=0.0), half], "AAA/USDT")
    short = trade([fill(1, 1.0, 100.0, short=True, fee=0.0)], "BBB/USDT", short=True)
    run = run_of({"AAA/USDT": [100.0] * 4, "BBB/USDT": [100.0] * 4}, [long, short])
    found = portfolio(replace(run, stops=(90.0, 105.0)))
    assert found.risk_max_fraction == pytest.approx(0.025)
    assert found.risk_mean_fraction == pytest.approx((0.02 + 0.025 + 0.015 + 0.015) / 4)


@pytest.mark.parametrize("stops", [None, (90.0, math.nan)])
def test_an_unknown_stop_leaves_the_risk_unknown(stops):
    closes = {"AAA/USDT": [100.0, 110.0], "BBB/USDT": [100.0, 90.0]}
    run = run_of(closes, [held(pair, 1.0) for pair in closes])
    found = portfolio(replace(run, stops=stops))
    assert found.risk_mean_fraction is None
    assert found.risk_max_fraction is None


def test_a_short_run_leaves_correlation_and_diversification_unknown():
    closes = {"AAA/USDT": [100.0, 110.0], "BBB/USDT": [100.0, 90.0]}
    found = portfolio(run_of(closes, [held(pair, 1.0) for pair in closes]))
    assert found.diversification_ratio is None
    assert found.correlations.isna().all(axis=None)


def test_one_traded_pair_is_no_portfolio():
    closes = {"AAA/USDT": [100.0, 110.0], "BBB/USDT": [100.0, 90.0]}
    found = build(run_of(closes, [held("AAA/USDT", 1.0)]))
    assert found.portfolio is None
    assert document(found)["portfolio"] is None
    assert "Pairs together" not in html.page(found)


@pytest.fixture(scope="module")
def report():
    closes = {"AAA/USDT": path(noise(1)), "B&B/USDT": path(noise(2)), "CCC/USDT": [100.0] * 2400}
    return build(run_of(closes, [held(pair, 1.0) for pair in closes]))


def test_the_document_has_every_pair_and_null_for_what_is_unknown(report):
    found = json.loads(json.dumps(document(report)["portfolio"], allow_nan=False))
    assert list(found["pairs"]) == ["AAA/USDT", "B&B/USDT", "CCC/USDT"]
    assert found["pairs"]["CCC/USDT"]["profit_stake"] == 0.0
    assert found["correlations"]["AAA/USDT"]["CCC/USDT"] is None
    assert found["correlations"]["AAA/USDT"]["AAA/USDT"] == pytest.approx(1.0)
    assert found["diversification_ratio"] is None
    assert found["total"]["profit_stake"] == pytest.approx(
        report.figures["final_stake"] - report.run.starting_balance
    )


def test_text_and_page_show_the_same_cells(report):
    written = io.StringIO()
    text.show(report, Console(file=written, width=160))
    printed, page = written.getvalue(), html.page(report)
    symbols = report.portfolio.symbols
    for told in [f"{one.profit_stake:,.2f} USDT" for one in symbols.values()]:
        assert told in printed
        assert told in page
    assert "Correlation of hourly returns" in printed
    assert "Correlation of hourly returns" in page
    for sentence in (
        "Diversification ratio of the mean holdings: not available (1: all moved as one).",
        "share of equity: mean not available, maximum not available.",
    ):
        assert sentence in printed
        assert sentence in page
    assert "<td>B&amp;B/USDT</td>" in page
