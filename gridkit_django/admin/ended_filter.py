"""A filter of lists by whether something has come to its end, in words of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OPEN, ENDED = "open", "ended"


class EndedFilter(admin.SimpleListFilter):
    """Narrows a list by a moment that is NULL until the end.

    Attributes:
        moment: the field.
        words: what rows are called before and after it.
    """

    title = _("state")
    parameter_name = "state"
    moment: str
    words: tuple[str | Promise, str | Promise]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the two choices."""
        return [(value, str(word)) for value, word in zip((OPEN, ENDED), self.words, strict=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that were chosen."""
        if self.value() not in (OPEN, ENDED):
            return queryset
        return queryset.filter(**{f"{self.moment}__isnull": self.value() == OPEN})


class KeyState(EndedFilter):
    """Keys of subjects: in use, or destroyed."""

    moment = "erased_at"
    words = (_("in use"), _("destroyed"))


class HoldState(EndedFilter):
    """Legal holds: they stand, or were released."""

    moment = "released_at"
    words = (_("stands"), _("released"))
