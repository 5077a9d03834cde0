"""How a pair's predictor stands: in words, as a document, on the chart, and to people once."""

import json
import math
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from freqtrade.enums import RunMode
from freqtrade.ft_types.plot_annotation_type import AnnotationTypeTA

from gridkit.host import drawing, signals
from gridkit.host.directional import drawing as directional_drawing
from gridkit.host.prediction import belief, heeding
from gridkit.prediction.gate import Why
from gridkit.settings import PredictionSettings, Settings
from host import desks
from host.desks import NOW, PAIR
from host.directional import desks as directional_desks

FREQAI = {"freqai": {"enabled": True}}
RECORD = {
    "prediction_accuracy": 0.58, "prediction_lower": 0.55, "prediction_break_even": 0.532,
    "prediction_outcomes": 62.4,
}  # fmt: skip
TOLD = "; right in 58.0% of 62 outcomes, surely in 55.0%, pays from 53.2%"
MODEL = {"prediction_hours": 193.0, "prediction_drifted": 0.62}


def columns(why, up=math.nan, **more):
    known = {"prediction_gate": np.int8(why), "prediction_up": np.float32(up)}
    return {**known, **RECORD, **MODEL, "prediction_up_15m": 0.51, **more}


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Why.ON, "prediction on: a rise with 72%"),
        (Why.FEW, "prediction off: too few predictions whose outcome is known"),
        (Why.OLD, "prediction off: the model is too old (193 h)"),
        (Why.DRIFTED, "prediction off: the market is too unlike what the model was trained on "
         "(62% of its features)"),
        (Why.UNKNOWN, "prediction off: there is no prediction for this candle"),
    ],
)  # fmt: skip
def test_a_gate_is_told_with_its_reason_and_its_figures(why, said):
    assert str(belief.of(columns(why, 0.72))) == said + TOLD


@pytest.mark.parametrize("why", list(Why))
def test_figures_that_are_unknown_are_left_out(why):
    unknown = dict.fromkeys(RECORD, math.nan)
    assert "outcomes, " not in str(belief.of(columns(why, 0.72, **unknown)))


@pytest.mark.parametrize(
    "candle", [{}, {"prediction_up": 0.7}, {"prediction_gate": None}, {"prediction_gate": 99}]
)
def test_without_a_predictor_nothing_is_believed(candle):
    assert belief.of(candle) is None


def test_the_document_is_plain_json_in_which_the_unknown_is_null():
    found = belief.of(columns(Why.FEW, prediction_up_4h=math.nan)).document()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["gate"], found["heeded"], found["up"]) == ("few", False, None)
    assert found["horizons"] == {"15m": 0.51, "4h": None}
    assert {"accuracy", "lower", "break_even", "outcomes", "drifted", "hours"} <= found.keys()


def test_every_column_of_the_predictor_is_read():
    frame = pd.DataFrame({"close": [1.0, 2.0]})
    made = heeding.unknown(frame, PredictionSettings())
    assert {*belief.COLUMNS, *(f"{belief.RAW}{one}" for one in ("15m", "1h", "4h"))} == set(made)
    found = belief.of_frame(frame.join(made))
    assert (found.why, list(found.raw)) == (Why.UNKNOWN, ["15m", "1h", "4h"])
    assert belief.of_frame(frame) is None
    assert belief.of_frame(frame.join(made).iloc[:0]) is None


# -- who is told ------------------------------------------------------------------------------


def grid(**settings):
    return desks.strategy_of(RunMode.DRY_RUN, spacing={"method": "fixed"}, **settings)


def confluence(**settings):
    return directional_desks.strategy_of(RunMode.DRY_RUN, **settings)


def show(strategy, why, minutes=0, pair=PAIR):
    """One more candle, analysed at this minute."""
    strategy.desk.context.now = NOW + timedelta(minutes=minutes)
    more = {} if why is None else columns(why, 0.72)
    if strategy.get_strategy_name() == "Confluence":
        directional_desks.sees(strategy, 100.0, pair=pair, **more)
    else:
        signals.prepare(desks.candles_at(100.0, **more), pair, strategy)


def sent(strategy):
    return [text for text in strategy.dp.sent if "prediction o" in text]


@pytest.fixture(autouse=True)
def trades(open_trades, monkeypatch):
    """Of none of them a database knows anything."""
    monkeypatch.setattr("freqtrade.persistence.Trade.get_trades", lambda *_, **__: iter(()))
    return open_trades


@pytest.fixture(params=[grid, confluence])
def bot(request):
    return request.param(messages={"least_seconds": 0, "block_minutes": 30})


def test_each_change_is_told_once_and_a_start_tells_nothing(bot):
    for minutes, why in ((0, Why.FEW), (5, Why.UNSURE), (10, Why.ON), (15, Why.ON)):
        show(bot, why, minutes)
    assert sent(bot) == [f"`{PAIR}` `prediction on: a rise with 72%{TOLD}`"]
    for minutes, why in ((20, Why.INACCURATE), (25, Why.UNSURE)):
        show(bot, why, minutes)
    assert sent(bot)[1:] == [f"`{PAIR}` `prediction off: {Why.INACCURATE.text}{TOLD}`"]


def test_a_start_with_the_gate_on_tells_nothing_until_it_is_off(bot):
    for minutes, why in ((0, Why.UNKNOWN), (5, Why.ON), (10, Why.ON)):
        show(bot, why, minutes)
    assert sent(bot) == []
    show(bot, Why.OLD, 15)
    assert len(sent(bot)) == 1


def test_a_candle_without_a_prediction_is_news_only_once_that_lasts(bot):
    for minutes, why in ((0, Why.ON), (5, Why.UNKNOWN), (30, Why.UNKNOWN), (34, Why.ON)):
        show(bot, why, minutes)
    assert sent(bot) == []
    for minutes in (40, 69):
        show(bot, Why.UNKNOWN, minutes)
    assert sent(bot) == []
    show(bot, Why.UNKNOWN, 70)
    show(bot, Why.UNKNOWN, 75)
    assert len(sent(bot)) == 1


def test_what_was_held_back_is_told_at_the_next_candle():
    bot = grid(messages={"least_seconds": 0, "most_per_hour": 1})
    for minutes, why in ((0, Why.FEW), (1, Why.ON), (2, Why.FEW), (3, Why.FEW), (63, Why.FEW)):
        show(bot, why, minutes)
    assert ["prediction on" in text for text in sent(bot)] == [True, False]


def test_predictions_that_nobody_heeds_are_not_told_and_not_published():
    bot = grid(prediction={"enabled": False})
    for minutes, why in ((0, Why.FEW), (5, Why.ON)):
        show(bot, why, minutes)
    assert (sent(bot), bot.desk.beliefs.document(PAIR)) == ([], None)


def test_a_backtest_says_nothing():
    bot = desks.strategy_of(spacing={"method": "fixed"})
    for minutes, why in ((0, Why.FEW), (5, Why.ON)):
        bot.desk.context.now = NOW + timedelta(minutes=minutes)
        signals.prepare(desks.candles_at(100.0, **columns(why)), PAIR, bot)
    assert (bot.dp.sent, bot.desk.beliefs.document(PAIR)) == ([], None)


def test_what_is_believed_of_a_pair_is_that_of_its_last_candle(bot):
    show(bot, Why.FEW)
    show(bot, Why.ON, 5)
    assert bot.desk.beliefs.document(PAIR)["gate"] == "on"
    show(bot, None, 10)
    assert bot.desk.beliefs.document(PAIR) is None


# -- what is drawn ----------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [drawing, directional_drawing])
def test_the_chart_has_the_prediction_where_a_predictor_runs(draws):
    found = draws.plot_config(Settings(), FREQAI)["subplots"]["Prediction"]
    assert list(found) == [
        "prediction_up", "prediction_up_4h", "prediction_accuracy", "prediction_lower",
        "prediction_break_even",
    ]  # fmt: skip
    assert len({one["color"] for one in found.values()}) == len(found)
    assert "Prediction" not in draws.plot_config(Settings(), {})["subplots"]


def labels(strategy, **more):
    frame = desks.candles_at(100.0, **more)
    start, end = frame["date"].iloc[0], frame["date"].iloc[-1]
    drawn = drawing.for_pair(PAIR, start, end, frame, strategy.desk)
    for one in drawn:
        AnnotationTypeTA.validate_python(one, extra="forbid")
    return [one["label"] for one in drawn if one["label"].startswith("prediction")]


def test_a_grids_chart_says_whether_predictions_are_heeded_and_what_they_change():
    effect = "; lines of a side above 70% cost 10% more, of one below 30% none is added"
    assert labels(grid(), **columns(Why.ON, 0.72)) == [
        f"prediction on: a rise with 72%{TOLD}{effect}"
    ]
    assert labels(grid(), **columns(Why.FEW)) == [f"prediction off: {Why.FEW.text}{TOLD}"]
    assert labels(grid()) == []
    assert labels(grid(prediction={"enabled": False}), **columns(Why.ON, 0.72)) == []


# -- what is published ------------------------------------------------------------------------


def test_confluence_publishes_what_is_believed_of_a_position(monkeypatch):
    bot = confluence()
    show(bot, Why.ON)
    written = {}
    trade = directional_desks.opened()
    trade.get_custom_data = lambda _key: None
    trade.set_custom_data = lambda key, value: written.update({key: value})
    publisher = bot.desk.publisher
    monkeypatch.setattr(publisher, "_metrics", lambda _now: None)
    publisher.publish(trade, NOW)
    assert written["confluencestate"]["prediction"]["gate"] == "on"
    json.dumps(written, allow_nan=False)


def test_a_cycle_publishes_what_is_believed_of_its_pair(trades, monkeypatch):
    bot = grid()
    show(bot, Why.ON)
    trade = desks.trade_of(desks.order_of("L1", 99.0))
    trade.open_date = NOW
    trades.append(trade)
    seen = []
    note = lambda *_given, standing, **_more: seen.append(standing.prediction)  # noqa: E731
    monkeypatch.setattr("gridkit.host.plan_store.publish", note)
    cycle = SimpleNamespace(verdict=SimpleNamespace(order=None, block=None, withheld=None))
    bot.desk._publish(cycle, cycle.verdict, trade, NOW)
    assert [one["gate"] for one in seen] == ["on"]
