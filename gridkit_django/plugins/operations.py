"""Operations: changes that a person asks for and a worker carries out, with a log that can be watched.

An operation is a list of steps. Each is done once and marked in the transaction of its change, so whoever goes on after
a killed worker knows what is left. The mark of success is written last. On failure, what was done is undone in reverse.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import (
    GridKitError,
    OperationCancelled,
    OperationLostError,
    PeersNotAgreedError,
    PluginConsentError,
    PluginStateError,
)
from gridkit_django.models import OperationKind, OperationState, PluginOperation
from gridkit_django.plugins.change import acting_as, author_of, get_row
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.manager import plugin_manager
from gridkit_django.plugins.metadata import CANARY_SECONDS_MAX
from gridkit_django.plugins.operation_lease import (
    DEATHS_MAX,
    UNDOING_DEATHS_MAX,
    Heartbeat,
    claim,
    give_back,
    lost_operations,
    operations_database,
    this_run,
)
from gridkit_django.plugins.operation_recipes import local_recipe
from gridkit_django.plugins.operation_run import OPEN, OperationRun, Step, finish
from gridkit_django.typing import User

logger = logging.getLogger("gridkit_django.plugins")

RUNNING_AT_MOST = timedelta(minutes=15)
"""When nobody has gone on with an operation for so long after its worker's last sign of life, nobody will."""

QUEUED_AT_MOST = timedelta(hours=24)

_TOO_LATE = "No worker finished this operation in time. Ask for it again."

_ARGUMENTS: Mapping[OperationKind, frozenset[str]] = MappingProxyType(
    {
        OperationKind.INSTALL: frozenset({"source", "version", "config", "grants", "activate", "peers"}),
        OperationKind.CONFIGURE: frozenset({"config", "grid"}),
        OperationKind.UPDATE: frozenset({"version", "grants", "peers", "policy", "canary_seconds"}),
        OperationKind.ROLL_BACK: frozenset({"version"}),
        OperationKind.UNINSTALL: frozenset({"data"}),
    }
)

_ENDS: Mapping[str, OperationState] = MappingProxyType(
    {
        OperationCancelled.code: OperationState.CANCELLED,
        PluginConsentError.code: OperationState.WAITING,
        PeersNotAgreedError.code: OperationState.WAITING,
    }
)
"""The ends that are no failures, by the code of the error."""

_UNDONE = (OperationState.FAILED, OperationState.CANCELLED, OperationState.WAITING)


def request_operation(
    kind: OperationKind | str,
    plugin_id: str,
    arguments: Mapping[str, Any],
    *,
    user: User | None,
    switch_anyway: bool = False,
) -> PluginOperation:
    """Write down what is to be done. The caller lets a worker run it after the commit.

    Args:
        kind: what is to be done.
        plugin_id: to which plugin.
        arguments: for ``install``: ``source``, ``version``, ``config``, ``grants``, ``activate`` and ``peers``, the
            plugins that may come along (``id``, ``version`` and ``grants`` of each); for ``configure``: ``config``,
            ``grid``; for ``update``: ``version``, ``grants``, ``peers``, the ``policy`` by which it came, and
            ``canary_seconds``, for how long one process tries it first (0 for all at once, None for what the site
            does); for ``roll_back``: ``version``; for ``uninstall``: ``data``, ``keep`` or ``purge``; nothing for the
            others.
        user: who asks.
        switch_anyway: do not wait for hosts that do not have the files.

    Raises:
        PluginStateError: for arguments that the kind does not know, or that can't be.
        PluginNotFoundError: when the plugin is not installed (and this is no installation).
        ValueError: when there is no such kind.
    """
    kind = OperationKind(kind)
    unknown = sorted(set(arguments) - _ARGUMENTS.get(kind, frozenset()))
    if unknown:
        raise PluginStateError(f"The operation {kind.value} knows no {', '.join(unknown)}.")
    _check_canary(arguments.get("canary_seconds"))
    if kind is not OperationKind.INSTALL:
        get_row(plugin_id)
    return PluginOperation.objects.create(
        kind=kind,
        plugin_id=plugin_id,
        arguments=_sealed(arguments),
        requested_by=author_of(user),
        switch_anyway=switch_anyway,
    )


def _check_canary(seconds: int | None) -> None:
    """Refuse a trial of a length that can't be.

    Raises:
        PluginStateError: then.
    """
    if seconds is not None and not 0 <= seconds <= CANARY_SECONDS_MAX:
        raise PluginStateError(f"canary_seconds is {seconds}; a number from 0 to {CANARY_SECONDS_MAX} was expected.")


def _sealed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they may lie in the table: a configuration, which may hold secrets, is sealed whole."""
    config = arguments.get("config")
    return {**arguments, "config": Keyring.of_site().seal(config)} if config else dict(arguments)


def run_operation(operation_id: uuid.UUID | str) -> PluginOperation | None:
    """Carry out an operation that waits, or go on with one whose worker is gone.

    None when it is gone, has ended, or is in another worker's hands. A failure is written on the operation, not
    raised. A configuration among the arguments is forgotten at the end, because it may hold secrets.

    Raises:
        SystemExit: when the worker has to end; another one goes on.
    """
    return _take_up(operation_id)


def _take_up(operation_id: uuid.UUID | str, *, late: bool = False) -> PluginOperation | None:
    operation = claim(operation_id)
    if operation is None:
        return None
    run = OperationRun(operation)
    try:
        with Heartbeat(operation):
            _carry_out(run, late=late)
    except OperationLostError:
        logger.warning("Operation %s was taken from this worker", operation.pk)
    except (SystemExit, KeyboardInterrupt):
        give_back(operation)
        raise
    return operation


def _carry_out(run: OperationRun, *, late: bool = False) -> None:
    operation = run.operation
    steps: Sequence[Step] = ()
    try:
        steps = _recipe_of(run)
        if not operation.error_code:
            if late:
                _give_up(run, steps)
            _begin(run)
            _go_through(run, steps)
    except OperationLostError as error:
        if not this_run(operation).exists():
            raise
        run.fail(error.code, error.detail)
    except GridKitError as error:
        run.fail(error.code, error.detail)
    except Exception as error:  # a fault of ours or of the database; recorded on the operation and logged
        logger.exception("Operation %s failed", operation.pk)
        run.fail("unexpected-error", f"{type(error).__name__}: {error}")
    if operation.error_code:
        if operation.deaths <= UNDOING_DEATHS_MAX:
            _undo(run, steps)
        state = _ENDS.get(operation.error_code, OperationState.FAILED)
        finish(operation, state, operation.error_code, operation.error_detail)
    else:
        finish(operation, OperationState.FINISHED)


def _recipe_of(run: OperationRun) -> Sequence[Step]:
    remote = plugin_manager().remote
    return (remote.recipe(run) if remote is not None else None) or local_recipe(run)


def _begin(run: OperationRun) -> None:
    operation = run.operation
    if operation.fence == 1:
        run.log(f"Started: {operation.get_kind_display()} {operation.plugin_id}.")
        return
    if operation.deaths > DEATHS_MAX:
        raise OperationLostError(
            f"{operation.deaths} workers were lost over the step {operation.step!r}; the next one would be, too."
        )
    run.log(f"Another worker goes on: {operation.worker}.")


def _give_up(run: OperationRun, steps: Sequence[Step]) -> None:
    """Undo what nobody waits for any more; where only steps are left that can't be stopped, go on to the end.

    Raises:
        OperationLostError: where it is undone.
    """
    if any(step.stops for step in steps if not run.is_done(step.name)):
        raise OperationLostError(_TOO_LATE)


def _go_through(run: OperationRun, steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps):
        if run.is_done(step.name):
            continue
        run.begin(step.name, number, len(steps))
        if step.stops:
            run.check()
        with run.marking(step.name):
            step.act(run)


def _undo(run: OperationRun, steps: Sequence[Step]) -> None:
    """Undo the step that failed and those before it, in reverse. What can't be undone is told, and left."""
    for step in reversed(steps):
        if not (run.is_done(step.name) or step.name == run.operation.step):
            continue
        if step.undo is not None:
            try:
                step.undo(run)
            except OperationLostError:
                raise
            except Exception as error:  # the others are undone all the same; told on the operation and logged
                logger.exception("Step %s of operation %s could not be undone", step.name, run.operation.pk)
                run.log(f"The step {step.name} could not be undone: {type(error).__name__}: {error}.")
        run.unmark(step.name)


def repeat_operation(
    operation: PluginOperation, *, config: Mapping[str, Any] | None, user: User | None
) -> PluginOperation:
    """Write down once more what failed, was stopped or waited for consent.

    The caller lets a worker run it after the commit.

    Args:
        operation: what failed.
        config: the configuration; it is forgotten at the end of an operation, so it has to be given again.
        user: who asks now.

    Raises:
        PluginStateError: when it did none of that, or configured the plugin and there is no configuration.
        PluginNotFoundError: when the plugin is not installed (and this is no installation).
    """
    if operation.state not in _UNDONE:
        raise PluginStateError(
            f"The operation is {operation.get_state_display()}; only one that failed, was stopped or waited for "
            "consent can be repeated."
        )
    if operation.kind == OperationKind.CONFIGURE and config is None:
        raise PluginStateError("The configuration of an operation is forgotten at its end. Give it again.")
    arguments = {key: value for key, value in operation.arguments.items() if key != "policy"}
    if config is not None:
        arguments["config"] = dict(config)
    return request_operation(operation.kind, operation.plugin_id, arguments, user=user)


def cancel_operation(operation_id: uuid.UUID | str) -> PluginOperation | None:
    """Stop an operation: one that waits at once, one that runs at its next chance. What has ended stays as it is.

    Returns:
        The operation as it is now, None when there is none.
    """
    rows = PluginOperation.objects.filter(pk=operation_id)
    operation = rows.first()
    if operation is None:
        return None
    if rows.filter(state=OperationState.QUEUED).update(cancel_requested=True):
        finish(operation, OperationState.CANCELLED, OperationCancelled.code, "It was stopped before it began.")
    else:
        rows.filter(state=OperationState.RUNNING).update(cancel_requested=True)
    operation.refresh_from_db()
    return operation


def switch_anyway(operation_id: uuid.UUID | str, *, user: User | None) -> PluginOperation | None:
    """Let an operation switch although hosts do not have the files; they follow when they can.

    It is recorded as ``plugin.switch_anyway``. What has ended stays as it is.

    Returns:
        The operation as it is now, None when there is none.
    """
    rows = PluginOperation.objects.filter(pk=operation_id)
    with acting_as(user), transaction.atomic(using=operations_database()):
        if rows.filter(state__in=OPEN, switch_anyway=False).update(switch_anyway=True):
            evidence = {"operation": str(operation_id)}
            record("plugin.switch_anyway", target=Target.plugin(rows.get().plugin_id), evidence=evidence)
    return rows.first()


def unattended_operations() -> list[uuid.UUID]:
    """Return the operations whose worker is gone, the oldest first, for others to go on with."""
    rows = lost_operations(timezone.now()).filter(lease_until__gte=timezone.now() - RUNNING_AT_MOST)
    return list(rows.order_by("created_at").values_list("pk", flat=True))


def end_lost_operations() -> int:
    """End the operations whose worker or message is gone, so that nobody waits for them; return how many.

    What such an operation had done is undone first. One that was past its last stop is carried to its end instead.
    """
    now = timezone.now()
    running = Q(lease_until__lt=now - RUNNING_AT_MOST) | Q(lease_until=None, started_at__lt=now - RUNNING_AT_MOST)
    lost = Q(running, state=OperationState.RUNNING) | Q(
        state=OperationState.QUEUED, created_at__lt=now - QUEUED_AT_MOST
    )
    found = list(PluginOperation.objects.filter(lost))
    for operation in found:
        if operation.state == OperationState.QUEUED:
            fail_operation(operation, OperationLostError.code, _TOO_LATE)
        else:
            _end_late(operation, now)
    return len(found)


def _end_late(operation: PluginOperation, now: datetime) -> None:
    rows = PluginOperation.objects.filter(pk=operation.pk, state=OperationState.RUNNING, lease_until=None)
    rows.update(lease_until=now - RUNNING_AT_MOST)  # of a release before there were leases
    _take_up(operation.pk, late=True)


def fail_operation(operation: PluginOperation, code: str, detail: str) -> None:
    """End an operation that is not over yet as failed; its configuration is forgotten, as it may hold secrets."""
    finish(operation, OperationState.FAILED, code, detail)
