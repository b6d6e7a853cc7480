"""Public doors that open late: what is behind a package is imported when one of its names is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def late_door(package: str, rooms: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose modules take long to import and are seldom needed.

    Whoever is imported at the start of a process imports the package, and says ``package.name`` where it is used. Type
    checkers are told the same names by imports below ``TYPE_CHECKING``.

    Args:
        package: full name of the package.
        rooms: each module behind the door that may be named, to the public names that come from there.
    """
    homes = {name: module for module, names in rooms.items() for name in names}

    def find(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        if name in rooms:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"{package} has no {name!r}; it has {', '.join(sorted({*homes, *rooms}))}.")

    return find
