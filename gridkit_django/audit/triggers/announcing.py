"""Telling the database who acts, in front of the first write of a transaction to a followed table.

The setting is local to the transaction, so it pins no connection of a pool and can't outlive the act. Reads send
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from json.encoder import encode_basestring
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.scope import AuditScope, current_scope
from gridkit_django.audit.triggers.code import ACT, NO_REASON
from gridkit_django.audit.writer import Circumstances, actor_columns, bare_id, facts_text, plain_text
from gridkit_django.events import Act, held_act
from gridkit_django.exceptions import ReasonRequiredError

_WRITE = re.compile(
    r"(?:\s+|--[^\n]*\n|/\*.*?\*/|\()*(?:(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|WITH|EXPLAIN)|CALL|DO|EXECUTE)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How a statement begins that may write; those without the group may write to tables that they don't name."""


_SEEN_MAX, _SHORT = 500, 2000
"""Statements that are remembered, and how long one may be: code sends the same few again and again."""

_TELL = f"SELECT set_config('{ACT}', %s, true)"

_TELL_BESIDE = f"SET LOCAL {ACT} = %s"
"""The same in front of a statement: it is not planned, but takes no parameter that travels apart from it."""


class ActAnnouncer:
    """An execute wrapper of one connection, see ``announce``.

    Args:
        connection: whose statements pass through it.
        tables: gives the names of the followed tables.
        has_bare: tells whether a policy of any of them leaves the metadata of acts out.

    Attributes:
        passes_trail: statements of the trail itself need not pass through it, see ``audit.direct``.
    """

    passes_trail = True

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        tables: Callable[[], Collection[str]],
        has_bare: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._has_bare = has_bare
        self._told: tuple[Any, Act | None, AuditScope | None] | None = None
        self._seen: dict[str, bool] = {}
        self._seen_for: Collection[str] = ()

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Carry out a statement, announced when it may write to a followed table."""
        if not self._may_write(sql):
            if self._told is not None and _rolls_back(sql):
                self._told = None
            return execute(sql, params, many, context)
        try:
            if self._connection.in_atomic_block or not self._connection.get_autocommit():
                return self._execute(execute, sql, params, many, context)
            with transaction.atomic(using=self._connection.alias, savepoint=False):
                return self._execute(execute, sql, params, many, context)
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) != NO_REASON:
                raise
            raise ReasonRequiredError(str(error).partition("\n")[0]) from error

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Carry out a statement, and tell who acts on the same way to the server where that can be."""
        act, scope = held_act(), current_scope()
        if self._is_told(act, scope):
            return execute(sql, params, many, context)
        if many or not isinstance(sql, str) or not isinstance(params, (tuple, list)) or self._binds_on_server():
            self.announce()
            return execute(sql, params, many, context)
        result = execute(f"{_TELL_BESIDE}; {sql}", (self._text(act, scope), *params), many, context)
        context["cursor"].cursor.nextset()
        self._note(act, scope)
        return result

    def announce(self) -> None:
        """Tell the database who acts, unless this transaction has been told.

        Django makes a new list of callbacks at each commit, rollback, and rollback to a savepoint, which are the
        moments when PostgreSQL forgets the setting: so the list says whether it is still there.
        """
        act, scope = held_act(), current_scope()
        if self._is_told(act, scope):
            return
        with self._connection.cursor() as cursor:
            cursor.execute(_TELL, [self._text(act, scope)])
        self._note(act, scope)

    def _text(self, act: Act | None, scope: AuditScope | None) -> str:
        return act_text(act or Act(), scope, with_bare=self._has_bare())

    def _note(self, act: Act | None, scope: AuditScope | None) -> None:
        here = self._connection.run_on_commit if self._connection.in_atomic_block else None
        self._told = (here, act, scope)

    def _binds_on_server(self) -> bool:
        """Whether parameters travel apart from the statement, which can't be two then."""
        return bool(self._connection.settings_dict["OPTIONS"].get("server_side_binding"))

    def _is_told(self, act: Act | None, scope: AuditScope | None) -> bool:
        told = self._told
        return (
            told is not None
            and told[0] is not None
            and told[0] is self._connection.run_on_commit
            and (told[1] is act or told[1] == act)
            and told[2] == scope
        )

    def _may_write(self, sql: Any) -> bool:
        if not isinstance(sql, str):
            return True
        tables = self._tables()
        if tables is not self._seen_for or len(self._seen) >= _SEEN_MAX:
            self._seen, self._seen_for = {}, tables
        known = self._seen.get(sql)
        if known is None:
            known = self._names(sql, tables)
            if len(sql) <= _SHORT:
                self._seen[sql] = known
        return known

    def _names(self, sql: str, tables: Collection[str]) -> bool:
        """Whether a statement may write, and names a followed table or none at all."""
        found = _WRITE.match(sql)
        if found is None:
            return False
        # Names without quotes may stand in capitals; to tell of one table too many does no harm.
        folded = sql.casefold()
        return found[1] is None or any(table.casefold() in folded for table in tables)


def _rolls_back(sql: str) -> bool:
    """Whether a statement takes the setting back itself, which Django does by its own means."""
    return sql.lstrip()[:8].upper() == "ROLLBACK"


def act_text(act: Act, scope: AuditScope | None, *, with_bare: bool = True) -> str:
    """Return the text of the setting: what the triggers write of an act.

    Args:
        act: who acts.
        scope: through which grid.
        with_bare: whether some trigger wants to know what the act is called without its metadata.
    """
    kind, actor, label = actor_columns(act.actor)
    more = f',"bare":"{bare_id(act)}"' if with_bare else ""
    if act.impersonator is not None:
        told = Circumstances.of(act)
        more += (
            f',"impersonator":{_quoted(told.impersonator_id)},"impersonatorLabel":{_quoted(told.impersonator_label)}'
        )
    if scope is not None:
        more += f',"grid":{_quoted(scope.grid)},"gridOf":{_quoted(scope.model_label)}'
    # Written by hand and by few functions, since it goes in front of every transaction; the facts are JSON already.
    return (
        f'{{"op":"{act.id}","kind":{_quoted(kind)},"id":{_quoted(actor)},"label":{_quoted(label)},'
        f'"source":{_quoted(act.source.value)},"correlation":{_quoted(plain_text(act.correlation_id))},'
        f'"reason":{_quoted(plain_text(act.reason))},"began":"{act.began_at.isoformat()}"{more},'
        f'"facts":{facts_text(act.metadata)}}}'
    )


_quoted = encode_basestring
