"""The local copy of what marketplaces list: followed by a worker, page by page, never in a request.

A marketplace that is down, slow or lying leaves the copy as it was, and is asked again later and later. What it says
counts only where it fits our shapes, and only for ids that the settings give to it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.utils import timezone
from pydantic import BaseModel, ValidationError

from gridkit_django.conf import settings
from gridkit_django.exceptions import MarketplaceAnswerError, MarketplaceError, MarketplaceUnknownError
from gridkit_django.marketplace import trust
from gridkit_django.marketplace.client.advising import follow_advisories
from gridkit_django.marketplace.client.http import RemoteClient
from gridkit_django.marketplace.client.remotes import Remote, remote_of, remotes
from gridkit_django.marketplace.client.trusting import bundle_of
from gridkit_django.marketplace.client.watching import UNWATCHED, RefreshWatch
from gridkit_django.marketplace.client.wire import LISTING, RemoteChanges, RemoteIndex, RemoteListing
from gridkit_django.models import CatalogEntry, CatalogSource

logger = logging.getLogger("gridkit_django.marketplace")

PAGES_MAX = 5000
_LISTINGS_MAX = 1000
_LISTING_BYTES_MAX = 2_000_000
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_SKIPPED_MAX = 50

Clients = Callable[[Remote], RemoteClient]


def database() -> str:
    """Return the alias of the database that holds the catalogue."""
    return router.db_for_write(CatalogEntry)


def refresh_catalogue(
    *, clients: Clients = RemoteClient, now: bool = False, watch: RefreshWatch = UNWATCHED
) -> dict[str, str]:
    """Follow every marketplace of the settings; one that fails does not keep the others from it.

    Args:
        clients: makes the client of a marketplace.
        now: ask also those that are to be left in peace for a while after failures.
        watch: told how far it is.

    Returns:
        The error by alias, empty for what went well; marketplaces that were not asked are not in it.

    Raises:
        SettingsError: when the settings are wrong.
    """
    found = remotes()
    CatalogSource.objects.using(database()).exclude(alias__in=[remote.alias for remote in found]).delete()
    if settings().MARKETPLACE_OFFLINE:
        found = tuple(remote for remote in found if remote.bundle)
    told: dict[str, str | None] = {}
    for number, remote in enumerate(found):
        if now or not _is_in_peace(source_of(remote)):
            watch.begins(remote.alias, number, len(found))
            told[remote.alias] = refresh(remote, clients(remote), now=now, watch=watch)
    return {alias: error for alias, error in told.items() if error is not None}


def refresh(remote: Remote, client: RemoteClient, *, now: bool = False, watch: RefreshWatch = UNWATCHED) -> str | None:
    """Follow one marketplace.

    Returns:
        The error in words, empty when all went well; None when it was not asked, because it is left in peace.
    """
    source = source_of(remote)
    if not now and _is_in_peace(source):
        return None
    source.tried_at = timezone.now()
    try:
        if remote.bundle:
            _read_bundle(remote, source, watch)
        else:
            _follow(remote, client, source, watch)
        follow_advisories(remote, source)
    except MarketplaceError as error:
        _failed(source, error)
        watch.ends(len(source.skipped), error)
        return error.detail
    source.failures, source.retry_at, source.error, source.error_code = 0, None, "", ""
    source.refreshed_at = timezone.now()
    source.save()
    watch.ends(len(source.skipped), None)
    return ""


def _is_in_peace(source: CatalogSource) -> bool:
    return source.retry_at is not None and source.retry_at > timezone.now()


def next_try(aliases: Iterable[str]) -> datetime | None:
    """Return when the first of some marketplaces is asked again after failures; None when none waits for that.

    Args:
        aliases: their names in the settings.
    """
    rows = CatalogSource.objects.using(database()).filter(alias__in=list(aliases), retry_at__isnull=False)
    return rows.order_by("retry_at").values_list("retry_at", flat=True).first()


def source_of(remote: Remote) -> CatalogSource:
    """Return the row of a marketplace; one that moved to another address begins anew.

    What it listed before stays until the new address has answered.
    """
    rows = CatalogSource.objects.using(database())
    source, _ = rows.get_or_create(alias=remote.alias, defaults={"url": remote.url})
    if source.url != remote.url:
        source = CatalogSource(pk=source.pk, alias=remote.alias, url=remote.url)
        source.save()
    return source


def entry_of(plugin_id: str) -> CatalogEntry | None:
    """Return what the catalogue has of a plugin, if the settings still give its id to the marketplace it came from."""
    entry = CatalogEntry.objects.using(database()).select_related("source").filter(plugin_id=plugin_id).first()
    if entry is None:
        return None
    try:
        mine = remote_of(plugin_id).alias == entry.source.alias
    except MarketplaceUnknownError:
        return None
    return entry if mine else None


def listing_of(entry: CatalogEntry) -> RemoteListing:
    """Return all that a marketplace says about a plugin."""
    return LISTING.validate_python(entry.detail)


def _follow(remote: Remote, client: RemoteClient, source: CatalogSource, watch: RefreshWatch) -> None:
    index = _shaped(RemoteIndex, client.get("api/v1/"), remote)
    if index.serial < source.serial:  # it was set up again
        source.serial = 0
    source.name, anew = index.name, source.serial == 0
    for _ in range(PAGES_MAX):
        if source.serial >= index.serial and not anew:
            break
        page = _shaped(RemoteChanges, client.get("api/v1/changes/", since=source.serial), remote)
        if page.more and page.serial <= source.serial:
            raise MarketplaceAnswerError(f"The marketplace {remote.alias!r} turns in a circle at {page.serial}.")
        with transaction.atomic(using=database()):
            if anew:  # whatever is there is of another time, or of another address
                source.entries.all().delete()
                source.skipped = {}
            taken = _take(remote, source, page)
            source.serial, anew = page.serial, False
            source.save()
        watch.takes(len(taken), len(page.removed), page.serial / max(index.serial, page.serial, 1))
        if not page.more:
            break


def _read_bundle(remote: Remote, source: CatalogSource, watch: RefreshWatch) -> None:
    """Take over the listings of a bundle; what it does not have goes."""
    channel = bundle_of(remote)
    names = channel.names(trust.bundles.LISTINGS)
    raw = [b"".join(channel.read(name, _LISTING_BYTES_MAX)) for name in names[:_LISTINGS_MAX]]
    try:
        listings = [json.loads(text) for text in raw]
    except ValueError as error:
        raise MarketplaceAnswerError(
            f"A listing in the bundle of {remote.alias!r} is no JSON. Make it anew."
        ) from error
    page = _shaped(RemoteChanges, {"serial": 0, "listings": listings}, remote)
    with transaction.atomic(using=database()):
        seen = _take(remote, source, page)
        gone = source.entries.exclude(plugin_id__in=seen)
        removed = gone.count()
        gone.delete()
    source.name, source.serial = remote.alias, 0
    watch.takes(len(seen), removed, 1.0)


def _take(remote: Remote, source: CatalogSource, page: RemoteChanges) -> set[str]:
    source.entries.filter(plugin_id__in=page.removed).delete()
    skipped = {key: why for key, why in source.skipped.items() if key not in page.removed}
    seen: set[str] = set()
    ids = [str(raw.get("id", "")) for raw in page.listings]
    before = dict(source.entries.filter(plugin_id__in=ids).values_list("plugin_id", "detail"))
    for raw in page.listings:
        key = str(raw.get("id", ""))[:200]
        try:
            listing = LISTING.validate_python(raw)
            _check_owner(remote, listing)
        except (ValidationError, MarketplaceUnknownError) as error:
            skipped[key] = _why(error)
            source.entries.filter(plugin_id=key).delete()
            continue
        skipped.pop(key, None)
        seen.add(listing.id)
        _store(source, _dated(source, listing, before.get(listing.id, {})))
    source.skipped = dict(list(skipped.items())[-_SKIPPED_MAX:])
    return seen


def _check_owner(remote: Remote, listing: RemoteListing) -> None:
    owner = remote_of(listing.id)
    if owner.alias != remote.alias:
        raise MarketplaceUnknownError(f"the settings give this id to the marketplace {owner.alias!r}")


def _dated(source: CatalogSource, listing: RemoteListing, before: Mapping[str, Any]) -> RemoteListing:
    """Write to each release when this site saw it first: no server can say that it is older.

    By digest, because another file under a known number is news. What comes with the first load has no such time; once
    that has failed, the rest of it has.
    """
    known = {item["digest"]: item.get("seen_at") for item in before.get("versions", ())}
    is_first = source.refreshed_at is None and not source.failures
    now = None if is_first else timezone.now()
    moments = {digest: datetime.fromisoformat(text) if text else None for digest, text in known.items()}
    versions = [item.model_copy(update={"seen_at": moments.get(item.digest, now)}) for item in listing.versions]
    return listing.model_copy(update={"versions": versions})


def _store(source: CatalogSource, listing: RemoteListing) -> None:
    latest = next((item.version for item in listing.versions if item.state == "published"), "")
    words = (listing.id, listing.name, listing.summary, listing.publisher.display_name, *listing.tags)
    values: dict[str, Any] = {
        "source": source,
        "name": listing.name,
        "summary": listing.summary,
        "category": listing.category,
        "tag_text": f",{','.join(listing.tags)},",
        "words": " ".join(words).lower(),
        "publisher": listing.publisher.name,
        "verified": listing.verified,
        "featured": listing.featured,
        "free": listing.pricing == "free",
        "downloads": listing.downloads,
        "rating": listing.rating.value,
        "updated_at": listing.updated_at,
        "state": listing.state,
        "latest_version": latest,
        "detail": listing.model_dump(mode="json"),
    }
    CatalogEntry.objects.using(database()).update_or_create(plugin_id=listing.id, defaults=values)


def _shaped(shape: type[Any], raw: Any, remote: Remote) -> Any:
    try:
        found: BaseModel = shape.model_validate(raw)
    except ValidationError as error:
        raise MarketplaceAnswerError(
            f"What answers at {remote.url} does not speak our protocol: {_why(error)}. Look at the address."
        ) from error
    return found


def _why(error: ValidationError | MarketplaceError) -> str:
    if isinstance(error, MarketplaceError):
        return error.detail
    faults: Iterable[Any] = error.errors(include_url=False, include_input=False)[:3]
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in faults)


def _failed(source: CatalogSource, error: MarketplaceError) -> None:
    """Write the failure down and leave the marketplace in peace for a while; only the first of a row is logged."""
    if not source.failures:
        logger.warning("The marketplace %s could not be followed: %s", source.alias, error.detail)
    source.failures += 1
    wait = min(_FIRST_WAIT * 2 ** min(source.failures - 1, 20), _LONGEST_WAIT)
    source.retry_at = timezone.now() + wait
    source.error_code, source.error = error.code, error.detail
    CatalogSource.objects.using(database()).filter(pk=source.pk).update(
        failures=source.failures,
        retry_at=source.retry_at,
        tried_at=source.tried_at,
        error_code=source.error_code,
        error=source.error,
    )
