"""The contract is typed as promised: mypy accepts a right plugin in strict mode, and finds the mistakes of another."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NAMES = ("right_plugin.py", "wrong_plugin.py")

# What an author who installed gridkit-django would write: strict, and no mypy plugin.
SETTINGS = """
[mypy]
strict = True
follow_imports = silent
ignore_missing_imports = True
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[tuple[int, str]]]:
    """The errors of one run of mypy, line and code by file."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "mypy.ini").write_text(SETTINGS)
    for name in NAMES:
        (folder / name).write_text((HERE / name).read_text())
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--no-error-summary", *NAMES]
    env = {"MYPYPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    errors: dict[str, set[tuple[int, str]]] = {name: set() for name in NAMES}
    for name, line, code in re.findall(r"^(\S+?):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE):
        errors[name].add((int(line), code))
    return errors


def test_right_plugin_is_accepted(found: Mapping[str, set[tuple[int, str]]]) -> None:
    assert found["right_plugin.py"] == set()


def test_each_mistake_is_found_and_nothing_else(found: Mapping[str, set[tuple[int, str]]]) -> None:
    lines = (HERE / "wrong_plugin.py").read_text().splitlines()
    marks = {
        (number, mark[1]) for number, line in enumerate(lines, 1) if (mark := re.search(r"# wrong: ([\w-]+)", line))
    }
    assert len(marks) == 16
    assert found["wrong_plugin.py"] == marks
