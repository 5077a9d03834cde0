"""What was true when a position was entered: fixed then, and kept over restarts.

In a backtest it is read from the candle before the trade's open; live it is written to the trade's
custom data at the first look, as candles so old may be gone after a restart.
"""

import logging
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gridkit.host.plan_store import finite

if TYPE_CHECKING:
    from freqtrade.persistence import Trade

    from gridkit.host.context import Context
    from gridkit.host.directional.signal_series import SignalSeries

logger = logging.getLogger(__name__)

KEY = "confluenceentry"  # of custom data; `_` and `%` are wildcards in freqtrade's look-up of keys


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """`atr` in quote currency, NaN unknown; `confidence` 0 … 1; `regime` and `kind` are codes."""

    atr: float
    confidence: float
    score: float
    regime: int
    kind: int


def read(
    trade: "Trade", context: "Context", signals: "dict[str, SignalSeries]"
) -> EntryRecord | None:
    """Return what was true at a trade's entry; None where no candle tells.

    Where the ATR was unknown then, as for an entry the user forced, it is that of the last candle.
    """
    kept = _kept(trade) if context.live else None
    if kept is not None:
        return kept
    found = _at(trade, trade.open_date_utc.timestamp(), context, signals)
    if (found is None or math.isnan(found.atr)) and context.now is not None:
        found = _at(trade, context.now.timestamp(), context, signals) or found
    if context.live and found is not None and not math.isnan(found.atr):
        trade.set_custom_data(KEY, finite(asdict(found)))
    return found


def _at(
    trade: "Trade", moment: float, context: "Context", signals: "dict[str, SignalSeries]"
) -> EntryRecord | None:
    series, seen = context.market.series.get(trade.pair), signals.get(trade.pair)
    index = series.index_at(moment) if series else -1
    if series is None or seen is None or index < 0:
        return None
    return EntryRecord(
        float(seen.atr.item(index)),
        float(seen.confidence.item(index)),
        float(seen.score.item(index)),
        series.regime.item(index),
        int(seen.kind.item(index)),
    )


def _kept(trade: "Trade") -> EntryRecord | None:
    document = trade.get_custom_data(KEY)
    if not document:
        return None
    try:
        known = {name: math.nan if value is None else value for name, value in document.items()}
        return EntryRecord(
            known["atr"],
            known["confidence"],
            known["score"],
            int(known["regime"]),
            int(known["kind"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        logger.warning("%s: what was kept of the entry is unreadable: %r", trade.pair, error)
        return None
