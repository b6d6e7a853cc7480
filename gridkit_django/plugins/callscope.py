"""The method call that is being answered: whose it is, and the grid state that the caller looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from gridkit_django.grids.methods import MethodCall
from gridkit_django.typing import JSONObject


class CallScope:
    """One call under way.

    Attributes:
        call: the call.
        state: the state that the caller looks at; a plugin may put another in its place.
        changed: whether one did.
    """

    def __init__(self, call: MethodCall) -> None:
        self.call = call
        self.state: JSONObject = MappingProxyType(dict(call.query or {}))
        self.changed = False

    def put(self, state: JSONObject) -> None:
        """Put another state in place."""
        self.state = MappingProxyType(dict(state))
        self.changed = True


_scope: ContextVar[CallScope | None] = ContextVar("gridkit_plugin_call", default=None)


def current_call() -> CallScope | None:
    """Return the call being answered, or None outside of calls."""
    return _scope.get()


@contextmanager
def answering(call: MethodCall) -> Iterator[CallScope]:
    """Say which call is answered for the length of the block."""
    scope = CallScope(call)
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)
