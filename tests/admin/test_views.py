"""Saved views in the admin: found, read through the gate, deleted and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from gridkit_django.events import GridEvent, signal_for
from gridkit_django.grids import grid_registry
from gridkit_django.models import SavedView, ViewScope
from tests.api.grids import ProductGrid

pytestmark = pytest.mark.django_db

PAGE = "/admin/gridkit_django/savedview/"
STATE = {"v": 1, "query": {"columns": ["sku", "price"]}, "layout": {}}


@pytest.fixture(autouse=True)
def grid() -> Iterator[None]:
    grid_registry().register(ProductGrid)
    yield
    grid_registry().unregister("api-products")


@pytest.fixture
def views() -> list[SavedView]:
    ann, bob = (User.objects.create_user(name) for name in ("ann", "bob"))
    buyers = Group.objects.create(name="Buyers")
    more: list[dict[str, Any]] = [
        {"owner": ann, "name": "Cheap", "state": STATE},
        {"owner": bob, "name": "Late", "scope": ViewScope.GROUP, "group": buyers, "state": {}},
        {"owner": bob, "name": "Gone", "grid": "no-grid", "scope": ViewScope.PUBLIC, "state": STATE},
    ]
    return [SavedView.objects.create(**{"grid": "api-products", **item}) for item in more]


def client_with(*rights: str) -> Client:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def test_views_are_listed_searched_and_filtered(admin: Client, views: list[SavedView]) -> None:
    whole = admin.get(PAGE).content.decode()
    assert all(view.name in whole for view in views)
    for query in ("?q=Buyers", "?q=bob&scope__exact=group", "?grid=api-products&q=late"):
        found = admin.get(f"{PAGE}{query}").content.decode()
        assert "Late" in found, query
        assert "Cheap" not in found, query


def test_page_of_a_view_shows_its_state_and_no_form(admin: Client, views: list[SavedView]) -> None:
    page = admin.get(f"{PAGE}{views[0].pk}/change/").content.decode()
    assert "price" in page
    assert 'name="_save"' not in page
    assert admin.post(f"{PAGE}{views[0].pk}/change/", {"name": "x"}).status_code == 403
    assert admin.get(f"{PAGE}add/").status_code == 403


def test_state_is_shown_as_far_as_the_reader_may_see_it(views: list[SavedView]) -> None:
    client = client_with("view_savedview", "open_grid")
    page = client.get(f"{PAGE}{views[0].pk}/change/").content.decode()
    assert "sku" in page
    assert "price" not in page
    assert "/query/columns/1" in page
    assert client.get(f"{PAGE}{views[0].pk}/delete/").status_code == 403


def test_nothing_is_shown_of_a_grid_that_the_reader_may_not_open(admin: Client, views: list[SavedView]) -> None:
    closed = client_with("view_savedview").get(f"{PAGE}{views[0].pk}/change/").content.decode()
    gone = admin.get(f"{PAGE}{views[2].pk}/change/").content.decode()
    assert "sku" not in closed + gone


def test_view_that_is_not_there_leads_back_to_the_list(admin: Client) -> None:
    assert admin.get(f"{PAGE}00000000-0000-0000-0000-000000000000/change/").status_code == 302


def test_deleting_views_is_told(admin: Client, views: list[SavedView]) -> None:
    told: list[tuple[str | None, str, str]] = []

    def hear(event: GridEvent, **_kwargs: Any) -> None:
        told.append((event.grid, str(event.payload["name"]), event.source.value))

    signal = signal_for("view:delete")
    signal.connect(hear)
    try:
        admin.post(f"{PAGE}{views[0].pk}/delete/", {"post": "yes"})
        chosen = {"action": "delete_selected", "_selected_action": [str(view.pk) for view in views[1:]], "post": "yes"}
        admin.post(PAGE, chosen)
    finally:
        signal.disconnect(hear)
    assert sorted(told, key=str) == [
        ("api-products", "Cheap", "admin"),
        ("api-products", "Late", "admin"),
        ("no-grid", "Gone", "admin"),
    ]
    assert not SavedView.objects.exists()
