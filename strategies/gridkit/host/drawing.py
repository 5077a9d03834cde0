"""What FreqUI draws of a grid: its lines, its lots and the next order."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from freqtrade.persistence import Trade

from gridkit.host.flow import WORDS
from gridkit.host.orders import working_order
from gridkit.host.prediction import belief, section

if TYPE_CHECKING:
    from pandas import DataFrame

    from gridkit.analytics.flow import Analysis
    from gridkit.grid.situation import Order
    from gridkit.host.cycle import Cycle
    from gridkit.settings import Settings

FREE = "#8a8f98"
HELD = "#0072b2"
TARGET = "#009e73"
NEXT = "#e69f00"
FLOW = "#cc79a7"
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")


def plot_config(settings: "Settings", config: Mapping[str, Any]) -> dict[str, Any]:
    """Return freqtrade's plot configuration for the columns that are switched on."""
    subplots = {
        "Volatility": lines_of(
            "volatility_forecast", *(f"volatility_{name}" for name in _estimates(settings))
        )
    }
    if settings.regime.enabled:
        subplots["Regime"] = {"regime_code": {"color": HELD, "type": "bar"}}
        subplots["Trend"] = lines_of("regime_adx", "regime_side")
    if settings.confluence.enabled:
        subplots["Confluence"] = lines_of("confluence_score", "confluence_confidence")
    if settings.thresholds.enabled:
        subplots["Threshold"] = lines_of("thresholds_multiplier")
    if settings.orderflow.enabled:
        subplots["Order flow"] = lines_of("orderflow_imbalance", "orderflow_whale")
    if section.is_on(config):
        raw = f"{belief.RAW}{settings.prediction.main_horizon}"
        figures = (f"prediction_{name}" for name in ("accuracy", "lower", "break_even"))
        subplots["Prediction"] = lines_of(belief.UP, raw, *figures)
    levels = lines_of("profile_poc", "profile_vah", "profile_val")
    return {"main_plot": levels if settings.profile.enabled else {}, "subplots": subplots}


def _estimates(settings: "Settings") -> Iterator[str]:
    measured = settings.volatility
    yield "realised"
    if measured.method == "composite":
        if measured.garch.enabled:
            yield "garch"
        if measured.basket.enabled:
            yield "basket"
        if measured.implied.enabled and measured.implied.file:
            yield "implied"


def lines_of(*columns: str) -> dict[str, dict[str, str]]:
    """Return columns with a colour each."""
    return {name: {"color": color} for name, color in zip(columns, COLORS, strict=False)}


def _lines(cycle: "Cycle") -> Iterator[dict[str, Any]]:
    lots = cycle.book.ledger.lots
    for line in cycle.plan.lines:
        lot = lots.get(line.level)
        if lot is None:
            yield at(line.price, f"L{line.level}", FREE, "dotted")
            continue
        yield at(lot.price, f"L{line.level} holds {lot.amount:.6g}", HELD, "solid")
        yield at(line.target, f"target of L{line.level}", TARGET, "dashed")
    order = cycle.verdict.order if cycle.verdict else None
    price = _price_of(order, cycle)
    if order is not None and price is not None:
        yield {**at(price, f"next: {order.tag}", NEXT, "solid"), "width": 2}


def _price_of(order: "Order | None", cycle: "Cycle") -> float | None:
    if order is None or order.price is not None:
        return order.price if order else None
    line = cycle.plan.line(order.levels[0])
    return line.price if line else None


def at(price: float, label: str, color: str, style: str) -> dict[str, Any]:
    """Return a level line, but for its kind and the time it spans."""
    return {"y_start": price, "y_end": price, "label": label, "color": color, "line_style": style}


def for_pair(
    pair: str, start: datetime, end: datetime, frame: "DataFrame", desk: Any
) -> list[dict[str, Any]]:
    """Annotate a pair's chart with its open cycle, its unfilled start, or why it waits.

    freqtrade hands in the frame it sends next, a copy: so the column that says why is as of now,
    and not of the last candle.
    """
    if desk.context.live:
        desk.context.write(frame, pair)
    # A copy, as the REST API asks from a thread of its own; of two cycles, the later is open.
    of_pair = [cycle for cycle in list(desk.cycles.values()) if cycle.book.pair == pair]
    if of_pair:
        drawn = list(_lines(of_pair[-1]))
    else:
        drawn = [*_starts(pair), *waiting(pair, frame, desk)][:1]
    drawn += failing(pair, frame, desk)
    drawn += predicted(frame, desk.settings)
    drawn += pressure(desk.flow.analyses.get(pair))
    return [{**line, "type": "line", "start": start, "end": end} for line in drawn]


def _starts(pair: str) -> Iterator[dict[str, Any]]:
    """Yield the first order of a cycle that nothing has filled yet."""
    for trade in Trade.get_trades_proxy(pair=pair, is_open=True):
        order = working_order(trade)
        if order is not None and not trade.amount:
            price = float(order.safe_placement_price)
            yield {**at(price, f"next: {order.ft_order_tag}", NEXT, "solid"), "width": 2}


def waiting(pair: str, frame: "DataFrame", desk: Any) -> Iterator[dict[str, Any]]:
    """Yield why a pair waits, at its last close."""
    reason = desk.context.reasons.get(pair)
    if reason and len(frame):
        yield at(float(frame["close"].iloc[-1]), str(reason), FREE, "dotted")


def failing(pair: str, frame: "DataFrame", desk: Any) -> Iterator[dict[str, Any]]:
    """Yield each feature that failed or is off on a pair, at its last close."""
    for one in desk.context.features.of(pair) if len(frame) else ():
        yield at(float(frame["close"].iloc[-1]), str(one), FREE, "dotted")


def predicted(frame: "DataFrame", settings: "Settings") -> Iterator[dict[str, Any]]:
    """Yield whether predictions are heeded, and what they change, at the foot of the chart."""
    rule, found = settings.prediction, belief.of_frame(frame)
    if found is None or not rule.enabled:
        return
    what = (
        f"; lines of a side above {rule.raises:.0%} cost {rule.bonus:.0%} more, of one below "
        f"{rule.blocks:.0%} none is added"
    )
    label = f"{found}{what if found.is_on else ''}"
    yield at(float(frame["low"].min()), label, FREE, "dotted")


def pressure(found: "Analysis | None") -> Iterator[dict[str, Any]]:
    """Yield the side that order flow takes, and the walls it stands before."""
    if found is None:
        return
    if found.direction and found.measures.mid > 0:
        label = f"order flow: {WORDS[found.direction]}, {found.strength:.2f}"
        yield at(found.measures.mid, label, FLOW, "dotted")
    for wall in found.walls:
        yield at(wall.price, f"wall of {wall.size:.6g}", FLOW, "dashed")
