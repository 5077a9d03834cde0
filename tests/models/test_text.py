"""A comparison as tables: what a row says, and what is said of what is unknown."""

import io
import math

import pandas as pd
import pytest
from rich.console import Console

from gridkit.models import text
from gridkit.models.scored import Score
from gridkit.models.walk import Trained
from gridkit.prediction.accuracy import Accuracy, Measured

NAN = math.nan
UNKNOWN = Measured(NAN, NAN, NAN)
SOME = Measured(0.5234, 0.49, 0.5561)


def figures(outcomes=12_345, effective=257.2, each=SOME):
    return Accuracy(outcomes, effective, each, each, each, each, pd.DataFrame())


def test_a_row_has_each_figure_with_its_interval():
    row = text.cells(Score("lightgbm", "4h", figures(), Measured(0.2, 0.19, 0.21)))
    assert row[:3] == ("lightgbm", "12,345", "257")
    assert row[3:] == ("0.523 [0.490, 0.556]",) * 4 + ("0.200 [0.190, 0.210]",)


def test_what_is_unknown_is_said_to_be():
    row = text.cells(Score("lstm", "4h", figures(0, 0.0, UNKNOWN), UNKNOWN))
    assert row == ("lstm", "0", "0", *["unknown"] * 5)


def test_a_figure_that_no_history_had_stands_without_an_interval():
    row = text.cells(Score("lstm", "4h", figures(each=Measured(0.5, NAN, NAN)), UNKNOWN))
    assert row[3] == "0.500"


def test_what_it_took_is_the_mean_of_the_trainings_and_their_sum():
    some = [Trained("x", "A", 0, 1_000, 1.0, 10.0), Trained("x", "B", 0, 2_000, 2.5, 20.0)]
    assert text.took(some) == ("2", "1,500", "1.75", "3.5", "15.0")


@pytest.mark.parametrize("width", [200, 100])
def test_nothing_of_a_table_is_cut_off(width):
    score = Score("random_forest", "4h", figures(), Measured(0.2, 0.19, 0.21))
    made = text.rows([score], "4h (main)", last="random_forest")
    into = io.StringIO()
    Console(file=into, width=width).print(made)
    assert "…" not in into.getvalue()
    assert into.getvalue().startswith("4h (main)")
    assert "[0.490, 0.556]" in into.getvalue() or "0.556]" in into.getvalue()
