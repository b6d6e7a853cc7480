"""What the plugin manager is given of marketplaces: found in the local catalogue, installed by operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import GridKitError, ManifestError, MarketplaceError
from gridkit_django.marketplace import client
from gridkit_django.models import InstalledPlugin, OperationKind, OperationState, PluginOperation, PluginSource
from gridkit_django.plugins import AvailablePlugin, PluginSearchQuery, PluginUpdate, request_operation, run_operation
from gridkit_django.plugins.install import ALL
from gridkit_django.plugins.operation_run import OperationRun, Step
from gridkit_django.plugins.remote import PREFIX
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import User


class MarketplacePlugins:
    """The plugins of the marketplaces that this site installs from. See ``plugins.remote.RemotePlugins``."""

    def is_set_up(self) -> bool:
        """Whether the settings name a marketplace."""
        return bool(settings().MARKETPLACES)

    def recipe(self, run: OperationRun) -> Sequence[Step] | None:
        """Return the steps of an operation that needs a marketplace; None for all others."""
        return client.recipes.marketplace_recipe(run)

    def search(self, query: PluginSearchQuery) -> tuple[AvailablePlugin, ...]:
        """Return what the local catalogue has for a query."""
        return _available(client.search(query).plugins)

    def featured(self) -> tuple[AvailablePlugin, ...]:
        """Return the plugins that marketplaces put first."""
        return _available(client.featured())

    def updates(self) -> tuple[PluginUpdate, ...]:
        """Return the installed plugins of marketplaces for which there is a newer release that fits, by id."""
        rows = InstalledPlugin.objects.using(database()).filter(source=PluginSource.MARKETPLACE)
        found = (_update(row) for row in rows.order_by("plugin_id"))
        return tuple(item for item in found if item is not None)

    def install(
        self,
        plugin_id: str,
        *,
        version: str | None,
        config: Mapping[str, Any] | None,
        grants: str | Iterable[str],
        activate: bool,
        user: User | None,
        switch_anyway: bool = False,
    ) -> None:
        """Install a plugin in this process, and wait for it.

        Raises:
            MarketplaceError: why it could not be installed; ``extra["code"]`` is the reason's code.
        """
        given: dict[str, Any] = {
            "source": f"{PREFIX}{plugin_id}",
            "version": version,
            "config": config,
            "grants": grants if isinstance(grants, str) else list(grants),
            "activate": activate,
            "peers": _coming_along(plugin_id, version) if grants == ALL else None,
        }
        arguments = {key: value for key, value in given.items() if value is not None}
        kind = OperationKind.INSTALL
        _carry_out(request_operation(kind, plugin_id, arguments, user=user, switch_anyway=switch_anyway))

    def update(
        self,
        plugin_id: str,
        version: str | None,
        *,
        grants: Iterable[str],
        user: User | None,
        switch_anyway: bool = False,
        canary_seconds: int | None = None,
    ) -> None:
        """Update a plugin in this process, and wait for it.

        Args:
            plugin_id: which plugin.
            version: exactly this release; None for the newest that fits.
            grants: permissions to grant with it.
            user: who does it.
            switch_anyway: do not wait for hosts that do not have the files.
            canary_seconds: for how long one process tries it first; 0 for all at once, None for what the site does.

        Raises:
            MarketplaceError: why it could not be updated; ``extra["code"]`` is the reason's code.
        """
        given: dict[str, Any] = {"grants": list(grants), "version": version, "canary_seconds": canary_seconds}
        arguments = {key: value for key, value in given.items() if value is not None}
        kind = OperationKind.UPDATE
        _carry_out(request_operation(kind, plugin_id, arguments, user=user, switch_anyway=switch_anyway))

    def check_host(self, plugin_id: str, requires: Sequence[str]) -> None:
        """Refuse a plugin that needs what is not installed on this host.

        Raises:
            DependencyUnmetError: says what is missing.
        """
        client.dependencies.check_dependencies(requires, plugin_id)

    def check_kept(self, plugin_id: str, version: str) -> None:
        """Refuse to update to kept files of a release that this site has to wait for.

        Raises:
            ReleaseUnfitError: says until when.
        """
        client.age.check_kept_age(plugin_id, version)


def _carry_out(operation: PluginOperation) -> None:
    run_operation(operation.pk)
    operation.refresh_from_db()
    if operation.state != OperationState.FINISHED:
        raise MarketplaceError(
            operation.error_detail or "Another worker carries it out.",
            extra={"code": operation.error_code, "operation": str(operation.pk)},
        )


def _coming_along(plugin_id: str, version: str | None) -> list[dict[str, Any]]:
    """Agree to the plugins that the plan brings along; when there is no plan, the operation says why."""
    try:
        return client.parts.agreeing(client.make_install_plan(plugin_id, version), ALL)
    except GridKitError:
        return []


def _available(listings: Iterable[client.RemoteListing]) -> tuple[AvailablePlugin, ...]:
    installed = frozenset(InstalledPlugin.objects.using(database()).values_list("plugin_id", flat=True))
    return tuple(_describe(listing, installed) for listing in listings)


def _describe(listing: client.RemoteListing, installed: frozenset[str]) -> AvailablePlugin:
    ref = f"{PREFIX}{listing.id}"
    release = next((item for item in listing.versions if item.state == "published"), None)
    if release is None:
        return AvailablePlugin(PluginSource.MARKETPLACE, ref, reason="It has no release.", code="release-unfit")
    try:
        metadata = client.manifests.metadata_of(listing, release)
    except ManifestError as error:
        return AvailablePlugin(PluginSource.MARKETPLACE, ref, code=error.code, reason=error.detail)
    is_there = listing.id in installed
    return AvailablePlugin(PluginSource.MARKETPLACE, ref, metadata, release.config_schema, installed=is_there)


def _update(row: InstalledPlugin) -> PluginUpdate | None:
    """Return the newer release for a plugin, also one that does not fit, with the reason; None when there is none."""
    try:
        plan = client.make_install_plan(row.plugin_id)
    except GridKitError:
        return None  # it is not listed (any more), so nothing newer is known
    if not plan.verdicts:
        return None
    newest = plan.verdicts[0]
    return PluginUpdate(
        plugin_id=row.plugin_id,
        installed=plan.installed,
        available=plan.release.version if plan.release is not None else newest.version,
        ref=f"{PREFIX}{row.plugin_id}",
        asks_for=plan.asks_for,
        fits=plan.release is not None,
        reason="" if plan.release is not None else "; ".join(newest.reasons),
    )
