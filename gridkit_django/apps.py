"""Wiring: the app config owns this process's bus, registries and runtime. Nothing here touches the database."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.core.signals import request_finished, request_started, setting_changed
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_delete, post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules, import_string

from gridkit_django.conf import settings
from gridkit_django.events import EventBus, EventMiddleware
from gridkit_django.exceptions import SettingsError

if TYPE_CHECKING:
    from gridkit_django.audit.capture import Capture
    from gridkit_django.audit.policies import AuditPolicies
    from gridkit_django.audit.privacy.subject_keys import SubjectKeys
    from gridkit_django.audit.triggers import StrictAudit
    from gridkit_django.exports import ExporterRegistry, ExportQueue
    from gridkit_django.grids import GridRegistry
    from gridkit_django.plugins import PluginManager, PluginRuntime
    from gridkit_django.plugins.methods import PluginMethods


class GridKitConfig(AppConfig):
    """GridKit for Django.

    Attributes:
        event_bus: publishes this process's events.
        exporters: the formats that exports can be written in.
        job_queue: hands work to workers.
        runtime: the plugins at work in this process.
        plugin_manager: everything that can be done with plugins.
        method_provider: the methods that plugins offer on grids.
        audit_policies: which models the audit trail follows.
        audit_subject_keys: keys of the people whose data audit records hold encrypted.
        strict_audit: which of them the database follows itself.
        audit_capture: records the writes to them.
    """

    name = "gridkit_django"
    verbose_name = "GridKit"
    default_auto_field = "django.db.models.BigAutoField"

    event_bus: EventBus
    exporters: ExporterRegistry
    job_queue: ExportQueue
    runtime: PluginRuntime
    plugin_manager: PluginManager
    method_provider: PluginMethods
    audit_policies: AuditPolicies
    audit_subject_keys: SubjectKeys
    strict_audit: StrictAudit
    audit_capture: Capture

    @cached_property
    def grid_registry(self) -> GridRegistry:
        """The grids of this process; made at first use, because an app before ours may register its grids first."""
        from gridkit_django.grids import GridRegistry

        return GridRegistry()

    def ready(self) -> None:
        """Wire the rooms together, once, after all models are loaded."""
        setting_changed.connect(settings.forget, dispatch_uid="gridkit_django.conf")
        self.event_bus = EventBus(self._event_middleware())
        self._wire_acts()
        self._wire_audit()
        self._wire_barrier()
        self._wire_grids()
        self._wire_exports()
        self._wire_plugins()
        self._wire_market()
        self._register_checks()

    def _event_middleware(self) -> tuple[EventMiddleware, ...]:
        """Return the middleware of the settings.

        Wrong settings must not stop the system checks, which tell what is wrong with them (``gridkit.E001``). Nothing
        is hidden by that: whoever reads a setting later gets the error.
        """
        try:
            paths = settings().EVENT_MIDDLEWARE
        except SettingsError:
            return ()
        return tuple(import_string(path) for path in paths)

    def _register_checks(self) -> None:
        from gridkit_django.checks import CHECKS, DATABASE_CHECKS, DEPLOY_CHECKS, TAG

        for check in CHECKS:
            register(check, TAG)
        for check in DEPLOY_CHECKS:
            register(check, TAG, deploy=True)
        for check in DATABASE_CHECKS:
            register(check, TAG, Tags.database)

    def _wire_acts(self) -> None:
        """Let commands act under their own names, and tasks as whoever sent them."""
        from gridkit_django.events import name_commands
        from gridkit_django.tasks.acts import carry_acts

        name_commands()
        carry_acts()

    def _wire_audit(self) -> None:
        """Follow the models that the settings name.

        Raises:
            AuditPolicyError: when a policy is wrong: a site that believes itself followed must not start.
        """
        from gridkit_django.audit import sqljson_sqlite
        from gridkit_django.audit.access import ACCESS, access_policies, watch_logins
        from gridkit_django.audit.capture import Capture
        from gridkit_django.audit.policies import SETTINGS, AuditPolicies, PolicyTable, policies_of_settings
        from gridkit_django.audit.privacy.subject_keys import SubjectKeys
        from gridkit_django.audit.triggers import StrictAudit

        self.audit_subject_keys = SubjectKeys()
        self.strict_audit = StrictAudit()
        self.audit_capture = Capture(self.strict_audit.followed)

        def follow(table: PolicyTable) -> None:
            self.strict_audit.follow(table)
            self.audit_capture.follow(table)

        self.audit_policies = AuditPolicies(follow)
        connection_created.connect(self.strict_audit.connected, dispatch_uid="gridkit_django.audit")
        connection_created.connect(sqljson_sqlite.connected, dispatch_uid="gridkit_django.audit.sqljson")
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:
                sqljson_sqlite.connected(connection)

        def read(*, setting: str, **_kwargs: Any) -> None:
            if setting == "GRIDKIT":
                with suppress(SettingsError):  # gridkit.E001 tells of it
                    self.audit_policies.set(SETTINGS, policies_of_settings(settings().AUDIT_MODELS))
                    self.audit_policies.set(ACCESS, access_policies())

        read(setting="GRIDKIT")
        watch_logins()
        setting_changed.connect(read, weak=False, dispatch_uid="gridkit_django.audit")

    def _wire_barrier(self) -> None:
        """Guard the audit tables of each database that is migrated (their own migrations pass), and make a function."""
        from gridkit_django.audit.barrier import make_after_migrations
        from gridkit_django.audit.record_function import make_record_function
        from gridkit_django.management.migrating import before_migrations

        post_migrate.connect(make_record_function, sender=self, dispatch_uid="gridkit_django.audit.record_function")
        for signal, receiver in ((pre_migrate, before_migrations), (post_migrate, make_after_migrations)):
            signal.connect(receiver, sender=self, dispatch_uid="gridkit_django.audit.barrier")

    def _wire_grids(self) -> None:
        """Import each app's ``grids.py`` and keep the rows of the declared grids in step."""
        from gridkit_django.grids.registration import sync_registered_grids

        autodiscover_modules("grids")
        post_migrate.connect(sync_registered_grids, sender=self, dispatch_uid="gridkit_django.grids")

    def _wire_exports(self) -> None:
        """Make the registry of exporters, hand the task queue down, and let files go with their jobs."""
        from gridkit_django.exports import ExporterRegistry, connect_notices
        from gridkit_django.exports.files import delete_file_with_job
        from gridkit_django.models import ExportJob
        from gridkit_django.tasks.queue import CeleryQueue

        self.exporters = ExporterRegistry()
        self.job_queue = CeleryQueue()
        connect_notices()
        post_delete.connect(delete_file_with_job, sender=ExportJob, dispatch_uid="gridkit_django.exports")

    def _wire_market(self) -> None:
        """Let a worker sign what changes on the marketplace that this site serves, and write to its publishers."""
        from gridkit_django.marketplace.shelf.mails import publisher_news
        from gridkit_django.marketplace.shelf.signing import shelf_changed
        from gridkit_django.tasks.market import follow_changes
        from gridkit_django.tasks.market_mails import hand_over_mail

        publisher_news.connect(hand_over_mail, dispatch_uid="gridkit_django.marketplace")
        shelf_changed.connect(follow_changes, dispatch_uid="gridkit_django.marketplace")

    def _wire_plugins(self) -> None:
        """Make the runtime, connect it to the event signals, and let requests, tasks and forks wake it up.

        No plugin is loaded here: the first use in a request or task does that, when the database is known to be there.
        """
        from celery.signals import task_postrun, task_prerun, worker_process_init, worker_process_shutdown

        from gridkit_django.marketplace.client import MarketplacePlugins
        from gridkit_django.plugins import PluginManager, PluginRuntime, connect_notices
        from gridkit_django.plugins.tracing import wanted_tracing
        from gridkit_django.plugins.wakeups import Wakeups

        self.runtime = PluginRuntime()
        self.plugin_manager = PluginManager(self.runtime)
        self.plugin_manager.use_remote(MarketplacePlugins())
        self.method_provider = self.runtime.methods
        self.exporters.before_reading = self.runtime.ensure_current
        self.runtime.connect()
        connect_notices()
        for observer in wanted_tracing():
            self.plugin_manager.observe(observer)
        wakeups = Wakeups(self.plugin_manager)
        for signal, receiver in (
            (request_started, wakeups.request_began),
            (request_finished, wakeups.ended),
            (task_prerun, wakeups.task_began),
            (task_postrun, wakeups.ended),
            (worker_process_init, wakeups.worker_forked),
            (worker_process_shutdown, wakeups.process_ends),
        ):
            signal.connect(receiver, weak=False, dispatch_uid=f"gridkit_django.plugins.{receiver.__name__}")
        self.audit_capture.open(wakeups.row_written)
        os.register_at_fork(after_in_child=self.plugin_manager.after_fork)
        atexit.register(wakeups.process_ends)
