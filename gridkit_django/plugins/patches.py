"""Functions and classes of a plugin that stand in places of other modules: finding them, putting back what was there.

What was there before is known when the replacement still refers to it, as wrappers do: by ``__wrapped__``, in its
closure, its defaults or the globals of its module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any

from django.dispatch import Signal

_DEPTH_MAX = 8


@dataclass(frozen=True, slots=True)
class Patch:
    """A place of another module that holds something of a plugin.

    Attributes:
        owner: the module or class that has the place.
        name: the name of the attribute.
        value: what stands there now.
        place: the place in words.
        by: private name of the plugin's package.
    """

    owner: Any
    name: str
    value: Any
    place: str
    by: str

    def put_back(self, names: Collection[str]) -> bool:
        """Put back what was there before; False when that is not known, or can't be done.

        Args:
            names: private names of all packages that have ended: what belongs to them is not put back.
        """
        original = _original(self.value, self.name, names, _DEPTH_MAX)
        if original is None:
            return False
        try:
            setattr(self.owner, self.name, original)
        except (AttributeError, TypeError):
            return False
        return True


def find_in_modules(names: Collection[str]) -> tuple[list[tuple[str, Signal]], list[Patch]]:
    """Return every signal in a module, and every place in a module or its classes that holds something of a plugin.

    Args:
        names: private names of the packages to look for.
    """
    signals: list[tuple[str, Signal]] = []
    patches: list[Patch] = []
    seen: set[type] = set()
    for module_name, module in tuple(sys.modules.items()):
        if module_name.partition(".")[0] in names:
            continue
        for name, value in tuple(getattr(module, "__dict__", {}).items()):
            kind = type(value)
            if kind is FunctionType:
                _add(patches, names, module, name, value, module_name)
            elif issubclass(kind, type):
                if value.__module__ == module_name:
                    patches.extend(_in_class(names, value))
                else:
                    _add(patches, names, module, name, value, module_name)
            elif issubclass(kind, Signal):
                signals.append((f"{module_name}.{name}", value))
            elif kind not in seen and not _add(patches, names, module, name, value, module_name):
                seen.add(kind)
    return signals, patches


def _in_class(names: Collection[str], owner: type) -> Iterator[Patch]:
    for name, value in tuple(vars(owner).items()):
        kind = type(value)
        if kind is FunctionType:
            by = _package(value)
        elif kind is staticmethod or kind is classmethod:
            by = _package(value.__func__)
        else:
            continue
        if by in names:
            yield Patch(owner, name, value, f"{owner.__module__}.{owner.__qualname__}.{name}", by)


def _add(patches: list[Patch], names: Collection[str], module: Any, name: str, value: Any, module_name: str) -> bool:
    by = _package(value)
    if by in names:
        patches.append(Patch(module, name, value, f"{module_name}.{name}", by))
        return True
    return False


def _package(value: Any) -> str:
    """Return the first part of the name of the module that a function or class, or the class of an object, is from."""
    kind = type(value)  # isinstance() would ask a lazy object, which then does its work
    described = value if kind is FunctionType or issubclass(kind, type) else kind
    module: object = described.__module__
    return module.partition(".")[0] if isinstance(module, str) else ""


def _original(value: Any, name: str, names: Collection[str], depth: int) -> Any:
    """Return what a replacement was made for: something of that name, not of a plugin, that it refers to."""
    for candidate in _referred(value):
        if _is_plain(candidate) and candidate.__name__ == name and _package(candidate) not in names:
            return candidate
        if depth and _package(candidate) in names and candidate is not value:
            found = _original(candidate, name, names, depth - 1)
            if found is not None:
                return found
    return None


def _is_plain(value: Any) -> bool:
    """Whether something is a function or a class, asked in a way that wakes no lazy object."""
    kind = type(value)
    return kind in (FunctionType, BuiltinFunctionType) or issubclass(kind, type)


def _referred(value: Any) -> Iterator[Any]:
    """Yield what a function refers to by itself; of its module's globals what could be an original."""
    if not isinstance(value, FunctionType):
        return
    if hasattr(value, "__wrapped__"):
        yield value.__wrapped__
    for cell in value.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # the cell is empty
            continue
    yield from value.__defaults__ or ()
    for name in value.__code__.co_names:
        if name in value.__globals__:
            yield value.__globals__[name]
