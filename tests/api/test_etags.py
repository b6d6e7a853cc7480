"""Entity tags and conditions (RFC 9110)."""

from __future__ import annotations

import pytest

from gridkit_django.api.etags import EntityTag, TagCondition, parse_condition
from gridkit_django.api.refusals import HeaderInvalidError


@pytest.mark.parametrize(
    ("header", "condition"),
    [
        ("*", TagCondition(any=True)),
        (' "a" ', TagCondition(tags=(EntityTag("a"),))),
        ('W/"a"', TagCondition(tags=(EntityTag("a", weak=True),))),
        ('"a", W/"b" ,"c"', TagCondition(tags=(EntityTag("a"), EntityTag("b", weak=True), EntityTag("c")))),
        ('"a",, "b",', TagCondition(tags=(EntityTag("a"), EntityTag("b")))),
        ('"a,b"', TagCondition(tags=(EntityTag("a,b"),))),
        ('""', TagCondition(tags=(EntityTag(""),))),
        ("bare-token_1", TagCondition(tags=(EntityTag("bare-token_1"),))),
    ],
)
def test_condition_is_read_by_the_grammar(header: str, condition: TagCondition) -> None:
    assert parse_condition(header) == condition


@pytest.mark.parametrize("header", ['"a', 'a"', '"a" "b"', "two words", 'w/"a"', '"a";"b"', '"a b"'])
def test_malformed_condition_is_refused(header: str) -> None:
    with pytest.raises(HeaderInvalidError, match="malformed"):
        parse_condition(header)


def test_weak_tags_take_no_part_in_strong_comparison_but_in_weak() -> None:
    condition = parse_condition('W/"a", "b"')
    assert condition.strong == ("b",)
    assert condition.matches_weakly("a")
    assert condition.matches_weakly("b")
    assert not condition.matches_weakly("c")


def test_star_matches_every_representation() -> None:
    assert parse_condition("*").matches_weakly("anything")


@pytest.mark.parametrize("text", ['"a"', 'W/"a"'])
def test_tag_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_condition(text).tags[0]) == text
