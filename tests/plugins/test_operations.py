"""Operations: asked for by a person, carried out once by a worker, with a log."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import PluginNotFoundError, PluginStateError
from gridkit_django.models import AuditRecord, OperationState, PluginOperation
from gridkit_django.plugins import PluginManager, request_operation, run_operation
from tests.plugins.samples import Explosive, Listener, Stranger, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def run(kind: str, plugin_id: str, user: User, **arguments: Any) -> PluginOperation:
    operation = run_operation(request_operation(kind, plugin_id, arguments, user=user).pk)
    assert operation is not None
    operation.refresh_from_db()
    return operation


@pytest.fixture(autouse=True)
def registered(manager: PluginManager) -> None:
    Explosive.fuse.clear()
    for plugin in (Listener, Explosive, Stranger):
        manager.register_plugin(plugin)


def test_whole_life_of_a_plugin_by_operations(manager: PluginManager, admin: User) -> None:
    installed = run(
        "install", "listener", admin, config={"password": "s3cret"}, grants=["events:subscribe", "methods:register"]
    )
    assert (installed.state, installed.error_code) == (OperationState.FINISHED, "")
    assert [entry["text"].split(" ")[0].rstrip(".:") for entry in installed.log] == [
        "Started",
        "Found",
        "Installed",
        "Active",
        "Finished",
    ]
    assert installed.arguments == {"grants": ["events:subscribe", "methods:register"]}
    assert None not in (installed.started_at, installed.finished_at)
    assert manager.get_plugin("listener").effective_state == "active"
    for kind, arguments in (
        ("configure", {"config": {"volume": 4}}),
        ("reload", {}),
        ("deactivate", {}),
        ("activate", {}),
        ("uninstall", {}),
    ):
        operation = run(kind, "listener", admin, **arguments)
        assert (operation.kind, operation.state) == (kind, OperationState.FINISHED)
    actors = set(AuditRecord.objects.filter(target_id="listener").values_list("actor_id", flat=True))
    assert actors == {str(admin.pk)}


def test_update_waits_for_consent_and_roll_back_pins(manager: PluginManager, root: Path, admin: User) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    manifest = write_plugin(root, version="2.0.0") / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('"storage:use"', '"storage:use", "rows:read"'))
    waits = run("update", "sample", admin)
    assert (waits.state, waits.error_code) == (OperationState.WAITING, "plugin-consent-required")
    taken = run("update", "sample", admin, grants=["rows:read"])
    assert (taken.state, taken.log[1]["text"]) == (
        OperationState.FINISHED,
        "Version 2.0.0 is in use; before it was 1.0.0.",
    )
    back = run("roll_back", "sample", admin, version="1.0.0")
    assert (back.state, back.log[1]["text"]) == (OperationState.FINISHED, "Version 1.0.0 is back, and pinned.")
    held = run("update", "sample", admin)
    assert (held.state, held.error_code) == (OperationState.FAILED, "plugin-pinned")
    manager.unpin_plugin("sample", user=admin)
    unknown = run("update", "sample", admin, version="9")
    assert (unknown.state, unknown.error_code) == (OperationState.FAILED, "plugin-version-unknown")


def test_install_without_activation_stops_there(manager: PluginManager, admin: User) -> None:
    run("install", "anything", admin, source="object:tests.plugins.samples.Listener", activate=False)
    assert manager.get_plugin("listener").desired_state == "inactive"


def test_failure_is_written_on_the_operation(manager: PluginManager, admin: User) -> None:
    failed = run("install", "stranger", admin)
    assert (failed.state, failed.error_code) == (OperationState.FAILED, "plugin-incompatible")
    assert failed.log[-1]["text"] == failed.error_detail
    Explosive.fuse.append(ValueError("bang"))
    failed = run("install", "explosive", admin)
    assert (failed.state, failed.error_code) == (OperationState.FAILED, "plugin-initialize-failed")
    assert manager.get_plugin("explosive").effective_state == "quarantined"


def test_unexpected_failure_is_written_too(admin: User) -> None:
    failed = run("install", "listener", admin, grants=[7])
    assert (failed.state, failed.error_code) == (OperationState.FAILED, "unexpected-error")


def test_operation_is_carried_out_once(admin: User) -> None:
    operation = request_operation("install", "listener", {}, user=admin)
    assert run_operation(operation.pk) is not None
    assert run_operation(operation.pk) is None
    assert run_operation(uuid.uuid4()) is None


def test_request_that_makes_no_sense_is_refused(admin: User) -> None:
    with pytest.raises(PluginStateError, match="knows no colour"):
        request_operation("install", "listener", {"colour": 1}, user=admin)
    with pytest.raises(PluginStateError, match="knows no source"):
        request_operation("activate", "listener", {"source": "x"}, user=admin)
    with pytest.raises(PluginNotFoundError):
        request_operation("activate", "listener", {}, user=admin)
    with pytest.raises(ValueError, match="fly"):
        request_operation("fly", "listener", {}, user=admin)
    assert not PluginOperation.objects.exists()
