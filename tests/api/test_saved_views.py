"""Saved views: who sees, opens and changes them, and what is left of one for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.dispatch import Signal
from rest_framework.test import APIClient

from gridkit_django.events import GridEvent, Moment, signal_for
from gridkit_django.exceptions import EventRejected
from gridkit_django.models import SavedView
from tests.api.conftest import PRODUCTS, client_of

VIEWS = PRODUCTS + "views/"
STATE: dict[str, Any] = {
    "v": 1,
    "query": {
        "columns": ["sku", "price", "stock"],
        "sort": [{"col": "price", "dir": "desc"}],
        "filter": {"and": [{"col": "price", "op": "lt", "value": "5"}, {"col": "stock", "op": "gt", "value": 10}]},
        "pageSize": 2,
    },
    "layout": {"columns": [{"col": "price", "width": 90}, {"col": "sku", "pin": "left"}]},
}
SHARE = "gridkit_django.share_view"


def save(client: APIClient, **body: Any) -> Any:
    return client.post(VIEWS, {"name": "Mine", **body}, format="json")


def change(client: APIClient, saved: Any, version: str | None = None, **body: Any) -> Any:
    headers = {"If-Match": version or saved["ETag"]}
    return client.patch(saved.json()["url"], body, format="json", headers=headers)


@pytest.fixture
def sharer(make_user: Callable[..., User]) -> APIClient:
    """May open grids, see prices and share views with everybody."""
    return client_of(make_user("sharer", "gridkit_django.open_grid", "shop.view_price", SHARE))


@pytest.fixture
def group(db: None) -> Group:
    return Group.objects.create(name="Buyers")


@pytest.fixture
def told() -> Iterator[list[GridEvent]]:
    """The events of views that were told after the act."""
    events: list[GridEvent] = []

    def hear(event: GridEvent, **_kwargs: Any) -> None:
        events.append(event)

    signals: list[Signal] = [signal_for(f"view:{name}") for name in ("save", "load", "delete")]
    for signal in signals:
        signal.connect(hear)
    yield events
    for signal in signals:
        signal.disconnect(hear)


@pytest.mark.both_databases
def test_view_is_saved_opened_changed_and_deleted(editor: APIClient) -> None:
    saved = save(editor, state=STATE)
    body = saved.json()
    assert (saved.status_code, saved["Location"]) == (201, f"{VIEWS}{body['id']}/")
    assert (body["name"], body["scope"], body["group"], body["isDefault"]) == ("Mine", "private", None, False)
    assert (body["owner"], body["mine"], body["state"], body["dropped"]) == ("editor", True, STATE, [])
    opened = editor.get(body["url"])
    assert (opened.json(), opened["ETag"]) == (body, saved["ETag"])
    assert editor.get(body["url"], headers={"If-None-Match": saved["ETag"]}).status_code == 304
    changed = change(editor, saved, name=" Cheap ", state={"query": {"search": "x"}})
    assert changed.json()["name"] == "Cheap"
    assert changed.json()["state"] == {"v": 1, "query": {"search": "x"}, "layout": {}}
    assert changed["ETag"] != saved["ETag"]
    assert [entry["name"] for entry in editor.get(VIEWS).json()["results"]] == ["Cheap"]
    assert editor.delete(body["url"], headers={"If-Match": saved["ETag"]}).status_code == 412
    assert editor.delete(body["url"], headers={"If-Match": changed["ETag"]}).status_code == 204
    assert editor.get(body["url"]).status_code == 404


def test_new_view_holds_an_empty_state_unless_one_is_sent(editor: APIClient) -> None:
    assert save(editor).json()["state"] == {"v": 1, "query": {}, "layout": {}}


@pytest.mark.both_databases
def test_private_view_does_not_exist_for_others(editor: APIClient, sharer: APIClient) -> None:
    url = save(editor).json()["url"]
    nothing = url.replace(url[-8:-1], "0000000")
    answers = [[sharer.get(at), change(sharer, Fake(at), name="x"), sharer.delete(at)] for at in (url, nothing)]
    assert sharer.get(VIEWS).json() == {"results": [], "default": None, "groups": []}
    for real, fake in zip(*answers, strict=True):
        assert real.status_code == fake.status_code == 404
        assert (real.json()["code"], real.json()["detail"]) == ("view-not-found", fake.json()["detail"])


class Fake:
    """Stands for an answer about a view at an address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def json(self) -> dict[str, str]:
        return {"url": self._url}

    def __getitem__(self, _name: str) -> str:
        return '"some"'


def test_view_of_another_grid_does_not_exist(editor: APIClient) -> None:
    url = save(editor).json()["url"].replace("api-products", "api-customers")
    assert editor.get(url).json()["code"] == "view-not-found"


@pytest.mark.both_databases
def test_view_of_a_group_is_for_its_members(editor: APIClient, reader: APIClient, group: Group) -> None:
    for name in ("editor", "reader"):
        assert save(editor, scope="group", group=group.pk).json()["errors"][0]["pointer"] == "/group"
        User.objects.get(username=name).groups.add(group)
        if name == "editor":
            saved = save(editor, scope="group", group=group.pk, name="Ours")
            assert saved.json()["group"] == {"id": group.pk, "name": "Buyers"}
            assert reader.get(VIEWS).json()["results"] == []
            User.objects.get(username="editor").groups.clear()
    (entry,) = reader.get(VIEWS).json()["results"]
    assert (entry["name"], entry["owner"], entry["mine"]) == ("Ours", "editor", False)
    assert editor.get(saved.json()["url"]).json()["mine"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scope": "group"}, "/group"),
        ({"scope": "private", "group": 1}, "/group"),
        ({"scope": "public", "group": 1}, "/group"),
        ({"scope": "group", "group": 10**9}, "/group"),
        ({"name": "   "}, "/name"),
        ({"state": {"query": {"columns": ["prize"]}}}, "/state/query/columns/0"),
        ({"state": {"layout": {"columns": [{"col": "sku", "width": 0}]}}}, "/state/layout/columns/0/width"),
        ({"state": {"query": {"search": "y" * 70_000}}}, "/state"),
        ({"name": "x" * 101}, "/name"),
        ({"colour": "red"}, "/colour"),
        ({"scope": "planet"}, "/scope"),
        ({"isDefault": "yes"}, "/isDefault"),
        ({"state": []}, "/state"),
    ],
)
def test_what_is_wrong_with_a_view_is_refused_with_its_place(
    sharer: APIClient, body: dict[str, Any], pointer: str
) -> None:
    answer = save(sharer, **body)
    assert (answer.status_code, [item["pointer"] for item in answer.json()["errors"]]) == (422, [pointer])
    assert not SavedView.objects.exists()


def test_sharing_with_everybody_takes_a_right(editor: APIClient, sharer: APIClient, reader: APIClient) -> None:
    assert save(editor, scope="public").json()["code"] == "access-denied"
    saved = save(editor)
    assert change(editor, saved, scope="public").status_code == 403
    assert save(sharer, scope="public", name="All").status_code == 201
    assert [entry["name"] for entry in reader.get(VIEWS).json()["results"]] == ["All"]


def test_who_lost_the_right_to_share_can_only_take_a_shared_view_back(sharer: APIClient) -> None:
    saved = save(sharer, scope="public")
    user = User.objects.get(username="sharer")
    user.user_permissions.remove(*user.user_permissions.filter(codename="share_view"))
    assert change(sharer, saved, name="Other").status_code == 403
    assert change(sharer, saved, scope="private").json()["scope"] == "private"


def test_only_the_owner_changes_a_shared_view(sharer: APIClient, editor: APIClient) -> None:
    saved = save(sharer, scope="public", state=STATE)
    assert change(editor, saved, name="Taken").json()["code"] == "access-denied"
    assert editor.delete(saved.json()["url"]).status_code == 403
    assert SavedView.objects.get().name == "Mine"


def test_change_needs_the_version_that_it_was_made_from(editor: APIClient) -> None:
    saved = save(editor)
    first = change(editor, saved, name="Once")
    late = change(editor, saved, name="Twice")
    assert (late.status_code, late.json()["current"]["name"]) == (412, "Once")
    assert editor.patch(saved.json()["url"], {"name": "x"}, format="json").status_code == 428
    assert change(editor, saved, "*", name="Any").json()["name"] == "Any"
    assert change(editor, saved, f'"no", {first["ETag"]}', name="x").status_code == 412
    assert change(editor, saved, '"half', name="x").status_code == 400


@pytest.mark.both_databases
def test_name_is_taken_once_for_each_owner_and_grid(editor: APIClient, sharer: APIClient) -> None:
    assert save(editor).status_code == save(sharer).status_code == 201
    assert save(editor).json()["errors"][0]["pointer"] == "/name"
    other = save(editor, name="Other")
    assert change(editor, other, name="Mine").json()["code"] == "view-invalid"
    assert change(editor, other, name="Third").status_code == 200


def test_views_of_one_person_are_limited(editor: APIClient, sharer: APIClient, settings: Any) -> None:
    settings.GRIDKIT = {"VIEWS_PER_USER": 2}
    assert [save(editor, name=name).status_code for name in "abc"] == [201, 201, 422]
    assert save(sharer).status_code == 201


@pytest.mark.both_databases
def test_less_is_left_of_a_view_for_who_may_see_less(reader: APIClient, sharer: APIClient, products: list[Any]) -> None:
    saved = save(sharer, scope="public", state=STATE)
    opened = reader.get(saved.json()["url"])
    assert opened.json()["state"] == {
        "v": 1,
        "query": {
            "columns": ["sku", "stock"],
            "filter": {"and": [{"col": "stock", "op": "gt", "value": 10}]},
            "pageSize": 2,
        },
        "layout": {"columns": [{"col": "sku", "pin": "left"}]},
    }
    assert opened.json()["dropped"] == ["/query/columns/1", "/query/sort/0", "/query/filter/and/0", "/layout/columns/0"]
    assert b"price" not in opened.content
    assert opened["ETag"] != saved["ETag"]


def test_name_of_a_view_changes_without_taking_what_its_owner_no_longer_sees(sharer: APIClient) -> None:
    saved = save(sharer, state=STATE)
    user = User.objects.get(username="sharer")
    user.user_permissions.remove(*user.user_permissions.filter(codename="view_price"))
    now = sharer.get(saved.json()["url"])
    assert change(sharer, saved, now["ETag"], name="Kept").json()["dropped"] == now.json()["dropped"] != []
    assert SavedView.objects.get().state == STATE


@pytest.mark.both_databases
def test_default_is_ones_own_then_the_groups_then_everybodys(
    sharer: APIClient, reader: APIClient, group: Group
) -> None:
    for name in ("sharer", "reader"):
        User.objects.get(username=name).groups.add(group)
    opens = lambda client: client.get(VIEWS).json()["default"]  # noqa: E731
    public = save(sharer, name="a", scope="public", isDefault=True).json()["id"]
    assert opens(reader) == public
    ours = save(sharer, name="b", scope="group", group=group.pk, isDefault=True).json()["id"]
    assert opens(reader) == ours
    assert opens(sharer) == ours
    first, second = (save(reader, name=name, isDefault=True).json()["id"] for name in "cd")
    assert opens(reader) == second != first
    assert not SavedView.objects.get(pk=first).is_default
    assert opens(sharer) == ours


def test_events_tell_of_views(editor: APIClient, told: list[GridEvent]) -> None:
    saved = save(editor, state=STATE)
    view = saved.json()["id"]
    editor.get(saved.json()["url"])
    editor.get(VIEWS)
    change(editor, saved, name="Other")
    editor.delete(saved.json()["url"])
    assert [(event.type, dict(event.payload)) for event in told] == [
        ("view:save", {"viewId": view, "name": "Mine", "scope": "private", "created": True}),
        ("view:load", {"viewId": view, "name": "Mine", "scope": "private"}),
        ("view:save", {"viewId": view, "name": "Other", "scope": "private", "created": False}),
        ("view:delete", {"viewId": view, "name": "Other", "scope": "private"}),
    ]
    assert {(event.grid, event.actor.label, event.source) for event in told} == {("api-products", "editor", "api")}


@pytest.mark.parametrize("act", ["save", "load", "delete"])
def test_handler_may_veto_an_act_on_a_view(editor: APIClient, act: str) -> None:
    def refuse(**_kwargs: Any) -> None:
        raise EventRejected("Not today.")

    saved = save(editor)
    signal = signal_for(f"view:{act}", Moment.BEFORE)
    signal.connect(refuse)
    try:
        acts = {
            "save": lambda: change(editor, saved, name="Other"),
            "load": lambda: editor.get(saved.json()["url"]),
            "delete": lambda: editor.delete(saved.json()["url"]),
        }
        assert acts[act]().json()["code"] == "event-rejected"
    finally:
        signal.disconnect(refuse)
    assert SavedView.objects.get().name == "Mine"


def rows(client: APIClient, **question: Any) -> Any:
    return client.post(PRODUCTS + "rows/", question, format="json")


@pytest.mark.both_databases
def test_rows_request_is_laid_over_the_view_that_it_names(editor: APIClient, products: list[Any]) -> None:
    view = save(editor, state=STATE).json()["id"]
    asked = rows(editor, view=view).json()
    assert [row["d"] for row in asked["rows"]] == [
        {"sku": "S4", "price": "4.50", "stock": 40},
        {"sku": "S3", "price": "3.50", "stock": 30},
    ]
    assert asked["dropped"] == []
    assert "view" not in asked["state"]
    following = rows(editor, view=view, window={"kind": "cursor", "after": asked["window"]["next"]}).json()
    assert [row["d"]["sku"] for row in following["rows"]] == ["S2"]
    assert len(rows(editor, view=view, filter=None).json()["rows"]) == 2
    by_place = rows(editor, view=view, filter=None, window={"kind": "offset", "start": 0, "end": 4}).json()
    assert len(by_place["rows"]) == 4
    over = rows(editor, view=view, columns=["sku"], filter=None, sort=[{"col": "sku", "dir": "asc"}]).json()
    assert [row["d"] for row in over["rows"]] == [{"sku": "S1"}, {"sku": "S2"}]
    link = editor.get(PRODUCTS + "rows/", {"q": f'{{"view": "{view}"}}'}).json()
    assert link["rows"] == asked["rows"]


@pytest.mark.both_databases
def test_rows_of_a_view_report_what_fell_away(reader: APIClient, sharer: APIClient, products: list[Any]) -> None:
    view = save(sharer, scope="public", state=STATE).json()["id"]
    asked = rows(reader, view=view).json()
    assert asked["dropped"] == ["/view/query/columns/1", "/view/query/sort/0", "/view/query/filter/and/0"]
    assert [row["d"]["sku"] for row in asked["rows"]] == ["S2", "S3"]
    own = rows(reader, view=view, filter=None, sort=[], columns=["sku"]).json()
    assert own["dropped"] == []


@pytest.mark.parametrize("view", ["no-uuid", "00000000-0000-0000-0000-000000000000"])
def test_rows_of_a_view_that_is_not_there_are_refused(reader: APIClient, view: str) -> None:
    assert rows(reader, view=view).json()["code"] == "view-not-found"
    assert rows(reader, view=7).json()["errors"][0]["pointer"] == "/view"
    assert rows(reader, view=None).status_code == 200


def test_view_of_an_unknown_version_asks_for_nothing_and_says_so(editor: APIClient, products: list[Any]) -> None:
    view = save(editor, state=STATE).json()["id"]
    SavedView.objects.update(state_version=9)
    assert rows(editor, view=view).json()["dropped"] == ["/view"]


def test_views_are_closed_with_the_grid(stranger: APIClient, anonymous: APIClient, editor: APIClient) -> None:
    url = save(editor).json()["url"]
    assert [stranger.get(at).json()["code"] for at in (VIEWS, url)] == ["grid-not-found"] * 2
    assert anonymous.get(VIEWS).status_code == 401


def test_saving_of_views_is_throttled(editor: APIClient, settings: Any) -> None:
    settings.GRIDKIT = {"THROTTLE_RATES": {"views": "1/hour"}}
    assert [save(editor, name=name).status_code for name in "ab"] == [201, 429]
