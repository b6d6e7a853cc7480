"""Downloads, installs and ratings: counted once a day and site, summed later, smoothed, and shown to the author."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.marketplace.shelf.counting import SITES_PER_ADDRESS, report_event
from gridkit_django.marketplace.shelf.serials import current_serial
from gridkit_django.marketplace.shelf.tokens import TokenScope, make_token
from gridkit_django.models import Listing, ListingReport, MarketDay, MarketEvent, MarketEventKind, MarketSite
from gridkit_django.tasks.market import renew_market, roll_up_market
from tests.marketplace.shelf.goods import API, Seller, shelve

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

CHARTS = f"{API}plugins/@acme/charts/"


@pytest.fixture(autouse=True)
def charts(acme: Seller) -> Listing:
    return shelve("@acme/charts")


def report(client: APIClient, kind: str, site: str = "a" * 32, **fields: Any) -> Any:
    body = {"site": site, "kind": kind, "version": "1.0.0", "core_version": "0.9.0", **fields}
    return client.post(f"{CHARTS}events/", body, format="json")


def test_same_site_a_thousand_times_counts_once(anybody: APIClient) -> None:
    for _ in range(30):
        assert report(anybody, "download").status_code == 202
    assert roll_up_market() == 1
    assert roll_up_market() == 0
    assert Listing.objects.get().downloads == 1
    assert MarketEvent.objects.get().site != "a" * 32


def test_one_address_speaks_for_so_many_sites_only(anybody: APIClient) -> None:
    for number in range(SITES_PER_ADDRESS + 10):
        report(anybody, "install", site=f"{number:032}")
    roll_up_market()
    assert Listing.objects.get().installs == SITES_PER_ADDRESS
    assert MarketSite.objects.count() == SITES_PER_ADDRESS


def test_downloads_installs_and_updates_are_apart_and_reach_the_search(anybody: APIClient) -> None:
    before = anybody.get(CHARTS).json()
    for kind in ("download", "install", "update"):
        report(anybody, kind)
    report(anybody, "download", site="b" * 32)
    roll_up_market()

    found = anybody.get(CHARTS).json()
    assert (found["downloads"], found["installs"]) == (2, 1)
    row = Listing.objects.get()
    assert (row.updates, row.recent_installs, row.search_row.downloads) == (1, 1, 2)
    assert row.serial == current_serial()
    assert before["downloads"] == 0
    serial = current_serial()
    report(anybody, "download", site="c" * 32)
    roll_up_market()
    assert current_serial() == serial  # other sites are told of new figures once a day


def test_only_a_site_that_has_the_plugin_rates_it_and_few_ratings_move_little(anybody: APIClient) -> None:
    def rated(site: str, rating: int) -> Any:
        return anybody.put(f"{CHARTS}rating/", {"site": site, "rating": rating}, format="json")

    refused = rated("a" * 32, 5)
    assert (refused.status_code, refused.json()["code"]) == (403, "market-rating-refused")
    report(anybody, "install")
    assert rated("a" * 32, 1).status_code == 202
    assert rated("a" * 32, 5).status_code == 202
    assert rated("a" * 32, 6).status_code == 422
    report(anybody, "install", site="b" * 32)
    rated("b" * 32, 2)
    roll_up_market()
    told = anybody.get(CHARTS).json()["rating"]
    assert told["count"] == 2
    assert told["value"] == pytest.approx((3.5 * 10 + 5 + 2) / 12)

    report(anybody, "uninstall", site="b" * 32)
    assert rated("b" * 32, 1).status_code == 403


@pytest.mark.parametrize(
    ("change", "status"),
    [({"version": "9.9"}, 404), ({"kind": "look"}, 422), ({"site": "short"}, 422), ({"more": 1}, 422)],
)
def test_report_that_is_not_right_is_refused(anybody: APIClient, change: dict[str, Any], status: int) -> None:
    fields = {"kind": "install", **change}
    assert report(anybody, fields.pop("kind"), **fields).status_code == status
    assert not MarketEvent.objects.exists()


def test_author_sees_days_versions_and_cores(acme: Seller, anybody: APIClient) -> None:
    report(anybody, "install")
    report(anybody, "download")
    roll_up_market()
    assert anybody.get(f"{CHARTS}analytics/").status_code == 401
    acme.row, acme.token = make_token(acme.publisher, "publish only")
    assert acme.client().get(f"{CHARTS}analytics/").status_code == 403
    acme.row, acme.token = make_token(acme.publisher, "look", scopes=[TokenScope.ANALYTICS])
    found = acme.client().get(f"{CHARTS}analytics/", {"days": 7}).json()
    assert len(found["days"]) == 7
    today = {"day": timezone.now().date().isoformat(), "download": 1, "install": 1, "update": 0, "uninstall": 0}
    assert found["days"][-1] == today
    assert (found["versions"], found["core_versions"]) == ({"1.0.0": 1}, {"0.9.0": 1})


def test_old_reports_go_and_their_sums_stay(charts: Listing) -> None:
    report_event("@acme/charts", MarketEventKind.INSTALL, "a" * 32, version="1.0.0")
    roll_up_market()
    long_ago = timezone.now().date() - timedelta(days=90)
    MarketEvent.objects.update(day=long_ago)
    MarketDay.objects.update(day=long_ago)
    assert renew_market() == 1
    charts.refresh_from_db()
    assert not MarketEvent.objects.exists()
    assert (charts.installs, charts.recent_installs) == (1, 0)


def test_report_about_a_plugin_reaches_the_administrators(anybody: APIClient) -> None:
    body = {"reason": "malware", "text": "It reads what it should not."}
    assert anybody.post(f"{CHARTS}reports/", body, format="json").status_code == 202
    assert anybody.post(f"{CHARTS}reports/", {**body, "reason": "dull"}, format="json").status_code == 422
    assert str(ListingReport.objects.get()) == "@acme/charts: does harm"
