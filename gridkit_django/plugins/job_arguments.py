"""Holding the schema of a job against JSON Schema, its arguments against the schema, and its values against limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from gridkit_django.conf import settings
from gridkit_django.exceptions import ErrorItem, JobArgumentsError, PluginError, PluginJobError
from gridkit_django.grids.pointers import pointer
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
    try:
        Draft202012Validator.check_schema(copied)
    except SchemaError as error:
        raise PluginError(f"The schema of the job {name!r} is no JSON Schema: {error.message}.") from error
    return copied


def checked_arguments(job: RegisteredJob, arguments: Mapping[str, Any]) -> MutableJSONObject:
    """Return a copy of the arguments as JSON knows them, held against the job's schema.

    Raises:
        JobArgumentsError: when they are no JSON object, larger than ``MESSAGE_BYTES_MAX``, or break the schema; each
            fault has a pointer below ``/arguments``.
        PluginJobError: when the schema points to a schema that it does not hold.
    """
    copied = _plain(job.name, arguments)
    # The empty registry keeps a schema from making this server fetch an address.
    validator = Draft202012Validator(
        job.schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    try:
        faults = [_fault(fault) for fault in islice(validator.iter_errors(copied), _ERRORS_MAX)]
    except Unresolvable as error:
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


def _fault(error: ValidationError) -> ErrorItem:
    return ErrorItem(pointer("arguments", *error.absolute_path), JobArgumentsError.code, f"{error.message[:500]}.")
