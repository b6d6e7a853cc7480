"""Grids in the admin: where rights on a single grid are granted, through django-guardian where it is installed."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.models import RegisteredGrid


class RegisteredGridAdmin(ReadOnlyAdmin[RegisteredGrid]):
    """The declared grids. The rows follow the code; only the rights on them are managed here."""

    list_display = ("label", "grid_id", "model_label", "page")
    search_fields = ("label", "grid_id", "model_label")

    @admin.display(description=_("page"))
    def page(self, grid: RegisteredGrid) -> SafeString | str:
        """Lead to the page of the grid, where the site has these pages."""
        try:
            url = reverse("gridkit:grid", args=[grid.grid_id])
        except NoReverseMatch:
            return "-"
        return format_html('<a href="{}">{} {}</a>', url, _("Open"), grid.label)


def registered_grid_admin() -> type[admin.ModelAdmin[RegisteredGrid]]:
    """Return the admin class; with django-guardian it also has the pages of object permissions."""
    if not apps.is_installed("guardian"):
        return RegisteredGridAdmin
    guarded = import_string("guardian.admin.GuardedModelAdminMixin")
    return type("GuardedRegisteredGridAdmin", (_ManagesRights, guarded, RegisteredGridAdmin), {})


class _ManagesRights:
    """Opens guardian's pages to whoever may change permissions: they hang on the change permission of the row."""

    change_form_template = "admin/guardian/model/change_form.html"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may change the rights of grids."""
        return bool(request.user.has_perm("gridkit_django.change_registeredgrid"))
