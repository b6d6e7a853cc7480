"""How deeply events and messages of plugins have called forth each other, so that a loop ends in an error."""

from __future__ import annotations

from contextvars import ContextVar, Token

from gridkit_django.exceptions import PluginLoopError

DEPTH_MAX = 8
_depth: ContextVar[int] = ContextVar("gridkit_plugin_depth", default=0)


class one_deeper:  # noqa: N801 - a block of code, as a context manager is named; a class takes a third of the time
    """Count one level for the length of the block.

    Args:
        plugin_id: who called forth what is in the block.

    Raises:
        PluginLoopError: deeper than ``DEPTH_MAX``.
    """

    __slots__ = ("_plugin_id", "_token")

    def __init__(self, plugin_id: str) -> None:
        self._plugin_id = plugin_id

    def __enter__(self) -> None:
        depth = _depth.get() + 1
        if depth > DEPTH_MAX:
            raise PluginLoopError(
                f"Events and messages of plugins called forth each other {DEPTH_MAX} times; {self._plugin_id} was "
                "stopped. Look for plugins that answer each other in a circle.",
                extra={"plugin": self._plugin_id, "limit": DEPTH_MAX},
            )
        self._token: Token[int] = _depth.set(depth)

    def __exit__(self, *_raised: object) -> None:
        _depth.reset(self._token)
