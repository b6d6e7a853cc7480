"""JSON forms of Python values: exact, storable, refused when there is none."""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import File
from django.db import models
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from gridkit_django.audit import json_object, json_value
from gridkit_django.audit.values import DEPTH_MAX
from gridkit_django.exceptions import AuditError


class Size(enum.Enum):
    SMALL = Decimal("1.50")


EXACT: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (2**70, 2**70),
    (0.1, 0.1),
    ("text", "text"),
    (Decimal("1.10"), "1.10"),
    (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
    (dt.date(2013, 1, 2), "2013-01-02"),
    (dt.time(5, 6, 7, 8), "05:06:07.000008"),
    (dt.datetime(2013, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC), "2013-01-02T03:04:05.678901+00:00"),
    (dt.timedelta(days=1, microseconds=5), "P1DT00H00M00.000005S"),
    (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (b"\x00\xff", "AP8="),
    pytest.param(memoryview(b"ab"), "YWI=", id="memoryview"),
    (Size.SMALL, "1.50"),
    (gettext_lazy("a lazy text"), "a lazy text"),
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
    ({3, 1, 2}, [1, 2, 3]),
    ((1, [Decimal("2.0")]), [1, ["2.0"]]),
    ({"a": {1: dt.date(2013, 1, 1)}}, {"a": {"1": "2013-01-01"}}),
]


@pytest.mark.parametrize(("value", "expected"), EXACT, ids=lambda value: repr(value)[:40])
def test_value_has_its_exact_json_form(value: Any, expected: Any) -> None:
    result = json_value(value)
    assert result == expected
    assert type(result) is type(expected)


def test_file_field_becomes_the_name_in_the_storage() -> None:
    field = models.FileField()
    file: FieldFile = FieldFile(models.Model, field, "a/b.txt")
    assert json_value(file) == "a/b.txt"


@pytest.mark.parametrize(
    "value", [object(), Exception("no"), File(None), lambda: None], ids=["object", "error", "file", "code"]
)
def test_value_without_exact_form_is_refused_with_its_type(value: Any) -> None:
    with pytest.raises(AuditError, match=f"type {type(value).__qualname__} has no exact JSON form"):
        json_value({"deep": [value]})


def test_characters_that_jsonb_refuses_become_the_replacement_character() -> None:
    assert json_value({"a\x00": "b\ud800c"}) == {"a\ufffd": "b\ufffdc"}
    assert json_object({"a\x00": "\udfff"}) == {"a\ufffd": "\ufffd"}


def test_deepest_allowed_value_passes_and_one_level_more_is_refused() -> None:
    deepest: Any = "leaf"
    for _ in range(DEPTH_MAX):
        deepest = [deepest]
    assert json_value(deepest) == deepest
    with pytest.raises(AuditError, match="too many levels"):
        json_value([deepest])


def test_circle_is_refused_and_does_not_hang() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(AuditError, match="levels"):
        json_value(circle)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_any_plain_value_survives_strict_json_in_both_directions(value: Any) -> None:
    converted = json_value(value)
    assert json.loads(json.dumps(converted, allow_nan=False)) == converted


@given(st.decimals(allow_nan=False))
def test_decimal_keeps_every_digit(value: Decimal) -> None:
    assert Decimal(str(json_value(value))).as_tuple() == value.as_tuple()
