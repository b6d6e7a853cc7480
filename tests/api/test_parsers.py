"""Reading JSON bodies."""

from __future__ import annotations

import io

import pytest
from rest_framework.exceptions import ParseError

from gridkit_django.api.parsers import DEPTH_MAX, StrictJSONParser, parse_json
from gridkit_django.api.refusals import BodyTooLargeError


def test_valid_json_is_parsed_as_it_is() -> None:
    assert parse_json('{"a": [1, 2.5, "x", null, true, {"b": "\\ud83d\\ude00"}]}'.encode("ascii")) == {
        "a": [1, 2.5, "x", None, True, {"b": "😀"}]
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no valid JSON"),
        (b"\xff", "no valid JSON"),
        ("NaN", "no JSON number"),
        ("[-Infinity]", "no JSON number"),
        ("[1e999]", "too large"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        ('["\\u0000"]', "NUL"),
        ('{"\\u0000": 1}', "NUL"),
        ('{"x": {"y": ["\\ud800"]}}', "surrogate"),
        ("1" * 5000, "no valid JSON"),
    ],
)
def test_json_that_would_be_changed_or_fail_later_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        parse_json(text)


def test_text_that_only_spells_a_nul_escape_is_no_nul() -> None:
    assert parse_json('["\\\\u0000", 1, "\\\\ud800"]') == ["\\u0000", 1, "\\ud800"]


def test_nesting_up_to_the_limit_is_parsed_and_one_more_level_is_refused() -> None:
    assert parse_json("[" * DEPTH_MAX + "]" * DEPTH_MAX)
    with pytest.raises(ParseError, match="deeper than"):
        parse_json("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1))


def test_nesting_far_over_the_limit_is_refused_and_not_a_recursion_error() -> None:
    with pytest.raises(ParseError, match="deeper than"):
        parse_json("[" * 200_000)


def test_brackets_inside_texts_do_not_count_as_nesting() -> None:
    assert parse_json('["' + "[" * 500 + '", "\\"[[["]')


def test_body_over_the_limit_of_the_settings_is_refused(settings: object) -> None:
    settings.GRIDKIT = {"BODY_BYTES_MAX": 10}  # type: ignore[attr-defined]
    assert StrictJSONParser().parse(io.BytesIO(b'"12345678"')) == "12345678"
    with pytest.raises(BodyTooLargeError, match="10 bytes"):
        StrictJSONParser().parse(io.BytesIO(b'"123456789"'))


def test_text_of_quotes_without_an_end_is_refused_in_one_pass() -> None:
    """With a search for each quote, this megabyte would take longer than anybody waits."""
    with pytest.raises(ParseError):
        parse_json('\\"' * 500_000)


def test_brackets_inside_a_string_without_an_end_are_no_levels() -> None:
    with pytest.raises(ParseError, match="no valid JSON"):
        parse_json('{"a": "' + "[" * 1000)
