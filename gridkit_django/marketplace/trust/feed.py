"""The signed feed of advisories: fetched from a marketplace, and published by one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gridkit_django.exceptions import MarketplaceError, TrustTargetError
from gridkit_django.marketplace.trust.advisories import ADVISORIES_MAX, FEED_NAME, Advisory, AdvisoryFeed
from gridkit_django.marketplace.trust.fetching import TrustedFetcher
from gridkit_django.marketplace.trust.metadata import Target
from gridkit_django.marketplace.trust.repository import TrustRepository


def fetch_advisories(trusted: TrustedFetcher) -> AdvisoryFeed:
    """Return the feed of a marketplace; empty when it stands for none.

    Raises:
        TrustError: see ``TrustedFetcher.fetch``.
    """
    try:
        trusted.find(FEED_NAME)
    except TrustTargetError:
        return AdvisoryFeed()
    return AdvisoryFeed.from_bytes(trusted.fetch(FEED_NAME))


def published_feed(repository: TrustRepository) -> AdvisoryFeed:
    """Return the feed that this site's own marketplace stands for now.

    Raises:
        MarketplaceError: when its file is missing.
    """
    target = repository.target(FEED_NAME)
    if target is None:
        return AdvisoryFeed()
    raw = repository.read(f"{target.digest.removeprefix('sha256:')}.{FEED_NAME}")
    if raw is None:
        raise MarketplaceError("The file of the advisories is missing from MARKET_TRUST_STORE.")
    return AdvisoryFeed.from_bytes(raw)


def publish_advisories(
    repository: TrustRepository, advisories: Iterable[Advisory], *, withdraw: Iterable[str] = ()
) -> AdvisoryFeed:
    """Publish advisories of this site's own marketplace, and withdraw others by their id.

    Raises:
        MarketplaceError: when an id is not there to be withdrawn, or the feed is too long.
        SignatureError: when the online key can't be read.
    """
    kept = {item.id: item for item in published_feed(repository).advisories}
    for name in withdraw:
        if kept.pop(name, None) is None:
            raise MarketplaceError(f"There is no advisory {name!r}.")
    kept |= {item.id: item for item in advisories}
    if len(kept) > ADVISORIES_MAX:
        raise MarketplaceError(f"{ADVISORIES_MAX} advisories are the most. Withdraw old ones, or join their ranges.")
    feed = AdvisoryFeed(tuple(kept.values()))
    raw = feed.to_bytes()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    repository.publish({FEED_NAME: Target(len(raw), digest, content=raw)})
    return feed
