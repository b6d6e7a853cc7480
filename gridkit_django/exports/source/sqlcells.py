"""How PostgreSQL writes the values of a column, in the very text that the writers of ``gridkit_plugins`` give them.

Every expression here has its counterpart in Python; that both give the same bytes is a property of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    CharField,
    DateField,
    DateTimeField,
    F,
    FileField,
    FilePathField,
    Func,
    IntegerField,
    Subquery,
    TextField,
    TimeField,
    UUIDField,
)
from django.db.models.sql.compiler import SQLCompiler

from gridkit_django.exports.copying import CopyShape
from gridkit_django.exports.guard import FORMULA_STARTS, GUARD_SQL, guard_text
from gridkit_django.exports.source.keylabels import KeyLabels
from gridkit_django.grids.columns import Column

_SCALAR_SINCE = 170000
"""The version of PostgreSQL from which on ``JSON_SCALAR`` is there: it knows the type of its values beforehand, while
``to_json`` asks the catalogue for it with each value."""

LARGEST_EXACT = 2**53 - 1
"""The largest whole number up to which JavaScript knows all."""

TEXTS = (CharField, TextField, FileField, FilePathField)
"""Fields that hold text."""

_CSV = {
    "boolean": "({x})::text",
    "datetime": "split_part(to_json({x})::text, '\"', 2)",
    "json": "NULLIF(({x})::text, 'null')",
}
_STARTS = ", ".join(str(ord(start)) for start in (" ", *FORMULA_STARTS))
_FORMULA = f"({{x}})::text COLLATE \"C\" ~ E'{GUARD_SQL}'"
_SUSPECT = f"CASE WHEN {{x}} = '' THEN NULL WHEN {_FORMULA} THEN '''' || {{x}} ELSE {{x}} END"
_GUARDED = f"CASE WHEN ascii({{x}}) IN (0, {_STARTS}) THEN {_SUSPECT} ELSE {{x}} END"
"""Most texts cost one look at their first letter; of an empty text it is 0."""

_FINITE = "CASE WHEN {x} > '-Infinity' AND {x} < 'Infinity' THEN {x} END"
"""For PostgreSQL NaN is larger than all numbers."""
_LARGE = (
    f"CASE WHEN {{x}} NOT BETWEEN -{LARGEST_EXACT} AND {LARGEST_EXACT} "
    "THEN to_json(({x})::text) ELSE to_json({x}) END"
)


class JsonForm(Enum):
    """How a value becomes JSON."""

    WRITTEN = "written"
    """It is finished, and never NULL."""
    PLAIN = "plain"
    """What the database writes for it is JSON, but for NULL."""
    QUOTED = "quoted"
    """What the database writes for it needs quotes and nothing else, but for NULL."""


_FINISHED = {JsonForm.WRITTEN: "{}", JsonForm.PLAIN: "({})::text", JsonForm.QUOTED: "'\"' || ({})::text || '\"'"}
_QUOTED = (DateField, TimeField, UUIDField)
"""Fields whose values have nothing in them that JSON would escape."""


class SqlCell(Func):
    """A column as the database writes it.

    Args:
        path: ORM path of the value.
        template: SQL in which ``{x}`` stands for the value, ``{label}`` for the label, ``{json}`` for the function that
            writes texts and points in time as JSON, and ``%s`` for a parameter.
        parameters: the parameters, in their order; they come after those of the label.
        label: the label of a key, which stands first in the template; or None.
        form: how it becomes JSON.
        usual: nearly each row has a value.

    Attributes:
        form: how it becomes JSON.
        usual: nearly each row has a value.
    """

    output_field = TextField()

    def __init__(
        self,
        path: str,
        template: str,
        parameters: Sequence[Any] = (),
        label: Subquery | None = None,
        *,
        form: JsonForm = JsonForm.WRITTEN,
        usual: bool = False,
    ) -> None:
        super().__init__(F(path), *([] if label is None else [label]))
        self.form = form
        self.usual = usual
        self._template = template
        self._parameters = tuple(parameters)

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Write the expression."""
        scalar = getattr(connection, "pg_version", 0) >= _SCALAR_SINCE
        (value, _none), *others = map(compiler.compile, self.source_expressions)
        template = self._template.replace("{json}", "JSON_SCALAR" if scalar else "to_json").replace("{x}", value)
        parameters = list(self._parameters)
        for label, its_own in others:
            template, parameters = template.replace("{label}", label), [*its_own, *parameters]
        return template, parameters


def csv_cell(column: Column, shape: CopyShape, *, labels: bool, alone: bool, named: KeyLabels | None = None) -> SqlCell:
    """Return the expression that writes a column for CSV.

    Args:
        column: a column whose values are what the database holds.
        shape: how rows are written.
        labels: give choices by label instead of by stored value.
        alone: the row has no other column; then an empty cell must not look like an empty line.
        named: where the labels of its keys come from.
    """
    texts = isinstance(column.value_field, TEXTS)
    template = _GUARDED if texts and shape.guard else _CSV.get(column.type, "{x}")
    parameters: list[Any] = []
    label: Subquery | None = None
    if named is not None:
        shown_label = _GUARDED if shape.guard else "NULLIF({x}, '')"
        label = named.expression(SqlCell(named.label.path, shown_label))
        template = f"COALESCE({{label}}, ({template})::text)"
    elif labels and column.choices is not None:
        shown = [(value, guard_text(label) if shape.guard else label) for value, label in column.choices]
        template, parameters = _labelled(shown, template if texts else "({x})::text")
        texts = True
    elif column.type in ("decimal", "float") and shape.decimal != ".":
        template = f"replace(({{x}})::text, '.', '{shape.decimal}')"
    if alone:
        template = f"COALESCE(({template})::text, '')"
    elif texts and template != _GUARDED:
        template = f"NULLIF({template}, '')"
    return SqlCell(column.path, template, parameters, label)


def json_cell(column: Column, shape: CopyShape, *, labels: bool, named: KeyLabels | None = None) -> SqlCell:
    """Return the expression that writes a column as JSON, in one of the forms.

    Args:
        column: a column whose values are what the database holds.
        shape: how rows are written.
        labels: give choices by label instead of by stored value.
        named: where the labels of its keys come from.
    """
    if labels and column.choices is not None:
        template, parameters = _labelled(column.choices, "to_json({x})", "to_json(%s::text)")
        return SqlCell(column.path, f"COALESCE(({template})::text, 'null')", parameters)
    template, form = _json_template(column, shape)
    if named is None:
        finished = f"COALESCE({template}, 'null')" if form is JsonForm.WRITTEN else template
        return SqlCell(column.path, finished, form=form, usual=not column.nullable)
    label = named.expression(SqlCell(named.label.path, "to_json(NULLIF({x}, ''))"))
    return SqlCell(column.path, f"COALESCE(({{label}})::text, {_FINISHED[form].format(template)}, 'null')", label=label)


def _json_template(column: Column, shape: CopyShape) -> tuple[str, JsonForm]:
    """Return the SQL of a value, and its form. What PostgreSQL writes as JSON does needs none of ``to_json``."""
    if column.type == "decimal":
        return ("{x}", JsonForm.QUOTED) if shape.decimals_as_text else ("to_json(NULLIF({x}, 'NaN'))", JsonForm.PLAIN)
    if column.type == "float":
        return _FINITE, JsonForm.PLAIN
    if isinstance(column.value_field, IntegerField):
        return _LARGE if shape.large_as_text else "{x}", JsonForm.PLAIN
    if column.type == "boolean":
        return "({x})::text", JsonForm.PLAIN
    if isinstance(column.value_field, _QUOTED) and not isinstance(column.value_field, DateTimeField):
        return "{x}", JsonForm.QUOTED
    simple = column.type == "datetime" or isinstance(column.value_field, TEXTS)
    return f"{'{json}' if simple else 'to_json'}({{x}})::text", JsonForm.WRITTEN


def _labelled(choices: Sequence[tuple[Any, str]], other: str, label: str = "%s") -> tuple[str, list[Any]]:
    """Return the template that gives labels, and its parameters."""
    if not choices:
        return other, []
    cases = f" WHEN %s THEN {label}" * len(choices)
    return f"CASE {{x}}{cases} ELSE {other} END", [part for choice in choices for part in choice]
