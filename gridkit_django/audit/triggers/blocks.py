"""The statements of a trigger function: each writes the records that one kind of fact about a table deserves."""

# ruff: noqa: S608 - all of it is SQL made of quoted names of models

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import Heir, Link, Policied, Watch
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE, AuditPolicy
from gridkit_django.audit.sqlentries import AnyField, Entries, column_of, key_text, label_text, literal, sortable
from gridkit_django.audit.sqljson import json_sql
from gridkit_django.audit.targets import ModelClass
from gridkit_django.models import AuditRecord


class Verb(Enum):
    """The statement that a trigger answers to."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class Block:
    """One statement.

    Attributes:
        policy: the one that holds for its records.
        sql: the INSERT, without its end.
    """

    policy: AuditPolicy
    sql: str


_COLUMNS = (
    "uuid, operation_id, action, actor_kind, actor_id, actor_label, target_type, target_id, target_label, grid, "
    "changes, schema_version, occurred_at"
)


class Blocks:
    """Makes the statements for one table.

    Args:
        watch: what is followed of the table.
        schema: the schema of all tables, quoted.
        connection: the database.
        is_partitioned: whether the table has partitions.
    """

    def __init__(
        self, watch: Watch, schema: str, connection: BaseDatabaseWrapper, *, is_partitioned: bool = False
    ) -> None:
        self._watch = watch
        self._schema = schema
        self._connection = connection
        self._table = self._qualified(watch.model._meta.db_table)
        self._truncated = self._table
        if is_partitioned:
            # TRUNCATE fires the triggers of each part, too: each tells of the rows that are stored in it.
            self._truncated = f"(SELECT * FROM {self._table} WHERE tableoid = TG_RELID)"

    def of(self, verb: Verb) -> Iterator[Block]:
        """Yield the statements for a verb."""
        for link in self._watch.links:
            yield from self._of_link(link, verb)
        for heir in self._watch.heirs:
            if verb is Verb.UPDATE:
                yield from self._of_heir(heir)
        if self._watch.policies is not None:
            yield from self._of_rows(self._watch.policies, verb)

    def _of_rows(self, policies: Policied, verb: Verb) -> Iterator[Block]:
        policy = _policy(policies)
        if verb is Verb.UPDATE:
            if policy.actions:
                yield Block(policy, self._updated(policies, policy))
        elif (action := CREATE if verb is Verb.INSERT else DELETE) in policy.actions:
            yield Block(policy, self._whole(policies, policy, verb, action))

    def _whole(self, policies: Policied, policy: AuditPolicy, verb: Verb, action: str) -> str:
        source = {Verb.INSERT: "gk_new", Verb.DELETE: "gk_old"}.get(verb, self._truncated)
        joins, inherited = self._lineage("r")
        fields = [*((field, "r") for field in self._own(policy)), *inherited]
        entries = Entries(policy, self._connection)
        body = entries.created(fields) if action == CREATE else entries.deleted(fields)
        known = {self._watch.model: "r", **{field.model: alias for field, alias in inherited}}
        label, join = self._label(policies.label_field(policy), self._watch.model, known)
        key = key_text(self._watch.keys, "r", self._connection)
        values = self._record(policies, policy, literal(action), key, label, body)
        return f"{self._insert()}\n  SELECT {values}\n  FROM {source} AS r{joins}{join}"

    def _updated(self, policies: Policied, policy: AuditPolicy) -> str:
        """Bring the rows before and after together by their keys; a row with another key is one gone and one new.

        A full join is never planned as a nested loop, whose cost grows with the square of the rows.
        """
        entries, fields, keys = Entries(policy, self._connection), self._own(policy), self._watch.keys
        same = " AND ".join(f"{self._column(key, 'n')} = {self._column(key, 'o')}" for key in keys)
        no_old, no_new = (f"{self._column(keys[0], alias)} IS NULL" for alias in ("o", "n"))
        target = f"COALESCE({key_text(keys, 'n', self._connection)}, {key_text(keys, 'o', self._connection)})"
        body = entries.changed(fields, "o", "n")
        if policy.mask or policy.encrypt:
            # Nothing was before a new row, and nothing is after one that is gone: only what hides values tells more.
            body = (
                f"CASE WHEN {no_old} THEN {entries.created([(field, 'n') for field in fields])}\n"
                f"      WHEN {no_new} THEN {entries.deleted([(field, 'o') for field in fields])}\n"
                f"      ELSE {body} END"
            )
        label, join = self._label_after(policies.label_field(policy), no_new)
        action = f"CASE WHEN {no_old} THEN '{CREATE}' WHEN {no_new} THEN '{DELETE}' ELSE '{UPDATE}' END"
        wanted = ", ".join(literal(action) for action in sorted(policy.actions))
        values = self._record(policies, policy, "c.action", "c.target", "c.label", "c.body")
        return (
            f"{self._insert()}\n  SELECT {values}\n"
            f"  FROM (SELECT {action} AS action, {target} AS target, {label} AS label,\n      {body} AS body\n"
            f"    FROM gk_old AS o FULL JOIN gk_new AS n ON {same}{join} OFFSET 0) AS c\n"
            f"  WHERE (c.body <> '' OR c.action <> '{UPDATE}') AND c.action IN ({wanted})"
        )

    def _of_heir(self, heir: Heir) -> Iterator[Block]:
        """Tell of the fields that a followed model has in this table, for those rows that are of the model."""
        policy = _policy(heir.policies)
        options: Any = heir.model._meta
        if UPDATE not in policy.actions:
            return
        fields = [field for field in self._watch.fields if field.name in heir.names]
        old_key, new_key = (self._column(self._watch.keys[0], alias) for alias in ("o", "n"))
        link: Any = options.get_ancestor_link(self._watch.model)
        child_keys = list(getattr(options, "pk_fields", None) or (options.pk,))
        body = Entries(policy, self._connection).changed(fields, "o", "n")
        values = self._record(heir.policies, policy, literal(UPDATE), "c.target", "c.label", "c.body")
        known = {heir.model: "h", self._watch.model: "n"}
        label, join = self._label(heir.policies.label_field(policy), heir.model, known)
        yield Block(
            policy,
            f"{self._insert()}\n  SELECT {values}\n"
            f"  FROM (SELECT {key_text(child_keys, 'h', self._connection)} AS target, {label} AS label,\n"
            f"      {body} AS body\n"
            f"    FROM gk_old AS o FULL JOIN gk_new AS n ON {new_key} = {old_key}\n"
            f"    JOIN {self._qualified(options.db_table)} AS h ON {self._column(link, 'h')} = {new_key}{join}\n"
            f"    WHERE {old_key} IS NOT NULL OFFSET 0) AS c\n"
            "  WHERE c.body <> ''",
        )

    def _of_link(self, link: Link, verb: Verb) -> Iterator[Block]:
        """Tell of the pairs of a many-to-many field as one change of each row that has the field."""
        policy = _policy(link.policies)
        if UPDATE not in policy.actions or not policy.follows(link.name):
            return
        value = f"({json_sql(link.target, 'i.target', self._connection)})::text"
        order = sortable(link.target, "i.target")
        lists = [
            f"'[' || COALESCE(string_agg({value}, ',' ORDER BY {order}) FILTER (WHERE g.n <= i.{side}), '') || ']'"
            for side in ("before", "after")
        ]
        body = Entries(policy, self._connection).pair(link.name, "c.before", "c.after")
        source = self._column(link.source, "c")
        key, target, owner = self._owner(link, source)
        label, join = self._label_of_owner(link, link.policies.label_field(policy), key)
        values = self._record(link.policies, policy, literal(UPDATE), target, label, body)
        yield Block(
            policy,
            f"{self._insert()}\n  SELECT {values}\n"
            f"  FROM (SELECT i.source AS {source.removeprefix('c.')}, {lists[0]} AS before, {lists[1]} AS after\n"
            f"    FROM (SELECT p.source, p.target, sum(p.a) AS after, sum(p.b) AS before\n"
            f"      FROM ({self._pairs(link, verb)}) AS p WHERE p.source IS NOT NULL AND p.target IS NOT NULL\n"
            "      GROUP BY p.source, p.target) AS i\n"
            "    CROSS JOIN LATERAL generate_series(1, GREATEST(i.before, i.after, 1)) AS g(n)\n"
            f"    GROUP BY i.source HAVING bool_or(i.before <> i.after) OFFSET 0) AS c{owner}{join}",
        )

    def _owner(self, link: Link, source: str) -> tuple[str, str, str]:
        """Return the key of the row that has the field, its text, and the join for pairs that lead by another value."""
        text = key_text([link.source], "c", self._connection)
        field: Any = link.source
        known, options = field.target_field, field.target_field.model._meta
        if known.primary_key:
            return source, text, ""
        join = f" LEFT JOIN {self._qualified(options.db_table)} AS k ON {self._column(known, 'k')} = {source}"
        return self._column(options.pk, "k"), f"COALESCE({key_text([options.pk], 'k', self._connection)}, {text})", join

    def _pairs(self, link: Link, verb: Verb) -> str:
        """Return the pairs: each with how often it is there after (a) and was there before (b), summed up."""
        source, target = (self._column(end, "").removeprefix(".") for end in (link.source, link.target))
        moved = {
            Verb.INSERT: [("gk_new", -1)],
            Verb.UPDATE: [("gk_new", -1), ("gk_old", 1)],
            Verb.DELETE: [("gk_old", 1)],
        }.get(verb, [])
        if not moved:
            return f"SELECT {source} AS source, {target} AS target, 0 AS a, 1 AS b FROM {self._truncated} AS t"
        owners = " UNION ".join(f"SELECT {source} FROM {table}" for table, _ in moved)
        now = (
            f"SELECT t.{source} AS source, t.{target} AS target, 1 AS a, 1 AS b "
            f"FROM {self._table} AS t WHERE t.{source} IN ({owners})"
        )
        return " UNION ALL ".join([now, *(f"SELECT {source}, {target}, 0, {sign} FROM {name}" for name, sign in moved)])

    def _lineage(self, alias: str) -> tuple[str, list[tuple[AnyField, str]]]:
        """Return the joins with the tables of parents, and the fields that a new or deleted row has there."""
        names: dict[str, str] = {}
        joins, fields = "", list[tuple[AnyField, str]]()
        for lineage in self._watch.lineages:
            for field in lineage.fields:
                options: Any = field.model._meta
                if options.db_table not in names:
                    name = names[options.db_table] = f"p{len(names)}"
                    same = f"{self._column(options.pk, name)} = {self._column(lineage.link, alias)}"
                    joins += f" LEFT JOIN {self._qualified(options.db_table)} AS {name} ON {same}"
                fields.append((field, names[options.db_table]))
        return joins, fields

    def _label(self, field: AnyField | None, model: ModelClass, known: Mapping[ModelClass, str]) -> tuple[str, str]:
        """Return the SQL of a label, and the join that it needs where its column is in none of the tables at hand.

        Args:
            field: what labels the rows, None for nothing.
            model: the rows' model.
            known: the tables at hand, by their models; that of the rows is among them.
        """
        if field is None or field.model in known:
            column = self._column(field, known[field.model]) if field else ""
            return label_text(field, column, self._connection), ""
        options: Any = model._meta
        key = self._column(options.get_ancestor_link(field.model), known[model])
        return self._joined_label(field, key)

    def _label_after(self, field: AnyField | None, is_gone: str) -> tuple[str, str]:
        """Return the same for rows that were changed: their label after it, and that of before if they are gone."""
        if field is None:
            return label_text(field, "", self._connection), ""
        options: Any = self._watch.model._meta
        is_own = field.model is self._watch.model
        column = field if is_own else options.get_ancestor_link(field.model)
        after = f"CASE WHEN {is_gone} THEN {self._column(column, 'o')} ELSE {self._column(column, 'n')} END"
        return (label_text(field, after, self._connection), "") if is_own else self._joined_label(field, after)

    def _label_of_owner(self, link: Link, field: AnyField | None, source: str) -> tuple[str, str]:
        """Return the same for rows whose pairs changed; of a parent only where both have one key."""
        options: Any = link.model._meta
        if field is None or (field.model is not link.model and options.get_ancestor_link(field.model) != options.pk):
            return label_text(None, "", self._connection), ""
        return self._joined_label(field, source)

    def _joined_label(self, field: AnyField, key: str) -> tuple[str, str]:
        options: Any = field.model._meta
        join = f" LEFT JOIN {self._qualified(options.db_table)} AS w ON {self._column(options.pk, 'w')} = {key}"
        return label_text(field, self._column(field, "w"), self._connection), join

    def _column(self, field: AnyField, alias: str) -> str:
        return column_of(field, alias, self._connection)

    def _own(self, policy: AuditPolicy) -> list[AnyField]:
        return [field for field in self._watch.fields if policy.follows(field.name) and field not in self._watch.keys]

    def _record(self, policies: Policied, policy: AuditPolicy, action: str, target: str, label: str, body: str) -> str:
        model = literal(policies.label)
        operation = "op" if policy.include_metadata else "bare"
        # As questions of their own they are answered once, however many rows there are.
        kind, actor, name = (f"(SELECT gk_act->>'{key}')" for key in ("kind", "id", "label"))
        return (
            f"gen_random_uuid(), (SELECT (gk_act->>'{operation}')::uuid), {action}, {kind}, {actor}, {name},\n"
            f"    {model}, {target}, {label},\n"
            f"    (SELECT CASE WHEN gk_act->>'gridOf' = {model} THEN COALESCE(gk_act->>'grid', '') ELSE '' END),\n"
            f"    ('{{' || {body} || '}}')::json, 1, clock_timestamp()"
        )

    def _insert(self) -> str:
        return f"INSERT INTO {self._qualified(AuditRecord._meta.db_table)} ({_COLUMNS})"

    def _qualified(self, table: str) -> str:
        return f"{self._schema}.{self._connection.ops.quote_name(table)}"


def _policy(policies: Policied) -> AuditPolicy:
    """Return the policy of every write: it follows and hides what any policy does."""
    general = policies.general
    if general is None:
        return AuditPolicy(model_label=policies.label, actions=frozenset())
    return general
