"""The order list: time, pair, side, price, amount and tag of every order that was placed."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from backtests import runs
from backtests.datadirs import copied_until
from backtests.runs import QUICK, REALISED, Filled, disagreements
from gridkit.grid import tags

pytestmark = pytest.mark.slow

DETAILS = pytest.mark.parametrize("detail", ["", "1m"], ids=["candles", "detail candles"])
ENOUGH_ORDERS = 100
# All features are on, and some of them soon act.
FEATURED = {
    **QUICK,
    "stops": {"lot_stop_enabled": False},
    "recovery": {
        "position_timeout_minutes": 15, "away": 0.004, "ladder": [0.001, 0.002, 0.003],
        "budget": 0.1, "rungs": "always",
    },
    "breakers": {
        "move": 0.01, "volume": 4.0, "yellow": 0.01, "orange": 0.015, "red": 0.03,
        "cooldown_hours": 1,
    },
}  # fmt: skip
SETTINGS = {
    **FEATURED,
    "volatility": {**REALISED, "window_hours": 8},
    "spacing": {"method": "volatility", "volatility_factor": 0.3},
}
DENSE = {**FEATURED, "spacing": {"method": "fixed", "grid_step": 0.003}}
CANDLE = timedelta(minutes=5)
CUTS = (0.15, 0.5, 0.83)  # shares of the run's orders
# Where a leak may show, and not at every moment does.
MORE_CUTS = (0.15, 0.3, 0.5, 0.65, 0.83, 0.08, 0.22, 0.4, 0.58, 0.74, 0.92)


def asked(market, detail):
    """Settings and config; with a detail timeframe fewer days and more lines."""
    if not detail:
        return SETTINGS, {}
    start, _, end = market.timerange.partition("-")
    later = f"{int(start) + 5}"
    return DENSE, {"timeframe_detail": detail, "timerange": f"{later}-{end}"}


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def whole(backtest, market, known):
    """Make, once, the whole run of a strategy that shorter ones are compared with."""

    def whole(detail="", strategy="AdaptiveGrid"):
        key = (market.datadir, detail, strategy)
        if key not in known:
            settings, config = asked(market, detail)
            known[key] = backtest(market, settings, strategy=strategy, **config)
        assert len(known[key].placed) >= ENOUGH_ORDERS
        assert tags.RECOVER in {tags.verb_of(order.tag) for order in known[key].placed}
        return known[key]

    return whole


def cuts_of(run, shares=CUTS):
    """Moments at which a cycle was opened, so that another forecast would show in the price."""
    opened = [order.time for order in run.placed if order.tag == "L1"]
    return [main_candle(opened[int(share * len(opened))]) for share in shares]


def cut_short(backtest, market, folder, cut, *, detail="", changed=None, strategy="AdaptiveGrid"):
    """The same backtest on candles that end with the one after `cut`.

    freqtrade opens no trade in its last candle, so the list is compared up to the one before.
    """
    target = folder / f"until-{cut:%d-%H%M}"
    datadir = copied_until(market.datadir, target, market, cut + CANDLE, changed)
    settings, config = asked(market, detail)
    start = config.pop("timerange", market.timerange).split("-")[0]
    config["timerange"] = f"{start}-"
    return backtest(market, settings, datadir=datadir, strategy=strategy, **config)


@DETAILS
def test_the_same_backtest_places_the_same_orders_twice(whole, backtest, market, detail):
    settings, config = asked(market, detail)
    first, second = whole(detail), backtest(market, settings, **config)
    assert first.placed == second.placed
    assert first.filled == second.filled


@DETAILS
def test_orders_up_to_a_cut_are_those_of_a_run_whose_candles_end_there(
    whole, backtest, market, detail, tmp_path
):
    run = whole(detail)
    for cut in cuts_of(run):
        part = cut_short(backtest, market, tmp_path, cut, detail=detail)
        assert runs.until(part, cut)
        assert disagreements(run, part, cut) == []


def main_candle(moment: datetime) -> datetime:
    return moment - timedelta(minutes=moment.minute % 5)


def test_what_predictions_change_is_known_at_the_cut(whole, backtest, market, tmp_path):
    run = whole(strategy="PredictedByCloses")
    assert run.placed != whole().placed
    for cut in cuts_of(run):
        part = cut_short(backtest, market, tmp_path, cut, strategy="PredictedByCloses")
        assert disagreements(run, part, cut) == []


@pytest.mark.parametrize("strategy", ["Leaking", "LeakingRegime", "LeakingPrediction"])
def test_a_planted_look_ahead_shows_as_a_difference_at_the_cut(
    whole, backtest, market, strategy, tmp_path
):
    leaking = whole(strategy=strategy)
    assert any(
        disagreements(leaking, cut_short(backtest, market, tmp_path, cut, strategy=strategy), cut)
        for cut in cuts_of(leaking, MORE_CUTS)
    )


@pytest.mark.parametrize(("strategy", "leaks"), [("AdaptiveGrid", False), ("LeakingOne", True)])
def test_orders_do_not_depend_on_the_close_of_the_candle_they_are_placed_in(
    whole, backtest, market, strategy, leaks, tmp_path
):
    """One candle of look-ahead is not seen by cutting: the candle itself must be changed."""
    run = whole(strategy=strategy)
    found = []
    for cut in cuts_of(run, MORE_CUTS if leaks else CUTS):
        part = cut_short(backtest, market, tmp_path, cut, changed="high", strategy=strategy)
        found += disagreements(run, part, cut)
        if leaks and found:
            break
    assert bool(found) is leaks, found


@pytest.mark.parametrize(
    ("direction", "detail"),
    [("long", ""), ("short", ""), ("auto", ""), ("long", "1m"), ("auto", "1m")],
)
def test_no_order_answers_a_fill_within_the_same_candle(backtest, market, direction, detail):
    settings, config = asked(market, detail)
    run = backtest(market, {**settings, "direction": direction}, **config)
    assert len(run.filled) >= 30
    assert answers_within_a_candle(run.events) == []


def answers_within_a_candle(events):
    """Orders placed after a fill of the same pair in the same (detail) candle."""
    last_fill, answers = {}, []
    for event in events:
        if isinstance(event, Filled):
            last_fill[event.pair] = event.time
        elif last_fill.get(event.pair) == event.time and event.tag != runs.END_OF_RUN:
            answers.append(event)
    return answers


@DETAILS
def test_fills_lie_within_the_candle_that_filled_them(whole, detail):
    run = whole(detail)
    assert run.filled
    assert all(one.low <= one.price <= one.high for one in run.filled)
    assert np.isfinite([one.amount for one in run.filled]).all()
