"""Compiles what every test process imports, once and on all cores: `python -m tests.servers.compiling`.

`.ci/suite.py` runs it before the test processes start. In a fresh clone each of them would do all of it at the same
time, for as long as it takes to collect the tests: what is ours gets probes, the tests get asserts that tell more.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.machinery import SourceFileLoader
from pathlib import Path

from tests.servers.probing import ROOT, compile_with_probes, measured_files
from tests.servers.rewriting import compile_test

AT_ONCE = 16
"""So many files go to a process in one piece."""


def compile_file(path: Path) -> None:
    """Compile a file in the way in which a test process takes it."""
    if not path.is_relative_to(ROOT / "tests"):
        compile_with_probes(path)
    elif path.name.startswith("test_") or path.name == "conftest.py":
        compile_test(path)
    else:
        SourceFileLoader(path.stem, str(path)).get_code(path.stem)


def main() -> None:
    """Compile everything that is not compiled yet."""
    if sys.dont_write_bytecode:
        return
    paths = [*map(Path, measured_files()), *(ROOT / "tests").rglob("*.py")]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(compile_file, paths, chunksize=AT_ONCE):
            pass  # an error of a file is raised here


if __name__ == "__main__":
    main()
