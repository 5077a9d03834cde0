"""The breakers in a running bot: what they forbid now, and what is told and locked for it."""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gridkit.grid.situation import Block
from gridkit.host.kept import Kept
from gridkit.host.market_breakers import MarketBreakers, log
from gridkit.risk import breakers
from gridkit.risk.breakers import Breaker, Stage, Standing, State
from gridkit.risk.guards import RunFailed

if TYPE_CHECKING:
    from gridkit.host.context import Context
    from gridkit.host.fortune import Fortune

logger = logging.getLogger(__name__)

KIND = "breaker"  # of messages
LOCK = timedelta(hours=1)  # at a time, while red waits for something else than time ...
LONG_LOCK = timedelta(days=30)  # ... which in a backtest never comes, and each lock costs time
FAILED = Breaker("breakers failed", math.nan, math.nan, 0.0, math.inf, Stage.ORANGE)


class Breakers:
    """One per strategy object. `tell` takes a kind and a text; live only."""

    def __init__(self, context: "Context", fortune: "Fortune") -> None:
        self._context = context
        self._fortune = fortune
        self._kept = Kept("breakers")
        self.markets = MarketBreakers(context)
        self.tell: Callable[[str, str], None] = log
        self.state_id = 0
        self.forget()

    def forget(self) -> None:
        """Start anew with another run."""
        self.state = State()
        self.up: Breaker | None = None
        self._failed = False
        self._told: Breaker | None = None
        self._loaded = not self._context.live
        self._locked: dict[str, datetime] = {}
        self.markets.forget()
        self.state_id += 1

    def look(self, now: datetime) -> None:
        """Judge the account as `Fortune.look` left it. An error ends a backtest, or blocks live."""
        before = self.up
        try:
            self._look(now)
            markets_changed = self._context.live and self.markets.look(now)
            self._failed = False
        except Exception as error:
            markets_changed = True
            self._fail(error)
        if self._context.live:
            self._say(now)
        changed = before is not self.up and _sign(before) != _sign(self.up)
        self.state_id += changed or markets_changed

    def _fail(self, error: Exception) -> None:
        """Add nothing until the next look; what is sold goes on being sold."""
        if getattr(self._context.strategy, "errors_are_fatal", False):
            raise RunFailed("bot_loop_start", error) from error
        if not self._failed:
            logger.exception("the breakers failed, so nothing is added")
        self._failed = True
        if self.up is None or self.up.stage < FAILED.stage:
            self.up = FAILED

    def block_start(self, _pair: str) -> Block | None:
        """Return why no cycle may start: yellow or worse."""
        return self.up.block if self.up is not None else None

    def block_add(self, _pair: str) -> Block | None:
        """Return why nothing may be added: orange or worse."""
        return self._block_from(Stage.ORANGE)

    def block_market(self, pair: str) -> Block | None:
        """Return the shock of a pair's market for which nothing is opened or added."""
        up = self.markets.up(pair)
        return None if up is None else up.block

    def flatten_reason(self, _pair: str) -> str | None:
        """Return why everything is sold, None where it is not."""
        block = self._block_from(Stage.RED)
        return None if block is None else f"breaker {block}"

    def _block_from(self, stage: Stage) -> Block | None:
        return self.up.block if self.up is not None and self.up.stage >= stage else None

    def _look(self, now: datetime) -> None:
        if not self._loaded:
            self.state, self._loaded = _state_of(self._kept.read()), True
        rule, fortune, before = self._context.settings.breakers, self._fortune, self.state
        base, profit, peak = fortune.base, fortune.profit, fortune.peak_profit
        if self.up is None and breakers.is_calm(before, base, profit, peak, rule):
            return
        moment, seen = now.timestamp(), Standing(base, profit, peak, fortune.holding)
        self.state = breakers.next_state(before, moment, seen, rule)
        self.up = breakers.breaker(self.state, moment, seen, rule)
        if self.state.stage is Stage.RED:
            self._lock(now, seen.holding)
        if self._context.live:
            stepped = _step(before) != _step(self.state)
            self._kept.write(_document(self.state), moment, at_once=stepped)

    def _lock(self, now: datetime, holding: bool) -> None:
        """Keep all pairs from opening, with the reason, as long as red lasts."""
        if self.up is None:
            return
        rule = self._context.settings.breakers
        cooled = datetime.fromtimestamp(self.up.since, UTC) + timedelta(hours=rule.cooldown_hours)
        until = cooled
        if now >= cooled:
            until = now + (LOCK if holding or self._context.live else LONG_LOCK)
            if now.timestamp() < self.up.until < math.inf:
                until = datetime.fromtimestamp(self.up.until, UTC)
        for pair in self._context.strategy.dp.current_whitelist():
            if self._locked.get(pair, now) <= now:
                self._locked[pair] = until
                self._context.lock(pair, until, f"breaker {self.up.block}")

    def _say(self, now: datetime) -> None:
        """Tell what is up, or no more so; not that a start knows no prices yet."""
        starting = not self._context.market.series  # before the first analysis
        if starting or _sign(self._told) == _sign(self.up):
            return
        before, self._told = self._told, self.up
        if self.up is not None:
            self.tell(KIND, told(self.up))
        elif before is not None:
            restarted = self.state.restarts and self.state.restarts[-1] == now.timestamp()
            how = "restart" if restarted else "recovered"
            self.tell(KIND, f"breaker down ({how}): {before.name}")


def told(up: Breaker) -> str:
    """Say which breaker is up, with its figures."""
    since = datetime.fromtimestamp(up.since, UTC)
    until = "it recovers" if up.until == math.inf else f"{_at(up.until)} UTC at the earliest"
    return f"breaker up: {up.block}: {up.action}, since {since:%m-%d %H:%M} UTC until {until}"


def _at(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%m-%d %H:%M}"


def _step(state: State) -> object:
    """Return what of a state is kept at once when it changes."""
    return state.stage, state.restarts, state.best is None


def _sign(up: Breaker | None) -> object:
    """Return what of a breaker is worth telling when it changes."""
    return None if up is None else (up.name, up.stage)


def _document(state: State) -> dict[str, Any]:
    """Return what is kept; in whole seconds, as the database takes no long texts."""
    idle = None if state.idle_since is None else round(state.idle_since)
    restarts = [round(moment) for moment in state.restarts]
    known = {"idle_since": idle, "restarts": restarts, "since": round(state.since)}
    return {**asdict(state), **known}


def _state_of(document: dict[str, Any] | None) -> State:
    """Return the state that was kept; a new one, said in the log, of what cannot be read."""
    if not document:
        return State()
    try:
        return State(
            Stage(document["stage"]),
            float(document["since"]),
            _number(document["idle_since"]),
            _number(document["best"]),
            tuple(float(moment) for moment in document["restarts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        logger.warning("the breakers' state in the database is unreadable: %r", error)
        return State()


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
