"""A comparison as tables for a terminal."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gridkit.models.comparison import Comparison
from gridkit.models.scored import Score
from gridkit.models.walk import Trained
from gridkit.prediction import context
from gridkit.prediction.accuracy import Measured

FIGURES = ("accuracy", "Brier", "log loss", "calibration error", "P(decided) Brier")
COSTS = ("trainings", "rows each", "seconds each", "seconds in all", "ms a prediction")
UNKNOWN = "unknown"


def show(found: Comparison, console: Console) -> None:
    """Print what was compared, a table of each horizon, what it took, and what was left out."""
    for sentence in head(found):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    for horizon in found.answers.moves:
        console.print(table(found, horizon))
    console.print(costs(found))
    for sentence in (*skipped(found), *NOTES):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


NOTES = (
    "in brackets: what nine of ten histories resampled in blocks of a horizon hold; effective: "
    "outcomes that overlap neither in time nor, pairs counted as one, between pairs",
    "calibration error: how far the mean prediction of each tenth of the probability is from the "
    "share that rose, weighed by outcomes; share of all: what came in the days trained on",
)


def head(found: Comparison) -> list[str]:
    """Say what was compared."""
    asked, windows = found.asked, found.walk.windows
    columns = len(found.walk.markets[0].features.columns)
    modules = context.names(asked.settings.prediction.families)
    return [
        f"{', '.join(asked.pairs)}: {_date(windows[0].start)} to {_date(windows[-1].end)}, "
        f"{len(windows)} windows of {asked.test_days:g} days, each after {asked.train_days:g} days",
        f"{columns} features of {', '.join(asked.timeframes)} candles"
        + (f" and of {', '.join(asked.correlated)}" if asked.correlated else "")
        + (f", without the {len(modules)} of modules" if modules else "")
        + f"; decided: moves above {asked.cost_fraction:.2%}; seed {asked.seed}",
    ]


def table(found: Comparison, horizon: str) -> Table:
    """Return what came out on a horizon."""
    main = " (main)" if horizon == found.asked.settings.prediction.main_horizon else ""
    some = [score for score in found.scores if score.horizon == horizon]
    return rows(some, f"{horizon}{main}", last=list(found.asked.recipes)[-1])


def rows(some: Sequence[Score], title: str, last: str) -> Table:
    """Set learners below each other, and apart, after the `last`, what needs none."""
    made = Table(title=title, title_justify="left")
    made.add_column("learner", no_wrap=True)
    for name in ("decided", "effective", *FIGURES):
        made.add_column(name, justify="right", overflow="fold")
    for score in some:
        made.add_row(*map(Text, cells(score)), end_section=score.learner == last)
    return made


def cells(score: Score) -> tuple[str, ...]:
    """Return one row of a horizon."""
    figures = score.figures
    measured = (figures.accuracy, figures.brier, figures.log_loss, figures.calibration_error)
    return (
        score.learner,
        f"{figures.outcomes:,}",
        f"{figures.effective:,.0f}",
        *(_shown(one) for one in (*measured, score.decided_brier)),
    )


def costs(found: Comparison) -> Table:
    """Return what training and prediction took; all horizons are learned together."""
    made = Table(title="what it took", title_justify="left")
    made.add_column("learner", no_wrap=True)
    for name in COSTS:
        made.add_column(name, justify="right", overflow="fold")
    for name in found.asked.recipes:
        some = [one for one in found.answers.trained if one.learner == name]
        made.add_row(*map(Text, (name, *took(some))))
    return made


def took(some: Sequence[Trained]) -> tuple[str, ...]:
    """Return one learner's row of it; each is the mean of its trainings."""
    seconds = [one.seconds for one in some]
    return (
        str(len(some)),
        f"{np.mean([one.rows for one in some]):,.0f}",
        f"{np.mean(seconds):.2f}",
        f"{np.sum(seconds):.1f}",
        f"{np.mean([one.milliseconds for one in some]):.1f}",
    )


def skipped(found: Comparison) -> Iterator[str]:
    """Name each window that was left out, and why."""
    for one in found.answers.skipped:
        start = _date(found.walk.windows[one.window].start)
        yield f"left out: {one.pair} from {start}: {one.why}"


def _shown(figure: Measured) -> str:
    if np.isnan(figure.value):
        return UNKNOWN
    if np.isnan(figure.low):
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}".removesuffix(" 00:00")
