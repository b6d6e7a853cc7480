"""What it takes to put a row back: the values of its fields, exactly, as JSON that can be stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from django.db import models

from gridkit_django.grids.columns.paths import AnyField
from gridkit_django.typing import JSONObject, JSONValue, MutableJSONObject


@dataclass(frozen=True, slots=True)
class Step:
    """One row's part of a change that can be undone.

    Attributes:
        op: what was done: ``create``, ``update`` or ``delete``.
        key: the row's primary key as text.
        version: the version of the row after a creation, for the person who made it; else empty.
        before: field to value before an update, and of a deleted row.
        after: field to value after an update.
        asked: ids of the columns that were asked to change; other fields changed with them.
    """

    op: Literal["create", "update", "delete"]
    key: str
    version: str = ""
    before: JSONObject = field(default_factory=dict)
    after: JSONObject = field(default_factory=dict)
    asked: tuple[str, ...] = ()

    def to_dict(self) -> MutableJSONObject:
        """Write the step as JSON."""
        return {
            "op": self.op,
            "key": self.key,
            "version": self.version,
            "before": dict(self.before),
            "after": dict(self.after),
            "asked": list(self.asked),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read a step that ``to_dict`` wrote."""
        # What an older release gave out says nothing of columns.
        asked = tuple(raw.get("asked", ()))
        return cls(raw["op"], raw["key"], raw["version"], raw["before"], raw["after"], asked)


def stored_fields(model: type[models.Model]) -> tuple[AnyField, ...]:
    """Return the fields of a model whose values are stored as they are given."""
    return tuple(item for item in model._meta.concrete_fields if not isinstance(item, models.GeneratedField))


def frozen(instance: models.Model, fields: Iterable[AnyField]) -> MutableJSONObject:
    """Return the values of some fields by attribute name, without losing a digit."""
    return {item.attname: _frozen(instance, item) for item in fields}


def thawed(item: AnyField, raw: JSONValue) -> Any:
    """Return the Python value of a field that ``frozen`` wrote."""
    if raw is None or isinstance(item, models.JSONField):
        return raw
    return item.to_python(raw)


def _frozen(instance: models.Model, item: AnyField) -> JSONValue:
    value = item.value_from_object(instance)
    if value is None or isinstance(item, models.JSONField):
        return value  # type: ignore[no-any-return]
    return str(item.value_to_string(instance))
