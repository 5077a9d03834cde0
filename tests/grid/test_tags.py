import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit.grid import tags

LEVELS = st.sets(st.integers(1, 9_999), min_size=1, max_size=30)
VERBS = st.sampled_from(
    (tags.SELL, tags.COVER, tags.STOP, tags.FLATTEN, tags.END, tags.TRIM, tags.RECOVER)
)


@given(LEVELS)
def test_an_entry_tag_names_its_levels_in_ascending_order(levels):
    assert tags.levels_of(tags.entry_tag(list(levels))) == tuple(sorted(levels))


@given(LEVELS, VERBS)
def test_an_exit_tag_names_its_levels_and_what_happens_to_them(levels, verb):
    tag = tags.exit_tag(list(levels), verb)
    assert (tags.levels_of(tag), tags.verb_of(tag)) == (tuple(sorted(levels)), verb)


@pytest.mark.parametrize(
    ("levels", "tag"),
    [([3], "L3"), ([5, 4, 3], "L3-5"), ([1, 4, 5, 6, 9], "L1,4-6,9"), ([9, 10], "L9-10")],
)
def test_runs_of_levels_are_folded(levels, tag):
    assert tags.entry_tag(levels) == tag


@pytest.mark.parametrize(
    "tag",
    [
        *(None, "", "L", "L0", "l3", "3", "L3-", "L3 ", " L3", "L3\n", "L3,", "L-3", "L3.5", "L٣"),
        *("sell", "sell  L3", "SELL L3", "force_exit", "force_entry", "L3 sell", "stop_loss"),
        *("L1-999999999", "grid L3 L4"),
    ],
)
def test_a_foreign_tag_names_no_levels_and_no_verb(tag):
    assert (tags.levels_of(tag), tags.verb_of(tag)) == ((), "")


def test_an_entry_tag_has_no_verb():
    assert tags.verb_of("L3-5") == ""


def test_the_longest_tag_of_25_levels_fits_freqtrades_column():
    scattered = range(9_000, 9_050, 2)
    assert len(tags.exit_tag(list(scattered), tags.FLATTEN)) < 255
