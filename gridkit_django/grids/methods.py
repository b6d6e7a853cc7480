"""Methods that plugins offer on a grid: who may call which, and what may be passed.

The grids room does not know plugins. The runtime gives itself in as the ``MethodProvider`` when the site starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from django.apps import apps

from gridkit_django.events import Actor
from gridkit_django.exceptions import (
    ErrorItem,
    MethodArgumentsError,
    MethodNotFoundError,
    PluginMethodError,
)
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.pointers import below, pointer
from gridkit_django.grids.query import QUERY, GridQuery
from gridkit_django.grids.rights import has_permission
from gridkit_django.grids.rows import compile_query
from gridkit_django.json_schema import ForeignReferenceError, SchemaFault, faults_of_value
from gridkit_django.typing import JSONObject

ERRORS_MAX = 20
"""Faults of one call that are told at most."""

DETAIL_MAX = 300
"""Characters of one fault's text at most: jsonschema quotes the whole value."""


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method as the schema of a grid announces it.

    Attributes:
        name: the last part of its address.
        label: a name for people.
        plugin_id: the plugin that offers it.
        schema: JSON Schema (2020-12) of the arguments.
        permission: the right that a caller needs: ``edit_grid`` or ``export_grid`` on this grid, or a Django
            permission ``app.codename``; None for all who may open the grid.
    """

    name: str
    label: str
    plugin_id: str
    schema: JSONObject = field(default_factory=dict)
    permission: str | None = None


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One call, as plain values: it can leave the process.

    Attributes:
        grid: id of the grid.
        method: name of the method.
        arguments: what the caller passed; it fits the method's schema.
        query: what the caller looks at (sort, filter, search, columns), or None.
        actor: the caller, for events and records.
        user_id: the caller's primary key, or None for an anonymous caller.
    """

    grid: str
    method: str
    arguments: JSONObject
    query: JSONObject | None
    actor: Actor
    user_id: int | str | None


@dataclass(frozen=True, slots=True)
class MethodResult:
    """The answer of a method.

    Attributes:
        status: 200 when ``body`` is the result, 202 when it names a job that goes on.
        body: a JSON object.
    """

    status: int
    body: JSONObject


class MethodProvider(Protocol):
    """Knows the methods of the active plugins: the plugin runtime."""

    def methods_for(self, grid_id: str) -> Iterable[MethodSpec]:
        """Return the methods of the plugins that serve this grid."""
        ...

    def call(self, call: MethodCall) -> MethodResult:
        """Carry out a call whose rights and arguments have been judged.

        Raises:
            MethodNotFoundError: when the plugin went away in the meantime.
            PluginMethodError: when the method raised.
        """
        ...


class NullMethodProvider:
    """Offers nothing: the provider of a site without a plugin runtime."""

    def methods_for(self, grid_id: str) -> Iterable[MethodSpec]:
        """Return no methods."""
        del grid_id
        return ()

    def call(self, call: MethodCall) -> MethodResult:
        """Refuse.

        Raises:
            MethodNotFoundError: always.
        """
        raise _not_found(call.method)


def method_provider() -> MethodProvider:
    """Return this process's provider, which the app config holds."""
    provider = getattr(apps.get_app_config("gridkit_django"), "method_provider", None)
    return cast("MethodProvider", provider) if provider is not None else NullMethodProvider()


def list_methods(access: GridAccess) -> tuple[MethodSpec, ...]:
    """Return the methods that the user may call on this grid."""
    offered = method_provider().methods_for(access.grid_id)
    return tuple(spec for spec in offered if _may_call(access, spec.permission))


def call_method(
    access: GridAccess, name: str, arguments: Mapping[str, Any], query: JSONObject | None = None
) -> MethodResult:
    """Call a plugin's method as this user.

    Args:
        access: the grid and the user.
        name: the method's name.
        arguments: a JSON object that fits the method's schema.
        query: what the user looks at, or None; it must be a query that this user may ask.

    Raises:
        MethodNotFoundError: no such method, or the user may not call it: the same answer (house rule 9).
        MethodArgumentsError: the arguments break the schema; each fault has a pointer below ``/arguments``.
        QueryError: the query can't be understood, or names columns that the user does not see; each fault has a
            pointer below ``/query``.
        PluginMethodError: the method raised, or its own schema can't be followed.
    """
    spec = next((spec for spec in list_methods(access) if spec.name == name), None)
    if spec is None:
        raise _not_found(name)
    _judge_arguments(spec, arguments)
    _judge_query(access, query)
    call = MethodCall(
        grid=access.grid_id,
        method=name,
        arguments=arguments,
        query=query,
        actor=Actor.from_user(access.user),
        user_id=_plain_key(access.user.pk),
    )
    return method_provider().call(call)


def _may_call(access: GridAccess, right: str | None) -> bool:
    match right:
        case None:
            return True
        case "edit_grid":
            return access.can_edit
        case "export_grid":
            return access.can_export
        case _:
            return has_permission(access.user, right)


def _judge_arguments(spec: MethodSpec, arguments: Mapping[str, Any]) -> None:
    """Hold the arguments against the method's schema.

    Raises:
        MethodArgumentsError: with the first faults, ``ERRORS_MAX`` at most.
        PluginMethodError: when the schema points to a schema that it does not hold.
    """
    if not isinstance(arguments, dict):
        raise MethodArgumentsError.at(pointer("arguments"), "The arguments are no JSON object. Send an object.")
    try:
        faults = faults_of_value(spec.schema, arguments, most=ERRORS_MAX, formats=True)
    except ForeignReferenceError as error:
        raise PluginMethodError(
            f"The method {spec.name!r} of {spec.plugin_id} has a schema that refers to {error.ref!r}, which is not in "
            "it. The plugin's author has to put it there."
        ) from error
    if faults:
        items = [_fault(fault) for fault in faults]
        detail = f"The arguments do not fit the method {spec.name!r}: {items[0].detail}"
        raise MethodArgumentsError(detail, errors=items)


def _judge_query(access: GridAccess, query: JSONObject | None) -> None:
    """Take the query through the gate, so that a plugin never holds one that the user could not ask.

    Raises:
        QueryError: with pointers below ``/query``.
    """
    asked = GridQuery.from_member(query)
    if asked is not None:
        with below(pointer(QUERY)):
            compile_query(access, asked)


def _fault(fault: SchemaFault) -> ErrorItem:
    text = fault.message
    detail = text if len(text) <= DETAIL_MAX else f"{text[: DETAIL_MAX - 1]}…"
    return ErrorItem(pointer("arguments", *fault.path), MethodArgumentsError.code, detail)


def _plain_key(key: Any) -> int | str | None:
    return key if key is None or isinstance(key, int) else str(key)


def _not_found(name: str) -> MethodNotFoundError:
    return MethodNotFoundError(
        f"There is no method {name!r} on this grid. The grid's schema lists the methods that you may call."
    )
