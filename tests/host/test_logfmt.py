"""logfmt: what is written is read again, whatever stands in it."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gridkit.host import logfmt

KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.dictionaries(KEYS, st.text(), max_size=6))
@example({"a": 'say "b=1" \\ \n c=2', "c": ""})
@example({"a": "trailing\\"})
@example({"a": "\x85\u2028=", "b": "1"})
def test_every_text_comes_back_as_it_was(fields):
    line = logfmt.written(fields)
    assert logfmt.read(line) == fields
    assert len(line.splitlines()) <= 1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_back_with_all_its_digits(number):
    assert float(logfmt.read(logfmt.written({"a": number}))["a"]) == number


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, -math.inf])
def test_what_is_unknown_is_left_empty(unknown):
    assert logfmt.written({"a": unknown, "b": 1}) == "a= b=1"
    assert logfmt.read("a= b=1") == {"a": "", "b": "1"}


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("bot-1  | a=1 and so b=2", {"a": "1", "b": "2"}),
        ('a="x b=2', {"b": "2"}),
        ("", {}),
        ('a="\\x"', {"a": "\\x"}),
    ],
)
def test_what_is_no_field_is_passed_over(line, fields):
    assert logfmt.read(line) == fields
