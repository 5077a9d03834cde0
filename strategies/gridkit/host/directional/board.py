"""What the reasons board says of Confluence's pairs: why they wait, or what leaves them next. Live.

The columns say why a candle offers no entry; guards and freqtrade say what keeps one that does.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from freqtrade.persistence import Trade

from gridkit.analytics.entry_reasons import Why
from gridkit.grid.situation import Block
from gridkit.host import shut
from gridkit.host.context import Context
from gridkit.host.directional.positions import Positions
from gridkit.host.directional.signal_series import SignalSeries

if TYPE_CHECKING:
    from gridkit.host.directional.guards import Guards


class Board:
    """One per strategy object. `signals` are those of all pairs."""

    def __init__(
        self,
        context: Context,
        guards: "Guards",
        positions: Positions,
        signals: dict[str, SignalSeries],
    ) -> None:
        self._context = context
        self._guards = guards
        self._positions = positions
        self._signals = signals

    def note_last(self, pair: str) -> None:
        """Say why nothing is entered on a pair without a position, by its last candle."""
        context, now = self._context, self._context.now
        if now is None or Trade.get_trades_proxy(pair=pair, is_open=True):
            return
        seen = self._signals[pair]
        refusal = signal_block(seen, len(seen.block) - 1)
        if refusal is None:
            refusal = self._guards.against(pair, now, int(seen.side.item(-1)))
        if refusal is not None:
            context.reasons.waits(pair, refusal, now)
            return
        # What was said while it could be entered is older than two candles once it no longer is.
        age = timedelta(seconds=2 * context.seconds)
        context.reasons.unless_renewed(pair, shut.by_freqtrade(context, pair), now, age)

    def note_open(self, trade: "Trade") -> None:
        """Say what leaves a position next: its part by the target, and its stop by its rule."""
        now = self._context.now
        if now is None:
            return
        held = self._positions.held(trade)
        number = next(iter(sorted({1, 2, 3} - held.parts)), None)
        known = abs(held.target) < float("inf")
        self._context.reasons.set(
            trade.pair,
            "open",
            now,
            order=f"part {number}" if known else None,
            price=held.target if known else None,
            detail=f"stop {trade.stop_loss:.8g}, {held.stop_rule or 'as it was set'}",
        )


def signal_block(seen: SignalSeries, index: int) -> Block | None:
    """Return why a candle offers no entry, with score and threshold where these decide."""
    why = Why(int(seen.block.item(index)))
    if why is Why.ENTERS:
        return None
    if why is Why.SCORE:
        return Block(why.text, float(seen.score.item(index)), float(seen.threshold.item(index)))
    return Block(why.text, float("nan"), float("nan"))
