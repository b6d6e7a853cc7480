"""Canaries: the process that an operation has appointed runs the new version while the operation stands at that step.

The wish is the operation's row, as with ``prepare``: when the operation fails, is stopped or its worker is gone, the
wish is gone, and the process goes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gridkit_django.models import OperationKind
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.standing import Standing, standing
from gridkit_django.plugins.trials import Trial
from gridkit_django.plugins.version_figures import figures_of

APPOINT = "appoint"
"""Name of the step that says which process is the canary."""

CANARY = "canary"
"""Name of the step during which the canary serves."""

SWITCH = "switch"
"""Name of the step that lets all come after it; the canary does not go back between the two."""


def appointments(found: Iterable[Standing] | None = None) -> dict[str, Mapping[str, Any]]:
    """Return which process is to try what now, by plugin.

    Args:
        found: the running operations; None to ask for them.
    """
    rows = standing(CANARY, SWITCH) if found is None else found
    led = [item for item in rows if item.is_led and item.kind == OperationKind.UPDATE and item.step in (CANARY, SWITCH)]
    facts = {item.plugin_id: item.results.get(APPOINT, {}) for item in led}
    return {plugin_id: appointed for plugin_id, appointed in facts.items() if appointed}


class CanaryWatch:
    """Lets this process begin and end what it is to try, and tell how long the calls take where one tries something.

    Args:
        runtime: the runtime of this process; its row tells what was counted.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self._runtime = runtime
        self._timed: frozenset[str] = frozenset()

    def follow(self, found: Iterable[Standing] | None = None) -> None:
        """Begin and end what is wished for now, and tell at once.

        Args:
            found: the running operations; None to ask for them.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        trials, wanted = self._runtime.trials, appointments(found)
        faults, timed = dict(trials.faults), self._timed
        self._timed = frozenset(wanted)
        trials.want(self._mine(wanted))
        if is_behind := trials.is_behind:
            self._runtime.follow()
        if is_behind or trials.faults != faults or self._timed != timed:
            self._runtime.process.hurry()
            self._runtime.housekeeping()  # which writes the row

    def figures(self) -> dict[str, dict[str, Any]]:
        """Return what this process tells of its plugins in its row, with the reason why a trial failed."""
        told = figures_of(self._runtime.live, self._timed)
        for plugin_id, facts in told.items():
            if failed := self._runtime.trials.fault_of(plugin_id):
                facts["failed"] = failed
        return told

    def _mine(self, wanted: Mapping[str, Mapping[str, Any]]) -> tuple[Trial, ...]:
        """Return what this process is to try."""
        me = self._runtime.process.describe()
        return tuple(
            Trial(plugin_id, str(facts["version"]), str(facts["digest"]), tuple(facts["grants"]))
            for plugin_id, facts in wanted.items()
            if (facts["host"], facts["pid"]) == (me["host"], me["pid"])
        )
