"""Full-text search of PostgreSQL: words in all their forms, served by an index. It needs psycopg."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorExact
from django.db.models import F, Func, IntegerField, Q, Value
from django.db.models.lookups import Exact

from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.search_backends import SearchBackend


class FullTextSearch(SearchBackend):
    """Finds whole words of a text, in the forms that the text search configuration knows.

    Each text column is searched by itself, so that one index per column serves every user, whatever else they may see:
    ``GinIndex(SearchVector("note", config="english"), name="…")``. A word that the configuration leaves out ("the")
    narrows nothing. On other databases it searches as ``SearchBackend`` does.

    Attributes:
        config: the text search configuration of PostgreSQL; subclass to name another one.
    """

    config: ClassVar[str] = "simple"

    def condition(self, column: Column, word: str, frame: Frame) -> Q | None:
        """Return the condition "the word, in one of its forms, is in this column"."""
        if frame.vendor != "postgresql" or column.type != "text":
            return super().condition(column, word, frame)
        asked = SearchQuery(word, config=self.config)
        found = SearchVectorExact(SearchVector(F(column.path), config=self.config), asked)
        nodes = Func(asked, function="numnode", output_field=IntegerField())
        return Q(found) | Q(Exact(nodes, Value(0)))

    def index(self, column: Column, vendor: str) -> str | None:
        """Return the code of the index that serves a text column, up to its name."""
        if vendor != "postgresql":
            return None
        return f'GinIndex(SearchVector("{column.value_field.name}", config="{self.config}")'
