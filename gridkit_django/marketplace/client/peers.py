"""The plugins that a plugin needs and that are not installed: which of their releases come along, in which order.

For each the newest release is taken that fits this site, the ranges of all that need it, and whose own peers can come,
too. The site as it would be is planned after each one, so conflicts and circles are named before anything is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.version import Version

from gridkit_django.exceptions import ManifestError, MarketplaceUnknownError
from gridkit_django.marketplace.client.catalogue import entry_of, listing_of
from gridkit_django.marketplace.client.manifests import metadata_of
from gridkit_django.marketplace.client.remotes import Remote, remote_of
from gridkit_django.marketplace.client.trusting import what_it_may_do
from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import ChangeKind, PlanChange, PluginMetadata
from gridkit_django.plugins.planning import plan_site
from gridkit_django.plugins.ranges import admits
from gridkit_django.plugins.savepoints import database

PEERS_MAX = 20
"""Plugins that may come along with one."""

LOOKS_MAX = 200
"""Releases that one plan looks at in search of peers."""

Judge = Callable[[Remote, RemoteListing, RemoteRelease, str | None], Iterator[str]]
Warner = Callable[[Remote, RemoteListing, RemoteRelease], Iterator[str]]


@dataclass(frozen=True, slots=True)
class PeerPlan:
    """A plugin that comes along because another one needs it.

    Attributes:
        listing: the plugin.
        marketplace: name of its marketplace in the settings.
        release: the release that would be taken.
        metadata: what its manifest says, by the words of the marketplace.
        needed_by: the plugin that needs it.
        versions: the range that is needed.
        warnings: what a person should know before.
    """

    listing: RemoteListing
    marketplace: str
    release: RemoteRelease
    metadata: PluginMetadata
    needed_by: str
    versions: str
    warnings: tuple[str, ...]

    @property
    def plugin_id(self) -> str:
        """Its id."""
        return self.listing.id

    @property
    def asks_for(self) -> tuple[str, ...]:
        """The permissions that it asks for."""
        return tuple(self.release.permissions)

    @property
    def sentence(self) -> str:
        """What it will be able to do, in plain words."""
        return what_it_may_do(self.listing.name, self.release.permissions)


class PeerSearch:
    """Looks for the missing peers of one plugin in the local catalogue.

    Args:
        judge: yields why a release can't be installed here, whatever its neighbours.
        warn: yields what a person should know about a release.
        versions: exactly these releases, by plugin id, where a person has agreed to them already.
    """

    def __init__(self, judge: Judge, warn: Warner, versions: Mapping[str, str] | None = None) -> None:
        self._judge = judge
        self._warn = warn
        self._versions = versions or {}
        self._looks = LOOKS_MAX
        self._installed = frozenset(InstalledPlugin.objects.using(database()).values_list("plugin_id", flat=True))

    def complete(
        self, metadata: PluginMetadata, path: tuple[str, ...], coming: tuple[PeerPlan, ...] = ()
    ) -> tuple[tuple[PeerPlan, ...], tuple[str, ...]]:
        """Return all that comes along, those that are needed first, and why that can't be.

        Args:
            metadata: whose peers are looked for.
            path: the plugins that led here, ending with this one.
            coming: what comes along already.
        """
        reasons: list[str] = []
        for peer, versions in metadata.peers:
            there = next((item for item in coming if item.plugin_id == peer), None)
            if peer in path:
                reasons.append(f"it needs itself: {' needs '.join((*path[path.index(peer) :], peer))}")
            elif there is not None and not admits(versions, there.release.version):
                reasons.append(
                    f"it needs {peer} {versions}, and {there.needed_by} needs {peer} {there.versions}: "
                    f"{there.release.version} would come along"
                )
            elif there is None and peer not in self._installed:
                coming, why = self._find(peer, versions, path, coming)
                reasons += [f"it needs {peer} {versions}, which is not installed, and {why}"] if why else []
        return coming, tuple(reasons)

    def _find(
        self, peer: str, versions: str, path: tuple[str, ...], coming: tuple[PeerPlan, ...]
    ) -> tuple[tuple[PeerPlan, ...], str]:
        """Return what comes along with a release of the peer added, or why none can."""
        try:
            remote = remote_of(peer)
        except MarketplaceUnknownError:
            return coming, "no marketplace of this site has it"
        entry = entry_of(peer)
        if entry is None:
            return coming, f"{remote.alias} does not list it"
        if len(coming) >= PEERS_MAX:
            return coming, f"{PEERS_MAX} plugins would come along already; install some of them first"
        listing = listing_of(entry)
        tried: list[str] = []
        for release in self._candidates(listing, versions):
            self._looks -= 1
            if self._looks < 0:
                return coming, f"{LOOKS_MAX} releases were looked at in vain; install some peers first"
            found, reasons = self._with(remote, listing, release, (*path, peer), coming)
            if not reasons:
                warnings = tuple(self._warn(remote, listing, release))
                plan = PeerPlan(
                    listing, remote.alias, release, metadata_of(listing, release), path[-1], versions, warnings
                )
                return (*found, plan), ""
            tried.append(f"{release.version}: {', '.join(reasons)}")
        return coming, f"no release of it fits ({'; '.join(tried[:3]) or 'none is in that range'})"

    def _with(
        self,
        remote: Remote,
        listing: RemoteListing,
        release: RemoteRelease,
        path: tuple[str, ...],
        coming: tuple[PeerPlan, ...],
    ) -> tuple[tuple[PeerPlan, ...], tuple[str, ...]]:
        """Return what comes before a release of a peer, and why the release can't come."""
        reasons = tuple(self._judge(remote, listing, release, None))
        if reasons:
            return coming, reasons
        try:
            metadata = metadata_of(listing, release)
        except ManifestError as error:
            return coming, (error.detail,)
        found, reasons = self.complete(metadata, path, coming)
        return found, reasons or refusals(PlanChange(ChangeKind.INSTALL, listing.id, metadata), found)

    def _candidates(self, listing: RemoteListing, versions: str) -> list[RemoteRelease]:
        """Return the releases in a range, the newest first; only the one that was agreed to, where there is one."""
        agreed = self._versions.get(listing.id)
        fitting = [
            item
            for item in listing.versions
            if _is_number(item.version) and admits(versions, item.version) and agreed in (None, item.version)
        ]
        return sorted(fitting, key=lambda item: Version(item.version), reverse=True)


def refusals(change: PlanChange, coming: Iterable[PeerPlan]) -> tuple[str, ...]:
    """Return why a change can't be made when these plugins have come along before it."""
    plan = plan_site(change, [item.metadata for item in coming])
    return tuple(reason.detail for reason in plan.refused if reason.pointer != "/core_version")


def _is_number(version: str) -> bool:
    try:
        Version(version)
    except ValueError:
        return False
    return True
