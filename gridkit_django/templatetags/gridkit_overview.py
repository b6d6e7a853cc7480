"""``{% gridkit_overview %}``: the first page of GridKit in the admin. What waits for a person, and what is where.

The admin's own page of an app is one list by the alphabet. With two dozen entries it answers neither of the two
questions that bring people there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from django import template
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gridkit_django.models import (
    AuditDestination,
    AuditVerification,
    ExportJob,
    GrantDecision,
    InstalledPlugin,
    ListingReport,
    OutboxChannel,
    OutboxDeadLetter,
    PluginOperation,
    PluginPermissionGrant,
    PublisherKey,
    Release,
)

register = template.Library()

Words: TypeAlias = str | Promise
Entry: TypeAlias = dict[str, Any]
"""One model as Django's admin describes it to its own templates: ``object_name``, ``name``, ``admin_url``, …"""

LATELY = timedelta(days=7)
"""How long a failure stays on the page, when nobody has anything to decide about it."""
_BROKEN = ("quarantined", "suspended", "incompatible", "error", "degraded")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that waits for a person, or that went wrong.

    Attributes:
        model: name of the model whose list shows it; who may not see the list is told nothing.
        found: returns what is meant.
        words: returns the sentence for a number of them.
        question: what leads from the list of the model to just these.
        is_bad: whether something went wrong; else somebody has to decide.
    """

    model: str
    found: Callable[[], QuerySet[Any]]
    words: Callable[[int], str]
    question: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        title: what its models have in common.
        models: names of models, with what each one is in plain words.
    """

    title: Words
    models: Mapping[str, Words]


def _lately(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(created_at__gte=timezone.now() - LATELY)


WAITING = (
    Waiting(
        "InstalledPlugin",
        lambda: InstalledPlugin.objects.filter(desired_state="active", effective_state__in=_BROKEN),
        lambda n: ngettext("%d plugin does not run as it should", "%d plugins do not run as they should", n) % n,
        "desired_state__exact=active",
        is_bad=True,
    ),
    Waiting(
        "InstalledPlugin",
        lambda: PluginPermissionGrant.objects.filter(decision=GrantDecision.REQUESTED).values("plugin").distinct(),
        lambda n: ngettext("%d plugin asks for a permission", "%d plugins ask for permissions", n) % n,
    ),
    Waiting(
        "InstalledPlugin",
        lambda: InstalledPlugin.objects.filter(pending_version__isnull=False),
        lambda n: ngettext("%d new version waits for consent", "%d new versions wait for consent", n) % n,
    ),
    Waiting(
        "PluginOperation",
        lambda: _lately(PluginOperation.objects.filter(state="failed")),
        lambda n: ngettext("%d operation failed this week", "%d operations failed this week", n) % n,
        "state__exact=failed",
        is_bad=True,
    ),
    Waiting(
        "ExportJob",
        lambda: _lately(ExportJob.objects.filter(state="failed")),
        lambda n: ngettext("%d export failed this week", "%d exports failed this week", n) % n,
        "state__exact=failed",
        is_bad=True,
    ),
    Waiting(
        "AuditVerification",
        lambda: AuditVerification.objects.filter(pk__in=_last_verification(), state="faulty"),
        lambda n: str(_("The last verification of the audit trail found something wrong")),
        "state__exact=faulty",
        is_bad=True,
    ),
    Waiting(
        "AuditDestination",
        lambda: AuditDestination.objects.filter(state="parked"),
        lambda n: ngettext("%d audit destination is parked", "%d audit destinations are parked", n) % n,
        "state__exact=parked",
        is_bad=True,
    ),
    Waiting(
        "OutboxChannel",
        lambda: OutboxChannel.objects.filter(state="held"),
        lambda n: ngettext("%d outbox channel is held", "%d outbox channels are held", n) % n,
        "state__exact=held",
        is_bad=True,
    ),
    Waiting(
        "OutboxDeadLetter",
        OutboxDeadLetter.objects.all,
        lambda n: ngettext("%d message could not be delivered", "%d messages could not be delivered", n) % n,
        is_bad=True,
    ),
    Waiting(
        "Release",
        lambda: Release.objects.filter(state="quarantined"),
        lambda n: ngettext("%d release waits for review", "%d releases wait for review", n) % n,
        "state__exact=quarantined",
    ),
    Waiting(
        "PublisherKey",
        lambda: PublisherKey.objects.filter(state="new"),
        lambda n: ngettext("%d key of a publisher is new", "%d keys of publishers are new", n) % n,
        "state__exact=new",
    ),
    Waiting(
        "ListingReport",
        lambda: ListingReport.objects.filter(closed=False),
        lambda n: ngettext("%d report about a plugin is open", "%d reports about plugins are open", n) % n,
        "closed__exact=0",
    ),
)

SECTIONS = (
    Section(
        _("Plugins on this site"),
        {
            "InstalledPlugin": _("What is installed: state, settings, permissions, versions"),
            "Marketplace": _("Find plugins, look at them, and install them"),
            "PluginOperation": _("Installations, updates and the like, with their log"),
            "HealthCheckResult": _("How plugins did when they were asked how they are"),
            "RuntimeProcess": _("Which web and worker processes run which plugins"),
            "PluginRemains": _("Data of plugins that are no longer installed"),
        },
    ),
    Section(
        _("Grids and exports"),
        {
            "RegisteredGrid": _("The grids of this site, and who may do what in them"),
            "SavedView": _("Views that people keep and share"),
            "ExportJob": _("Files that people asked for: progress, failures, downloads"),
            "ExportSchedule": _("Exports that come by themselves"),
        },
    ),
    Section(
        _("Audit trail"),
        {
            "AuditRecord": _("Who changed what, when and why"),
            "AuditVerification": _("Proofs that no record was changed or taken away"),
            "AuditDestination": _("Where the trail is sent on to"),
            "AuditSubjectKey": _("Keys of people; destroying one makes their data unreadable"),
            "AuditHold": _("Records that must not be removed for now"),
            "AuditPurge": _("What was removed because its time was over"),
        },
    ),
    Section(
        _("Messages to the outside"),
        {
            "OutboxChannel": _("What plugins send, how much waits, and why"),
            "OutboxDeadLetter": _("Messages that nobody took; send them again or discard them"),
        },
    ),
    Section(
        _("Your marketplace, as its operator"),
        {
            "Release": _("Versions that publishers handed in: review, publish, take back"),
            "Listing": _("The plugins that the marketplace shows"),
            "ListingReport": _("What people say is wrong with a plugin"),
            "Publisher": _("Who may publish, and whose identity is proved"),
            "PublisherKey": _("Keys that releases are signed with"),
            "PublisherToken": _("Access of publishers' tools to the API"),
            "MarketAdvisory": _("Warnings about versions, and their withdrawal"),
        },
    ),
)
"""Where each model stands, and what it is in plain words."""


def _last_verification() -> QuerySet[Any]:
    return AuditVerification.objects.order_by("-requested_at").values("pk")[:1]


@register.inclusion_tag("admin/gridkit_django/overview.html")
def gridkit_overview(app_list: list[dict[str, Any]]) -> dict[str, Any]:
    """Show what waits for a person, and the models by what they are about.

    Args:
        app_list: what Django's admin found that the user may see of this app.
    """
    entries = {entry["object_name"]: entry for app in app_list for entry in app["models"]}
    if "InstalledPlugin" in entries:
        entries["Marketplace"] = {"name": _("Marketplace"), "admin_url": reverse("admin:gridkit_marketplace")}
    return {"waiting": _waiting(entries), "sections": _sections(entries)}


def _waiting(entries: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """Return what waits, in the lists that the user may see; what went wrong first."""
    lines = [_line(kind, entries[kind.model]) for kind in WAITING if entries.get(kind.model, {}).get("admin_url")]
    return sorted((line for line in lines if line["count"]), key=lambda line: not line["is_bad"])


def _line(kind: Waiting, entry: Entry) -> dict[str, Any]:
    count = kind.found().count()
    url = f"{entry['admin_url']}?{kind.question}" if kind.question else entry["admin_url"]
    return {"count": count, "text": kind.words(count), "url": url, "is_bad": kind.is_bad}


def _sections(entries: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """Return the sections that hold something for the user; a model that no section names stands in the last one."""
    named = {name for section in SECTIONS for name in section.models}
    found = [(part.title, [(entries[n], text) for n, text in part.models.items() if n in entries]) for part in SECTIONS]
    more = [(entry, "") for name, entry in entries.items() if name not in named]
    return [{"title": title, "rows": rows} for title, rows in [*found, (_("More"), more)] if rows]
