"""The directive ``gridkit-settings``: a table of every setting, made from the class that reads them."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gridkit_django.conf import GridKitSettings

_ENTRY = re.compile(r"^\s{8}([A-Z_]+): (.*(?:\n\s{12}.*)*)", re.MULTILINE)


def meanings() -> dict[str, str]:
    """Return key to meaning, out of the docstring of ``GridKitSettings``."""
    text = GridKitSettings.__doc__ or ""
    return {name: " ".join(meaning.split()) for name, meaning in _ENTRY.findall(text)}


def rows() -> list[tuple[str, str, str, str]]:
    """Return key, type, default and meaning of every setting, in the order of the class."""
    hints = get_type_hints(GridKitSettings, include_extras=True)
    told = meanings()
    return [
        (item.name, type_name(hints[item.name]), default_text(item), told[item.name])
        for item in fields(GridKitSettings)
    ]


def type_name(hint: Any) -> str:
    """Return a type as a person writes it; a constraint on a number is said in words."""
    if get_origin(hint) is Annotated:
        base, constraint = get_args(hint)
        return f"{type_name(base)}, from {constraint.metadata[0].ge} up"
    if isinstance(hint, UnionType):
        return " or ".join(type_name(part) for part in get_args(hint))
    if hint is type(None):
        return "None"
    kinds = {tuple: "list of texts", dict: "dict", bool: "True or False", int: "number", str: "text"}
    origin = get_origin(hint) or hint
    return kinds.get(origin, "dict")


def default_text(item: Field[Any]) -> str:
    """Return a default as Python writes it."""
    if item.default_factory is not MISSING:
        return repr(item.default_factory())
    return f"{item.default:,}".replace(",", "_") if type(item.default) is int else repr(item.default)


class SettingsTable(SphinxDirective):
    """Puts the table on the page."""

    def run(self) -> list[nodes.Node]:
        """Return the table as parsed Markdown."""
        lines = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        lines += [f"| `{key}` | {kind} | `{default}` | {_markdown(told)} |" for key, kind, default, told in rows()]
        return self.parse_text_to_nodes("\n".join(lines) + "\n")


def _markdown(text: str) -> str:
    """Turn the double backticks of docstrings into Markdown's single ones."""
    return text.replace("``", "`")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("gridkit-settings", SettingsTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
