"""What a plugin can do through its context, and that each of it needs a permission."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission as UserPermission
from django.contrib.auth.models import User

from gridkit_django.events import Actor, GridEvent, signal_for
from gridkit_django.exceptions import (
    AccessDeniedError,
    EventOriginError,
    ExportError,
    GridNotFoundError,
    MethodNotFoundError,
    PluginError,
    PluginLimitError,
    PluginMessageError,
    PluginMethodError,
    PluginPermissionError,
    PluginStateError,
    QueryError,
    StorageQuotaError,
    UnknownEventTypeError,
    UnknownFormatError,
)
from gridkit_django.exports import exporters
from gridkit_django.grids import Grid, TextColumn, grid_registry
from gridkit_django.grids.methods import MethodCall, MethodResult
from gridkit_django.models import AuditRecord, ExportJob, PluginPermissionGrant
from gridkit_django.plugins import Permission, Plugin, PluginContext, PluginManager
from gridkit_django.plugins.local import LocalBackend
from tests.plugins.samples import metadata
from tests.shop.models import Order

pytestmark = pytest.mark.django_db(transaction=True)

ALL = [item.value for item in Permission]
GRID = "plugin-orders"


class Free(Plugin):
    """Does nothing by itself; the tests act through its context."""

    metadata = metadata(
        "free", required_permissions=ALL, resource_limits={"max_storage_mb": 1, "max_events_per_second": 3}
    )


class Peer(Plugin):
    """Another one."""

    metadata = metadata("peer", required_permissions=ALL)


@pytest.fixture
def context(manager: PluginManager) -> Iterator[PluginContext]:
    manager.install_plugin(Free)
    yield manager.runtime.live["free"].plugin.context
    for name in ("free", "peer"):
        manager.runtime.catalog.remove_object(name)


@pytest.fixture
def peer(manager: PluginManager, context: PluginContext) -> PluginContext:
    manager.install_plugin(Peer)
    return manager.runtime.live["peer"].plugin.context


def call(manager: PluginManager, name: str = "m", user: User | None = None, **query: Any) -> MethodResult:
    actor = Actor.from_user(user)
    return manager.runtime.methods.call(MethodCall(GRID, name, {}, query or None, actor, user.pk if user else None))


USES: dict[str, tuple[tuple[str, ...], Callable[[PluginContext], Any]]] = {
    "storage.get": (("storage:use",), lambda c: c.storage.get("k")),
    "storage.set": (("storage:use",), lambda c: c.storage.set("k", 1)),
    "storage.delete": (("storage:use",), lambda c: c.storage.delete("k")),
    "storage.clear": (("storage:use",), lambda c: c.storage.clear()),
    "storage.keys": (("storage:use",), lambda c: c.storage.keys()),
    "on": (("events:subscribe",), lambda c: c.on("row:update", print)),
    "emit": (("events:emit",), lambda c: c.emit("row:select")),
    "send_message": (("messages:send",), lambda c: c.send_message("peer", 1)),
    "on_message": (("messages:receive",), lambda c: c.on_message(print)),
    "register_method": (("methods:register",), lambda c: c.register_method("m", print, schema={}, label="M")),
    "register_report": (("reports:register",), lambda c: c.register_report("r", print, label="R")),
    "register_exporter": (("files:write",), lambda c: c.register_exporter("f", "x.Y")),
    "get_grid_state": (("state:read",), lambda c: c.get_grid_state(GRID)),
    "update_grid_state": (("state:write",), lambda c: c.update_grid_state(GRID, dict)),
    "audit.record": (("audit:write",), lambda c: c.audit.record("a.b", target=("t", "1", ""))),
    "audit.record_row": (("audit:write",), lambda c: c.audit.record_row("a.b", grid=GRID, row_id="1")),
    "jobs.register": (("schedule:use",), lambda c: c.jobs.register("j", print, label="J")),
    "jobs.run": (("schedule:use",), lambda c: c.jobs.run("j")),
    "exports.create": (("rows:read", "files:write"), lambda c: c.exports.create(GRID, {}, "csv")),
    "exports.describe": (("rows:read", "files:write"), lambda c: c.exports.describe("csv")),
}


@pytest.mark.parametrize("use", USES)
def test_every_use_needs_its_permissions_at_the_moment_of_the_call(
    manager: PluginManager, context: PluginContext, use: str
) -> None:
    permissions, act = USES[use]
    for permission in permissions:
        manager.revoke_permission("free", permission)
        with pytest.raises(PluginPermissionError, match=permission):
            act(context)
        manager.grant_permission("free", permission)
        context = manager.runtime.live["free"].plugin.context


@pytest.mark.both_databases
def test_storage_keeps_values_of_one_plugin_from_another(context: PluginContext, peer: PluginContext) -> None:
    context.storage.set("a/1", {"n": [1, None, "x"]})
    context.storage.set("a/2", 2)
    context.storage.set("b", 0)
    assert context.storage.get("a/1") == {"n": [1, None, "x"]}
    assert context.storage.get("b", 7) == 0
    assert context.storage.get("nothing", "default") == "default"
    assert context.storage.keys() == ["a/1", "a/2", "b"]
    assert context.storage.keys("a/") == ["a/1", "a/2"]
    assert peer.storage.keys() == []
    assert (context.storage.delete("b"), context.storage.delete("b")) == (True, False)
    assert (peer.storage.clear(), context.storage.clear()) == (0, 2)


@pytest.mark.parametrize("key", ["", "k" * 201, "a\x00b"])
@pytest.mark.both_databases
def test_storage_refuses_keys_that_do_not_fit(context: PluginContext, key: str) -> None:
    with pytest.raises(PluginError, match="storage key"):
        context.storage.set(key, 1)


@pytest.mark.parametrize("value", [object(), float("nan"), "a\x00b", {1, 2}])
@pytest.mark.both_databases
def test_storage_refuses_what_is_no_json(context: PluginContext, value: Any) -> None:
    with pytest.raises(PluginError):
        context.storage.set("k", value)


@pytest.mark.both_databases
def test_storage_over_its_quota_keeps_what_it_had(context: PluginContext) -> None:
    context.storage.set("k", "x" * 900_000)
    with pytest.raises(StorageQuotaError, match="max_storage_mb"):
        context.storage.set("l", "x" * 200_000)
    assert context.storage.keys() == ["k"]
    context.storage.set("k", "small")
    context.storage.set("l", "x" * 200_000)
    assert context.get_resource_usage().storage_bytes == len('k"small"') + len("l") + 200_002


def test_message_is_a_copy_and_names_its_sender(context: PluginContext, peer: PluginContext) -> None:
    got: list[Any] = []
    stop = peer.on_message(lambda sender, message: got.append((sender, message)))
    message = {"list": [1]}
    context.send_message("peer", message)
    message["list"].append(2)
    assert got == [("free", {"list": [1]})]
    stop()
    stop()
    with pytest.raises(PluginMessageError, match="listens to no messages"):
        context.send_message("peer", message)


def test_message_that_can_not_be_delivered_is_refused(
    manager: PluginManager, context: PluginContext, peer: PluginContext
) -> None:
    with pytest.raises(PluginMessageError, match="not active"):
        context.send_message("nobody", 1)
    peer.on_message(print)
    with pytest.raises(PluginMessageError, match="no JSON"):
        context.send_message("peer", object())  # type: ignore[arg-type]
    with pytest.raises(PluginMessageError, match="MESSAGE_BYTES_MAX"):
        context.send_message("peer", "x" * 70_000)
    manager.revoke_permission("peer", "messages:receive")
    with pytest.raises(PluginMessageError, match="not granted"):
        context.send_message("peer", 1)


def test_failure_of_the_receiver_is_its_own(
    manager: PluginManager, context: PluginContext, peer: PluginContext
) -> None:
    def fail(sender: str, message: Any) -> None:
        raise KeyError(message)

    peer.on_message(fail)
    context.send_message("peer", "x")
    assert [item.errors for item in manager.usage_of("peer").calls] == [1]


def test_plugins_that_answer_each_other_in_a_circle_are_stopped(
    manager: PluginManager, context: PluginContext, peer: PluginContext
) -> None:
    heard: list[str] = []
    context.on_message(lambda sender, message: context.send_message("peer", message))
    peer.on_message(lambda sender, message: (heard.append(sender), peer.send_message("free", message)))
    context.send_message("peer", "ball")
    assert len(heard) == 4
    assert any("PluginLoopError" in item.last_error for item in manager.usage_of("free").calls)


def test_emitted_event_carries_the_plugin_as_its_actor(context: PluginContext) -> None:
    seen: list[GridEvent] = []

    def receive(event: GridEvent, **_kwargs: Any) -> None:
        seen.append(event)

    signal_for("filter:apply", "committed").connect(receive)
    try:
        context.emit("filtering:change", {"count": 1}, grid=GRID)
        context.emit("filter:apply", {"count": 2})
    finally:
        signal_for("filter:apply", "committed").disconnect(receive)
    assert [(e.actor.kind, e.actor.id, e.source, e.grid) for e in seen] == [
        ("plugin", "free", "plugin", GRID),
        ("plugin", "free", "plugin", None),
    ]
    assert context.get_resource_usage().events_emitted == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("row:update", {}), EventOriginError),
        (("row:fly", {}), UnknownEventTypeError),
        (("row:select", {"x": object()}), PluginError),
        (("row:select", {"x": "y" * 70_000}), PluginError),
    ],
)
def test_event_that_may_not_be_emitted_is_refused(
    context: PluginContext, arguments: tuple[Any, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        context.emit(*arguments)


def test_event_on_a_grid_that_is_not_there_or_not_served_is_refused(context: PluginContext) -> None:
    with pytest.raises(GridNotFoundError):
        context.emit("row:select", {}, grid="nowhere")
    with pytest.raises(EventOriginError, match="does not serve"):
        context.emit("row:select", {}, grid="closed-orders")


def test_flood_of_events_is_refused(context: PluginContext) -> None:
    for _ in range(3):
        context.emit("row:select")
    with pytest.raises(PluginLimitError, match="max_events_per_second"):
        context.emit("row:select")


def test_method_answers_with_its_value_or_a_whole_result(manager: PluginManager, context: PluginContext) -> None:
    context.register_method("m", lambda call: [call.grid], schema={}, label="M")
    remove = context.register_method("n", lambda call: MethodResult(202, {"job": 1}), schema={}, label="N")
    assert call(manager) == MethodResult(200, {"result": [GRID]})
    assert call(manager, "n") == MethodResult(202, {"job": 1})
    remove()
    remove()
    with pytest.raises(MethodNotFoundError):
        call(manager, "n")
    manager.revoke_permission("free", "methods:*")
    with pytest.raises(MethodNotFoundError):
        call(manager)


@pytest.mark.parametrize("name", ["M", "", "1m", "a b", "x" * 65])
def test_method_name_that_fits_no_address_is_refused(context: PluginContext, name: str) -> None:
    with pytest.raises(PluginError, match="no method name"):
        context.register_method(name, print, schema={}, label="M")


def test_method_needs_a_schema_and_a_free_name(context: PluginContext, peer: PluginContext) -> None:
    with pytest.raises(PluginError, match="no JSON Schema"):
        context.register_method("m", print, schema={"type": "fun"}, label="M")
    context.register_method("m", print, schema={}, label="M")
    for other in (context, peer):
        with pytest.raises(PluginStateError, match="already offered by free"):
            other.register_method("m", print, schema={}, label="M")


def test_schema_may_depend_on_the_grid_and_its_failure_spares_the_grid(
    manager: PluginManager, context: PluginContext
) -> None:
    context.register_method("m", print, schema=lambda grid: {"title": grid}, label="M")
    context.register_method("bad", print, schema=lambda grid: {"type": "fun"}, label="Bad")
    context.register_method("worse", print, schema=lambda grid: {}[grid], label="Worse")
    assert [(spec.name, spec.schema) for spec in manager.runtime.methods.methods_for(GRID)] == [("m", {"title": GRID})]
    assert sum(item.errors for item in manager.usage_of("free").calls) == 2
    assert "method bad" in manager.check_plugin_health("free").message


@pytest.mark.both_databases
def test_errors_that_tell_of_the_request_pass_and_others_are_the_plugins(
    manager: PluginManager, context: PluginContext
) -> None:
    def fail(error: BaseException) -> Callable[[MethodCall], None]:
        def handler(call: MethodCall) -> None:
            raise error

        return handler

    for name, error in {
        "denied": AccessDeniedError("no right"),
        "query": QueryError("no query"),
        "broken": ZeroDivisionError("secret detail"),
        "leaving": SystemExit(1),
        "ungranted": PluginPermissionError("not granted, you see"),
    }.items():
        context.register_method(name, fail(error), schema={}, label=name)
    with pytest.raises(AccessDeniedError):
        call(manager, "denied")
    with pytest.raises(QueryError):
        call(manager, "query")
    for name, told in (("broken", "ZeroDivisionError"), ("leaving", "SystemExit"), ("ungranted", "you see")):
        with pytest.raises(PluginMethodError, match=told) as caught:
            call(manager, name)
        assert "secret" not in caught.value.detail
    assert manager.usage_of("free").usage.errors == 5  # type: ignore[union-attr]


def test_grid_state_is_the_callers_and_can_be_changed_while_answering(
    manager: PluginManager, context: PluginContext, admin: User
) -> None:
    sort = [{"col": "quantity", "dir": "desc"}]

    def handler(call: MethodCall) -> Any:
        before = context.get_grid_state(GRID)
        assert context.get_grid_state("closed-orders") == {}
        context.update_grid_state(GRID, lambda state: {**state, "sort": sort})
        with pytest.raises(PluginStateError):
            context.update_grid_state("closed-orders", dict)
        with pytest.raises(QueryError):
            context.update_grid_state(GRID, lambda state: {"colour": "red"})
        return before

    context.register_method("m", handler, schema={}, label="M")
    found = {"filter": {"col": "quantity", "op": "gt", "value": 1}}
    result = call(manager, user=admin, **found)
    assert result.body == {"result": found, "state": {**found, "sort": sort}}
    assert context.get_grid_state(GRID) == {}


@pytest.mark.parametrize(
    "place",
    [
        {"columns": ["{}"]},
        {"sort": [{"col": "{}"}]},
        {"filter": {"col": "{}", "op": "blank"}},
        {"group": ["id", "{}"]},
        {"aggregates": [{"col": "{}", "fn": "count"}]},
        {"pivot": {"cols": ["{}"], "values": [{"fn": "count"}]}},
        {"include": [{"facets": ["{}"]}]},
    ],
)
def test_plugin_gives_nobody_a_state_with_a_column_that_they_may_not_see(
    manager: PluginManager, context: PluginContext, place: dict[str, Any]
) -> None:
    class HalfHidden(Grid):
        email = TextColumn("customer__email", permission=lambda user: user.username == "bob")

        class Meta:
            model = Order
            id = GRID
            columns = ["id", "email"]

    grid_registry().unregister(GRID)  # the fixture takes away whatever has this id
    grid_registry().register(HalfHidden)
    told: list[str] = []

    def handler(call: MethodCall) -> Any:
        for name in ("email", "neverwas"):
            try:
                context.update_grid_state(
                    GRID, lambda _state, name=name: json.loads(json.dumps(place).replace("{}", name))
                )
                told.append("taken")
            except QueryError as error:
                told.append(repr((error.code, error.detail, error.errors)).replace(name, "NAME"))
        return None

    context.register_method("m", handler, schema={}, label="M")
    ann, bob = (User.objects.create_user(name) for name in ("ann", "bob"))
    right = UserPermission.objects.get(codename="open_grid")
    for user in (ann, bob):
        user.user_permissions.add(right)
        call(manager, user=user)
    assert told[0] == told[1] == told[3]
    assert "column-unknown" in told[0]
    assert told[2] == "taken"


@pytest.mark.both_databases
def test_audit_record_names_the_plugin_and_its_version(context: PluginContext) -> None:
    context.audit.record_row("row.look", grid=GRID, row_id="7", label="seven", changes={"note": ["a", "b"]})
    context.audit.record("mail.send", target=("mail", "m1", "to you"), evidence={"plugin": "somebody else"})
    first, second = AuditRecord.objects.order_by("pk").filter(action__in=["row.look", "mail.send"])
    assert (first.target_type, first.target_id, first.grid, first.changes) == (
        "shop.order",
        "7",
        GRID,
        {"note": ["a", "b"]},
    )
    assert second.target_type == "mail"
    for record in (first, second):
        assert record.context["evidence"] == {"plugin": "free", "pluginVersion": "1.0.0"}
    with pytest.raises(GridNotFoundError):
        context.audit.record_row("row.look", grid="nowhere", row_id="7")


class Queue:
    """Remembers the jobs; no worker runs in these tests."""

    def enqueue_export(self, job_id: Any) -> None:
        pass


@pytest.mark.both_databases
def test_export_is_made_as_the_calling_user_and_no_other(
    manager: PluginManager, context: PluginContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", Queue())
    ann = User.objects.create_user("ann")
    bob = User.objects.create_user("bob")
    for codename in ("open_grid", "export_grid"):
        ann.user_permissions.add(UserPermission.objects.get(codename=codename))
    context.register_exporter("csv", "gridkit_plugins.export.exporters.csv.CsvExporter")
    context.register_method("m", lambda call: context.exports.create(GRID, {}, "csv"), schema={}, label="M")
    job = call(manager, user=ann).body["result"]
    assert ExportJob.objects.get(pk=job["id"]).owner == ann  # type: ignore[index, call-overload]
    with pytest.raises(GridNotFoundError):
        call(manager, user=bob)
    with pytest.raises(GridNotFoundError):
        call(manager)
    bob_id = bob.pk
    bob.delete()
    with pytest.raises(AccessDeniedError, match="does not exist any more"):
        manager.runtime.methods.call(MethodCall(GRID, "m", {}, None, Actor.from_user(None), bob_id))
    with pytest.raises(AccessDeniedError, match="only while answering"):
        context.exports.create(GRID, {}, "csv")


def test_exporter_ends_with_the_plugin_or_its_permission(manager: PluginManager, context: PluginContext) -> None:
    remove = context.register_exporter("csv", "gridkit_plugins.export.exporters.csv.CsvExporter")
    context.register_exporter("json", "gridkit_plugins.export.exporters.json.JsonExporter")
    remove()
    assert exporters().formats() == ("json",)
    manager.revoke_permission("free", "files:write")
    with pytest.raises(UnknownFormatError):
        exporters().get("json")


def test_format_of_another_plugin_is_refused(context: PluginContext, peer: PluginContext) -> None:
    context.register_exporter("csv", "gridkit_plugins.export.exporters.csv.CsvExporter")
    with pytest.raises(ExportError, match="already written by free"):
        peer.register_exporter("csv", "x.Y")


@pytest.mark.both_databases
def test_asking_for_a_permission_is_noted_once_and_never_overrides_a_decision(
    manager: PluginManager, context: PluginContext
) -> None:
    assert context.has_permission("rows:read")
    assert context.request_permission("rows:read")
    manager.revoke_permission("free", "rows:read")
    for _ in range(2):
        assert not context.request_permission("network:example.org", "to fetch rates")
        assert not context.request_permission("rows:read", "please")
    decisions = dict(PluginPermissionGrant.objects.filter(reason__gt="").values_list("permission", "decision"))
    assert decisions == {"network:example.org": "requested"}
    record = AuditRecord.objects.get(action="plugin.request")
    assert (record.actor_kind, record.actor_id) == ("plugin", "free")
    info = {item.name: item for item in manager.get_plugin("free").permissions}
    assert (info["network:example.org"].required, info["network:example.org"].decision) == (False, "requested")
    assert info["rows:read"].decision == "revoked"
    with pytest.raises(PluginPermissionError):
        context.has_permission("rows:fly")


def test_request_of_a_plugin_that_is_gone_is_dropped(manager: PluginManager, context: PluginContext) -> None:
    manager.uninstall_plugin("free")
    assert not context.request_permission("network:example.org")
    assert not PluginPermissionGrant.objects.exists()


def test_destroyed_plugin_is_cut_off_from_its_context(manager: PluginManager, context: PluginContext) -> None:
    plugin = manager.runtime.live["free"].plugin
    manager.deactivate_plugin("free")
    with pytest.raises(AttributeError):
        _ = plugin.context


def test_context_has_a_logger_and_the_backend_is_local(context: PluginContext) -> None:
    assert context.logger.name == "gridkit_django.plugin.free"
    assert isinstance(context._backend, LocalBackend)
