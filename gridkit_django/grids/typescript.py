"""TypeScript types of grids: rows, columns, filters, sorts, edits and methods, as they cross the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from django.contrib.auth.models import AnonymousUser

from gridkit_django.grids.columns import Column
from gridkit_django.grids.filter_sets import filter_shapes
from gridkit_django.grids.filter_values import ValueShape
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.methods import MethodSpec
from gridkit_django.grids.operators import WITH_CASE, WITH_LIST, WITH_NAME, WITHOUT_VALUE, Op
from gridkit_django.grids.periods import PRESETS, Period
from gridkit_django.grids.schema_types import listed, literal, schema_type, union

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "text": "string",
        "integer": "number",
        "decimal": "Decimal",
        "float": "number",
        "boolean": "boolean",
        "date": "DateText",
        "datetime": "InstantText",
        "time": "TimeText",
        "uuid": "string",
    }
)
"""Column type to the TypeScript type of its values; every other column carries JSON."""

_FILTERED: Mapping[str, str] = MappingProxyType(
    {**_TYPES, "key": "string | number", "decimal": "Decimal | number", "integer": "number", "float": "number"}
)
"""Type of a filter's value to its TypeScript type."""

_WORD = re.compile(r"[^A-Za-z0-9]+")

_HEAD = """\
// Made by `manage.py gridkit_types` from the declared grids. Do not edit: run it again.

export type Json = string | number | boolean | null | readonly Json[] | {{ readonly [key: string]: Json }};
/** A decimal number with every digit, as text. */
export type Decimal = string;
/** A day, as ISO 8601. */
export type DateText = string;
/** A point in time with its offset, as ISO 8601. */
export type InstantText = string;
/** A time of the day, as ISO 8601. */
export type TimeText = string;
/** A span of days relative to today. */
export type Preset = {presets};
export type Period = {periods};

export interface SortTerm<Column extends string> {{
  readonly col: Column;
  readonly dir?: "asc" | "desc";
  readonly nulls?: "first" | "last";
}}

/** Conditions joined; every group holds at least one node. */
export type FilterTree<Condition> =
  | Condition
  | {{ readonly and: readonly FilterTree<Condition>[] }}
  | {{ readonly or: readonly FilterTree<Condition>[] }}
  | {{ readonly not: FilterTree<Condition> }};

export type GridWindow =
  | {{ readonly kind: "cursor"; readonly after?: string; readonly before?: string; readonly size?: number }}
  | {{ readonly kind: "offset"; readonly start: number; readonly end: number }};

/** A row with its version: send `v` as `If-Match` with an edit. */
export interface GridRow<Id, Data> {{
  readonly id: Id;
  readonly v: string;
  readonly d: Data;
  /** Column id to the classes of a cell that a style of its column fits. */
  readonly s?: {{ readonly [column: string]: string }};
}}

/** The body of a rows request. */
export interface RowsRequest<
  Column extends string,
  Sortable extends string,
  Condition,
  Group,
  Aggregate,
  Figure extends string = never,
> {{
  readonly v?: 1;
  readonly columns?: readonly Column[] | null;
  readonly sort?: readonly SortTerm<Sortable | Figure>[] | null;
  readonly filter?: FilterTree<Condition> | null;
  readonly search?: string | null;
  readonly window?: GridWindow | null;
  readonly count?: "none" | "capped" | "estimated" | "exact" | null;
  readonly tz?: string | null;
  readonly group?: readonly Group[] | null;
  readonly path?: readonly Json[] | null;
  readonly aggregates?: readonly Aggregate[] | null;
  readonly pivot?: {{ readonly cols: readonly Group[]; readonly values?: readonly Aggregate[] }} | null;
  readonly include?: readonly ("totals" | "labels" | {{ readonly facets: readonly Column[] }})[] | null;
  readonly view?: string | null;
}}

/** The answer to a rows request without groups; `columns` of the request decides which values are there. */
export interface RowsAnswer<Row> {{
  readonly rows: readonly Row[];
  readonly window: {{
    readonly start: number | null;
    readonly hasNext: boolean;
    readonly next: string | null;
    readonly prev: string | null;
  }};
  readonly count: {{ readonly value: number | null; readonly is: "exact" | "atLeast" | "estimate" | "unknown" }};
  readonly dropped: readonly string[];
  readonly totals?: {{ readonly [name: string]: Json }};
  readonly labels?: {{ readonly [column: string]: readonly {{ readonly value: Json; readonly label: string }}[] }};
}}
"""


def grid_types(grids: Sequence[tuple[type[Grid], Iterable[MethodSpec]]]) -> str:
    """Return a TypeScript module with the types of grids, the same text for the same declarations.

    Columns that need a permission may be missing for a user, so that their values are optional in a row.

    Args:
        grids: each grid with the methods that are offered on it.
    """
    ordered = sorted(grids, key=lambda item: item[0].options.id)
    names = type_names([grid.options.id for grid, _ in ordered])
    parts = [
        _HEAD.format(
            presets=union([literal(name) for name in PRESETS]), periods=union([literal(p.value) for p in Period])
        )
    ]
    parts += [_GridTypes(grid, tuple(methods), names[grid.options.id]).text() for grid, methods in ordered]
    ids = "".join(f"  readonly {literal(grid.options.id)}: {names[grid.options.id]};\n" for grid, _ in ordered)
    parts.append(f"/** Every grid by its id. */\nexport interface Grids {{\n{ids}}}\n")
    return "\n".join(parts)


def type_names(grid_ids: Sequence[str]) -> dict[str, str]:
    """Return the name of each grid's types: its id in camel case, numbered where two would be the same.

    Args:
        grid_ids: the ids, in the order in which numbers are given.
    """
    names: dict[str, str] = {}
    for grid_id in grid_ids:
        words = "".join(word[:1].upper() + word[1:] for word in _WORD.split(grid_id)) or "Grid"
        base = words if words[0].isalpha() else f"Grid{words}"
        name, number = base, 2
        while name in names.values():
            name, number = f"{base}{number}", number + 1
        names[grid_id] = name
    return names


class _GridTypes:
    """Writes the types of one grid.

    Args:
        grid: the grid.
        methods: the methods that are offered on it.
        name: what the names of its types begin with.
    """

    def __init__(self, grid: type[Grid], methods: Sequence[MethodSpec], name: str) -> None:
        self._grid = grid
        self._columns = tuple(grid.columns().values())
        self._filters = filter_shapes(grid.options, grid.get_queryset(), AnonymousUser())
        self._methods = sorted(methods, key=lambda spec: spec.name)
        self._name = name

    def text(self) -> str:
        """Return the declarations."""
        return "\n".join([self._row(), self._ids(), self._condition(), self._aggregate(), self._edit(), self._whole()])

    def _row(self) -> str:
        members = "".join(
            f"{_comment(str(column.label), '  ')}"
            f"  readonly {literal(column.id)}{'' if column.permission is None else '?'}: {_shown(column)};\n"
            for column in self._columns
        )
        key = value_type(self._grid.declaration().key)
        return (
            f"{_comment(str(self._grid.options.label))}"
            f"export interface {self._name}Data {{\n{members}}}\n\n"
            f"export type {self._name}Row = GridRow<{key}, {self._name}Data>;\n"
        )

    def _ids(self) -> str:
        held = {period for column in self._columns for period in column.periods}
        periods = [period.value for period in Period if period in held]
        dated = [column for column in self._columns if column.groupable and column.periods]
        groups = [_ids(column for column in self._columns if column.groupable)]
        if dated:
            by = union([literal(period) for period in periods])
            groups.append(f"{{ readonly col: {_ids(dated)}; readonly by?: {by} | null }}")
        return (
            f"export type {self._name}Column = {_ids(self._columns)};\n"
            f"export type {self._name}Sortable = {_ids(column for column in self._columns if column.sortable)};\n"
            f"export type {self._name}Group = {union(groups)};\n"
        )

    def _condition(self) -> str:
        conditions = [leaf for column in self._columns for leaf in (*_leaves(column), *self._served(column))]
        leaves = "".join(f"\n  | {leaf}" for leaf in conditions) or " never"
        name = self._name
        return f"export type {name}Condition ={leaves};\nexport type {name}Filter = FilterTree<{name}Condition>;\n"

    def _served(self, column: Column) -> Iterator[str]:
        """Yield the conditions of the column's django-filter filters."""
        for name in column.filters:
            if name in self._filters:
                value = _shape_type(self._filters[name].value)
                yield (
                    f"{{ readonly col: {literal(column.id)}; readonly op: {literal(Op.FILTER.value)}; "
                    f"readonly name: {literal(name)}; readonly value: {value} }}"
                )

    def _aggregate(self) -> str:
        leaves = [f'{{ readonly col?: null; readonly fn: "{Fn.COUNT.value}"; readonly as?: string }}']
        leaves += [_figure(column) for column in self._columns if column.functions]
        figures = [literal(Fn.COUNT.value), *(_figure_name(column) for column in self._columns if column.functions)]
        return (
            f"export type {self._name}Aggregate =" + "".join(f"\n  | {leaf}" for leaf in leaves) + ";\n\n"
            "/** The names of figures that are given none; groups can be sorted by them. */\n"
            f"export type {self._name}Figure =" + "".join(f"\n  | {name}" for name in figures) + ";\n"
        )

    def _edit(self) -> str:
        members = "".join(
            f"  readonly {literal(column.id)}?: {_given(column)};\n" for column in self._columns if column.editable
        )
        methods = "".join(
            f"{_comment(str(spec.label), '  ')}  readonly {literal(spec.name)}: {schema_type(spec.schema)};\n"
            for spec in self._methods
        )
        return (
            f"/** New values of one row. */\nexport {_interface(f'{self._name}Changes', members)}\n"
            f"/** The arguments of each method. */\nexport {_interface(f'{self._name}Methods', methods)}"
        )

    def _whole(self) -> str:
        name = self._name
        parts = ", ".join(f"{name}{part}" for part in ("Column", "Sortable", "Condition", "Group", "Aggregate"))
        facts = {
            "row": f"{name}Row",
            "column": f"{name}Column",
            "filter": f"{name}Filter",
            "sort": f"SortTerm<{name}Sortable | {name}Figure>",
            "changes": f"{name}Changes",
            "methods": f"{name}Methods",
            "request": f"{name}Request",
            "answer": f"{name}Answer",
        }
        members = "".join(f"  readonly {key}: {kind};\n" for key, kind in facts.items())
        return (
            "/** `Name` is for the names that you give to figures with `as`, to sort by them. */\n"
            f"export type {name}Request<Name extends string = never> =\n"
            f"  RowsRequest<{parts}, {name}Figure | Name>;\n"
            f"export type {name}Answer = RowsAnswer<{name}Row>;\n\n"
            f"export {_interface(name, members)}"
        )


def value_type(column: Column) -> str:
    """Return the type of a column's values as a filter or an edit names them."""
    if column.choices is not None:
        return union([literal(value) for value, _label in column.choices])
    return _TYPES.get(column.type, "Json")


def _shown(column: Column) -> str:
    """Return the type of the values in rows: a row may hold a value that has left the list of choices."""
    plain = value_type(column)
    if column.choices is not None:
        plain = union(sorted({"string" if isinstance(value, str) else "number" for value, _label in column.choices}))
    return union([plain, *(["null"] if column.nullable else [])])


def _given(column: Column) -> str:
    return union([value_type(column), *(["null"] if column.nullable else [])])


def _ids(columns: Iterable[Column]) -> str:
    return union([literal(column.id) for column in columns])


def _figure(column: Column) -> str:
    functions = union([literal(fn.value) for fn in column.functions])
    return f"{{ readonly col: {literal(column.id)}; readonly fn: {functions}; readonly as?: string }}"


def _figure_name(column: Column) -> str:
    """Return the type of the names that figures of a column have when they are given none."""
    functions = union([literal(fn.value) for fn in column.functions])
    return f"`${{{functions}}}_${{{literal(column.id)}}}`"


def _leaves(column: Column) -> Iterator[str]:
    """Yield the conditions on a column, one for each kind of operand."""
    value = value_type(column)
    kinds: dict[str, list[Op]] = {}
    for op in (op for op in column.ops if op not in WITH_NAME):
        kinds.setdefault(_operands(op, value, text=column.type == "text"), []).append(op)
    for operands, ops in kinds.items():
        named = union([literal(op.value) for op in ops])
        yield f"{{ readonly col: {literal(column.id)}; readonly op: {named}{operands} }}"


def _shape_type(shape: ValueShape) -> str:
    """Return the type of the values that a filter takes. Keys of other tables are numbers or texts."""
    if shape.parts:
        members = "; ".join(f"readonly {literal(key)}?: {_FILTERED.get(kind, 'string')}" for key, kind in shape.parts)
        return f"{{ {members} }}"
    plain = _FILTERED.get(shape.type, "string")
    if shape.choices is not None:
        plain = union([literal(value) for value, _label in shape.choices])
    return listed(plain) if shape.many else plain


def _operands(op: Op, value: str, *, text: bool) -> str:
    case = "; readonly ci?: boolean" if text and op in WITH_CASE else ""
    if op in WITHOUT_VALUE:
        return ""
    if op in WITH_LIST:
        return f"; readonly value: {listed(union([value, 'null']))}{case}"
    if op is Op.RELATIVE:
        return "; readonly value: Preset"
    return f"; readonly value: {value}{f'; readonly to: {value}' if op is Op.BETWEEN else ''}{case}"


def _interface(name: str, members: str) -> str:
    """Declare an interface; one without members is written as what holds none, for ``{}`` would take anything."""
    if not members:
        return f"type {name} = {{ readonly [key: string]: never }};\n"
    return f"interface {name} {{\n{members}}}\n"


def _comment(text: str, indent: str = "") -> str:
    words = " ".join(text.replace("*/", "* /").split())
    return f"{indent}/** {words} */\n" if words else ""
