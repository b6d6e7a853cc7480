"""The error tree: every error has a stable code of its own, and none hides one of Python's."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import gridkit_django
import gridkit_plugins
from gridkit_django import exceptions
from gridkit_django.exceptions import ErrorItem, GridKitError


def tree(root: type[GridKitError]) -> Iterator[type[GridKitError]]:
    """Yield an error class and all below it."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def errors() -> list[type[GridKitError]]:
    """Return every error that our packages define, after importing all their modules."""
    for package in (gridkit_django, gridkit_plugins):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    return [error for error in tree(GridKitError) if error.__module__.startswith("gridkit_")]


def test_every_error_names_its_own_code_in_kebab_case() -> None:
    for error in errors():
        assert "code" in vars(error), f"{error.__name__} inherits its code; give it one of its own"
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", error.code), f"{error.__name__}: {error.code!r} is not kebab-case"


def test_no_two_errors_share_a_code() -> None:
    counts = Counter(error.code for error in errors())

    assert [code for code, count in counts.items() if count > 1] == []


def test_no_error_carries_the_name_of_a_builtin() -> None:
    assert [error.__name__ for error in errors() if hasattr(builtins, error.__name__)] == []


def test_every_error_is_documented() -> None:
    assert [error.__name__ for error in errors() if not (error.__doc__ or "").strip()] == []


def test_all_errors_live_in_the_tree_of_exceptions() -> None:
    assert {error.__module__.rpartition(".")[0] for error in errors()} == {"gridkit_django.exceptions"}


def subjects() -> list[ModuleType]:
    """Return the modules of the tree, one for each subject."""
    found = pkgutil.iter_modules(exceptions.__path__, f"{exceptions.__name__}.")
    return [importlib.import_module(module.name) for module in found]


def drawn() -> set[tuple[str, str]]:
    """Return each name and the one above it, as the docstring of the package draws them."""
    above: list[str] = []
    found: set[tuple[str, str]] = set()
    for line in (exceptions.__doc__ or "").splitlines():
        branch = re.fullmatch(r"    ((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)(?: .*)?", line)
        if branch is not None:
            depth = (len(branch[1]) // 4) + ("── " in line)
            above = [*above[:depth], branch[2]]
            found.add((branch[2], above[-2] if depth else ""))
    return found


def test_each_subject_gives_every_class_of_it_to_the_one_path_of_import() -> None:
    for module in subjects():
        classes = [
            kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__
        ]

        assert sorted(module.__all__) == sorted(kind.__name__ for kind in classes), module.__name__
        assert [kind for kind in classes if getattr(exceptions, kind.__name__) is not kind] == []


def test_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = {(error.__name__, error.__bases__[0].__name__) for error in errors() if error is not GridKitError}

    assert drawn() == {("GridKitError", ""), *classes}


def test_errors_are_imported_by_the_one_path() -> None:
    root = Path(gridkit_django.__path__[0]).parent
    files = [
        path
        for name in ("gridkit_django", "gridkit_plugins", "example_project")
        for path in root.glob(f"{name}/**/*.py")
    ]
    wrong = [
        str(path.relative_to(root))
        for path in files
        if path.parent.name != "exceptions" and "gridkit_django.exceptions." in path.read_text()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gridkit_django.exceptions.")
    ]

    assert wrong == [], "import errors from gridkit_django.exceptions"


def test_at_puts_the_code_and_the_pointer_into_one_item() -> None:
    error = GridKitError.at("/filter/and/0", "No such column.")

    assert error.errors == (ErrorItem("/filter/and/0", "gridkit-error", "No such column."),)
