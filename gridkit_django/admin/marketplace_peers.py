"""Consent to the plugins that come along with another one: each with what it asks for, as it was shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gridkit_django.marketplace.client import PeerPlan
from gridkit_django.plugins.permission_texts import permission_text


class PeersForm(forms.Form):
    """Which permissions each plugin that comes along is granted.

    Args:
        peers: the plugins, in the order of their installation.
        rights: the plugin rights of the user; whoever may not grant is not asked.
    """

    prefix = "peers"

    def __init__(self, *args: Any, peers: Sequence[PeerPlan], rights: Collection[str], **kwargs: Any) -> None:
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
