import logging

import pytest

from gridkit.risk.guards import refuses_on_error


@refuses_on_error(False)
def divides(by: int) -> bool:
    """Whether one divides by a number."""
    return 1 / by > 0


def test_a_gate_that_breaks_refuses_and_says_so(caplog):
    with caplog.at_level(logging.ERROR):
        assert divides(0) is False
    assert "divides failed, so the trade is refused" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("by", "answer"), [(2, True), (-2, False)])
def test_a_gate_that_works_answers_for_itself(by, answer):
    assert divides(by) is answer


def test_a_guard_keeps_the_name_by_which_freqtrade_knows_it():
    assert (divides.__name__, divides.__doc__) == ("divides", "Whether one divides by a number.")


def test_what_ends_the_program_is_not_held_up():
    @refuses_on_error(False)
    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
