"""What a package imports, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def imported_modules(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of all modules that Python files import, sorted; a file that can't be parsed names itself.

    Args:
        files: name to content.
    """
    found: set[str] = set()
    for name, content in files.items():
        if name.endswith(".py"):
            try:
                found |= _of_tree(ast.parse(content))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                found.add(f"? {name}")
    return sorted(found)


def _of_tree(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module))
    return found
