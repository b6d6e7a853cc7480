"""How a word of a search is found in a column. Sites name their own by dotted path."""

from __future__ import annotations

from django.db.models import Q
from django.utils.module_loading import import_string

from gridkit_django.conf import settings
from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.options import GridOptions


class SearchBackend:
    """Finds a word anywhere in a text, without regard to case; a typed value, when the word is the value written out.

    On PostgreSQL a text is compared as ``UPPER(column) LIKE UPPER('%word%')``. The index that serves this is, in the
    model's ``Meta``, ``GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="…")``: a trigram index on just this
    expression.

    A search asks ``condition`` for each word and each search column that the user may see, joins the columns of a word
    by OR and the words by AND. So a backend never sees a hidden column. Subclasses must not keep state.
    """

    def condition(self, column: Column, word: str, frame: Frame) -> Q | None:
        """Return the condition "the word is found in this column".

        Args:
            column: a bound column that the user may see.
            word: text without space.
            frame: the query's time zone and database.

        Returns:
            The condition, or None when the word can't be in this column.
        """
        return column.search(word, frame)

    def index(self, column: Column, vendor: str) -> str | None:
        """Return the code of the Django index that serves a text column, up to its name; None when none can.

        Args:
            column: a bound text column.
            vendor: Django's name of the database.
        """
        if vendor != "postgresql":
            return None
        return f'GinIndex(OpClass(Upper("{column.value_field.name}"), name="gin_trgm_ops")'


def search_backend(options: GridOptions) -> SearchBackend:
    """Return the backend of a grid.

    Raises:
        GridDeclarationError: when the dotted path leads to no ``SearchBackend``.
    """
    path = options.search_backend or settings().SEARCH_BACKEND
    try:
        found = import_string(path)
    except ImportError as error:
        raise GridDeclarationError(f"The search backend {path!r} can't be imported: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, SearchBackend)):
        raise GridDeclarationError(f"The search backend {path!r} is no subclass of SearchBackend.")
    return found()
