"""For every pair the next order, or what stands against one: condition, value and threshold.

One board holds a `Reason` for each pair, renewed with each decision. freqtrade's log gets a line
when the condition changed, and not when its figures did.
"""

import logging
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from gridkit.host import logfmt

if TYPE_CHECKING:
    from pandas import DataFrame

    from gridkit.grid.situation import Block, Verdict

logger = logging.getLogger(__name__)

COLUMN = "why"

State = Literal["waits", "opening", "open"]

_NUMBER = re.compile(r"(?<=\s)-?\d[\d.e+-]*")  # levels of a tag follow a letter, or a comma


@dataclass(frozen=True, slots=True)
class Reason:
    """What a pair does next, and why no more than that.

    `order` is the tag of the next order, None for none; its `price` None means at market. `detail`
    says what that order is for. `condition` is "" where nothing stands against adding; `value` and
    `threshold` are NaN for a condition without figures. The condition holds `since`, the figures
    are of `updated`; both UTC.
    """

    pair: str
    state: State
    since: datetime
    updated: datetime
    order: str | None = None
    price: float | None = None
    detail: str = ""
    condition: str = ""
    value: float = math.nan
    threshold: float = math.nan

    def __str__(self) -> str:
        against = self.against
        if self.state == "waits":
            return f"nothing is opened, {against}" if against else "nothing to do"
        order = f"{self.order}: {self.detail}" if self.order and self.detail else self.order
        parts = [order or self.detail, f"nothing is added: {against}" if against else ""]
        return "; ".join(filter(None, parts)) or "nothing to do"

    @property
    def against(self) -> str:
        """The condition with its figures, "" for none."""
        if math.isnan(self.threshold):
            return self.condition
        return f"{self.condition}: {self.value:.6g} against {self.threshold:.6g}"

    @property
    def kind(self) -> str:
        """The condition without any figures, which change in every loop."""
        return _kind(self.condition)

    def line(self) -> str:
        """Everything in one line of logfmt, for the dataframe's column."""
        return logfmt.written(
            {
                "state": self.state,
                "next": self.order,
                "price": self.price,
                "condition": self.condition,
                "value": self.value,
                "threshold": self.threshold,
                "detail": self.detail,
                "since": self.since.isoformat(timespec="seconds"),
                "updated": self.updated.isoformat(timespec="seconds"),
            }
        )


class Reasons:
    """The board. `live` logs what changed; a backtest only keeps it."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._of: dict[str, Reason] = {}

    def set(
        self,
        pair: str,
        state: State,
        now: datetime,
        *,
        order: str | None = None,
        price: float | None = None,
        detail: str = "",
        condition: str = "",
        value: float = math.nan,
        threshold: float = math.nan,
    ) -> Reason:
        """Renew a pair's reason; `since` stays while state and condition do."""
        before = self._of.get(pair)
        goes_on = before is not None and before.state == state and _same(before, condition)
        since = before.since if before is not None and goes_on else now
        reason = Reason(pair, state, since, now, order, price, detail, condition, value, threshold)
        self._of[pair] = reason
        if self._live and _logged(before) != _logged(reason):
            logger.info("%s: %s", pair, reason)
        return reason

    def waits(self, pair: str, block: "Block | str", now: datetime) -> Reason:
        """Say why nothing is opened."""
        if isinstance(block, str):
            return self.set(pair, "waits", now, condition=block)
        return self.set(
            pair,
            "waits",
            now,
            condition=block.condition,
            value=block.value,
            threshold=block.threshold,
        )

    def unless_renewed(
        self, pair: str, block: "Block | str", now: datetime, age: timedelta
    ) -> None:
        """Say why nothing is opened where the last reason is that old: it no longer stands.

        Where nothing is known against it, the old one goes.
        """
        before = self.get(pair)
        if before is not None and now - before.updated < age:
            return
        if block:
            self.waits(pair, block, now)
        else:
            self._of.pop(pair, None)

    def opens(
        self, pair: str, tag: str | None, price: float | None, detail: str, now: datetime
    ) -> Reason:
        """Say that a cycle's first order is about to be placed, or rests."""
        return self.set(pair, "opening", now, order=tag, price=price, detail=detail)

    def decided(self, pair: str, verdict: "Verdict", now: datetime) -> Reason:
        """Say what was decided in an open cycle, and what stands against adding or recovery."""
        order, block = verdict.order, verdict.block or verdict.withheld
        return self.set(
            pair,
            "open",
            now,
            order=order.tag if order else None,
            price=order.price if order else None,
            detail=order.reason if order else "",
            condition=block.condition if block else "",
            value=block.value if block else math.nan,
            threshold=block.threshold if block else math.nan,
        )

    def get(self, pair: str) -> Reason | None:
        """Return the latest reason of a pair; None before any."""
        return self._of.get(pair)

    def all(self) -> list[Reason]:
        """Return all of them as they are now; safe to ask from the REST API's thread."""
        return list(self._of.values())

    def clear(self) -> None:
        """Forget everything, as a new run begins."""
        self._of.clear()

    def write(self, frame: "DataFrame", pair: str) -> None:
        """Put the reason into the frame's last row, "" before it. Live only: it costs a column."""
        reason = self.get(pair)
        if not len(frame):
            return
        frame[COLUMN] = ""
        if reason is not None:
            frame.loc[frame.index[-1], COLUMN] = reason.line()


def _kind(condition: str) -> str:
    return _NUMBER.sub("", condition)


def _same(before: Reason, condition: str) -> bool:
    """Whether it is the same condition, its figures apart."""
    return before.condition == condition or before.kind == _kind(condition)


def _logged(reason: Reason | None) -> tuple[str, str | None, str] | None:
    return None if reason is None else (reason.state, reason.order, reason.kind)
