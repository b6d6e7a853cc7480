"""The text below an attribute of a body, as its description in the OpenAPI document.

pydantic's own ``use_attribute_docstrings`` reads the source of every body while its class is made: that takes longer
than all else about the bodies, in each process that starts, for a document that few of them ever write.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class DescribedBody(BaseModel):
    """A body whose attributes are described by the text below them, once somebody asks for its JSON schema."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the descriptions to the schema that pydantic makes."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in _descriptions(cls).items():
            field = cls.model_fields[name]
            for key in {field.serialization_alias, field.alias, name}.intersection(properties):
                properties[key].setdefault("description", text)
        return schema


def _descriptions(body: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of a class, which may stand in a class that it is made from."""
    found: dict[str, str] = {}
    for base in reversed(body.__mro__):
        found |= _in_module(base.__module__).get(base.__qualname__, {})
    return {name: text for name, text in found.items() if name in body.model_fields}


@cache
def _in_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """Return the texts below the attributes of a module's classes; none where there is no source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):
        return {}
    return {part.name: _below(part) for part in tree.body if isinstance(part, ast.ClassDef)}


def _below(code: ast.ClassDef) -> dict[str, str]:
    return {
        attribute.target.id: inspect.cleandoc(text.value.value)
        for attribute, text in pairwise(code.body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(attribute.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
