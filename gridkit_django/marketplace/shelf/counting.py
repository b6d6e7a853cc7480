"""What sites report: one row a site, plugin and day, written without touching any sum; and ratings of who has it.

A site is known by a salted hash only. The id that it sends is one that it made up; what stops somebody from making up
many is that one address is counted for so many sites of a plugin a day, and no more.
"""

from __future__ import annotations

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gridkit_django.exceptions import ListingNotFoundError, RatingRefusedError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.reading import public_release
from gridkit_django.models import Listing, ListingReport, ListingState, MarketEvent, MarketEventKind, MarketSite

SITES_PER_ADDRESS = 20
"""Sites of one address that are counted for a plugin on a day."""

_SALT = "gridkit_django.marketplace.site"
_DAY_SECONDS = 86_400


def site_hash(site: str) -> str:
    """Return what is stored of a site's id."""
    return salted_hmac(_SALT, site, algorithm="sha256").hexdigest()


def report_event(
    plugin_id: str, kind: MarketEventKind, site: str, *, version: str, core_version: str = "", address: str = ""
) -> bool:
    """Note what a site did, once a day; whether it was noted.

    Args:
        plugin_id: the plugin.
        kind: what it did.
        site: its id, as it sent it.
        version: of which release.
        core_version: which GridKit it runs.
        address: where the report came from; only to count how many sites it speaks for.

    Raises:
        ListingNotFoundError: when there is no such public release.
    """
    release = public_release(plugin_id, version)
    listing, hashed, today = release.listing, site_hash(site), timezone.now().date()
    using = database()
    with transaction.atomic(using):
        if kind != MarketEventKind.DOWNLOAD and not _follow_site(listing, kind, hashed, release.version, address):
            return False
        event = MarketEvent(
            listing=listing,
            kind=kind,
            day=today,
            site=hashed,
            version=release.version,
            core_version=core_version,
        )
        known = {"listing": listing, "kind": kind, "day": today, "site": hashed, "version": release.version}
        if MarketEvent.objects.using(using).filter(**known).exists() or not _within(listing, kind, address):
            return False
        MarketEvent.objects.using(using).bulk_create([event], ignore_conflicts=True)
    return True


def rate(plugin_id: str, site: str, rating: int) -> None:
    """Note what a site thinks of a plugin that it has installed; the last word counts.

    Raises:
        ListingNotFoundError: when there is no such public plugin.
        RatingRefusedError: when the site has not reported that it installed the plugin.
    """
    using = database()
    hidden = (ListingState.PENDING, ListingState.REMOVED)
    listing = Listing.objects.using(using).exclude(state__in=hidden).filter(plugin_id=plugin_id).first()
    if listing is None:
        raise ListingNotFoundError(f"This marketplace has no plugin {plugin_id[:200]!a}.")
    sites = MarketSite.objects.using(using).filter(listing=listing, site=site_hash(site), installed=True)
    if not sites.update(rating=rating, rated_at=timezone.now()):
        raise RatingRefusedError(
            "Only a site that has the plugin installed may rate it, and this one has not reported that it has."
        )


def report_listing(listing: Listing, reason: str, text: str, *, contact: str = "", version: str = "") -> ListingReport:
    """Note what somebody tells the administrators about a plugin."""
    return ListingReport.objects.using(database()).create(
        listing=listing, reason=reason, text=text, contact=contact, version=version
    )


def _follow_site(listing: Listing, kind: MarketEventKind, hashed: str, version: str, address: str) -> bool:
    """Note whether a site has the plugin; False when the address speaks for too many sites."""
    sites = MarketSite.objects.using(database())
    values = {"installed": kind != MarketEventKind.UNINSTALL, "version": version, "seen_at": timezone.now()}
    if sites.filter(listing=listing, site=hashed).update(**values):
        return True
    if kind == MarketEventKind.UNINSTALL or not _within(listing, "site", address):
        return False
    sites.bulk_create([MarketSite(listing=listing, site=hashed, **values)], ignore_conflicts=True)
    return True


def _within(listing: Listing, what: str, address: str) -> bool:
    """Count one more of an address; False when that is too many."""
    if not address:
        return True
    day = timezone.now().date().isoformat()
    key = f"gridkit-market-sites:{site_hash(f'{address} {day} {listing.pk} {what}')}"
    cache.add(key, 0, _DAY_SECONDS)
    try:
        return cache.incr(key) <= SITES_PER_ADDRESS
    except ValueError:  # the cache dropped it meanwhile
        return True
