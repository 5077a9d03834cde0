"""Panels that share a time axis: candles on top, what a module makes of them beneath."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from PIL import Image

# Okabe and Ito: told apart by the colour-blind too.
BLUE, ORANGE, GREEN, PINK, SKY, RED = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
)
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
GREY = "#8a8f98"
RISING, FALLING = "#b9bdc4", "#3f444c"

_INCHES, _DOTS_PER_INCH = 10.0, 120  # 1200 pixels wide
_MOST_COLOURS = 128
_ROOM = 800.0  # points across a panel, for bodies of candles


def sheet(title: str, heights: Sequence[float], height: float = 6.5) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel per height, the first for the candles."""
    figure = Figure(figsize=(_INCHES, height), dpi=_DOTS_PER_INCH, layout="constrained")
    figure.suptitle(title, fontsize=12)
    panels = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    axes = list(panels[:, 0])
    locator = AutoDateLocator(minticks=6, maxticks=12)
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))
    axes[-1].set_xlabel("time, UTC")
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.margins(x=0.01)
    return figure, axes


def candlesticks(axis: Axes, frame: pd.DataFrame, unit: str) -> None:
    """Draw candles: light rising, dark falling."""
    dates = moments(frame)
    open_, close = frame["open"].to_numpy(), frame["close"].to_numpy()
    colours = np.where(close >= open_, RISING, FALLING).tolist()
    axis.vlines(dates, frame["low"], frame["high"], colors=colours, linewidth=0.7)
    body = max(0.9, 0.6 * _ROOM / max(1, len(frame)))
    axis.vlines(
        dates, np.minimum(open_, close), np.maximum(open_, close), colors=colours, linewidth=body
    )
    axis.set_ylabel(f"price, {unit}")


def moments(frame: pd.DataFrame) -> np.ndarray:
    """Return the candles' open times as matplotlib wants them: UTC without saying so."""
    return frame["date"].to_numpy("datetime64[ns]")


def lines(axis: Axes, dates: np.ndarray, columns: dict[str, np.ndarray], unit: str) -> None:
    """Draw named lines, a step per candle, with a legend and the unit on the axis."""
    for colour, (name, values) in zip(COLOURS, columns.items(), strict=False):
        axis.plot(dates, values, color=colour, linewidth=1.2, label=name)
    axis.set_ylabel(unit)
    legend(axis, len(columns))


def legend(axis: Axes, columns: int) -> None:
    """Name what is drawn, above the panel where it hides nothing."""
    axis.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        fontsize=8,
        frameon=False,
        borderaxespad=0.1,
    )


def in_percent(axis: Axes, decimals: int = 0) -> None:
    """Write the fractions of an axis as percentages."""
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals))


def save(figure: Figure, path: Path) -> None:
    """Write a PNG of few colours, which is small; makes the folder itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    drawn.quantize(_MOST_COLOURS).save(path, optimize=True)
