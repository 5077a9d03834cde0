"""A cycle under way: its plan, its lots, and how long the last decision stays right."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gridkit.grid.plan import Plan
from gridkit.grid.situation import Stuck, Verdict
from gridkit.host.orders import TradeBook

if TYPE_CHECKING:
    from freqtrade.persistence import Trade


@dataclass(slots=True)
class Validity:
    """What the last decision was made from; while none of it changes, it need not be made again."""

    orders: int = -1
    working: bool = False
    filled: float = 0.0
    outlook: int = -1
    account: int | None = None
    until: float = -math.inf
    volatility_above: float = math.nan
    volatility_below: float = math.nan


@dataclass(slots=True)
class Cycle:
    """Mutable by design: a cache of what can be computed again from trade, candles and settings."""

    book: TradeBook
    plan: Plan
    verdict: Verdict | None = None
    validity: Validity = field(default_factory=Validity)
    stuck: dict[int, Stuck] = field(default_factory=dict)
    looked: float = -math.inf  # for stuck lots, seconds UTC
    published: object = None
    hedge: object = None  # what another bot was last asked for; None: not looked up
    is_new: bool = False  # live: laid now, and not read from what was kept

    def decided_for(
        self,
        trade: "Trade",
        timestamp: float,
        rate: float,
        volatility: float,
        outlook: int,
        regime: int,
        account: int,
    ) -> bool:
        """Whether the last verdict left all in place and still holds. The fast path."""
        valid, verdict = self.validity, self.verdict
        if verdict is None or timestamp >= valid.until or not verdict.holds_at(rate):
            return False
        orders = trade.orders
        if len(orders) != valid.orders or not orders:
            return False
        last = orders[-1]
        return (
            last.ft_is_open is valid.working
            and last.filled == valid.filled
            and outlook == valid.outlook
            and regime == self.plan.regime
            and (valid.account is None or valid.account == account)
            and not (volatility < valid.volatility_above or volatility > valid.volatility_below)
            and trade.open_date == self.book.opened
        )

    def remember(self, trade: "Trade", verdict: Verdict, outlook: int, until: float) -> None:
        """Keep a verdict with all it was made from; an `until` in the past: for one answer."""
        last, valid = trade.orders[-1], self.validity
        valid.orders, valid.working, valid.filled = len(trade.orders), last.ft_is_open, last.filled
        valid.outlook, valid.until = outlook, until
        self.verdict = verdict

    def expect(self, trade: "Trade", verdict: Verdict, outlook: int, until: float) -> None:
        """Keep what will be right once the order now asked for rests, in a backtest.

        There an order in work is deleted when another takes its place. If freqtrade does otherwise,
        or fills the order at once, the orders differ from these and the next call decides anew.
        """
        replaced, valid = trade.orders[-1].ft_is_open, self.validity
        valid.orders = len(trade.orders) if replaced else len(trade.orders) + 1
        valid.working, valid.filled = True, 0.0
        valid.outlook, valid.until = outlook, until
        self.verdict = verdict
