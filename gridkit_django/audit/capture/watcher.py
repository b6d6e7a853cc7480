"""What happens at the doors: the write is carried out, and its record written beside it or the write undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture import doors
from gridkit_django.audit.capture.families import Family
from gridkit_django.audit.capture.heirs import inherited_changes, lineage_values
from gridkit_django.audit.capture.labelling import labelled, namer_of
from gridkit_django.audit.capture.links import HeldLinks, link_changes
from gridkit_django.audit.capture.lone import lone_row
from gridkit_django.audit.capture.plans import Policied, Watch, WatchBook
from gridkit_django.audit.capture.recording import Recording
from gridkit_django.audit.capture.rows import RowChange, Told, Unlabelled, changed_values
from gridkit_django.audit.capture.set_based import MANY, SetBased, set_based
from gridkit_django.audit.capture.upserts import upsert
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.capture.withheld import with_withheld
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE, AuditPolicy, PolicyTable
from gridkit_django.audit.targets import ModelClass
from gridkit_django.audit.writer import COLUMNS, TABLE
from gridkit_django.exceptions import AuditUnavailableError

_Result = TypeVar("_Result")

_held: ContextVar[HeldLinks | None] = ContextVar("gridkit_audit_held_links", default=None)
_family: ContextVar[Family | None] = ContextVar("gridkit_audit_family", default=None)


class Capture:
    """Follows the models of a policy table. One for the process.

    Args:
        strict: returns the models that a database follows itself.
    """

    def __init__(self, strict: Callable[[BaseDatabaseWrapper], frozenset[str]]) -> None:
        self._strict = strict
        self._table = PolicyTable()
        self._has_strict = False
        self._without: dict[frozenset[str], Mapping[str, Watch]] = {}
        self._book = WatchBook(self._table)
        self._watches: Mapping[str, Watch] = {}
        self._older: WeakKeyDictionary[ModelClass, Watch] = WeakKeyDictionary()
        self._recording = Recording()
        self._trails: set[str] = set()
        self._before: Callable[[ModelClass], None] = _nothing

    def open(self, before: Callable[[ModelClass], None]) -> None:
        """Stand in the doors from now on.

        Args:
            before: is told the concrete model of each write before it, and may change what is followed.
        """
        self._before = before
        doors.install(self)

    def follow(self, table: PolicyTable) -> None:
        """Follow these models from now on, and no others."""
        book = WatchBook(table)
        for descriptor in book.many_to_many():
            doors.join_sets(descriptor, self)
        if any(watch.heirs for watch in book.by_label.values()):
            doors.join_tables(self)
        self._older = WeakKeyDictionary()
        self._table, self._without = table, {}
        self._has_strict = any(policy.strict for policies in table.by_model.values() for policy in policies)
        self._book, self._watches = book, book.by_label

    def watches(self, model: ModelClass, connection: BaseDatabaseWrapper) -> Watch | None:
        """Return what is watched of a model, or None.

        Raises:
            AuditUnavailableError: when it is written to a database that capture does not know.
        """
        concrete: Any = model._meta.concrete_model
        self._before(concrete)
        watches = self._apart(connection) if self._has_strict else self._watches
        watch = watches.get(concrete._meta.label_lower)
        if watch is None:
            return None
        if connection.vendor not in doors.RETURNING_VENDORS:
            raise AuditUnavailableError(
                f"{concrete._meta.label} is followed, but capture knows PostgreSQL and SQLite only, not "
                f"{connection.vendor}. Do not follow it on this site. Nothing was changed."
            )
        if watch.model is concrete:
            return watch
        return self._watch_older(concrete) if self._has_trail(connection) else None

    def insert(self, watch: Watch, compiler: Any, returning: Sequence[Field]) -> list[Any]:
        """Carry out an INSERT; the values of ``returning`` for each row, as Django wants them."""
        return self.whole(compiler.connection, lambda: self._insert(watch, compiler, returning))

    def update(self, watch: Watch, compiler: Any) -> int | None:
        """Carry out the UPDATE of one table; rows, or None when there is nothing to do."""
        return self.whole(compiler.connection, lambda: self._update(watch, compiler))

    def delete(self, watch: Watch, compiler: Any) -> int:
        """Carry out a DELETE; rows."""
        return self.whole(compiler.connection, lambda: self._delete(watch, compiler))

    def whole(self, connection: BaseDatabaseWrapper, work: Callable[[], _Result]) -> _Result:
        """Carry out work in one transaction: in the one under way nothing is kept of it when it fails."""
        if not connection.in_atomic_block:
            with transaction.atomic(using=connection.alias, savepoint=False):
                return work()
        try:
            return work()
        except BaseException:
            connection.needs_rollback = True
            raise

    def together(self, connection: BaseDatabaseWrapper, work: Callable[[], _Result]) -> _Result:
        """Carry out work in one transaction; what comes and goes of a many-to-many field in it is one change."""
        if _held_in(connection) is not None:
            return work()
        held = HeldLinks(connection.alias, _held.get())
        token = _held.set(held)
        try:
            return self.whole(connection, lambda: self._and_tell_links(connection, held, work))
        finally:
            _held.reset(token)

    @contextmanager
    def family(self, model: ModelClass, connection: BaseDatabaseWrapper) -> Iterator[Callable[[], None]]:
        """Hold back what is changed in several tables of a model's rows; what is yielded tells it as one change."""
        options: Any = model._meta.concrete_model._meta  # type: ignore[union-attr]
        parents = [self.watches(parent, connection) for parent in options.all_parents]
        if not any(watch is not None and watch.heirs for watch in parents):
            yield _tell_nothing
            return
        labels = {options.label_lower, *(parent._meta.label_lower for parent in options.all_parents)}
        family = Family(connection.alias, frozenset(labels))
        token = _family.set(family)
        try:
            yield lambda: self._tell_family(connection, family)
        finally:
            _family.reset(token)

    def _tell_family(self, connection: BaseDatabaseWrapper, family: Family) -> None:
        for policies, told in family.rest():
            policy, grid = policies.now()
            if policy is not None:
                self._recording.write(connection, policy, policies, grid, told)

    def _write(
        self, connection: BaseDatabaseWrapper, policy: AuditPolicy, policies: Policied, grid: str, told: Iterable[Told]
    ) -> None:
        """Write records, or hold them back until the other tables of their rows are written."""
        family = _family.get()
        if family is not None and family.takes(connection.alias, policies):
            told = family.held(policies, told)
        self._recording.write(connection, policy, policies, grid, told)

    def _and_tell_links(self, connection: BaseDatabaseWrapper, held: HeldLinks, work: Callable[[], _Result]) -> _Result:
        result = work()
        for policies, model, changes in held.rest():
            self._record_others(connection, policies, model, changes)
        return result

    def _insert(self, watch: Watch, compiler: Any, returning: Sequence[Field]) -> list[Any]:
        if (many := self._many(watch, compiler, CREATE, len(compiler.query.objs))) is not None:
            rows = many.insert(returning)
            return doors.converted(compiler, returning, rows) if returning else []
        shape = watch.inserted(returning)
        if doors.upserts(compiler):
            pairs = upsert(watch, compiler, shape.columns)
        else:
            pairs = [(None, row) for row in doors.insert_rows(compiler, shape.columns)]
        keys, values = shape.keys, shape.values
        changes = [
            RowChange(tuple([row[at] for at in keys]), old, tuple([row[at] for at in values])) for old, row in pairs
        ]
        self._tell(watch, compiler.connection, watch.fields, changes)
        if not returning:
            return []
        wanted = [row[: len(returning)] for _, row in pairs]
        place = (compiler.connection.alias, "converted", *[item.name for item in returning])
        if watch.remembered(place, lambda: doors.needs_no_converter(compiler, returning)):
            return wanted
        return doors.converted(compiler, returning, wanted)

    def _update(self, watch: Watch, compiler: Any) -> int | None:
        shape = watch.shape(tuple([field.name for field, _, _ in compiler.query.values]))
        try:
            if not shape.fields:
                return doors.update_unseen(compiler)
            most = doors.rows_at_most(compiler)
            many = None if shape.moves else self._many(watch, compiler, UPDATE, most, shape.fields)
            if many is not None:
                return many.update(shape.fields)
            rows = doors.update_rows(compiler, watch.keys, shape.fields, watch.labels)
        except EmptyResultSet:
            return None
        changes = [RowChange(key, old, new) for key, old, new in rows if old != new]
        self._tell(watch, compiler.connection, shape.fields, changes)
        return len(rows)

    def _delete(self, watch: Watch, compiler: Any) -> int:
        held = _held_in(compiler.connection)
        has_links = held is not None and held.has(watch.model)
        many = None if has_links else self._many(watch, compiler, DELETE, doors.rows_at_most(compiler))
        if many is not None:
            return many.delete()
        rows = doors.delete_rows(compiler, (*watch.keys, *watch.fields))
        keys = len(watch.keys)
        self._tell(watch, compiler.connection, watch.fields, [RowChange(row[:keys], row[keys:], None) for row in rows])
        return len(rows)

    def _many(
        self, watch: Watch, compiler: Any, action: str, rows: float, fields: Sequence[Field] | None = None
    ) -> SetBased | None:
        """Return what lets the database write the records of a statement, when it is about many rows and can."""
        many = set_based(watch, compiler, action, fields) if rows >= MANY else None
        if many is not None:
            self._recording.gaps.tell(compiler.connection)
        return many

    def _tell(
        self, watch: Watch, connection: BaseDatabaseWrapper, fields: Sequence[Field], changes: Sequence[RowChange]
    ) -> None:
        """Write the records of what happened to rows of one table."""
        if not changes or (len(changes) == 1 and self._tell_lone(watch, connection, fields, changes[0])):
            return
        for link in watch.links:
            found = link_changes(link, watch, connection, fields, changes)
            held = _held_in(connection)
            if held is not None:
                held.add(link, found)
            else:
                self._record_others(connection, link.policies, link.model, found.told(link.name))
        for heir in watch.heirs:
            told = inherited_changes(heir, watch, connection, fields, changes)
            self._record_others(connection, heir.policies, heir.model, told)
        if watch.policies is not None:
            policy, grid = watch.policies.now()
            if policy is not None:
                own = self._own(watch, watch.policies.label_field(policy), connection, fields, changes)
                self._write(connection, policy, watch.policies, grid, own)

    def _tell_lone(
        self, watch: Watch, connection: BaseDatabaseWrapper, fields: Sequence[Field], change: RowChange
    ) -> bool:
        """Write the record of a lone row whose table holds all that is told of it; whether that could be."""
        if watch.is_entangled or watch.policies is None or _family.get() is not None:
            return False
        policies = watch.policies
        policy, grid = policies.now()
        if policy is None or not policy.is_open or policies.beside:
            return False
        held, action = _held_in(connection), change.action
        if action == DELETE and held is not None and held.has(watch.model):
            return False
        row = lone_row(watch, policy, fields, connection)
        if row is None:
            return False
        if action in policy.actions and ((changes := row.changes(change)) != "{}" or action != UPDATE):
            told = (policies.label, grid, action, watch.key(change.key, connection))
            self._recording.write_one(connection, policy, told, row.label(change), changes)
        return True

    def _own(
        self,
        watch: Watch,
        label: Field | None,
        connection: BaseDatabaseWrapper,
        fields: Sequence[Field],
        changes: Sequence[RowChange],
    ) -> Iterator[Told]:
        """Yield what became of each row; values of parents and links go with rows that come and go."""
        held = _held_in(connection)
        inherited = lineage_values(watch, connection, fields, changes) if watch.lineages else {}
        name = namer_of(watch, label, connection, fields, changes)
        for change in changes:
            key = watch.key(change.key, connection)
            values = changed_values(watch, connection, fields, change)
            if inherited:
                values.update(inherited.get(change.key, {}))
            if held is not None and change.after is None:
                values.update(held.taken(watch.model, key))
            if values or change.before is None or change.after is None:
                yield change.action, key, values, name(change)

    def _record_others(
        self, connection: BaseDatabaseWrapper, policies: Policied, model: ModelClass, changes: Iterable[Unlabelled]
    ) -> None:
        """Write the records of rows whose own table was not written to."""
        policy, grid = policies.now()
        if policy is not None:
            told = labelled(model, policies.label_field(policy), connection, changes)
            self._write(connection, policy, policies, grid, told)

    def _apart(self, connection: BaseDatabaseWrapper) -> Mapping[str, Watch]:
        """Return what is left to watch where the database follows some models itself."""
        strict = self._strict(connection)
        if strict not in self._without:
            table, beside = with_withheld(self._table, strict)
            labels = table.by_model.keys() - (strict - beside)
            self._without[strict] = WatchBook(table, labels, beside).by_label
        return self._without[strict]

    def _watch_older(self, model: ModelClass) -> Watch:
        """Return what is watched of a model as a migration sees it."""
        found = self._older.get(model)
        if found is None:
            found = self._older[model] = self._book.watch(model)
        return found

    def _has_trail(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether there is a trail to write to: migrations write rows also before its tables are made or up to date."""
        if connection.alias not in self._trails:
            with connection.cursor() as cursor:
                tables = connection.introspection.table_names(cursor)
                if TABLE not in tables:
                    return False
                found = {item.name for item in connection.introspection.get_table_description(cursor, TABLE)}
            if not found.issuperset(COLUMNS):
                return False
            self._trails.add(connection.alias)
        return True


def _held_in(connection: BaseDatabaseWrapper) -> HeldLinks | None:
    """Return the links that wait for the end of an act in a database; other databases have records of their own."""
    held = _held.get()
    return None if held is None else held.of(connection.alias)


def _tell_nothing() -> None:
    """Do nothing: nothing is held back."""


def _nothing(_model: ModelClass) -> None:
    """Do nothing: a capture that was not opened yet is told of no write."""
