"""`gridkit models features`: what a learner is shown of a candle, and how many columns it makes."""

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gridkit.models import given, matrix
from gridkit.models.asked import configured
from gridkit.models.errors import WIDE, WRONG, ModelsError
from gridkit.prediction import context, features
from gridkit.prediction.features import Feature


@dataclass(frozen=True, slots=True)
class Listing:
    """Features of the families that are wanted, and the columns those of candles make.

    `modules` are those of a strategy's modules, which count once each where the module is on.
    """

    listed: tuple[Feature, ...]
    modules: tuple[Feature, ...]
    timeframes: tuple[str, ...]
    correlated: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def apart(self) -> int:
        """Return how many there are of each timeframe and pair."""
        return sum(one.family != matrix.TIME for one in self.listed)


def run(options: argparse.Namespace) -> int:
    """Print the list; return 0, or 2 after one clear line."""
    try:
        found = listing(options)
    except ModelsError as error:
        sys.stderr.write(f"gridkit models features: {error}\n")
        return WRONG
    if options.json:
        sys.stdout.write(json.dumps(document(found), indent=2, ensure_ascii=False) + "\n")
    else:
        show(found, Console(width=None if sys.stdout.isatty() else WIDE))
    return 0


def listing(options: argparse.Namespace) -> Listing:
    """Return what the parsed options ask for. Raises ModelsError."""
    config, settings = configured(options.config)
    timeframes = given.timeframes(options.timeframe, options.timeframes, config)
    correlated = given.others(options.correlated, config)
    families = settings.prediction.families
    return Listing(
        tuple(one for one in features.FEATURES if one.family in families),
        tuple(one for one in context.FEATURES if one.family in families),
        timeframes,
        correlated,
        matrix.columns(families, timeframes, correlated),
    )


def document(found: Listing) -> dict[str, Any]:
    """Return all of it as JSON has it."""
    return {
        "features": [one._asdict() for one in found.listed],
        "modules": [one._asdict() for one in found.modules],
        "timeframes": list(found.timeframes),
        "correlated": list(found.correlated),
        "count": len(found.columns),
        "columns": list(found.columns),
    }


def show(found: Listing, console: Console) -> None:
    """Print the features in a table, and the count below."""
    made = Table()
    for name in ("feature", "family", "what it says"):
        made.add_column(name, no_wrap=True)
    every = (*found.listed, *found.modules)
    for before, one in zip((None, *every), every, strict=False):
        if before and before.family != one.family:
            made.add_section()
        made.add_row(*map(Text, one))
    console.print(made)
    console.print(counted(found), markup=False, highlight=False, soft_wrap=True)


def counted(found: Listing) -> str:
    """Say how the count comes about."""
    of_time = len(found.listed) - found.apart
    counts = [f"{len(found.columns)} columns: {found.apart} features"]
    counts += [f"{len(found.timeframes)} timeframes ({', '.join(found.timeframes)})"]
    if found.correlated:
        others = ", ".join(found.correlated)
        counts += [f"{1 + len(found.correlated)} pairs ({others} beside a pair itself)"]
    told = f"{' x '.join(counts)} + {of_time} of the time"
    modules = dict.fromkeys(one.family for one in found.modules)
    if not modules:
        return told
    return (
        f"{told}\nand in a strategy up to {len(found.modules)} of its modules, "
        f"where these are on: {', '.join(modules)}"
    )
