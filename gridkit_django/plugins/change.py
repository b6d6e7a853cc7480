"""What every change to plugins has in common: one transaction with audit record, event and a higher generation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connections, transaction

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, acting, current_act, event_bus, make_event
from gridkit_django.exceptions import PluginNotFoundError
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin
from gridkit_django.plugins.metadata import PluginMetadata, parse_manifest
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.savepoints import database, in_transaction
from gridkit_django.typing import JSONValue, User

V = TypeVar("V", bound=Callable[..., Any])

_riders: ContextVar[tuple[Callable[[], None], ...]] = ContextVar("gridkit_riders", default=())

STATE_FIELDS = ("effective_state", "state_code", "state_reason", "state_evidence")


@contextmanager
def changing(runtime: PluginRuntime, user: User | None) -> Iterator[None]:
    """Make a change: the generation rises first, so that changes wait for each other; after the commit we follow.

    Args:
        runtime: the runtime of this process, which follows at once.
        user: who makes the change; None for whoever acts already.
    """
    if in_transaction():
        runtime.doubt()
    with acting_as(user), transaction.atomic(using=database()):
        runtime.generations.bump()
        with runtime.paused():
            yield
        for rider in _riders.get():
            rider()
        transaction.on_commit(runtime.follow_change, using=database())
    runtime.mark_unchecked()


@contextmanager
def riding(rider: Callable[[], None]) -> Iterator[None]:
    """Let a call be made inside the transaction of each change in the block, at its end; that of the inner block first.

    So what it writes stands or falls with the change: whoever was killed in between left both or neither.
    """
    token = _riders.set((rider, *_riders.get()))
    try:
        yield
    finally:
        _riders.reset(token)


@contextmanager
def unridden() -> Iterator[None]:
    """Let no call be made inside the changes of the block: they take back what the calls around it are about."""
    token = _riders.set(())
    try:
        yield
    finally:
        _riders.reset(token)


@contextmanager
def acting_as(user: User | None) -> Iterator[None]:
    """Act as a person for the length of the block; None for whoever acts already."""
    act = current_act()
    if user is None:
        yield
        return
    with acting(
        Actor.from_user(user),
        act.source,
        correlation_id=act.correlation_id,
        metadata=dict(act.metadata),
        impersonator=act.impersonator,
        reason=act.reason,
    ):
        yield


def commits_itself(view: V) -> V:
    """Keep a view that changes plugins out of the transaction that ``ATOMIC_REQUESTS`` puts around views.

    Each change is one transaction of its own, followed after its commit. Inside a larger one the answer would be made
    before the change is followed: it would tell the old state, and a failure to start not at all.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view


def get_row(plugin_id: str, *, lock: bool = False) -> InstalledPlugin:
    """Return the row of an installed plugin.

    Args:
        plugin_id: which plugin.
        lock: keep others from changing it until the transaction ends.

    Raises:
        PluginNotFoundError: when it is not installed.
    """
    rows = InstalledPlugin.objects.using(database())
    rows = rows.select_for_update(of=("self",)) if lock else rows
    row = rows.select_related("current_version").filter(plugin_id=plugin_id).first()
    if row is None:
        raise PluginNotFoundError(f"The plugin {plugin_id!r} is not installed on this site.")
    return row


def touch(row: InstalledPlugin, *fields: str) -> None:
    """Save a plugin's row with a higher revision, so that every process looks at it again."""
    row.revision += 1
    row.save(update_fields=[*fields, "revision", "changed_at"])


def try_again(row: InstalledPlugin) -> tuple[str, ...]:
    """Clear the state of a broken plugin, because what was just changed may be the cure; return the fields to save."""
    if row.desired_state == DesiredState.ACTIVE and row.effective_state != EffectiveState.ACTIVE:
        row.effective_state = EffectiveState.INSTALLED
        row.state_code, row.state_reason, row.state_evidence = "", "", {}
    return STATE_FIELDS


def author_of(user: User | None) -> Any:
    """Return the user to name in a row, or None for the system and for nobody who logged in."""
    return user if user is not None and user.is_authenticated else None


def tell(
    verb: str,
    row: InstalledPlugin,
    *,
    changes: Mapping[str, Sequence[Any]] | None = None,
    evidence: Mapping[str, Any] | None = None,
    payload: Mapping[str, JSONValue] | None = None,
) -> None:
    """Write the audit record ``plugin.<verb>`` and emit the event ``plugin:<verb>``.

    There is no ``before`` moment: a plugin can't veto what an administrator does to plugins.

    Args:
        verb: what was done.
        row: to which plugin.
        changes: what changed, as ``[before, after]``; no secret in it.
        evidence: more facts for the record.
        payload: more values for the event.
    """
    record(f"plugin.{verb}", target=Target.plugin(row.plugin_id), changes=changes or {}, evidence=evidence or {})
    version = row.current_version.version if row.current_version else ""
    values: dict[str, JSONValue] = {"pluginId": row.plugin_id, "version": version, **(payload or {})}
    event_bus().open(make_event(f"plugin:{verb}", values), using=database()).after()


def stored_metadata(row: InstalledPlugin) -> PluginMetadata:
    """Return the manifest of an installed plugin as it was read last.

    Raises:
        ManifestError: when a newer core refuses what an older one took.
    """
    return parse_manifest(dict(row.current_version.manifest) if row.current_version else {}, where=row.plugin_id)


def raise_failure(runtime: PluginRuntime, row: InstalledPlugin) -> None:
    """Tell whoever made a change that this process could not follow it.

    The change itself is stored, and the plugin's state says the same. Inside an outer transaction nothing is known yet.

    Raises:
        PluginError: what went wrong.
    """
    error = runtime.failure_of(row.plugin_id, row.revision)
    if error is not None:
        raise error
