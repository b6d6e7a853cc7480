"""The versions of a plugin: what runs, what waits for consent, what lies at the source, what can be rolled back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.canary_form import CanaryForm
from gridkit_django.conf import settings
from gridkit_django.marketplace import client
from gridkit_django.models import AutoUpdate, InstalledPlugin, OperationState, PluginOperation, PluginSource
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.canaries import CANARY
from gridkit_django.plugins.known_good import find_known_good
from gridkit_django.plugins.permission_texts import permission_text
from gridkit_django.plugins.version_figures import figures_by_version


class ConsentToUpdate(forms.Form):
    """Which of the permissions that a new version asks for are granted with it.

    Args:
        permissions: what it asks for and nobody decided about.
    """

    grants = forms.MultipleChoiceField(
        label=_("Permissions to grant"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, permissions: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grants = self.fields["grants"]
        grants.initial = list(permissions)
        if isinstance(grants, forms.MultipleChoiceField):
            grants.choices = [(name, f"{name}: {permission_text(name)}") for name in permissions]


def running_trial(plugin_id: str) -> PluginOperation | None:
    """Return the operation whose new version one process tries now, or None."""
    rows = PluginOperation.objects.filter(plugin_id=plugin_id, state=OperationState.RUNNING, step=CANARY)
    return rows.exclude(canary={}).first()


def versions(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the page of versions."""
    manager = plugin_manager()
    update = next((item for item in manager.check_updates() if item.plugin_id == plugin.plugin_id), None)
    pending = manager.get_plugin(plugin.plugin_id).pending
    from_market = plugin.source == PluginSource.MARKETPLACE
    return {
        "figures": figures_by_version(plugin.plugin_id),
        "versions": manager.list_versions(plugin.plugin_id),
        "update": update,
        "pending": pending,
        "auto_update": client.auto_update.plan_auto_update(plugin) if from_market else None,
        "canary": CanaryForm() if from_market else None,
        "trial": running_trial(plugin.plugin_id),
        "policies": AutoUpdate.choices,
        "storage": manager.look_at_storage(plugin.plugin_id),
        "site_policy": AutoUpdate(settings().AUTO_UPDATE).label,
        "known_good": find_known_good(plugin.plugin_id),
        "consent": ConsentToUpdate(permissions=pending.asks_for) if pending is not None else None,
    }
