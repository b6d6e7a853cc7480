"""What a site has believed last: it outlives the process, and never goes back."""

from __future__ import annotations

import pytest

from gridkit_django.exceptions import TrustRollbackError
from gridkit_django.marketplace.trust.memory import DatabaseMemory, version_of
from tests.marketplace.trust.markets import CONTENT, WHEEL, Market, Site

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_database_remembers_for_all_hosts(market: Market) -> None:
    old = market.copy()
    site = Site(Site.of(market).channel, market.root, DatabaseMemory("main"))
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    assert site.fetch() == CONTENT

    other = Site(Site.of(old).channel, market.root, DatabaseMemory("main"))
    with pytest.raises(TrustRollbackError):
        other.fetch()
    apart = Site(Site.of(old).channel, market.root, DatabaseMemory("second"))
    assert apart.fetch() == CONTENT


def test_older_file_never_takes_the_place_of_a_newer_one(market: Market) -> None:
    memory = DatabaseMemory("main")
    old = market.store.files["timestamp.json"]
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    new = market.store.files["timestamp.json"]

    assert memory.last_seen() is None
    memory.save({"timestamp.json": new})
    memory.save({"timestamp.json": old})
    assert memory.load() == {"timestamp.json": new}
    assert version_of(new) == 3
    assert memory.last_seen() is not None
    memory.forget()
    assert memory.load() == {}


def test_unknown_file_is_never_remembered(market: Market) -> None:
    site = Site(Site.of(market).channel, market.root, DatabaseMemory("main"))
    site.fetch()

    assert WHEEL not in site.memory.load()
    assert {"1.root.json", "timestamp.json", "snapshot.json", "targets.json"} <= set(site.memory.load())
