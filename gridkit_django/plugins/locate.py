"""Finding modules without importing anything."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec


def find_module(name: str) -> ModuleSpec | None:
    """Find a module without importing it or any package above it.

    ``importlib.util.find_spec`` would import the parents. The finders that Python asks do not.
    """
    path: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        spec = _ask_finders(".".join(parts[:depth]), path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or ())
    return spec


def _ask_finders(name: str, path: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path) if find else None
        if spec is not None:
            return spec
    return None
