"""The methods of live plugins, offered to the grids room as its ``MethodProvider``."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, cast

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    GridKitError,
    MethodNotFoundError,
    PluginError,
    PluginLimitError,
    PluginMethodError,
    PluginPermissionError,
    PluginStateError,
)
from gridkit_django.grids.methods import MethodCall, MethodResult, MethodSpec
from gridkit_django.json_schema import fault_of_schema
from gridkit_django.plugins.calls import RegisteredMethod
from gridkit_django.plugins.callscope import CallScope, answering
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.plain_data import plain_copy
from gridkit_django.plugins.serving import serves
from gridkit_django.plugins.stats import CallStats
from gridkit_django.typing import JSONObject, JSONValue

logger = logging.getLogger("gridkit_django.plugins")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class MethodRuntime(Protocol):
    """What the provider needs of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...

    def ensure_current(self) -> None:
        """Follow the database, if that was not checked since the request began."""
        ...


class PluginMethods:
    """Finds and calls the methods of live plugins.

    Args:
        runtime: holds the plugins.
    """

    def __init__(self, runtime: MethodRuntime) -> None:
        self._runtime = runtime

    def methods_for(self, grid_id: str) -> Iterable[MethodSpec]:
        """Return the methods of the plugins that serve this grid, ordered by name."""
        self._runtime.ensure_current()
        found = [
            self._spec(live, method, stats, grid_id)
            for live in self._runtime.live.values()
            if _offers(live, grid_id)
            for method, stats in live.methods.values()
        ]
        return sorted((spec for spec in found if spec is not None), key=lambda spec: spec.name)

    def call(self, call: MethodCall) -> MethodResult:
        """Carry out a call.

        Errors of GridKit's own tree that tell of the caller's request (a right that is missing, a query that can't be
        understood) pass; everything else becomes a ``PluginMethodError``.

        Raises:
            MethodNotFoundError: when no plugin offers the method on this grid any more.
            PluginLimitError: for arguments of more than ``VALUE_BYTES_MAX``.
            PluginMethodError: when the method raised, or returned what is no JSON value or has more bytes than that.
        """
        call = _own_copy(call)
        for live in self._runtime.live.values():
            if call.method in live.methods and _offers(live, call.grid):
                method, stats = live.methods[call.method]
                return self._answer(live, method, stats, call)
        raise MethodNotFoundError(f"There is no method {call.method!r} on this grid any more.")

    def _spec(self, live: LivePlugin, method: RegisteredMethod, stats: CallStats, grid: str) -> MethodSpec | None:
        """Describe a method on a grid; None when its plugin can't, which counts against it and spares the grid."""
        schema = live.schemas.get((method.name, grid))
        if schema is None:
            try:
                schema = _schema_on(live, method, stats, grid)
            except (Exception, SystemExit):  # counted against the plugin, logged, shown on its health page
                logger.exception("method %s of %s has no schema on %s", method.name, live.plugin_id, grid)
                return None
            live.schemas[method.name, grid] = schema
        return MethodSpec(method.name, method.label, live.plugin_id, schema, method.right)

    def _answer(self, live: LivePlugin, method: RegisteredMethod, stats: CallStats, call: MethodCall) -> MethodResult:
        with answering(call) as scope:
            try:
                result = live.call(method.handler, stats, call)
            except GridKitError as error:
                if isinstance(error, PluginError):
                    raise _failed(live, method, error) from error
                raise
            except (Exception, SystemExit) as error:
                raise _failed(live, method, error) from error
            return _as_result(live, method, result, scope)


def register(live: LivePlugin, method: RegisteredMethod, others: Iterable[LivePlugin]) -> None:
    """Add a method to a plugin.

    Args:
        live: the plugin.
        method: the method.
        others: the plugins at work, among them perhaps an older object of the same plugin.

    Raises:
        PluginStateError: when another plugin, or this one itself, has a method of this name.
        PluginError: for a name or a schema that is wrong.
    """
    if not _NAME.fullmatch(method.name):
        raise PluginError(f"{method.name!r} is no method name: small letters, digits, '-' and '_', a letter first.")
    if not callable(method.schema):
        _check_schema(method.name, method.schema)
    holder = next(
        (other for other in others if other.plugin_id != live.plugin_id and method.name in other.methods), None
    )
    if holder is not None or method.name in live.methods:
        owner = holder.plugin_id if holder else live.plugin_id
        raise PluginStateError(f"The method {method.name!r} is already offered by {owner}. Choose another name.")
    live.methods = {**live.methods, method.name: (method, CallStats(f"method {method.name}"))}


def unregister(live: LivePlugin, method: RegisteredMethod) -> None:
    """Take a method away, if it is still there."""
    live.methods = {name: entry for name, entry in live.methods.items() if entry[0] is not method}


def _offers(live: LivePlugin, grid_id: str) -> bool:
    return live.grants.allows(Permission.METHODS_REGISTER) and serves(live.plugin_id, grid_id)


def _schema_on(live: LivePlugin, method: RegisteredMethod, stats: CallStats, grid: str) -> JSONObject:
    if not callable(method.schema):
        return method.schema
    make = method.schema

    def made() -> JSONObject:
        schema = make(grid)
        _check_schema(method.name, schema)
        return schema

    checked: JSONObject = live.call(made, stats)
    return checked


def _check_schema(name: str, schema: JSONObject) -> None:
    """Refuse what is no JSON Schema.

    Raises:
        PluginError: names the method.
    """
    try:
        fault = _fault_of(json.dumps(schema, sort_keys=True))
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"The schema of the method {name!r} is no JSON: {error}.") from error
    if fault:
        raise PluginError(f"The schema of the method {name!r} is no JSON Schema: {fault}.")


@lru_cache(256)
def _fault_of(schema: str) -> str:
    """Return what is wrong with a JSON Schema; kept, because most methods of most plugins share a few schemas."""
    return fault_of_schema(json.loads(schema))


def _failed(live: LivePlugin, method: RegisteredMethod, error: BaseException, what: str = "") -> PluginMethodError:
    """Make the error that the caller sees. A caller can bring a method to fail, so that suspends no plugin."""
    logger.error("method %s of %s failed", method.name, live.plugin_id, exc_info=error)
    what = what or (error.detail if isinstance(error, PluginPermissionError) else type(error).__name__)
    return PluginMethodError(
        f"The method {method.name!r} of {live.metadata.name} failed ({what}). "
        "An administrator finds the reason on the plugin's health page.",
        extra={"plugin": live.plugin_id, "method": method.name},
    )


def _own_copy(call: MethodCall) -> MethodCall:
    """Return the call with copies of its values: what the plugin does to them is its own.

    Raises:
        PluginLimitError: when the arguments are larger than ``VALUE_BYTES_MAX``.
    """
    try:
        arguments = plain_copy(dict(call.arguments), settings().VALUE_BYTES_MAX)
    except OverflowError as error:
        raise PluginLimitError(f"The arguments of {call.method!r} have {error} (VALUE_BYTES_MAX).") from error
    return replace(call, arguments=cast("JSONObject", arguments))


def _as_result(
    live: LivePlugin, method: RegisteredMethod, result: JSONValue | MethodResult, scope: CallScope
) -> MethodResult:
    """Return a copy of what the method returned, with the state that the caller's grid takes over.

    Raises:
        PluginMethodError: when it is no JSON or too large.
    """
    answer = result if isinstance(result, MethodResult) else MethodResult(200, {"result": result})
    try:
        body = cast("JSONObject", plain_copy(dict(answer.body), settings().VALUE_BYTES_MAX))
    except (TypeError, ValueError, OverflowError) as error:
        is_large = isinstance(error, OverflowError)
        what = f"its answer has {error}, VALUE_BYTES_MAX" if is_large else "its answer is no JSON"
        raise _failed(live, method, error, what) from error
    return MethodResult(answer.status, {**body, "state": dict(scope.state)} if scope.changed else body)
