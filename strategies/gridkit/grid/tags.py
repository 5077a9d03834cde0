"""Order tags: how a level's name travels through freqtrade's orders, tables and Telegram.

Entries read `L3` (`L3-5` when one order takes several lines), exits `sell L3`, `cover L3` for a
short grid, `stop L3` for a stopped lot, `trim L3` for a lot of an asset above its share,
`recover L3` for a stuck lot or a part of it, `flatten L1-4` for a cycle that was stopped,
`end L1-4` for one of too many orders.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

SELL = "sell"
COVER = "cover"
STOP = "stop"
FLATTEN = "flatten"
END = "end"
TRIM = "trim"
RECOVER = "recover"

# Levels are counted from 1; four digits keep a foreign `L1-999999999` from naming a billion of
# them.
_RUN = re.compile(r"([1-9][0-9]{0,3})(?:-([1-9][0-9]{0,3}))?")
_TAG = re.compile(rf"(?:(?P<verb>[a-z]+) )?L(?P<levels>{_RUN.pattern}(?:,{_RUN.pattern})*)")


def entry_tag(levels: Sequence[int]) -> str:
    """Name the levels an entry takes, runs folded: `L3`, `L3-5`, `L1,4-6`."""
    return "L" + ",".join(_folded(run) for run in _runs(sorted(levels)))


def exit_tag(levels: Sequence[int], verb: str) -> str:
    """Name what happens to which levels, as in `sell L2` or `stop L2-4`."""
    return f"{verb} {entry_tag(levels)}"


@lru_cache
def levels_of(tag: str | None) -> tuple[int, ...]:
    """Return the levels a tag names; empty for a tag that is absent or not ours."""
    match = _TAG.fullmatch(tag or "")
    if not match:
        return ()
    runs = (_RUN.fullmatch(part) for part in match["levels"].split(","))
    return tuple(level for run in runs if run for level in _unfolded(run))


@lru_cache
def verb_of(tag: str | None) -> str:
    """Return the first word of an exit tag of ours, "" otherwise."""
    match = _TAG.fullmatch(tag or "")
    return (match["verb"] or "") if match else ""


def _runs(levels: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for level in levels:
        if runs and level == runs[-1][-1] + 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    return runs


def _folded(run: Sequence[int]) -> str:
    return f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}"


def _unfolded(run: re.Match[str]) -> range:
    first = int(run[1])
    return range(first, int(run[2] or first) + 1)
