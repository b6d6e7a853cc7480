"""Advisories: published, signed, believed, and asked about a version."""

from __future__ import annotations

import json

import pytest

from gridkit_django.exceptions import MarketplaceError, TrustDigestError, TrustMetadataError
from gridkit_django.marketplace.trust import Advisory, AdvisoryAction, AdvisoryFeed, fetch_advisories
from gridkit_django.marketplace.trust.advisories import FEED_NAME
from gridkit_django.marketplace.trust.feed import publish_advisories, published_feed
from tests.marketplace.trust.markets import Market, Site

WARNING = Advisory("GKA-1", "@acme/colours", "<1.2", AdvisoryAction.WARN, "Loses counts.", "https://acme.example/1")
BLOCK = Advisory("GKA-2", "@acme/colours", ">=1.1,<1.2", AdvisoryAction.BLOCK, "Sends data away.")


def test_feed_is_believed_by_clients(market: Market, site: Site) -> None:
    with site.trusting() as trusted:
        assert fetch_advisories(trusted) == AdvisoryFeed()
    publish_advisories(market.repository, [WARNING, BLOCK])

    with site.trusting() as trusted:
        feed = fetch_advisories(trusted)
    assert feed.advisories == (WARNING, BLOCK)
    assert feed.advisories_for("@acme/colours", "1.1.3") == (BLOCK, WARNING)
    assert feed.advisories_for("@acme/colours", "1.0") == (WARNING,)
    assert feed.advisories_for("@acme/colours", "1.2") == ()
    assert feed.advisories_for("@acme/other", "1.0") == ()


def test_feed_that_was_changed_on_the_way_is_refused(market: Market, site: Site) -> None:
    publish_advisories(market.repository, [WARNING])
    with site.trusting() as trusted:
        target = trusted.find(FEED_NAME)
    site.channel.lies[target.path] = WARNING.reason.encode().ljust(target.length, b" ")

    with site.trusting() as trusted, pytest.raises(TrustDigestError):
        fetch_advisories(trusted)


def test_advisory_is_replaced_and_withdrawn(market: Market) -> None:
    publish_advisories(market.repository, [WARNING, BLOCK])
    softer = Advisory("GKA-2", "@acme/colours", "<1.2", AdvisoryAction.DISABLE, "Sends data away.")

    publish_advisories(market.repository, [softer])
    assert published_feed(market.repository).advisories == (WARNING, softer)
    publish_advisories(market.repository, [], withdraw=["GKA-1"])
    assert published_feed(market.repository).advisories == (softer,)
    with pytest.raises(MarketplaceError, match="no advisory 'GKA-1'"):
        publish_advisories(market.repository, [], withdraw=["GKA-1"])


def test_feed_whose_file_is_gone_is_told(market: Market) -> None:
    publish_advisories(market.repository, [WARNING])
    for name in [name for name in market.store.files if name.endswith(FEED_NAME)]:
        del market.store.files[name]

    with pytest.raises(MarketplaceError, match="missing"):
        published_feed(market.repository)


def test_feed_comes_back_as_it_went() -> None:
    feed = AdvisoryFeed((WARNING, BLOCK))

    assert AdvisoryFeed.from_bytes(feed.to_bytes()) == feed


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"advisories": {}},
        {"advisories": [1]},
        {"advisories": [{**WARNING.as_dict(), "action": "explode"}]},
        {"advisories": [{**WARNING.as_dict(), "versions": "banana"}]},
        {"advisories": [{**WARNING.as_dict(), "versions": ""}]},
        {"advisories": [{**WARNING.as_dict(), "plugin": "NO ID"}]},
        {"advisories": [{**WARNING.as_dict(), "id": ""}]},
        {"advisories": [{**WARNING.as_dict(), "reason": "x" * 2001}]},
        {"advisories": [{**WARNING.as_dict(), "url": "javascript:alert(1)"}]},
        {"advisories": [{**WARNING.as_dict(), "reason": 7}]},
        {"advisories": [{}] * 5001},
    ],
)
def test_feed_that_is_wrong_anywhere_counts_nowhere(change: dict[str, object]) -> None:
    raw = json.dumps({"format": 1, "advisories": [WARNING.as_dict()], **change}).encode()

    with pytest.raises(TrustMetadataError, match="can't be read"):
        AdvisoryFeed.from_bytes(raw)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"\xff", b" " * (4 * 1024 * 1024 + 1)])
def test_file_that_is_no_feed_is_refused(raw: bytes) -> None:
    with pytest.raises(TrustMetadataError):
        AdvisoryFeed.from_bytes(raw)


def test_version_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no version number"):
        AdvisoryFeed().advisories_for("@acme/colours", "banana")
