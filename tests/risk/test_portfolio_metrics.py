"""The figures of a portfolio."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from gridkit.risk.holding import Holding
from gridkit.risk.portfolio import metrics
from gridkit.settings import Settings

S = Settings()
MATRIX = pd.DataFrame([[1.0, 0.9, 0.0], [0.9, 1.0, 0.2], [0.0, 0.2, 1.0]], list("ABC"), list("ABC"))
HELD = [
    Holding("A", 1, 200.0, 10.0, 0.02, 1.0),
    Holding("B", 1, 100.0, 5.0, 0.02, 1.0),
    Holding("C", -1, 300.0, 20.0, 0.01, 0.7),
]
PROFITS = {"A": 3.0, "C": -1.0, "GONE": 2.5}


def test_the_figures_are_those_of_the_holdings():
    found = metrics(HELD, PROFITS, 1_000.0, MATRIX, S)
    assert found.profits == PROFITS
    assert found.total_profit == 4.5
    assert (found.risk_used, found.risk_left) == (35.0, 25.0)
    assert found.exposures == pytest.approx({"A": 0.2, "B": 0.1, "C": 0.3})
    assert [(group.pairs, pytest.approx(group.exposure)) for group in found.groups] == [
        (("A", "B"), 0.3),
        (("C",), 0.3),
    ]
    risks = np.array([4.0, 2.0, -3.0])
    assert found.diversification_ratio == pytest.approx(9 / math.sqrt(risks @ MATRIX @ risks))


def test_risk_beyond_its_limit_leaves_none():
    found = metrics(HELD, {}, 1_000.0, MATRIX, S, risen=True)
    assert (found.risk_used, found.risk_left, found.risen) == (35.0, 0.0, True)


def test_pairs_of_unknown_correlation_count_together():
    found = metrics(HELD, {}, 1_000.0, pd.DataFrame(), S)
    assert [group.pairs for group in found.groups] == [("A", "B", "C")]
    assert math.isnan(found.diversification_ratio)


def test_an_empty_portfolio_has_all_its_risk_left():
    found = metrics([], {}, 1_000.0, MATRIX, S)
    assert (found.total_profit, found.risk_used, found.risk_left) == (0.0, 0.0, 60.0)
    assert (found.exposures, found.groups) == ({}, ())


@pytest.mark.parametrize("capital", [math.nan, 0.0])
def test_without_a_known_capital_shares_are_unknown(capital):
    found = metrics(HELD, {}, capital, MATRIX, S)
    assert not found.risk_left > 0
    assert all(math.isnan(share) for share in found.exposures.values())


def test_the_document_is_json_and_what_is_unknown_is_null():
    unknown = MATRIX.where(MATRIX != 0.9, math.nan)
    text = json.dumps(metrics(HELD, PROFITS, 1_000.0, unknown, S).document(), allow_nan=False)
    assert json.loads(text) == {
        "profits": PROFITS,
        "total_profit": 4.5,
        "diversification_ratio": None,
        "risk_used": 35.0,
        "risk_left": 25.0,
        "exposures": pytest.approx({"A": 0.2, "B": 0.1, "C": 0.3}),
        "groups": [
            {"pairs": ["A", "B"], "exposure": pytest.approx(0.3)},
            {"pairs": ["C"], "exposure": pytest.approx(0.3)},
        ],
        "pairs": ["A", "B", "C"],
        "correlations": [[1.0, None, 0.0], [None, 1.0, 0.2], [0.0, 0.2, 1.0]],
        "correlation_risen": False,
    }
