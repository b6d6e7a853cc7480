"""The pages: a list of the grids that the user may open, and one page for each."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids import open_grid, open_grids


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """List the grids that the user may open."""
    return render(request, "gridkit/index.html", {"grids": open_grids(request.user)})


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
    return render(request, "gridkit/grid.html", {"access": access, "grids": open_grids(request.user, access.rights)})
