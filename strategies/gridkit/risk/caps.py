"""Caps: how much more may be added, and what binds (SPEC A.6)."""

import math
from dataclasses import dataclass

from gridkit.grid.situation import Block
from gridkit.risk.sizing import exposure_fraction
from gridkit.settings import CapSettings

FREE_CASH = "free cash less reserve"
EXPOSURE = "exposure"
INVENTORY = "inventory of asset and its correlates"
MAX_MARGIN = "max_margin"
MAX_POSITION = "max_position"
CONDITIONS = frozenset({FREE_CASH, EXPOSURE, INVENTORY, MAX_MARGIN, MAX_POSITION})


@dataclass(frozen=True, slots=True)
class Account:
    """The account as a pair about to add sees it. All in stake currency.

    `capital` is marked equity (or freqtrade's available capital); `free` is cash not in any trade;
    `reserved` is what the other pairs' resting and next lines will need of it; `tied` is stake in
    open trades and their orders, `notional` the same times leverage; `asset` is the stake in this
    asset together with those correlated with it; `pairs` is how many are traded.
    """

    capital: float
    free: float
    reserved: float
    tied: float
    notional: float
    asset: float
    pairs: int
    leverage: float


def room(account: Account, caps: CapSettings) -> tuple[float, Block]:
    """Return the stake that may be added, and the cap that sets it.

    What is unknown, or infinite, leaves no room.
    """
    exposure = exposure_fraction(account.capital, caps) * account.capital
    limits = [
        (account.free - account.reserved, Block(FREE_CASH, account.free, account.reserved)),
        (exposure - account.tied, Block(EXPOSURE, account.tied, exposure)),
    ]
    if account.pairs > 1:
        inventory = caps.inventory * account.capital
        block = Block(INVENTORY, account.asset, inventory)
        limits.append((inventory - account.asset, block))
    if caps.max_margin is not None:
        block = Block(MAX_MARGIN, account.tied, caps.max_margin)
        limits.append((caps.max_margin - account.tied, block))
    if caps.max_position is not None:
        block = Block(MAX_POSITION, account.notional, caps.max_position)
        limits.append(((caps.max_position - account.notional) / account.leverage, block))
    known = [(amount if math.isfinite(amount) else -math.inf, block) for amount, block in limits]
    amount, binding = min(known, key=lambda limit: limit[0])
    return max(0.0, amount), binding


def asset_limit(capital: float, pairs: int, leverage: float, caps: CapSettings) -> float:
    """Notional above which an asset is trimmed; infinite where only one pair is traded.

    NaN where the capital is unknown: nothing is above it, as a sale is no refusal.
    """
    if pairs <= 1 or math.isnan(capital):
        return float("inf")
    return (caps.inventory + caps.inventory_deviation) * capital * leverage
