"""The channels of the outbox in the admin: how full each is, why it waits, and what became of its messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from gridkit_django.admin.outbox_charts import hour_charts
from gridkit_django.admin.outbox_rights import MANAGE, SEE, looks_after, may_manage, plugins_of, within
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering, may
from gridkit_django.models import OutboxChannel
from gridkit_django.outbox.backlog import Backlog, with_backlog
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.outbox_list import ChannelInfo, describe_channel
from gridkit_django.templatetags.gridkit_admin import badge

_LOOKS = MappingProxyType(
    {"ready": "good", "waiting": "warn", "held": "bad", "paused": "plain", "stopped": "warn", "closed": "warn"}
)
_WORDS = MappingProxyType(
    {
        "ready": _("ready"),
        "waiting": _("waits to try again"),
        "held": _("held: waits for a person"),
        "paused": _("paused"),
        "stopped": _("plugin not at work"),
        "closed": _("not open"),
    }
)
_REASON_SHOWN = 160


def _pause(row: OutboxChannel) -> str:
    plugin_manager().pause_outbox_channel(row.plugin.plugin_id, row.name)
    return _now("Nothing is sent until somebody lets it go on.")


def _resume(row: OutboxChannel) -> str:
    plugin_manager().resume_outbox_channel(row.plugin.plugin_id, row.name)
    return _now("A worker was asked to send what waits.")


VERBS: Mapping[str, Callable[[OutboxChannel], str]] = MappingProxyType({"pause": _pause, "resume": _resume})
"""What can be done to a channel, by the name in the address; each returns what it tells."""


class OutboxChannelAdmin(ReadOnlyAdmin[OutboxChannel]):
    """The channels of all plugins that the reader looks after."""

    list_display = ("channel", "condition", "waiting", "oldest", "delivered", "otherwise")
    list_filter = ("state", "paused", "is_local", ("plugin", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "plugin__plugin_id", "state_reason")
    list_select_related = ("plugin",)
    actions = ("pause_them", "resume_them")
    readonly_fields = (
        "plugin", "name", "kind", "condition", "response", "waiting", "oldest", "next_try_at", "failures", "succeeded",
        "delivered", "again", "dead_letters", "expired", "dropped", "limits",
    )  # fmt: skip
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxChannel]:
        """Leave out the plugins that the reader does not look after; bring along what waits in each channel."""
        seen = within(request, all_of_them=super().has_view_permission(request))
        return with_backlog(super().get_queryset(request).filter(seen))

    def has_view_permission(self, request: HttpRequest, obj: OutboxChannel | None = None) -> bool:
        """Whoever may view channels, and for single plugins whoever has a right on their outbox."""
        if super().has_view_permission(request, obj):
            return True
        return looks_after(request, obj.plugin) if obj is not None else bool(plugins_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever sees channels sees the way to them."""
        return super().has_module_permission(request) or self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the verbs of the page of one channel."""
        act = self.admin_site.admin_view(require_POST(self.act_on))
        return [path("<int:pk>/do/<slug:verb>/", act, name="gridkit_outbox_do"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one channel, with charts and what can be done."""
        row = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if row is not None:
            more = {**hour_charts(row), "may_manage": may(request, MANAGE, row.plugin), "paused": row.paused}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def get_fields(self, request: HttpRequest, obj: OutboxChannel | None = None) -> list[Any]:
        """Leave out what a server answered: it may repeat messages, which take a right of their own."""
        shown = obj is not None and bool(obj.state_response) and may(request, SEE, obj.plugin)
        return [name for name in self.readonly_fields if shown or name != "response"]

    def act_on(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Carry out a verb and show the channel again.

        Raises:
            PermissionDenied: when the user may not change the outbox of this plugin.
        """
        row = get_object_or_404(self.get_queryset(request).select_related("plugin"), pk=pk)
        if verb not in VERBS or not may(request, MANAGE, row.plugin):
            raise PermissionDenied
        with administering(request):
            messages.success(request, VERBS[verb](row))
        return HttpResponseRedirect(
            reverse(f"{self.admin_site.name}:gridkit_django_outboxchannel_change", args=[row.pk])
        )

    @admin.display(description=_("channel"), ordering="plugin__plugin_id")
    def channel(self, row: OutboxChannel) -> SafeString:
        """Show the name above the plugin's id."""
        return format_html('{}<br><small class="gridkit-quiet">{}</small>', row.name, row.plugin.plugin_id)

    @admin.display(description=_("kind"))
    def kind(self, row: OutboxChannel) -> str:
        """Say whether messages leave the house."""
        return _now("local: the plugin itself takes the messages") if row.is_local else _now("to a server")

    @admin.display(description=_("state"), ordering="state")
    def condition(self, row: OutboxChannel) -> SafeString:
        """Show the state, all things considered; below it the beginning of the reason."""
        info = _info(row)
        look = "warn" if info.is_late else _LOOKS[info.state]
        shown = badge(look, str(_WORDS[info.state]))
        if not info.reason:
            return shown
        return format_html('{}<div class="gridkit-problem">{}</div>', shown, info.reason[:_REASON_SHOWN])

    @admin.display(description=_("last response or error"))
    def response(self, row: OutboxChannel) -> SafeString:
        """Show what the server answered."""
        return format_html("<pre>{}</pre>", row.state_response)

    @admin.display(description=_("waiting"), ordering="waiting_messages")
    def waiting(self, row: OutboxChannel) -> str:
        """Show how many messages wait, and their size."""
        backlog = _info(row).backlog
        if not backlog.messages:
            return "-"
        return f"{localize(backlog.messages)} ({filesizeformat(backlog.bytes)})"

    @admin.display(description=_("oldest"), ordering="waiting_since")
    def oldest(self, row: OutboxChannel) -> str:
        """Show how long the oldest has waited."""
        moment = _info(row).backlog.oldest_at
        return timesince(moment) if moment else "-"

    @admin.display(description=_("otherwise"))
    def otherwise(self, row: OutboxChannel) -> SafeString | str:
        """Show how many came to another end, where there are any."""
        words = (
            (row.again, ngettext("%(n)s tried again", "%(n)s tried again", row.again)),
            (row.dead, ngettext("%(n)s dead letter", "%(n)s dead letters", row.dead)),
            (row.expired, ngettext("%(n)s expired", "%(n)s expired", row.expired)),
            (row.dropped, ngettext("%(n)s dropped", "%(n)s dropped", row.dropped)),
        )
        told = [(text % {"n": localize(number)},) for number, text in words if number]
        return format_html_join(SafeString("<br>"), "{}", told) or "-"

    @admin.display(description=_("dead letters"))
    def dead_letters(self, row: OutboxChannel) -> SafeString:
        """Show how many there are now, with a way to them, and how many there ever were."""
        url = reverse(f"{self.admin_site.name}:gridkit_django_outboxdeadletter_changelist")
        query = urlencode({"plugin__id__exact": str(row.plugin_id), "channel": row.name})
        now, ever = localize(_info(row).backlog.dead), localize(row.dead)
        text = _now("%(now)s now, %(ever)s ever") % {"now": now, "ever": ever}
        return format_html('<a href="{}?{}">{}</a>', url, query, text)

    @admin.display(description=_("last success"), ordering="last_success_at")
    def succeeded(self, row: OutboxChannel) -> str:
        """Tell when something was delivered for the last time."""
        return f"{timezone.localtime(row.last_success_at):%Y-%m-%d %H:%M}" if row.last_success_at else "-"

    @admin.display(description=_("limits"))
    def limits(self, row: OutboxChannel) -> str:
        """Tell what the plugin asks for."""
        told = {
            "batch": localize(row.batch_max),
            "now": localize(row.batch_now),
            "size": filesizeformat(row.bytes_max),
            "most": localize(row.max_messages),
            "days": localize(round(row.max_age_seconds / 86_400, 1)),
        }
        return (
            _now(
                "%(batch)s messages or %(size)s in a batch (now %(now)s); %(most)s may wait, for %(days)s days at most"
            )
            % told
        )

    @admin.action(description=_("Pause"), permissions=["view"])
    def pause_them(self, request: HttpRequest, queryset: QuerySet[OutboxChannel]) -> None:
        """Send nothing of the selected channels for now."""
        self._each(request, queryset, _pause)

    @admin.action(description=_("Go on, and send now"), permissions=["view"])
    def resume_them(self, request: HttpRequest, queryset: QuerySet[OutboxChannel]) -> None:
        """Let the selected channels go on, whatever they wait for."""
        self._each(request, queryset, _resume)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[OutboxChannel], act: Callable[[OutboxChannel], str]
    ) -> None:
        if not may_manage(request, queryset):
            raise PermissionDenied
        for row in queryset:
            with administering(request):
                self.message_user(request, f"{row}: {act(row)}", messages.SUCCESS)


def _info(row: Any) -> ChannelInfo:
    """Return how a channel of ``with_backlog`` is."""
    backlog = Backlog(row.waiting_messages or 0, row.waiting_bytes or 0, row.waiting_since, row.dead_now or 0)
    return describe_channel(row, plugin_manager().runtime.live, backlog)
