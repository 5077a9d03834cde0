"""Figures stand in a document between two marks, so that a command can renew them."""

import re
from collections.abc import Iterable

from studies.tables import Table


def figures(tables: Iterable[Table]) -> str:
    """Return the tables as Markdown, one after the other."""
    return "\n\n".join(table.markdown() for table in tables)


def renewed(text: str, name: str, found: str) -> str:
    """Return a document with other figures between the marks of a study.

    Raises ValueError where the document has no such marks.
    """
    begin, end = f"<!-- figures: {name} -->", "<!-- end -->"
    marks = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"no place for the figures of {name}: it is between {begin} and {end}")
    return marks.sub(lambda match: f"{match[1]}\n{found}\n\n{match[2]}", text)
