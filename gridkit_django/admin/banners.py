"""What waits for an administrator, told above the list of plugins."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gridkit_django.admin.plugin_page import tab_url
from gridkit_django.conf import settings
from gridkit_django.marketplace import client
from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing to know or to decide.

    Attributes:
        text: what it is.
        links: label and address of each page where it is decided.
    """

    text: str
    links: tuple[tuple[str, str], ...] = ()


def banners(site: AdminSite) -> list[Banner]:
    """Return what waits: safe mode, permissions that plugins ask for, versions that wait for consent."""
    found = [_safe_mode(), _requests(site), _consents(site)]
    return [*_advisories(site), *(banner for banner in found if banner is not None)]


def _advisories(site: AdminSite) -> list[Banner]:
    """Return what marketplaces say against versions that are in use."""
    return [
        Banner(
            _("%(plugin)s %(version)s: %(reason)s (advisory %(id)s, %(action)s)")
            % {
                "plugin": _name(row),
                "version": row.current_version.version if row.current_version else "",
                "reason": item.reason,
                "id": item.id,
                "action": item.action.value,
            },
            ((str(row), tab_url(row, site, "versions")),),
        )
        for row, item in client.advising.installed_advisories()
    ]


def _safe_mode() -> Banner | None:
    if not settings().PLUGINS_SAFE_MODE:
        return None
    text = _(
        "Safe mode: this process runs no plugin, and what you decide here counts once it is over. "
        "It ends when PLUGINS_SAFE_MODE is taken out of the site's settings."
    )
    return Banner(text)


def _requests(site: AdminSite) -> Banner | None:
    asked = PluginPermissionGrant.objects.filter(decision=GrantDecision.REQUESTED)
    plugins = InstalledPlugin.objects.filter(pk__in=asked.values("plugin"))
    links = _links(site, plugins, "permissions")
    if not links:
        return None
    text = ngettext("%(count)d plugin asks for a permission.", "%(count)d plugins ask for permissions.", len(links)) % {
        "count": len(links)
    }
    return Banner(text, links)


def _consents(site: AdminSite) -> Banner | None:
    links = _links(site, InstalledPlugin.objects.filter(pending_version__isnull=False), "versions")
    if not links:
        return None
    text = ngettext(
        "%(count)d new version waits for consent.", "%(count)d new versions wait for consent.", len(links)
    ) % {"count": len(links)}
    return Banner(text, links)


def _links(site: AdminSite, plugins: QuerySet[InstalledPlugin], tab: str) -> tuple[tuple[str, str], ...]:
    found = plugins.select_related("current_version").order_by("plugin_id")
    return tuple((_name(plugin), tab_url(plugin, site, tab)) for plugin in found)


def _name(plugin: InstalledPlugin) -> str:
    manifest = plugin.current_version.manifest if plugin.current_version else {}
    return str(manifest.get("name", plugin.plugin_id))
