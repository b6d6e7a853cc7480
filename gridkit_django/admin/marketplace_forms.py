"""What is asked on the page of a plugin of a marketplace before it is installed or updated."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from gridkit_django.admin.canary_form import CanaryForm
from gridkit_django.admin.install import ConsentForm
from gridkit_django.admin.marketplace_peers import PeersForm
from gridkit_django.admin.schema_forms import SchemaForm
from gridkit_django.admin.verbs import rights_of
from gridkit_django.marketplace import client
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins.remote import PREFIX


class InstallForms:
    """Consent, configuration, what comes along, and how an update comes: as far as the user may decide about each.

    Args:
        request: what was sent, on POST; and the user.
        plan: what would be installed.
        plugin: the row of the plugin that would be updated; None for an installation.
    """

    def __init__(self, request: HttpRequest, plan: client.InstallPlan, plugin: InstalledPlugin | None) -> None:
        data = request.POST if request.method == "POST" else None
        rights, release = rights_of(request, plugin), plan.release
        asks_config = release is not None and plugin is None and "configure_plugin" in rights
        schema = release.config_schema if release is not None and asks_config else {}
        self._plan = plan
        self.consent = ConsentForm(
            data, permissions=plan.asks_for, user=request.user, rights=rights, starts=plugin is None
        )
        self.config = SchemaForm(data, schema=schema, values={}, prefix="config")
        self.peers = PeersForm(data, peers=plan.peers, rights=rights_of(request))
        self.canary = CanaryForm(data, side_by_side=release is None or release.canary.side_by_side)
        trial = (self.canary,) if plan.installed else ()
        self._asked = (self.consent, self.config, self.peers, *trial)

    @property
    def are_filled_in(self) -> bool:
        """Whether all was sent, and is in order."""
        return self._plan.release is not None and all(form.is_valid() for form in self._asked)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the operation is asked for with, once all is filled in."""
        release, consent = self._plan.chosen(), self.consent
        asked = {"version": release.version, "grants": consent.granted, "peers": self.peers.agreed()}
        if self._plan.installed:
            return {**asked, **self.canary.arguments}
        source = f"{PREFIX}{self._plan.listing.id}"
        return {**asked, "source": source, "activate": consent.is_activated, "config": self.config.values()}

    @property
    def context(self) -> dict[str, Any]:
        """The forms as the page shows them."""
        shown = {"consent": self.consent, "config": self.config, "peers": self.peers, "canary": self.canary}
        return {**shown, "has_errors": any(form.errors for form in self._asked)}
