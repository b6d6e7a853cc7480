"""Questions that are asked again and again: Django writes their SQL once, and then only the values in it differ.

To write the statement for one page takes Django as long as to read and convert all its rows. What is remembered depends
on nothing but its facts, so that it can be forgotten at any time and never is wrong. Only questions about all rows of a
model are remembered: a filter, or a rule for the rows that a user may see, can be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Expression, QuerySet

Facts: TypeAlias = Hashable
"""All that a statement is made of; equal facts make equal statements."""

QUESTIONS_MAX = 512
_ROWS_AT_ONCE = 1000
_LEARNED = ("select", "col_count", "klass_info", "annotation_col_map", "has_extra_select")
"""What a compiler knows once it has written a statement, and needs to read the answer."""


class Given(Expression):
    """The place in a statement of a value that is given each time it is asked.

    Args:
        index: which of the given values.
    """

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Write a placeholder."""
        del compiler, connection
        return "%s", [self]


class Statement:
    """A statement as Django wrote it, with the places of its values.

    Args:
        rows: the question, with ``Given`` where a value comes.
        alias: the database.
    """

    def __init__(self, rows: QuerySet[Any, Any], alias: str) -> None:
        self._query = rows.query
        self._alias = alias
        compiler: Any = self._query.get_compiler(alias)
        self._sql, self._parameters = self.told = compiler.as_sql()
        self._learned = {name: getattr(compiler, name) for name in _LEARNED}
        if not compiler.get_converters([column for column, *_more in compiler.select]):
            self._learned["get_converters"] = _no_converters

    def answer(self, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database, in the way in which Django does.

        Args:
            given: the values, in the form in which the database takes them.
        """
        compiler: Any = self._query.get_compiler(self._alias)
        parameters = tuple(given[item.index] if isinstance(item, Given) else item for item in self._parameters)
        vars(compiler).update(self._learned, as_sql=lambda: (self._sql, parameters))
        return list(compiler.results_iter(tuple_expected=True, chunk_size=_ROWS_AT_ONCE))

    def instances(self, given: Sequence[Any] = ()) -> list[models.Model]:
        """Ask for whole rows of the model, and return them as objects."""
        names = [column.target.attname for column, *_more in self._learned["select"]]
        return [self._query.model.from_db(self._alias, names, values) for values in self.answer(given)]  # type: ignore[union-attr]


def _no_converters(_expressions: Any) -> dict[int, Any]:
    """Stand in for the search for converters, where a first search found none."""
    return {}


class KnownQuestions:
    """The statements that this process has asked lately; the grid registry holds those of the process."""

    def __init__(self) -> None:
        self._known: dict[Facts, Statement] = {}

    def statement(self, alias: str, facts: Facts, make: Callable[[], QuerySet[Any, Any]]) -> Statement:
        """Return the statement with these facts; ``make`` says the question when it is not known.

        Args:
            alias: the database.
            facts: what tells it from every other statement; ``facts_of`` the rows are among them.
            make: the question, with ``Given`` where a value comes.
        """
        found = self._known.get((alias, facts))
        if found is None:
            if len(self._known) >= QUESTIONS_MAX:
                self.clear()
            found = self._known[alias, facts] = Statement(make(), alias)
        return found

    def clear(self) -> None:
        """Forget all."""
        self._known = {}


def is_whole(rows: QuerySet[Any, Any]) -> bool:
    """Whether these are all rows of their model, each once. False when that is not certain."""
    query = rows.query
    narrowed = query.where.children or query.is_sliced or query.combinator or query.distinct
    return not (narrowed or query.annotations or query.extra or query.extra_tables or len(query.alias_map) > 1)


def facts_of(rows: QuerySet[Any, Any]) -> Facts | None:
    """Return what tells a queryset from any other; None when it may be more or less than all rows of its model."""
    query = rows.query
    if not is_whole(rows) or query.select_for_update or query.select_related or query.deferred_loading[0]:
        return None
    return type(query), rows.model
