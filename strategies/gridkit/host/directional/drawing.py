"""What FreqUI draws of Confluence: columns, regimes, targets and stop, why a pair waits, notes."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade

from gridkit.host import drawing
from gridkit.host.directional import bands, notes
from gridkit.host.drawing import FREE, HELD, NEXT, TARGET

if TYPE_CHECKING:
    from pandas import DataFrame

    from gridkit.settings import Settings

STOP = "#d55e00"


def plot_config(settings: "Settings", config: Mapping[str, Any]) -> dict[str, Any]:
    """Return freqtrade's plot configuration for the columns that are switched on."""
    shared = drawing.plot_config(settings, config)
    own = {
        "Entry": drawing.lines_of("entry_score", "entry_threshold", "entry_confidence"),
        "Why not": {"entry_block": {"color": FREE, "type": "bar"}},
    }
    return {**shared, "subplots": {**shared["subplots"], **own}}


def for_pair(
    pair: str, start: datetime, end: datetime, frame: "DataFrame", desk: Any
) -> list[dict[str, Any]]:
    """Annotate a pair's chart: regimes, its position or why it waits, notes, order flow."""
    if desk.context.live:
        desk.context.write(frame, pair)
    open_trades = Trade.get_trades_proxy(pair=pair, is_open=True)
    drawn = [line for trade in open_trades for line in _position(trade, desk)]
    if not drawn:
        drawn = list(drawing.waiting(pair, frame, desk))
    drawn += notes.lines(frame, desk.settings, desk.context.features.of(pair))
    drawn += drawing.pressure(desk.flow.analyses.get(pair))
    lines = [{**line, "type": "line", "start": start, "end": end} for line in drawn]
    return [*bands.of_regimes(frame, start, end), *lines]


def _position(trade: Any, desk: Any) -> Iterator[dict[str, Any]]:
    if not trade.amount:
        return
    held, rule = desk.positions.held(trade), desk.settings.exits
    yield drawing.at(trade.open_rate, f"entry, holds {trade.amount:.6g}", HELD, "solid")
    for number, multiple in enumerate(rule.targets, 1):
        price = trade.open_rate + held.side * multiple * held.entry.atr
        if price > 0 and number not in held.parts:
            color = NEXT if price == held.target else TARGET
            yield drawing.at(price, f"part {number}, {multiple:g} ATR", color, "dashed")
    if trade.stop_loss:
        yield drawing.at(trade.stop_loss, f"stop: {held.stop_rule or 'net'}", STOP, "solid")
