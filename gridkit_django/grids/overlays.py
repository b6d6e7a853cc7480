"""A rows request that names a saved view is laid over what the view says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.strict import read_text
from gridkit_django.grids.views import get_view, open_view


def with_view(access: GridAccess, question: Any) -> tuple[Any, tuple[str, ...]]:
    """Lay a rows request over the view that it names.

    What the request says, null included, stands; the view says the rest.

    Args:
        access: the grid and the user.
        question: the body of the request.

    Returns:
        The body without ``view``, and where in the view something stood that is no more and that the request does
        not say itself (JSON Pointers below ``/view``).

    Raises:
        ViewNotFoundError: when there is no such view or the user may not see it; the answers are the same.
        QueryError: when the id is no text.
    """
    if not isinstance(question, Mapping) or question.get("view") is None:
        return _without_view(question), ()
    opened = open_view(access, get_view(access, read_text(question["view"], "/view")))
    own = _without_view(question)
    merged = {**opened.state.query_dict(), **own}
    window = own.get("window") or {"kind": "cursor"}
    if opened.state.page_size is not None and isinstance(window, Mapping) and window.get("kind") == "cursor":
        merged["window"] = {"size": opened.state.page_size, **window}
    dropped = tuple(f"/view{place}" for place in opened.dropped if _matters(place, own))
    return merged, dropped


def _without_view(question: Any) -> Any:
    if not isinstance(question, Mapping):
        return question
    return {key: value for key, value in question.items() if key != "view"}


def _matters(place: str, own: Mapping[str, Any]) -> bool:
    """Whether something that fell away at ``place`` of a state would have played a part in a rows request."""
    parts = place.split("/")
    if parts[1:2] != ["query"]:
        return place == ""
    return len(parts) < 3 or ("window" if parts[2] == "pageSize" else parts[2]) not in own
