"""The order of rows: always total, because the primary key breaks every tie."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import F, OrderBy

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.query import SortTerm


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One term of the order, bound to its column.

    Attributes:
        column: whose values are compared.
        descending: whether large values come first.
        nulls_first: whether rows without a value come first; matters for nullable columns only.
    """

    column: Column
    descending: bool = False
    nulls_first: bool = False

    @property
    def path(self) -> str:
        """The ORM path of the sort key."""
        return self.column.path

    @property
    def nullable(self) -> bool:
        """Whether a row may have no sort key."""
        return self.column.nullable

    def reversed(self) -> OrderTerm:
        """Return the term that gives the exact reverse order."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    def ordering(self, *, natural_nulls: bool = False) -> OrderBy:
        """Return the term for ``QuerySet.order_by``.

        The place of NULLs is spelled out for nullable columns only: elsewhere it would keep PostgreSQL from reading an
        index backwards.

        Args:
            natural_nulls: leave NULLs where the database puts them; for rows that all have a value, or none.
        """
        spelled = self.nullable and not natural_nulls
        nulls = {"nulls_first" if self.nulls_first else "nulls_last": True} if spelled else {}
        key = F(self.path)
        return key.desc(**nulls) if self.descending else key.asc(**nulls)


def effective_sort(access: GridAccess, sort: tuple[SortTerm, ...]) -> tuple[SortTerm, ...]:
    """Return the sort in force: the asked one, else the grid's default.

    Default terms on columns that the user may not see fall away: the order of rows would tell the hidden values.
    """
    return sort or tuple(
        SortTerm(name.removeprefix("-"), "desc" if name.startswith("-") else "asc")
        for name in access.options.default_sort
        if name.removeprefix("-") in access.by_id
    )


def order_terms(access: GridAccess, sort: tuple[SortTerm, ...]) -> tuple[OrderTerm, ...]:
    """Bind a sort to the columns and add the tie-break.

    The tie-break runs in the direction of the last term: then one index on column and key serves both directions.

    Args:
        access: the gate that the columns come through.
        sort: the sort in force.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for a column that can't be sorted by.
    """
    terms = [bind_term(access, term, f"/sort/{index}/col") for index, term in enumerate(sort)]
    key = access.key
    if all(term.path != key.path for term in terms):
        terms.append(OrderTerm(key, descending=bool(terms) and terms[-1].descending))
    return tuple(terms)


def bind_term(access: GridAccess, term: SortTerm, at: str) -> OrderTerm:
    """Bind one term to its column.

    Args:
        access: the gate that the column comes through.
        term: what was asked for.
        at: where its column is named in the request (JSON Pointer).

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for a column that can't be sorted by.
    """
    column = access.column(term.col, at)
    if not column.sortable:
        raise QueryError.at(at, f"The rows can't be sorted by the column {column.id!r}.")
    return OrderTerm(column, descending=term.direction == "desc", nulls_first=term.nulls == "first")
