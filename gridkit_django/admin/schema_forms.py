"""Makes a Django form from a plugin's JSON Schema (2020-12, as pydantic writes it), without importing the plugin.

One schema, one form, one validation: the form only shapes text into JSON values; whether they are right is judged by
the plugin's own model when the configuration is saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gridkit_django.exceptions import GridKitError
from gridkit_django.typing import MutableJSONObject

Schema = Mapping[str, Any]

SEPARATOR = "."
"""Stands between the names of a nested field: ``pii.mask`` is the key ``mask`` of the object ``pii``."""


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(str(item) for item in value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        """Read lines as a list; empty lines do not count."""
        lines = value if isinstance(value, list) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]


class SchemaForm(forms.Form):
    """A form whose fields come from a JSON Schema.

    Args:
        schema: an object schema.
        values: the values in force; they are the form's initial values.
        locked: names of top-level keys that the site's settings hold; shown, not changed.
    """

    def __init__(
        self, *args: Any, schema: Schema, values: Mapping[str, Any], locked: frozenset[str] = frozenset(), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.paths: dict[str, tuple[str, ...]] = {}
        self._definitions: Schema = schema.get("$defs", {})
        self._add_fields(schema, values, (), locked)

    def values(self) -> MutableJSONObject:
        """Return the cleaned values as the nested object that the schema describes.

        A field that was left empty and is not required is left out, so that the plugin's default holds.
        """
        result: MutableJSONObject = {}
        for name, path in self.paths.items():
            value = self.cleaned_data.get(name)
            if value not in (None, "") and not self.fields[name].disabled:
                _put(result, path, value)
        return result

    def show_faults(self, error: GridKitError) -> None:
        """Put each fault that the plugin's model found beside its field, and the rest above the form."""
        for item in error.errors:
            name = self._field_at(item.pointer)
            self.add_error(name, f"{item.detail}" if name else f"{item.pointer}: {item.detail}")
        if not error.errors:
            self.add_error(None, error.detail)

    def _field_at(self, pointer: str) -> str | None:
        """Return the field that a JSON Pointer leads to or into."""
        parts = tuple(part for part in pointer.split("/") if part)
        found = [name for name, path in self.paths.items() if parts[: len(path)] == path]
        return found[0] if found else None

    def _add_fields(
        self, schema: Schema, values: Mapping[str, Any], parents: tuple[str, ...], locked: frozenset[str]
    ) -> None:
        required = set(schema.get("required", ()))
        for key, raw in schema.get("properties", {}).items():
            prop = self._resolved(raw)
            path = (*parents, key)
            value = values.get(key, prop.get("default"))
            if prop.get("type") == "object" and prop.get("properties"):
                self._add_fields(prop, value or {}, path, locked)
                continue
            name = SEPARATOR.join(path)
            field = _field(prop, required=key in required)
            field.label = _label(prop, path)
            field.help_text = prop.get("description", "")
            field.initial = value
            field.disabled = path[0] in locked
            if field.disabled:
                field.help_text = _("Set in the site's settings; it can't be changed here.")
            self.fields[name] = field
            self.paths[name] = path

    def _resolved(self, prop: Schema) -> Schema:
        """Follow a ``$ref`` into ``$defs`` and take the one real branch of an optional value."""
        if "$ref" in prop:
            target = self._definitions.get(str(prop["$ref"]).rpartition("/")[2], {})
            return {**target, **{key: value for key, value in prop.items() if key != "$ref"}}
        branches = [branch for branch in prop.get("anyOf", ()) if branch.get("type") != "null"]
        if len(branches) == 1:
            outer = {key: value for key, value in prop.items() if key != "anyOf"}
            return self._resolved({**branches[0], **outer})
        return prop


def _label(prop: Schema, path: tuple[str, ...]) -> str:
    own = str(prop.get("title") or path[-1].replace("_", " ").capitalize())
    return " / ".join([*(part.replace("_", " ").capitalize() for part in path[:-1]), own])


def _field(prop: Schema, *, required: bool) -> forms.Field:
    """Return the form field for one property; what has no better form is edited as JSON."""
    if choices := _choices(prop):
        empty = [] if required or "default" in prop else [("", "---------")]
        return forms.ChoiceField(choices=empty + choices, required=required)
    items = prop.get("items", {})
    kind = prop.get("type")
    if kind == "array" and (choices := _choices(items)):
        return forms.MultipleChoiceField(choices=choices, required=required, widget=forms.CheckboxSelectMultiple)
    if kind == "array" and items.get("type") == "string":
        return LinesField(required=required)
    return _scalar(prop, required=required)


def _scalar(prop: Schema, *, required: bool) -> forms.Field:
    kind = prop.get("type")
    low, high = prop.get("minimum"), prop.get("maximum")
    if kind == "boolean":
        return forms.BooleanField(required=False)
    if kind == "integer":
        return forms.IntegerField(required=required, min_value=low, max_value=high)
    if kind == "number":
        return forms.FloatField(required=required, min_value=low, max_value=high)
    if kind == "string" and (prop.get("writeOnly") or prop.get("format") == "password"):
        return forms.CharField(required=required, widget=forms.PasswordInput(render_value=True))
    if kind == "string":
        return forms.CharField(required=required, max_length=prop.get("maxLength"))
    return forms.JSONField(required=required, encoder=json.JSONEncoder)


def _choices(prop: Schema) -> list[tuple[str, str]]:
    values = prop.get("enum") or ([prop["const"]] if "const" in prop else [])
    return [(str(value), str(value)) for value in values if value is not None]


def _put(target: MutableJSONObject, path: tuple[str, ...], value: Any) -> None:
    """Set a nested key, making the objects on the way."""
    for part in path[:-1]:
        inner = target.setdefault(part, {})
        if isinstance(inner, dict):
            target = inner
    target[path[-1]] = value
