"""JSON Schema (2020-12): whether something is one, and how a value fails it. No schema makes this server fetch another.

The library is imported at the first use: it takes a while, and many processes never judge by a schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any


class ForeignReferenceError(LookupError):
    """A schema refers to what is not in it.

    Args:
        ref: the reference.
    """

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
        self.ref = ref


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One place of a value that breaks its schema.

    Attributes:
        path: names and numbers that lead to it.
        rule: the keyword that it breaks, such as ``required``.
        message: what is wrong, in English; quotes the value, whatever its length.
    """

    path: tuple[str | int, ...]
    rule: str
    message: str


def fault_of_schema(schema: Mapping[str, Any]) -> str:
    """Return why something is no JSON Schema; empty when it is one."""
    validators = _library()
    try:
        validators.Draft202012Validator.check_schema(schema)
    except validators.SchemaError as error:
        return str(error.message)
    return ""


def faults_of_value(
    schema: Mapping[str, Any], value: Any, *, most: int | None = None, formats: bool = False
) -> list[SchemaFault]:
    """Return where a value breaks a schema.

    Args:
        schema: a valid one.
        value: as JSON knows values.
        most: how many faults are looked for; None for all.
        formats: whether ``format`` is judged, too.

    Raises:
        ForeignReferenceError: when the schema refers to what is not in it.
    """
    validators = _library()
    kind = validators.Draft202012Validator
    # The empty registry keeps a schema from making this server fetch an address.
    registry = import_module("referencing").Registry()
    judge = kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER if formats else None)
    try:
        found = list(islice(judge.iter_errors(value), most))
    except import_module("referencing.exceptions").Unresolvable as error:
        raise ForeignReferenceError(error.ref) from error
    return [SchemaFault(tuple(item.absolute_path), str(item.validator), item.message) for item in found]


@cache
def _library() -> Any:
    return import_module("jsonschema")
