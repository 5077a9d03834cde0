"""An order of the grid as freqtrade wants to be asked for it: stake and tag (DESIGN 2.3)."""

import math
from typing import TYPE_CHECKING

from gridkit.grid import tags
from gridkit.grid.situation import Order
from gridkit.host.cycle import Cycle

if TYPE_CHECKING:
    from freqtrade.persistence import Trade


def entry_stake(stake: float, price: float, leverage: float, step: float) -> float:
    """Stake whose amount freqtrade truncates to the whole steps `stake` pays for."""
    if step <= 0:
        return stake
    steps = max(1, math.floor(stake * leverage / price / step + 1e-9))
    return (steps + 0.5) * step * price / leverage


def exit_stake(order: Order, cycle: Cycle, trade: "Trade", step: float) -> float:
    """Negative stake whose amount freqtrade truncates to these lots; all of it at the end."""
    ledger = cycle.book.ledger
    if order.share is None and set(order.levels) >= set(ledger.lots):
        return -float(trade.stake_amount)
    amount = sum(ledger.lots[level].amount for level in order.levels)
    amount = amount + ledger.dust if order.share is None else amount * order.share
    return part_stake(amount, trade, step)


def part_stake(amount: float, trade: "Trade", step: float) -> float:
    """Negative stake whose amount freqtrade truncates to the whole steps of `amount`."""
    if amount >= trade.amount:
        return -float(trade.stake_amount)
    if step > 0:
        amount = (math.floor(amount / step + 1e-6) + 0.5) * step
    return -min(amount / trade.amount, 1.0) * float(trade.stake_amount)


def ends_in_loss(order: Order, cycle: Cycle) -> bool:
    """Whether an exit flattens the cycle, or stops its last lots: then the pair takes a pause.

    Recovery at market counts as a stop; its rungs wait for a price that has turned.
    """
    verb = tags.verb_of(order.tag)
    all_lots = order.share is None and set(order.levels) >= set(cycle.book.ledger.lots)
    stops = verb == tags.STOP or (verb == tags.RECOVER and order.price is None)
    return verb == tags.FLATTEN or (stops and all_lots)
