"""Order tags: how a level's name travels through freqtrade's orders, tables and Telegram.

Entries read `L3` (or `L3-5` when one order takes several lines), exits `sell L3`, `cover L3` for a
short grid, `stop L3` for a stopped lot.
"""

import re
from collections.abc import Sequence

STOP = "stop"
FLATTEN = "flatten"
TRIM = "trim"

_LEVELS = re.compile(r"^(?:(?P<verb>[a-z]+) )?L(?P<first>\d+)(?:-(?P<last>\d+))?\b")


def entry_tag(levels: Sequence[int]) -> str:
    """Name the levels an entry takes; they must be consecutive, or the order could not be read back."""
    first, last = min(levels), max(levels)
    if last - first + 1 != len(levels):
        raise ValueError(f"levels of one order must be consecutive, got {sorted(levels)}")
    return f"L{first}" if first == last else f"L{first}-{last}"


def exit_tag(levels: Sequence[int], verb: str) -> str:
    """Name what happens to which levels, as in `sell L2` or `stop L2-4`."""
    return f"{verb} {entry_tag(levels)}"


def levels_of(tag: str | None) -> tuple[int, ...]:
    """Return the levels a tag names; empty for a tag that is absent or not ours."""
    match = _LEVELS.match(tag or "")
    if not match:
        return ()
    first = int(match["first"])
    return tuple(range(first, int(match["last"] or first) + 1))


def verb_of(tag: str | None) -> str:
    """Return the first word of an exit tag of ours, "" otherwise."""
    match = _LEVELS.match(tag or "")
    return (match["verb"] or "") if match else ""
