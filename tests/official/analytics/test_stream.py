"""Events of the browser and of the server meet in one stream: one user, one session, one device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.events import GridEvent, signal_for
from gridkit_django.exceptions import EventRejected
from gridkit_django.models import OutboxMessage
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.identity import user_of
from tests.api.conftest import client_of
from tests.exports.shop import person, products
from tests.official.analytics.conftest import GRID, waiting

pytestmark = pytest.mark.django_db

URL = f"/gridkit/api/grids/{GRID}/"
HEADERS = {"X-GridKit-Visit": "session-77.browser-77"}


@pytest.fixture
def eva(db: None) -> User:
    return person("eva", "gridkit_django.edit_grid", "gridkit_django.open_grid")


@pytest.fixture
def browser(eva: User, install: Callable[..., None]) -> APIClient:
    install(provider="segment", api_key="k")
    return client_of(eva)


def report(browser: APIClient, **headers: str) -> None:
    events = [{"type": "sort:change", "payload": {"sort": [{"col": "sku", "dir": "asc"}], "ms": 12}}]
    answer = browser.post(f"{URL}events/", {"events": events}, format="json", headers={**HEADERS, **headers})
    assert answer.json()["results"][0]["accepted"], answer.content


@pytest.mark.both_databases
def test_edit_over_the_api_and_a_sort_that_the_browser_reports_are_of_one_visit(browser: APIClient, eva: User) -> None:
    row = products(1)[0]
    report(browser)
    version = browser.get(f"{URL}records/{row.pk}/").json()["row"]["v"]
    edit = {"changes": {"name": "new"}}
    answer = browser.patch(
        f"{URL}records/{row.pk}/", edit, format="json", headers={**HEADERS, "If-Match": f'"{version}"'}
    )
    assert answer.status_code == 200, answer.content

    told = waiting("segment")
    assert [message["name"] for message in told] == ["Table Sort Changed", "Table Cell Edited"]
    who = user_of(AnalyticsConfig(), str(eva.pk))
    assert {(message["user"], message["session"], message["device"]) for message in told} == {
        (who, "session-77", "browser-77")
    }
    assert [message["properties"]["source"] for message in told] == ["browser", "api"]
    assert OutboxMessage.objects.filter(channel="counts").count() == 2


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_browser_that_asks_not_to_be_followed_is_told_to_nobody_and_counted_without_a_name(
    browser: APIClient, header: str
) -> None:
    report(browser, **{header: "1"})

    assert waiting("segment") == []
    assert [message["user"] for message in waiting("counts")] == [""]


@pytest.mark.both_databases
def test_report_of_many_events_is_stored_by_one_statement_and_its_messages_stay_in_order(
    browser: APIClient, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    report(browser)
    OutboxMessage.objects.all().delete()
    events = [{"type": "column:move", "payload": {"column": "sku", "index": index}} for index in range(50)]
    with django_assert_max_num_queries(30) as few:
        answer = browser.post(f"{URL}events/", {"events": events}, format="json", headers=HEADERS)
    written = [query["sql"] for query in few.captured_queries if query["sql"].lstrip().startswith("INSERT")]
    assert len([sql for sql in written if "gridkit_django_outboxmessage" in sql]) == 1
    assert [message["properties"]["index"] for message in waiting("segment")] == list(range(50))
    told = OutboxMessage.objects.filter(channel="segment").order_by("pk").values_list("key", flat=True)
    assert list(told) == [item["id"] for item in answer.json()["results"]]


@pytest.mark.both_databases
def test_event_that_is_vetoed_tells_nobody_and_keeps_no_other_of_its_report_back(browser: APIClient) -> None:
    def refuse(event: GridEvent, **_kwargs: Any) -> None:
        if event.payload["index"] == 1:
            raise EventRejected("Not this.")

    signal = signal_for("column:move")
    signal.connect(refuse)
    try:
        events = [{"type": "column:move", "payload": {"column": "sku", "index": index}} for index in range(3)]
        answer = browser.post(f"{URL}events/", {"events": events}, format="json", headers=HEADERS)
    finally:
        signal.disconnect(refuse)
    assert [item["accepted"] for item in answer.json()["results"]] == [True, False, True]
    assert [message["properties"]["index"] for message in waiting("segment")] == [0, 2]
    assert OutboxMessage.objects.filter(channel="counts").count() == 2


@pytest.mark.both_databases
def test_report_that_breaks_off_leaves_no_message(browser: APIClient) -> None:
    def fail(event: GridEvent, **_kwargs: Any) -> None:
        if event.payload["index"] == 2:
            raise RuntimeError("a fault of the site")

    browser.raise_request_exception = False
    signal = signal_for("column:move")
    signal.connect(fail)
    try:
        events = [{"type": "column:move", "payload": {"column": "sku", "index": index}} for index in range(3)]
        assert browser.post(f"{URL}events/", {"events": events}, format="json", headers=HEADERS).status_code == 500
    finally:
        signal.disconnect(fail)
    assert not OutboxMessage.objects.exists()
