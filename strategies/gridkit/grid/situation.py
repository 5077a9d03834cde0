"""What a decision is made from and what it says: small frozen values of plain numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gridkit.grid import tags
from gridkit.grid.costs import Costs
from gridkit.grid.lots import Lot
from gridkit.grid.plan import Plan


@dataclass(frozen=True, slots=True)
class Order:
    """An order that should rest. `price` None means: at the market's price now.

    `share` is the part of the named lots an exit sells; None: all of them. An entry costs the
    stake of its lines times `scale`.
    """

    is_entry: bool
    levels: tuple[int, ...]
    price: float | None
    tag: str
    reason: str
    share: float | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Resting:
    """The order in work, as freqtrade has it."""

    is_entry: bool
    levels: tuple[int, ...]
    price: float
    tag: str

    @property
    def recovers(self) -> bool:
        """Whether it sells a stuck lot, or a part of one."""
        return self.tag.startswith(f"{tags.RECOVER} ")


@dataclass(frozen=True, slots=True)
class Block:
    """Why nothing is added: the condition, its value and the threshold it misses.

    A threshold of NaN: the condition is of a kind without figures. `spares_resting`: an entry that
    rests already may go on to.
    """

    condition: str
    value: float
    threshold: float
    spares_resting: bool = False

    def __str__(self) -> str:
        if math.isnan(self.threshold):
            return self.condition
        return f"{self.condition}: {self.value:.6g} against {self.threshold:.6g}"


@dataclass(frozen=True, slots=True)
class Stuck:
    """What was true when a lot became stuck: the price, the time (seconds UTC), the amount held."""

    price: float
    since: float
    amount: float


@dataclass(frozen=True, slots=True)
class RecoveryRules:
    """What becomes of stuck lots (SPEC E.2, E.3). Fractions of price.

    A lot older than `timeout_seconds` whose target is further than `away` from the rate is stuck.
    `ladder` counts from the price at which it became so. `rungs` is what they sell: everything,
    what loses there, or that while the market trends against the grid. `threshold` is the loss, a
    fraction of the lot's entry price, beyond which it is sold at market, also where the lot stop is
    switched off.
    """

    mode: Literal["ladder", "aggressive", "hedge", "none"]
    ladder: tuple[float, float, float]
    away: float
    timeout_seconds: float
    threshold: float
    rungs: Literal["always", "losing", "against"] = "always"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings a decision needs, and what they become on this pair. Fractions and prices.

    `max_distance` is how far from the market an order may stand; None in a price means unset;
    infinity switches a stop off; `amount_step` is in base currency. `answers_gaps` says whether an
    order the market jumped over has to be placed again (backtest) or is the exchange's to fill.
    """

    hysteresis: float
    lot_stop: float
    cycle_stop: float
    stop_price: float | None
    pause_price: float | None
    max_lots: int
    max_orders: int
    max_distance: float
    answers_gaps: bool
    costs: Costs
    tick: float = 0.0
    amount_step: float = 0.0
    recovery: RecoveryRules | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision is made from. Stakes and values in stake currency.

    `entry_rate` and `exit_rate` are what an entry or exit at market would get now. `harvest` is the
    cycle's realised profit, stopped lots taken off; `peak_cost` the most its lots cost at one time.
    `block` is a
    reason from outside against any addition (trend, cooldown, a lock); `room` is how much stake may
    be added, `room_block` what binds it; `least_value_left` and `least_amount_left` are the
    smallest position freqtrade lets a partial exit leave, `least_order_value` and
    `least_order_amount` the smallest order the exchange takes; `asset_limit` is the most this asset
    may be worth before it is trimmed. `recovered` are the levels recovery
    emptied; `stuck` those whose lots are; `of_age` those that
    will be once the rate is far enough from their target; `recovery_budget` is what recovery may
    still lose; `flatten` is an outside reason to close the cycle (a breaker, a trend); where the
    market is `thin`, lines of even number take no additions; `adverse`: it trends against the grid;
    `scale` (at least 1) is what the stake of an addition is multiplied by, where there is room.
    """

    plan: Plan
    lots: Mapping[int, Lot]
    stopped: frozenset[int]
    resting: Resting | None
    entry_rate: float
    exit_rate: float
    orders: int = 0
    harvest: float = 0.0
    peak_cost: float = 0.0
    dust: float = 0.0
    block: Block | None = None
    room: float = math.inf
    room_block: Block | None = None
    least_value_left: float = 0.0
    least_amount_left: float = 0.0
    least_order_value: float = 0.0
    least_order_amount: float = 0.0
    asset_limit: float = math.inf
    recovered: frozenset[int] = frozenset()
    stuck: Mapping[int, Stuck] = field(default_factory=dict)
    of_age: frozenset[int] = frozenset()
    recovery_budget: float = math.inf
    flatten: str | None = None
    thin: bool = False
    adverse: bool = False
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The order that should rest, or None; and between which rates this stays the answer.

    `place` is False where that order is already in work. `holds_above` and `holds_below` bound the
    open interval of rates; `block` says why nothing is added, `withheld` why a stuck lot is not
    sold by recovery, if so.
    """

    order: Order | None
    place: bool
    block: Block | None
    holds_above: float = math.nan
    holds_below: float = math.nan
    withheld: Block | None = None

    def holds_at(self, rate: float) -> bool:
        """Whether the same situation at this rate would get the same verdict."""
        return self.holds_above < rate < self.holds_below
