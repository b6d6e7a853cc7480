"""How long a release has to be public before this site takes it, said in the same words wherever a release is taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from packaging.version import InvalidVersion, Version

from gridkit_django.conf import settings
from gridkit_django.exceptions import ReleaseUnfitError
from gridkit_django.marketplace.client.advising import advisories_for
from gridkit_django.marketplace.client.wire import RemoteRelease
from gridkit_django.models import InstalledPlugin, PluginVersion
from gridkit_django.plugins.savepoints import database


def reason_too_young(
    alias: str, plugin_id: str, version: str, released_at: datetime | None, seen_at: datetime | None = None
) -> str:
    """Return why a release is too young for this site; empty when it is old enough, or mends what an advisory tells of.

    Args:
        alias: name of its marketplace in the settings.
        plugin_id: which plugin.
        version: number of the release.
        released_at: since when it is public; None when nobody says.
        seen_at: when this site saw it first; None when it came with the first load. The later of the two counts, and
            what has neither is too young.
    """
    hours, now = settings().MARKETPLACE_MIN_AGE_HOURS, timezone.now()
    wait = timedelta(hours=hours)
    known = [moment for moment in (released_at, seen_at) if moment is not None]
    late = [moment + wait for moment in known if moment + wait > now]
    if not hours or (known and not late) or _is_let_in(alias, plugin_id, version):
        return ""
    waits = f"this site waits {hours} hours (MARKETPLACE_MIN_AGE_HOURS)"
    if not late:
        return f"its marketplace does not say since when it is public, or not under its signature; {waits}"
    what = "is public" if released_at is not None and released_at + wait > now else "is known to this site"
    return f"it {what} for less than {hours} hours; {waits}, until {_told(max(late))}"


def check_age(alias: str, plugin_id: str, release: RemoteRelease) -> None:
    """Refuse a release that is too young, by the times that can be believed.

    Raises:
        ReleaseUnfitError: says until when it has to wait.
    """
    reason = reason_too_young(alias, plugin_id, release.version, release.released_at, release.seen_at)
    if reason:
        raise _unfit(plugin_id, release.version, reason)


def check_kept_age(plugin_id: str, version: str) -> None:
    """Refuse to update to kept files of a release that is too young. Going back to them is another thing.

    Raises:
        ReleaseUnfitError: says until when it has to wait.
    """
    versions = PluginVersion.objects.using(database()).filter(plugin__plugin_id=plugin_id, version=version)
    stored = versions.order_by("-pk").first()
    if stored is None or not stored.origin.get("marketplace"):
        return
    times = (stored.origin.get(name) for name in ("released_at", "seen_at"))
    released_at, seen_at = (datetime.fromisoformat(text) if text else None for text in times)
    reason = reason_too_young(str(stored.origin["marketplace"]), plugin_id, version, released_at, seen_at)
    if reason:
        raise _unfit(plugin_id, version, reason)


def _unfit(plugin_id: str, version: str, reason: str) -> ReleaseUnfitError:
    return ReleaseUnfitError(
        f"{plugin_id} {version} can't be taken: {reason}.", extra={"releases": {version: [reason]}}
    )


def _is_let_in(alias: str, plugin_id: str, version: str) -> bool:
    """Whether the settings let a release in at once because it mends the version in use."""
    return settings().MARKETPLACE_FIXES_AT_ONCE and _mends(alias, plugin_id, version)


def _mends(alias: str, plugin_id: str, version: str) -> bool:
    """Whether the signed advisories name the version in use, and not this one, which is newer."""
    rows = InstalledPlugin.objects.using(database()).select_related("current_version")
    row = rows.filter(plugin_id=plugin_id).first()
    used = row.current_version if row is not None else None
    if used is None or not _is_newer(version, used.version):
        return False
    return bool(advisories_for(alias, plugin_id, used.version)) and not advisories_for(alias, plugin_id, version)


def _is_newer(version: str, used: str) -> bool:
    try:
        return Version(version) > Version(used)
    except InvalidVersion:
        return False


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
