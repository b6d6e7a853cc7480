"""The doors into Django: the only file that counts on how its compilers work. See docs/decisions/0013.

Every write of the ORM ends in ``execute_sql`` of one of three compilers, whatever it was called by. What is counted on
is little, and ``tests/audit/test_doors.py`` tells when a Django version changes it:

* ``SQLInsertCompiler.as_sql`` writes ``RETURNING`` for ``returning_fields``, and returns one statement then;
* ``SQLInsertCompiler.pre_save_val`` gives each value that is written;
* ``SQLUpdateCompiler.as_sql`` writes ``UPDATE … SET … [WHERE …]``, the condition as ``compile(query.where)`` does;
* ``SQLDeleteCompiler.as_sql`` writes ``DELETE FROM …``, so that ``RETURNING`` can follow;
* ``Model.save_base`` writes the tables of parents and then, by ``_save_table``, that of the model, in one transaction;
* ``DeleteQuery.delete_batch`` deletes rows by their keys, a hundred at a time;
* ``Collector.delete`` carries out a deletion with all that goes along, and ``set`` of a many-to-many manager is the
  removal and the addition of what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import cache, wraps
from math import inf
from typing import Any, Protocol, TypeAlias

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, router
from django.db.models import DateTimeField, Model
from django.db.models.constants import OnConflict
from django.db.models.deletion import Collector
from django.db.models.sql.compiler import SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler
from django.db.models.sql.constants import GET_ITERATOR_CHUNK_SIZE, NO_RESULTS
from django.db.models.sql.subqueries import DeleteQuery
from django.db.models.sql.where import AND

from gridkit_django.audit.capture.two_steps import all_rows, quoted, update_in_two_steps
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.targets import ModelClass
from gridkit_django.exceptions import AuditUnavailableError

Raw: TypeAlias = tuple[Any, ...]
"""One row as the driver returns it."""

_MARK = "gridkit_door"

RETURNING_VENDORS = frozenset({"postgresql", "sqlite"})
"""Databases whose writes can return the rows."""


class Watcher(Protocol):
    """What the doors are opened for."""

    def watches(self, model: ModelClass, connection: Any) -> Any:
        """Return what is watched of a model in a database, or None."""
        ...

    def insert(self, watch: Any, compiler: Any, returning: Sequence[Field]) -> list[Any]:
        """Carry out an INSERT; the values of ``returning`` for each row."""
        ...

    def update(self, watch: Any, compiler: Any) -> int | None:
        """Carry out the UPDATE of one table; rows, or None when there is nothing to do."""
        ...

    def delete(self, watch: Any, compiler: Any) -> int:
        """Carry out a DELETE; rows."""
        ...

    def whole(self, connection: Any, work: Callable[[], Any]) -> Any:
        """Carry out several statements in one transaction."""
        ...

    def family(self, model: ModelClass, connection: Any) -> AbstractContextManager[Callable[[], None]]:
        """Hold back what is changed in several tables of a model's rows; what it gives tells it as one change."""
        ...

    def together(self, connection: Any, work: Callable[[], Any]) -> Any:
        """Carry out several statements that are one act: links that go and come are told once."""
        ...


def install(watcher: Watcher) -> None:
    """Stand in the doors, once for the process. A write of a model that nobody watches costs one look-up."""
    if hasattr(SQLInsertCompiler.execute_sql, _MARK):
        return
    for owner, name, make in (
        (SQLInsertCompiler, "execute_sql", _insert_door),
        (SQLUpdateCompiler, "execute_sql", _update_door),
        (SQLDeleteCompiler, "execute_sql", _delete_door),
        (Collector, "delete", _collector_door),
        (DeleteQuery, "delete_batch", _batch_door),
    ):
        _replace(owner, name, make(getattr(owner, name), watcher))


def join_sets(descriptor: Any, watcher: Watcher) -> None:
    """Let ``set`` of a many-to-many field be one act.

    Args:
        descriptor: the attribute of the model, of either side.
        watcher: whom it is told to.
    """
    manager = descriptor.related_manager_cls
    if not hasattr(manager.set, _MARK):
        _replace(manager, "set", _set_door(manager.set, watcher))


def join_tables(watcher: Watcher) -> None:
    """Let a save that writes to several tables be one act, once for the process; only models with parents pay for it.

    Args:
        watcher: whom it is told to.
    """
    if not hasattr(Model.save_base, _MARK):
        _replace(Model, "save_base", _save_door(Model.save_base, watcher))
        _replace(Model, "_save_table", _table_door(Model._save_table))  # type: ignore[attr-defined]  # noqa: SLF001


def _replace(owner: Any, name: str, door: Any) -> None:
    setattr(door, _MARK, True)
    setattr(owner, name, door)


def _insert_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def execute_sql(compiler: Any, returning_fields: Any = None) -> Any:
        watch = watcher.watches(compiler.query.model, compiler.connection)
        if watch is None:
            return original(compiler, returning_fields)
        return watcher.insert(watch, compiler, tuple(returning_fields or ()))

    return execute_sql


def _update_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def execute_sql(compiler: Any, result_type: Any) -> Any:
        watch = watcher.watches(compiler.query.model, compiler.connection)
        if watch is None:
            return original(compiler, result_type)
        if not compiler.query.related_updates:
            rows = watcher.update(watch, compiler)
            return 0 if rows is None or result_type == NO_RESULTS else rows
        return watcher.whole(compiler.connection, lambda: _update_all_tables(watch, watcher, compiler, result_type))

    return execute_sql


def _update_all_tables(watch: Any, watcher: Watcher, compiler: Any, result_type: Any) -> int:
    """Do what ``SQLUpdateCompiler.execute_sql`` does: the table itself, then those of its parents."""
    with watcher.family(compiler.query.model, compiler.connection) as tell:
        rows = watcher.update(watch, compiler)
        for related in compiler.query.get_related_updates():
            others = related.get_compiler(compiler.using).execute_sql(result_type)
            if rows is None and others:
                rows = others
        tell()
    return 0 if rows is None or result_type == NO_RESULTS else rows


def _delete_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def execute_sql(compiler: Any, *arguments: Any, **options: Any) -> Any:
        watch = watcher.watches(compiler.query.model, compiler.connection)
        if watch is None:
            return original(compiler, *arguments, **options)
        return watcher.delete(watch, compiler)

    return execute_sql


def _collector_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def delete(collector: Any) -> Any:
        connection = connections[collector.using]
        emptied = [field.model for field, _ in collector.field_updates]
        tables = {*collector.data, *(rows.model for rows in collector.fast_deletes), *emptied}
        if not any((watch := watcher.watches(table, connection)) is not None and watch.links for table in tables):
            return original(collector)
        return watcher.together(connection, lambda: original(collector))

    return delete


def _batch_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def delete_batch(query: Any, pk_list: Sequence[Any], using: str) -> int:
        connection, options = connections[using], query.get_meta()
        is_one = len(getattr(options, "pk_fields", ())) <= 1
        if len(pk_list) <= GET_ITERATOR_CHUNK_SIZE or not is_one or watcher.watches(query.model, connection) is None:
            return int(original(query, pk_list, using))
        size, rows = min(connection.features.max_query_params or _BATCH, _BATCH), 0
        for start in range(0, len(pk_list), size):
            query.clear_where()
            query.add_filter(f"{options.pk.attname}__in", pk_list[start : start + size])
            rows += query.do_query(options.db_table, query.where, using=using)
        return rows

    return delete_batch


_BATCH = 1000
"""Keys of one DELETE; Django takes a hundred, whose records would cost as much to plan as to write."""

_saving: ContextVar[tuple[Any, Callable[[], None]] | None] = ContextVar("gridkit_saving", default=None)
"""The model whose row is being saved table by table, and what tells of it when the last table is written."""


def _save_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def save_base(instance: Any, *arguments: Any, **options: Any) -> Any:
        if not instance._meta.parents or options.get("raw"):
            return original(instance, *arguments, **options)
        using = options.get("using") or router.db_for_write(type(instance), instance=instance)
        with watcher.family(type(instance), connections[using]) as tell:
            token = _saving.set((instance, tell))
            try:
                return original(instance, *arguments, **options)
            finally:
                _saving.reset(token)

    return save_base


def _table_door(original: Any) -> Any:
    @wraps(original)
    def _save_table(instance: Any, raw: bool = False, cls: Any = None, *arguments: Any, **options: Any) -> Any:
        done = original(instance, raw, cls, *arguments, **options)
        saving = _saving.get()
        # The tables of the parents come first, all in the transaction that ``save_base`` opens.
        if saving is not None and saving[0] is instance and cls is instance._meta.concrete_model:
            saving[1]()
        return done

    return _save_table


def _set_door(original: Any, watcher: Watcher) -> Any:
    @wraps(original)
    def set(manager: Any, *arguments: Any, **options: Any) -> Any:  # noqa: A001 - Django's name
        using = router.db_for_write(manager.through, instance=manager.instance)
        return watcher.together(connections[using], lambda: original(manager, *arguments, **options))

    return set


def insert_rows(compiler: Any, fields: Sequence[Field], *, tell_new: bool = False) -> list[Raw]:
    """Carry out an INSERT and return these columns of the rows that it wrote.

    Args:
        compiler: of the INSERT.
        fields: the columns.
        tell_new: whether each row ends with whether it is a new one (PostgreSQL).
    """
    # Django writes each column of RETURNING anew, so it is asked for the first one only.
    compiler.returning_fields = list(fields[:1])
    tail = _columns(compiler.query.get_meta().db_table, tuple([str(field.column) for field in fields]))[1]
    tail += ", (xmax = 0)" if tell_new else ""
    rows: list[Raw] = []
    with compiler.connection.cursor() as cursor:
        for sql, params in compiler.as_sql():
            cursor.execute(sql + tail, params)
            rows += cursor.fetchall()
    return rows


@cache
def _columns(table: str, columns: tuple[str, ...]) -> tuple[str, str]:
    """Return columns of a table, and those after the first as they follow it."""
    named = [f"{quoted(table)}.{quoted(column)}" for column in columns]
    return ", ".join(named), "".join(f", {column}" for column in named[1:])


def converted(compiler: Any, fields: Sequence[Field], rows: Sequence[Raw]) -> list[Any]:
    """Return rows as Django hands them to model instances."""
    columns = [field.get_col(compiler.query.get_meta().db_table) for field in fields]
    converters = compiler.get_converters(columns)
    return list(compiler.apply_converters(rows, converters) if converters else rows)


def needs_no_converter(compiler: Any, fields: Sequence[Field]) -> bool:
    """Whether values of fields, as the driver gives them, are what Django hands to model instances."""
    return not compiler.get_converters([field.get_col(compiler.query.get_meta().db_table) for field in fields])


def value_to_insert(compiler: Any, item: Any, field: Field) -> Any:
    """Return what an INSERT is going to write into a column; a field is asked once, since it may make a value up."""
    asked: Any = compiler.__dict__.get("pre_save_val")
    if asked is None:
        asked = compiler.pre_save_val = _asking_once(compiler.pre_save_val)
    return asked(field, item)


def _asking_once(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    known: dict[tuple[str, int], Any] = {}

    def pre_save_val(field: Any, item: Any) -> Any:
        place = (field.name, id(item))
        if place not in known:
            known[place] = original(field, item)
        return known[place]

    return pre_save_val


def upserts(compiler: Any) -> bool:
    """Whether an INSERT changes rows that are there already."""
    return bool(compiler.query.on_conflict == OnConflict.UPDATE)


def update_rows(
    compiler: Any, keys: Sequence[Field], fields: Sequence[Field], wanted: Sequence[Field] = ()
) -> list[tuple[Raw, Raw, Raw]]:
    """Carry out an UPDATE; for each row its key as it was, and the values of ``fields`` before and after.

    A value that is no other may be given as None, unless its field is among those that are ``wanted``.

    PostgreSQL returns both from 18 on; before, it locks, reads and writes in one statement. Elsewhere (SQLite: one
    writer at a time) the rows are read first, and the written ones returned.

    Raises:
        EmptyResultSet: when there is no row to change.
    """
    sql, params = compiled_update(compiler)
    is_postgres = compiler.connection.vendor == "postgresql"
    if is_postgres and compiler.connection.pg_version >= RETURNS_BOTH and sql.startswith("UPDATE "):
        sides = tuple([_column_read(item, wanted) for item in fields])
        tail = _both_sides(tuple([str(item.column) for item in keys]), sides)
        return _split(all_rows(compiler, sql + tail, params), len(keys), len(fields))
    head, head_params, where, where_params = split_update(compiler, sql, params)
    columns = tuple([str(item.column) for item in (*keys, *fields)])
    if is_postgres:
        table = compiler.quote_name_unless_alias(compiler.query.get_meta().db_table)
        named = [f"{table}.{quoted(column)}" for column in columns]
        statement, arguments = _locked_update(table, named, len(keys), head, where), (*where_params, *head_params)
        return _split(all_rows(compiler, statement, arguments), len(keys), len(fields))
    is_lone = where == _lone_condition(compiler.query.get_meta())
    return update_in_two_steps(
        compiler, (head, head_params), (where, where_params), columns, len(keys), is_lone=is_lone
    )


RETURNS_BOTH = 180_000
"""The version of PostgreSQL from which on an UPDATE returns the row that it changed as it was, too."""


def _column_read(field: Field, wanted: Sequence[Field]) -> tuple[str, bool]:
    """Return a column, and whether its values are so slow to read that only changed ones are asked for."""
    return str(field.column), isinstance(field, DateTimeField) and field not in wanted


@cache
def _both_sides(keys: tuple[str, ...], columns: tuple[tuple[str, bool], ...]) -> str:
    """Return what an UPDATE of PostgreSQL ends with, so that it returns keys, values before and values after."""

    def side(row: str) -> list[str]:
        return [
            f"CASE WHEN gk_old.{name} IS DISTINCT FROM gk_new.{name} THEN {row}.{name} END"
            if is_slow
            else f"{row}.{name}"
            for name, is_slow in named
        ]

    named = [(quoted(column), is_slow) for column, is_slow in columns]
    read = [*(f"gk_old.{quoted(column)}" for column in keys), *side("gk_old"), *side("gk_new")]
    return f" RETURNING WITH (OLD AS gk_old, NEW AS gk_new) {', '.join(read)}"


def split_update(compiler: Any, sql: str, params: Sequence[Any]) -> tuple[str, tuple[Any, ...], str, tuple[Any, ...]]:
    """Return a compiled UPDATE in two: up to its condition, and the condition, each with its parameters.

    Raises:
        AuditUnavailableError: when this version of Django writes it in another form.
    """
    lone = _lone_condition(compiler.query.get_meta())
    if sql.endswith(lone) and sql.count(" WHERE ") == 1:
        where, where_params = lone, tuple(params[-1:])
    else:
        where, where_params = _condition(compiler)
    head, head_params = sql[: len(sql) - len(where)], tuple(params[: len(params) - len(where_params)])
    if not sql.endswith(where) or not head.startswith("UPDATE "):
        raise AuditUnavailableError(
            f"This version of Django writes an UPDATE in another form than GridKit knows: {sql[:80]!r}"
        )
    return head, head_params, where, where_params


def _lone_condition(options: Any) -> str:
    """Return the condition of a saved instance: compiling it again takes longer than to look whether it is there."""
    return f" WHERE {quoted(options.db_table)}.{quoted(str(options.pk.column))} = %s"


def rows_at_most(compiler: Any) -> float:
    """Return how many rows an UPDATE or DELETE is about at most, as far as its condition names keys."""
    where, key = compiler.query.where, compiler.query.get_meta().pk
    if where.connector != AND or where.negated:
        return inf
    return min((_keys_named(child, key) for child in where.children), default=inf)


def _keys_named(child: Any, key: Any) -> float:
    if getattr(getattr(child, "lhs", None), "target", None) is not key:
        return inf
    if child.lookup_name == "in" and isinstance(child.rhs, (list, tuple, set, frozenset)):
        return len(child.rhs)
    return 1 if child.lookup_name == "exact" else inf


def compiled_update(compiler: Any) -> tuple[str, Sequence[Any]]:
    """Return the statement of an UPDATE.

    Raises:
        EmptyResultSet: when there is no row to change.
    """
    sql, params = compiler.as_sql()
    if not sql:
        raise EmptyResultSet
    return sql, params


def update_unseen(compiler: Any) -> int:
    """Carry out an UPDATE of columns that nobody follows; rows.

    Raises:
        EmptyResultSet: when there is no row to change.
    """
    sql, params = compiled_update(compiler)
    with compiler.connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def delete_rows(compiler: Any, fields: Sequence[Field]) -> list[Raw]:
    """Carry out a DELETE and return these columns of the rows that are gone."""
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return []
    deleted_from(sql)
    columns = _columns(compiler.query.get_meta().db_table, tuple([str(field.column) for field in fields]))[0]
    return all_rows(compiler, f"{sql} RETURNING {columns}", params)


def deleted_from(sql: str) -> str:
    """Return a compiled DELETE from its ``FROM`` on.

    Raises:
        AuditUnavailableError: when this version of Django writes it in another form.
    """
    if not sql.startswith("DELETE FROM "):
        raise AuditUnavailableError(
            f"This version of Django writes a DELETE in another form than GridKit knows: {sql[:80]!r}"
        )
    return sql.removeprefix("DELETE ")


def _condition(compiler: Any) -> tuple[str, tuple[Any, ...]]:
    """Return the condition of a compiled UPDATE, as it stands at the end of it."""
    try:
        where, params = compiler.compile(compiler.query.where)
    except FullResultSet:
        return "", ()
    return f" WHERE {where}", tuple(params)


def _locked_update(table: str, columns: Sequence[str], keys: int, head: str, where: str) -> str:
    names = [f"gk{number}" for number in range(len(columns))]
    old = ", ".join(f"{column} AS {name}" for column, name in zip(columns, names, strict=True))
    same = " AND ".join(f"{column} = gk_old.{name}" for column, name in zip(columns[:keys], names, strict=False))
    return (
        f"WITH gk_old AS MATERIALIZED (SELECT {old} FROM {table}{where} FOR NO KEY UPDATE) "  # noqa: S608 - names, no values
        f"{head} FROM gk_old WHERE {same} RETURNING gk_old.*, {', '.join(columns[keys:])}"
    )


def _split(rows: Sequence[Raw], keys: int, fields: int) -> list[tuple[Raw, Raw, Raw]]:
    return [(row[:keys], row[keys : keys + fields], row[keys + fields :]) for row in rows]
