"""Consent to the plugins that come along with another one: each with what it asks for, as it was shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import AdminSite
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.plugin_page import tab_url
from gridkit_django.marketplace import client
from gridkit_django.models import CatalogEntry, InstalledPlugin
from gridkit_django.plugins.permission_texts import permission_text


@dataclass(frozen=True, slots=True)
class Need:
    """A plugin that another one needs.

    Attributes:
        plugin_id: its id.
        versions: the range that is needed; empty for any.
        address: its page in the marketplace, or in this site; empty when it is in neither.
        installed: the version in use; None when it is not installed.
    """

    plugin_id: str
    versions: str
    address: str
    installed: str | None


def needs_of(release: client.RemoteRelease, site: AdminSite) -> list[Need]:
    """Return what a release needs beside it, with where to read about each."""
    pairs = [item.partition(" ") for item in release.peer_plugins]
    names = [pair[0] for pair in pairs]
    listed = set(CatalogEntry.objects.filter(plugin_id__in=names).values_list("plugin_id", flat=True))
    installed = InstalledPlugin.objects.filter(plugin_id__in=names).select_related("current_version")
    rows = {row.plugin_id: row for row in installed}
    market = reverse(f"{site.name}:gridkit_marketplace_plugin")
    found = []
    for name, _gap, versions in pairs:
        row = rows.get(name)
        address = tab_url(row, site) if row is not None else ""
        if name in listed:
            address = f"{market}?{urlencode({'id': name})}"
        used = row.current_version.version if row is not None and row.current_version is not None else None
        found.append(Need(name, versions.strip(), address, used))
    return found


class PeersForm(forms.Form):
    """Which permissions each plugin that comes along is granted.

    Args:
        peers: the plugins, in the order of their installation.
        rights: the plugin rights of the user; whoever may not grant is not asked.
    """

    prefix = "peers"

    def __init__(self, *args: Any, peers: Sequence[client.PeerPlan], rights: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._peers = peers
        for number, peer in enumerate(peers):
            if peer.asks_for and "grant_plugin" in rights:
                self.fields[f"grants-{number}"] = forms.MultipleChoiceField(
                    label=f"{peer.plugin_id} {peer.release.version}",
                    required=False,
                    widget=forms.CheckboxSelectMultiple,
                    initial=list(peer.asks_for),
                    choices=[(name, f"{name}: {permission_text(name)}") for name in peer.asks_for],
                )

    @property
    def shown(self) -> str:
        """What the page shows, to be sent back with it."""
        return " ".join(f"{peer.plugin_id}=={peer.release.version}" for peer in self._peers)

    def clean(self) -> None:
        """Refuse when others would come along than those that were shown.

        Raises:
            ValidationError: when the plan is another one by now.
        """
        if self.data.get("peers-shown", "") != self.shown:
            raise forms.ValidationError(
                _("Other plugins would come along by now than those you have read about. Read them, then go on."),
                code="peers-changed",
            )

    def agreed(self) -> list[dict[str, Any]]:
        """Return what was agreed to, as the operation takes it."""
        return [
            {
                "id": peer.plugin_id,
                "version": peer.release.version,
                "grants": list(self.cleaned_data.get(f"grants-{number}", ())),
            }
            for number, peer in enumerate(self._peers)
        ]
