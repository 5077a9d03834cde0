"""`gridkit models importance`: what each feature was worth to the models FreqAI saved."""

import argparse
import pickle
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gridkit.models.errors import WIDE, WRONG, ModelsError, writable, writing
from gridkit.prediction.training import Predictor

PATTERN = "cb_*_model.joblib"  # FreqAI's name of a saved model: cb, coin, when it was trained
# FreqAI's name of a feature: its mark, ours, its own mark, pair and timeframe, and candles back.
_FEATURE = re.compile(r"%-(.+?)(?:_gen)?_([^_/]+)/[^_]+_([^_]+)(_shift-\d+)?")
_NAME = re.compile(r"cb_(.+)_(\d+)_model\.joblib")


@dataclass(frozen=True, slots=True)
class Saved:
    """A model on disk: of which coin, and what its features were worth."""

    coin: str
    shares: pd.DataFrame


def run(options: argparse.Namespace) -> int:
    """Print and write the shares; return 0, or 2 after one clear line."""
    try:
        if options.top < 1:
            raise ModelsError(f"--top {options.top}: allowed are numbers from 1 on")
        writable(options.csv)
        found = [read(path) for path in models(options.models)]
        shares = mean(found)
        if options.csv:
            with writing(options.csv):
                shares.to_csv(options.csv, index_label="feature")
    except ModelsError as error:
        sys.stderr.write(f"gridkit models importance: {error}\n")
        return WRONG
    show(found, shares, options.top, Console(width=None if sys.stdout.isatty() else WIDE))
    return 0


def models(place: Path) -> list[Path]:
    """Return the models at a place, in order of their names. None that leads outside of it."""
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise ModelsError(f"{place}: there is no such file or folder; allowed is one with models")
    inside = place.resolve()
    found = [path for path in sorted(place.rglob(PATTERN)) if path.is_file()]
    found = [path for path in found if path.resolve().is_relative_to(inside)]
    if not found:
        raise ModelsError(f"{place}: there is no model in it; allowed is a folder with {PATTERN}")
    return found


def read(path: Path) -> Saved:
    """Unpickle a model, which runs what is in it. Raises ModelsError where it is not ours."""
    try:
        with path.open("rb") as file:
            found = pickle.load(file)  # what cloudpickle wrote is one
    except Exception as error:  # a spoilt pickle raises whatever it likes
        raise ModelsError(f"{path}: cannot be read: {type(error).__name__}: {error}") from None
    if not isinstance(found, Predictor):
        raise ModelsError(
            f"{path}: holds a {type(found).__name__}; allowed are predictors of gridkit"
        )
    named = _NAME.fullmatch(path.name)
    coin = named[1].upper() if named else path.stem
    return Saved(coin, found.importance().rename(index=lambda name: plain(str(name), coin)))


def plain(name: str, coin: str) -> str:
    """Return our name of a feature: the coin is left out where it is the model's own."""
    found = _FEATURE.fullmatch(name)
    if not found:
        return name.removeprefix("%-")
    feature, other, timeframe, shift = found.groups()
    own = other.upper() == coin
    return "_".join(filter(None, [feature, "" if own else other, timeframe])) + (shift or "")


def mean(found: Sequence[Saved]) -> pd.DataFrame:
    """Return the mean share of each feature (row) and horizon (column), the largest first.

    The mean is of the models that were shown the feature and made use of any; NaN without one.
    """
    stacked = pd.concat([one.shares for one in found])
    shares = stacked.groupby(level=0, sort=False).mean()
    order = shares.mean(axis=1).sort_values(ascending=False, kind="stable").index
    return shares.loc[order]


def show(found: Sequence[Saved], shares: pd.DataFrame, top: int, console: Console) -> None:
    """Print the features that were worth most."""
    counts = Counter(one.coin for one in found)
    told = ", ".join(f"{coin} {count}" for coin, count in sorted(counts.items()))
    console.print(f"{len(found)} models: {told}", markup=False, highlight=False, soft_wrap=True)
    made = Table(title="mean share", title_justify="left")
    made.add_column("feature", no_wrap=True)
    for horizon in shares.columns:
        made.add_column(str(horizon), justify="right")
    for name, row in shares.head(top).iterrows():
        made.add_row(Text(str(name)), *_cells(row))
    console.print(made)
    if len(shares) > top:
        console.print(f"{len(shares) - top} more features (--top, --csv)", highlight=False)


def _cells(row: pd.Series) -> Iterator[Text]:
    for value in row:
        yield Text("unknown" if pd.isna(value) else f"{value:.1%}")
