"""A selection given as a question: the rows that match, some ids more, some ids less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryError, RecordNotFoundError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns.text import storable
from gridkit_django.grids.judging import ShapeJudge
from gridkit_django.grids.pointers import below, pointer
from gridkit_django.grids.query import CountMode, CursorWindow, GridQuery
from gridkit_django.grids.records import read_key
from gridkit_django.grids.rows import matching_rows
from gridkit_django.grids.strict import read_list, read_object
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import MutableJSONObject

SELECTION = "selection"
"""The member of a body that holds the selection."""

_SELECTING = ("v", "filter", "search", "tz", "group", "path")
"""What of a query decides which rows match."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows a bulk change is about.

    Attributes:
        query: the rows that match it; None for none but ``include``.
        include: primary keys of further rows, as they stand on the wire.
        exclude: primary keys of rows that are left out.
    """

    query: GridQuery | None = None
    include: tuple[Any, ...] = ()
    exclude: tuple[Any, ...] = ()

    @classmethod
    def from_dict(cls, raw: Any) -> Selection:
        """Read a selection: ``query``, ``include``, ``exclude``.

        Raises:
            QueryError: for anything that is not understood, or that plays no part in a selection (like a sort).
            QueryLimitError: for anything over the limits.
        """
        with below(pointer(SELECTION)):
            raw = read_object(raw, "", ("query", "include", "exclude"))
            most = settings().FILTER_LIST_MAX
            include, exclude = (_read_keys(raw.get(key) or (), f"/{key}", most) for key in ("include", "exclude"))
        query = raw.get("query")
        if query is None:
            return cls(None, include, exclude)
        with below(pointer(SELECTION, "query")):
            return cls(GridQuery.from_dict(read_object(query, "", _SELECTING)), include, exclude)

    def to_dict(self) -> MutableJSONObject:
        """Write the selection as JSON; reading that gives an equal selection."""
        query = None if self.query is None else self.query.to_dict()
        return {
            "query": None if query is None else {key: value for key, value in query.items() if key in _SELECTING},
            "include": list(self.include),
            "exclude": list(self.exclude),
        }

    def frozen(self, access: GridAccess) -> Selection:
        """Return the same selection with its time zone fixed, so that a worker in another zone reads the same."""
        if self.query is None:
            return self
        zone = self.query.tz or str(zone_of(access))
        query = self.query.with_changes(tz=zone, window=CursorWindow(), count=CountMode.NONE)
        return Selection(query, self.include, self.exclude)

    def rows(self, access: GridAccess, alias: str) -> models.QuerySet[Any]:
        """Return the rows, each once, of those that the user may see; ids of other rows select nothing.

        Raises:
            UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
            QueryError: for anything else that this grid can't answer.
        """
        visible = access.queryset()
        wanted = Q(pk__in=_keys(access, self.include))
        if self.query is not None:
            with below(pointer(SELECTION, "query")):
                matching, frame = matching_rows(access, self.query)
                ShapeJudge(access, frame).judged(self.query)
            wanted |= Q(pk__in=matching.order_by().values("pk"))
        rows = access.options.model._base_manager.using(alias).filter(wanted, pk__in=visible.values("pk"))
        return rows.exclude(pk__in=_keys(access, self.exclude)) if self.exclude else rows


def _read_keys(raw: Any, at: str, most: int) -> tuple[Any, ...]:
    """Return keys that a job can hold until it runs; whether rows have them is seen then."""
    keys = tuple(read_list(raw, at, most))
    for place, key in enumerate(keys):
        if not _is_storable(key):
            raise QueryError.at(f"{at}/{place}", "The text holds NUL characters or lone surrogates.")
    return keys


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return all(_is_storable(item) for pair in value.items() for item in pair)
    return not isinstance(value, list | tuple) or all(map(_is_storable, value))


def _keys(access: GridAccess, raw: Sequence[Any]) -> list[Any]:
    """Return the keys that rows can have."""
    keys = []
    for item in raw:
        try:
            keys.append(read_key(access, item))
        except RecordNotFoundError:
            continue
    return keys
