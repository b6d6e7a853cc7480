"""Copies of plain data: the same as through JSON text, sharing nothing, and no larger than allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit_django.plugins.plain_data import plain_copy

LIMIT = 65_536

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(values)
def test_copy_is_what_json_would_give_back(value: Any) -> None:
    wanted = json.loads(json.dumps(value))
    copied = plain_copy(value, LIMIT)
    assert copied == wanted
    assert json.dumps(copied) == json.dumps(wanted), "types too: 1 is not true, a tuple is a list"


@given(values, st.integers(min_value=0, max_value=200))
def test_limit_holds_to_the_byte(value: Any, most: int) -> None:
    size = len(json.dumps(value))
    if size > most:
        with pytest.raises(OverflowError, match=f"{size} bytes; {most} are the most"):
            plain_copy(value, most)
    else:
        plain_copy(value, most)


def test_copy_shares_nothing_with_the_original() -> None:
    original: dict[str, Any] = {"rows": [{"id": 1}], "tags": ["a"]}
    copied: Any = plain_copy(original, LIMIT)
    copied["rows"][0]["id"] = 2
    copied["tags"].append("b")
    assert original == {"rows": [{"id": 1}], "tags": ["a"]}


def circle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def deep() -> list[Any]:
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, [{1, 2}], b"x", {"a": object()}, {(1, 2): 3}])
def test_what_json_refuses_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        plain_copy(value, LIMIT)


@pytest.mark.parametrize("make", [circle, deep])
def test_what_holds_itself_or_is_too_deep_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        plain_copy(make(), LIMIT)
