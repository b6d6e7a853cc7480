"""Reading query parameters that are no filters of a list."""

from __future__ import annotations

from datetime import UTC, datetime

from rest_framework.request import Request

from gridkit_django.exceptions import ErrorItem, FilterValueError
from gridkit_django.grids import grid_registry


def whole_number(request: Request, name: str, *, default: int | None = None, low: int = 1, high: int) -> int:
    """Return a query parameter that is a whole number.

    Args:
        request: the request.
        name: the parameter.
        default: its value when it is left out; None when it must be there.
        low: the smallest that it may be.
        high: the largest that it may be.

    Raises:
        FilterValueError: when it is missing, no whole number, or out of bounds.
    """
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    if text is not None and text.isascii() and text.isdigit() and len(text) <= len(str(high)):
        number = int(text)
        if low <= number <= high:
            return number
    detail = f"Give {name} as a whole number from {low} to {high}."
    raise FilterValueError(detail, errors=[ErrorItem(f"?{name}", FilterValueError.code, detail)])


def choice(request: Request, name: str, values: tuple[str, ...]) -> str | None:
    """Return a query parameter that is one of a few words; None when it is left out.

    Raises:
        FilterValueError: when it is another word.
    """
    text = request.query_params.get(name)
    if text is not None and text not in values:
        detail = f"Give {name} as {' or '.join(values)}."
        raise FilterValueError(detail, errors=[ErrorItem(f"?{name}", FilterValueError.code, detail)])
    return text


def switch(request: Request, name: str) -> bool:
    """Return a query parameter that is ``true`` or ``false``; false when it is left out.

    Raises:
        FilterValueError: when it is anything else.
    """
    text = request.query_params.get(name, "false")
    if text not in {"true", "false"}:
        detail = f"Give {name} as true or false."
        raise FilterValueError(detail, errors=[ErrorItem(f"?{name}", FilterValueError.code, detail)])
    return text == "true"


def moment(request: Request, name: str) -> datetime | None:
    """Return a query parameter that is a point in time; None when it is left out. Without an offset it is UTC.

    Raises:
        FilterValueError: when it is no point in time that a database keeps.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        detail = f"Give {name} as a point in time (ISO 8601)."
        raise FilterValueError(detail, errors=[ErrorItem(f"?{name}", FilterValueError.code, detail)]) from error


def grid_of(request: Request) -> str:
    """Return the id of the grid that ``?grid=`` names; empty for all grids.

    Raises:
        GridNotFoundError: when there is no such grid.
    """
    grid = request.query_params.get("grid", "")
    if grid:
        grid_registry().get(grid)
    return grid
