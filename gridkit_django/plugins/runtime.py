"""The plugin runtime of this process: what is at work, and when it looks at the database."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginCrashError, PluginError
from gridkit_django.models import EffectiveState
from gridkit_django.plugins.boot import BootRecord
from gridkit_django.plugins.catalog import SourceCatalog
from gridkit_django.plugins.crashes import CrashJudge
from gridkit_django.plugins.dispatch import Dispatcher
from gridkit_django.plugins.follow import Follower
from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapBook
from gridkit_django.plugins.messages import deliver
from gridkit_django.plugins.methods import PluginMethods
from gridkit_django.plugins.permission_use import PermissionUse
from gridkit_django.plugins.processes import ProcessRow
from gridkit_django.plugins.reports import Reporter, StateReport
from gridkit_django.plugins.savepoints import in_transaction
from gridkit_django.plugins.spec import PluginSpec, load_specs
from gridkit_django.plugins.starting import Starter
from gridkit_django.plugins.stats import describe
from gridkit_django.plugins.table import HandlerTable
from gridkit_django.typing import JSONValue

logger = logging.getLogger("gridkit_django.plugins")

FIRST_LOAD_WAIT_SECONDS = 30.0


class PluginRuntime:
    """Holds the plugins at work in this process. The app config owns the one there is.

    Making one does nothing; the first use looks at the database. After that it looks again once in each request and
    task, at the first use, and follows when the generation moved.

    Attributes:
        catalog: the sources that this process can reach.
        generations: the generation in the database.
        process: this process's row.
        reporter: writes what the runtime sees.
        methods: the provider of methods for grids.
        heaps: what is known about the Python heap of plugins.
        permission_use: counts the uses of permissions.
        live: the plugins at work, by id, in the order of their start. Immutable, swapped whole.
        table: the handler table made of them.
        generation: the generation followed last; -1 before the first time.
        on_put: told of each plugin that comes to work or ends.
        chores: what else is due when a request or task has ended; each decides by itself whether it is, and is logged
            when it raises.
    """

    def __init__(self) -> None:
        self.catalog = SourceCatalog()
        self.generations = GenerationStore()
        self.process = ProcessRow()
        self.reporter = Reporter(self.generations)
        self.methods = PluginMethods(self)
        self.heaps = HeapBook()
        self.permission_use = PermissionUse()
        self.live: Mapping[str, LivePlugin] = MappingProxyType({})
        self.table = HandlerTable()
        self.generation = -1
        self.on_put: Callable[[str, LivePlugin | None], None] | None = None
        self._dispatcher = Dispatcher(self)
        record = BootRecord(self.process)
        self._starter = Starter(self, self.catalog, record)
        self._crashes = CrashJudge(record, self.reporter)
        self.chores: tuple[Callable[[], None], ...] = (self._crashes.judge_later,)
        self._follower = Follower(self, self._starter, self.reporter, self.process)
        self._unchecked = True
        self._doubtful = False
        self._lock = threading.Lock()
        self._board_lock = threading.Lock()
        self._following: int | None = None
        self._paused = threading.local()

    def connect(self) -> None:
        """Connect to the event signals, once."""
        self._dispatcher.connect()

    def mark_unchecked(self, kind: str = "") -> None:
        """Look at the database at the next use: a request or a task begins, or something was changed.

        Args:
            kind: what kind of process this turns out to be, ``web`` or ``celery``; the first news counts.
        """
        if kind and self.process.kind == "command":
            self.process.kind = kind
        self._unchecked = True

    def ensure_current(self) -> None:
        """Follow the database, if that was not looked at since the request or task began. Never raises.

        A database that can't be asked (down, not migrated yet) leaves everything as it is; it is logged, and asked
        again at the next use.
        """
        if self.process.pid != os.getpid():
            self.after_fork()
        if not self._unchecked or getattr(self._paused, "yes", False):
            return
        try:
            moved = self.generations.current() != self.generation or self._follower.failures.any_due()
            if not moved and not self._doubtful:
                self._unchecked = False
                return
        except Exception as error:  # noqa: BLE001 - the site works without plugins; logged, and asked again
            logger.warning("The generation of plugins can't be read, so plugins stay as they are: %s", describe(error))
            return
        self.follow()

    def follow(self) -> None:
        """Bring the plugins at work to what the database says now. Never raises.

        While another thread does so, the plugins that are at work go on; only the very first time is waited for.
        """
        with self._turn() as mine:
            if mine:
                self._follow()
        if mine:
            self.housekeeping(only_outside_transactions=True)

    def failure_of(self, plugin_id: str, revision: int) -> PluginError | None:
        """Return why a plugin does not run here in a revision, or None."""
        failure = self._follower.failures.get(plugin_id, revision)
        return failure.error if failure is not None else None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not look at the database in this thread: a change is under way, and is followed when it is committed."""
        before = getattr(self._paused, "yes", False)
        self._paused.yes = True
        try:
            yield
        finally:
            self._paused.yes = before

    def doubt(self) -> None:
        """Compare whole contents at the next follow: a change was made in a transaction that may be rolled back."""
        self._doubtful = True
        self._unchecked = True

    def retry(self, plugin_id: str) -> None:
        """Try a plugin that failed again at the next follow."""
        self._follower.forget(plugin_id)
        self.generation = -1
        self._unchecked = True

    def put(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Swap a plugin in, or out with None, and build the table anew."""
        with self._board_lock:
            others = {key: item for key, item in self.live.items() if key != plugin_id or live is not None}
            self.live = MappingProxyType(others if live is None else {**others, plugin_id: live})
        self.rebuild_table()
        if self.on_put is not None:
            self.on_put(plugin_id, live)

    def rebuild_table(self) -> None:
        """Build the handler table anew from the plugins at work; one assignment puts it in force."""
        self.table = HandlerTable(item for live in self.live.values() for item in live.subscriptions)

    def deliver(self, sender: str, target: str, message: JSONValue) -> None:
        """Hand a message from one plugin to another, see ``messages.deliver``."""
        deliver(sender, target, message, self.live, self.handler_failed)

    def handler_failed(self, owner: LivePlugin, error: BaseException) -> None:
        """Count a failure; after ``HANDLER_FAILURES_MAX`` in a row the plugin is suspended everywhere."""
        if owner.failed() < settings().HANDLER_FAILURES_MAX or self.live.get(owner.plugin_id) is not owner:
            return
        reason = f"{owner.failures_in_row} calls in a row failed, the last with {describe(error)}"
        evidence = {"failures": owner.failures_in_row, "error": describe(error)}
        self.suspend(owner, "too-many-failures", reason, evidence)

    def suspend(self, owner: LivePlugin, code: str, reason: str, evidence: Mapping[str, Any]) -> None:
        """Stop a plugin here at once, and in every process by what is written; an administrator activates it again.

        Args:
            owner: the plugin; nothing happens when it is not at work any more.
            code: stable code of the reason.
            reason: the reason in one sentence.
            evidence: plain facts that support it; this process is added.
        """
        if self.live.get(owner.plugin_id) is not owner:
            return
        facts = {**self.process.describe(), **evidence}
        self.put(owner.plugin_id, None)
        state = EffectiveState.SUSPENDED
        self.reporter.report(StateReport(owner.plugin_id, owner.spec.revision, state, code, reason, facts))
        self._starter.stop(owner)
        self._unchecked = True

    def housekeeping(self, *, only_outside_transactions: bool = False) -> None:
        """Write what is due: reports made inside transactions, and this process's row. Never raises.

        Args:
            only_outside_transactions: leave it for the end of the request or task when a transaction is open.
        """
        if self.generation < 0 or (only_outside_transactions and in_transaction()):
            return
        self.reporter.flush()
        plugins = {plugin_id: live.spec.revision for plugin_id, live in self.live.items()}
        try:
            if self.process.is_due(self.generation, plugins):
                self.process.write(self.generation, plugins)
        except Exception as error:  # noqa: BLE001 - a missing heartbeat is visible by itself; logged
            logger.warning("This process could not report itself: %s", describe(error))
        for chore in self.chores:
            try:
                chore()
            except Exception:  # one chore must not keep the others from their work; it is tried again next time
                logger.exception("A chore of the plugin runtime failed")

    def drop(self, plugin_id: str) -> None:
        """Stop one plugin in this process, because its source is gone."""
        live = self.live.get(plugin_id)
        if live is not None:
            self.put(plugin_id, None)
            self._starter.stop(live)

    def after_fork(self) -> None:
        """Begin again in a forked child: new row, new locks, and a look at the database at the next use."""
        self._lock = threading.Lock()
        self._board_lock = threading.Lock()
        self._following = None
        self.process.renew()
        self._unchecked = True

    def stop_all(self) -> None:
        """Stop every plugin in this process and forget what was followed; the next use starts afresh."""
        for plugin_id, live in list(self.live.items()):
            self.put(plugin_id, None)
            self._starter.stop(live)
        self._follower.failures.clear()
        self.generation = -1
        self._unchecked = True
        self._doubtful = False

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Take the lock for following; False when another thread follows and there is something to go on with.

        A plugin that changes plugins while it starts is not followed at once, but at the next use.
        """
        if self._following == threading.get_ident():
            yield False
            return
        taken = self._lock.acquire(timeout=FIRST_LOAD_WAIT_SECONDS if self.generation < 0 else 0)
        try:
            self._following = threading.get_ident() if taken else self._following
            yield taken
        finally:
            if taken:
                self._following = None
                self._lock.release()

    def _follow(self) -> None:
        self._unchecked = False
        try:
            generation = self.generations.current()
            killers, specs = self._read()
        except Exception as error:  # noqa: BLE001 - the site works with the plugins it has; logged, and tried again
            logger.warning("The plugins can't be read from the database: %s", describe(error))
            self._unchecked = True
            return
        self._follower.follow(specs, doubtful=self._doubtful, killers=killers)
        self._doubtful = self._doubtful and in_transaction()
        self.generation = generation

    def _read(self) -> tuple[Mapping[str, PluginCrashError], Mapping[str, PluginSpec]]:
        """Return the plugins that killed a process a moment ago, and what is wanted; nothing at all in safe mode."""
        if settings().PLUGINS_SAFE_MODE:
            return {}, {}
        return self._crashes.judge(), load_specs()
