"""Saving some fields of a row by one UPDATE, where Django's own ``save`` would do nothing else.

``Model.save`` takes longer to find out what to write than the database takes to write it. It is left out only for
models that keep it as it is, while nobody listens to its signals, and where no audit record is written beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models
from django.db.models.signals import post_save, pre_save

from gridkit_django.audit import is_captured

_OWN = ("save", "save_base", "_save_table", "_do_update")
"""What of ``Model`` a class may have made its own, to do more."""


def save_quickly(instance: models.Model, fields: Sequence[models.Field[Any, Any]], alias: str) -> bool:
    """Write some fields of a row that is there.

    Args:
        instance: the row, locked.
        fields: what to write; none of them is the primary key.
        alias: the database, in a transaction.

    Returns:
        Whether the row was written; False where Django must do it.
    """
    model = type(instance)
    if not _is_plain(model) or is_captured(model, alias):
        return False
    connection = connections[alias]
    key: Any = model._meta.pk
    adding = False
    values = [field.pre_save(instance, adding) for field in fields]
    if not fields or any(map(_is_special, fields, values)):
        return False
    name = connection.ops.quote_name
    sets = ", ".join(f"{name(str(field.column))} = %s" for field in fields)
    table = name(model._meta.db_table)
    sql = f"UPDATE {table} SET {sets} WHERE {table}.{name(key.column)} = %s"  # noqa: S608 - names of the model
    stored = [field.get_db_prep_save(value, connection) for field, value in zip(fields, values, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*stored, key.get_db_prep_value(instance.pk, connection)])
        return bool(cursor.rowcount == 1)


def _is_plain(model: type[models.Model]) -> bool:
    """Whether a row of the model is one row of one table, saved in Django's way, and nobody is told of it."""
    listened = pre_save.has_listeners(model) or post_save.has_listeners(model)
    own = any(getattr(model, name) is not getattr(models.Model, name) for name in _OWN)
    return not (listened or own or model._meta.parents or model._meta.proxy)


def _is_special(field: models.Field[Any, Any], value: Any) -> bool:
    """Whether a value is no plain one to the database."""
    return hasattr(field, "get_placeholder") or hasattr(value, "resolve_expression")
