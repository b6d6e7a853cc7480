"""What other sites and Python's installers read: changes, files, yanks, tombstones and the simple index."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from gridkit_django.api.market.urls import endpoints
from gridkit_django.checks.market import check_market
from gridkit_django.exceptions import ReleaseStateError
from gridkit_django.marketplace.client.wire import LISTING, RemoteChanges, RemoteIndex
from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.marketplace.shelf.reading import changes_since
from gridkit_django.marketplace.shelf.review import approve_release
from gridkit_django.marketplace.shelf.taking_back import (
    quarantine_release,
    remove_release,
    set_listing_state,
    unpublish,
)
from gridkit_django.models import Listing, ListingState
from tests.marketplace.shelf.goods import API, Seller, package, release, shelve

pytestmark = [pytest.mark.django_db]

Work = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def colours(acme: Seller, work: Work) -> Seller:
    """A publisher with two public releases."""
    user = User.objects.create_user("rita")
    for version in ("1.0.0", "1.1.0"):
        work(lambda version=version: acme.publish(version=version))
    approve_release(release(), user, "read")
    approve_release(release(version="1.1.0"), user, "read")
    return acme


def changes(client: APIClient, since: int = 0) -> Any:
    return client.get(f"{API}changes/", {"since": since}).json()


@pytest.mark.both_databases
def test_changes_tell_what_is_new_and_what_is_gone(colours: Seller, anybody: APIClient) -> None:
    first = changes(anybody)
    assert [item["id"] for item in first["listings"]] == ["@acme/colours"]
    assert [item["version"] for item in first["listings"][0]["versions"]] == ["1.1.0", "1.0.0"]
    assert changes(anybody, first["serial"]) == {
        "serial": first["serial"],
        "more": False,
        "listings": [],
        "removed": [],
    }
    yank(colours, "1.1.0")
    second = changes(anybody, first["serial"])
    assert second["listings"][0]["latest"]["version"] == "1.0.0"

    unpublish(Listing.objects.get(), "no longer kept")

    third = changes(anybody, second["serial"])
    assert (third["listings"], third["removed"]) == ([], ["@acme/colours"])
    assert anybody.get(f"{API}").json() == {"name": "Tests", "serial": third["serial"], "protocol": 1}


def yank(seller: Seller, version: str) -> Any:
    address = f"{API}releases/@acme/colours/{version}/yank/"
    return seller.client().post(address, {"reason": "eats rows"}, format="json")


def test_client_understands_what_the_marketplace_says(colours: Seller, anybody: APIClient) -> None:
    told = changes(anybody)
    page = RemoteChanges.model_validate(told)
    listing = LISTING.validate_python(page.listings[0])
    found = listing.release("1.1.0")
    assert found is not None
    assert (found.digest, found.public_key) == (release(version="1.1.0").digest, colours.public)
    assert RemoteIndex.model_validate(anybody.get(API).json()).protocol == 1


def test_changes_come_in_pages(db: None, anybody: APIClient) -> None:
    for number in range(5):
        touch_listing(shelve(f"@acme/thing-{number}"))
    serial, seen = 0, []
    while True:
        page = changes_since(serial, most=2)
        seen += [listing.plugin_id for listing in page.listings]
        serial = page.serial
        if not page.more:
            break
    assert seen == [f"@acme/thing-{number}" for number in range(5)]


@pytest.mark.both_databases
def test_yanked_release_is_not_found_but_fetched_by_its_version(colours: Seller, anybody: APIClient) -> None:
    assert yank(colours, "1.1.0").json()["yanked_reason"] == "eats rows"
    assert yank(colours, "1.0.0").status_code == 200

    assert anybody.get(f"{API}plugins/", {"query": "colours"}).json()["results"] == []
    found = anybody.get(f"{API}plugins/@acme/colours/").json()
    assert [(item["state"], item["yanked_reason"]) for item in found["versions"]] == [("yanked", "eats rows")] * 2
    assert anybody.get(f"/market/{found['versions'][0]['url']}").status_code == 200
    assert yank(colours, "1.0.0").json()["code"] == "market-release-state"

    undone = colours.client().post(f"{API}releases/@acme/colours/1.0.0/unyank/", {}, format="json")
    assert undone.json()["state"] == "published"
    assert len(anybody.get(f"{API}plugins/", {"query": "colours"}).json()["results"]) == 1
    again = colours.client().post(f"{API}releases/@acme/colours/1.0.0/unyank/", {}, format="json")
    assert again.status_code == 409


def test_release_in_quarantine_again_and_removed_release_are_not_there(colours: Seller, anybody: APIClient) -> None:
    url = anybody.get(f"{API}plugins/@acme/colours/").json()["versions"][0]["url"]
    quarantine_release(release(version="1.1.0"), "somebody reported it")
    assert anybody.get(f"/market/{url}").status_code == 404
    remove_release(release(), "asked by its author")
    assert anybody.get(f"{API}plugins/@acme/colours/").status_code == 404
    assert Listing.objects.get().state == ListingState.PENDING


def test_removed_plugin_leaves_a_tombstone(colours: Seller, work: Work, anybody: APIClient) -> None:
    answer = colours.client().post(f"{API}plugins/@acme/colours/unpublish/", {"reason": "done"}, format="json")
    assert answer.status_code == 204
    assert anybody.get(f"{API}plugins/@acme/colours/").status_code == 404
    assert colours.publish(version="3.0.0").json()["code"] == "market-publisher-refused"
    with pytest.raises(ReleaseStateError):
        unpublish(Listing.objects.get())
    gone = colours.client().post(f"{API}plugins/@acme/nothing/unpublish/", {}, format="json")
    assert gone.status_code == 404


def test_deprecated_plugin_says_so(colours: Seller, anybody: APIClient) -> None:
    set_listing_state(Listing.objects.get(), ListingState.DEPRECATED, "use @acme/paint")
    found = anybody.get(f"{API}plugins/@acme/colours/").json()
    assert (found["state"], found["state_reason"]) == ("deprecated", "use @acme/paint")
    with pytest.raises(ReleaseStateError):
        set_listing_state(Listing.objects.get(), ListingState.REMOVED)


def test_simple_index_is_what_installers_read(colours: Seller, anybody: APIClient) -> None:
    yank(colours, "1.0.0")
    index = anybody.get("/market/simple/")
    assert index["Content-Type"] == "application/vnd.pypi.simple.v1+json"
    assert index.json()["projects"] == [{"name": "acme-colours"}]
    assert index["X-PyPI-Last-Serial"] == str(index.json()["meta"]["_last-serial"])

    project = anybody.get("/market/simple/Acme_Colours/").json()
    assert project["versions"] == ["1.1.0", "1.0.0"]
    newest, oldest = project["files"]
    filename, content = package(version="1.1.0")
    sha256 = hashlib.sha256(content).hexdigest()
    assert (newest["filename"], newest["hashes"], newest["size"]) == (filename, {"sha256": sha256}, len(content))
    assert (newest["requires-python"], newest["yanked"]) == (">=3.11", False)
    assert oldest["yanked"] == "eats rows"
    assert newest["url"] == f"../../files/{sha256}/{filename}"
    metadata = anybody.get(f"/market/files/{sha256}/{filename}.metadata").content
    assert newest["core-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert anybody.get("/market/simple/nothing/").status_code == 404
    assert anybody.get("/market/simple/acme-colours/", HTTP_IF_NONE_MATCH="*").status_code == 304


def test_document_describes_every_endpoint_and_is_valid(anybody: APIClient) -> None:
    GENERATOR_STATS.reset()
    document = anybody.get(f"{API}schema/").json()
    validate_schema(document)
    assert not GENERATOR_STATS
    described = [item["operationId"] for methods in document["paths"].values() for item in methods.values()]
    known = [operation.id for pattern in endpoints for operation in pattern.callback.cls.operations.values()]
    assert sorted(described) == sorted(known)
    upload = document["paths"]["/api/v1/releases/"]["post"]["requestBody"]["content"]
    assert list(upload) == ["multipart/form-data"]


def test_rates_count_by_address_and_can_be_switched_off(db: None, anybody: APIClient, settings: Any) -> None:
    settings.GRIDKIT = {"MARKET": {"serve": True}, "THROTTLE_RATES": {"market-read": "2/min"}}
    assert [anybody.get(API).status_code for _ in range(3)] == [200, 200, 429]
    assert anybody.get(API, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_checks_tell_what_a_served_marketplace_lacks(settings: Any) -> None:
    assert [item.id for item in check_market()] == ["gridkit.W006"]
    settings.GRIDKIT = {
        "MARKET": {"serve": True, "storage": "nowhere", "checks": ["nowhere.scan"]},
        "MARKET_TRUST_STORE": "storage:default",
    }
    (found,) = check_market()
    assert found.id == "gridkit.W007"
    assert "nowhere.scan" in found.msg
    settings.GRIDKIT = {}
    assert check_market() == []
