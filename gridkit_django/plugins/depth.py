"""How deeply events and messages of plugins have called forth each other, so that a loop ends in an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gridkit_django.exceptions import PluginLimitError

DEPTH_MAX = 8
_depth: ContextVar[int] = ContextVar("gridkit_plugin_depth", default=0)


@contextmanager
def one_deeper(plugin_id: str) -> Iterator[None]:
    """Count one level for the length of the block.

    Raises:
        PluginLimitError: deeper than ``DEPTH_MAX``.
    """
    depth = _depth.get() + 1
    if depth > DEPTH_MAX:
        raise PluginLimitError(
            f"Events and messages of plugins called forth each other {DEPTH_MAX} times; {plugin_id} was stopped. "
            "Look for plugins that answer each other in a circle.",
            extra={"plugin": plugin_id, "limit": DEPTH_MAX},
        )
    token = _depth.set(depth)
    try:
        yield
    finally:
        _depth.reset(token)
