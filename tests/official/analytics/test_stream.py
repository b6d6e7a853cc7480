"""Events of the browser and of the server meet in one stream: one user, one session, one device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

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
