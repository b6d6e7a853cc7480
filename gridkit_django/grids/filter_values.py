"""Values of django-filter filters: read out of JSON by their form fields, and described for those who send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django_filters.constants import EMPTY_VALUES
from django_filters.fields import BaseCSVField

from gridkit_django.conf import settings
from gridkit_django.exceptions import FilterValueError
from gridkit_django.grids.columns.text import storable
from gridkit_django.typing import JSONValue, MutableJSONObject

AnyField: TypeAlias = forms.Field

_KINDS: tuple[tuple[type[forms.Field], str], ...] = (
    (forms.NullBooleanField, "boolean"),
    (forms.BooleanField, "boolean"),
    (forms.ModelChoiceField, "key"),
    (forms.ChoiceField, "choice"),
    (forms.FloatField, "float"),
    (forms.DecimalField, "decimal"),
    (forms.IntegerField, "integer"),
    (forms.DateTimeField, "datetime"),
    (forms.DateField, "date"),
    (forms.TimeField, "time"),
    (forms.UUIDField, "uuid"),
)
"""Form fields by the type of their values on the wire, subclasses first; any other takes text."""


@dataclass(frozen=True, slots=True)
class ValueShape:
    """What the value of a filter looks like in JSON.

    Attributes:
        type: the type of one plain value.
        many: whether it is a list of them.
        parts: the keys of an object of such values, with the type of each; empty for a plain value or a list.
        choices: value and label of what can be chosen, or None when values are free.
    """

    type: str
    many: bool = False
    parts: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[JSONValue, str], ...] | None = None

    def to_dict(self) -> MutableJSONObject:
        """Write the shape as JSON."""
        choices = self.choices
        return {
            "type": self.type,
            "many": self.many,
            "parts": [{"key": key, "type": kind} for key, kind in self.parts] or None,
            "choices": None if choices is None else [{"value": value, "label": label} for value, label in choices],
        }


def shape_of(field: AnyField) -> ValueShape:
    """Describe the values that a filter's form field takes."""
    if isinstance(field, forms.MultiValueField):
        return ValueShape("object", parts=tuple(zip(_keys(field), map(_kind, field.fields), strict=True)))
    return ValueShape(_kind(field), many=_takes_list(field), choices=_choices(field))


def value_of(field: AnyField, raw: JSONValue) -> Any:
    """Turn the JSON value of a filter into what the filter takes.

    Raises:
        FilterValueError: when the form field refuses it, with the field's own text; and for an empty value, with which
            the filter would let every row through.
    """
    try:
        value = field.clean(_laid_out(field, raw))
    except ValidationError as error:
        raise FilterValueError(" ".join(error.messages)) from error
    except (ValueError, TypeError, ArithmeticError) as error:
        raise FilterValueError("The value does not fit the filter.") from error
    if value in EMPTY_VALUES:
        raise FilterValueError("The value is empty. To let every row through, leave the condition out.")
    return value


def _laid_out(field: AnyField, raw: Any) -> Any:
    """Return the value as the form field takes it: texts, as they would come out of a form.

    Raises:
        FilterValueError: when it has another shape.
    """
    if isinstance(field, forms.MultiValueField):
        keys = _keys(field)
        if not isinstance(raw, Mapping) or not raw.keys() <= set(keys):
            raise FilterValueError(f"Expected an object with some of the keys {', '.join(keys)}.")
        return [_plain(part, raw.get(key)) for key, part in zip(keys, field.fields, strict=True)]
    if not _takes_list(field):
        return _plain(field, raw)
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise FilterValueError("Expected a list.")
    if len(raw) > settings().FILTER_LIST_MAX:
        raise FilterValueError(f"The list has {len(raw)} items; at most {settings().FILTER_LIST_MAX} are allowed.")
    if any(item is None for item in raw):
        raise FilterValueError("Expected a list without null.")
    return [_plain(field, item) for item in raw]


def _plain(field: AnyField, raw: Any) -> Any:
    if _kind(field) == "boolean" and not isinstance(raw, bool):
        raise FilterValueError("Expected true or false.")
    if raw is None or _kind(field) == "boolean" or (isinstance(raw, str) and storable(raw)):
        return raw
    if isinstance(raw, (bool, int, float)):
        return str(raw)
    raise FilterValueError("Expected a plain value: a number, true or false, or text that a database can hold.")


def _takes_list(field: AnyField) -> bool:
    return isinstance(field, (forms.MultipleChoiceField, forms.ModelMultipleChoiceField, BaseCSVField))


def _keys(field: forms.MultiValueField) -> tuple[str, ...]:
    """Return the keys of a value with several parts: the suffixes that the parts have in a form."""
    suffixes: Sequence[str | None] = getattr(field.widget, "suffixes", None) or range(len(field.fields))  # type: ignore[assignment]
    return tuple("value" if suffix is None else str(suffix) for suffix in suffixes)


def _kind(field: AnyField) -> str:
    return next((name for kind, name in _KINDS if isinstance(field, kind)), "text")


def _choices(field: AnyField) -> tuple[tuple[JSONValue, str], ...] | None:
    """Return what can be chosen; rows of other tables are not listed, they may be many."""
    if not isinstance(field, forms.ChoiceField) or isinstance(field, forms.ModelChoiceField):
        return None
    flat: list[tuple[JSONValue, str]] = []
    listed: Any = field.choices
    for value, label in listed:
        grouped = isinstance(label, (list, tuple))
        flat += [(str(key), str(text)) for key, text in label] if grouped else [(str(value), str(label))]
    return tuple((value, label) for value, label in flat if value != "")
