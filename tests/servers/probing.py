"""Imports our packages with probes in them, and hands what ran to coverage.py: a plugin for pytest (`-p`).

It must come before anything of ours is imported, so `.ci/suite.py` names it. What a module becomes with its probes is
kept in `var/probes`, as Python keeps bytecode.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import coverage
import pytest

from tests.servers import probes

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "var" / "probes"
PACKAGES = ("gridkit_django", "gridkit_plugins", "example_project")
UNMEASURED = frozenset({"migrations", "frontend"})

Arcs = dict[int, None]


class ProbedLoader(SourceFileLoader):
    """Loads a module with probes.

    Args:
        fullname: The module's name.
        path: Its file.
        arcs: Where the arcs that ran are noted.
        kind: What tells apart versions of the probes, and of Python.
    """

    def __init__(self, fullname: str, path: str, arcs: Arcs, kind: bytes) -> None:
        super().__init__(fullname, path)
        self._arcs = arcs
        self._kind = kind

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, once it has what its probes write to."""
        vars(module)[probes.ARCS] = self._arcs
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code: the kept one, if it was made of what the file holds now."""
        content = Path(self.path).read_bytes()
        version = hashlib.sha256(b"\0".join((self._kind, self.path.encode(), content))).hexdigest()[:32]
        kept = KEPT / f"{fullname}.{version}"
        if kept.exists():
            code = marshal.loads(kept.read_bytes())  # noqa: S302
            assert isinstance(code, CodeType)
            return code
        code = compile(probes.with_probes(content, self.path), self.path, "exec", dont_inherit=True)
        _keep(kept, marshal.dumps(code))
        return code


class Probing:
    """Finds the modules of our packages as Python does, has them loaded with probes, and gathers what ran."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._arcs: dict[str, Arcs] = {}
        self._kind = Path(probes.__file__).read_bytes() + sys.version.encode()

    def begin(self) -> None:
        """Probe what is imported from now on.

        Raises:
            RuntimeError: Something was imported before.
        """
        already = sorted(name for name in sys.modules if name.split(".")[0] in PACKAGES)
        if already:
            raise RuntimeError(f"Probes must come before the code that they go into. Already imported: {already}")
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module of ours is loaded, None for another one."""
        parts = fullname.split(".")
        if parts[0] not in PACKAGES or not UNMEASURED.isdisjoint(parts):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = self.loader(fullname, spec.origin)
        return spec

    def loader(self, fullname: str, path: str) -> ProbedLoader:
        """Return what loads a module of ours with probes."""
        return ProbedLoader(fullname, path, self._arcs.setdefault(path, {}), self._kind)

    def save(self) -> None:
        """Write what ran as a data file of coverage.py, beside those of the other processes."""
        if os.getpid() != self._process:  # a child that was forked
            return
        place = _settings().get_option("run:data_file")
        data = coverage.CoverageData(str(place), suffix=True)
        data.add_arcs({path: [probes.arc_of(key) for key in list(arcs)] for path, arcs in self._arcs.items()})
        data.touch_files(measured_files())
        data.write()


def _settings() -> coverage.Coverage:
    return coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))


def configuration() -> str:
    """Return what coverage.py takes from its variable in a process that a test starts."""
    return _settings().config.serialize()


def _keep(place: Path, content: bytes) -> None:
    """Write a file that other processes may write or read at this moment, too."""
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(name).replace(place)


def measured_files() -> list[str]:
    """Return every file that is measured, also one that nobody imported."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [str(path) for path in found if UNMEASURED.isdisjoint(path.relative_to(ROOT).parts)]


_PROBING = Probing()
_PROBING.begin()


def compile_with_probes(path: Path) -> None:
    """Put probes into a module of ours and keep it, without importing it."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    _PROBING.loader(name, str(path)).get_code(name)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Hand over what ran."""
    _PROBING.save()
