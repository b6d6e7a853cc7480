"""The pages: a list of the grids that the user may open, and one page for each."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids import GridAccess, grid_registry, open_grid
from gridkit_django.typing import User


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """List the grids that the user may open."""
    return render(request, "gridkit/index.html", {"grids": _openable(request.user)})


@require_safe
@login_required
@ensure_csrf_cookie
def grid_page(request: HttpRequest, grid_id: str) -> HttpResponse:
    """Show one grid.

    Raises:
        Http404: for a grid that does not exist or that the user may not open; both alike.
    """
    try:
        access = open_grid(grid_id, request.user)
    except GridNotFoundError as error:
        raise Http404(error.detail) from error
    return render(request, "gridkit/grid.html", {"grid": access.grid, "grids": _openable(request.user)})


def _openable(user: User) -> list[GridAccess]:
    """Return the grids that the user may open, in the order of their labels."""
    found = []
    for grid in grid_registry().all():
        try:
            found.append(open_grid(grid.options.id, user))
        except GridNotFoundError:
            continue
    return sorted(found, key=lambda access: str(access.grid.options.label))
