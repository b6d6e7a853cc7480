"""``{% gridkit_assets %}`` and ``{% gridkit_grid "flights" %}``: a grid on any page of a project.

The grid arrives as a plain HTML table of its first page, with links to sort and to turn pages, so it works without
JavaScript; the ``<gridkit-grid>`` element then takes over.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings as django_settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from gridkit_django.conf import settings
from gridkit_django.exceptions import GridError
from gridkit_django.grids import Column, GridAccess, GridQuery, RowsPage, fetch_rows, open_grid

register = template.Library()

_NUMBERS = frozenset({"integer", "decimal", "float"})
_PARAMETERS = ("sort", "search", "after", "before")


@register.simple_tag
def gridkit_assets() -> SafeString:
    """Return the style sheet and the script of the element; once on a page, in its head."""
    return format_html(
        '<link rel="stylesheet" href="{}"><script type="module" src="{}"></script>',
        static("gridkit/gridkit.css"),
        static("gridkit/gridkit.js"),
    )


@register.inclusion_tag("gridkit/element.html", takes_context=True)
def gridkit_grid(context: template.RequestContext, grid_id: str) -> dict[str, Any]:
    """Put a grid on the page.

    Args:
        context: the template's context; it must hold ``request`` (Django's request context processor).
        grid_id: id of the grid.

    Raises:
        GridNotFoundError: when the grid does not exist or the user may not open it.
    """
    request: HttpRequest = context["request"]
    access = open_grid(grid_id, request.user)
    given = {name: request.GET[name] for name in _PARAMETERS if request.GET.get(name)}
    page, problem = _first_page(access, given)
    return {
        "access": access,
        "src": reverse("gridkit:grid-schema", args=[grid_id]).removesuffix("schema/"),
        "csrf_cookie": _readable_csrf_cookie(),
        "csrf_token": context.get("csrf_token", ""),
        "login_url": _login_url(request),
        "problem": problem,
        "headings": [_heading(column, given) for column in access.columns],
        "rows": [[_cell(column, row.data[column.id]) for column in access.columns] for row in page.rows],
        "searchable": any(name in access.by_id for name in access.options.search),
        "given": given,
        "previous": _link(given, before=page.window.prev),
        "next": _link(given, after=page.window.next),
    }


def _readable_csrf_cookie() -> str:
    """Return the name of the cookie that scripts read the CSRF token from; nothing where they can't."""
    hidden = django_settings.CSRF_USE_SESSIONS or django_settings.CSRF_COOKIE_HTTPONLY
    return "" if hidden else django_settings.CSRF_COOKIE_NAME


def _login_url(request: HttpRequest) -> str:
    """Return where to sign in again, and come back to this page; nothing where the project has no such page."""
    try:
        url = resolve_url(django_settings.LOGIN_URL)
    except NoReverseMatch:
        return ""
    query = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _first_page(access: GridAccess, given: dict[str, str]) -> tuple[RowsPage, str]:
    """Return the asked page; a link that makes no sense gives the first page and says why."""
    try:
        return fetch_rows(access, _query(access, given)), ""
    except GridError as error:
        return fetch_rows(access, _query(access, {})), error.detail


def _query(access: GridAccess, given: dict[str, str]) -> GridQuery:
    """Make a query from the few parameters of a plain link: ``sort`` is a column id, ``-`` before it for descending."""
    window: dict[str, Any] = {"kind": "cursor", "size": access.options.page_size or settings().PAGE_SIZE}
    window.update({name: given[name] for name in ("after", "before") if name in given})
    query: dict[str, Any] = {"window": window, "count": "none"}
    if sort := given.get("sort"):
        query["sort"] = [{"col": sort.removeprefix("-"), "dir": "desc" if sort.startswith("-") else "asc"}]
    if search := given.get("search"):
        query["search"] = search
    return GridQuery.from_dict(query)


def _heading(column: Column, given: dict[str, str]) -> dict[str, Any]:
    sort = given.get("sort", "")
    sorted_by = {column.id: "ascending", f"-{column.id}": "descending"}.get(sort, "")
    target = f"-{column.id}" if sort == column.id else column.id
    href = _link(given, sort=target) if column.sortable else ""
    return {"label": str(column.label), "href": href, "sorted": sorted_by, "number": column.type in _NUMBERS}


def _link(given: dict[str, str], **changed: str | None) -> str:
    """Return a link to this page with one other parameter, or nothing when that parameter has no value."""
    if not all(changed.values()):
        return ""
    kept = {name: value for name, value in given.items() if name in {"sort", "search"}}
    return "?" + urlencode({**kept, **changed})


def _cell(column: Column, value: Any) -> dict[str, Any]:
    return {"text": _shown(column, value), "number": column.type in _NUMBERS}


def _shown(column: Column, value: Any) -> str:
    """Return a wire value for people, in the reader's language; times stay in the zone that the wire gives them in."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if column.type == "datetime":
        return date_format(datetime.fromisoformat(value), "SHORT_DATETIME_FORMAT")
    if column.type == "date":
        return date_format(date.fromisoformat(value), "SHORT_DATE_FORMAT")
    return str(value)
