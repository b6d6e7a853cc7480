"""Compiles a filter tree to one ``Q``, through the gate: only columns that the user may see, only cleaned values."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q

from gridkit_django.exceptions import ErrorItem, FilterValueError, QueryError, UnknownOperatorError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.filter_sets import ServedFilters
from gridkit_django.grids.operators import WITH_NAME, WITHOUT_VALUE, Op
from gridkit_django.grids.tree import Condition, FilterNode, Group, Negation


class FilterCompiler:
    """Compiles the filters of one query.

    Every condition is true or false for each row, never unknown: a negation is pushed down to the conditions, where
    rows without a value are named, so that ``not`` is an exact complement.

    Args:
        access: the gate that the columns come through.
        frame: the query's time zone and database.
    """

    def __init__(self, access: GridAccess, frame: Frame) -> None:
        self._access = access
        self._frame = frame
        self._served = ServedFilters(access, frame)

    def compile(self, node: FilterNode, at: str = "/filter", *, negated: bool = False) -> Q:
        """Compile a node and what hangs below it.

        Args:
            node: the node.
            at: where it stands in the request (JSON Pointer), for errors.
            negated: compile the complement.

        Raises:
            UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
            UnknownOperatorError: when the column has no such operator.
            FilterValueError: when a value does not fit the column.
        """
        match node:
            case Group():
                return self._group(node, at, negated=negated)
            case Negation():
                return self.compile(node.node, f"{at}/not", negated=not negated)
            case Condition():
                return self._condition(node, at, negated=negated)

    def _group(self, group: Group, at: str, *, negated: bool) -> Q:
        """Join the members; the complement of a conjunction is the disjunction of complements (De Morgan)."""
        members = [
            self.compile(member, f"{at}/{group.join}/{index}", negated=negated)
            for index, member in enumerate(group.nodes)
        ]
        return reduce(or_ if (group.join == "or") is not negated else and_, members)

    def _condition(self, condition: Condition, at: str, *, negated: bool) -> Q:
        column = self._access.column(condition.col, f"{at}/col")
        if condition.op not in column.ops:
            raise UnknownOperatorError.at(f"{at}/op", _no_operator(column, condition.op))
        if not condition.ci and column.type != "text":
            raise QueryError.at(f"{at}/ci", f"The column {column.id!r} holds no text, so its conditions take no 'ci'.")
        if condition.op in WITH_NAME:
            return self._served.condition(column, condition.name, condition.value, at, negated=negated)
        positive = condition.op.positive
        frame = replace(self._frame, ignore_case=condition.ci)
        value, to = _values(column, condition, at)
        wanted = column.condition(positive, value, to, frame)
        if (positive is condition.op) is not negated:
            return wanted
        names_blanks = positive is Op.BLANK or (positive is Op.IN and None in value)
        return complement(column, wanted, names_blanks=names_blanks)


def complement(column: Column, condition: Q, *, names_blanks: bool) -> Q:
    """Return exactly the rows that a column's condition does not match.

    In SQL the negation of a comparison with NULL is unknown, so that rows without a value must be added by name,
    unless the condition matched them.

    Args:
        column: the column.
        condition: what ``Column.condition`` gave.
        names_blanks: whether the condition matches rows without a value.
    """
    if names_blanks or not column.nullable:
        return ~condition
    return ~condition | Q((f"{column.path}__isnull", True))


def _values(column: Column, condition: Condition, at: str) -> tuple[Any, Any]:
    """Clean the value, the members of a list, and the upper end."""
    if condition.op in WITHOUT_VALUE:
        return None, None
    if isinstance(condition.value, tuple):
        members = enumerate(condition.value)
        op = Op.EQ
        return [
            None if item is None else _clean(column, op, item, f"{at}/value/{index}") for index, item in members
        ], None
    value = _clean(column, condition.op, condition.value, f"{at}/value")
    return value, _clean(column, Op.EQ, condition.to, f"{at}/to") if condition.op is Op.BETWEEN else None


def _clean(column: Column, op: Op, raw: Any, at: str) -> Any:
    try:
        return column.clean_for(op, raw)
    except FilterValueError as error:
        raise FilterValueError(error.detail, errors=[ErrorItem(at, error.code, error.detail)]) from error


def _no_operator(column: Column, op: Op) -> str:
    if not column.ops:
        return f"The column {column.id!r} can't be filtered."
    return f"The column {column.id!r} has no operator {op}; it has {', '.join(column.ops)}."
