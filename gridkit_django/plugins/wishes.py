"""What operations wish of this process: that it prepares a version, and that it tries one."""

from __future__ import annotations

from gridkit_django.conf import settings
from gridkit_django.plugins.canaries import CANARY, SWITCH, CanaryWatch
from gridkit_django.plugins.preparing import PREPARE, HostPreparation, wishes
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.standing import standing


class WishWatch:
    """Has done what is wished for. A chore of the runtime, which asks the database once for all wishes.

    Only a process with an idle thread does: that is every web and Celery process that serves, and nobody else is waited
    for.

    Args:
        runtime: the runtime of this process.
        preparation: prepares versions.
        canaries: tries them.
    """

    def __init__(self, runtime: PluginRuntime, preparation: HostPreparation, canaries: CanaryWatch) -> None:
        self._runtime = runtime
        self._preparation = preparation
        self._canaries = canaries

    def work(self) -> None:
        """Look what is wished for, and do it.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        if self._runtime.idle.is_running and not settings().PLUGINS_SAFE_MODE:
            found = standing(PREPARE, CANARY, SWITCH)
            self._preparation.prepare(wishes(found))
            self._canaries.follow(found)
