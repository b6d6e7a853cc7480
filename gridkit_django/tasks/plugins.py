"""Changes to plugins and health checks in the worker."""

from __future__ import annotations

import logging
import uuid
from contextlib import AbstractContextManager
from functools import partial

from celery import shared_task
from django.db import router, transaction

from gridkit_django.events import Act, Actor, EventSource, acting, current_act
from gridkit_django.exceptions import TaskQueueUnsetError
from gridkit_django.models import PluginOperation
from gridkit_django.plugins import (
    end_lost_operations,
    fail_operation,
    plugin_manager,
    run_operation,
    unattended_operations,
)
from gridkit_django.tasks.sending import send

logger = logging.getLogger("gridkit_django.tasks")


@shared_task(name="gridkit.run_plugin_operation", ignore_result=True)
def run_plugin_operation(operation_id: str) -> None:
    """Carry out one operation on a plugin, as the person who asked for it; its row tells how it went.

    Args:
        operation_id: primary key of the operation as text.
    """
    operation = PluginOperation.objects.select_related("requested_by").filter(pk=operation_id).first()
    if operation is None:
        return
    # Other plugins hear of the change and may veto it: this process follows before it begins.
    plugin_manager().ensure_current()
    with _as_asker(operation):
        run_operation(operation_id)


@shared_task(name="gridkit.resume_operations", ignore_result=True)
def resume_operations() -> int:
    """Hand the operations to workers whose own worker was killed. Let Celery beat call it every few seconds.

    Returns:
        How many were handed over.
    """
    found = unattended_operations()
    for operation_id in found:
        send(run_plugin_operation, [str(operation_id)])
    return len(found)


@shared_task(name="gridkit.check_plugin_health", ignore_result=True)
def check_plugin_health(plugin_id: str = "") -> None:
    """Check one plugin, or every active one, in this worker and store the results.

    It also notes the last known good states, ends lost operations and jobs, thins history, and collects files that
    nothing refers to.

    Args:
        plugin_id: which; empty for all.
    """
    with acting(Actor.system("health"), EventSource.SYSTEM):
        resume_operations()
        end_lost_operations()
        plugin_manager().tidy_job_runs()
        plugin_manager().thin_history()
        plugin_manager().collect_unused()
        if plugin_id:
            plugin_manager().check_plugin_health(plugin_id)
        else:
            plugin_manager().check_all_health()
            plugin_manager().note_known_good()


def enqueue_operation(operation_id: uuid.UUID) -> None:
    """Let a worker carry out an operation once the transaction under way has committed."""
    transaction.on_commit(partial(_send, operation_id), using=router.db_for_write(PluginOperation))


def _send(operation_id: uuid.UUID) -> None:
    """Hand an operation to a worker; a queue that can't be reached is a failure of the operation, told on its row."""
    try:
        send(run_plugin_operation, [str(operation_id)])
    except Exception as error:  # whatever the queue's client raises, recorded on the operation
        logger.exception("Operation %s could not be queued", operation_id)
        operation = PluginOperation.objects.get(pk=operation_id)
        reason = TaskQueueUnsetError.tell(error)
        fail_operation(operation, "task-queue-unreachable", reason)


def _as_asker(operation: PluginOperation) -> AbstractContextManager[Act]:
    """Act as the person who asked for an operation; circumstances come with the task, if it was sent by that person."""
    asker, sent = operation.requested_by, current_act()
    actor = Actor.system("operations") if asker is None else Actor.from_user(asker)
    mine = sent if (sent.actor.kind, sent.actor.id) == (actor.kind, actor.id) else Act()
    return acting(
        actor,
        EventSource.SYSTEM,
        correlation_id=mine.correlation_id,
        metadata={**dict(mine.metadata), "operationId": str(operation.pk)},
        impersonator=mine.impersonator,
        reason=mine.reason,
    )
