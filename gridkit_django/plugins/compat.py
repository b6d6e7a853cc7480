"""Whether a plugin fits this site: the core's version, its peers, and the plugins it can't live with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridkit_django import __version__
from gridkit_django.exceptions import ErrorItem, PluginIncompatibleError
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.plan import Plan, PlanReason
from gridkit_django.plugins.ranges import admits


def check_core(metadata: PluginMetadata, core_version: str = __version__) -> None:
    """Refuse a plugin that was made for another core.

    Raises:
        PluginIncompatibleError: names both versions.
    """
    if not admits(metadata.core_version, core_version):
        raise PluginIncompatibleError.at(
            "/core_version",
            f"{metadata.id} {metadata.version} works with GridKit {metadata.core_version}; this site runs "
            f"{core_version}. Install a version of the plugin that was made for it.",
        )


def check_neighbours(metadata: PluginMetadata, active: Iterable[PluginMetadata]) -> None:
    """Refuse a plugin whose peers are missing or that conflicts with an active one, in either direction.

    Args:
        metadata: the plugin.
        active: the plugins that are (or are wanted) active; the plugin itself plays no part.

    Raises:
        PluginIncompatibleError: with one item in ``errors`` for each fault.
    """
    others = {other.id: other for other in active if other.id != metadata.id}
    reasons = [*_peer_faults(metadata, others), *_conflict_faults(metadata, others)]
    if reasons:
        raise incompatible(f"{metadata.id} {metadata.version} can't be active here", reasons)


def misfit(metadata: PluginMetadata, plan: Plan) -> PluginIncompatibleError:
    """Return the error that says why the plan holds a plugin, with one item in ``errors`` for each reason."""
    return incompatible(f"{metadata.id} {metadata.version} can't be active here", plan.held.get(metadata.id, ()))


def incompatible(what: str, reasons: Iterable[PlanReason]) -> PluginIncompatibleError:
    """Return the error for ``what`` can't be, with one item in ``errors`` for each reason."""
    faults = [ErrorItem(item.pointer, PluginIncompatibleError.code, item.detail) for item in reasons]
    return PluginIncompatibleError(f"{what}: {'; '.join(item.detail for item in faults)}.", errors=faults)


def _peer_faults(metadata: PluginMetadata, others: Mapping[str, PluginMetadata]) -> Iterable[PlanReason]:
    for peer, versions in metadata.peers:
        found = others.get(peer)
        if found is None:
            yield PlanReason("/peer_plugins", f"it needs {peer}, which is not active")
        elif not admits(versions, found.version):
            yield PlanReason("/peer_plugins", f"it needs {peer} {versions}, and {found.version} is active")


def _conflict_faults(metadata: PluginMetadata, others: Mapping[str, PluginMetadata]) -> Iterable[PlanReason]:
    for key, other in sorted(others.items()):
        if key in metadata.incompatible_with or metadata.id in other.incompatible_with:
            yield PlanReason("/incompatible_with", f"it can't be active together with {key}")
