"""The set-up: pinned packages name no place and have hashes; a step is done once for the same inputs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the modules of `.ci` importable, as they are for the scripts there."""
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    yield
    for name in ("steps", "suite", "system"):
        sys.modules.pop(name, None)


@pytest.fixture
def steps(scripts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The step runner, with its stamps in a scratch folder."""
    module = importlib.import_module("steps")
    monkeypatch.setattr(module, "STAMPS", tmp_path / "stamps")
    return module


def pins(name: str) -> dict[str, str]:
    """Return package to version of one requirements file."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {canonicalize_name(package): version for package, version in PIN.findall(text)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_requirements_name_no_place_and_hash_every_pin(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)


def test_requirements_of_the_product_are_the_same_in_development() -> None:
    dev = pins("dev")

    assert {name: version for name, version in pins("demo").items() if dev.get(name) != version} == {}


def test_requirements_hold_all_that_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = [
        *project["project"]["dependencies"],
        *(item for extra in project["project"]["optional-dependencies"].values() for item in extra),
        *(item for group in ("test", "lint", "docs") for item in groups[group]),
    ]
    held = pins("dev")

    missing = [
        text
        for text in wanted
        if (need := Requirement(text)).name != "gridkit-django"
        and held.get(canonicalize_name(need.name), "0") not in need.specifier
    ]
    assert missing == [], "run `make requirements`"


def test_step_with_the_same_inputs_is_done_once(steps: ModuleType) -> None:
    done: list[str] = []

    for inputs in ("one", "one", "two"):
        steps.step("a step", inputs, lambda: done.append("x"))

    assert done == ["x", "x"]


def test_step_that_fails_is_tried_again(steps: ModuleType) -> None:
    def fail() -> None:
        steps.run([sys.executable, "-c", "print('why'); raise SystemExit(3)"])

    for _ in range(2):
        with pytest.raises(steps.StepError, match=r"exited with 3:\nwhy"):
            steps.step("a step", "same", fail)


def test_suite_reads_the_counts_of_a_closing_line(scripts: None) -> None:
    suite = importlib.import_module("suite")

    line = "\x1b[31m= 1 failed, 20 passed, 3 deselected, 1 warning, 1 error in 3.21s =\x1b[0m"
    assert suite._counts(line) == {"failed": 1, "passed": 20, "deselected": 3, "errors": 1}


def test_make_help_lists_the_commands_of_the_contributors_guide() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    named = set(re.findall(r"`make ([a-z]+)", guide))
    assert {word for word in named if f"make {word}" not in shown} == set()
