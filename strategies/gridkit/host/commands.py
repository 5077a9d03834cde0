"""What a user told the running bot: /stopentry (also /pause) and /marketdir.

freqtrade keeps both to itself. While paused it opens nothing and drops additions, but still asks
for them, and an entry that already rests is left to fill. What /marketdir said it only remembers,
until the next start or /reload_config.
"""

import math
from typing import TYPE_CHECKING

from freqtrade.enums import MarketDirection, State

from gridkit.grid.situation import Block

if TYPE_CHECKING:
    from freqtrade.strategy import IStrategy

PAUSED = Block("stopentry: the bot is paused", math.nan, math.nan)
_AGAINST = {
    1: (MarketDirection.SHORT, Block("marketdir is short", math.nan, math.nan)),
    -1: (MarketDirection.LONG, Block("marketdir is long", math.nan, math.nan)),
}


def block(strategy: "IStrategy", side: int) -> Block | None:
    """Return what a user said against entries on this side, 1 for long and -1 for short; live only.

    "even" and "none" are no objection: "none" is what freqtrade starts with.
    """
    if state_of(strategy) == State.PAUSED:
        return PAUSED
    unwanted, against = _AGAINST[side]
    return against if strategy.market_direction == unwanted else None


def state_of(strategy: "IStrategy") -> State | None:
    """Return the bot's state; None where it cannot be seen.

    freqtrade tells a strategy nothing of it, so this follows private names; without them freqtrade
    itself still refuses entries while paused.
    """
    rpc = getattr(strategy.dp, "_DataProvider__rpc", None)
    bot = getattr(getattr(rpc, "_rpc", None), "_freqtrade", None)
    state = getattr(bot, "state", None)
    return state if isinstance(state, State) else None
