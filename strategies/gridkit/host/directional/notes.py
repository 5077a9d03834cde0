"""What stands at the foot of FreqUI's chart: which features are on, off or failing; prediction."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gridkit.host import drawing
from gridkit.host.drawing import FREE
from gridkit.host.prediction import belief

if TYPE_CHECKING:
    from pandas import DataFrame

    from gridkit.host.failing import Failing
    from gridkit.settings import Settings

# Parts of Confluence that a setting `<name>.enabled` switches, in the order they are told.
SWITCHES = (
    "regime",
    "profile",
    "confluence",
    "thresholds",
    "orderflow",
    "prediction",
    "portfolio",
    "breakers",
)
HEIGHT = 0.05  # of one note, a share of the range of prices


def lines(frame: "DataFrame", settings: "Settings", failing: "list[Failing]") -> Iterator[Any]:
    """Yield the notes as level lines one above the other, within the range of prices."""
    if not len(frame):
        return
    told = [*map(str, failing), *prediction(frame, settings), features(settings, failing)]
    lowest, highest = float(frame["low"].min()), float(frame["high"].max())
    for number, text in enumerate(reversed(told)):
        price = lowest + min(number * HEIGHT, 1.0) * (highest - lowest)
        yield drawing.at(price, text, FREE, "dotted")


def features(settings: "Settings", failing: "Iterable[Failing]") -> str:
    """Tell which parts are on, which the settings switch off, and which failed."""
    gone = {one.name for one in failing if one.state != "failing"}
    off = [name for name in SWITCHES if not getattr(settings, name).enabled]
    on = [name for name in SWITCHES if name not in off and name not in gone]
    told = [f"on: {', '.join(on) or 'nothing'}"]
    if off:
        told.append(f"off by settings: {', '.join(off)}")
    if gone:
        told.append(f"failed: {', '.join(sorted(gone))}")
    return "; ".join(told)


def prediction(frame: "DataFrame", settings: "Settings") -> Iterator[str]:
    """Tell the last prediction and what it does to entries, or why there is none."""
    rule, found = settings.prediction, belief.of_frame(frame)
    if not rule.enabled:
        return
    if found is None:
        yield "prediction: no predictor runs, entries go without"
    elif found.is_on:
        yield (
            f"{found}; a side above {rule.raises:.0%} gains confidence, one below "
            f"{rule.blocks:.0%} is not entered"
        )
    else:
        yield str(found)
