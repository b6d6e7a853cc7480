"""Whether a plugin fits this site: the core's version, its peers, and the plugins it can't live with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridkit_django import __version__
from gridkit_django.exceptions import ErrorItem, PluginIncompatibleError, PluginStateError
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
    faults = [*_peer_faults(metadata, others), *_conflict_faults(metadata, others)]
    if faults:
        text = "; ".join(item.detail for item in faults)
        raise PluginIncompatibleError(f"{metadata.id} {metadata.version} can't be active here: {text}.", errors=faults)


def dependents(plugin_id: str, active: Iterable[PluginMetadata]) -> tuple[str, ...]:
    """Return the ids of the active plugins that need ``plugin_id`` as a peer, sorted."""
    return tuple(sorted(other.id for other in active if plugin_id in {peer for peer, _ in other.peers}))


def check_unneeded(plugin_id: str, active: Iterable[PluginMetadata]) -> None:
    """Let a plugin be taken away, or refuse.

    Raises:
        PluginStateError: when active plugins need it; the text names them.
    """
    needed_by = dependents(plugin_id, active)
    if needed_by:
        raise PluginStateError(f"{plugin_id} is needed by {', '.join(needed_by)}. Deactivate these first.")


def misfit(metadata: PluginMetadata, plan: Plan) -> PluginIncompatibleError:
    """Return the error that says why the plan holds a plugin, with one item in ``errors`` for each reason."""
    return _incompatible(metadata, plan.held.get(metadata.id, ()))


def _incompatible(metadata: PluginMetadata, reasons: Iterable[PlanReason]) -> PluginIncompatibleError:
    faults = [_fault(item.pointer, item.detail) for item in reasons]
    text = "; ".join(item.detail for item in faults)
    return PluginIncompatibleError(f"{metadata.id} {metadata.version} can't be active here: {text}.", errors=faults)


def _peer_faults(metadata: PluginMetadata, others: Mapping[str, PluginMetadata]) -> Iterable[ErrorItem]:
    for peer, versions in metadata.peers:
        found = others.get(peer)
        if found is None:
            yield _fault("/peer_plugins", f"it needs {peer}, which is not active")
        elif not admits(versions, found.version):
            yield _fault("/peer_plugins", f"it needs {peer} {versions}, and {found.version} is active")


def _conflict_faults(metadata: PluginMetadata, others: Mapping[str, PluginMetadata]) -> Iterable[ErrorItem]:
    for key, other in sorted(others.items()):
        if key in metadata.incompatible_with or metadata.id in other.incompatible_with:
            yield _fault("/incompatible_with", f"it can't be active together with {key}")


def _fault(pointer: str, detail: str) -> ErrorItem:
    return ErrorItem(pointer, PluginIncompatibleError.code, detail)
