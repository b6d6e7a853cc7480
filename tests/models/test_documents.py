"""JSON columns of the trail: whatever a database holds, a reader gets something, and lookups work as ever."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from gridkit_django.models import AuditRecord
from gridkit_django.models.documents import DocumentField


def read(text: Any) -> Any:
    return DocumentField().from_db_value(text, models.Value(""), None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [null, 1, 1.5, "é"]}', {"a": [None, 1, 1.5, "é"]}),
        (f"[{'9' * 5000}, 1]", ["9" * 5000, 1]),
        (f"[{'9' * 400}.5]", ["9" * 400 + ".5"]),
        ("no document", "no document"),
        (None, None),
    ],
    ids=["usual", "whole", "fraction", "text", "nothing"],
)
def test_value_is_read_as_what_python_has_for_it(text: Any, value: Any) -> None:
    assert read(text) == value


def test_document_that_is_too_deep_is_told_as_far_as_it_goes() -> None:
    depth = 20_000
    found = read(f'{{"a": ["x]", {"[" * depth}{"]" * depth}, 2]}}')
    assert (found["a"][0], found["a"][2]) == ("x]", 2)
    for _ in range(300):
        found = found["a"][1] if isinstance(found, dict) else found[0]
        if found == "…":
            return
    pytest.fail("the end is not marked")


def test_migrations_know_it_as_any_json_field() -> None:
    field = AuditRecord._meta.get_field("evidence")
    assert field.deconstruct()[1] == "django.db.models.JSONField"
