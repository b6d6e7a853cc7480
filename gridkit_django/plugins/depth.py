"""How deeply events and messages of plugins have called forth each other, so that a loop ends in an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

from gridkit_django.exceptions import PluginLoopError

DEPTH_MAX = 8
_depth: ContextVar[int] = ContextVar("gridkit_plugin_depth", default=0)


def go_deeper(plugin_id: str) -> Token[int]:
    """Count one level; give what this returns to ``come_back``.

    Args:
        plugin_id: who calls forth what comes now.

    Raises:
        PluginLoopError: deeper than ``DEPTH_MAX``.
    """
    depth = _depth.get() + 1
    if depth > DEPTH_MAX:
        raise PluginLoopError(
            f"Events and messages of plugins called forth each other {DEPTH_MAX} times; {plugin_id} was "
            "stopped. Look for plugins that answer each other in a circle.",
            extra={"plugin": plugin_id, "limit": DEPTH_MAX},
        )
    return _depth.set(depth)


def come_back(token: Token[int]) -> None:
    """End the level that ``go_deeper`` counted."""
    _depth.reset(token)


@contextmanager
def one_deeper(plugin_id: str) -> Iterator[None]:
    """Count one level for the length of the block.

    Raises:
        PluginLoopError: deeper than ``DEPTH_MAX``.
    """
    token = go_deeper(plugin_id)
    try:
        yield
    finally:
        come_back(token)
