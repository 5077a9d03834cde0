"""A feature or guard that fails: its name, for how long, why, and what stands in for it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

COLUMN = "features"
MOST_FAILURES = 3  # candles in a row, on one pair
EVERY_PAIR = ""  # in the place of a pair, for what belongs to the account

# What stands in for each.
FEATURES = {
    "basket": "volatility is forecast without the other pairs",
    "book_levels": "lines move to levels of the candles alone",
    "books": "no book is known",
    "confluence": "there is no score, and Confluence enters nothing",
    "density_and_volume": "lines are laid without density and volume",
    "fill_log": "this fill is not in the log",
    "funding": "no funding counts as extreme",
    "garch": "volatility is forecast without GARCH",
    "implied": "volatility is forecast without the index",
    "messages": "nothing but alerts is sent",
    "order_flow": "books and tape take no side",
    "orderflow": "candles have no order flow",
    "portfolio_metrics": "figures of the portfolio are not published",
    "prediction": "predictions are unknown, and trades go without them",
    "profile": "there are no levels of volume",
    "rebalancing": "nothing is shrunk, and no entry goes beyond a limit",
    "recovery": "no lot counts as stuck",
    "sizing": "a line costs a plain share of base capital",
    "state": "the state is not published",
    "thresholds": "volatility changes no threshold",
    "turns": "no ATR is known, so that nothing is entered, and no stop is tightened",
}
GUARDS = {
    "caps": "nothing is added",
    "correlation_rise": "nothing is entered",
    "entries": "nothing is entered",
    "hours": "every hour counts as illiquid",
    "regime": "nothing is opened or added",
    "shocks": "the market's breaker is up",
    "stress": "nothing is opened or added",
    "volatility": "nothing is opened or added",
}


@dataclass(frozen=True, slots=True)
class Failing:
    """A feature or guard that failed on a pair, and did not work for a whole candle since.

    `failures` are candles in a row, `candle` the last of them, `asked` the last in which it was
    asked for; `since` is UTC, of the first failure, or of the switching off.
    """

    name: str
    pair: str
    failures: int
    candle: int
    asked: int
    since: datetime | None
    why: str

    @property
    def state(self) -> str:
        """One of `refuses` (guards), `waits` (without a failure), `failing`, `off`."""
        if self.name in GUARDS:
            return "refuses"
        if not self.failures:
            return "waits"
        return "off" if self.failures >= MOST_FAILURES else "failing"

    def __str__(self) -> str:
        told = {"off": "off", "refuses": "fails and refuses", "waits": "has no answer"}
        state = told.get(self.state, f"failed {self.failures} of {MOST_FAILURES} times")
        since = f" since {self.since:%m-%d %H:%M}" if self.since else ""
        return f"{self.name} {state}{since}: {self.why}"

    def again(self, candle: int, now: datetime | None, why: str) -> "Failing":
        """Return what it is after it failed in one more candle."""
        failures = self.failures + 1
        made = replace(self, failures=failures, candle=candle, asked=candle, why=why)
        return replace(made, since=now) if (made.state, self.state) == ("off", "failing") else made

    def document(self) -> dict[str, Any]:
        """Return it in plain JSON types."""
        since = self.since.isoformat(timespec="seconds") if self.since else None
        return {"name": self.name, "state": self.state, "failures": self.failures,
                "since": since, "why": self.why}  # fmt: skip


def read(text: str) -> tuple[dict[str, Any], ...]:
    """Return the documents of a frame's column; none where there is nothing to be read."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
