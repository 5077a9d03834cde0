"""The board of features: neutral for a candle, off after three in a row, guards never."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gridkit.host import failing
from gridkit.host.failing import COLUMN, EVERY_PAIR, FEATURES, GUARDS, MOST_FAILURES
from gridkit.host.features import Features
from gridkit.host.terrain import FEATURE

START = datetime(2025, 1, 2, tzinfo=UTC)
CANDLE = timedelta(minutes=5)
PAIR, OTHER = "ETH/USDT", "BTC/USDT"
NAMES, PAIRS = ("profile", "sizing"), (PAIR, OTHER)
ROOT = Path(__file__).parents[2]
ASKED = re.compile(r"\b(?:run|guard)\(\s*\"([a-z_]+)\"")
# A module of the analysis: a function of one frame, pair and analyst.
PART = re.compile(
    r"def _([a-z]+)\(frame: pd\.DataFrame, pair: str, analyst: \"Analyst\"\) -> pd\.DataFrame:"
)


class Board(Features):
    """A board with a clock of its own, and what people were told."""

    def __init__(self, *, live=True):
        self.now = START
        self.told = []
        super().__init__(live=live, seconds=300, clock=lambda: self.now)
        self.tell = lambda name, pair, why: self.told.append((name, pair, why))

    def asks(self, *, fails=False, name="profile", pair=PAIR, **more):
        return self.run(name, pair, raising if fails else lambda: "made", lambda: "none", **more)

    def guards(self, *, fails=False, name="shocks", pair=PAIR, refusal=lambda: "refused"):
        return self.guard(name, pair, raising if fails else lambda: "made", refusal)

    def closes(self, candles=1):
        self.now += candles * CANDLE


def raising():
    raise ZeroDivisionError("a defect")


def states(board, pair=PAIR):
    return {one.name: one.state for one in board.of(pair)}


# -- features -------------------------------------------------------------------------------------


def test_a_feature_that_failed_is_neutral_for_the_rest_of_its_candle_and_tried_in_the_next():
    board = Board()
    assert board.asks(fails=True) == "none"
    board.now += timedelta(seconds=299)
    assert board.asks() == "none"
    board.now += timedelta(seconds=1)
    assert board.asks() == "made"


def test_after_three_failures_in_a_row_it_is_off_whatever_comes_and_told_once():
    board = Board()
    for _ in range(MOST_FAILURES):
        assert (states(board).get("profile"), board.told) != ("off", [])
        board.asks(fails=True)
        board.closes()
    assert states(board) == {"profile": "off"}
    for _ in range(5):
        assert board.asks() == "none"
        board.closes()
    assert board.told == [("profile", PAIR, "ZeroDivisionError('a defect')")]


def test_a_candle_in_which_it_worked_ends_the_row():
    board = Board()
    for fails in (True, True, False, True, True, False, True):
        assert board.asks(fails=fails) == ("none" if fails else "made")
        board.closes()
    assert states(board) == {"profile": "failing"}


def test_of_a_candle_the_part_that_failed_counts_and_not_the_part_that_worked():
    """What is asked for in two places of a candle is off as soon as if it were one."""
    board = Board()
    for _ in range(MOST_FAILURES):
        board.asks()
        board.asks(fails=True)
        board.closes()
    assert states(board) == {"profile": "off"}


def test_a_failure_counts_for_its_pair_and_its_feature_alone():
    board = Board()
    for _ in range(MOST_FAILURES):
        board.asks(fails=True)
        board.closes()
    assert board.asks(pair=OTHER) == board.asks(name="sizing") == "made"
    assert (states(board), states(board, OTHER)) == ({"profile": "off"}, {})


def test_people_are_told_of_the_first_pair_and_the_log_and_the_board_know_all(caplog):
    board = Board()
    for _ in range(MOST_FAILURES):
        for pair in PAIRS:
            board.asks(fails=True, pair=pair)
        board.closes()
    assert [pair for _, pair, _ in board.told] == [PAIR]
    assert {pair: states(board, pair) for pair in PAIRS} == {
        pair: {"profile": "off"} for pair in PAIRS
    }
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [bool(one.exc_info) for one in errors] == [True, False, False, False]
    assert [one.message.split(":")[0] for one in errors] == [*PAIRS, *PAIRS]


def test_one_that_is_insisted_on_is_tried_though_it_is_off():
    board = Board()
    for _ in range(MOST_FAILURES + 1):
        board.asks(fails=True)
        assert board.asks(insist=True) == "made"
        board.closes()
    assert states(board) == {"profile": "off"}


def test_what_raises_without_the_feature_too_is_raised_and_not_its_failure():
    board = Board()
    with pytest.raises(ZeroDivisionError):
        board.run("profile", PAIR, raising, raising)
    assert board.of(PAIR) == []


def test_a_feature_of_the_account_is_shown_on_every_pair():
    board = Board()
    board.asks(fails=True, pair=EVERY_PAIR)
    assert states(board, PAIR) == states(board, OTHER) == {"profile": "failing"}


@pytest.mark.parametrize("ask", [Board.asks, Board.guards])
def test_in_a_backtest_the_error_is_raised(ask):
    board = Board(live=False)
    assert ask(board) == "made"
    with pytest.raises(ZeroDivisionError):
        ask(board, fails=True)


def test_a_new_board_has_everything_on():
    old = Board()
    for _ in range(MOST_FAILURES):
        old.asks(fails=True)
        old.closes()
    assert Board().asks() == "made"


# -- guards ---------------------------------------------------------------------------------------


def test_a_guard_that_fails_refuses_is_asked_each_time_and_never_off():
    board = Board()
    for _ in range(3 * MOST_FAILURES):
        assert board.guards(fails=True) == "refused"
        assert str(board.block(PAIR)) == "shocks failed"
        assert board.block(OTHER) is None
        board.closes()
    assert (states(board), board.told) == ({"shocks": "refuses"}, [])
    assert str(board.of(PAIR)[0]).startswith("shocks fails and refuses since 01-02 00:00:")
    assert board.guards() == "made"
    assert (board.block(PAIR), board.of(PAIR)) == (None, [])


def test_a_guard_without_an_answer_of_its_own_raises_and_blocks():
    board = Board()
    with pytest.raises(ZeroDivisionError):
        board.guards(fails=True, name="regime", refusal=None)
    assert str(board.block(PAIR)) == "regime failed"


def test_a_feature_that_fails_or_is_off_blocks_nothing():
    board = Board()
    for _ in range(MOST_FAILURES):
        board.asks(fails=True)
        assert board.block(PAIR) is None
        board.closes()


def test_every_part_that_is_asked_for_is_named_and_everything_named_is_asked_for():
    """An unknown name would be noticed only once it failed."""
    sources = [path.read_text() for path in (ROOT / "strategies/gridkit/host").rglob("*.py")]
    asked = {name for text in sources for name in ASKED.findall(text)} | {FEATURE, "implied"}
    asked |= {part for text in sources for part in PART.findall(text)} | {"garch", "basket"}
    asked |= {"prediction"}  # by what makes its columns
    assert asked == FEATURES.keys() | GUARDS.keys()


def test_the_architecture_names_each_and_what_stands_in_for_it():
    document = (ROOT / "docs" / "architecture.md").read_text()
    rows = [f"| `{name}` | {text} |" for name, text in {**FEATURES, **GUARDS}.items()]
    assert [row for row in rows if row not in document] == []


def test_nothing_is_both_a_feature_and_a_guard():
    assert not FEATURES.keys() & GUARDS.keys()
    assert all([*FEATURES.values(), *GUARDS.values()])


# -- what is shown --------------------------------------------------------------------------------


def test_the_last_candle_says_what_fails_and_without_failures_there_is_no_column():
    board, frame = Board(), pd.DataFrame({"close": [1.0, 2.0]})
    board.write(frame, PAIR)
    assert list(frame) == ["close"]
    board.asks(fails=True)
    board.write(frame, PAIR)
    assert frame[COLUMN].iloc[0] == ""
    (one,) = failing.read(frame[COLUMN].iloc[-1])
    assert one == {
        "name": "profile", "state": "failing", "failures": 1, "since": START.isoformat(),
        "why": "ZeroDivisionError('a defect')",
    }  # fmt: skip
    json.dumps(board.documents(PAIR), allow_nan=False)


def test_a_frame_without_candles_is_left_alone():
    board, frame = Board(), pd.DataFrame({"close": []})
    board.asks(fails=True)
    board.write(frame, PAIR)
    assert list(frame) == ["close"]


def test_what_is_off_says_since_when_and_why():
    board = Board()
    for _ in range(MOST_FAILURES):
        board.asks(fails=True)
        board.closes()
    (one,) = board.of(PAIR)
    assert str(one) == "profile off since 01-02 00:10: ZeroDivisionError('a defect')"


# -- without an answer ----------------------------------------------------------------------------


def test_what_is_marked_is_shown_as_waiting_and_asked_again_in_the_next_candle():
    board = Board()
    assert board.asks() == "made"
    board.mark("profile", PAIR, "no candles yet")
    (shown,) = board.of(PAIR)
    assert (shown.state, shown.why, shown.failures) == ("waits", "no candles yet", 0)
    assert board.asks() == "none"
    board.closes()
    assert board.asks() == "made"


def test_however_often_it_is_marked_it_is_never_switched_off_and_nobody_is_told():
    board = Board()
    for _ in range(5 * MOST_FAILURES):
        assert board.asks() == "made"
        board.mark("profile", PAIR, "no candles yet")
        board.closes()
    assert states(board) == {"profile": "waits"}
    assert board.told == []


def test_a_candle_in_which_it_was_asked_for_and_not_marked_ends_it(caplog):
    board = Board()
    board.mark("profile", PAIR, "no candles yet")
    for _ in range(2):
        board.closes()
        with caplog.at_level(logging.INFO):
            board.asks()
    assert board.of(PAIR) == []
    assert "works again" in caplog.text


def test_it_waits_since_it_was_first_marked_and_says_why_now():
    board = Board()
    board.mark("profile", PAIR, "no candles yet")
    board.closes(3)
    board.mark("profile", PAIR, "too few")
    (shown,) = board.of(PAIR)
    assert (shown.since, shown.why) == (START, "too few")
    assert str(shown) == "profile has no answer since 01-02 00:00: too few"
    assert shown.document()["state"] == "waits"


def test_each_reason_is_logged_once(caplog):
    board = Board()
    with caplog.at_level(logging.INFO):
        for why in ("a", "a", "b", "b" * 999, "b" * 999, "a"):
            board.mark("profile", PAIR, why)
    said = [record.message.rpartition(": ")[2] for record in caplog.records]
    assert said == ["a", "b", "b" * 999, "a"]
    assert board.of(PAIR)[0].why == "a"


def test_a_long_reason_is_cut():
    board = Board()
    board.mark("profile", PAIR, "b" * 999)
    assert board.of(PAIR)[0].why == "b" * 200


def test_what_is_marked_may_still_fail_and_failures_count_from_there():
    board = Board()
    board.mark("profile", PAIR, "no candles yet")
    seen = []
    for _ in range(MOST_FAILURES):
        board.closes()
        assert board.asks(fails=True) == "none"
        seen.append(states(board)["profile"])
    assert seen == ["failing", "failing", "off"]
    assert [name for name, _, _ in board.told] == ["profile"]


def test_a_mark_counts_for_its_pair_alone():
    board = Board()
    board.mark("profile", PAIR, "no candles yet")
    assert states(board, OTHER) == {}


def test_a_failure_that_is_followed_by_a_mark_counts_no_more():
    """It did not fail this time: it has nothing to say."""
    board = Board()
    for _ in range(MOST_FAILURES):
        board.asks(fails=True)
        board.closes()
        board.asks()
        board.mark("profile", PAIR, "no candles yet")
        board.closes()
    assert states(board) == {"profile": "waits"}


# -- any order of failures ------------------------------------------------------------------------


class Machine(RuleBasedStateMachine):
    """Failures and successes of two features on two pairs, against a list of their candles."""

    def __init__(self):
        super().__init__()
        self.board = Board()
        self.history = {(name, pair): [] for name in NAMES for pair in PAIRS}
        self.off = set()
        self.asked = set()

    @rule(name=st.sampled_from(NAMES), pair=st.sampled_from(PAIRS), fails=st.booleans())
    def asks(self, name, pair, fails):
        key, candles = (name, pair), self.history[name, pair]
        found = self.board.asks(fails=fails, name=name, pair=pair)
        if key not in self.asked:
            candles.append(True)
            self.asked.add(key)
        if key in self.off or not candles[-1]:
            assert found == "none"
            return
        candles[-1] = not fails
        assert found == ("none" if fails else "made")
        if candles[-MOST_FAILURES:] == [False] * MOST_FAILURES:
            self.off.add(key)

    @precondition(lambda self: self.asked)
    @rule(candles=st.integers(1, 3))
    def closes(self, candles):
        self.board.closes(candles)
        self.asked.clear()

    @invariant()
    def what_is_off_is_shown_and_told_once_per_feature(self):
        shown = {(one.name, pair) for pair in PAIRS for one in self.board.of(pair)
                 if one.state == "off"}  # fmt: skip
        assert shown == self.off
        assert sorted(name for name, _, _ in self.board.told) == sorted({one for one, _ in shown})


TestAnyOrder = Machine.TestCase
