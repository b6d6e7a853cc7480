"""The sizes that the house agrees on: small files, small functions, small classes, and names that say the idea."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gridkit_django", "gridkit_plugins", "example_project")
NO_CODE = {"migrations", "node_modules", "frontend"}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"}
FILE_MAX = 500
FUNCTION_MAX = 50
CLASS_MAX = 300


def modules(*folders: str) -> Iterator[Path]:
    """Yield the Python files of some folders of this checkout, without migrations and the front end."""
    for path in chain.from_iterable((ROOT / folder).rglob("*.py") for folder in folders):
        if not NO_CODE & set(path.relative_to(ROOT).parts):
            yield path


def length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Return the lines of a definition; its decorators do not count, for a table of a test's cases is data."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def too_long(path: Path) -> Iterator[str]:
    """Yield what in one module is longer than agreed."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    if (lines := text.count("\n")) > FILE_MAX:
        yield f"{name}: {lines} lines, at most {FILE_MAX}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > FUNCTION_MAX:
            yield f"{name}:{node.lineno} function {node.name}: {length(node)} lines, at most {FUNCTION_MAX}"
        if isinstance(node, ast.ClassDef) and length(node) > CLASS_MAX:
            yield f"{name}:{node.lineno} class {node.name}: {length(node)} lines, at most {CLASS_MAX}"


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_hold_no_file_function_or_class_over_the_agreed_size(package: str) -> None:
    paths = list(modules(package))

    assert paths, f"{package} holds no module: is the folder's name right?"
    assert [fault for path in paths for fault in too_long(path)] == []


def test_tests_hold_no_file_or_function_over_the_agreed_size() -> None:
    assert [fault for path in modules("tests", ".ci") for fault in too_long(path)] == []


def test_modules_are_named_for_an_idea_not_for_a_drawer() -> None:
    everything = [*modules(*PACKAGES, "tests", ".ci")]

    named = {path for path in everything if path.stem in DRAWERS or DRAWERS & set(path.relative_to(ROOT).parts[:-1])}
    assert [str(path.relative_to(ROOT)) for path in named] == []


def test_length_counts_the_body_without_decorators() -> None:
    (function,) = ast.parse("@a\n@b\ndef f():\n    x = 1\n    return x\n").body

    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 3
