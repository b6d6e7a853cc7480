"""The code of the triggers: for each table and verb one function, the same text for the same models and policies.

The functions run with the rights of their owner (``SECURITY DEFINER``), so whoever may write to a followed table leaves
records without any right on the audit tables. So that nobody can use these rights for more, the search path is pinned,
every table has its schema, and only the owner may put them on another table (``EXECUTE`` is revoked from everybody).
"""

# ruff: noqa: S608 - all of it is SQL made of quoted names of models

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.sqlentries import literal
from gridkit_django.audit.sqljson import stored_field
from gridkit_django.audit.sqljson_postgres import has_floats
from gridkit_django.audit.triggers.blocks import Block, Blocks, Verb
from gridkit_django.models import AuditOperation

MARK = "GridKit strict audit "
"""How the comment of each function begins; a digest of its code follows."""

ACT = "gridkit.act"
"""The transaction-local setting that tells who acts, as JSON."""

_NAME_MAX = 63


@dataclass(frozen=True, slots=True)
class TriggerCode:
    """The trigger of one table for one verb.

    Attributes:
        schema: of the table and the function.
        table: its name.
        verb: what it answers to.
        function: the function's name.
        body: the function's code.
        settings: of the function, as PostgreSQL lists them.
        partitions: schema and name of the table's parts: a statement on one of them fires its own triggers only.
    """

    schema: str
    table: str
    verb: Verb
    function: str
    body: str
    settings: tuple[str, ...]
    partitions: tuple[tuple[str, str], ...] = ()

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        """Schema and name of each table that has the trigger."""
        return ((self.schema, self.table), *self.partitions)

    @property
    def trigger(self) -> str:
        """The trigger's name."""
        return f"gridkit_audit_{self.verb.value}"

    @property
    def comment(self) -> str:
        """What is written to the function: the digest of all that makes it."""
        parts = (self.schema, self.table, self.verb.value, self.body, *self.settings)
        return f"{MARK}{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}"

    def statements(self, connection: BaseDatabaseWrapper) -> list[str]:
        """Return the SQL that installs it, over an older one where there is one."""
        quote = connection.ops.quote_name
        function = f"{quote(self.schema)}.{quote(self.function)}()"
        trigger = f"CREATE OR REPLACE TRIGGER {quote(self.trigger)} {_MOMENTS[self.verb]}"
        options = "\n".join(f"SET {setting.replace('=', ' = ', 1)}" for setting in self.settings)
        return [
            (
                f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER\n{options}\n"
                f"AS $gridkit${self.body}$gridkit$"
            ),
            f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
            f"COMMENT ON FUNCTION {function} IS {literal(self.comment)}",
            *(
                f"{trigger} ON {quote(schema)}.{quote(name)}\n"
                f"{_TABLES[self.verb]}FOR EACH STATEMENT EXECUTE FUNCTION {function}"
                for schema, name in self.tables
            ),
        ]


_MOMENTS = {
    Verb.INSERT: "AFTER INSERT",
    Verb.UPDATE: "AFTER UPDATE",
    Verb.DELETE: "AFTER DELETE",
    # Afterwards the rows can't be read any more.
    Verb.TRUNCATE: "BEFORE TRUNCATE",
}
_TABLES = {
    Verb.INSERT: "REFERENCING NEW TABLE AS gk_new ",
    Verb.UPDATE: "REFERENCING OLD TABLE AS gk_old NEW TABLE AS gk_new ",
    Verb.DELETE: "REFERENCING OLD TABLE AS gk_old ",
    Verb.TRUNCATE: "",
}


def codes_of(
    watch: Watch,
    schema: str,
    connection: BaseDatabaseWrapper,
    roles: Sequence[str],
    partitions: Sequence[tuple[str, str]] | None = None,
) -> Iterator[TriggerCode]:
    """Yield the triggers for one table.

    Args:
        watch: what is followed of it.
        schema: of all tables.
        connection: the database.
        roles: logins that are believed when they say who acts; empty for all.
        partitions: schema and name of the parts of the table; None when it is no partitioned one.
    """
    blocks = Blocks(watch, connection.ops.quote_name(schema), connection, is_partitioned=partitions is not None)
    table = watch.model._meta.db_table
    settings: tuple[str, ...] = ("search_path=pg_catalog, pg_temp",)
    if any(has_floats(stored_field(field)) for field in watch.fields):
        settings = (*settings, "extra_float_digits=1")
    for verb in Verb:
        parts = list(blocks.of(verb))
        if parts:
            body = _body(parts, f"{connection.ops.quote_name(schema)}.", connection, roles, _start(watch, verb))
            yield TriggerCode(schema, table, verb, _function_name(table, verb), body, settings, tuple(partitions or ()))


def _function_name(table: str, verb: Verb) -> str:
    name = f"gridkit_audit_{verb.value}_{table}"
    if len(name.encode()) <= _NAME_MAX:
        return name
    digest = hashlib.sha256(table.encode()).hexdigest()[:12]
    return f"{name.encode()[: _NAME_MAX - 13].decode(errors='ignore')}_{digest}"


def _start(watch: Watch, verb: Verb) -> str:
    """Return how a function begins: Django deletes the links of each row that it deletes, and mostly there are none."""
    return f"{_NOTHING}{_WHO}" if verb is Verb.DELETE and watch.links else _WHO


def _body(
    blocks: Sequence[Block], schema: str, connection: BaseDatabaseWrapper, roles: Sequence[str], start: str
) -> str:
    operations = f"{schema}{connection.ops.quote_name(AuditOperation._meta.db_table)}"
    facts = sorted({block.policy.include_metadata for block in blocks})
    statements = "\n".join(_guarded(block) for block in blocks)
    declared = "".join(f"  {_wrote(with_facts)} boolean := false;\n" for with_facts in facts)
    stored = "\n".join(_stored(operations, with_facts=with_facts) for with_facts in facts)
    trusted = ""
    if roles:
        named = ", ".join(literal(role) for role in sorted(roles))
        trusted = f"\n  IF session_user NOT IN ({named}) THEN gk_act := NULL; END IF;"
    named_bare = _UNNAMED if False in facts else ""
    who = f"{start}{trusted}{_UNTOLD}{named_bare}"
    return f"{_DECLARED}{declared}BEGIN{who}\n{statements}\n{stored}\n  RETURN NULL;\nEND\n"


def _wrote(with_facts: bool) -> str:
    """Return the variable that tells whether there are records of an operation."""
    return "gk_wrote" if with_facts else "gk_wrote_bare"


_DECLARED = """
DECLARE
  gk_act jsonb;
  gk_done text;
"""

_NOTHING = """
  IF NOT EXISTS (SELECT FROM gk_old) THEN RETURN NULL; END IF;"""

_WHO = f"""
  gk_act := NULLIF(current_setting('{ACT}', true), '')::jsonb;"""


def _derived(text: str) -> str:
    """Return the SQL of a UUID that follows from a text; not by MD5, which a database in FIPS mode refuses."""
    return f"encode(substr(sha256(convert_to({text}, 'UTF8')), 1, 16), 'hex')::uuid"


_BARE = _derived("concat_ws(' ', gk_act->>'op', 'bare')")

_UNTOLD = f"""
  IF gk_act IS NULL THEN
    gk_act := jsonb_build_object('untold', true, 'kind', 'database', 'id', session_user, 'label', session_user,
      'op', {_derived("concat_ws(' ', pg_current_xact_id(), transaction_timestamp(), pg_backend_pid())")},
      'facts', jsonb_strip_nulls(jsonb_build_object(
        'application', NULLIF(current_setting('application_name'), ''), 'ip', host(inet_client_addr()))));
    gk_act := gk_act || jsonb_build_object('bare', {_BARE});
  END IF;"""
"""Whoever is not told of is the login, and an operation of his is the transaction."""

_UNNAMED = f"""
  IF NOT gk_act ? 'bare' THEN
    gk_act := gk_act || jsonb_build_object('bare', {_BARE});
  END IF;"""
"""A process that knows of no policy without metadata says no name for the act without it, see ``act_text``."""


def _guarded(block: Block) -> str:
    lines = [f"  {block.sql};", "  IF FOUND THEN", f"    {_wrote(block.policy.include_metadata)} := true;"]
    if block.policy.reason_required:
        told = literal(f"Say why: a change of {block.policy.model_label} needs a reason. Nothing was changed.")
        lines += [
            "    IF gk_act->>'kind' = 'user' AND COALESCE(gk_act->>'reason', '') = '' THEN",
            f"      RAISE EXCEPTION USING ERRCODE = '{NO_REASON}', MESSAGE = {told};",
            "    END IF;",
        ]
    return "\n".join([*lines, "  END IF;"])


NO_REASON = "GK001"
"""The SQLSTATE of a change that needs a reason and has none."""


def _stored(operations: str, *, with_facts: bool) -> str:
    """Store the operation once for each transaction, but not when no record was written."""
    operation, written = ("op", "gridkit.written") if with_facts else ("bare", "gridkit.written_bare")
    facts = "COALESCE(gk_act->'facts', '{}'::jsonb)" if with_facts else "'{}'::jsonb"
    is_new = f"gk_act ? 'untold' OR current_setting('{written}', true) IS DISTINCT FROM gk_act->>'{operation}'"
    return f"""  IF {_wrote(with_facts)} AND ({is_new}) THEN
    INSERT INTO {operations}
      (id, source, correlation_id, impersonator_id, impersonator_label, reason, facts, occurred_at)
    VALUES ((gk_act->>'{operation}')::uuid, COALESCE(gk_act->>'source', 'database'),
      COALESCE(gk_act->>'correlation', ''), COALESCE(gk_act->>'impersonator', ''),
      COALESCE(gk_act->>'impersonatorLabel', ''), COALESCE(gk_act->>'reason', ''), {facts},
      COALESCE((gk_act->>'began')::timestamptz, transaction_timestamp()))
    ON CONFLICT (id) DO NOTHING;
    gk_done := set_config('{written}', gk_act->>'{operation}', true);
  END IF;"""
