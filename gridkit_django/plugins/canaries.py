"""Canaries: the process that an operation has appointed runs the new version while the operation stands at that step.

The wish is the operation's row, as with ``prepare``: when the operation fails, is stopped or its worker is gone, the
wish is gone, and the process goes back by itself.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.models import OperationKind, OperationState, PluginOperation
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.trials import Trial
from gridkit_django.plugins.version_figures import figures_of

APPOINT = "appoint"
"""Name of the step that says which process is the canary."""

CANARY = "canary"
"""Name of the step during which the canary serves."""

_SWITCH = "switch"


def wished_trials(host: str, pid: int) -> tuple[Trial, ...]:
    """Return what operations wish one process to try, by one small query.

    Args:
        host: the host of the process.
        pid: its process id.
    """
    rows = PluginOperation.objects.filter(
        kind=OperationKind.UPDATE,
        state=OperationState.RUNNING,
        step__in=(CANARY, _SWITCH),  # not back between the two
        error_code="",
        lease_until__gt=timezone.now(),
    )
    found = ((plugin_id, results.get(APPOINT, {})) for plugin_id, results in rows.values_list("plugin_id", "results"))
    return tuple(
        Trial(plugin_id, str(facts["version"]), str(facts["digest"]), tuple(facts["grants"]))
        for plugin_id, facts in found
        if (facts.get("host"), facts.get("pid")) == (host, pid)
    )


class CanaryWatch:
    """Lets this process begin and end what it is to try. A chore of the runtime.

    Args:
        runtime: the runtime of this process; its row tells what was counted.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self._runtime = runtime
        self._has_wishes = False

    def work(self) -> None:
        """Look what is wished for; nothing is asked where there are no canaries.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        on = settings().CANARY_SECONDS > 0 and self._runtime.idle.is_running and not settings().PLUGINS_SAFE_MODE
        if on or self._has_wishes:
            self.look()

    def look(self) -> None:
        """Begin and end what is wished for now, and tell at once.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        facts, trials = self._runtime.process.describe(), self._runtime.trials
        wanted = wished_trials(str(facts["host"]), int(facts["pid"]))
        self._has_wishes = bool(wanted)
        faults = dict(trials.faults)
        trials.want(wanted)
        if is_behind := trials.is_behind:
            self._runtime.follow()
        if is_behind or trials.faults != faults:
            self._runtime.process.hurry()
            self._runtime.housekeeping()  # which writes the row

    def figures(self) -> dict[str, dict[str, Any]]:
        """Return what this process tells of its plugins in its row, with the reason why a trial failed."""
        told = figures_of(self._runtime.live)
        for plugin_id, facts in told.items():
            if failed := self._runtime.trials.fault_of(plugin_id):
                facts["failed"] = failed
        return told
