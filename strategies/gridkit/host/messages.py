"""What the bot tells people by Telegram, webhook and the REST API's socket (`dp.send_msg`).

freqtrade sends the text as Telegram's Markdown, where `_`, `*`, `[` and a backtick begin something
that must end: so all that is not a word of ours stands in a code span, whose only special character
is the backtick.
"""

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridkit.host.context import Context
    from gridkit.host.reasons import Reason

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
LONGEST = 800  # characters of one name or text; a Telegram message ends at 4,096


@dataclass(frozen=True, slots=True)
class Ended:
    """A closed cycle. Stake currency; `harvest` is after fees and before funding.

    `funding` is what was received; paid funding is negative. `fees` of both sides.
    """

    pair: str
    harvest: float
    fees: float
    funding: float
    lots: int
    seconds: float
    reason: str = ""


@dataclass(slots=True)
class Messages:
    """Sends within the limits of MessageSettings; alerts always. Silent in backtests."""

    context: "Context"
    _last: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _sent: deque[datetime] = field(default_factory=deque)
    _held_back: int = 0
    _told: dict[str, str] = field(default_factory=dict)

    def opened(self, pair: str, direction: str, lines: int, stake: float, price: float) -> bool:
        """Tell that a cycle was opened; `stake` is per line, `price` of its first order."""
        text = f"{lines} lines of {self.money(stake)} below {price:.8g}"
        if direction == "short":
            text = text.replace("below", "above")
        return self.send("cycle", pair, f"{direction} cycle opened: {text}")

    def closed(self, ended: Ended) -> bool:
        """Tell that a cycle is over, and what it came to."""
        parts = [
            f"harvest {self.money(ended.harvest)} of {ended.lots} lots",
            f"fees {self.money(ended.fees)}",
        ]
        if self.context.is_futures:
            parts.append(f"funding {self.money(ended.funding)}")
        parts.append(f"after {duration(ended.seconds)}")
        why = f" by {code(ended.reason)}" if ended.reason else ""
        return self.send("cycle", ended.pair, f"cycle closed{why}: {', '.join(parts)}")

    def stuck(self, pair: str, levels: Iterable[int], seconds: float, loss: float) -> bool:
        """Tell that lots have been stuck for long; `loss` is their open loss, positive."""
        named = ", ".join(f"L{level}" for level in levels)
        text = f"stuck for {duration(seconds)}: {named}, open loss {self.money(loss)}"
        return self.send("stuck", pair, text, alert=True)

    def recovered(self, pair: str, tag: str, loss: float, left: float) -> bool:
        """Tell that a stuck lot was sold; `loss` is positive, `left` what is left of the budget."""
        text = f"recovery {code(tag)}: loss {self.money(loss)}, budget left {self.money(left)}"
        return self.send("recovery", pair, text)

    def feature(self, name: str, pair: str, why: str) -> bool:
        """Tell that a feature was switched off after failures; with `gridkit why` all are seen."""
        text = f"{code(name)} is switched off: {code(why)}; {code('/reload_config')} switches it on"
        return self.send("feature", pair, text, alert=True)

    def prediction(self, pair: str, text: str) -> bool:
        """Tell that predictions are heeded from now on, or no more; `text` says why."""
        return self.send("prediction", pair, code(text))

    def mismatch(self, pair: str, text: str) -> bool:
        """Tell how what the exchange says differs from the lots."""
        return self.send("mismatch", pair, code(text), alert=True)

    def breaker(self, kind: str, text: str) -> None:
        """Tell of the account's breaker that went up or down."""
        logger.warning("%s", text)
        self.send(kind, "", code(text), alert=True)

    def market(self, kind: str, text: str) -> None:
        """Tell of the breaker of one market; there are many, so within the limits."""
        logger.info("%s", text)
        self.send(f"{kind} {text.partition(':')[0]}", "", code(text))

    def look(self, reasons: "Iterable[Reason]", now: datetime) -> None:
        """Tell conditions that changed and lasted; those of one kind in one message."""
        lasting: dict[str, list[Reason]] = {}
        least = timedelta(minutes=self.context.settings.messages.block_minutes)
        known = list(reasons)
        for pair in self._told.keys() - {reason.pair for reason in known}:
            del self._told[pair]  # what comes back is told again
        for reason in known:
            if now - reason.since < least or self._told.get(reason.pair, "") == reason.kind:
                continue
            self._told[reason.pair] = reason.kind
            if reason.kind:
                lasting.setdefault(reason.kind, []).append(reason)
        for kind, of_kind in lasting.items():
            self.send(f"block {kind}", "", _blocked(of_kind, now))

    def send(self, kind: str, pair: str, text: str, *, alert: bool = False) -> bool:
        """Send unless a limit forbids; `text` must be safe Markdown. Says whether it was sent."""
        if not self.context.live or not self.context.settings.messages.enabled:
            return False
        now = self.context.now
        if now is not None and not alert and not self._may(kind, pair, now):
            self._held_back += 1
            return False
        held = f"({self._held_back} messages were held back)" if self._held_back else ""
        self._held_back = 0
        whole = " ".join(filter(None, (code(pair), text, held)))
        post = partial(self._post, whole)
        return self.context.features.run("messages", "", post, lambda: False, insist=alert)

    def _post(self, text: str) -> bool:
        self.context.strategy.dp.send_msg(text, always_send=True)
        return True

    def _may(self, kind: str, pair: str, now: datetime) -> bool:
        """Whether the limits allow it; if so, it is counted."""
        settings, last = self.context.settings.messages, self._last.get((kind, pair))
        while self._sent and now - self._sent[0] >= HOUR:
            self._sent.popleft()
        if last is not None and (now - last).total_seconds() < settings.least_seconds:
            return False
        if len(self._sent) >= settings.most_per_hour:
            return False
        self._last[kind, pair] = now
        self._sent.append(now)
        return True

    def money(self, amount: float) -> str:
        """Return an amount of the stake currency as safe Markdown."""
        currency = self.context.strategy.config.get("stake_currency", "")
        return f"{amount:,.2f} {code(currency)}".strip()


def code(text: str) -> str:
    """Return any text as a code span of Telegram's Markdown; "" stays empty."""
    plain = " ".join(text.replace("`", "'").split())
    if not plain:
        return ""
    return f"`{plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + '…'}`"


def duration(seconds: float) -> str:
    """Two units at most: `2 d 3 h`, `3 h 5 min`, `45 s`."""
    whole = max(0, round(seconds))
    for size, name, smaller, unit in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {unit}" if rest else "")
    return f"{whole} s"


def _blocked(reasons: "list[Reason]", now: datetime) -> str:
    first = min(reasons, key=lambda reason: reason.since)
    pairs = code(", ".join(reason.pair for reason in reasons))
    since = duration((now - first.since).total_seconds())
    alone = len(reasons) == 1
    return f"{pairs}: nothing new for {since}: {code(first.against if alone else first.kind)}"
