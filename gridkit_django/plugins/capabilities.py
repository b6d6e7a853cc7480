"""The parts of a plugin context: each checks the grants of the moment before it lets a call through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gridkit_django.exceptions import PluginError, TimingError
from gridkit_django.grids.timing import checked_timing
from gridkit_django.plugins.backend import AuditTarget, ContextBackend, Unsubscribe
from gridkit_django.plugins.job_arguments import checked_schema
from gridkit_django.plugins.job_calls import JobHandler, RegisteredJob
from gridkit_django.plugins.permissions import Permission
from gridkit_django.typing import JSONObject, JSONValue


class Capability:
    """What all parts share: the plugin's id, the backend and the check of a permission."""

    def __init__(self, plugin_id: str, backend: ContextBackend) -> None:
        self._plugin_id = plugin_id
        self._backend = backend

    def _require(self, *permissions: str) -> None:
        for permission in permissions:
            self._backend.grants.require(self._plugin_id, permission)
            self._backend.used(permission)


class PluginStorage(Capability):
    """The plugin's own keys and JSON values, in the database: all processes see them, no other plugin does.

    Needs ``storage:use``. Writes take part in the transaction under way.

    Once another version of the plugin has migrated the storage, an object of the version before reads what was set
    aside of its own form until its process follows, and its writes raise ``StorageOvertakenError``: let it through.
    """

    def get(self, key: str, default: JSONValue = None) -> JSONValue:
        """Return the value of ``key``, or ``default`` when there is none.

        Raises:
            PluginPermissionError: without ``storage:use``.
        """
        self._require(Permission.STORAGE_USE)
        value = self._backend.storage.get(key)
        return default if value is None else value

    def set(self, key: str, value: JSONValue) -> None:
        """Store ``value`` under ``key`` (1 to 200 characters).

        Raises:
            PluginPermissionError: without ``storage:use``.
            StorageQuotaError: when the storage would grow over ``max_storage_mb``; nothing is stored then.
            PluginError: for a key of the wrong length or a value that is no JSON.
        """
        self._require(Permission.STORAGE_USE)
        self._backend.storage.set(key, value)

    def delete(self, key: str) -> bool:
        """Delete ``key``; whether there was one.

        Raises:
            PluginPermissionError: without ``storage:use``.
        """
        self._require(Permission.STORAGE_USE)
        return self._backend.storage.delete(key)

    def clear(self) -> int:
        """Delete all keys; how many there were.

        Raises:
            PluginPermissionError: without ``storage:use``.
        """
        self._require(Permission.STORAGE_USE)
        return self._backend.storage.clear()

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with ``prefix``, sorted.

        Raises:
            PluginPermissionError: without ``storage:use``.
        """
        self._require(Permission.STORAGE_USE)
        return self._backend.storage.keys(prefix)


class PluginAudit(Capability):
    """Writes audit records in the transaction of the act: both stand or fall together. Needs ``audit:write``.

    Who acted, when, through which door and in which request is stamped by the core and can't be given.
    """

    def follow(self, grid: str, options: JSONObject) -> None:
        """Let the core record every write to the model behind a grid, whichever way it comes.

        It counts as long as the plugin is at work and has the permission. Asking again for a grid takes the place of
        what was asked before.

        Args:
            grid: id of the grid; one that the plugin does not serve is left alone.
            options: ``actions`` (``row.create``, ``row.update``, ``row.delete``), ``mask`` and ``encrypt`` (ids of
                columns), ``include_metadata`` and the other options of ``GRIDKIT["AUDIT_MODELS"]``.

        Raises:
            PluginPermissionError: without ``audit:write``.
            GridNotFoundError: when there is no such grid.
            AuditPolicyError: when an option is wrong.
        """
        self._require(Permission.AUDIT_WRITE)
        self._backend.follow_grid(grid, options)

    def send_to(self, address: str, *, format: str = "native", secret: str = "") -> None:  # noqa: A002 - the word of docs
        """Let the core send every sealed record of the audit trail to an address, in order and at least once.

        It counts as long as the plugin is at work and has the permission; then the destination is paused and keeps its
        place in the trail. A plugin has one destination: asking again takes the place of what was asked before.

        Args:
            address: ``https://…``, ``syslog+tls://…``, ``otlp+https://…``; where ``AUDIT_LOCAL_DESTINATIONS`` lists it,
                ``file:///…`` or a function's dotted path.
            format: ``native``, ``ocsf`` or ``cef``.
            secret: what signs the batches of a webhook, or the token of a collector.

        Raises:
            PluginPermissionError: without ``audit:write``.
            AuditDestinationError: when it is no address, or one that the site does not let plugins name.
        """
        self._require(Permission.AUDIT_WRITE)
        self._backend.send_trail(address, format, secret)

    def record_row(
        self,
        action: str,
        *,
        grid: str,
        row_id: str,
        label: str = "",
        changes: Mapping[str, Sequence[Any]] | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what happened to a row of a grid.

        Args:
            action: ``noun.verb``, for example ``row.update``.
            grid: id of the grid.
            row_id: the row's primary key as text, as events carry it.
            label: a name of the row for people.
            changes: column id to ``[before, after]``.
            evidence: more plain facts.

        Raises:
            PluginPermissionError: without ``audit:write``.
            GridNotFoundError: when there is no such grid.
        """
        self._require(Permission.AUDIT_WRITE)
        target = self._backend.row_target(grid, row_id, label)
        self._backend.record_audit(action, target, changes or {}, grid, evidence or {})

    def record(
        self,
        action: str,
        *,
        target: AuditTarget,
        changes: Mapping[str, Sequence[Any]] | None = None,
        grid: str = "",
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what happened to anything else.

        Args:
            action: ``noun.verb``.
            target: what kind of thing, its id, and its name for people.
            changes: field to ``[before, after]``.
            grid: id of the grid, when it happened on one.
            evidence: more plain facts.

        Raises:
            PluginPermissionError: without ``audit:write``.
        """
        self._require(Permission.AUDIT_WRITE)
        self._backend.record_audit(action, target, changes or {}, grid, evidence or {})


class PluginExports(Capability):
    """Starts exports for the person whose call the plugin is answering. Needs ``rows:read`` and ``files:write``."""

    def create(
        self,
        grid: str,
        query: JSONObject,
        format: str,  # noqa: A002 - the field's word
        options: JSONObject | None = None,
        *,
        pick: JSONObject | None = None,
    ) -> JSONObject:
        """Start an export and return its job. It sees what the calling user may see, never more.

        Args:
            grid: id of the grid.
            query: which rows and columns, as in a rows request; windows play no part.
            format: a format that an active plugin writes.
            options: what the writer of the format understands.
            pick: what else is asked: ``rows``, ``view``, ``consistency``, ``notify`` and ``queue`` as those of
                ``gridkit_django.exports.create_export`` with these names. Without ``queue`` nobody carries the job out,
                unless the method answers it with ``"answer": "file"`` beside the ``job``.

        Raises:
            PluginPermissionError: without the permissions.
            AccessDeniedError: outside of a call by a user, or when the user may not export this grid.
            UnknownFormatError: when no active plugin writes the format.
        """
        self._require(Permission.ROWS_READ, Permission.FILES_WRITE)
        return self._backend.create_export(grid, query, format, options or {}, pick or {})

    def describe(self, format: str) -> JSONObject:  # noqa: A002 - the field's word
        """Return what is known of a format: ``format``, ``label``, ``extension``, ``options`` (JSON Schema by name).

        Raises:
            PluginPermissionError: without the permissions.
            UnknownFormatError: when no active plugin writes the format, or its code can't be loaded.
        """
        self._require(Permission.ROWS_READ, Permission.FILES_WRITE)
        return self._backend.describe_format(format)


class PluginJobs(Capability):
    """Work in the background: a Celery worker carries it out. Needs ``schedule:use``.

    A job is registered in ``initialize``, so every process knows it, and runs in whichever worker takes it. It acts as
    the system: no user stands behind it.
    """

    def register(
        self,
        name: str,
        handler: JobHandler,
        *,
        label: str,
        every: timedelta | None = None,
        cron: str = "",
        schema: JSONObject | None = None,
    ) -> Unsubscribe:
        """Offer a job, and say when it runs by itself, if it does. It ends by itself with the plugin.

        A time that was missed is made up for once. While a scheduled run is under way, the job is not started again by
        its schedule. An administrator may start any job, and pause its schedule.

        Args:
            name: small letters, digits, ``-`` and ``_``; unique in the plugin.
            handler: gets a ``JobCall``; returns a JSON value of at most ``VALUE_BYTES_MAX`` bytes, kept with the run.
                It has ``JOB_SECONDS_MAX`` seconds.
            label: for people, 1 to 200 characters.
            every: an interval of whole seconds, from 1 second to 366 days.
            cron: a crontab (minute, hour, day of the month, month, day of the week) in the site's time zone.
            schema: JSON Schema (2020-12) of the arguments; None for a job that takes none.

        Raises:
            PluginPermissionError: without ``schedule:use``.
            PluginStateError: when the plugin has a job of this name.
            PluginLimitError: over 50 jobs.
            PluginError: for a name, label, timing or schema that is wrong.
        """
        self._require(Permission.SCHEDULE_USE)
        try:
            timing = checked_timing(every, cron)
        except TimingError as error:
            raise PluginError(error.detail) from error
        job = RegisteredJob(name, handler, label, timing, checked_schema(name, schema))
        return self._backend.register_job(job)

    def run(self, name: str, arguments: JSONObject | None = None, *, delay_seconds: int = 0) -> str:
        """Let a worker run one of the plugin's own jobs, once the transaction under way has committed.

        Args:
            name: the job.
            arguments: what fits its schema, at most ``MESSAGE_BYTES_MAX`` bytes.
            delay_seconds: how long to wait, 0 to 86,400.

        Returns:
            The id of the run.

        Raises:
            PluginPermissionError: without ``schedule:use``.
            JobNotFoundError: when the plugin is not at work yet (as in ``initialize``), or has no job of this name.
            JobArgumentsError: when the arguments break the schema.
            PluginJobError: for a delay that is out of bounds.
            PluginLimitError: when a thousand runs of the plugin wait already.
        """
        self._require(Permission.SCHEDULE_USE)
        return self._backend.run_job(name, arguments or {}, delay_seconds)
