"""Holding the schema of a job against JSON Schema, its arguments against the schema, and its values against limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import ErrorItem, JobArgumentsError, PluginError, PluginJobError
from gridkit_django.grids.pointers import pointer
from gridkit_django.json_schema import ForeignReferenceError, SchemaFault, fault_of_schema, faults_of_value
from gridkit_django.plugins.job_calls import RegisteredJob
from gridkit_django.typing import JSONObject, JSONValue, MutableJSONObject

NO_ARGUMENTS: JSONObject = MappingProxyType({"type": "object", "additionalProperties": False})
"""The schema of a job that names none."""

_ERRORS_MAX = 20


def checked_schema(name: str, schema: JSONObject | None) -> MutableJSONObject:
    """Return a copy of the schema of a job's arguments.

    Raises:
        PluginError: when it is no JSON Schema (2020-12); names the job.
    """
    copied: MutableJSONObject = dict(NO_ARGUMENTS if schema is None else schema)
    if fault := fault_of_schema(copied):
        raise PluginError(f"The schema of the job {name!r} is no JSON Schema: {fault}.")
    return copied


def checked_arguments(job: RegisteredJob, arguments: Mapping[str, Any]) -> MutableJSONObject:
    """Return a copy of the arguments as JSON knows them, held against the job's schema.

    Raises:
        JobArgumentsError: when they are no JSON object, larger than ``MESSAGE_BYTES_MAX``, or break the schema; each
            fault has a pointer below ``/arguments``.
        PluginJobError: when the schema points to a schema that it does not hold.
    """
    copied = _plain(job.name, arguments)
    try:
        faults = [_fault(fault) for fault in faults_of_value(job.schema, copied, most=_ERRORS_MAX, formats=True)]
    except ForeignReferenceError as error:
        raise PluginJobError(
            f"The job {job.name!r} has a schema that refers to {error.ref!r}, which is not in it. The plugin's author "
            "has to put it there."
        ) from error
    if faults:
        raise JobArgumentsError(f"The arguments do not fit the job {job.name!r}: {faults[0].detail}", errors=faults)
    return copied


def checked_result(name: str, result: JSONValue) -> JSONValue:
    """Return a copy of what a job returned, as JSON knows it.

    Raises:
        PluginJobError: when it is no JSON value, or larger than ``VALUE_BYTES_MAX``.
    """
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginJobError(f"The job {name!r} returned what is no JSON value: {error}.") from error
    if len(text) > settings().VALUE_BYTES_MAX:
        raise PluginJobError(
            f"The result of the job {name!r} has {len(text)} bytes; {settings().VALUE_BYTES_MAX} are the most "
            "(VALUE_BYTES_MAX). Keep large results in the plugin's storage."
        )
    copied: JSONValue = json.loads(text)
    return copied


def _plain(name: str, arguments: Mapping[str, Any]) -> MutableJSONObject:
    try:
        text = json.dumps(dict(arguments), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise JobArgumentsError.at("/arguments", f"The arguments of {name!r} are no JSON object: {error}.") from error
    if len(text) > settings().MESSAGE_BYTES_MAX:
        raise JobArgumentsError.at(
            "/arguments",
            f"The arguments of {name!r} have {len(text)} bytes; {settings().MESSAGE_BYTES_MAX} are the most "
            "(MESSAGE_BYTES_MAX).",
        )
    copied: MutableJSONObject = json.loads(text)
    return copied


def _fault(fault: SchemaFault) -> ErrorItem:
    return ErrorItem(pointer("arguments", *fault.path), JobArgumentsError.code, f"{fault.message[:500]}.")
