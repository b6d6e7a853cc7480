"""A ModelAdmin that shows and never writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

M = TypeVar("M", bound=Model)


if TYPE_CHECKING:
    Typed = admin.ModelAdmin
else:

    class Typed(admin.ModelAdmin, Generic[M]):
        """Django's class takes a model in brackets for type checkers only; this one does while it runs too."""


class ReadOnlyAdmin(Typed[M]):
    """Rows are facts that services write; the admin shows them to whoever may view them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: services make these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Refuse: services change these rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Refuse: services remove these rows."""
        return False
