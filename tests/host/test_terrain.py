"""The surveyor: what is known when lines are laid, in a backtest and live."""

import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridkit.analytics import supports
from gridkit.analytics.books import Book
from gridkit.grid.layout import EMPTY
from gridkit.host.context import Context
from gridkit.host.flow import FlowDesk
from gridkit.host.market_data import MarketData
from gridkit.host.terrain import Surveyor
from gridkit.settings import Settings

PAIR = "ETH/USDT"
START = datetime(2025, 1, 1, tzinfo=UTC)
CANDLES = 300
QUICK = {"profile": {"days": 0.25}, "density": {"swing_candles": 3}}


def frame_of(count=CANDLES):
    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.002, count)))
    return pd.DataFrame(
        {
            "date": pd.date_range(START, periods=count, freq="5min"),
            "open": closes,
            "high": closes * 1.001,
            "low": closes * 0.999,
            "close": closes,
            "volume": 1.0,
        }
    )


def surveyor_of(live=False, flow=None, **settings):
    given = Settings(**{**QUICK, **settings})
    market = MarketData(300)
    context = Context(SimpleNamespace(), given, live, 300, market, MarketData(3_600))
    flow = flow or FlowDesk(context, SimpleNamespace())
    return Surveyor(context, flow)


def reading_at(row):
    return SimpleNamespace(opened=(START + row * timedelta(minutes=5)).timestamp())


def test_a_backtest_knows_at_each_candle_what_had_closed_by_then():
    surveyor, frame = surveyor_of(), frame_of()
    surveyor.prepare(PAIR, frame)
    for row in (100, 155, 155, 200, 299):
        found = surveyor.terrain(PAIR, reading_at(row))
        closed = frame.iloc[: row + 1]
        moment = reading_at(row).opened + 300
        wanted = supports.survey(closed, surveyor._context.settings, 300).at(moment)
        assert found.nodes == pytest.approx(wanted.nodes)
        assert found.supports == wanted.levels
        assert found.supports
        assert (found.book, np.isnan(found.imbalance)) == (None, True)


def test_live_knows_the_same_of_the_same_candles():
    frame = frame_of()
    found = []
    for live in (False, True):
        surveyor = surveyor_of(live)
        surveyor.prepare(PAIR, frame)
        found.append(surveyor.terrain(PAIR, reading_at(299)))
    assert found[0].nodes == found[1].nodes != ()
    assert found[0].supports == found[1].supports != ()


def test_new_candles_are_surveyed_anew():
    surveyor = surveyor_of(live=True)
    surveyor.prepare(PAIR, frame_of(200))
    then = surveyor.terrain(PAIR, reading_at(199))
    surveyor.prepare(PAIR, frame_of(240))
    assert surveyor.terrain(PAIR, reading_at(239)).supports != then.supports


def test_within_an_hour_the_survey_is_asked_once(monkeypatch):
    surveyor = surveyor_of()
    surveyor.prepare(PAIR, frame_of())
    first = surveyor.terrain(PAIR, reading_at(203))
    monkeypatch.setattr(supports.Survey, "at", None)
    assert surveyor.terrain(PAIR, reading_at(204)) is first


def test_nothing_is_computed_where_density_and_volume_lines_are_off(monkeypatch):
    monkeypatch.setattr(supports, "survey", None)
    off = {"density": {"enabled": False}, "volume_lines": {"enabled": False}}
    surveyor = surveyor_of(**off)
    surveyor.prepare(PAIR, frame_of())
    assert surveyor.terrain(PAIR, reading_at(200)) is EMPTY


@pytest.mark.parametrize("on", ["density", "volume_lines"])
def test_either_of_them_is_enough_to_look(on):
    off = {"density": {"enabled": False}, "volume_lines": {"enabled": False}}
    surveyor = surveyor_of(**{**off, on: {"enabled": True}})
    surveyor.prepare(PAIR, frame_of())
    assert surveyor.terrain(PAIR, reading_at(200)).nodes


def test_of_a_pair_without_candles_nothing_is_known():
    assert surveyor_of().terrain(PAIR, reading_at(200)) is EMPTY
    assert surveyor_of(live=True).terrain(PAIR, reading_at(200)) is EMPTY


def test_live_a_failure_is_said_once_and_a_backtest_ends_with_it(monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(supports, "survey", broken)
    surveyor = surveyor_of(live=True)
    surveyor._context.now = START
    for _ in range(3):
        surveyor.prepare(PAIR, frame_of())
        with caplog.at_level(logging.ERROR):
            assert surveyor.terrain(PAIR, reading_at(200)) is EMPTY
        surveyor._context.now += timedelta(seconds=60)
    assert [record.message for record in caplog.records] == [
        f"{PAIR}: density_and_volume failed, so lines are laid without density and volume: "
        "ZeroDivisionError()"
    ]
    with pytest.raises(ZeroDivisionError):
        surveyor_of().prepare(PAIR, frame_of())


def test_live_lines_that_cannot_be_laid_on_the_terrain_are_laid_on_none():
    surveyor = surveyor_of(live=True)
    surveyor.prepare(PAIR, frame_of())

    def lay(terrain):
        return "plain" if terrain is EMPTY else 1 / 0

    assert surveyor.laid(PAIR, reading_at(200), lay) == "plain"
    (failing,) = surveyor._context.features.of(PAIR)
    assert (failing.name, failing.failures) == ("density_and_volume", 1)


@pytest.mark.parametrize("live", [False, True])
def test_what_cannot_be_laid_on_any_terrain_is_raised_and_no_failure(live):
    surveyor = surveyor_of(live)
    surveyor.prepare(PAIR, frame_of())

    def lay(_terrain):
        raise ValueError("lines reach zero")

    with pytest.raises(ValueError, match="reach zero"):
        surveyor.laid(PAIR, reading_at(200), lay)
    assert surveyor._context.features.of(PAIR) == []


def test_levels_of_the_book_that_fail_leave_those_of_the_candles(monkeypatch):
    plain = with_book(None)
    monkeypatch.setattr("gridkit.analytics.book_levels.levels", lambda *_: 1 / 0)
    found = with_book(29.0)
    assert (found.nodes, found.supports, found.book) == (plain.nodes, plain.supports, None)


# -- the book ---------------------------------------------------------------------------------


def book_at(age, now):
    bids = np.column_stack([100.0 - 0.05 * np.arange(1, 21), np.full(20, 3.0)])
    asks = np.column_stack([100.0 + 0.05 * np.arange(1, 21), np.full(20, 1.0)])
    return Book(bids, asks, now.timestamp() - age)


def with_book(age, live=True, **settings):
    now = START + CANDLES * timedelta(minutes=5)
    flow = SimpleNamespace(book=lambda _: None if age is None else book_at(age, now))
    surveyor = surveyor_of(live, flow, **settings)
    surveyor._context.now = now
    surveyor.prepare(PAIR, frame_of())
    return surveyor.terrain(PAIR, reading_at(299))


def test_live_the_last_book_is_of_the_terrain_while_it_is_young():
    found = with_book(29.0)
    assert found.book.levels
    assert found.imbalance == pytest.approx(0.5)
    assert found.nodes


@pytest.mark.parametrize("age", [31.0, None, float("nan")])
def test_an_old_book_and_none_leave_the_candles(age):
    found = with_book(age)
    assert found.book is None
    assert found.nodes


def test_how_long_a_book_is_young_is_a_setting():
    assert with_book(31.0, volume_lines={"book_seconds": 40}).book is not None
    assert with_book(29.0, volume_lines={"book_seconds": 20}).book is None
    assert with_book(1.0, volume_lines={"enabled": False}).book is None


def test_a_backtest_has_no_book():
    assert with_book(1.0, live=False).book is None


def test_the_flow_desk_gives_the_last_book_of_a_pair():
    surveyor = surveyor_of()
    flow = surveyor._flow
    assert flow.book(PAIR) is None
    books = [book_at(age, START) for age in (2.0, 1.0)]
    flow._books[PAIR] = books
    assert flow.book(PAIR) is books[-1]
