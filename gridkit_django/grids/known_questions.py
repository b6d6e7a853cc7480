"""Questions that are asked again and again: Django writes their SQL once, and then only the values in it differ.

To write the statement for one page takes Django as long as to read and convert all its rows. What is remembered depends
on nothing but its facts, so that it can be forgotten at any time and never is wrong. A filter, or a rule for the rows
that a user may see, can be anything; so Django writes the condition that it makes each time, and that text is a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, models
from django.db.models import Expression, QuerySet
from django.db.models.sql.where import ExtraWhere, WhereNode

Facts: TypeAlias = Hashable
"""All that a statement is made of; equal facts make equal statements."""

QUESTIONS_MAX = 512
_CONDITION_MAX = 2000
"""Letters of a condition that is remembered; a longer one has a list in it that hardly comes again."""

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

    Attributes:
        sql: its text.
    """

    def __init__(self, rows: QuerySet[Any, Any], alias: str) -> None:
        self._query = rows.query
        self._alias = alias
        compiler: Any = self._query.get_compiler(alias)
        self.sql, self._marked = compiler.as_sql()
        self._learned = {name: getattr(compiler, name) for name in _LEARNED}
        self._plain = not compiler.get_converters([column for column, *_more in compiler.select])

    def parameters(self, given: Sequence[Any] = ()) -> tuple[Any, ...]:
        """Return the values of the statement in the order of their places.

        Args:
            given: the values, in the form in which the database takes them.
        """
        return tuple(given[item.index] if isinstance(item, Given) else item for item in self._marked)

    def answer(self, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database, in the way in which Django does; where it gives the values as they are, without a detour.

        Args:
            given: the values, in the form in which the database takes them.
        """
        parameters = self.parameters(given)
        if self._plain:
            with connections[self._alias].cursor() as cursor:
                cursor.execute(self.sql, parameters)
                return list(cursor.fetchall())
        compiler: Any = self._query.get_compiler(self._alias)
        vars(compiler).update(self._learned, as_sql=lambda: (self.sql, parameters))
        return list(compiler.results_iter(tuple_expected=True, chunk_size=_ROWS_AT_ONCE))

    def instances(self, given: Sequence[Any] = ()) -> list[models.Model]:
        """Ask for whole rows of the model, and return them as objects."""
        names = [column.target.attname for column, *_more in self._learned["select"]]
        return [self._query.model.from_db(self._alias, names, values) for values in self.answer(given)]  # type: ignore[union-attr]


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


class KnownRows(NamedTuple):
    """Rows about which questions can be remembered.

    Attributes:
        facts: what tells them from all others, but for the values by which they are narrowed.
        rows: the rows, with a ``Given`` in the place of each of these values.
        given: the values, in the form in which the database takes them.
    """

    facts: Facts
    rows: QuerySet[Any, Any]
    given: tuple[Any, ...] = ()


def is_whole(rows: QuerySet[Any, Any]) -> bool:
    """Whether these are all rows of their model, each once. False when that is not certain."""
    query = rows.query
    return not query.where.children and len(query.alias_map) <= 1 and _is_plain(rows)


def facts_of(rows: QuerySet[Any, Any]) -> Facts | None:
    """Return what tells a queryset from any other; None when it may be more or less than all rows of its model."""
    return (type(rows.query), rows.model) if is_whole(rows) and _reads_plainly(rows) else None


def known_rows(rows: QuerySet[Any, Any]) -> KnownRows | None:
    """Return rows in the form in which questions about them can be remembered; None when they can't be.

    The condition by which they are narrowed is written here, and stands in the question as text.
    """
    facts = facts_of(rows)
    if facts is not None:
        return KnownRows(facts, rows)
    query = rows.query
    if not (_is_plain(rows) and _reads_plainly(rows)):
        return None
    compiler = query.get_compiler(rows.db)
    try:
        condition, values = compiler.compile(query.where)
    except (EmptyResultSet, FullResultSet):
        return None
    if len(condition) > _CONDITION_MAX:
        return None
    narrowed = rows.all()
    places: Any = [Given(index) for index in range(len(values))]
    text: Any = ExtraWhere([condition], places)
    narrowed.query.where = WhereNode([text])
    return KnownRows((type(query), rows.model, condition, _joins(rows)), narrowed, tuple(values))


def _joins(rows: QuerySet[Any, Any]) -> Facts:
    """Return what tells the tables that are joined, and how, from all others."""
    query: Any = rows.query
    joins = ((alias, join) for alias, join in query.alias_map.items() if join.join_type)
    return tuple((alias, query.alias_refcount[alias] > 0, join.join_type, *join.identity) for alias, join in joins)


def _is_plain(rows: QuerySet[Any, Any]) -> bool:
    """Whether nothing but conditions and joins decides which rows these are."""
    query = rows.query
    cut = query.is_sliced or query.combinator or query.distinct
    return not (cut or query.annotations or query.extra or query.extra_tables)


def _reads_plainly(rows: QuerySet[Any, Any]) -> bool:
    query = rows.query
    return not (query.select_for_update or query.select_related or query.deferred_loading[0])
