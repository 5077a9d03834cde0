"""Lots against the exchange: at start and every few minutes (live), lots against trades in dry-run.

freqtrade learns of a fill a moment after the wallet has it, so a difference counts once two looks
in a row find the same; the second comes in the next loop. What was found stands until a later look
finds otherwise: a look that fails changes nothing.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade

from gridkit.grid.situation import Block
from gridkit.host import holdings, orders
from gridkit.host.adoption import adopt_lost_order, recount
from gridkit.host.context import Context
from gridkit.host.cycle import Cycle
from gridkit.risk import mismatch
from gridkit.risk.mismatch import Allowance, Finding, Kind

if TYPE_CHECKING:
    from gridkit.settings.risk import ReconcileSettings

logger = logging.getLogger(__name__)

ALERT, EXPLAINED, RESOLVED = "mismatch", "mismatch explained", "mismatch resolved"
TRADE, WALLET, POSITION, ORDERS = "trade", "wallet", "position", "orders"
SECONDS_PER_MINUTE = 60
START_SECONDS = 10.0  # after so long the first look leaves the other pairs' orders to later loops
SLOW_SECONDS = 1.0  # a wallet that took longer: no orders are asked for in the same loop

Key = tuple[str, str]  # pair, and what was compared
Tell = Callable[[str, str, str], None]  # kind, pair, text


def log(kind: str, pair: str, text: str) -> None:
    """Tell the log alone."""
    logger.log(logging.WARNING if kind == ALERT else logging.INFO, "%s: %s", pair, text)


class Reconciler:
    """`cycles` is the desk's, by trade id; `tell` hears of each finding once."""

    def __init__(self, context: Context, cycles: Mapping[int, Cycle], tell: Tell = log) -> None:
        self._context = context
        self._cycles = cycles
        self._tell = tell
        self._at_start = True
        self._due = 0.0
        self._orders_due = 0.0
        self._to_ask: list[str] = []
        self._seen: dict[Key, Finding] = {}
        self._standing: dict[Key, Finding] = {}
        self._explained: set[tuple[Key, Kind]] = set()
        self._failing: set[str] = set()

    def block(self, pair: str) -> Block | None:
        """Return why nothing may be added on a pair; None while nothing is known against it."""
        for what in (WALLET, POSITION, TRADE, ORDERS) if self._standing else ():
            finding = self._standing.get((pair, what))
            if finding is not None and finding.pauses:
                return Block(mismatch.condition(finding, what), finding.found, finding.expected)
        return None

    def look(self, now: datetime) -> None:
        """Compare when it is time: one wallet and the orders of one pair, at start of all pairs."""
        settings = self._context.settings.reconcile
        if not settings.enabled:
            self._standing.clear()
            return
        started = time.monotonic()
        for trade in Trade.get_trades_proxy(is_open=True) if self._at_start else ():
            what = f"what the last life left of {trade.pair}"
            self._attempt(what, partial(self._settle_last_life, trade))
        if now.timestamp() >= self._due:
            self._attempt("wallet", partial(self._compare, now, settings))
        most, seconds = (len(self._to_ask), START_SECONDS) if self._at_start else (1, SLOW_SECONDS)
        for pair in self._to_ask[:most]:
            if time.monotonic() - started < seconds:
                self._to_ask.remove(pair)
                self._attempt(f"open orders of {pair}", partial(self._ask_for_orders, pair))
        self._at_start = False

    def _attempt(self, what: str, look: Callable[[], None]) -> None:
        """Look, and say once that it failed: neither trading nor a pause hangs on one answer."""
        try:
            look()
        except Exception as error:
            if what not in self._failing:
                logger.warning("%s: not to be compared, tried again: %r", what, error)
            self._failing.add(what)
            return
        self._failing.discard(what)

    def _is_dry(self) -> bool:
        return bool(self._context.strategy.config.get("dry_run", True))

    def _settle_last_life(self, trade: Any) -> None:
        if recount(trade):
            text = f"a fill before the stop was taken in: the trade holds {trade.amount:.10g}"
            self._tell(EXPLAINED, trade.pair, text)
        exchange: Any = self._context.strategy.dp._exchange
        tag = None if self._is_dry() else adopt_lost_order(trade, exchange)
        if tag is not None:
            self._tell(EXPLAINED, trade.pair, f"{tag}, placed before the stop, was adopted")

    def _compare(self, now: datetime, settings: "ReconcileSettings") -> None:
        self._due = now.timestamp() + SECONDS_PER_MINUTE * settings.minutes
        strategy, open_trades = self._context.strategy, Trade.get_trades_proxy(is_open=True)
        findings = dict(self._trades(open_trades, settings))
        if not self._is_dry():
            if not self._to_ask and now.timestamp() >= self._orders_due:
                self._orders_due = self._due
                self._to_ask = holdings.pairs_of(self._context, open_trades)
            strategy.wallets.update()
            findings.update(self._holdings(open_trades, settings))
        findings.update(self._gone(findings.keys(), {trade.pair for trade in open_trades}))
        unconfirmed = [key for key, finding in findings.items() if not self._take(key, finding)]
        if unconfirmed:
            self._due = 0.0

    def _gone(self, compared: Collection[Key], open_pairs: Collection[str]) -> dict[Key, Finding]:
        """Say "equal" of trades that were closed and pairs no longer traded."""
        return {
            (pair, what): mismatch.NOTHING
            for pair, what in self._standing.keys() | self._seen.keys()
            if what != ORDERS
            and (pair, what) not in compared
            and not (what == TRADE and pair in open_pairs)
        }

    def _trades(
        self, open_trades: Iterable[Any], settings: "ReconcileSettings"
    ) -> Iterable[tuple[Key, Finding]]:
        """Compare lots with the trades' own amounts."""
        for trade in open_trades:
            cycle = self._cycles.get(trade.id)
            if cycle is not None:
                allowance = Allowance(orders.amount_step(trade), settings.tolerance)
                lots = cycle.book.ledger.amount
                yield (trade.pair, TRADE), mismatch.judge(lots, float(trade.amount), allowance)

    def _holdings(
        self, open_trades: list[Any], settings: "ReconcileSettings"
    ) -> Iterable[tuple[Key, Finding]]:
        """Compare what should be held with wallet or position; also where there is no trade."""
        context, is_futures = self._context, self._context.is_futures
        what = POSITION if is_futures else WALLET
        alike = Allowance(0.0, settings.tolerance, shared=not is_futures)
        for trade in open_trades:
            fees = holdings.fees_in_coin(trade, is_futures=is_futures)
            allowance = replace(alike, step=orders.amount_step(trade), fees=fees)
            expected = holdings.expected(trade, self._cycles.get(trade.id))
            found = holdings.held(context, trade.pair)
            yield (trade.pair, what), mismatch.judge(expected, found, allowance)
        traded = {trade.pair for trade in open_trades}
        for pair in holdings.pairs_of(context, []):
            found = holdings.held(context, pair)
            if pair not in traded and not abs(found) < holdings.least_of_note(context, pair):
                yield (pair, what), mismatch.judge(0.0, found, alike)

    def _ask_for_orders(self, pair: str) -> None:
        key = pair, ORDERS
        unknown = holdings.unknown_orders(self._context.strategy.dp, pair)
        finding = mismatch.unknown_orders(unknown)
        if self._at_start:
            self._seen[key] = finding  # none of ours is on its way yet: one look is enough
        if not self._take(key, finding):
            self._to_ask.append(pair)

    def _take(self, key: Key, finding: Finding) -> bool:
        """Take in a finding; False where another look has to confirm it first."""
        before = self._seen.pop(key, None)
        standing = self._standing.get(key, mismatch.NOTHING)
        if finding.kind is Kind.UNKNOWN or mismatch.same(standing, finding):
            return True
        if before is None or not mismatch.same(before, finding):
            self._seen[key] = finding
            return False
        self._settle(key, finding)
        return True

    def _settle(self, key: Key, finding: Finding) -> None:
        pair, what = key
        before = self._standing.pop(key, mismatch.NOTHING)
        if finding.kind is not Kind.EQUAL:
            self._standing[key] = finding
        trades = Trade.get_trades_proxy(pair=pair, is_open=True)
        said = mismatch.said(finding, what, trades[0].id if trades else None)
        if finding.pauses:
            # What changes while it stands is said in the log; an alert passes all limits.
            self._tell(EXPLAINED if before.kind is finding.kind else ALERT, pair, said)
        elif before.pauses:
            self._tell(RESOLVED, pair, f"no more: {mismatch.condition(before, what)}; {said}")
        elif finding.kind is not Kind.EQUAL and (key, finding.kind) not in self._explained:
            self._explained.add((key, finding.kind))
            self._tell(EXPLAINED, pair, said)
