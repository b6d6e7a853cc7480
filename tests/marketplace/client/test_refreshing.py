"""Refreshes of the catalogue as rows: counted, timed, with what failed; told over the API and in the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from gridkit_django.exceptions import SettingsError
from gridkit_django.marketplace.client import refreshing
from gridkit_django.marketplace.client.refreshing import LOST_AFTER, request_refresh, run_refresh
from gridkit_django.models import CatalogRefresh, CatalogSource
from gridkit_django.tasks import marketplace
from gridkit_django.tasks.marketplace import refresh_catalogues
from tests.marketplace.client.market import HTML, Market, listing, reply
from tests.marketplace.client.test_admin import BROWSE, page, staff
from tests.marketplace.client.test_api import client_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]

REFRESHES = f"{BROWSE}refreshes/"
API = "/gridkit/api/marketplace/refreshes/"


def only() -> CatalogRefresh:
    return CatalogRefresh.objects.get()


def broken(_market: Market, handler: Any) -> None:
    reply(handler, HTML, "text/html")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was handed to Celery; the broker is out of reach of this test."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(marketplace, "send", lambda _task, _arguments, **options: found.append(options))
    return found


@pytest.mark.both_databases
def test_refresh_says_how_far_it_is_and_what_it_brought(
    market: Market, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.page = 2
    for number in range(5):
        market.put(listing(f"@acme/p{number}"))
    refresh, is_new = request_refresh(admin)
    seen: list[tuple[str, float, int]] = []
    real = refreshing._Scribe.takes

    def takes(scribe: Any, *facts: Any) -> None:
        real(scribe, *facts)
        row = only()
        seen.append((row.state, round(row.progress, 2), row.results["main"]["taken"]))

    with monkeypatch.context() as patch:
        patch.setattr(refreshing._Scribe, "takes", takes)
        assert run_refresh(refresh.pk, now=True) == {"main": ""}

    row = only()
    assert is_new
    assert [(state, taken) for state, _, taken in seen] == [("running", 2), ("running", 4), ("running", 5)]
    assert seen[0][1] < seen[1][1] < 1
    assert (row.pk, row.state, row.progress, row.requested_by) == (refresh.pk, "finished", 1.0, admin)
    assert row.finished_at is not None
    assert row.results["main"]["seconds"] >= 0
    market.remove("@acme/p1")
    market.put({**listing("@acme/p9"), "name": 7})
    run_refresh()
    newest = CatalogRefresh.objects.first()
    assert newest is not None
    assert {key: newest.results["main"][key] for key in ("taken", "removed", "left_out")} == {
        "taken": 0,
        "removed": 1,
        "left_out": 1,
    }
    assert newest.requested_by is None


def test_refresh_of_a_marketplace_that_is_broken_has_failed_with_the_reason(
    market: Market, sent: list[dict[str, Any]]
) -> None:
    market.act = broken

    refresh_catalogues.apply(kwargs={"now": True}).get()

    row = only()
    assert (row.state, row.results["main"]["code"]) == ("failed", CatalogSource.objects.get().error_code)
    assert row.results["main"]["error"] == CatalogSource.objects.get().error
    assert refresh_catalogues.apply().get() == {}
    assert CatalogRefresh.objects.count() == 1, "one that asks nobody is not worth a row"


def test_refresh_that_breaks_off_has_failed(site: Callable[..., None], admin: User) -> None:
    refresh, _ = request_refresh(admin)
    site({"root": 7})

    with pytest.raises(SettingsError):
        run_refresh(refresh.pk)

    assert (only().state, "SettingsError" in only().error) == ("failed", True)


@pytest.mark.both_databases
def test_one_under_way_is_enough_until_its_worker_is_lost(admin: User) -> None:
    first, _ = request_refresh(admin)
    assert request_refresh(admin) == (first, False)
    CatalogRefresh.objects.update(state="running", seen_at=timezone.now() - LOST_AFTER - timedelta(seconds=1))

    second, is_new = request_refresh(admin)

    assert is_new
    first.refresh_from_db()
    assert (first.state, "was lost" in first.error, second.state) == ("failed", True, "queued")


@pytest.mark.both_databases
def test_only_the_newest_refreshes_are_kept(monkeypatch: pytest.MonkeyPatch, market: Market) -> None:
    monkeypatch.setattr(refreshing, "KEPT", 2)
    for _ in range(4):
        run_refresh()
    assert CatalogRefresh.objects.count() == 2


def test_api_tells_refreshes_to_those_who_may_browse(market: Market, admin: User) -> None:
    market.put(listing())
    refresh, _ = request_refresh(admin)
    run_refresh(refresh.pk, now=True)
    client = client_of("browse_marketplace")

    (told,) = client.get(API).json()["results"]

    assert (told["state"], told["requestedBy"], told["results"]["main"]["taken"]) == ("finished", "root", 1)
    assert client.get(told["url"]).json() == told
    assert client.get(f"{API}{uuid4()}/").status_code == 404
    assert client_of("view_installedplugin").get(API).status_code == 403


def test_page_shows_progress_then_what_came_and_what_failed(
    market: Market, admin: User, sent: list[dict[str, Any]]
) -> None:
    client = Client()
    client.force_login(admin)
    assert "No refresh yet" in page(client, REFRESHES)
    assert client.get(f"{BROWSE}refresh/").status_code == 405

    answer = client.post(f"{BROWSE}refresh/", follow=True)

    text = answer.content.decode()
    assert (answer.redirect_chain[0][0], "<progress" in text, "data-open" in text) == (REFRESHES, True, True)
    assert sent == [{"kwargs": {"now": True, "refresh": str(only().pk)}}]
    market.act = broken
    run_refresh(only().pk, now=True)
    text = page(client, REFRESHES)
    assert ("<progress" in text, "root" in text, "not before" in text) == (False, True, True)
    assert escape(only().results["main"]["error"]) in text
    assert "Refreshes" in page(client, BROWSE)


def test_page_tells_when_the_queue_is_down_and_lets_only_installers_refresh(
    market: Market, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(marketplace, "send", fail)
    client = Client()
    client.force_login(admin)
    assert "could not be reached (ConnectionError)" in client.post(f"{BROWSE}refresh/", follow=True).content.decode()
    assert only().state == "failed"
    browser = staff("browse_marketplace")
    assert "Refresh now" not in page(browser, REFRESHES)
    assert browser.post(f"{BROWSE}refresh/").status_code == 403
    User.objects.filter(username="staff").delete()
    assert staff("view_installedplugin").get(REFRESHES).status_code == 403


def test_page_with_wrong_settings_says_what_is_wrong(site: Callable[..., None], admin: User) -> None:
    site({"url": "http://market.example/"})
    client = Client()
    client.force_login(admin)
    assert "errornote" in page(client, REFRESHES)


def test_page_is_searched_and_filtered(admin: User) -> None:
    facts = {"taken": 1, "removed": 0, "left_out": 0, "seconds": 1.0, "code": ""}
    CatalogRefresh.objects.create(state="finished", requested_by=admin, results={"main": {**facts, "error": ""}})
    CatalogRefresh.objects.create(state="failed", results={"second": {**facts, "error": "No answer."}})
    client = Client()
    client.force_login(admin)

    def lines(asked: str) -> list[str]:
        return [line.refresh.state for line in client.get(f"{REFRESHES}?{asked}").context["lines"]]

    assert lines("") == ["failed", "finished"]
    assert lines("state=failed") == lines("q=NO+answer") == lines("q=second") == ["failed"]
    assert lines(f"q={admin.username}") == lines("state=finished&q=main") == ["finished"]
    assert lines("state=made-up") == ["failed", "finished"]
    assert "No refresh matches." in page(client, f"{REFRESHES}?q=nowhere&state=running")
