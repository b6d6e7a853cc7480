"""Who sees and changes what of the outbox: by a right for all plugins, or on a single plugin."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from gridkit_django.admin.verbs import may
from gridkit_django.models import InstalledPlugin

SEE, MANAGE = "view_outbox", "manage_outbox"


def plugins_of(request: HttpRequest) -> list[int]:
    """Return the plugins whose outbox the user may look at by a right on the plugin."""
    return [plugin.pk for plugin in InstalledPlugin.objects.only("pk") if looks_after(request, plugin)]


def looks_after(request: HttpRequest, plugin: InstalledPlugin) -> bool:
    """Whether the user has a right on a plugin's outbox."""
    return may(request, SEE, plugin) or may(request, MANAGE, plugin)


def within(request: HttpRequest, *, all_of_them: bool) -> Q:
    """Return the condition on rows that belong to plugins, for this user.

    Args:
        request: whose user looks.
        all_of_them: whether Django's own right to view the model lets them see all.
    """
    return Q() if all_of_them else Q(plugin__in=plugins_of(request))


def may_manage(request: HttpRequest, rows: Any) -> bool:
    """Whether the user may change the outbox of each plugin that rows belong to."""
    if may(request, MANAGE):
        return True
    plugins = InstalledPlugin.objects.filter(pk__in=rows.order_by().values("plugin"))
    return all(may(request, MANAGE, plugin) for plugin in plugins)
