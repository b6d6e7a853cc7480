"""When a plugin has failed too often: too many calls in a row, or too many circles with other plugins."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginLoopError
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.stats import describe


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a plugin is to be suspended.

    Attributes:
        code: stable code of the reason.
        reason: the reason in one sentence.
        evidence: plain facts that support it.
    """

    code: str
    reason: str
    evidence: Mapping[str, Any]


class FailureJudge:
    """Counts the failures of plugins in this process. Safe between threads."""

    def __init__(self) -> None:
        self._circles: WeakKeyDictionary[LivePlugin, int] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def failed(self, owner: LivePlugin, error: BaseException) -> Verdict | None:
        """Count a failure; the verdict when it is one too many (``HANDLER_FAILURES_MAX``).

        An object whose storage another version has migrated is on its way out, and none of its failures counts.

        In a circle of plugins that answer each other only the innermost call fails, and the calls around it succeed. So
        circles are counted on their own, since the object came to work.

        Args:
            owner: whose call failed.
            error: what it raised.
        """
        if owner.standing.is_overtaken:
            return None
        in_row, most = owner.failed(), settings().HANDLER_FAILURES_MAX
        facts = {"error": describe(error)}
        if in_row >= most:
            reason = f"{in_row} calls in a row failed, the last with {describe(error)}"
            return Verdict("too-many-failures", reason, {**facts, "failures": in_row})
        if not isinstance(error, PluginLoopError):
            return None
        with self._lock:
            circles = self._circles[owner] = self._circles.get(owner, 0) + 1
        if circles < most:
            return None
        return Verdict(
            "plugin-loop", f"Stopped {circles} times in a circle: {error.detail}", {**facts, "circles": circles}
        )
