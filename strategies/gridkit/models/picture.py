"""A comparison as a PNG picture: reliability of each learner, and accuracy window by window."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from gridkit.models.comparison import Comparison
from gridkit.models.scored import Score
from gridkit.prediction.accuracy import BINS

# Okabe and Ito's colours, from dark to light so that greys differ too; markers tell them as well.
STYLES = (
    ("#000000", "o", "-"),
    ("#0072B2", "s", "--"),
    ("#D55E00", "^", "-."),
    ("#56B4E9", "D", ":"),
)
GREY = "#6B7280"
DOTS_PER_INCH = 120
LEAST_SHARE = 0.001  # of the outcomes, from which a tenth is drawn
LEAST_TOLD = 0.01  # and from which its share is told


def write_picture(found: Comparison, path: Path) -> None:
    """Write the picture."""
    with path.open("wb") as file:
        FigureCanvasAgg(picture(found)).print_png(file)


def picture(found: Comparison) -> Figure:
    """Draw reliability above, a panel for each learner, and accuracy by window below."""
    names = list(found.asked.recipes)
    figure = Figure(figsize=(11, 7.5), dpi=DOTS_PER_INCH, layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[1.15, 1])
    above, below = parts
    panels = above.subplots(1, len(names), squeeze=False, sharex=True, sharey=True)[0]
    main = found.asked.settings.prediction.main_horizon
    scores = {one.learner: one for one in found.scores if one.horizon == main}
    for axes, name, style in zip(panels, names, _styles(names), strict=True):
        _reliability(axes, scores[name], style)
    _limits(panels[0], [scores[name] for name in names])
    panels[0].set_ylabel("share that rose")
    above.supxlabel("predicted P(up | decided)", fontsize=10)
    said = "dotted: as predicted; figures: share of the outcomes"
    above.suptitle(f"{', '.join(found.asked.pairs)}: reliability over {main} ({said})", fontsize=11)
    _windows(below.subplots(), found, main)
    return figure


def _styles(names: Sequence[str]) -> list[tuple[str, str, str]]:
    return [STYLES[number % len(STYLES)] for number in range(len(names))]


def _reliability(axes: Axes, score: Score, style: tuple[str, str, str]) -> None:
    """Draw how often each tenth of the probability came true, and how many outcomes it holds."""
    colour, marker, _ = style
    table = _drawn(score)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=":")
    rose, low, high = (table[name].to_numpy() for name in ("rose", "low", "high"))
    axes.errorbar(
        table["predicted"],
        rose,
        yerr=np.clip([rose - low, high - rose], 0, None),
        color=colour,
        marker=marker,
        markersize=6,
        linewidth=1.3,
        elinewidth=1.0,
        capsize=3,
    )
    shares = table["outcomes"] / max(1, score.figures.outcomes)
    for at, top, share in zip(table["predicted"], high, shares, strict=True):
        axes.annotate(
            _percent(share), (at, top), (0, 4), textcoords="offset points", ha="center", fontsize=8
        )
    figures = score.figures
    axes.set_title(
        f"{score.learner}\nBrier {figures.brier.value:.3f}, "
        f"calibration error {figures.calibration_error.value:.3f}",
        fontsize=9.5,
    )
    _plain(axes)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= LEAST_TOLD else f"<{LEAST_TOLD:.0%}"


def _drawn(score: Score) -> DataFrame:
    table = score.figures.table
    return table[table["outcomes"] > LEAST_SHARE * score.figures.outcomes]


def _limits(axes: Axes, scores: Sequence[Score]) -> None:
    """Show the tenths that hold predictions, and one beside them; the same for all learners."""
    tables = [_drawn(one) for one in scores]
    tables = [one for one in tables if len(one)]
    if tables:
        first = min(one["least"].min() for one in tables) - 1 / BINS
        last = max(one["most"].max() for one in tables) + 1 / BINS
        axes.set_xlim(max(0.0, first), min(1.0, last))
    lows = [one[["rose", "low"]].min(axis=None) for one in tables]
    highs = [one[["rose", "high"]].max(axis=None) for one in tables]
    axes.set_ylim(min([0.35, *lows]) - 0.05, max([0.65, *highs]) + 0.1)


def _windows(axes: Axes, found: Comparison, horizon: str) -> None:
    """Draw the accuracy of each learner in each window, side by side with their intervals."""
    names = list(found.asked.recipes)
    width = min((one.end - one.start for one in found.walk.windows), default=0)
    for place, (name, style) in enumerate(zip(names, _styles(names), strict=True)):
        some = [one for one in found.windows if one.learner == name]
        shift = width * 0.5 * ((place + 0.5) / len(names) - 0.5)
        middles = [
            (found.walk.windows[one.window].start + found.walk.windows[one.window].end) / 2 + shift
            for one in some
        ]
        share, low, high = (
            np.array([getattr(one.accuracy, part) for one in some])
            for part in ("value", "low", "high")
        )
        colour, marker, line = style
        axes.errorbar(
            np.array(middles).astype("int64").astype("datetime64[s]"),
            share,
            yerr=np.clip([share - low, high - share], 0, None),
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=6,
            linewidth=1.0,
            elinewidth=0.9,
            capsize=2,
            label=name,
        )
    axes.axhline(0.5, color=GREY, linewidth=0.9, linestyle=":")
    axes.set_title(
        f"Accuracy over {horizon} by window, nine of ten resampled histories", fontsize=11
    )
    axes.set_ylabel("right side, of decided")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(ncols=len(names), frameon=False, fontsize=9, loc="best")
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, color="#E5E7EB", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
