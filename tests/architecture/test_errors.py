"""The error tree: every error has a stable code of its own, and none hides one of Python's."""

from __future__ import annotations

import builtins
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

import gridkit_django
import gridkit_plugins
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


def test_at_puts_the_code_and_the_pointer_into_one_item() -> None:
    error = GridKitError.at("/filter/and/0", "No such column.")

    assert error.errors == (ErrorItem("/filter/and/0", "gridkit-error", "No such column."),)
