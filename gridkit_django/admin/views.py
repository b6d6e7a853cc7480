"""Saved views in the admin: who keeps which view of which grid, and a way to delete one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.people import login_name
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids import open_grid
from gridkit_django.grids.state_gate import open_state
from gridkit_django.grids.views import remove_view
from gridkit_django.models import SavedView


class SavedViewAdmin(ReadOnlyAdmin[SavedView]):
    """The views of all people. Only owners change them; who may delete views may delete anybody's."""

    list_display = ("name", "grid", "owner", "scope", "group", "is_default", "changed_at")
    list_filter = ("scope", "is_default", "grid", "group", "changed_at")
    search_fields = ("name", "grid", login_name("owner"), "group__name")
    list_select_related = ("owner", "group")
    date_hierarchy = "changed_at"
    fields = (
        "name",
        "grid",
        "owner",
        "scope",
        "group",
        "is_default",
        "state",
        "dropped",
        "state_version",
        "created_at",
        "changed_at",
    )
    readonly_fields = fields

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> SavedView | None:
        """Return a view; its state is shown as far as the reader may see it in the grid (one gate)."""
        view = super().get_object(request, object_id, from_field)
        if view is not None:
            view.state, view.dropped = _as_seen(view, request)  # type: ignore[attr-defined]
        return view

    @admin.display(description=_("does not exist for you"))
    def dropped(self, view: SavedView) -> str:
        """Show where the state names what does not exist, or not for the reader."""
        return ", ".join(view.dropped) or "-"  # type: ignore[attr-defined]

    def has_delete_permission(self, request: HttpRequest, obj: SavedView | None = None) -> bool:
        """Whoever may delete saved views."""
        return bool(request.user.has_perm("gridkit_django.delete_savedview"))

    def delete_model(self, request: HttpRequest, obj: SavedView) -> None:
        """Delete one through the service, so that it is told."""
        with holding(request_act(request, EventSource.ADMIN)):
            remove_view(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SavedView]) -> None:
        """Delete several through the service, so that each is told."""
        for view in queryset:
            self.delete_model(request, view)


def _as_seen(view: SavedView, request: HttpRequest) -> tuple[Any, tuple[str, ...]]:
    """Return the state of a view and what fell away; nothing is shown of a grid that the reader may not open."""
    try:
        opened = open_state(open_grid(view.grid, request.user), view.state, view.state_version)
    except GridNotFoundError:
        return {}, ()
    return opened.state.to_dict(), opened.dropped
