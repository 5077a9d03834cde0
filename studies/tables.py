"""Figures as tables of text, and as Markdown."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the names of the columns, and rows of text; the first column names its row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return title and table, numbers to the right."""
        rule = ("---", *["---:"] * (len(self.columns) - 1))
        lines = [_line(row) for row in (self.columns, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines])


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Make a table of anything that can be iterated over."""
    return Table(title, tuple(columns), tuple(tuple(row) for row in rows))


def number(value: float, digits: int = 2) -> str:
    """Write a number with so many decimals; a dash where it is not known."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else UNKNOWN


def percent(fraction: float, digits: int = 1) -> str:
    """Write a fraction as a percentage; a dash where it is not known."""
    return f"{number(100 * fraction, digits)} %" if math.isfinite(fraction) else UNKNOWN


def count(value: int) -> str:
    """Write how many."""
    return f"{value:,}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
