"""The search: every word must be found in at least one of the visible search columns.

How a word is found in a column is up to a backend: ``Meta.search_backend`` of the grid, else the setting
``SEARCH_BACKEND``.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from django.db.models import Q

from gridkit_django.exceptions import QueryError, QueryLimitError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.base import nothing
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.search_backends import SearchBackend, search_backend

WORDS_MAX = 16
"""Words of one search at most: each one is looked for in every search column."""


def search_columns(access: GridAccess) -> tuple[Column, ...]:
    """Return the columns that the search of this user looks into."""
    return tuple(column for column in access.columns if column.searchable)


def search_condition(access: GridAccess, text: str, frame: Frame) -> Q:
    """Compile a search text.

    Args:
        access: the gate that the columns come through.
        text: words with space between; case does not matter.
        frame: the query's time zone and database.

    Raises:
        QueryError: when the user sees no search column, so that the search could only be ignored.
        QueryLimitError: for too many words.
    """
    columns = search_columns(access)
    if not columns:
        raise QueryError.at("/search", "This grid has no column to search in. Use a filter.")
    words = tuple(dict.fromkeys(text.split()))
    if len(words) > WORDS_MAX:
        raise QueryLimitError.at("/search", f"The search has {len(words)} words; at most {WORDS_MAX} are allowed.")
    backend = search_backend(access.options)
    return reduce(and_, (_word_condition(backend, columns, word, frame) for word in words), Q())


def _word_condition(backend: SearchBackend, columns: tuple[Column, ...], word: str, frame: Frame) -> Q:
    found = (backend.condition(column, word, frame) for column in columns)
    return reduce(or_, (condition for condition in found if condition is not None), nothing())
