"""Breakers on the drawdown: when they go up, what they wait for, and what they never allow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gridkit.risk import breakers
from gridkit.risk.breakers import Stage, Standing, State
from gridkit.settings import BreakerSettings

RULE = BreakerSettings()
HOUR, DAY = 3_600.0, 86_400.0
COOLDOWN = 12 * HOUR


def at(profit, peak=0.0, *, base=1_000.0, holding=True):
    return Standing(base, profit, max(peak, profit), holding)


def after(*looks, rule=RULE, state=None, step=300.0):
    """The state after looks at so many profits, one candle apart."""
    state, peak = state or State(), 0.0
    for index, profit in enumerate(looks):
        peak = max(peak, profit)
        state = breakers.next_state(state, index * step, at(profit, peak), rule)
    return state


# -- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawdown", "stage"),
    [
        (0.0499, Stage.CLEAR), (0.05, Stage.YELLOW), (0.0799, Stage.YELLOW), (0.08, Stage.ORANGE),
        (0.1199, Stage.ORANGE), (0.12, Stage.RED), (0.5, Stage.RED),
    ],
)  # fmt: skip
def test_each_line_is_reached_at_its_own_drawdown(drawdown, stage):
    state = breakers.next_state(State(), 0.0, at(-drawdown * 1_000), RULE)
    assert state.stage is stage


def test_the_drawdown_is_a_fraction_of_the_equity_at_the_peak():
    assert at(-60.0, 200.0).drawdown(200.0) == pytest.approx(260 / 1_200)
    assert at(200.0, 200.0).drawdown(200.0) == 0.0


@pytest.mark.parametrize(
    ("up", "profit", "stage"),
    [
        (-50.0, -45.1, Stage.YELLOW), (-50.0, -44.9, Stage.CLEAR),
        (-80.0, -72.1, Stage.ORANGE), (-80.0, -71.9, Stage.YELLOW),
        (-80.0, -45.1, Stage.YELLOW), (-80.0, -44.9, Stage.CLEAR),
    ],
)  # fmt: skip
def test_a_line_goes_down_once_nine_tenths_of_it_are_left(up, profit, stage):
    assert after(0.0, up, profit).stage is stage


def test_what_goes_up_says_since_when_and_against_what():
    seen = at(-85.0)
    state = breakers.next_state(State(), 600.0, seen, RULE)
    up = breakers.breaker(state, 900.0, seen, RULE)
    assert (up.name, up.value, up.threshold) == ("orange: drawdown", 0.085, 0.08)
    assert (up.since, up.until, up.stage) == (600.0, math.inf, Stage.ORANGE)
    assert up.action == "exits only"
    assert str(up.block) == "orange: drawdown: 0.085 against 0.08"


def test_nothing_is_up_in_a_calm_account_or_with_breakers_switched_off():
    assert breakers.breaker(State(), 0.0, at(0.0), RULE) is None
    off = BreakerSettings(enabled=False)
    state = breakers.next_state(State(Stage.RED, 5.0), 10.0, at(-500.0), off)
    assert state == State()
    assert breakers.breaker(state, 10.0, at(math.nan), off) is None


@pytest.mark.parametrize(
    "seen",
    [
        at(math.nan), at(-1.0, base=math.nan), at(-10.0, base=0.0), at(-10.0, base=-5.0),
        Standing(1_000.0, 1.0, math.nan, True), at(-math.inf), at(0.0, base=math.inf),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stage", list(Stage))
def test_an_account_that_cannot_be_valued_changes_nothing_and_adds_nothing(seen, stage):
    state = State(stage, 5.0)
    assert breakers.next_state(state, 1e9, seen, RULE) == state
    up = breakers.breaker(state, 1e9, seen, RULE)
    assert up.stage is max(stage, Stage.ORANGE)


# -- red and restarts -------------------------------------------------------------------------


def red(now=0.0, profit=-120.0, peak=0.0):
    return breakers.next_state(State(), now, at(profit, peak), RULE)


def looked(state, now, seen, rule=RULE):
    return breakers.next_state(state, now, seen, rule)


def test_red_is_not_left_by_a_recovery():
    assert looked(red(), 300.0, at(-10.0)).stage is Stage.RED


def test_red_cools_down_for_its_hours_from_when_it_was_reached():
    state = looked(red(), 300.0, at(-125.0, holding=False))
    flat = at(-125.0, holding=False)
    assert breakers.breaker(state, 300.0, flat, RULE).until == COOLDOWN
    assert looked(state, COOLDOWN - 1, flat).stage is Stage.RED
    assert looked(state, COOLDOWN, flat).stage is Stage.CLEAR


def test_nothing_restarts_while_something_is_still_held():
    state = looked(red(), COOLDOWN + 1, at(-125.0))
    assert state.stage is Stage.RED
    assert breakers.breaker(state, COOLDOWN + 1, at(-125.0), RULE).until == math.inf
    sold = looked(state, COOLDOWN + 2, at(-125.0, holding=False))
    assert looked(sold, COOLDOWN + 3, at(-125.0, holding=False)).stage is Stage.CLEAR


def restarted(profit=-125.0):
    state = looked(red(), 300.0, at(profit, holding=False))
    return looked(state, COOLDOWN, at(profit, holding=False))


def test_after_a_restart_the_lines_count_from_what_was_left():
    state = restarted()
    assert state == State(Stage.CLEAR, COOLDOWN, None, -125.0, (COOLDOWN,))
    left = 1_000 - 125.0
    for drawdown, stage in ((0.04, Stage.CLEAR), (0.05, Stage.YELLOW), (0.08, Stage.ORANGE)):
        seen = at(-125.0 - left * (drawdown + 1e-9))
        assert looked(state, COOLDOWN + 1, seen).stage is stage


def test_after_a_restart_the_lines_follow_the_best_since_then():
    state = looked(restarted(), COOLDOWN + 1, at(-45.0))
    assert state.best == -45.0
    assert looked(state, COOLDOWN + 2, at(-45.0 - 0.05 * 955 + 1e-6)).stage is Stage.CLEAR
    assert looked(state, COOLDOWN + 2, at(-45.0 - 0.05 * 955 - 1e-6)).stage is Stage.YELLOW


def test_at_a_new_peak_the_restart_is_history_but_still_counted():
    state = looked(restarted(), COOLDOWN + 1, at(10.0))
    assert state.best is None
    assert state.restarts == (COOLDOWN,)
    assert looked(state, COOLDOWN + 2, at(10.0 - 0.05 * 1_010, 10.0)).stage is Stage.YELLOW


def test_black_counts_from_the_peak_whatever_was_restarted():
    state = restarted()
    assert looked(state, COOLDOWN + 1, at(-199.9)).stage is Stage.ORANGE, "8.6 % since then"
    state = looked(state, COOLDOWN + 1, at(-200.0))
    assert state.stage is Stage.RED
    flat = at(-200.0, holding=False)
    state = looked(state, COOLDOWN + 2, flat)
    much_later = 100 * DAY
    assert looked(state, much_later, flat).stage is Stage.RED
    up = breakers.breaker(state, much_later, flat, RULE)
    assert (up.name, up.value) == ("drawdown beyond which nothing restarts", 0.2)
    assert up.until == math.inf


def test_a_deposit_or_other_settings_let_a_black_account_restart():
    flat = at(-210.0, holding=False)
    state = looked(looked(State(), 0.0, at(-210.0)), 300.0, flat)
    assert looked(state, DAY, flat).stage is Stage.RED
    richer = at(-210.0, base=2_000.0, holding=False)
    assert looked(state, DAY, richer).stage is Stage.CLEAR
    assert looked(state, DAY, flat, BreakerSettings(black=0.3)).stage is Stage.CLEAR


def fallen(times, rule=RULE):
    """An account that reaches red so many times, each time as soon as it may; now, and what is."""
    state, now, profit = State(), 0.0, 0.0
    for _ in range(times):
        profit -= 0.05 * (1_000 + profit)
        state = looked(state, now, at(profit), rule)
        assert state.stage is Stage.RED
        now += COOLDOWN
        state = looked(state, now - 1, at(profit, holding=False), rule)
        state = looked(state, now, at(profit, holding=False), rule)
    return state, now, at(profit, holding=False)


QUICK = BreakerSettings(yellow=0.02, orange=0.03, red=0.05)


def test_there_are_so_many_restarts_within_so_many_days_and_then_one_more_once_they_are_over():
    state, now, flat = fallen(3, QUICK)
    assert state.stage is Stage.RED
    assert state.restarts == (COOLDOWN, 2 * COOLDOWN)
    up = breakers.breaker(state, now, flat, QUICK)
    assert (up.name, up.value, up.threshold) == ("restarts in 7 days", 2.0, 2.0)
    assert up.until == COOLDOWN + 7 * DAY
    assert looked(state, up.until - 1, flat, QUICK).stage is Stage.RED
    state = looked(state, up.until, flat, QUICK)
    assert state.stage is Stage.CLEAR
    assert state.restarts == (2 * COOLDOWN, COOLDOWN + 7 * DAY), "the oldest is forgotten"


def test_without_restarts_red_is_for_good():
    never = BreakerSettings(most_restarts=0)
    flat = at(-130.0, holding=False)
    state = looked(looked(State(), 0.0, at(-130.0), never), 1.0, flat, never)
    assert looked(state, 365 * DAY, flat, never).stage is Stage.RED
    assert breakers.breaker(state, 365 * DAY, flat, never).until == math.inf


@pytest.mark.parametrize(("profit", "stage"), [(-60.0, Stage.YELLOW), (-90.0, Stage.ORANGE)])
def test_a_bot_that_holds_nothing_is_not_yellow_or_orange_for_ever(profit, stage):
    """Nothing is left that could recover; the cool-down runs from when nothing was held."""
    state, flat = looked(State(), 0.0, at(profit)), at(profit, holding=False)
    state = looked(state, HOUR, flat)
    assert state.stage is stage
    assert breakers.breaker(state, HOUR, flat, RULE).until == HOUR + COOLDOWN
    assert looked(state, HOUR + COOLDOWN - 1, flat).stage is stage
    again = looked(state, HOUR + COOLDOWN, flat)
    assert again.stage is Stage.CLEAR
    assert again.restarts == (HOUR + COOLDOWN,)


def test_what_is_held_in_between_starts_the_wait_anew():
    flat = at(-60.0, holding=False)
    state = looked(looked(State(), 0.0, at(-60.0)), HOUR, flat)
    state = looked(state, 2 * HOUR, at(-60.0))
    state = looked(state, 3 * HOUR, flat)
    assert looked(state, HOUR + COOLDOWN, flat).stage is Stage.YELLOW
    assert looked(state, 3 * HOUR + COOLDOWN, flat).stage is Stage.CLEAR


# -- properties -------------------------------------------------------------------------------

paths = st.lists(
    st.tuples(st.floats(-400, 400), st.booleans(), st.floats(1.0, 200_000.0)), max_size=30
)


def run(path, scale=1.0, rule=RULE):
    state, now, peak, seen = State(), 0.0, 0.0, []
    for profit, holding, wait in path:
        now += wait
        peak = max(peak, profit * scale)
        standing = at(profit * scale, peak, base=1_000.0 * scale, holding=holding)
        state = breakers.next_state(state, now, standing, rule)
        seen.append((now, standing, state, breakers.breaker(state, now, standing, rule)))
    return seen


@given(path=paths, power=st.integers(-20, 20))
def test_an_account_of_any_size_is_judged_alike(path, power):
    ours, scaled = run(path), run(path, 2.0**power)
    assert [one[2].stage for one in ours] == [one[2].stage for one in scaled]
    assert [one[2].restarts for one in ours] == [one[2].restarts for one in scaled]


@given(path=paths)
def test_no_more_restarts_than_allowed_and_none_beyond_black(path):
    before = State()
    for now, seen, state, _ in run(path):
        recent = [one for one in state.restarts if one > now - RULE.restart_days * DAY]
        assert len(recent) <= RULE.most_restarts
        if state.restarts and state.restarts[-1] == now:
            assert before.stage is not Stage.CLEAR
            assert not seen.holding
            assert seen.drawdown(seen.peak_profit) < RULE.black
        before = state


@given(path=paths)
def test_black_is_always_red_and_what_is_up_always_has_its_figures(path):
    for now, seen, state, up in run(path):
        if seen.drawdown(seen.peak_profit) >= RULE.black:
            assert state.stage is Stage.RED
        assert (up is None) == (state.stage is Stage.CLEAR)
        if up is not None:
            assert up.stage is state.stage
            assert math.isfinite(up.value)
            assert up.threshold >= 0
            assert up.since <= now
            assert up.until > now or seen.holding or state.idle_since is not None


@given(path=paths, more=st.floats(0.0, 300.0))
def test_a_worse_account_is_never_treated_better_at_first_sight(path, more):
    """From the same state, a lower profit never ends in a milder stage."""
    if not path:
        return
    *past, (profit, holding, _) = path
    state = run(past)[-1][2] if past else State()
    peak = max([0.0, profit, *(one[0] for one in past)])
    now = sum(one[2] for one in path)
    if state.stage is Stage.RED or not holding:
        return
    fine = breakers.next_state(state, now, at(profit, peak, holding=True), RULE)
    worse = breakers.next_state(state, now, at(profit - more, peak, holding=True), RULE)
    assert worse.stage >= fine.stage


class Account(RuleBasedStateMachine):
    """An account that trades while it may, against a model in plain words."""

    def __init__(self):
        super().__init__()
        self.state, self.now, self.profit, self.peak = State(), 0.0, 0.0, 0.0
        self.holding = False
        self.restarts, self.red_since = [], None

    def look(self):
        self.peak = max(self.peak, self.profit)
        seen = at(self.profit, self.peak, holding=self.holding)
        before, self.state = self.state, breakers.next_state(self.state, self.now, seen, RULE)
        if before.stage is not Stage.RED and self.state.stage is Stage.RED:
            self.red_since = self.now
        if self.state.restarts[-1:] != before.restarts[-1:]:
            self.restarts.append(self.now)
            if before.stage is Stage.RED:
                assert self.now >= self.red_since + COOLDOWN

    @rule(move=st.floats(-0.06, 0.06))
    @precondition(lambda self: self.holding)
    def market_moves(self, move):
        self.profit += move * (1_000 + self.profit)
        self.look()

    @rule()
    @precondition(lambda self: self.state.stage is Stage.CLEAR)
    def opens(self):
        self.holding = True
        self.look()

    @rule()
    def sells(self):
        self.holding = False
        self.look()

    @rule(hours=st.sampled_from((0.1, 1.0, 13.0, 100.0)))
    def waits(self, hours):
        self.now += hours * HOUR
        self.look()

    @invariant()
    def a_fall_from_the_peak_is_bounded_by_black_and_one_move(self):
        worst = 1 - (1 - RULE.black) * (1 - 0.06)
        if self.state.stage is not Stage.RED:
            assert self.profit >= self.peak - worst * (1_000 + self.peak)

    @invariant()
    def restarts_are_rare(self):
        for last in self.restarts:
            within = [one for one in self.restarts if last - 7 * DAY < one <= last]
            assert len(within) <= RULE.most_restarts


TestAccount = Account.TestCase
