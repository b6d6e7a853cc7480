"""The code of a plugin that lies in a folder, loaded under a fresh private module name each time.

All files are read and compiled before anything runs, so a syntax error costs nothing. The modules come from what was
read, never from bytecode caches, which miss quick edits. Two loads of the same folder live side by side; dropping one
takes its whole module tree away.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

from gridkit_django.exceptions import PluginLoadError

PRIVATE_PREFIX = "_gridkit_plugin_"
FILES_MAX = 2000
BYTES_MAX = 50_000_000
_SKIPPED = frozenset({"__pycache__", "node_modules"})

_numbers = itertools.count(1)


def content_digest(folder: Path) -> str:
    """Return a digest over names and contents of all files that belong to the plugin in ``folder``.

    Raises:
        PluginLoadError: when the folder can't be read or holds more than a plugin may.
    """
    digest = hashlib.sha256()
    for path in _files(folder):
        name, content = path.relative_to(folder).as_posix().encode(), _read(path)
        digest.update(b"%d:%s:%d:" % (len(name), name, len(content)))
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Path) -> list[Path]:
    """Return the plugin's files, sorted: no hidden ones, no caches; links are refused, they lead elsewhere."""
    found: list[Path] = []
    size = 0
    for path in _walk(folder):
        if path.is_symlink():
            raise PluginLoadError(
                f"{path.relative_to(folder)} in {folder.name} is a link. A plugin holds its own files."
            )
        size += _size(path)
        found.append(path)
        if len(found) > FILES_MAX or size > BYTES_MAX:
            raise PluginLoadError(f"{folder.name} is larger than {FILES_MAX} files or {BYTES_MAX // 1_000_000} MB.")
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_unreadable):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [
            name for name in folders if name not in _SKIPPED and not name.startswith(".") and name not in links
        ]
        yield from (Path(parent, name) for name in (*names, *links) if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    raise PluginLoadError(f"The plugin's folder can't be read: {error.strerror}.") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise PluginLoadError(f"{path.name} can't be read: {error.strerror}.") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PluginLoadError(f"{path.name} can't be read: {error.strerror}.") from error


class Bundle(MetaPathFinder):
    """One load of a folder: its compiled modules and, once imported, its tree in ``sys.modules``.

    Args:
        folder: the plugin's package.
        digest: content digest of what is loaded.

    Raises:
        PluginLoadError: when a file can't be read or compiled; names the file and line.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self.folder = folder
        self.digest = digest
        slug = "".join(char if char.isalnum() else "_" for char in folder.name)
        self.name = f"{PRIVATE_PREFIX}{slug}_{next(_numbers)}"
        self._modules = self._compile()

    def load(self, module: str) -> ModuleType:
        """Import a module of the plugin, named relative to its package.

        Raises:
            PluginLoadError: when importing it raises, or asks to leave the process.
        """
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        try:
            return import_module(f"{self.name}.{module}")
        except (Exception, SystemExit) as error:
            self.unload()
            raise PluginLoadError(
                f"The code of {self.folder.name} can't be imported: {type(error).__name__}: {error}."
            ) from error

    def unload(self) -> None:
        """Drop the whole module tree. What is still referred to lives on until its last user lets go."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in [name for name in sys.modules if name == self.name or name.startswith(f"{self.name}.")]:
            del sys.modules[name]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of this bundle; Python's import machinery asks."""
        found = self._modules.get(fullname)
        if found is None:
            return None
        return spec_from_loader(fullname, found, origin=found.path, is_package=found.package)

    def _compile(self) -> Mapping[str, _BundledModule]:
        sources = [path for path in _files(self.folder) if path.suffix == ".py"]
        modules = {item.name: item for item in (self._module(path) for path in sources)}
        for path in sources:
            for parent in path.relative_to(self.folder).parents:
                name = ".".join((self.name, *parent.parts))
                modules.setdefault(
                    name, _BundledModule(name, str(self.folder / parent), compile("", name, "exec"), package=True)
                )
        return modules

    def _module(self, path: Path) -> _BundledModule:
        parts = path.relative_to(self.folder).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join((self.name, *(parts[:-1] if package else parts)))
        return _BundledModule(name, str(path), _compiled(path), package=package)


class _BundledModule(InspectLoader):
    """One compiled module."""

    def __init__(self, name: str, path: str, code: CodeType, *, package: bool) -> None:
        self.name = name
        self.path = path
        self.package = package
        self._code = code

    def is_package(self, fullname: str) -> bool:
        """Whether the module has modules below it."""
        return self.package

    def get_code(self, fullname: str) -> CodeType:
        """Return the compiled code."""
        return self._code

    def get_source(self, fullname: str) -> None:
        """Return nothing: tracebacks read the file itself."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, with ``__file__`` as for any other module."""
        module.__file__ = self.path
        super().exec_module(module)


def _compiled(path: Path) -> CodeType:
    try:
        return compile(_read(path), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 0
        raise PluginLoadError(
            f"{path.name}, line {line}, can't be compiled: {getattr(error, 'msg', error)}.",
            extra={"file": path.name, "line": line},
        ) from error
