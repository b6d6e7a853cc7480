"""Dead letters in the admin: why each was refused, what it says to whoever may read it, and another try."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from gridkit_django.admin.outbox_rights import MANAGE, SEE, looks_after, may_manage, plugins_of, within
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering, may
from gridkit_django.models import InstalledPlugin, OutboxDeadLetter
from gridkit_django.plugins import plugin_manager

_SECRET = ("shown_payload", "shown_response")
_CHOSEN_MAX = 500


class OutboxDeadLetterAdmin(ReadOnlyAdmin[OutboxDeadLetter]):
    """The dead letters of all plugins that the reader looks after, newest first."""

    list_display = ("died_at", "place", "key", "cause")
    list_filter = (("plugin", admin.RelatedOnlyFieldListFilter), "channel", "status", "died_at")
    search_fields = ("key", "reason", "channel", "plugin__plugin_id")
    list_select_related = ("plugin",)
    date_hierarchy = "died_at"
    actions = ("replay_them",)
    readonly_fields = (
        "plugin", "channel", "key", "reason", "status", "shown_response", "shown_payload", "size", "attempts",
        "put_at", "died_at",
    )  # fmt: skip
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxDeadLetter]:
        """Leave out the plugins that the reader does not look after."""
        return super().get_queryset(request).filter(within(request, all_of_them=super().has_view_permission(request)))

    def has_view_permission(self, request: HttpRequest, obj: OutboxDeadLetter | None = None) -> bool:
        """Whoever may view dead letters, and for single plugins whoever has a right on their outbox."""
        if super().has_view_permission(request, obj):
            return True
        return looks_after(request, obj.plugin) if obj is not None else bool(plugins_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever sees dead letters sees the way to them."""
        return super().has_module_permission(request) or self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: OutboxDeadLetter | None = None) -> bool:
        """Whoever manages the outbox of the plugin."""
        if obj is not None:
            return may(request, MANAGE, obj.plugin)
        return may(request, MANAGE) or any(may(request, MANAGE, plugin) for plugin in InstalledPlugin.objects.all())

    def get_fields(self, request: HttpRequest, obj: OutboxDeadLetter | None = None) -> list[Any]:
        """Leave out what the message says for readers without the right to it."""
        if obj is not None and may(request, SEE, obj.plugin):
            return list(self.fields)
        return [name for name in self.fields if name not in _SECRET]

    def get_urls(self) -> list[URLPattern]:
        """Add another try of one letter."""
        replay = self.admin_site.admin_view(require_POST(self.replay_one))
        return [path("<int:pk>/replay/", replay, name="gridkit_outbox_replay"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one letter, and say why its payload is not to be seen where it is not."""
        letter = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if letter is not None:
            more = {
                "may_manage": may(request, MANAGE, letter.plugin),
                "is_withheld": not may(request, SEE, letter.plugin),
            }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def replay_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put one letter back into its channel.

        Raises:
            PermissionDenied: when the user may not change the outbox of this plugin.
        """
        letter = get_object_or_404(self.get_queryset(request), pk=pk)
        if not may(request, MANAGE, letter.plugin):
            raise PermissionDenied
        self._replay(request, OutboxDeadLetter.objects.filter(pk=pk), {"keys": [letter.key]})
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:gridkit_django_outboxdeadletter_changelist"))

    def delete_model(self, request: HttpRequest, obj: OutboxDeadLetter) -> None:
        """Discard it through the service, which records it."""
        self.delete_queryset(request, OutboxDeadLetter.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OutboxDeadLetter]) -> None:
        """Discard them through the service, which records it.

        Raises:
            PermissionDenied: when one of them belongs to a plugin whose outbox the user may not change.
        """
        if not may_manage(request, queryset):
            raise PermissionDenied
        with administering(request):
            plugin_manager().discard_dead_letters(queryset, evidence=_chosen(queryset))

    @admin.display(description=_("channel"), ordering="channel")
    def place(self, letter: OutboxDeadLetter) -> SafeString:
        """Show the channel above the plugin's id."""
        return format_html('{}<br><small class="gridkit-quiet">{}</small>', letter.channel, letter.plugin.plugin_id)

    @admin.display(description=_("reason"))
    def cause(self, letter: OutboxDeadLetter) -> str:
        """Show the beginning of the reason."""
        return letter.reason[:120]

    @admin.display(description=_("payload"))
    def shown_payload(self, letter: OutboxDeadLetter) -> SafeString:
        """Show what the message says."""
        return format_html("<pre>{}</pre>", json.dumps(json.loads(letter.payload), indent=2, ensure_ascii=False))

    @admin.display(description=_("last response or error"))
    def shown_response(self, letter: OutboxDeadLetter) -> SafeString:
        """Show what the server answered."""
        return format_html("<pre>{}</pre>", letter.response or "-")

    @admin.action(description=_("Replay the selected dead letters"), permissions=["view"])
    def replay_them(self, request: HttpRequest, queryset: QuerySet[OutboxDeadLetter]) -> None:
        """Put the selected letters back into their channels; all of a search when all are selected."""
        if not may_manage(request, queryset):
            raise PermissionDenied
        self._replay(request, queryset, _chosen(queryset))

    def _replay(self, request: HttpRequest, letters: QuerySet[OutboxDeadLetter], evidence: Mapping[str, Any]) -> None:
        with administering(request):
            number = plugin_manager().replay_dead_letters(letters, evidence=evidence)
            text = ngettext("%d message waits again.", "%d messages wait again.", number) % number
            self.message_user(request, text, messages.SUCCESS)


def _chosen(queryset: QuerySet[OutboxDeadLetter]) -> dict[str, Any]:
    """Return which letters were chosen, where they can be named in a record."""
    keys = list(queryset.order_by("pk").values_list("key", flat=True)[: _CHOSEN_MAX + 1])
    return {"keys": keys} if len(keys) <= _CHOSEN_MAX else {}
