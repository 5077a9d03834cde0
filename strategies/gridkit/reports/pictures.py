"""The report as PNG pictures: the account, and each pair's price with lines, fills and lots."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gridkit.reports.catalogue import shown
from gridkit.reports.drawing import (
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    RED,
    Dots,
    PairDrawing,
    Segments,
    drawing_of,
    traded_pairs,
)
from gridkit.reports.figures import DAY, drawdowns
from gridkit.reports.records import Candles, Floats, Ints
from gridkit.reports.report import Report
from gridkit.reports.sampling import kept_indices

DOTS_PER_INCH = 120
CURVE_POINTS = 4_000
WINDOW = 3 * DAY  # of the busiest days, drawn large


def write_pictures(report: Report, folder: Path) -> list[Path]:
    """Write equity.png and grid-PAIR.png for each traded pair; makes the folder itself."""
    folder.mkdir(exist_ok=True)
    figures = {"equity.png": equity_picture(report)}
    for pair in traded_pairs(report):
        name = pair.replace("/", "_").replace(":", "_")
        figures[f"grid-{name}.png"] = pair_picture(report, pair)
    for name, figure in figures.items():
        FigureCanvasAgg(figure).print_png(folder / name)
    return [folder / name for name in figures]


def equity_picture(report: Report) -> Figure:
    """Equity beside buy and hold, drawdown, exposure."""
    figure = Figure(figsize=(11, 7.5), dpi=DOTS_PER_INCH, layout="constrained")
    top, middle, bottom = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1.3, 0.9]}
    )
    curves = [(report.run.strategy, report.equity.equity, BLUE, 1.4)]
    if report.benchmark is not None:
        curves.append(("buy and hold", report.benchmark, ORANGE, 1.1))
    for name, curve, colour, width in curves:
        _curve(top, report.marks.seconds, curve, colour, width, name)
        _curve(middle, report.marks.seconds, -drawdowns(curve), colour, width, name)
    top.axhline(report.run.starting_balance, color=GREY, linewidth=0.8, linestyle=":")
    worth = np.where(report.equity.equity > 0, report.equity.equity, np.nan)
    _curve(bottom, report.marks.seconds, report.equity.exposure / worth, GREY, 1.0, "exposure")
    _title(top, report)
    top.set_ylabel(f"equity, {report.run.stake_currency}")
    middle.set_ylabel("drawdown")
    bottom.set_ylabel("exposure")
    for axes in (middle, bottom):
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bottom.set_ylim(bottom=0)
    top.legend(loc="best", frameon=False)
    for axes in (top, middle, bottom):
        _plain(axes)
    return figure


def pair_picture(report: Report, pair: str) -> Figure:
    """Draw the whole run above, its busiest days below with every line, fill and lot."""
    drawing = drawing_of(report, pair)
    figure = Figure(figsize=(11, 8), dpi=DOTS_PER_INCH, layout="constrained")
    whole, near = figure.subplots(2, 1, gridspec_kw={"height_ratios": [1, 1.6]})
    first, last = busiest(drawing, WINDOW)
    _pair(whole, drawing, int(drawing.seconds[0]), int(drawing.seconds[-1]), small=True)
    _ranges(near, report.run.candles[pair], first, last)
    _pair(near, drawing, first, last, small=False)
    if len(drawing.seconds) * report.run.step > WINDOW:
        whole.axvspan(*_dates(np.array([first, last])), color=BLUE, alpha=0.08, linewidth=0)
    whole.set_title(f"{pair}: the whole run", loc="left", fontsize=11)
    near.set_title("its busiest days", loc="left", fontsize=11)
    near.legend(loc="upper left", bbox_to_anchor=(0, -0.07), ncols=6, frameon=False, fontsize=9)
    for axes in (whole, near):
        axes.set_ylabel("price")
        _plain(axes)
    return figure


def busiest(drawing: PairDrawing, window: int) -> tuple[int, int]:
    """First and last second of the stretch of that length with the most fills."""
    times = np.sort(np.concatenate([drawing.buys.seconds, drawing.sells.seconds]))
    start, end = int(drawing.seconds[0]), int(drawing.seconds[-1])
    if not len(times) or end - start <= window:
        return start, end
    counts = np.searchsorted(times, times + window, "right") - np.arange(len(times))
    first = min(int(times[counts.argmax()]) - window // 20, end - window)
    return max(start, first), max(start, first) + window


def _pair(axes: Axes, drawing: PairDrawing, first: int, last: int, *, small: bool) -> None:
    inside = (drawing.seconds >= first) & (drawing.seconds <= last)
    if not small:
        _segments(axes, drawing.lines.within(first, last), LIGHT, 0.8, "line (a level's entry)")
    width = 0.6 if small else 2.2
    _segments(axes, drawing.won.within(first, last), GREEN, width, "lot, sold with profit")
    _segments(axes, drawing.lost.within(first, last), RED, width, "lot, sold with loss")
    _curve(axes, drawing.seconds[inside], drawing.close[inside], "black", 0.8, "close")
    size = 2 if small else 30
    _dots(axes, drawing.buys, first, last, "^", BLUE, size, "bought")
    _dots(axes, drawing.sells, first, last, "v", ORANGE, size, "sold")
    axes.set_xlim(*_dates(np.array([first, last])))


def _ranges(axes: Axes, candles: Candles, first: int, last: int) -> None:
    """Draw each candle from low to high: fills lie there, and often off the close."""
    inside = (candles.seconds >= first) & (candles.seconds <= last)
    times = _dates(candles.seconds[inside])
    axes.vlines(times, candles.low[inside], candles.high[inside], color=GREY, linewidth=0.7)


def _curve(axes: Axes, seconds: Ints, values: Floats, colour: str, width: float, name: str) -> None:
    kept = kept_indices(values, CURVE_POINTS)
    axes.plot(_dates(seconds[kept]), values[kept], color=colour, linewidth=width, label=name)


def _segments(axes: Axes, segments: Segments, colour: str, width: float, name: str) -> None:
    if len(segments):
        start, end = _dates(segments.start), _dates(segments.end)
        axes.hlines(segments.price, start, end, color=colour, linewidth=width, label=name)


def _dots(
    axes: Axes, dots: Dots, first: int, last: int, marker: str, colour: str, size: float, name: str
) -> None:
    inside = np.flatnonzero((dots.seconds >= first) & (dots.seconds <= last))
    some = dots.at(inside)
    axes.scatter(
        _dates(some.seconds),
        some.price,
        marker=marker,
        color=colour,
        s=size,
        label=name,
        edgecolors="white",
        linewidths=size / 75,
        zorder=3,
    )


def _title(axes: Axes, report: Report) -> None:
    figures, unit = report.figures, report.run.stake_currency
    gain = shown("return_fraction", figures["return_fraction"], unit)
    fall = shown("max_drawdown_fraction", figures["max_drawdown_fraction"], unit)
    strict = shown("strict_fills_fraction", figures["strict_fills_fraction"], unit)
    axes.set_title(
        f"{report.run.strategy}: {gain}, maximum drawdown {fall}, marked to market\n"
        f"touch fills, {strict} of them strict; after fees"
        + (" and funding" if report.run.is_futures else ""),
        loc="left",
        fontsize=11,
    )


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, color="#E5E7EB", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _dates(seconds: Ints) -> np.ndarray:
    return seconds.astype("datetime64[s]")
