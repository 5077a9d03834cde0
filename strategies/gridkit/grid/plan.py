"""The plan of a cycle under one name: what it is, what it is laid by, and what lays it."""

from gridkit.grid.laying import first_line, make, revised
from gridkit.grid.layout import EMPTY, Layout, Terrain, anchor_of, line_price
from gridkit.grid.lines import Line, Plan, Steps, told

__all__ = [
    "EMPTY",
    "Layout",
    "Line",
    "Plan",
    "Steps",
    "Terrain",
    "anchor_of",
    "first_line",
    "line_price",
    "make",
    "revised",
    "told",
]
