"""The catalogue: followed page by page; a marketplace that is down, slow, lying or full of HTML leaves it as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.exceptions import MarketplaceUnknownError, SettingsError
from gridkit_django.marketplace.client import catalogue_ages, http, refresh_catalogue, remote_named, remote_of
from gridkit_django.marketplace.client.remotes import remotes
from gridkit_django.models import CatalogEntry, CatalogSource
from gridkit_django.tasks import marketplace
from gridkit_django.tasks.marketplace import refresh_catalogues
from tests.marketplace.client.market import HTML, Market, listing, release, reply

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]


def ids() -> list[str]:
    return list(CatalogEntry.objects.order_by("plugin_id").values_list("plugin_id", flat=True))


@pytest.mark.both_databases
def test_catalogue_follows_what_changes_page_by_page(market: Market) -> None:
    market.page = 2
    for number in range(5):
        market.put(listing(f"@acme/p{number}"))
    assert refresh_catalogue() == {"main": ""}
    assert ids() == [f"@acme/p{number}" for number in range(5)]
    assert market.asked.count("GET api/v1/changes/") == 3
    market.put(listing("@acme/p0", name="Newer"))
    market.remove("@acme/p1")

    refresh_catalogue()

    assert ids() == ["@acme/p0", "@acme/p2", "@acme/p3", "@acme/p4"]
    assert CatalogEntry.objects.get(plugin_id="@acme/p0").name == "Newer"
    assert CatalogSource.objects.get().serial == market.serial
    asked = len(market.asked)
    refresh_catalogue()
    assert len(market.asked) == asked + 1, "nothing new costs one question"


def test_task_follows_too(market: Market) -> None:
    market.put(listing())
    assert refresh_catalogues.apply().get() == {"main": ""}
    assert ids() == ["@acme/colours"]


def test_task_comes_back_after_the_first_waits_and_leaves_long_ones_to_beat(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[float] = []
    monkeypatch.setattr(marketplace, "send", lambda _task, _arguments, *, countdown: sent.append(countdown))
    market.act = hang_up

    for _ in range(4):
        refresh_catalogues.apply(kwargs={"now": True}).get()
    assert [round(seconds, -1) for seconds in sent] == [60, 120, 240], "the fourth wait is one of eight minutes"
    assert refresh_catalogues.apply().get() == {}, "it is left in peace, and whoever came too early goes for good"
    market.act = None
    assert refresh_catalogues.apply(kwargs={"now": True}).get() == {"main": ""}
    assert len(sent) == 3


@pytest.mark.both_databases
def test_marketplace_that_was_set_up_again_loses_what_it_does_not_have(market: Market) -> None:
    for name in ("@acme/old", "@acme/both"):
        market.put(listing(name))
    market.serial = 9
    refresh_catalogue()
    market.listings.clear()
    market.serial = 0
    market.put(listing("@acme/both"))

    refresh_catalogue()

    assert ids() == ["@acme/both"]


@pytest.mark.both_databases
def test_marketplace_at_another_address_begins_anew(market: Market) -> None:
    market.put(listing())
    refresh_catalogue()
    CatalogSource.objects.update(url="http://127.0.0.1:1/other/")

    refresh_catalogue()

    assert (ids(), CatalogSource.objects.get().url) == (["@acme/colours"], market.url)


def test_marketplace_at_another_address_that_does_not_answer_yet_keeps_its_list_until_it_does(market: Market) -> None:
    market.put(listing("@acme/before"))
    refresh_catalogue()
    CatalogSource.objects.update(
        url="http://127.0.0.1:1/other/", serial=1, retry_at=timezone.now() + timedelta(hours=6)
    )
    market.listings.clear()
    market.put(listing("@acme/after"))
    market.act = hang_up

    assert "can't be reached" in refresh_catalogue()["main"], "it is asked at once: only the other one was to be left"
    assert (ids(), CatalogSource.objects.get().url) == (["@acme/before"], market.url)
    market.act = None
    refresh_catalogue(now=True)
    assert ids() == ["@acme/after"]


def test_empty_marketplace_at_another_address_empties_the_list(market: Market) -> None:
    market.put(listing())
    refresh_catalogue()
    CatalogSource.objects.update(url="http://127.0.0.1:1/other/")
    market.listings.clear()
    market.serial = 0

    refresh_catalogue()

    assert ids() == []


def test_marketplace_that_left_the_settings_leaves_the_catalogue(market: Market, settings: Any) -> None:
    market.put(listing())
    refresh_catalogue()
    settings.GRIDKIT = {}

    refresh_catalogue()

    assert ids() == []


def send(body: bytes, kind: str = "application/json", status: int = 200) -> Any:
    def act(_market: Market, handler: BaseHTTPRequestHandler) -> None:
        reply(handler, body, kind, status)

    return act


def hang_up(_market: Market, handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def cut(_market: Market, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"name": "x')
    handler.close_connection = True


def redirect(_market: Market, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://169.254.169.254/latest/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def circle(market: Market, handler: BaseHTTPRequestHandler) -> None:
    page = {"serial": 0, "more": True, "listings": [], "removed": []}
    index = {"name": "x", "serial": 3, "protocol": 1}
    reply(handler, json.dumps(page if "changes" in handler.path else index).encode(), "application/json")


BAD = {
    "html": (send(HTML, "text/html"), "marketplace-answer-broken"),
    "html as JSON": (send(HTML), "marketplace-answer-broken"),
    "a list": (send(b"[]"), "marketplace-answer-broken"),
    "deep": (send(b"[" * 200_000), "marketplace-answer-broken"),
    "other protocol": (send(b'{"name": "x", "serial": 1, "protocol": 2}'), "marketplace-answer-broken"),
    "circle": (circle, "marketplace-answer-broken"),
    "elsewhere": (redirect, "marketplace-answer-broken"),
    "ill": (send(b"{}", status=503), "marketplace-unreachable"),
    "busy": (send(b"{}", status=429), "marketplace-unreachable"),
    "denied": (send(b'{"detail": "no such token"}', status=401), "marketplace-denied"),
    "hung up": (hang_up, "marketplace-unreachable"),
    "cut": (cut, "marketplace-unreachable"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_marketplace_leaves_the_catalogue_as_it_was_and_is_left_in_peace(market: Market, name: str) -> None:
    market.put(listing())
    refresh_catalogue()
    market.act, code = BAD[name]
    asked = len(market.asked)

    told = refresh_catalogue()["main"]

    source = CatalogSource.objects.get()
    assert (source.error_code, source.error, source.failures) == (code, told, 1)
    assert ids() == ["@acme/colours"]
    assert len(market.asked) > asked
    asked = len(market.asked)
    assert refresh_catalogue() == {}, "it is left in peace"
    assert len(market.asked) == asked
    market.act = None
    assert refresh_catalogue(now=True) == {"main": ""}
    assert CatalogSource.objects.get().failures == 0


def test_slow_marketplace_is_given_up(
    market: Market, site: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(_market: Market, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(10 * http._CHUNK))
        handler.end_headers()
        for _ in range(10):
            handler.wfile.write(b" " * http._CHUNK)

    market.act = drip
    monkeypatch.setattr(http, "DEADLINE_SECONDS", -1.0)
    refresh_catalogue()
    assert "took over" in CatalogSource.objects.get().error


def test_endless_answer_is_cut(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_BYTES_MAX", 100)
    market.act = send(b" " * 1000)
    refresh_catalogue()
    assert "more than 100 bytes" in CatalogSource.objects.get().error


def test_waits_grow_and_are_logged_once(market: Market, caplog: pytest.LogCaptureFixture) -> None:
    market.act = send(b"", status=500)
    waits = []
    for _ in range(3):
        refresh_catalogue(now=True)
        retry_at = CatalogSource.objects.get().retry_at
        assert retry_at is not None
        waits.append(round((retry_at - timezone.now()) / timedelta(minutes=1)))
    assert waits == [1, 2, 4]
    assert caplog.text.count("could not be followed") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"icon": "https://evil.example/x.png"},
        {"icon": "pictures/../../x.png"},
        {"homepage": "javascript:alert(1)"},
        {"documentation": "data:text/html,x"},
        {"license_page": " https://x.example"},
        {"pricing_page": "https:///x"},
        {"screenshots": [{"url": "https://evil.example/x.png"}]},
        {"screenshots": [{"url": "pictures/x.png", "caption": "x" * 201}]},
        {"versions": [release(url="//evil.example/x.whl")]},
        {"versions": [release(filename="../x.whl")]},
        {"versions": [release(digest="sha256:short")]},
        {"versions": [release(state="hidden")]},
        {"name": "x" * 201},
        {"rating": {"value": 99}},
    ],
)
@pytest.mark.both_databases
def test_listing_that_does_not_fit_is_left_out_with_the_reason_and_the_others_are_kept(
    market: Market, fault: dict[str, Any]
) -> None:
    market.put(listing("@acme/good"))
    market.put(listing("@acme/bad", **fault))

    refresh_catalogue()

    assert ids() == ["@acme/good"]
    assert next(iter(fault)) in catalogue_ages()[0].skipped["@acme/bad"]
    market.put(listing("@acme/bad"))
    refresh_catalogue()
    assert (ids(), dict(catalogue_ages()[0].skipped)) == (["@acme/bad", "@acme/good"], {})


def test_marketplace_lists_only_ids_that_the_settings_give_to_it(market: Market, settings: Any) -> None:
    settings.GRIDKIT = {
        "MARKETPLACES": {
            "main": {"url": market.url},
            "own": {"url": "http://127.0.0.1:1/", "prefixes": ["@acme/"], "timeout": 0.2},
        }
    }
    market.put(listing("@acme/colours"))
    market.put(listing("@other/colours"))

    refresh_catalogue()

    assert ids() == ["@other/colours"]
    assert "'own'" in catalogue_ages()[0].skipped["@acme/colours"]
    assert remote_of("@acme/colours").alias == "own"
    assert remote_of("@other/colours").alias == "main"


def test_offline_site_asks_nobody(market: Market, site: Callable[..., None]) -> None:
    site(MARKETPLACE_OFFLINE=True)
    assert refresh_catalogue() == {}
    assert market.asked == []


def test_settings_that_give_an_id_to_two_are_refused(settings: Any) -> None:
    place = {"url": "https://one.example/market", "prefixes": ["@acme/"]}
    settings.GRIDKIT = {"MARKETPLACES": {"one": place, "two": place}}
    with pytest.raises(SettingsError, match="'@acme/' to more than one"):
        remotes()
    settings.GRIDKIT = {"MARKETPLACES": {"one": place}}
    assert remote_named("one").url == "https://one.example/market/"
    with pytest.raises(MarketplaceUnknownError):
        remote_of("@other/x")
    with pytest.raises(MarketplaceUnknownError):
        remote_named("two")
    settings.GRIDKIT = {"MARKETPLACES": {"one": {"url": "ftp://x"}}}
    with pytest.raises(SettingsError, match="it is like"):
        remotes()


def test_token_is_sent_and_shown_nowhere(market: Market, site: Callable[..., None]) -> None:
    seen: list[str | None] = []

    def note(_market: Market, handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        reply(handler, b"{}", "application/json", 403)

    site({"token": "s3cret"})
    market.act = note
    refresh_catalogue()
    assert seen == ["Bearer s3cret"]
    assert "s3cret" not in CatalogSource.objects.get().error + repr(remotes())
