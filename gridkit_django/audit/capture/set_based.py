"""Many rows at once: the database writes the records beside the rows, which never travel to Python.

These records have no MAC: what no key has seen is guarded by the rights of the database until it is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from django.db.models import TextField

from gridkit_django.audit.capture import doors
from gridkit_django.audit.capture.plans import KEY_MAX, Watch
from gridkit_django.audit.capture.set_based_postgres import RETURNS_OLD, InPostgres
from gridkit_django.audit.capture.set_based_sqlite import InSqlite
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.policies import CREATE, UPDATE, AuditPolicy
from gridkit_django.audit.sqljson import is_exact, stored_field
from gridkit_django.audit.sqlmasks import has_form

MANY = 30
"""Rows from which on the database writes the records, also where nobody has counted them. Fewer get a MAC at once; in
Python up to ten cost less."""

_SQLITE_KEYS = frozenset({"CharField", "SlugField", "UUIDField"})
"""Kinds of keys, other than whole numbers, that SQLite gives back as they are found again."""

_SQLITE_FIELDS = 100
"""Fields of one record that SQLite writes; it refuses expressions that are too deep."""


class SetBased(Protocol):
    """Carries out one statement on many rows, with their records."""

    def insert(self, returning: Sequence[Field]) -> list[doors.Raw]:
        """Carry out an INSERT; the columns that Django wants of each row."""
        ...

    def update(self, fields: Sequence[Field]) -> int:
        """Carry out an UPDATE of these fields; rows.

        Raises:
            EmptyResultSet: when there is no row to change.
        """
        ...

    def delete(self) -> int:
        """Carry out a DELETE; rows."""
        ...


def set_based(watch: Watch, compiler: Any, action: str, fields: Sequence[Field] | None = None) -> SetBased | None:
    """Return what carries out a statement so that the database writes its records itself, or None.

    It can't where other tables tell a part of the change, where values are encrypted or made by Python, or where a
    record may be left out.

    Args:
        watch: of the table.
        compiler: of the statement.
        action: what it does.
        fields: those whose values are told; None for all that are watched.
    """
    if watch.policies is None or watch.policies.beside or watch.links or watch.heirs or watch.lineages:
        return None
    policy, _ = watch.policies.now()
    if policy is None or policy.fail_open or not _asks_for(policy, compiler, action) or may_be_too_long(watch.keys):
        return None
    told = [item for item in (watch.fields if fields is None else fields) if policy.follows(item.name)]
    if not _can_tell(watch, policy, told, compiler.connection):
        return None
    if compiler.connection.vendor == "postgresql":
        return InPostgres(watch, compiler, policy) if _fits_postgres(watch, compiler, action) else None
    return InSqlite(watch, compiler, policy) if _fits_sqlite(watch, compiler, action, told) else None


def may_be_too_long(keys: Sequence[Field]) -> bool:
    """Whether a key may have more characters than a record holds: Python says of which row."""
    return len(keys) == 1 and (isinstance(keys[0], TextField) or (keys[0].max_length or 0) > KEY_MAX)


def _asks_for(policy: AuditPolicy, compiler: Any, action: str) -> bool:
    """Whether a statement may lead to a record."""
    return action in policy.actions or (_is_upsert(compiler, action) and UPDATE in policy.actions)


def _is_upsert(compiler: Any, action: str) -> bool:
    return action == CREATE and doors.upserts(compiler)


def _can_tell(watch: Watch, policy: AuditPolicy, told: Sequence[Field], connection: Any) -> bool:
    """Whether SQL tells the label and the values of a row, or what stands for them, as Python would."""
    policies: Any = watch.policies
    label = policies.label_field(policy)
    if label is not None and label not in watch.fields:
        return False
    if any(item.name in policy.encrypt - policy.mask for item in told):
        return False
    return all(_has_value(policy, item, connection) for item in told)


def _has_value(policy: AuditPolicy, item: Field, connection: Any) -> bool:
    if item.name in policy.mask:
        form = policy.mask_forms.get(item.name, "full")
        return form == "full" or has_form(item, form, connection)
    return is_exact(item, connection)


def _fits_postgres(watch: Watch, compiler: Any, action: str) -> bool:
    """Whether a key can be told, and an upsert can tell what was there before."""
    if not all(is_exact(item, compiler.connection) for item in watch.keys):
        return False
    if not _is_upsert(compiler, action):
        return True
    # In a table of that name, "old" is the table.
    return compiler.connection.pg_version >= RETURNS_OLD and watch.model._meta.db_table not in ("old", "new")


def _fits_sqlite(watch: Watch, compiler: Any, action: str, told: Sequence[Field]) -> bool:
    """Whether rows are found again by their key, and no documents are compared: two texts of one may differ."""
    if len(watch.keys) != 1 or len(told) > _SQLITE_FIELDS:
        return False
    kind = stored_field(watch.keys[0]).get_internal_type()
    if not (kind.endswith(("IntegerField", "AutoField")) or kind in _SQLITE_KEYS):
        return False
    changed = compiler.query.update_fields if _is_upsert(compiler, action) else told if action == UPDATE else ()
    return all(stored_field(item).get_internal_type() != "JSONField" for item in told if item in changed)
