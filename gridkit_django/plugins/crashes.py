"""Plugins that kill processes: found by what the boot record holds of processes that are gone, and held back.

The first two times a plugin is left out for a while and then tried again; the third time within ten minutes it goes
into quarantine, so that a process manager does not start processes for ever that die at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import Error, transaction
from django.utils import timezone

from gridkit_django import __version__
from gridkit_django.exceptions import PluginCrashError
from gridkit_django.models import EffectiveState, InstalledPlugin, PluginCrash
from gridkit_django.plugins.boot import BootRecord, Step
from gridkit_django.plugins.reports import NoteReport, Reporter, StateReport
from gridkit_django.plugins.savepoints import database, in_transaction

logger = logging.getLogger("gridkit_django.plugins")

FIRST_HOLD_SECONDS = 30
KILLS_MAX = 3
WITHIN = timedelta(minutes=10)
RETRY_AT = "retry_at"
"""Key of a state's evidence: until when a plugin is held back, as ISO 8601."""


class CrashJudge:
    """Turns leftovers of the boot record into stored crashes, states and audit records.

    Args:
        record: the boot record of this process.
        reporter: writes the states.
    """

    def __init__(self, record: BootRecord, reporter: Reporter) -> None:
        self._record = record
        self._reporter = reporter
        self._waiting = False

    def judge(self) -> Mapping[str, PluginCrashError]:
        """Store what is left of dead processes. Called before plugins are started. Never raises.

        Inside a transaction, which may be rolled back, nothing is stored; it is done by ``judge_later``.

        Returns:
            The plugins that must not be started now though their stored state does not say so yet, with the reason.
        """
        found = list(self._record.leftovers())
        if not found:
            return {}
        if not in_transaction():
            found = [(path, step) for path, step in found if not self._store(path, step)]
        self._waiting = bool(found)
        return {step.plugin_id: PluginCrashError(_reason(step, 1)) for _, step in found if not step.on_trial}

    def judge_later(self) -> None:
        """Store what could not be stored before; for the end of a request or task."""
        if self._waiting:
            self.judge()

    def _store(self, path: Path, step: Step) -> bool:
        """Store one crash; whether that is done. The file stays until it is."""
        try:
            with transaction.atomic(using=database()):
                report = _stored(step) if self._record.claim(path) else None
        except Error:
            self._record.put_back(path, step)
            logger.exception("A process was killed while %s was at %s; this can't be stored", step.plugin_id, step.step)
            return False
        if report is not None:
            logger.error("%s", report.reason)
            self._reporter.report(report)
        return True


def held_until(state: EffectiveState, evidence: Mapping[str, Any]) -> datetime | None:
    """Return until when every process leaves a plugin out, or None."""
    text = evidence.get(RETRY_AT) if state is EffectiveState.ERROR else None
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _stored(step: Step) -> StateReport | NoteReport | None:
    """Write the crash, and return what it means for the plugin; None when it is not installed any more.

    A version on trial leaves the state of the plugin alone: the others run the one in use.
    """
    row = InstalledPlugin.objects.using(database()).filter(plugin_id=step.plugin_id).first()
    if row is None:
        return None
    PluginCrash.objects.using(database()).create(
        plugin=row, revision=step.revision, digest=step.digest, step=step.step, host=step.host, pid=step.pid
    )
    now = timezone.now()
    kills = row.crashes.filter(digest=step.digest, found_at__gte=now - WITHIN).count()
    reason = _reason(step, kills)
    evidence: dict[str, Any] = {"host": step.host, "pid": step.pid, "step": step.step, "kills": kills, "error": reason}
    evidence |= {"digest": step.digest, "core": __version__, "revision": step.revision}
    if step.on_trial:
        return NoteReport(step.plugin_id, "plugin.try", reason, evidence)
    state = EffectiveState.QUARANTINED
    if kills < KILLS_MAX:
        state = EffectiveState.ERROR
        evidence[RETRY_AT] = (now + timedelta(seconds=FIRST_HOLD_SECONDS * 2 ** (kills - 1))).isoformat()
    return StateReport(step.plugin_id, step.revision, state, PluginCrashError.code, reason, evidence, renews=True)


def _reason(step: Step, kills: int) -> str:
    times = f", {kills} times within ten minutes" if kills > 1 else ""
    return f"The process {step.host}:{step.pid} died while {step.plugin_id} was at the step {step.step}{times}."
