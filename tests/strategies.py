"""What hypothesis may throw at gridkit: candles, price paths, settings, fills, situations."""

import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from gridkit.grid import plan as plans
from gridkit.grid import tags
from gridkit.grid.costs import Costs
from gridkit.grid.decisions import decide
from gridkit.grid.lots import Lot
from gridkit.grid.plan import Layout, Plan
from gridkit.grid.situation import Block, RecoveryRules, Resting, Rules, Situation, Stuck
from gridkit.grid.spacing import Spacing
from gridkit.settings import GridSettings, RecoverySettings, SpacingSettings

START = pd.Timestamp("2025-01-01", tz="UTC")
LONG, SHORT = 1, -1
SIDES = st.sampled_from((LONG, SHORT))
LADDER = RecoverySettings().ladder
TICKS = st.sampled_from((0.0, 0.0, 0.01, 0.5))


# -- candles ----------------------------------------------------------------------------------


@st.composite
def price_paths(draw: st.DrawFn, least: int = 2, most: int = 200) -> np.ndarray:
    """Closes of a random walk, with calm, wild and standing stretches. Shape (n,)."""
    length = draw(st.integers(least, most))
    walk = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sigma = draw(st.sampled_from((0.0, 0.0005, 0.003, 0.03)))
    moves = walk.normal(0.0, sigma, length) * walk.choice(
        [0.0, 1.0, 4.0], length, p=[0.2, 0.7, 0.1]
    )
    return draw(st.sampled_from((0.0001, 1.0, 60_000.0))) * np.exp(np.cumsum(moves))


@st.composite
def any_market(
    draw: st.DrawFn,
    least: int = 2,
    most: int = 200,
    timeframe: str = "5m",
    *,
    gaps: bool = True,
    unknown: bool = True,
) -> pd.DataFrame:
    """Candles, some without volume; `gaps`: some are missing, `unknown`: some have no price."""
    close = draw(price_paths(least, most))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = len(close)
    opened = np.concatenate([close[:1], close[:-1]])
    spread = np.exp(np.abs(noise.normal(0, 0.001, (2, length))))
    frame = pd.DataFrame(
        {
            "date": START + pd.Timedelta(timeframe) * np.arange(length),
            "open": opened,
            "high": np.maximum(opened, close) * spread[0],
            "low": np.minimum(opened, close) / spread[1],
            "close": close,
            "volume": noise.choice([0.0, 1.0, 250.0], length),
        }
    )
    if unknown:
        share = draw(st.sampled_from((0.0, 0.02, 0.3)))
        frame.loc[noise.random(length) < share, ["open", "high", "low", "close"]] = np.nan
    if gaps:
        share = draw(st.sampled_from((0.0, 0.05, 0.4)))
        kept = noise.random(length) >= share
        kept[: min(least, length)] = True
        frame = frame[kept].reset_index(drop=True)
    return frame


# -- plans ------------------------------------------------------------------------------------


@st.composite
def costs(draw: st.DrawFn) -> Costs:
    fee = draw(st.sampled_from((0.0, 0.0002, 0.001, 0.005)))
    least = draw(st.sampled_from((0.0, 0.001, 0.01)))
    return Costs(
        fee, draw(st.sampled_from((fee, 0.001))), draw(st.sampled_from((0.0, 0.0001))), least
    )


@st.composite
def layouts(draw: st.DrawFn, ticks: st.SearchStrategy = TICKS) -> Layout:
    spacing = SpacingSettings(progression=draw(st.sampled_from(("geometric", "arithmetic"))))
    grid = GridSettings(
        target=draw(st.sampled_from(("next_line", "fixed"))),
        take_profit=draw(st.sampled_from((0.001, 0.008, 0.05))),
        trailing_down=draw(st.booleans()),
    )
    return Layout(spacing, grid, draw(costs()), draw(ticks))


def gaps(least: float = 0.006, most: float = 0.06) -> st.SearchStrategy[Spacing]:
    """Wide enough that no two lines share a tick of 0.5 at prices of about 100 to 1,000."""
    return st.builds(Spacing, st.floats(least, most), st.floats(0.005, 0.2))


@st.composite
def laid_plans(draw: st.DrawFn, ticks: st.SearchStrategy = TICKS) -> tuple[Plan, Layout]:
    """A plan as a cycle starts with it, and what it was laid by."""
    layout = draw(layouts(ticks))
    anchor = draw(st.floats(300.0, 1_000.0))
    levels = draw(st.integers(1, 12))
    made = plans.make(anchor, draw(gaps()), draw(SIDES), levels, 25.0, 0.0, layout)
    return made, layout


# -- situations -------------------------------------------------------------------------------


def situations() -> st.SearchStrategy[tuple[Situation, Rules]]:
    """Anything the grid may find itself in, with one rate for entries and exits.

    Drawn from one seed: a hundred draws of hypothesis' own would take longer than all decisions.
    """
    return st.integers(0, 2**64 - 1).map(situation_of)


def situation_of(seed: int) -> tuple[Situation, Rules]:
    """The situation, and the rules it is to be decided by, that a seed stands for."""
    return _Maker(random.Random(seed)).situation()


class _Maker:
    """Makes situations of whatever the given randomness says."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick

    def rarely(self, value: float, otherwise: Any) -> Any:
        return value if self.pick.random() < 0.3 else otherwise

    def situation(self) -> tuple[Situation, Rules]:
        pick = self.pick
        layout = self._layout()
        plan = self._plan(layout)
        lots = self._lots(plan)
        if lots and pick.random() < 0.5:
            plan = plans.revised(plan, set(lots), self._gap(), plan.anchor, 1.0, layout)
        rules = self._rules(layout)
        stuck = self._stuck(plan, lots)
        resting = self._resting(plan, lots, stuck, rules)
        rate = self._rate(plan, lots, stuck, resting)
        value = sum(lot.amount for lot in lots.values()) * rate
        free = [line.level for line in plan.lines if line.level not in lots]
        stopped = pick.sample(free, pick.randint(0, len(free))) if pick.random() < 0.2 else []
        situation = Situation(
            plan=plan,
            lots=lots,
            stopped=frozenset(stopped),
            recovered=frozenset(level for level in free if pick.random() < 0.1),
            resting=resting,
            entry_rate=rate,
            exit_rate=rate,
            orders=pick.choice((0, 9, 9, 10, 149, 149, 150)),
            harvest=pick.uniform(-5.0, 50.0),
            peak_cost=self.rarely(pick.uniform(1.0, 3.0), 1.0)
            * sum(lot.cost for lot in lots.values()),
            block=Block("a gate", 1.0, 2.0, spares_resting=pick.random() < 0.5)
            if pick.random() < 0.1
            else None,
            adverse=pick.random() < 0.5,
            room=self.rarely(pick.uniform(0.0, 200.0), math.inf),
            room_block=Block("exposure", 1.0, 1.0),
            least_value_left=self.rarely(pick.uniform(0.0, 1.5), 0.0) * value / max(1, len(lots)),
            least_amount_left=self.rarely(pick.uniform(0.0, 0.05), 0.0),
            least_order_value=self.rarely(pick.uniform(0.0, 2.0), 0.0) * value / max(1, len(lots)),
            least_order_amount=self.rarely(pick.uniform(0.0, 0.05), 0.0),
            asset_limit=self.rarely(pick.uniform(0.2, 2.0) * value, math.inf),
            stuck=stuck,
            of_age=frozenset(level for level in lots if level not in stuck and pick.random() < 0.5),
            recovery_budget=self.rarely(pick.uniform(-0.1, 0.5), math.inf),
            flatten="a breaker" if pick.random() < 0.02 else None,
            thin=pick.random() < 0.2,
            scale=self.rarely(pick.choice((1.1, 2.0)), 1.0),
        )
        return self._placed_before(situation, rules), rules

    def _placed_before(self, situation: Situation, rules: Rules) -> Situation:
        """In some, what rests is what the grid itself wanted a moment ago, at about that price."""
        pick = self.pick
        order = decide(replace(situation, resting=None), rules).order
        if order is None or pick.random() < 0.6:
            return situation
        price = order.price or situation.exit_rate * pick.uniform(0.999, 1.001)
        price += self.rarely(pick.uniform(-0.6, 0.6) * rules.tick, 0.0)
        resting = Resting(order.is_entry, order.levels, price, order.tag)
        return replace(situation, resting=resting)

    def _layout(self) -> Layout:
        pick = self.pick
        fee = pick.choice((0.0, 0.0002, 0.001, 0.005))
        costs = Costs(
            fee, pick.choice((fee, 0.001)), pick.choice((0.0, 1e-4)), pick.choice((0.0, 0.001))
        )
        spacing = SpacingSettings(progression=pick.choice(("geometric", "arithmetic")))
        grid = GridSettings(
            target=pick.choice(("next_line", "fixed")),
            take_profit=pick.choice((0.001, 0.008, 0.05)),
            trailing_down=pick.random() < 0.5,
        )
        return Layout(spacing, grid, costs, pick.choice((0.0, 0.0, 0.01, 0.5)))

    def _gap(self) -> Spacing:
        return Spacing(self.pick.uniform(0.006, 0.06), 0.02)

    def _plan(self, layout: Layout) -> Plan:
        pick = self.pick
        anchor, side = pick.uniform(300.0, 1_000.0), pick.choice((LONG, SHORT))
        return plans.make(anchor, self._gap(), side, pick.randint(1, 12), 25.0, 0.0, layout)

    def _lots(self, plan: Plan) -> dict[int, Lot]:
        """Some levels held, most at their line, some bought elsewhere (by hand, merged)."""
        pick = self.pick
        lots = {}
        for line in pick.sample(plan.lines, pick.randint(0, len(plan.lines))):
            price = line.price * self.rarely(pick.uniform(0.95, 1.05), 1.0)
            amount = pick.randint(1, 40) * 0.001
            lots[line.level] = Lot(line.level, amount, price, 0.0, amount * price * 0.001)
        return lots

    def _stuck(self, plan: Plan, lots: dict[int, Lot]) -> dict[int, Stuck]:
        """In some, lots that got stuck when they were whole, and of which some is left."""
        pick = self.pick
        if pick.random() < 0.6:
            return {}
        whole = (1.0, 1.0, 1.5, 3.0, pick.uniform(0.9, 4.0))
        return {
            level: Stuck(
                lot.price * (1 - plan.side * pick.uniform(0.0, 0.15)),
                10.0,
                lot.amount * pick.choice(whole),
            )
            for level, lot in lots.items()
            if pick.random() < 0.7
        }

    def _recovery(self) -> RecoveryRules | None:
        pick = self.pick
        mode = pick.choice(("ladder", "ladder", "ladder", "aggressive", "hedge", "none"))
        threshold, rungs = pick.uniform(0.005, 0.10), pick.choice(("always", "losing", "against"))
        return self.rarely(None, RecoveryRules(mode, LADDER, 0.03, 3_600.0, threshold, rungs))

    def _rules(self, layout: Layout) -> Rules:
        pick = self.pick
        return Rules(
            hysteresis=pick.choice((0.0, 0.15, 0.4)),
            lot_stop=self.rarely(pick.uniform(0.005, 0.10), math.inf),
            cycle_stop=self.rarely(pick.uniform(0.01, 0.9), math.inf),
            stop_price=self.rarely(pick.uniform(150.0, 1_500.0), None),
            pause_price=self.rarely(pick.uniform(150.0, 1_500.0), None),
            max_lots=pick.choice((1, 3, 25, 25)),
            max_orders=pick.choice((10, 150)),
            max_distance=pick.choice((0.0196, 0.0196, 0.1, 0.98)),
            answers_gaps=pick.random() < 0.5,
            costs=layout.costs,
            tick=layout.tick,
            amount_step=self.rarely(0.003, 0.0),
            recovery=self._recovery(),
        )

    def _resting(
        self, plan: Plan, lots: dict[int, Lot], stuck: dict[int, Stuck], rules: Rules
    ) -> Resting | None:
        """Nothing, a usual order at about its usual price, or what a user may have placed."""
        pick = self.pick
        kind = pick.choice(("none", "entry", "exit", "exit", "foreign"))
        if kind == "none":
            return None
        if kind == "foreign":
            price, tag = plan.anchor * pick.uniform(0.8, 1.2), pick.choice(("", "force_exit"))
            return Resting(pick.random() < 0.5, (), price, tag)
        away = self.rarely(pick.uniform(-1.2, 1.2), 0.0) * (rules.tick or 1e-6)
        if kind == "entry" or not lots:
            levels = self._some([line.level for line in plan.lines])
            line = plan.line(levels[-1])
            assert line is not None
            return Resting(True, levels, line.price + away, tags.entry_tag(levels))
        if stuck and pick.random() < 0.5:
            level = pick.choice(sorted(stuck))
            price = pick.choice(rungs_of(stuck[level], plan.side)) + away
            return Resting(False, (level,), price, tags.exit_tag((level,), tags.RECOVER))
        levels = self._some(sorted(lots))
        usual = tags.SELL if plan.side > 0 else tags.COVER
        rare = pick.choice((tags.STOP, tags.FLATTEN, tags.END, tags.TRIM, tags.RECOVER))
        verb = pick.choice((usual, rare))
        line = plan.line(levels[0])
        assert line is not None
        return Resting(False, levels, line.target + away, tags.exit_tag(levels, verb))

    def _some(self, levels: list[int]) -> tuple[int, ...]:
        count = 1 if self.pick.random() < 0.6 else self.pick.randint(1, len(levels))
        return tuple(sorted(self.pick.sample(levels, count)))

    def _rate(
        self,
        plan: Plan,
        lots: dict[int, Lot],
        stuck: dict[int, Stuck],
        resting: Resting | None,
    ) -> float:
        """Somewhere, or exactly on a line, a target, a rung, a lot's entry or the resting order."""
        pick = self.pick
        marks = [plan.anchor]
        marks += [price for line in plan.lines for price in (line.price, line.target)]
        marks += [lot.price for lot in lots.values()]
        marks += [price for one in stuck.values() for price in rungs_of(one, plan.side)]
        marks += [resting.price] * 3 if resting else []
        away = pick.choice((1.0, pick.uniform(0.999, 1.001), pick.uniform(0.97, 1.03)))
        return pick.choice(marks) * self.rarely(pick.uniform(0.85, 1.15), away)


def rungs_of(stuck: Stuck, side: int) -> list[float]:
    """The prices of a ladder's three rungs, before they are put on the price step."""
    return [stuck.price * (1 + side * distance) for distance in LADDER]


def at(situation: Situation, rate: float) -> Situation:
    """The same situation once the market stands at another rate."""
    return replace(situation, entry_rate=rate, exit_rate=rate)
