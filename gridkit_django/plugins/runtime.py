"""The plugin runtime of this process: what is at work, and when it looks at the database."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginCrashError, PluginError
from gridkit_django.models import EffectiveState
from gridkit_django.plugins.boot import BootRecord
from gridkit_django.plugins.catalog import SourceCatalog
from gridkit_django.plugins.crashes import CrashJudge
from gridkit_django.plugins.dispatch import Dispatcher
from gridkit_django.plugins.failure_judge import FailureJudge
from gridkit_django.plugins.follow import Follower
from gridkit_django.plugins.freshness import Freshness
from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.hints import HintChannel
from gridkit_django.plugins.idle import IdleThread
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapBook
from gridkit_django.plugins.messages import deliver
from gridkit_django.plugins.methods import PluginMethods
from gridkit_django.plugins.observers import CallObserver
from gridkit_django.plugins.permission_use import PermissionUse
from gridkit_django.plugins.processes import ProcessReport, ProcessRow
from gridkit_django.plugins.reports import Reporter, StateReport
from gridkit_django.plugins.savepoints import in_transaction
from gridkit_django.plugins.spec import PluginSpec, load_specs
from gridkit_django.plugins.starting import Starter
from gridkit_django.plugins.stats import describe
from gridkit_django.plugins.table import HandlerTable
from gridkit_django.plugins.trials import Trials
from gridkit_django.plugins.turns import Turns
from gridkit_django.typing import JSONValue

logger = logging.getLogger("gridkit_django.plugins")

CHANGE_WAIT_SECONDS = 30.0
USE_WAIT_SECONDS = 1.0


class PluginRuntime:
    """Holds the plugins at work in this process. The app config owns the one there is.

    Making one does nothing; the first use looks at the database. After that it looks again once in each request and
    task, at the first use, and follows when the generation moved. In between the idle thread looks.

    Attributes:
        catalog: the sources that this process can reach.
        hints: by which processes tell each other to look.
        generations: the generation in the database.
        process: this process's row.
        reporter: writes what the runtime sees.
        methods: the provider of methods for grids.
        heaps: what is known about the Python heap of plugins.
        permission_use: counts the uses of permissions.
        leftovers: what plugins left behind when an object of theirs ended, by plugin id, in words.
        live: the plugins at work, by id, in the order of their start. Immutable, swapped whole.
        table: the handler table made of them.
        generation: the generation followed last; -1 before the first time.
        trials: the versions that this process tries before the others do.
        on_put: told of each plugin that comes to work or ends.
        observers: told of each call into a plugin that comes to work from now on, see ``PluginManager.observe``.
        chores: what else is due now and then, outside transactions: the idle thread asks each time it looks; where
            there is none, the end of a request or task does. Each decides by itself whether it is, and is logged when
            it raises. Never two at a time.
        idle: the thread that looks while nobody asks for anything.
    """

    def __init__(self) -> None:
        self.catalog = SourceCatalog()
        self.hints = HintChannel()
        self.generations = GenerationStore(self.hints)
        self.process = ProcessRow()
        self.reporter = Reporter(self.generations)
        self.methods = PluginMethods(self)
        self.heaps = HeapBook()
        self.permission_use = PermissionUse()
        self.leftovers: Mapping[str, tuple[str, ...]] = MappingProxyType({})
        self.live: Mapping[str, LivePlugin] = MappingProxyType({})
        self.table = HandlerTable()
        self.generation = -1
        self.on_put: Callable[[str, LivePlugin | None], None] | None = None
        self.observers: tuple[CallObserver, ...] = ()
        self._judge = FailureJudge()
        self._dispatcher = Dispatcher(self)
        record = BootRecord(self.process)
        self._starter = Starter(self, self.catalog, record, self.heaps, self.reporter)
        self._crashes = CrashJudge(record, self.reporter)
        self.chores: tuple[Callable[[], None], ...] = (self._crashes.judge_later,)
        self.trials = Trials(self, self._starter)
        self._follower = Follower(self, self._starter, self.reporter, self.process, self.trials)
        self.idle = IdleThread(self.look, self.hints)
        self._inherited: tuple[LivePlugin, ...] = ()
        self._fault, self._turns = "", Turns()
        self._freshness = Freshness(self.generations)
        self._renew_locks()

    def connect(self) -> None:
        """Connect to the event signals, once."""
        self._dispatcher.connect()

    @property
    def is_unchecked(self) -> bool:
        """Whether the next use looks at the database."""
        return self._freshness.is_due

    def mark_unchecked(self, kind: str = "") -> None:
        """Look at the database at the next use: a request or a task begins, or something was changed.

        Args:
            kind: what kind of process this turns out to be, ``web`` or ``celery``; the first news counts.
        """
        if kind and self.process.kind == "command":
            self.process.kind = kind
        self._freshness.want()

    def ensure_current(self) -> None:
        """Follow the database, if that was not looked at since the request or task began. Never raises.

        A database that can't be asked (down, not migrated yet) leaves everything as it is; it is logged, and asked
        again at the next use. While another thread follows, this waits for it a little: so a request that begins
        after a change sees it, and a plugin that takes long to start holds nobody.
        """
        wanted = self._freshness.wanted
        if not self._freshness.is_due or self._turns.is_mine:
            return
        if self.process.pid != os.getpid():
            self.after_fork()
        try:
            moved = self._has_moved()
        except Exception as error:  # noqa: BLE001 - the site works without plugins; logged, and asked again
            logger.warning("The generation of plugins can't be read, so plugins stay as they are: %s", describe(error))
            return
        if not moved or self._take_turn(USE_WAIT_SECONDS, only_if_moved=True):
            self._freshness.answer(wanted)

    def follow(self) -> None:
        """Bring the plugins at work to what the database says now. Never raises.

        While another thread does so this waits for it: whoever changed something wants to see it done.
        """
        self._follow_now(only_if_moved=False)

    def follow_change(self) -> None:
        """Do so after a change, unless a handler that was told of the change has brought it about already."""
        self._follow_now(only_if_moved=True)

    def _follow_now(self, *, only_if_moved: bool) -> None:
        wanted = self._freshness.wanted
        if self._take_turn(CHANGE_WAIT_SECONDS, only_if_moved=only_if_moved):
            self._freshness.answer(wanted)

    def look(self) -> None:
        """Follow if the generation moved, and do what is due: what the idle thread does.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        if self._has_moved():
            self._take_turn(CHANGE_WAIT_SECONDS, only_if_moved=True)
        self.housekeeping()

    def failure_of(self, plugin_id: str, revision: int) -> PluginError | None:
        """Return why a plugin does not run here in a revision, or None."""
        return failure.error if (failure := self._follower.failures.get(plugin_id, revision)) is not None else None

    def paused(self) -> AbstractContextManager[None]:
        """Do not look at the database in this thread: a change is under way, and is followed when it is committed."""
        return self._freshness.paused()

    def doubt(self) -> None:
        """Compare whole contents at the next follow: a change was made in a transaction that may be rolled back."""
        self._freshness.doubt()

    def retry(self, plugin_id: str) -> None:
        """Try a plugin that failed again at the next follow."""
        self._follower.forget(plugin_id)
        self.generation = -1
        self.mark_unchecked()

    def put(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Swap a plugin in, or out with None, and build the table anew."""
        if live is not None:
            live.observers = self.observers
        with self._board_lock:
            others = {key: item for key, item in self.live.items() if key != plugin_id or live is not None}
            self.live = MappingProxyType(others if live is None else {**others, plugin_id: live})
        self.rebuild_table()
        if self.on_put is not None:
            self.on_put(plugin_id, live)

    def rebuild_table(self) -> None:
        """Build the handler table anew from the plugins at work; one assignment puts it in force."""
        self.table = HandlerTable(item for live in self.live.values() for item in live.subscriptions)
        self._dispatcher.table_changed()

    def deliver(self, sender: str, target: str, message: JSONValue) -> None:
        """Hand a message from one plugin to another, see ``messages.deliver``."""
        deliver(sender, target, message, self.live, self._dispatcher)

    def handler_failed(self, owner: LivePlugin, error: BaseException) -> None:
        """Count a failure; after too many the plugin is suspended everywhere, see ``FailureJudge``."""
        if (verdict := self._judge.failed(owner, error)) is not None:
            self.suspend(owner, verdict.code, verdict.reason, verdict.evidence)
        elif owner.standing.is_overtaken:
            self.mark_unchecked()

    def suspend(self, owner: LivePlugin, code: str, reason: str, evidence: Mapping[str, Any]) -> None:
        """Stop a plugin here at once, and in every process by what is written; an administrator activates it again.

        Args:
            owner: the plugin; nothing happens when it is not at work any more.
            code: stable code of the reason.
            reason: the reason in one sentence.
            evidence: plain facts that support it; this process is added.
        """
        if self.live.get(owner.plugin_id) is not owner or self.trials.has_given_up(owner, reason):
            return
        facts = {**self.process.describe(), **evidence}
        self.put(owner.plugin_id, None)
        at = owner.plugin_id, owner.spec.revision
        self.reporter.report(StateReport(*at, EffectiveState.SUSPENDED, code, reason, facts))
        self._starter.stop(owner)
        self.mark_unchecked()

    def settle(self) -> None:
        """Do what is due at the end of a request or task; chores and heartbeat are left to the idle thread, if any."""
        self._freshness.settle()
        if self.idle.is_running:
            self.reporter.flush()
        else:
            self.housekeeping()

    def housekeeping(self) -> None:
        """Do what is due: reports made inside transactions, this process's row, and chores. Never raises."""
        if self.generation < 0:
            return
        self.reporter.flush()
        try:
            self.process.write(self._report())
        except Exception as error:  # noqa: BLE001 - a missing heartbeat is visible by itself; logged
            logger.warning("This process could not report itself: %s", describe(error))
        if self._chore_lock.acquire(blocking=False):
            try:
                _do(self.chores)
            finally:
                self._chore_lock.release()

    def drop(self, plugin_id: str) -> None:
        """Stop one plugin in this process, because its source is gone."""
        if (live := self.live.get(plugin_id)) is not None:
            self.put(plugin_id, None)
            self._starter.stop(live)

    def after_fork(self) -> None:
        """Begin again in a forked child: new row, new locks, no plugins, and a look at the database at the next use.

        Plugins that the parent had at work are started anew; what their old objects hold (threads, sockets) is its own.
        """
        self._turns.renew()
        self._renew_locks()
        self.process.renew()
        self.hints.renew()
        self.idle.forget()
        self._inherited = (*self._inherited, *self.live.values())
        self._forget_all()

    def stop_all(self) -> None:
        """Stop the idle thread and every plugin, and forget what was followed; the next use starts afresh."""
        self.idle.stop()
        for plugin_id, live in list(self.live.items()):
            self.put(plugin_id, None)
            self._starter.stop(live)
        self._forget_all()

    def _forget_all(self) -> None:
        self.live = MappingProxyType({})
        self.table = HandlerTable()
        self._follower.failures.clear()
        self.trials.clear()
        self._fault = ""
        self.generation = -1
        self._freshness.renew()

    def _renew_locks(self) -> None:
        self._board_lock = threading.Lock()
        self._chore_lock = threading.Lock()

    def _has_moved(self) -> bool:
        return self._freshness.has_moved(self.generation) or self._follower.failures.any_due()

    def _take_turn(self, seconds: float, *, only_if_moved: bool = False) -> bool:
        """Follow, as the only thread; whether this process then is as the database says.

        Args:
            seconds: how long another thread that follows is waited for, counted from when it began.
            only_if_moved: another thread may have done it meanwhile.
        """
        # Before anything was followed there is nothing to go on with, so the first time is waited for.
        first = self.generation < 0
        with self._turns.taken(CHANGE_WAIT_SECONDS if first else seconds, even_if_late=first) as mine:
            done = mine and self._follow(only_if_moved=only_if_moved)
        if mine and not in_transaction():
            self.housekeeping()
        return done

    def _follow(self, *, only_if_moved: bool) -> bool:
        """Read what is wanted and bring the plugins to it; False when the database can't be read."""
        self._drop_inherited()
        try:
            if only_if_moved and not self._has_moved():
                return True
            generation = self.generations.current()
            killers, specs = _read(self._crashes)
        except Exception as error:  # noqa: BLE001 - the site works with the plugins it has; logged, and tried again
            logger.warning("The plugins can't be read from the database: %s", describe(error))
            self._fault = f"The plugins can't be read from the database: {describe(error)}"
            return False
        self._fault = ""
        self._follower.follow(specs, doubtful=self._freshness.is_doubtful, killers=killers)
        self._freshness.followed()
        self.generation = generation
        return True

    def _drop_inherited(self) -> None:
        """Take back what plugins of the parent process had registered, without a word to them."""
        inherited, self._inherited = self._inherited, ()
        for live in inherited:
            live.release()
            live.forget_context()
            live.code.unload()

    def _report(self) -> ProcessReport:
        """Return what there is to say about this process."""
        plugins = {plugin_id: live.spec.revision for plugin_id, live in self.live.items()}
        faults = [f"{plugin_id}: {failure.error.detail}" for plugin_id, failure in self._follower.failures.items()]
        error = "\n".join([*filter(None, [self._fault]), *faults])
        return ProcessReport(self.generation, plugins, settings().PLUGINS_SAFE_MODE, error)


def _do(chores: Iterable[Callable[[], None]]) -> None:
    for chore in chores:
        try:
            chore()
        except Exception:  # one chore must not keep the others from their work; it is tried again next time
            logger.exception("A chore of the plugin runtime failed")


def _read(crashes: CrashJudge) -> tuple[Mapping[str, PluginCrashError], Mapping[str, PluginSpec]]:
    """Return the plugins that killed a process a moment ago, and what is wanted; nothing at all in safe mode."""
    if settings().PLUGINS_SAFE_MODE:
        return {}, {}
    return crashes.judge(), load_specs()
