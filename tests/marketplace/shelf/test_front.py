"""The front of a plugin through the publisher's API: pictures drawn anew, addresses, how it stands; and whose it is."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.test import APIClient

from gridkit_django.api.market.urls import document
from gridkit_django.marketplace.shelf.reading import changes_since
from gridkit_django.marketplace.shelf.taking_back import unpublish
from gridkit_django.marketplace.shelf.tokens import TokenScope
from gridkit_django.models import AuditRecord, Listing, ListingPicture
from tests.marketplace.shelf.goods import API, Seller, shelve

pytestmark = [pytest.mark.django_db]

FRONT = f"{API}plugins/@acme/charts/front/"


def drawing(colour: str = "red", size: tuple[int, int] = (40, 30), form: str = "PNG", mode: str = "RGB") -> bytes:
    """Return a picture."""
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, form, comment=b"secret")
    return file.getvalue()


def part(content: bytes, **texts: str) -> dict[str, Any]:
    """Return the parts of an upload."""
    return {"picture": SimpleUploadedFile("x.png", content), **texts}


@pytest.fixture
def listing(acme: Seller) -> Listing:
    """A plugin that is public."""
    return shelve("@acme/charts")


@pytest.mark.both_databases
def test_screenshots_are_added_ordered_and_removed(acme: Seller, listing: Listing, anybody: APIClient) -> None:
    client, address = acme.client(), f"{FRONT}screenshots/"
    for colour in ("red", "green", "blue"):
        answer = client.post(address, part(drawing(colour), caption=f"{colour} rows"))
        assert answer.status_code == 201, answer.content
    shots = answer.json()["screenshots"]
    assert [shot["caption"] for shot in shots] == ["red rows", "green rows", "blue rows"]
    assert shots[0]["source"] == hashlib.sha256(drawing("red")).hexdigest()

    turned = [shot["sha256"] for shot in reversed(shots)]
    assert client.put(address, {"order": turned}, format="json").status_code == 200
    again = client.post(address, part(drawing("red"), caption="the same, said better"))
    assert len(again.json()["screenshots"]) == 3
    assert client.delete(f"{address}{turned[1]}/").status_code == 200
    assert client.delete(f"{address}{turned[1]}/").status_code == 404

    found = anybody.get(f"{API}plugins/@acme/charts/").json()["screenshots"]
    assert [(shot["url"], shot["caption"]) for shot in found] == [
        (f"pictures/{turned[0]}.png", "blue rows"),
        (f"pictures/{turned[2]}.png", "the same, said better"),
    ]
    raw = b"".join(anybody.get(f"/market/{found[0]['url']}").streaming_content)
    with Image.open(io.BytesIO(raw)) as picture:
        assert (picture.format, picture.size) == ("PNG", (40, 30))


@pytest.mark.parametrize("order", [[], ["0" * 64], ["same", "same"]])
def test_order_that_leaves_one_out_or_names_another_is_refused(
    acme: Seller, listing: Listing, order: list[str]
) -> None:
    client = acme.client()
    for colour in ("red", "green"):
        known = client.post(f"{FRONT}screenshots/", part(drawing(colour))).json()["screenshots"]
    order = [known[0]["sha256"] if item == "same" else item for item in order]

    answer = client.put(f"{FRONT}screenshots/", {"order": order}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (422, "market-picture-refused")
    assert client.get(FRONT).json()["screenshots"] == known


def test_icon_is_drawn_small_without_what_its_file_said(acme: Seller, listing: Listing, anybody: APIClient) -> None:
    answer = acme.client().put(f"{FRONT}icon/", part(drawing(size=(900, 300), form="JPEG")))

    icon = answer.json()["icon"]
    found = anybody.get(f"{API}plugins/@acme/charts/").json()["icon"]
    assert found == f"pictures/{icon['sha256']}.png"
    raw = b"".join(anybody.get(f"/market/{found}").streaming_content)
    assert b"secret" not in raw
    with Image.open(io.BytesIO(raw)) as picture:
        assert picture.size == (256, 85)
    assert acme.client().delete(f"{FRONT}icon/").json()["icon"] is None
    assert anybody.get(f"/market/{found}").status_code == 404


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG is not"),
        (b"GIF89a" + bytes(50), "no picture"),
        (drawing("white", (20_000, 1_001), mode="1"), "pixels"),
        (bytes(5_000_001), "bytes"),
    ],
    ids=["svg", "gif", "pixels", "bytes"],
)
def test_what_is_no_picture_or_too_large_is_refused(acme: Seller, listing: Listing, content: bytes, told: str) -> None:
    answer = acme.client().post(f"{FRONT}screenshots/", part(content))

    assert (answer.status_code, answer.json()["code"]) == (422, "market-picture-refused")
    assert told in answer.json()["detail"]
    assert not ListingPicture.objects.exists()


def test_upload_of_many_bytes_is_refused_before_it_is_read(acme: Seller, listing: Listing) -> None:
    answer = acme.client().post(f"{FRONT}screenshots/", part(bytes(5_200_000)))

    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_parts_that_are_missing_or_unknown_are_named(acme: Seller, listing: Listing) -> None:
    answer = acme.client().put(f"{FRONT}icon/", {"caption": "x"})

    assert [item["pointer"] for item in answer.json()["errors"]] == ["/caption", "/picture"]


def test_eleventh_screenshot_is_refused(acme: Seller, listing: Listing) -> None:
    ListingPicture.objects.bulk_create(
        ListingPicture(listing=listing, position=n, sha256=f"{n:064}", width=1, height=1) for n in range(10)
    )

    answer = acme.client().post(f"{FRONT}screenshots/", part(drawing()))

    assert "10 screenshots at most" in answer.json()["detail"]


def test_addresses_and_texts_are_changed_one_by_one(acme: Seller, listing: Listing, anybody: APIClient) -> None:
    client = acme.client()
    told = {"demo": "https://demo.example/", "pricing_text": "5 euros a month", "license_page": "https://l.example/"}
    assert client.patch(FRONT, told, format="json").status_code == 200

    assert client.patch(FRONT, {"demo": "", "documentation": "https://d.example/"}, format="json").status_code == 200

    found = anybody.get(f"{API}plugins/@acme/charts/").json()
    names = ("demo", "documentation", "pricing_text", "pricing_page", "license_page")
    assert [found[name] for name in names] == [
        *(None, "https://d.example/", "5 euros a month", None, "https://l.example/")
    ]
    assert AuditRecord.objects.filter(action="listing.front").count() == 2
    client.patch(FRONT, {"demo": ""}, format="json")
    assert AuditRecord.objects.filter(action="listing.front").count() == 2, "nothing changed, nothing is told"


@pytest.mark.parametrize(
    "told",
    [
        {"demo": "javascript:alert(1)"},
        {"documentation": "ftp://example.org/"},
        {"pricing_page": "example"},
        {"pricing_text": "a\nb"},
        {"pricing_text": "x" * 201},
        {"name": "Mine"},
    ],
)
def test_what_is_no_address_or_not_the_publishers_to_say_is_refused(
    acme: Seller, listing: Listing, told: dict[str, str]
) -> None:
    assert acme.client().patch(FRONT, told, format="json").status_code == 422


def test_plugin_is_deprecated_and_active_again(acme: Seller, listing: Listing, anybody: APIClient) -> None:
    address = f"{API}plugins/@acme/charts/state/"
    acme.client().put(address, {"state": "deprecated", "reason": "use @acme/graphs"}, format="json")

    found = anybody.get(f"{API}plugins/@acme/charts/").json()
    assert (found["state"], found["state_reason"]) == ("deprecated", "use @acme/graphs")
    assert acme.client().put(address, {"state": "active"}, format="json").json()["state"] == "active"
    assert acme.client().put(address, {"state": "removed"}, format="json").status_code == 422


def test_front_is_for_its_publishers_tokens_with_the_scope(acme: Seller, listing: Listing, anybody: APIClient) -> None:
    assert anybody.get(FRONT).status_code == 401
    other = Seller.make("other")
    for address in (FRONT, FRONT.replace("charts", "nothing")):
        assert other.client().get(address).json()["code"] == "market-publisher-refused"
    small = Seller.make("small", scopes=(TokenScope.PUBLISH,))
    shelve("@small/one")
    answer = small.client().get(f"{API}plugins/@small/one/front/")
    assert (answer.status_code, answer.json()["code"]) == (403, "market-token-scope")
    assert acme.client().get(FRONT.replace("charts", "nothing")).status_code == 404


def test_front_before_anything_is_public_tells_nobody_the_name(acme: Seller, anybody: APIClient) -> None:
    acme.publish("@acme/secret")
    before = changes_since(0).serial
    address = f"{API}plugins/@acme/secret/front/"

    shot = acme.client().put(f"{address}icon/", part(drawing())).json()["icon"]
    acme.client().patch(address, {"demo": "https://demo.example/"}, format="json")

    assert changes_since(0).serial == before
    assert not changes_since(0).removed
    assert anybody.get(f"/market/pictures/{shot['sha256']}.png").status_code == 404


def test_removed_plugin_keeps_its_front(acme: Seller, listing: Listing) -> None:
    unpublish(listing)

    for answer in (
        acme.client().patch(FRONT, {"demo": "https://demo.example/"}, format="json"),
        acme.client().put(f"{FRONT}icon/", part(drawing())),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "market-release-state")


def test_changes_of_the_front_have_a_rate(acme: Seller, listing: Listing, settings: Any) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "THROTTLE_RATES": {"market-front": "1/min"}}
    cache.clear()

    assert acme.client().get(FRONT).status_code == 200
    assert acme.client().get(FRONT).status_code == 429


def test_document_describes_the_front() -> None:
    paths = document.mounted_at("/market/")["paths"]

    found = {path: sorted(methods) for path, methods in paths.items() if "/front/" in path or path.endswith("/state/")}
    assert sorted(found.values()) == [["delete"], ["delete", "put"], ["get", "patch"], ["post", "put"], ["put"]]
    form = next(methods["post"] for path, methods in paths.items() if path.endswith("/screenshots/"))
    assert "multipart/form-data" in form["requestBody"]["content"]
