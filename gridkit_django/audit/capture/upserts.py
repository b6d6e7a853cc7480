"""INSERT … ON CONFLICT DO UPDATE: which rows are new, and what the others were before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db import models, transaction

from gridkit_django.audit.capture.doors import Raw, insert_rows, value_to_insert
from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.values import Field
from gridkit_django.exceptions import AuditError

_ATTEMPTS = 5
_CHUNK = 200


class _RaceError(Exception):
    """Another transaction has just made a row that was not there when the old ones were read."""


def upsert(watch: Watch, compiler: Any, columns: Sequence[Field]) -> list[tuple[Raw | None, Raw]]:
    """Carry out an upsert; for each row its followed values before, None for a new one, and its columns after.

    Args:
        watch: of the table.
        compiler: of the INSERT.
        columns: what is returned of each row.

    Raises:
        AuditError: when other transactions made the rows again and again in between.
    """
    if compiler.connection.vendor != "postgresql":
        return _attempt(watch, compiler, columns)
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic(using=compiler.using):
                return _attempt(watch, compiler, columns)
        except _RaceError:
            continue
    raise AuditError("Other transactions made the rows of an upsert each time it was tried. Try again.")


def _attempt(watch: Watch, compiler: Any, columns: Sequence[Field]) -> list[tuple[Raw | None, Raw]]:
    connection = compiler.connection
    tells = connection.vendor == "postgresql"
    old = _old_rows(watch, compiler)
    keys, fields = ([list(columns).index(item) for item in items] for items in (watch.keys, watch.fields))
    pairs: list[tuple[Raw | None, Raw]] = []
    for row in insert_rows(compiler, columns, tell_new=tells):
        key = watch.key([row[at] for at in keys], connection)
        before = old.get(key)
        if tells and before is None and not row[-1]:
            raise _RaceError
        pairs.append((before, row[: len(columns)]))
        # SQLite takes the same unique values twice in one statement: the second time the row is there.
        old[key] = tuple([row[at] for at in fields])
    return pairs


def _old_rows(watch: Watch, compiler: Any) -> dict[str, Raw]:
    """Return the rows that the upsert will meet, locked where the database can, by key."""
    found: dict[str, Raw] = {}
    count = len(watch.keys)
    for sql, params in met_rows(watch, compiler):
        with compiler.connection.cursor() as cursor:
            cursor.execute(sql, params)
            for row in cursor.fetchall():
                found[watch.key(row[:count], compiler.connection)] = row[count:]
    return found


def met_rows(watch: Watch, compiler: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the questions for keys and followed fields of the rows that the upsert will meet."""
    names = [item.attname for item in (*watch.keys, *watch.fields)]
    rows = models.QuerySet[Any](watch.model, using=compiler.using).order_by().select_for_update(no_key=True)
    for start in range(0, len(compiler.query.objs), _CHUNK):
        if met := _met(compiler, start):
            yield rows.filter(met).values_list(*names).query.get_compiler(compiler.using).as_sql()


def _met(compiler: Any, start: int) -> models.Q:
    """Return the condition for rows that have the unique values of some of the objects; an empty one for no row."""
    fields = compiler.query.unique_fields
    found = [
        [value_to_insert(compiler, item, field) for field in fields]
        for item in compiler.query.objs[start : start + _CHUNK]
    ]
    if not _nulls_meet(compiler.query.get_meta()):
        found = [values for values in found if None not in values]
    names = [field.attname for field in fields]
    if len(names) == 1 and all(value is not None for (value,) in found):
        return models.Q(**{f"{names[0]}__in": [value for (value,) in found]}) if found else models.Q()
    return reduce(or_, (models.Q(**dict(zip(names, values, strict=True))) for values in found), models.Q())


def _nulls_meet(options: Any) -> bool:
    """Whether NULL is a value that can be there already (``nulls_distinct=False``)."""
    return any(getattr(item, "nulls_distinct", None) is False for item in options.constraints)
