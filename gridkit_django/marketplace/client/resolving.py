"""Which release of a plugin comes here, and why not the others: a plan that a person can read before it is done."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from gridkit_django import __version__
from gridkit_django.conf import settings
from gridkit_django.exceptions import ManifestError, PluginNotListedError, ReleaseUnfitError
from gridkit_django.marketplace.client.advising import advisories_for
from gridkit_django.marketplace.client.age import reason_too_young
from gridkit_django.marketplace.client.catalogue import entry_of, listing_of
from gridkit_django.marketplace.client.dependencies import unmet
from gridkit_django.marketplace.client.manifests import metadata_of
from gridkit_django.marketplace.client.peers import PeerPlan, PeerSearch, refusals
from gridkit_django.marketplace.client.publisher_keys import known_key_of, reason_against_key
from gridkit_django.marketplace.client.remotes import Remote, remote_of
from gridkit_django.marketplace.client.trusting import reason_to_refuse, what_it_may_do
from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease
from gridkit_django.marketplace.trust import AdvisoryAction
from gridkit_django.models import InstalledPlugin, PluginVersion
from gridkit_django.plugins import ChangeKind, PlanChange
from gridkit_django.plugins.consent import undecided
from gridkit_django.plugins.pins import why_pinned
from gridkit_django.plugins.ranges import admits
from gridkit_django.plugins.savepoints import database


@dataclass(frozen=True, slots=True)
class Verdict:
    """One release, and whether it can be installed here.

    Attributes:
        version: its number.
        reasons: why not; empty when it can.
    """

    version: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What an installation or update would do. Nothing is done.

    Attributes:
        listing: the plugin.
        marketplace: name of its marketplace in the settings.
        installed: the version in use; empty when it is not installed.
        release: the release that would be taken; None when none can.
        verdicts: what was found about each release that was looked at, newest first.
        asks_for: the permissions that nobody decided about yet.
        warnings: what a person should know before.
        sentence: what the plugin will be able to do, in plain words.
        peers: the plugins that it needs and that are not installed, in the order in which they would be.
    """

    listing: RemoteListing
    marketplace: str
    installed: str
    release: RemoteRelease | None
    verdicts: tuple[Verdict, ...]
    asks_for: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sentence: str = ""
    peers: tuple[PeerPlan, ...] = ()

    def chosen(self) -> RemoteRelease:
        """Return the release that would be taken.

        Raises:
            ReleaseUnfitError: says of each release why it can't.
        """
        if self.release is not None:
            return self.release
        told = "; ".join(f"{item.version}: {', '.join(item.reasons)}" for item in self.verdicts[:5])
        raise ReleaseUnfitError(
            f"No release of {self.listing.id} can be installed here. {told or 'There is none that is newer.'}.",
            extra={"releases": {item.version: list(item.reasons) for item in self.verdicts}},
        )


def make_install_plan(
    plugin_id: str, version: str | None = None, peers: Mapping[str, str] | None = None
) -> InstallPlan:
    """Plan an installation, or the update of a plugin that is installed already. Asks nobody, changes nothing.

    Args:
        plugin_id: which plugin.
        version: exactly this release, also an older or a yanked one; None for the newest that fits.
        peers: exactly these releases of plugins that come along; the others are the newest that fit.

    Raises:
        PluginNotListedError: when the catalogue has no such plugin or release.
        MarketplaceUnknownError: when no marketplace is the one for this id.
    """
    remote = remote_of(plugin_id)
    entry = entry_of(plugin_id)
    if entry is None:
        raise PluginNotListedError(f"The catalogue of this site has no plugin {plugin_id[:200]!r}. Refresh it.")
    listing = listing_of(entry)
    row = _row(plugin_id)
    used = row.current_version if row is not None else None
    looked_at = _candidates(listing, version, used.version if used else "")
    pinned = (f"it is {reason}",) if row is not None and (reason := why_pinned(row)) else ()
    search = PeerSearch(_reasons, _warnings, peers)
    judged = [(item, _with_peers(listing, item, search)) for item in looked_at]
    verdicts = tuple(
        Verdict(item.version, (*pinned, *_reasons(remote, listing, item, version), *found[0])) for item, found in judged
    )
    fits = [pair for pair, verdict in zip(judged, verdicts, strict=True) if not verdict.reasons]
    chosen, come_along = (fits[0][0], fits[0][1][1]) if fits else (None, ())
    asked = chosen.permissions if chosen is not None else []
    return InstallPlan(
        listing=listing,
        marketplace=remote.alias,
        installed=used.version if used else "",
        release=chosen,
        verdicts=verdicts,
        asks_for=undecided(row, asked) if row is not None else tuple(asked),
        warnings=(*_warnings(remote, listing, chosen), *_terms(chosen, used)) if chosen is not None else (),
        sentence=what_it_may_do(listing.name, asked),
        peers=come_along,
    )


def _row(plugin_id: str) -> InstalledPlugin | None:
    rows = InstalledPlugin.objects.using(database()).select_related("current_version").prefetch_related("grants")
    return rows.filter(plugin_id=plugin_id).first()


def _candidates(listing: RemoteListing, version: str | None, used: str) -> list[RemoteRelease]:
    """Return the releases to look at, newest first: the one that is named, or all newer than the one in use."""
    if version is not None:
        found = listing.release(version)
        if found is None:
            known = ", ".join(item.version for item in listing.versions[:10]) or "none"
            raise PluginNotListedError(f"{listing.id} has no release {version[:64]!r}. Known are {known}.")
        return [found]
    numbered = [(number, item) for item in listing.versions if (number := _number(item.version)) is not None]
    present = _number(used)
    newer = [(number, item) for number, item in numbered if present is None or number > present]
    return [item for _, item in sorted(newer, key=lambda pair: pair[0], reverse=True)]


def _number(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


def _reasons(remote: Remote, listing: RemoteListing, release: RemoteRelease, asked: str | None) -> Iterator[str]:
    """Yield why a release can't be installed here."""
    if asked is None:
        if release.state == "yanked":
            yield f"it was taken back: {release.yanked_reason or 'no reason was given'}"
        if Version(release.version).is_prerelease:
            yield "it is a pre-release; name it to get it"
    if not admits(release.core_version, __version__):
        yield f"it works with GridKit {release.core_version}; this site runs {__version__}"
    if not _admits_python(release.python_version):
        yield f"it works with Python {release.python_version}; this site runs {platform.python_version()}"
    if release.requires_restart:
        yield "it takes part in Django's start, which a plugin of a marketplace can't"
    if foreign := _foreign_platforms(release.filename):
        yield f"it holds compiled code for {foreign}, which this site does not run (PACKAGE_PLATFORM_TAGS)"
    yield from _policy(remote, listing, release)
    yield from unmet(release.requires)


def _policy(remote: Remote, listing: RemoteListing, release: RemoteRelease) -> Iterator[str]:
    """Yield what this site holds against a release."""
    given = settings()
    if given.MARKETPLACE_REVIEWED_ONLY and not release.reviewed:
        yield "nobody at the marketplace has looked at it (MARKETPLACE_REVIEWED_ONLY)"
    times = release.released_at, release.seen_at
    if young := reason_too_young(remote.alias, listing.id, release.version, *times):
        yield young
    for advisory in advisories_for(remote.alias, listing.id, release.version):
        if advisory.action is not AdvisoryAction.WARN:
            yield f"the advisory {advisory.id} says: {advisory.reason}"
    if _is_refused(listing.id, release):
        yield "it was refused here, or could not start"
    if (untrusted := reason_to_refuse(remote, listing, release)) != "":
        yield untrusted
    elif (ended := reason_against_key(remote, listing, release, known_key_of(listing.id))) != "":
        yield ended


def _admits_python(text: str) -> bool:
    try:
        return SpecifierSet(text).contains(platform.python_version(), prereleases=True)
    except InvalidSpecifier:
        return False


def _foreign_platforms(filename: str) -> str:
    """Return the platforms of a wheel when none of them is one that this site runs; empty when it runs there."""
    try:
        platforms = {tag.platform for tag in parse_wheel_filename(filename)[3]}
    except (InvalidWheelFilename, InvalidVersion):
        return ""  # the gate says what is wrong with it
    fits = platforms & {"any", *settings().PACKAGE_PLATFORM_TAGS}
    return "" if fits else ", ".join(sorted(platforms))


def _is_refused(plugin_id: str, release: RemoteRelease) -> bool:
    rows = PluginVersion.objects.using(database()).filter(plugin__plugin_id=plugin_id, refused_at__isnull=False)
    return rows.filter(origin__digest=release.digest).exists()


def _with_peers(
    listing: RemoteListing, release: RemoteRelease, search: PeerSearch
) -> tuple[tuple[str, ...], tuple[PeerPlan, ...]]:
    """Return what is wrong between the plugin and those of this site, and the peers that would come with it."""
    try:
        metadata = metadata_of(listing, release)
    except ManifestError as error:
        return (error.detail,), ()
    peers, missing = search.complete(metadata, (listing.id,))
    if missing:
        return missing, ()
    kind = ChangeKind.UPDATE if _row(listing.id) is not None else ChangeKind.INSTALL
    return refusals(PlanChange(kind, listing.id, metadata), peers), peers


def _sentence(reason: str) -> str:
    """Return a reason that somebody wrote, with or without a full stop, as the end of a sentence."""
    return f"{reason.strip().rstrip('.') or 'no reason was given'}."


def _terms(release: RemoteRelease, used: PluginVersion | None) -> Iterator[str]:
    """Yield what the author asks of an update that one process may try first."""
    if used is not None and not release.canary.side_by_side:
        yield "Its author says that it must not serve beside the version in use: all processes switch at once."
    elif used is not None and release.canary.seconds:
        yield f"Its author wishes that one process tries it for {release.canary.seconds} seconds at least."


def _warnings(remote: Remote, listing: RemoteListing, release: RemoteRelease) -> Iterator[str]:
    for advisory in advisories_for(remote.alias, listing.id, release.version):
        yield f"The advisory {advisory.id} says: {advisory.reason}"
    if release.state == "yanked":
        yield f"This release was taken back by its publisher: {_sentence(release.yanked_reason)}"
    if listing.state == "deprecated":
        yield f"The plugin is no longer recommended: {_sentence(listing.state_reason)}"
    if not listing.publisher.identity_proved:
        yield "The marketplace does not know who the publisher is."
    if not release.reviewed:
        yield "Nobody at the marketplace has looked at this release."
