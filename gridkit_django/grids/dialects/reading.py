"""What every dialect gives: a request that was understood, and how the page that answers it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryLimitError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.counting import CountKind
from gridkit_django.grids.dialects.questions import Question
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.typing import JSONValue, MutableJSONObject

ID = "$id"
"""The key of a row's id in a flat row. No column can have this name, for it is no Python identifier."""

VERSION = "$v"
GROUP = "$group"

BLANKS = "(Blanks)"
"""The name of a made column of the rows without a value."""


class Ask(Protocol):
    """Asks the engine a further question, for answers that are made of more than one page."""

    def __call__(self, query: GridQuery) -> RowsPage:
        """Answer a question. Raises ``QueryError`` with places of the foreign request."""

    def count(self, query: GridQuery) -> int:
        """Return the exact number of rows that match a question."""

    def inside(self, query: GridQuery, paths: Sequence[tuple[JSONValue, ...]], most: int) -> Sequence[tuple[Row, ...]]:
        """Return what is inside each of some groups of one level; over ``most`` rows in all, it is not complete."""


class Reading(ABC):
    """A request of another grid that was understood.

    Args:
        question: the same question in canonical words.
    """

    def __init__(self, question: Question) -> None:
        self.question = question

    @abstractmethod
    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Tell a page as the other grid reads it.

        Args:
            page: the answer to ``question``.
            ask: for further questions.

        Raises:
            QueryError: when the answer can't be told; the pointers are places of the foreign request.
        """


@dataclass(frozen=True, slots=True)
class Dialect:
    """The requests of one other grid.

    Attributes:
        name: its name in the address.
        label: the product, with the versions whose shapes are understood.
        read: reads a request for a grid in the hands of a user.
    """

    name: str
    label: str
    read: Callable[[Any, GridAccess], Reading]


def flat_row(row: Row) -> MutableJSONObject:
    """Return a row as the other grids want it: one object, the column ids as its keys.

    ``$id`` is the row's id, ``$v`` its version, and ``$group`` what makes it a group.
    """
    written: MutableJSONObject = {ID: row.id}
    if row.group is None:
        written[VERSION] = row.version
    else:
        written[GROUP] = row.group.to_dict()
    return {**written, **row.data}


def exact_count(page: RowsPage) -> int | None:
    """Return the number of rows when it is exact; a number that is not may not be told as one."""
    return page.count.value if page.count.kind is CountKind.EXACT else None


def ask_for_all(question: Question, at: str) -> None:
    """Ask for all rows, as far as one answer may hold them."""
    question.offset(0, settings().PAGE_SIZE_MAX, start_at=at, end_at=at)


def refuse_remainder(page: RowsPage, at: str) -> None:
    """Refuse to answer a request for all rows when there are more than an answer may hold.

    Raises:
        QueryLimitError: when rows would be left out.
    """
    if page.window.has_next:
        most = settings().PAGE_SIZE_MAX
        raise QueryLimitError.at(at, f"There are more than {most} rows, which is the most of one answer. Ask by pages.")


def scalar_text(value: JSONValue) -> str:
    """Return a plain value as text: true and false as JSON writes them."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
