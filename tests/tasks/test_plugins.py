"""The tasks of plugins, through Celery's own call."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.events import Actor, ActorKind, EventSource, acting
from gridkit_django.models import AuditRecord, HealthCheckResult, OperationKind, OperationState, PluginOperation
from gridkit_django.plugins import PluginManager, plugin_manager, request_operation
from gridkit_django.tasks.plugins import check_plugin_health, enqueue_operation, run_plugin_operation
from tests.celery_app import app

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PLUGIN = "@gridkit/plugin-export"


@pytest.fixture
def manager(db: None) -> Iterator[PluginManager]:
    """The manager of this process, with nothing at work before and after: code outlives rows that are rolled back."""
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, name="task_always_eager", value=True)


def install(user: User | None) -> PluginOperation:
    return request_operation(OperationKind.INSTALL, PLUGIN, {"source": PLUGIN}, user=user)


@pytest.mark.parametrize("asked_by_a_person", [True, False])
def test_an_operation_is_carried_out_as_the_person_who_asked_for_it(manager: PluginManager, asked_by_a_person: bool):
    user = User.objects.create(username="root") if asked_by_a_person else None
    operation = install(user)
    sender, boss = Actor.from_user(user or User(pk=0)), Actor(ActorKind.USER, "1", "boss")
    with acting(sender, EventSource.ADMIN, impersonator=boss, reason="a plan"):
        run_plugin_operation.apply(args=[str(operation.pk)]).get()

    operation.refresh_from_db()
    assert (operation.state, manager.get_plugin(PLUGIN).id) == (OperationState.FINISHED, PLUGIN)
    record = AuditRecord.objects.get(action="plugin.install")
    expected = ("user", str(user.pk)) if user else ("system", "operations")
    assert (record.actor_kind, record.actor_id) == expected
    assert record.context["operationId"] == str(operation.pk)
    circumstances = ("boss", "a plan") if user else (None, None)
    assert (record.context.get("impersonator"), record.context.get("reason")) == circumstances


def test_an_operation_that_is_gone_is_no_error(db: None):
    run_plugin_operation.apply(args=[str(uuid.uuid4())]).get()

    assert not PluginOperation.objects.exists()


def test_a_worker_gets_an_operation_after_the_commit(
    manager: PluginManager, eager: None, django_capture_on_commit_callbacks: Any
):
    with django_capture_on_commit_callbacks(execute=True):
        operation = install(None)
        enqueue_operation(operation.pk)
        operation.refresh_from_db()
        assert operation.state == OperationState.QUEUED

    operation.refresh_from_db()
    assert operation.state == OperationState.FINISHED


def test_a_queue_out_of_reach_fails_the_operation_and_not_the_request(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
):
    def refuse(*_args: object, **_options: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(run_plugin_operation, "apply_async", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        operation = install(None)
        enqueue_operation(operation.pk)

    operation.refresh_from_db()
    assert (operation.state, operation.error_code) == (OperationState.FAILED, "task-queue-unreachable")
    assert "ConnectionError" in operation.error_detail


def test_health_is_checked_for_one_plugin_or_for_all(manager: PluginManager):
    manager.install_plugin(PLUGIN)
    manager.install_plugin("@gridkit/plugin-audit-log")
    check_plugin_health.apply(args=[PLUGIN]).get()
    one = set(HealthCheckResult.objects.values_list("plugin__plugin_id", flat=True))
    check_plugin_health.apply().get()
    both = set(HealthCheckResult.objects.values_list("plugin__plugin_id", flat=True))

    assert one == {PLUGIN}
    assert both == {PLUGIN, "@gridkit/plugin-audit-log"}
