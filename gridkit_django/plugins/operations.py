"""Operations: changes that a person asks for and a worker carries out, with a log that can be watched."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django.db.models import Q
from django.utils import timezone

from gridkit_django.exceptions import GridKitError, PluginStateError
from gridkit_django.models import OperationKind, OperationState, PluginOperation
from gridkit_django.plugins.change import author_of, get_row
from gridkit_django.plugins.encryption import Keyring, is_sealed
from gridkit_django.plugins.manager import PluginManager, plugin_manager
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.typing import User

logger = logging.getLogger("gridkit_django.plugins")

RUNNING_AT_MOST = timedelta(minutes=15)
QUEUED_AT_MOST = timedelta(hours=24)

_ARGUMENTS: Mapping[OperationKind, frozenset[str]] = MappingProxyType(
    {
        OperationKind.INSTALL: frozenset({"source", "config", "grants", "activate"}),
        OperationKind.CONFIGURE: frozenset({"config", "grid"}),
        OperationKind.UPDATE: frozenset({"version", "grants"}),
        OperationKind.ROLL_BACK: frozenset({"version"}),
    }
)


def request_operation(
    kind: OperationKind | str, plugin_id: str, arguments: Mapping[str, Any], *, user: User | None
) -> PluginOperation:
    """Write down what is to be done. The caller lets a worker run it after the commit.

    Args:
        kind: what is to be done.
        plugin_id: to which plugin.
        arguments: for ``install``: ``source``, ``config``, ``grants``, ``activate``; for ``configure``: ``config``,
            ``grid``; for ``update``: ``version`` and ``grants``; for ``roll_back``: ``version``; nothing for the
            others.
        user: who asks.

    Raises:
        PluginStateError: for arguments that the kind does not know.
        PluginNotFoundError: when the plugin is not installed (and this is no installation).
        ValueError: when there is no such kind.
    """
    kind = OperationKind(kind)
    unknown = sorted(set(arguments) - _ARGUMENTS.get(kind, frozenset()))
    if unknown:
        raise PluginStateError(f"The operation {kind.value} knows no {', '.join(unknown)}.")
    if kind is not OperationKind.INSTALL:
        get_row(plugin_id)
    return PluginOperation.objects.create(
        kind=kind, plugin_id=plugin_id, arguments=_sealed(arguments), requested_by=author_of(user)
    )


def _sealed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they may lie in the table: a configuration, which may hold secrets, is sealed whole."""
    config = arguments.get("config")
    return {**arguments, "config": Keyring.of_site().seal(config)} if config else dict(arguments)


def _config_of(operation: PluginOperation) -> Mapping[str, Any] | None:
    """Return the configuration among an operation's arguments.

    Raises:
        PluginSecretError: when this worker lacks the key that it was sealed with.
    """
    config: Mapping[str, Any] | None = operation.arguments.get("config")
    return Keyring.of_site().unseal(config) if config is not None and is_sealed(config) else config


def run_operation(operation_id: uuid.UUID | str) -> PluginOperation | None:
    """Carry out a queued operation; None when it is gone or another worker took it.

    A failure is written on the operation, not raised. A configuration among the arguments is forgotten at the end,
    because it may hold secrets.
    """
    now = timezone.now()
    queued = PluginOperation.objects.filter(pk=operation_id, state=OperationState.QUEUED)
    if not queued.update(state=OperationState.RUNNING, started_at=now):
        return None
    operation = PluginOperation.objects.select_related("requested_by").get(pk=operation_id)
    _log(operation, f"Started: {operation.get_kind_display()} {operation.plugin_id}.")
    try:
        _STEPS[OperationKind(operation.kind)](plugin_manager(), operation)
    except GridKitError as error:
        _finish(operation, OperationState.FAILED, error.code, error.detail)
    except Exception as error:  # a fault of ours or of the database; recorded on the operation and logged
        logger.exception("Operation %s failed", operation.pk)
        _finish(operation, OperationState.FAILED, "unexpected-error", f"{type(error).__name__}: {error}")
    else:
        _finish(operation, OperationState.FINISHED)
    return operation


def _install(manager: PluginManager, operation: PluginOperation) -> None:
    arguments = operation.arguments
    source = str(arguments.get("source") or operation.plugin_id)
    found: PluginMetadata = manager.runtime.catalog.find(source).manifest()
    _log(
        operation,
        f"Found {found.id} {found.version} by {found.author}; it asks for "
        f"{', '.join(found.required_permissions) or 'no permissions'}.",
    )
    manager.install_plugin(
        source,
        config=_config_of(operation),
        grants=arguments.get("grants", "all"),
        user=operation.requested_by,
        activate=False,
    )
    _log(operation, "Installed.")
    if arguments.get("activate", True):
        _activate(manager, operation)


def _activate(manager: PluginManager, operation: PluginOperation) -> None:
    manager.activate_plugin(operation.plugin_id, user=operation.requested_by)
    _log(operation, "Active. Other processes follow at their next request or task.")


def _deactivate(manager: PluginManager, operation: PluginOperation) -> None:
    manager.deactivate_plugin(operation.plugin_id, user=operation.requested_by)
    _log(operation, "Switched off.")


def _configure(manager: PluginManager, operation: PluginOperation) -> None:
    arguments = operation.arguments
    manager.configure_plugin(
        operation.plugin_id,
        _config_of(operation) or {},
        grid=str(arguments.get("grid", "")),
        user=operation.requested_by,
    )
    _log(operation, "The configuration is in force.")


def _reload(manager: PluginManager, operation: PluginOperation) -> None:
    manager.reload_plugin(operation.plugin_id, user=operation.requested_by)
    _log(operation, f"Loaded anew: {manager.get_plugin(operation.plugin_id).version}.")


def _update(manager: PluginManager, operation: PluginOperation) -> None:
    arguments = operation.arguments
    before = manager.get_plugin(operation.plugin_id).version
    info = manager.update_plugin(
        operation.plugin_id,
        arguments.get("version"),
        grants=arguments.get("grants") or (),
        user=operation.requested_by,
    )
    _log(operation, f"Version {info.version} is in use; before it was {before}.")


def _roll_back(manager: PluginManager, operation: PluginOperation) -> None:
    info = manager.roll_back_plugin(
        operation.plugin_id, operation.arguments.get("version"), user=operation.requested_by
    )
    _log(operation, f"Version {info.version} is back, and pinned.")


def _uninstall(manager: PluginManager, operation: PluginOperation) -> None:
    manager.uninstall_plugin(operation.plugin_id, user=operation.requested_by)
    _log(operation, "Uninstalled.")


_STEPS: Mapping[OperationKind, Callable[[PluginManager, PluginOperation], None]] = MappingProxyType(
    {
        OperationKind.INSTALL: _install,
        OperationKind.ACTIVATE: _activate,
        OperationKind.DEACTIVATE: _deactivate,
        OperationKind.CONFIGURE: _configure,
        OperationKind.RELOAD: _reload,
        OperationKind.UPDATE: _update,
        OperationKind.ROLL_BACK: _roll_back,
        OperationKind.UNINSTALL: _uninstall,
    }
)


def end_lost_operations() -> int:
    """Fail the operations whose worker or message is gone, so that nobody waits for them; return how many.

    A worker that was only slow still does its work, but no longer changes the verdict.
    """
    now = timezone.now()
    lost = Q(state=OperationState.RUNNING, started_at__lt=now - RUNNING_AT_MOST) | Q(
        state=OperationState.QUEUED, created_at__lt=now - QUEUED_AT_MOST
    )
    found = list(PluginOperation.objects.filter(lost))
    for operation in found:
        fail_operation(operation, "operation-lost", "No worker finished this operation in time. Ask for it again.")
    return len(found)


def fail_operation(operation: PluginOperation, code: str, detail: str) -> None:
    """End an operation that is not over yet as failed; its configuration is forgotten, as it may hold secrets."""
    _finish(operation, OperationState.FAILED, code, detail)


def _log(operation: PluginOperation, text: str) -> None:
    operation.log = [*operation.log, {"at": timezone.now().isoformat(), "text": text}]
    operation.save(update_fields=["log"])


def _finish(operation: PluginOperation, state: OperationState, code: str = "", detail: str = "") -> None:
    """Write the end down, unless the operation has ended already."""
    operation.state, operation.error_code, operation.error_detail = state, code, detail
    operation.finished_at = timezone.now()
    operation.arguments = {key: value for key, value in operation.arguments.items() if key != "config"}
    line = {"at": operation.finished_at.isoformat(), "text": detail if state is OperationState.FAILED else "Finished."}
    operation.log = [*operation.log, line]
    PluginOperation.objects.filter(pk=operation.pk, state__in=(OperationState.QUEUED, OperationState.RUNNING)).update(
        state=state,
        error_code=code,
        error_detail=detail,
        finished_at=operation.finished_at,
        arguments=operation.arguments,
        log=operation.log,
    )
