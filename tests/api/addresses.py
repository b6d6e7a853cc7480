"""Every address of the package, as Django's resolver knows it, and rows that are really there behind it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

OURS = "gridkit_django"
_PARTS = re.compile(r"<(?:[^<>:]+:)?(\w+)>|\(\?P<(\w+)>[^()]*\)")
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Address:
    """One address that answers.

    Attributes:
        name: as ``reverse`` takes it.
        route: as the resolver writes it.
        methods: HTTP methods that its view knows.
    """

    name: str
    route: str
    methods: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        """Whether it is a page of the admin."""
        return self.route.startswith("admin/")

    @property
    def model(self) -> type[models.Model] | None:
        """The model whose page of the admin it is."""
        found = re.match(rf"admin/{OURS}/(\w+)/", self.route)
        return None if found is None else next(row for row in own_models() if row._meta.model_name == found[1])

    def path(self, values: dict[str, Any]) -> str:
        """Return the path with these values for the parts that vary."""
        parts = [named or grouped for named, grouped in _PARTS.findall(self.route)]
        return reverse(self.name, kwargs={part: values[part] for part in parts})


def addresses() -> list[Address]:
    """List the addresses of API, pages and marketplace, and the admin pages of our models."""
    ours = (f"admin/{OURS}/", "gridkit/", "market/")
    return [found for found in _walk(get_resolver(), "", "") if found.route.startswith(ours)]


def own_models() -> list[type[models.Model]]:
    """List the models that the admin shows."""
    return [model for model in admin.site._registry if model._meta.app_label == OURS]


def stand_in(model: type[models.Model]) -> models.Model:
    """Return a row of a model: one that is there, else one that holds the least that the table takes."""
    found = model._default_manager.first()
    if found is None:
        found = model(**{field.name: _value(field) for field in model._meta.concrete_fields if _is_needed(field)})
        model._default_manager.bulk_create([found])
    return found


def _walk(resolver: URLResolver, route: str, space: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        here = route + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, here, f"{space}{entry.namespace}:" if entry.namespace else space)
        elif entry.name:
            yield Address(f"{space}{entry.name}", here, _methods_of(entry))


def _methods_of(entry: URLPattern) -> tuple[str, ...]:
    view = getattr(entry.callback, "view_class", None)
    return tuple(name.upper() for name in _METHODS if view is None or hasattr(view, name))


def _is_needed(field: Any) -> bool:
    return not (field.has_default() or field.null or isinstance(field, models.AutoField))


def _value(field: Any) -> Any:
    """Return some value that a field takes."""
    if field.is_relation:
        return stand_in(field.related_model)
    if field.choices:
        return field.flatchoices[0][0]
    kinds = {
        models.DateTimeField: timezone.now(),
        models.UUIDField: uuid.uuid4(),
        models.BooleanField: False,
        models.JSONField: {},
        models.BinaryField: b"x",
        models.CharField: "" if field.blank else "x",
        models.TextField: "" if field.blank else "x",
    }
    return next((value for kind, value in kinds.items() if isinstance(field, kind)), 1)
