"""Breakers on the account's drawdown: a state machine (SPEC F).

Yellow starts no cycles, orange adds nothing, red sells everything. A line that is up goes down
once the drawdown is under nine tenths of its threshold, so that it does not flicker.

A bot that has sold everything never recovers by itself, so after red it restarts: once
`cooldown_hours` have passed and nothing is held, at most `most_restarts` times in `restart_days`,
and not while the drawdown from the peak is `black` or more. The same goes for yellow and orange
once nothing has been held for `cooldown_hours`: there is nothing left that could recover either.

The peak is never reset. After a restart yellow, orange and red count from the most the account had
since then, or the restart would be none; black still counts from the peak, and what reaches it is
sold like red, so that restarts together lose no more than one drawdown of that size (gaps apart).
At a new peak both are the same again.

A bot that may not restart stays closed until an older restart is `restart_days` ago, a deposit
makes the drawdown smaller than black, or the user changes `black` or `most_restarts` in the
`gridkit.breakers` section and sends /reload_config.

All amounts are what was made since the beginning, in stake currency, so deposits and withdrawals
move no drawdown.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum

from gridkit import candles
from gridkit.grid.situation import Block
from gridkit.settings import BreakerSettings

RELEASE = 0.9  # of its threshold, below which a line that is up goes down


class Stage(IntEnum):
    """How much risk is taken back; each includes those before."""

    CLEAR = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3


ACTIONS = {
    Stage.CLEAR: "none",
    Stage.YELLOW: "no new cycles",
    Stage.ORANGE: "exits only",
    Stage.RED: "everything is sold",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the account has made, marked. `base` is what was paid in, NaN is unknown.

    `holding`: whether any position is open.
    """

    base: float
    profit: float
    peak_profit: float
    holding: bool

    def drawdown(self, peak_profit: float) -> float:
        """Return the fall from a peak as a fraction of the equity there, 0 above it.

        NaN where something is unknown or there was no equity.
        """
        equity, lost = self.base + peak_profit, peak_profit - self.profit
        if not (equity > 0 and math.isfinite(lost) and math.isfinite(equity)):
            return math.nan
        return max(0.0, lost) / equity


@dataclass(frozen=True, slots=True)
class State:
    """What has to be remembered. Times are seconds UTC.

    `best` is the most profit since the last restart, None before the first and after a new peak;
    `idle_since` is since when nothing is held at this stage; `restarts` are in ascending order.
    """

    stage: Stage = Stage.CLEAR
    since: float = 0.0
    idle_since: float | None = None
    best: float | None = None
    restarts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker that is up. `until` is infinite where it waits for something else than time."""

    name: str
    value: float
    threshold: float
    since: float
    until: float
    stage: Stage

    @property
    def action(self) -> str:
        """Say what it does."""
        return ACTIONS[self.stage]

    @property
    def block(self) -> Block:
        """Return it as the reason why nothing is opened or added."""
        return Block(self.name, self.value, self.threshold)


def next_state(state: State, now: float, seen: Standing, rule: BreakerSettings) -> State:
    """Return the state after a look at the account. What is unknown changes nothing."""
    if not rule.enabled:
        return State()
    if not known(seen):
        return state
    state = _followed(state, seen)
    stage = _stage(state, seen, rule)
    if stage != state.stage:
        return replace(state, stage=stage, since=now, idle_since=None if seen.holding else now)
    return state if stage is Stage.CLEAR else _waited(state, now, seen, rule)


def _waited(state: State, now: float, seen: Standing, rule: BreakerSettings) -> State:
    """Count the time without positions, and restart when it is over."""
    if seen.holding:
        return replace(state, idle_since=None)
    if state.idle_since is None:
        return replace(state, idle_since=now)
    if now < ends(state, rule) or refusal(state, now, seen, rule):
        return state
    return State(Stage.CLEAR, now, None, seen.profit, (*_recent(state, now, rule), now))


def is_calm(
    state: State, base: float, profit: float, peak_profit: float, rule: BreakerSettings
) -> bool:
    """Whether no breaker is up or goes up: at most times all there is to ask, and quick."""
    yellow = rule.yellow * (base + peak_profit)
    return state.stage == 0 and state.best is None and peak_profit - profit < yellow < math.inf


def known(seen: Standing) -> bool:
    """Whether there is a drawdown to speak of."""
    return not math.isnan(seen.drawdown(seen.peak_profit))


def ends(state: State, rule: BreakerSettings) -> float:
    """When the cool-down is over, in seconds UTC; infinite while positions keep it from starting.

    After red it runs from the moment red was reached, else from when nothing was held any more.
    """
    if state.idle_since is None:
        return math.inf
    begun = state.since if state.stage is Stage.RED else state.idle_since
    return begun + rule.cooldown_hours * candles.SECONDS_PER_HOUR


def refusal(state: State, now: float, seen: Standing, rule: BreakerSettings) -> Block | None:
    """Return why the bot may not restart now, the cool-down apart."""
    drawdown = seen.drawdown(seen.peak_profit)
    if not drawdown < rule.black:
        return Block("drawdown beyond which nothing restarts", drawdown, rule.black)
    recent = len(_recent(state, now, rule))
    if recent >= rule.most_restarts:
        name = f"restarts in {rule.restart_days:g} days"
        return Block(name, float(recent), float(rule.most_restarts))
    return None


def breaker(state: State, now: float, seen: Standing, rule: BreakerSettings) -> Breaker | None:
    """Return the breaker that is up with its figures; None where none is.

    An account that cannot be valued adds nothing, as if orange were up.
    """
    if not rule.enabled:
        return None
    if not known(seen) and state.stage < Stage.ORANGE:
        return Breaker("drawdown unknown", math.nan, math.nan, now, math.inf, Stage.ORANGE)
    if state.stage is Stage.CLEAR:
        return None
    until = ends(state, rule)
    closed = refusal(state, now, seen, rule) if known(seen) and until <= now else None
    if closed is not None:
        until = _freed(state, now, seen, rule)
        value, threshold = closed.value, closed.threshold
        return Breaker(closed.condition, value, threshold, state.since, until, state.stage)
    value, threshold = fall(state, seen), thresholds(rule)[state.stage]
    name = f"{state.stage.name.lower()}: drawdown"
    return Breaker(name, value, threshold, state.since, until, state.stage)


def fall(state: State, seen: Standing) -> float:
    """Return the drawdown that yellow, orange and red go by: since the restart, if there was one.

    A fraction, NaN where unknown.
    """
    return seen.drawdown(seen.peak_profit if state.best is None else state.best)


def thresholds(rule: BreakerSettings) -> dict[Stage, float]:
    """Return the drawdown of each stage."""
    return {Stage.YELLOW: rule.yellow, Stage.ORANGE: rule.orange, Stage.RED: rule.red}


def _stage(state: State, seen: Standing, rule: BreakerSettings) -> Stage:
    """Return the most severe stage that is reached, or has not been left yet; red is not left."""
    if state.stage is Stage.RED or seen.drawdown(seen.peak_profit) >= rule.black:
        return Stage.RED
    away = fall(state, seen)
    reached = Stage.CLEAR
    for stage, threshold in thresholds(rule).items():
        if away >= threshold * (RELEASE if stage <= state.stage else 1.0):
            reached = stage
    return reached


def _followed(state: State, seen: Standing) -> State:
    """Raise the most since the restart; at a new peak the restart is history."""
    if state.best is None or seen.profit <= state.best:
        return state
    return replace(state, best=seen.profit if seen.profit < seen.peak_profit else None)


def _recent(state: State, now: float, rule: BreakerSettings) -> tuple[float, ...]:
    """Restarts that still count."""
    since = now - rule.restart_days * candles.SECONDS_PER_DAY
    return tuple(moment for moment in state.restarts if moment > since)


def _freed(state: State, now: float, seen: Standing, rule: BreakerSettings) -> float:
    """When time alone lets a closed bot restart; infinite where it will not."""
    recent = _recent(state, now, rule)
    if not rule.most_restarts or not seen.drawdown(seen.peak_profit) < rule.black:
        return math.inf
    return recent[-rule.most_restarts] + rule.restart_days * candles.SECONDS_PER_DAY
