"""Follows a column's ORM path over the models, and refuses a path that could cost more than one join per hop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.db.models.fields.reverse_related import ForeignObjectRel

from gridkit_django.exceptions import PathMissingError, PathToManyError

AnyField: TypeAlias = "models.Field[Any, Any]"


@dataclass(frozen=True, slots=True)
class ResolvedPath:
    """Where a column's values come from.

    Attributes:
        path: the ORM path of the value; a foreign key is followed to the field it points at, which needs no join.
        field: the model field that the source names (a foreign key stays one here).
        value_field: the field that gives the value its type.
        nullable: whether a row may have no value, because of the field or of an optional relation on the way.
        own: whether the value is stored in the row of the grid's own model.
    """

    path: str
    field: AnyField
    value_field: AnyField
    nullable: bool
    own: bool


def resolve_path(model: type[models.Model], source: str) -> ResolvedPath:
    """Follow ``source`` from ``model``.

    Args:
        model: the grid's model.
        source: field names joined by ``__``, like ``carrier__name``.

    Raises:
        PathMissingError: when a part is no database field.
        PathToManyError: when a part is a relation to many rows.
    """
    names = source.split(LOOKUP_SEP)
    hops = [_hop(owner, name, source) for owner, name in _owners(model, names, source)]
    field = hops[-1]
    if isinstance(field, ForeignObjectRel):
        raise PathMissingError(
            f"The path {source!r} ends at the relation {names[-1]!r}. Name the field to show, "
            f"for example {source}{LOOKUP_SEP}{field.related_model._meta.pk.name}."
        )
    *before, _last = names
    value_names, value_field = _value_of(field)
    return ResolvedPath(
        path=LOOKUP_SEP.join([*before, *value_names]),
        field=field,
        value_field=value_field,
        nullable=any(isinstance(hop, ForeignObjectRel) or hop.null for hop in hops),
        own=len(names) == 1,
    )


def _owners(model: type[models.Model], names: list[str], source: str) -> Iterator[tuple[type[models.Model], str]]:
    """Yield each name with the model it is looked up in."""
    owner = model
    for position, name in enumerate(names):
        yield owner, name
        if position < len(names) - 1:
            owner = _next_model(_hop(owner, name, source), owner, source)


def _hop(owner: type[models.Model], name: str, source: str) -> AnyField | ForeignObjectRel:
    """Return the field or one-to-one relation called ``name``."""
    try:
        field = owner._meta.pk if name == "pk" else owner._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise PathMissingError(
            f"The path {source!r}: {name!r} is no database field of {owner.__name__}. A property or method would cost "
            "work per row; name a field, or a field of a related model as relation__field."
        ) from error
    if getattr(field, "many_to_many", False) or getattr(field, "one_to_many", False):
        raise PathToManyError(
            f"The path {source!r}: {name!r} leads from one {owner.__name__} to many rows, which would repeat the row "
            "or cost a query per row. Use a field, or a relation to one row."
        )
    if field.is_relation and field.related_model is None:
        raise PathMissingError(
            f"The path {source!r}: {name!r} of {owner.__name__} is a generic relation, which no join can follow."
        )
    return field


def _next_model(hop: AnyField | ForeignObjectRel, owner: type[models.Model], source: str) -> type[models.Model]:
    related = hop.related_model
    if not isinstance(related, type):
        raise PathMissingError(
            f"The path {source!r} goes on after {hop.name!r}, which is a plain field of {owner.__name__} and not a "
            "relation. End the path there."
        )
    return related


def _value_of(field: AnyField) -> tuple[list[str], AnyField]:
    """Follow a foreign key to the field whose value it stores.

    Returns:
        The names to walk, starting with the field itself, and the field at the end.
    """
    names = [field.name]
    while isinstance(field, models.ForeignKey):
        field = field.target_field
        names.append(field.name)
    return names, field
