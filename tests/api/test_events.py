"""Reports of browsers: interactions are told, each with its verdict; facts and forged stamps are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.events import INTERACTION_TYPES, SERVER_TYPES, GridEvent, Moment, event_bus, signal_for
from gridkit_django.exceptions import EventRejected
from gridkit_django.models import SavedView
from gridkit_django.plugins import Plugin, PluginManager, handles
from tests.api.conftest import PRODUCTS, client_of
from tests.plugins.samples import metadata
from tests.shop.models import Customer

URL = PRODUCTS + "events/"


@pytest.fixture
def told() -> Iterator[list[GridEvent]]:
    """The interactions that were told, after the act."""
    events: list[GridEvent] = []

    def hear(event: GridEvent, **_kwargs: Any) -> None:
        events.append(event)

    for name in INTERACTION_TYPES:
        signal_for(name).connect(hear)
    yield events
    for name in INTERACTION_TYPES:
        signal_for(name).disconnect(hear)


def post(client: APIClient, *events: Any, url: str = URL) -> Any:
    return client.post(url, {"v": 1, "events": list(events)}, format="json")


def verdicts(client: APIClient, *events: Any, url: str = URL) -> list[tuple[str | None, str | None]]:
    answer = post(client, *events, url=url)
    assert answer.status_code == 200, answer.content
    return [(item["code"], item["pointer"]) for item in answer.json()["results"]]


def said(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload}


ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("cell:focus", {"rowId": "{row}", "column": "stock"}, {"rowId": "{row}", "column": "stock"}),
    (
        "filter:apply",
        {"filter": {"col": "stock", "op": "gt", "value": 5}, "search": " x ", "count": 3, "ms": 120},
        {"filter": {"col": "stock", "op": "gt", "value": 5}, "search": "x", "count": 3, "ms": 120},
    ),
    ("filter:apply", {}, {"filter": None, "search": "", "count": None}),
    ("sort:change", {"sort": [{"col": "sku", "dir": "desc"}]}, {"sort": [{"col": "sku", "dir": "desc"}]}),
    (
        "page:change",
        {"window": {"kind": "offset", "start": 20, "end": 30}, "ms": 90},
        {"window": {"kind": "offset", "start": 20, "end": 30}, "ms": 90},
    ),
    ("column:show", {"column": "sku"}, {"column": "sku"}),
    ("column:hide", {"column": "sku"}, {"column": "sku"}),
    ("column:move", {"column": "sku", "index": 2}, {"column": "sku", "index": 2}),
    ("column:resize", {"column": "sku", "width": 120}, {"column": "sku", "width": 120}),
    ("column:pin", {"column": "sku", "side": "left"}, {"column": "sku", "side": "left"}),
    ("column:pin", {"column": "sku"}, {"column": "sku", "side": None}),
]


@pytest.mark.both_databases
@pytest.mark.parametrize(("kind", "payload", "heard"), ACCEPTED)
def test_interaction_is_told_as_what_it_is(
    reader: APIClient,
    products: list[Any],
    told: list[GridEvent],
    kind: str,
    payload: dict[str, Any],
    heard: dict[str, Any],
) -> None:
    row = str(products[0].pk)
    place = lambda values: {key: row if value == "{row}" else value for key, value in values.items()}  # noqa: E731
    answer = post(reader, said(kind, **place(payload)))
    (verdict,), (event,) = answer.json()["results"], told
    assert verdict == {"accepted": True, "id": event.id, "code": None, "detail": None, "pointer": None}
    assert (event.type, dict(event.payload), event.grid) == (kind, place(heard), "api-products")
    assert (event.actor.label, event.source, event.correlation_id != "") == ("reader", "browser", True)


@pytest.mark.both_databases
def test_rows_are_named_by_number_or_text_and_looked_up_at_once(
    reader: APIClient,
    products: list[Any],
    told: list[GridEvent],
    idle_thread: None,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    events = [said(kind, rowId=form(row.pk)) for row in products for kind, form in KINDS]
    reader.get(PRODUCTS)
    with django_assert_max_num_queries(12 + 2 * len(events)) as few:
        post(reader, *events)
    assert len([query for query in few.captured_queries if "shop_product" in query["sql"]]) == 1
    assert [event.payload["rowId"] for event in told] == [str(row.pk) for row in products for _ in KINDS]


KINDS: tuple[tuple[str, Callable[[Any], Any]], ...] = (("row:select", int), ("row:deselect", str))


def test_events_of_one_report_share_a_correlation_id(reader: APIClient, told: list[GridEvent]) -> None:
    post(reader, said("column:show", column="sku"), said("column:hide", column="sku"))
    assert len({event.correlation_id for event in told}) == 1
    assert len({event.id for event in told}) == 2


@pytest.mark.parametrize(
    ("alias", "kind", "payload"),
    [
        ("filtering:change", "filter:apply", {}),
        ("sorting:change", "sort:change", {}),
        ("pagination:change", "page:change", {"window": {"kind": "cursor"}}),
    ],
)
def test_alias_is_told_under_the_canonical_name(
    reader: APIClient, told: list[GridEvent], alias: str, kind: str, payload: dict[str, Any]
) -> None:
    assert verdicts(reader, said(alias, **payload)) == [(None, None)]
    assert [event.type for event in told] == [kind]


def test_fact_of_the_server_is_refused_from_a_browser(reader: APIClient) -> None:
    for kind in sorted(SERVER_TYPES | {"row:add", "row:remove", "cell:update"}):
        assert verdicts(reader, said(kind, rowId="1")) == [("event-origin-forbidden", "/events/0/type")], kind


@pytest.mark.parametrize("stamp", ["actor", "source", "timestamp", "id", "correlationId", "grid", "user"])
def test_forged_stamp_is_refused(reader: APIClient, told: list[GridEvent], stamp: str) -> None:
    forged = {**said("column:show", column="sku"), stamp: {"id": "1", "label": "boss"}}
    assert verdicts(reader, forged) == [("event-origin-forbidden", f"/events/0/{stamp}")]
    assert told == []


REFUSED: list[tuple[Any, str, str]] = [
    ("row:select", "query-invalid", ""),
    ({}, "query-invalid", "/type"),
    ({"type": 7}, "query-invalid", "/type"),
    ({"type": "row:explode"}, "event-type-unknown", "/type"),
    ({"type": "row:*"}, "event-type-unknown", "/type"),
    ({"type": "sort:change", "payload": {}, "priority": 1}, "query-invalid", ""),
    ({"type": "sort:change", "payload": []}, "query-invalid", "/payload"),
    (said("sort:change", sort=[], hidden=1), "query-invalid", "/payload"),
    (said("sort:change", sort=[{"col": "prize"}]), "column-unknown", "/payload/sort/0/col"),
    (said("filter:apply", filter={"col": "prize", "op": "blank"}), "column-unknown", "/payload/filter/col"),
    (
        said("filter:apply", filter={"col": "stock", "op": "gt", "value": "x"}),
        "filter-value-invalid",
        "/payload/filter/value",
    ),
    (said("filter:apply", search="x" * 300), "query-limit-exceeded", "/payload/search"),
    (said("filter:apply", count=-1), "query-invalid", "/payload/count"),
    (said("page:change", window={"kind": "page"}), "query-invalid", "/payload/window/kind"),
    (said("row:select"), "query-invalid", "/payload/rowId"),
    (said("row:select", rowId=True), "query-invalid", "/payload/rowId"),
    (said("row:select", rowId="x" * 201), "query-limit-exceeded", "/payload/rowId"),
    (said("row:select", rowId="no-number"), "record-not-found", "/payload/rowId"),
    (said("row:select", rowId=10**30), "record-not-found", "/payload/rowId"),
    (said("row:select", rowId=2**62), "record-not-found", "/payload/rowId"),
    (said("column:show", column="prize"), "column-unknown", "/payload/column"),
    (said("column:move", column="sku"), "query-invalid", "/payload/index"),
    (said("column:resize", column="sku", width=0), "query-invalid", "/payload/width"),
    (said("column:pin", column="sku", side="top"), "query-invalid", "/payload/side"),
    (said("view:load", viewId="no-uuid"), "view-not-found", ""),
    (said("export:request", query={}), "query-invalid", "/payload/format"),
    (said("export:request", format="csv", query={"columns": ["prize"]}), "column-unknown", "/payload/query/columns/0"),
    (said("export:request", format="csv", query=[1]), "query-invalid", "/payload/query"),
    (said("filter:apply", search="y" * 70_000), "event-invalid", "/payload"),
]


@pytest.mark.both_databases
@pytest.mark.parametrize(("event", "code", "place"), REFUSED)
def test_what_is_not_understood_is_refused_alone(
    reader: APIClient, told: list[GridEvent], event: Any, code: str, place: str
) -> None:
    good = said("column:show", column="sku")
    expected = None if code == "view-not-found" else f"/events/1{place}"
    assert verdicts(reader, good, event, good) == [(None, None), (code, expected), (None, None)]
    assert len(told) == 2


def test_hidden_and_unknown_column_are_refused_alike(reader: APIClient) -> None:
    events = lambda name: [  # noqa: E731
        said("column:show", column=name),
        said("sort:change", sort=[{"col": name}]),
        said("filter:apply", filter={"col": name, "op": "eq", "value": "many"}),
        said("export:request", format="csv", query={"group": [name]}),
        said("export:request", format="csv", query={"columns": [name]}),
    ]
    hidden, unknown = (post(reader, *events(name)).content for name in ("price", "prize"))
    assert hidden.replace(b"price", b"*") == unknown.replace(b"prize", b"*")


@pytest.mark.both_databases
def test_row_that_the_user_may_not_see_is_as_one_that_is_not_there(make_user: Callable[..., User]) -> None:
    client = client_of(make_user("dutch", "gridkit_django.open_grid", last_name="NL"))
    own, other = (Customer.objects.create(name="x", email=country, country=country) for country in ("NL", "BE"))
    url = URL.replace("products", "customers")
    results = post(client, *(said("row:select", rowId=key) for key in (own.pk, other.pk, 10**6)), url=url).json()[
        "results"
    ]
    assert [item["code"] for item in results] == [None, "record-not-found", "record-not-found"]
    assert results[1]["detail"] == results[2]["detail"]


def test_view_that_the_user_may_see_is_told_with_its_name(
    reader: APIClient, editor: APIClient, told: list[GridEvent]
) -> None:
    user = User.objects.get(username="reader")
    view = SavedView.objects.create(grid="api-products", name="Mine", owner=user, state={})
    assert verdicts(reader, said("view:load", viewId=str(view.pk))) == [(None, None)]
    assert dict(told[0].payload) == {"viewId": str(view.pk), "name": "Mine", "scope": "private"}
    assert verdicts(editor, said("view:load", viewId=str(view.pk))) == [("view-not-found", None)]


def test_handler_may_veto_one_event(reader: APIClient, told: list[GridEvent]) -> None:
    def refuse(**_kwargs: Any) -> None:
        raise EventRejected("Not this.")

    signal = signal_for("column:hide", Moment.BEFORE)
    signal.connect(refuse)
    try:
        found = verdicts(reader, said("column:hide", column="sku"), said("column:show", column="sku"))
    finally:
        signal.disconnect(refuse)
    assert found == [("event-rejected", None), (None, None)]
    assert [event.type for event in told] == ["column:show"]


def test_event_that_middleware_drops_is_accepted_and_told_to_nobody(reader: APIClient, told: list[GridEvent]) -> None:
    remove = event_bus().use(lambda _event: None)
    try:
        assert verdicts(reader, said("column:hide", column="sku")) == [(None, None)]
    finally:
        remove()
    assert told == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "query-invalid"),
        ({}, "query-invalid"),
        ({"events": {}}, "query-invalid"),
        ({"events": [], "actor": "me"}, "query-invalid"),
        ({"v": 2, "events": []}, "query-invalid"),
        ({"events": [1] * 501}, "query-limit-exceeded"),
    ],
)
def test_body_that_is_no_report_is_refused_whole(reader: APIClient, body: Any, code: str) -> None:
    answer = reader.post(URL, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_report_of_nothing_has_no_verdicts(reader: APIClient) -> None:
    assert verdicts(reader) == []


def test_reports_are_closed_with_the_grid_and_throttled(stranger: APIClient, reader: APIClient, settings: Any) -> None:
    assert post(stranger).json()["code"] == "grid-not-found"
    settings.GRIDKIT = {"THROTTLE_RATES": {"events": "1/hour"}}
    assert [post(reader).status_code for _ in range(2)] == [200, 429]


class Watcher(Plugin):
    """Remembers what people did."""

    metadata = metadata("watcher", required_permissions=("events:subscribe",))
    heard: list[tuple[str, str, str]] = []

    @handles("column:*")
    def note(self, event: GridEvent) -> None:
        self.heard.append((event.type, event.actor.label, event.source.value))


@pytest.mark.django_db(transaction=True)
def test_plugin_that_serves_the_grid_hears_it(manager: PluginManager, make_user: Callable[..., User]) -> None:
    Watcher.heard.clear()
    manager.register_plugin(Watcher)
    try:
        manager.install_plugin("watcher", grants=["events:subscribe"])
        manager.follow()
        client = client_of(make_user("person", "gridkit_django.open_grid"))
        assert verdicts(client, said("column:pin", column="sku", side="right")) == [(None, None)]
        assert Watcher.heard == [("column:pin", "person", "browser")]
    finally:
        manager.stop_all()
        manager.runtime.catalog.remove_object("watcher")
