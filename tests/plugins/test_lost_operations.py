"""Operations whose worker or message is gone come to an end, and forget the configuration that they carried."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gridkit_django.models import OperationState, PluginOperation
from gridkit_django.plugins import end_lost_operations, fail_operation

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def _operation(state: OperationState, age: timedelta) -> PluginOperation:
    then = timezone.now() - age
    operation = PluginOperation.objects.create(
        kind="install", plugin_id="greeter", state=state, arguments={"source": "x", "config": {"key": "secret"}}
    )
    PluginOperation.objects.filter(pk=operation.pk).update(created_at=then, started_at=then)
    return operation


@pytest.mark.parametrize(
    ("state", "age"),
    [(OperationState.RUNNING, timedelta(minutes=16)), (OperationState.QUEUED, timedelta(hours=25))],
)
def test_lost_operation_fails_and_forgets_its_configuration(state: OperationState, age: timedelta) -> None:
    operation = _operation(state, age)

    assert end_lost_operations() == 1

    operation.refresh_from_db()
    assert (operation.state, operation.error_code) == ("failed", "operation-lost")
    assert operation.arguments == {"source": "x"}
    assert operation.finished_at is not None
    assert "Ask for it again" in operation.log[-1]["text"]


@pytest.mark.parametrize(
    ("state", "age"),
    [
        (OperationState.RUNNING, timedelta(minutes=14)),
        (OperationState.QUEUED, timedelta(hours=23)),
        (OperationState.FINISHED, timedelta(days=9)),
    ],
)
def test_operation_that_is_not_lost_is_left_alone(state: OperationState, age: timedelta) -> None:
    operation = _operation(state, age)

    assert end_lost_operations() == 0

    operation.refresh_from_db()
    assert operation.state == state


def test_operation_that_has_ended_keeps_its_verdict() -> None:
    operation = _operation(OperationState.FINISHED, timedelta())

    fail_operation(operation, "operation-lost", "Too late.")

    operation.refresh_from_db()
    assert operation.state == OperationState.FINISHED
