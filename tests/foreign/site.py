"""The pages that show the grids of other products: each is one element, a style sheet and a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie

BUILD = Path(__file__).resolve().parents[2] / "var" / "foreign-grids" / "build"
KINDS = {".js": "text/javascript", ".css": "text/css"}


class OneAtATime:
    """Answers one request after the other: all share the one connection to the database of the tests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._lock = Lock()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with self._lock:
            return self._get_response(request)


@ensure_csrf_cookie
def show(request: HttpRequest, name: str) -> HttpResponse:
    """The page of one product."""
    return HttpResponse(
        f'<!doctype html><html lang="en"><title>{name}</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="/built/{name}.css">'
        f'<body><div id="flights" style="height: 600px"></div><script src="/built/{name}.js"></script></body></html>'
    )


def built(request: HttpRequest, name: str) -> HttpResponseBase:
    """A file that the set-up bundled; a product without a style sheet of its own has an empty one."""
    file = BUILD / Path(name).name
    kind = KINDS[file.suffix]
    if file.suffix == ".css" and not file.exists():
        return HttpResponse(content_type=kind)
    return FileResponse(file.open("rb"), content_type=kind)


urlpatterns = [
    path("gridkit/", include("gridkit_django.urls")),
    path("show/<name>/", show),
    path("built/<name>", built),
]
