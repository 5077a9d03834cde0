"""What a difference between lots and the exchange is taken for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.risk import mismatch
from gridkit.risk.mismatch import NOTHING, Allowance, Kind, judge

STEP, TOLERANCE, FEES = 0.001, 0.01, 0.004
WALLET = Allowance(STEP, TOLERANCE, FEES, shared=True)
POSITION = Allowance(STEP, TOLERANCE)
EXPLAINED = {Kind.EQUAL, Kind.DUST, Kind.FEE, Kind.SMALL, Kind.FOREIGN, Kind.UNKNOWN}

amounts = st.floats(-1e6, 1e6).filter(lambda amount: amount == 0 or abs(amount) > 1e-6)
allowances = st.builds(
    Allowance, st.floats(0.0, 1.0), st.floats(0.0, 0.5), st.floats(0.0, 10.0), st.booleans()
)


@pytest.mark.parametrize(
    ("expected", "found", "kind"),
    [
        (1.0, 1.0, Kind.EQUAL),
        (0.0, 0.0, Kind.EQUAL),
        (0.3, 0.1 + 0.2, Kind.EQUAL),
        (1.0, 0.9995, Kind.DUST),
        (1.0, 1.0005, Kind.DUST),
        (1.0, 0.999, Kind.FEE),
        (1.0, 0.996, Kind.FEE),
        (1.0, 0.9955, Kind.SMALL),
        (1.0, 0.99, Kind.SMALL),
        (1.0, 0.989, Kind.LESS),
        (1.0, 0.0, Kind.LESS),
        (1.0, 1.001, Kind.FOREIGN),
        (1.0, 50.0, Kind.FOREIGN),
        (0.0, 50.0, Kind.FOREIGN),
        (0.0, 0.0005, Kind.DUST),
        (1.0, math.nan, Kind.UNKNOWN),
        (math.nan, 1.0, Kind.UNKNOWN),
    ],
)
def test_a_wallet_is_judged(expected: float, found: float, kind: Kind) -> None:
    assert judge(expected, found, WALLET).kind is kind


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("expected", "found", "kind"),
    [
        (1.0, 1.0, Kind.EQUAL),
        (1.0, 0.9995, Kind.DUST),
        (1.0, 0.999, Kind.SMALL),
        (1.0, 1.01, Kind.SMALL),
        (1.0, 0.98, Kind.LESS),
        (1.0, 0.0, Kind.LESS),
        (1.0, 1.02, Kind.MORE),
        (1.0, -1.0, Kind.OTHER_SIDE),
        (0.0, 0.5, Kind.NO_TRADE),
        (0.0, 0.0005, Kind.DUST),
    ],
)
def test_a_position_is_judged_alike_on_both_sides(
    side: int, expected: float, found: float, kind: Kind
) -> None:
    assert judge(side * expected, side * found, POSITION).kind is kind


def test_fees_explain_only_what_is_missing() -> None:
    assert judge(1.0, 1.002, Allowance(STEP, TOLERANCE, FEES)).kind is Kind.SMALL
    assert judge(1.0, 0.998, Allowance(STEP, TOLERANCE, FEES)).kind is Kind.FEE


@given(expected=amounts, found=amounts, allowance=allowances)
def test_the_user_is_told_what_to_do_exactly_where_trading_pauses(
    expected: float, found: float, allowance: Allowance
) -> None:
    finding = judge(expected, found, allowance)
    assert finding.pauses == (finding.kind not in EXPLAINED)
    assert finding.pauses <= bool(mismatch.advice(finding.kind, 7))
    assert ("nothing is added meanwhile" in mismatch.said(finding, "wallet", 7)) == finding.pauses


@given(expected=amounts, found=amounts, allowance=allowances)
def test_a_pause_needs_a_difference_beyond_step_and_tolerance(
    expected: float, found: float, allowance: Allowance
) -> None:
    away = abs(found - expected)
    bound = max(allowance.step, allowance.tolerance * abs(expected))
    finding = judge(expected, found, allowance)
    if finding.pauses:
        assert away >= bound * (1 - 1e-6)
    elif not (allowance.shared and found > expected):
        assert away <= bound * (1 + 1e-6) + 2e-9 * max(abs(expected), abs(found))


@given(expected=amounts, found=amounts, allowance=allowances, exponent=st.integers(-20, 20))
def test_units_do_not_matter(
    expected: float, found: float, allowance: Allowance, exponent: int
) -> None:
    scale = 2.0**exponent
    scaled = Allowance(
        allowance.step * scale, allowance.tolerance, allowance.fees * scale, allowance.shared
    )
    assert (
        judge(expected * scale, found * scale, scaled).kind
        is judge(expected, found, allowance).kind
    )


@given(held=st.floats(1e-3, 1e3), other=st.floats(0.0, 1e6), allowance=allowances)
def test_what_others_keep_in_the_same_wallet_never_pauses(
    held: float, other: float, allowance: Allowance
) -> None:
    shared = Allowance(allowance.step, allowance.tolerance, allowance.fees, shared=True)
    assert not judge(held, held + other, shared).pauses


def test_orders_nobody_knows_pause_and_are_named() -> None:
    finding = mismatch.unknown_orders(["8", "15"])
    assert finding.pauses
    assert finding.difference == 2
    assert "15, 8" in finding.explanation
    assert mismatch.unknown_orders([]) == NOTHING
    assert not NOTHING.pauses


@pytest.mark.parametrize(
    ("kind", "trade", "words"),
    [
        (Kind.LESS, 7, ["/reload_trade 7", "/forceexit 7"]),
        (Kind.MORE, 7, ["/reload_trade 7", "on the exchange"]),
        (Kind.OTHER_SIDE, 7, ["/reload_trade 7", "on the exchange"]),
        (Kind.NO_TRADE, None, ["database", "on the exchange"]),
        (Kind.ORDERS, None, ["database", "cancel"]),
        (Kind.ORDERS, 7, ["/reload_trade 7", "cancel"]),
        (Kind.FOREIGN, 7, ["/reload_trade 7"]),
    ],
)
def test_advice_names_the_command_and_the_trade(
    kind: Kind, trade: int | None, words: list[str]
) -> None:
    advice = mismatch.advice(kind, trade)
    assert [word for word in words if word not in advice] == []
    assert "None" not in advice


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        (1.0, 1.0, True),
        (0.5, 0.5, True),
        (0.5, 0.6, False),
        (0.5, 1.0, False),
        (1.0005, 0.9999, True),
    ],
)
def test_two_looks_agree_on_the_kind_and_where_it_pauses_on_the_figure(
    first: float, second: float, alike: bool
) -> None:
    assert mismatch.same(judge(1.0, first, POSITION), judge(1.0, second, POSITION)) is alike


def test_what_is_compared_is_named_with_both_figures() -> None:
    said = mismatch.said(judge(2.0, 1.5, POSITION), "position", 7)
    assert "lots and position differ: 1.5 against 2" in said
    assert mismatch.condition(judge(0.0, 1.5, POSITION), "position") == "position without a trade"
