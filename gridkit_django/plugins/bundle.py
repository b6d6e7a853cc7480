"""The code of one version of a plugin, loaded under a fresh private module name each time.

All files are compiled before anything runs, so a syntax error costs nothing. The modules come from what was read, never
from bytecode caches, which miss quick edits. Two loads of the same files live side by side; dropping one takes its
whole module tree away.
"""

from __future__ import annotations

import hashlib
import itertools
import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.resources.abc import Traversable, TraversableResources
from importlib.util import spec_from_loader
from pathlib import PurePosixPath
from types import CodeType, ModuleType

from gridkit_django.exceptions import PluginLoadError
from gridkit_django.plugins.files import PluginFiles
from gridkit_django.plugins.places import place_of

PRIVATE_PREFIX = "_gridkit_plugin_"
_PLACES_MAX = 32

_numbers = itertools.count(1)


class CodeCache:
    """Compiled files by place, name and content, so that a reload compiles only what changed.

    It holds what was loaded last at each place, for the last ``_PLACES_MAX`` places.
    """

    def __init__(self) -> None:
        self._places: dict[str, Mapping[str, tuple[bytes, CodeType]]] = {}

    def compiled(self, files: PluginFiles) -> dict[str, CodeType]:
        """Return the code of each Python file by its name.

        Raises:
            PluginLoadError: when a file can't be compiled; names the file and line.
        """
        if files.codes is not None:
            return dict(files.codes)
        before = self._places.get(files.where, {})
        found: dict[str, tuple[bytes, CodeType]] = {}
        for name, content in files.contents.items():
            if name.endswith(".py"):
                key, kept = hashlib.sha256(content).digest(), before.get(name)
                found[name] = kept if kept and kept[0] == key else (key, _compiled(content, files.where, name))
        self._remember(files.where, found)
        return {name: code for name, (_, code) in found.items()}

    def _remember(self, where: str, found: Mapping[str, tuple[bytes, CodeType]]) -> None:
        """Put the place last; one assignment, because several threads may load."""
        others = [item for item in self._places.items() if item[0] != where]
        self._places = dict([*others[-(_PLACES_MAX - 1) :], (where, found)])


def compile_files(files: PluginFiles) -> dict[str, CodeType]:
    """Return the code of each Python file by its name.

    Raises:
        PluginLoadError: when a file can't be compiled; names the file and line.
    """
    return CodeCache().compiled(files)


class Bundle(MetaPathFinder):
    """One load of a plugin's files: its compiled modules and, once imported, its tree in ``sys.modules``.

    Args:
        files: the files.
        cache: what was compiled before.
        unloaded: told when the bundle is dropped.

    Raises:
        PluginLoadError: when a file can't be compiled; names the file and line.
    """

    def __init__(
        self, files: PluginFiles, cache: CodeCache | None = None, unloaded: Callable[[str], None] | None = None
    ) -> None:
        self.label = files.label
        self.where = files.where
        self.digest = files.digest
        slug = "".join(char if char.isalnum() else "_" for char in files.label)
        self.name = f"{PRIVATE_PREFIX}{slug}_{next(_numbers)}"
        self._unloaded = unloaded
        self._modules = self._modules_of(files, (cache or CodeCache()).compiled(files))

    def load(self, module: str) -> ModuleType:
        """Import a module of the plugin, named relative to its package.

        Raises:
            PluginLoadError: when importing it raises, or asks to leave the process; names the file and line.
        """
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        try:
            return import_module(f"{self.name}.{module}")
        except (Exception, SystemExit) as error:
            self.unload()
            place = place_of(error, self.where)
            raise PluginLoadError(
                f"The code of {self.label} can't be imported: {place.text}{type(error).__name__}: {error}.",
                extra=place.facts,
            ) from error

    def unload(self) -> None:
        """Drop the whole module tree. What is still referred to lives on until its last user lets go."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in [name for name in sys.modules if name == self.name or name.startswith(f"{self.name}.")]:
            del sys.modules[name]
        for module in self._modules.values():
            linecache.cache.pop(module.path, None)
        if self._unloaded is not None:
            unloaded, self._unloaded = self._unloaded, None
            unloaded(self.name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of this bundle; Python's import machinery asks."""
        found = self._modules.get(fullname)
        if found is None:
            return None
        return spec_from_loader(fullname, found, origin=found.path, is_package=found.package)

    def _modules_of(self, files: PluginFiles, codes: Mapping[str, CodeType]) -> dict[str, _BundledModule]:
        modules = {}
        for file, code in codes.items():
            parts = PurePosixPath(file).with_suffix("").parts
            package = parts[-1] == "__init__"
            name = ".".join((self.name, *(parts[:-1] if package else parts)))
            modules[name] = _BundledModule(name, files, file, code, package=package)
        for file in codes:
            for parent in PurePosixPath(file).parents:
                name = ".".join((self.name, *parent.parts))
                if name not in modules:
                    empty = compile("", name, "exec")
                    modules[name] = _BundledModule(name, files, f"{parent}/__init__.py", empty, package=True)
        return modules


class _BundledModule(InspectLoader):
    """One compiled module."""

    def __init__(self, name: str, files: PluginFiles, file: str, code: CodeType, *, package: bool) -> None:
        self.name = name
        self.path = f"{files.where}/{file.removeprefix('./')}"
        self.package = package
        self._prefix = f"{files.where}/"
        self._root = files.root
        self._code = code

    def is_package(self, fullname: str) -> bool:
        """Whether the module has modules below it."""
        return self.package

    def get_code(self, fullname: str) -> CodeType:
        """Return the compiled code."""
        return self._code

    def get_source(self, fullname: str) -> str | None:
        """Return the text, for tracebacks of code that lies in no folder."""
        try:
            return self.get_data(self.path).decode("utf-8", "replace")
        except (OSError, KeyError):
            return None

    def get_data(self, path: str) -> bytes:
        """Return a file that belongs to the plugin; ``pkgutil.get_data`` asks.

        Raises:
            OSError: when there is none.
        """
        if not path.startswith(self._prefix):
            raise FileNotFoundError(path)
        return self._root().joinpath(path.removeprefix(self._prefix)).read_bytes()

    def get_resource_reader(self, fullname: str) -> TraversableResources:
        """Return a reader of the data files beside the module; ``importlib.resources`` asks."""
        folder = self.path.removeprefix(self._prefix).rpartition("/")[0]
        return _Resources(self._root, folder)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, with ``__file__`` as for any other module."""
        module.__file__ = self.path
        super().exec_module(module)


class _Resources(TraversableResources):
    """The data files of one package of a bundle."""

    def __init__(self, root: Callable[[], Traversable], folder: str) -> None:
        self._root = root
        self._folder = folder

    def files(self) -> Traversable:
        """Return the package's folder."""
        return self._root().joinpath(self._folder) if self._folder else self._root()


def _compiled(content: bytes, where: str, name: str) -> CodeType:
    try:
        return compile(content, f"{where}/{name}", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 0
        raise PluginLoadError(
            f"{name}, line {line}, can't be compiled: {getattr(error, 'msg', error)}.",
            extra={"file": name, "line": line},
        ) from error
