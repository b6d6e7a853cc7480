"""The signed metadata follows the shelf: public releases are in it, others are not, and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from gridkit_django.marketplace.shelf.review import approve_release
from gridkit_django.marketplace.shelf.taking_back import remove_release, yank_release
from gridkit_django.marketplace.trust import TrustRepository
from gridkit_django.models import MarketAdvisory, Release
from gridkit_django.tasks import market as market_tasks
from tests.marketplace.shelf.goods import API, Seller, package, release
from tests.marketplace.trust.markets import Market

pytestmark = [pytest.mark.django_db]


@pytest.fixture(scope="module")
def ceremony() -> Market:
    """A marketplace after its key ceremony: signing 1024 bins takes a while, so once is enough."""
    market = Market()
    market.hold_ceremony()
    return market


@pytest.fixture
def repository(ceremony: Market, monkeypatch: pytest.MonkeyPatch, settings: Any) -> TrustRepository:
    """The repository of the site."""
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKET_TRUST_STORE": "storage:default"}
    found = ceremony.copy().repository
    monkeypatch.setattr(TrustRepository, "of_site", lambda: found)
    return found


def test_public_releases_are_signed_and_others_are_not(
    acme: Seller,
    work: Callable[[Callable[[], Any]], Any],
    repository: TrustRepository,
    anybody: APIClient,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work(acme.publish)
    name, content = package()
    sent: list[Any] = []
    monkeypatch.setattr(market_tasks, "send", lambda task, _arguments: sent.append(task))

    def does(act: Callable[[], object]) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            act()
        assert sent.pop() is market_tasks.sign_market

    does(partial(approve_release, release(), User.objects.create_user("rita"), "read"))
    assert market_tasks.sign_market(refresh=True) == 1
    assert market_tasks.sign_market() == 0
    target = repository.target(name)
    assert target is not None
    assert (target.length, target.digest) == (len(content), release().digest)
    public = release()
    assert public.released_at is not None
    times = {"uploaded_at": public.created_at.isoformat(), "released_at": public.released_at.isoformat()}
    assert target.custom == {"id": "@acme/colours", "version": "1.0.0", **times}
    assert anybody.get("/market/tuf/timestamp.json").status_code == 200
    assert anybody.get("/market/tuf/1.root.json")["Cache-Control"].endswith("immutable")
    assert anybody.get("/market/tuf/nothing.json").status_code == 404

    does(partial(yank_release, release(), "broken"))
    assert market_tasks.sign_market() == 0  # who pinned it still gets it
    does(partial(remove_release, release(), "harm"))
    assert market_tasks.sign_market() == 1
    assert repository.target(name) is None
    assert not Release.objects.get().signed


def test_queue_that_is_down_is_caught_up_with(
    acme: Seller, work: Any, repository: TrustRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise ConnectionError

    work(acme.publish)
    monkeypatch.setattr(market_tasks, "send", broken)
    market_tasks.follow_changes()
    approve_release(release(), User.objects.create_user("rita"), "read")
    assert market_tasks.sign_market() == 1


def test_site_that_signs_nothing_has_no_metadata(db: None, anybody: APIClient) -> None:
    market_tasks.follow_changes()
    assert market_tasks.sign_market() == 0
    assert anybody.get("/market/tuf/timestamp.json").status_code == 404
    assert anybody.get(f"{API}advisories/").json()["advisories"] == []


def test_advisory_of_the_admin_reaches_the_signed_feed_and_is_withdrawn(
    repository: TrustRepository, anybody: APIClient, db: None
) -> None:
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    address = "/admin/gridkit_django/marketadvisory/"
    form = {"name": "GKA-1", "plugin_id": "@acme/colours", "versions": "<1.2", "action": "block", "reason": "Harm."}
    assert "no advisory" in root.post(f"{address}add/", {**form, "versions": "below 2"}).content.decode()
    root.post(f"{address}add/", form)
    assert "waits for its signature" in root.get(address).content.decode()
    assert anybody.get(f"{API}advisories/").json()["advisories"] == []

    assert market_tasks.sign_market() == 1
    found = anybody.get(f"{API}advisories/").json()["advisories"]
    assert [(item["id"], item["plugin"], item["action"]) for item in found] == [("GKA-1", "@acme/colours", "block")]
    assert "in the feed" in root.get(address).content.decode()

    row = MarketAdvisory.objects.get()
    page = root.get(f"{address}{row.pk}/change/").content.decode()
    order = [page.index(f"field-{name}") for name in ("name", "plugin_id", "versions", "action", "reason", "url")]
    assert order == sorted(order), "which advisory it is stands first"
    root.post(f"{address}{row.pk}/change/", {**form, "withdrawn": "on"})
    assert market_tasks.sign_market() == 1
    assert anybody.get(f"{API}advisories/").json()["advisories"] == []
