"""The filter tree: its nodes, and how it is read from JSON and written back. It knows no columns yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryError, QueryLimitError, UnknownOperatorError
from gridkit_django.grids.operators import WITH_CASE, WITH_LIST, WITH_NAME, WITHOUT_VALUE, Op
from gridkit_django.grids.strict import read_list, read_object, read_text
from gridkit_django.typing import JSONValue, MutableJSONObject

TEXT_LENGTH_MAX = 10_000
"""Characters of one value of a filter: SQLite takes no pattern of more than 50,000 bytes, and nobody types one."""

_PARTS_MAX = 10


@dataclass(frozen=True, slots=True)
class Condition:
    """A leaf: one comparison.

    Attributes:
        col: id of the column, as sent.
        op: the operator.
        value: the JSON value, as sent; a tuple for ``in`` and ``nin``.
        to: the upper end of ``between``.
        ci: whether text compares without regard to case.
        name: the filter of the column's that ``filter`` uses; empty for all other operators.
    """

    col: str
    op: Op
    value: JSONValue = None
    to: JSONValue = None
    ci: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes joined by ``and`` or ``or``; at least one."""

    join: Literal["and", "or"]
    nodes: tuple[FilterNode, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """Every row that the node does not match, rows without a value included."""

    node: FilterNode


FilterNode: TypeAlias = Condition | Group | Negation


def columns_of(node: FilterNode) -> set[str]:
    """Return the ids of the columns that a filter names."""
    match node:
        case Condition():
            return {node.col}
        case Negation():
            return columns_of(node.node)
        case Group():
            return {name for member in node.nodes for name in columns_of(member)}


def read_filter(raw: Any, at: str = "/filter") -> FilterNode:
    """Read a filter tree.

    Args:
        raw: a tree of ``{"and": […]}``, ``{"or": […]}``, ``{"not": {…}}`` and ``{"col", "op", "value", "to", "ci",
            "name"}``.
        at: where it stands (JSON Pointer, RFC 6901).

    Raises:
        QueryError: when it is no such tree.
        UnknownOperatorError: for an operator that does not exist.
        QueryLimitError: when it is deeper or larger than the settings allow.
    """
    return _TreeReader().node(raw, at, depth=1)


class _TreeReader:
    """Counts the nodes while it walks down."""

    def __init__(self) -> None:
        self._nodes = 0
        self._values = 0

    def node(self, raw: Any, at: str, depth: int) -> FilterNode:
        self._count(at, depth)
        raw = read_object(raw, at, ("and", "or", "not", "col", "op", "value", "to", "ci", "name"))
        joins = [key for key in ("and", "or", "not") if key in raw]
        if not joins:
            return self._condition(raw, at)
        if len(raw) > 1:
            raise QueryError.at(at, "Expected either 'and', 'or' or 'not' alone, or a condition with 'col' and 'op'.")
        key = joins[0]
        return self._negation(raw, at, depth) if key == "not" else self._group(raw, key, at, depth)

    def _condition(self, raw: Mapping[str, Any], at: str) -> Condition:
        condition = _read_condition(raw, at)
        self._values += len(condition.value) if isinstance(condition.value, tuple) else 1
        most = settings().FILTER_VALUES_MAX
        if self._values > most:
            raise QueryLimitError.at(at, f"The filter names more than {most} values in all.")
        return condition

    def _negation(self, raw: Mapping[str, Any], at: str, depth: int) -> Negation:
        return Negation(self.node(raw["not"], f"{at}/not", depth + 1))

    def _group(self, raw: Mapping[str, Any], key: str, at: str, depth: int) -> Group:
        members = read_list(raw[key], f"{at}/{key}", settings().FILTER_NODES_MAX)
        if not members:
            raise QueryError.at(f"{at}/{key}", "Expected at least one node. For no filter, send null or leave it out.")
        nodes = tuple(self.node(item, f"{at}/{key}/{index}", depth + 1) for index, item in enumerate(members))
        return Group("and" if key == "and" else "or", nodes)

    def _count(self, at: str, depth: int) -> None:
        self._nodes += 1
        if depth > settings().FILTER_DEPTH_MAX:
            raise QueryLimitError.at(at, f"The filter is deeper than {settings().FILTER_DEPTH_MAX} levels.")
        if self._nodes > settings().FILTER_NODES_MAX:
            raise QueryLimitError.at(at, f"The filter has more than {settings().FILTER_NODES_MAX} nodes.")


def _read_condition(raw: Mapping[str, Any], at: str) -> Condition:
    for key in ("col", "op"):
        if key not in raw:
            raise QueryError.at(at, f"The condition has no {key!r}.")
    op = _read_op(raw["op"], f"{at}/op")
    return Condition(
        col=read_text(raw["col"], f"{at}/col"),
        op=op,
        value=_read_value(raw, op, at),
        to=_read_to(raw, op, at),
        ci=_read_case(raw, op, at),
        name=_read_name(raw, op, at),
    )


def _read_op(raw: Any, at: str) -> Op:
    if isinstance(raw, str) and raw in set(Op):
        return Op(raw)
    raise UnknownOperatorError.at(at, f"Expected one of the operators {', '.join(Op)}.")


def _read_value(raw: Mapping[str, Any], op: Op, at: str) -> JSONValue:
    if op in WITHOUT_VALUE:
        if raw.get("value") is not None:
            raise QueryError.at(f"{at}/value", f"The operator {op} takes no value.")
        return None
    if "value" not in raw:
        raise QueryError.at(at, f"The operator {op} needs a 'value'.")
    value = raw["value"]
    if op in WITH_LIST:
        return tuple(
            _scalar(item, f"{at}/value") for item in read_list(value, f"{at}/value", settings().FILTER_LIST_MAX)
        )
    if op in WITH_NAME:
        return _shaped(value, f"{at}/value")
    if value is None:
        raise QueryError.at(f"{at}/value", "A comparison with null is never true; use the operator blank or nblank.")
    return _scalar(value, f"{at}/value")


def _read_to(raw: Mapping[str, Any], op: Op, at: str) -> JSONValue:
    if op is not Op.BETWEEN:
        if raw.get("to") is not None:
            raise QueryError.at(f"{at}/to", "Only the operator between takes 'to'.")
        return None
    if raw.get("to") is None:
        raise QueryError.at(at, "The operator between needs a 'to', its upper end (included).")
    return _scalar(raw["to"], f"{at}/to")


def _read_case(raw: Mapping[str, Any], op: Op, at: str) -> bool:
    ci = raw.get("ci", True)
    if not isinstance(ci, bool):
        raise QueryError.at(f"{at}/ci", "Expected true or false.")
    if not ci and op not in WITH_CASE:
        raise QueryError.at(f"{at}/ci", f"The operator {op} compares no text, so it takes no 'ci'.")
    return ci


def _read_name(raw: Mapping[str, Any], op: Op, at: str) -> str:
    if op not in WITH_NAME:
        if raw.get("name") is not None:
            raise QueryError.at(f"{at}/name", f"Only the operator {Op.FILTER} takes a 'name'.")
        return ""
    if raw.get("name") is None:
        raise QueryError.at(at, f"The operator {op} needs the 'name' of one of the column's filters.")
    return read_text(raw["name"], f"{at}/name")


def _shaped(raw: Any, at: str) -> JSONValue:
    """Return the value of a filter: a plain value, a list or an object of such; its form field judges it."""
    if isinstance(raw, Mapping):
        if len(raw) > _PARTS_MAX:
            raise QueryLimitError.at(at, f"The value has {len(raw)} parts; at most {_PARTS_MAX} are allowed.")
        return {read_text(key, at): _scalar(part, at) for key, part in raw.items()}
    if isinstance(raw, (list, tuple)):
        return tuple(_scalar(item, at) for item in read_list(raw, at, settings().FILTER_LIST_MAX))
    return _scalar(raw, at)


def _scalar(raw: Any, at: str) -> JSONValue:
    if isinstance(raw, str) and len(raw) > TEXT_LENGTH_MAX:
        raise QueryLimitError.at(at, f"The text has {len(raw)} characters; at most {TEXT_LENGTH_MAX} are allowed.")
    if raw is None or isinstance(raw, (str, int, float, bool)):
        return raw
    raise QueryError.at(at, "Expected a plain value: a string, a number, true or false.")


def filter_to_dict(node: FilterNode) -> MutableJSONObject:
    """Write a tree back as JSON; reading that gives an equal tree."""
    match node:
        case Group():
            return {node.join: [filter_to_dict(member) for member in node.nodes]}
        case Negation():
            return {"not": filter_to_dict(node.node)}
        case Condition():
            return _condition_to_dict(node)


def _condition_to_dict(condition: Condition) -> MutableJSONObject:
    written: MutableJSONObject = {"col": condition.col, "op": condition.op.value}
    if condition.op not in WITHOUT_VALUE:
        written["value"] = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    if condition.op is Op.BETWEEN:
        written["to"] = condition.to
    if not condition.ci:
        written["ci"] = False
    if condition.name:
        written["name"] = condition.name
    return written
