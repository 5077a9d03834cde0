"""What it means when the exchange holds something else than the lots add up to, and what to do.

The exchange is the truth. Amounts are in base currency, negative for a short position. Everything
scales with them: no bound here is an absolute number.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

RELATIVE_NOISE = 1e-9  # of binary fractions added up


class Kind(StrEnum):
    """The words users see; the first five are explained and leave trading alone."""

    EQUAL = "equal"
    DUST = "dust"
    FEE = "fee"
    SMALL = "small difference"
    FOREIGN = "not ours"
    LESS = "less than the lots"
    MORE = "more than the lots"
    OTHER_SIDE = "position on the other side"
    NO_TRADE = "position without a trade"
    ORDERS = "unknown open orders"
    UNKNOWN = "unknown"


PAUSING = frozenset({Kind.LESS, Kind.MORE, Kind.OTHER_SIDE, Kind.NO_TRADE, Kind.ORDERS})


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison. `expected` and `found` are amounts, for `Kind.ORDERS` numbers of orders."""

    kind: Kind
    expected: float
    found: float
    explanation: str

    @property
    def difference(self) -> float:
        """What there is beyond the expected; negative where something is missing."""
        return self.found - self.expected

    @property
    def pauses(self) -> bool:
        """Whether nothing may be added until this is resolved."""
        return self.kind in PAUSING


@dataclass(frozen=True, slots=True)
class Allowance:
    """What explains a difference away.

    `step` is the exchange's amount step, `tolerance` a fraction of the expected amount, `fees` the
    most that entry fees may have taken in base coin. `shared`: a wallet, in which the user and
    other bots keep coins of their own, and not a position.
    """

    step: float
    tolerance: float
    fees: float = 0.0
    shared: bool = False


def judge(expected: float, found: float, allowance: Allowance) -> Finding:
    """Compare what the lots add up to with what the exchange, or freqtrade's trade, holds.

    Without a trade `expected` is 0. A NaN on either side gives `Kind.UNKNOWN`, which explains
    nothing and pauses nothing.
    """
    kind = _kind(expected, found, allowance)
    return Finding(kind, expected, found, _EXPLANATIONS[kind])


def _kind(expected: float, found: float, allowance: Allowance) -> Kind:
    difference = found - expected
    if not math.isfinite(difference):
        return Kind.UNKNOWN
    away = abs(difference)
    noise = RELATIVE_NOISE * max(abs(expected), abs(found))
    if away <= noise:
        return Kind.EQUAL
    if away < allowance.step - noise:
        return Kind.DUST
    if allowance.shared and difference > 0:
        return Kind.FOREIGN
    if expected == 0.0:
        return Kind.NO_TRADE
    return _beyond_a_step(expected, found, away, noise, allowance)


def _beyond_a_step(
    expected: float, found: float, away: float, noise: float, allowance: Allowance
) -> Kind:
    is_less = abs(found) < abs(expected)
    if away <= allowance.tolerance * abs(expected) + noise:
        return Kind.FEE if is_less and away <= allowance.fees + noise else Kind.SMALL
    if expected * found < 0:
        return Kind.OTHER_SIDE
    return Kind.LESS if is_less else Kind.MORE


def unknown_orders(numbers: Collection[str]) -> Finding:
    """Judge the open orders on the exchange that the database does not know, by their ids."""
    if not numbers:
        return NOTHING
    explanation = f"{', '.join(sorted(numbers))}: {_EXPLANATIONS[Kind.ORDERS]}"
    return Finding(Kind.ORDERS, 0.0, float(len(numbers)), explanation)


def same(first: Finding, second: Finding) -> bool:
    """Whether two looks found the same: the kind, and where it pauses also the difference."""
    if first.kind is not second.kind:
        return False
    return not first.pauses or math.isclose(first.difference, second.difference, rel_tol=1e-6)


def condition(finding: Finding, what: str) -> str:
    """Name a finding in a few words; `what` was compared: trade, wallet, position."""
    if finding.kind in (Kind.NO_TRADE, Kind.ORDERS):
        return finding.kind.value
    return f"lots and {what} differ"


def said(finding: Finding, what: str, trade: int | None) -> str:
    """Say a finding in a sentence or three, with what a user can do. `trade` is its number."""
    if finding.kind is Kind.EQUAL:
        return "lots and exchange agree"
    figures = f"{finding.found:.10g} against {finding.expected:.10g}"
    parts = [f"{condition(finding, what)}: {figures}, {finding.explanation}"]
    if finding.pauses:
        parts.append("nothing is added meanwhile")
    hint = advice(finding.kind, trade)
    return ". ".join([*parts, hint] if hint else parts)


def advice(kind: Kind, trade: int | None) -> str:
    """Say what a user can do; empty where there is nothing to do."""
    learn = f"/reload_trade {trade} lets the bot learn what the exchange knows"
    lost, known = "start the bot with the database that knows", trade is not None
    if kind is Kind.FOREIGN:
        return f"If this bot bought them, {learn}" if known else ""
    return {
        Kind.LESS: f"{learn}; /forceexit {trade} sells what is left",
        Kind.MORE: f"{learn}; or close on the exchange what is not the bot's",
        Kind.OTHER_SIDE: f"close on the exchange what is not the bot's, then {learn}",
        Kind.NO_TRADE: f"{lost} it, or close it on the exchange",
        Kind.ORDERS: f"{learn if known else f'{lost} them'}; or cancel them on the exchange",
    }.get(kind, "")


_EXPLANATIONS = {
    Kind.EQUAL: "nothing differs",
    Kind.DUST: "less than the exchange's amount step",
    Kind.FEE: "no more than fees taken in the coin itself",
    Kind.SMALL: "within reconcile.tolerance",
    Kind.FOREIGN: "coins of no lot, taken for the user's own or another bot's",
    Kind.LESS: "sold or moved by hand, or a fill is missing",
    Kind.MORE: "opened by hand or by another bot, or a fill is missing",
    Kind.OTHER_SIDE: "opened by hand or by another bot",
    Kind.NO_TRADE: "opened by hand or by another bot, or the database was lost",
    Kind.ORDERS: "placed by hand or by another bot, or the database was lost",
    Kind.UNKNOWN: "not to be compared",
}

NOTHING = Finding(Kind.EQUAL, 0.0, 0.0, _EXPLANATIONS[Kind.EQUAL])
