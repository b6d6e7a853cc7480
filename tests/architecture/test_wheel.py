"""The wheel: both packages with their data, typed, with the entry points; no tests, no demo, no bundle sources."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel of this checkout, built by the project's own build back end."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("gridkit_django-*-py3-none-any.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def _text(wheel: zipfile.ZipFile, name: str) -> str:
    (found,) = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(found).decode()


def test_wheel_holds_both_packages_typed_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()

    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"gridkit_django", "gridkit_plugins"}
    assert {"gridkit_django/py.typed", "gridkit_plugins/py.typed"} <= set(names)
    assert [name for name in names if name.startswith("gridkit_django/frontend")] == []


def test_wheel_brings_every_data_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in ("gridkit_django", "gridkit_plugins")
        for pattern in ("*.html", "*.css", "plugin.toml")
        for path in (ROOT / package).rglob(pattern)
        if "frontend" not in path.parts
    }

    assert wanted
    assert wanted - set(wheel.namelist()) == set()


def test_wheel_holds_every_script_that_was_built(wheel: zipfile.ZipFile) -> None:
    static = "gridkit_django/static/gridkit"
    built = {f"{static}/{path.name}" for path in (ROOT / static).glob("*.js")}

    assert {name for name in wheel.namelist() if name.startswith(static) and name.endswith(".js")} == built
    assert f"{static}/gridkit.js" not in built or any("/gridkit-panels-" in name for name in built)


def test_wheel_names_the_official_plugins_as_entry_points(wheel: zipfile.ZipFile) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(_text(wheel, "entry_points.txt"))

    modules = [value.split(":")[0] for value in entries["gridkit.plugins"].values()]
    assert sorted(modules) == [f"gridkit_plugins.{name}.plugin" for name in ("analytics", "audit_log", "export")]
    assert {f"{module.replace('.', '/')}.py" for module in modules} - set(wheel.namelist()) == set()


def test_wheel_says_its_name_its_license_and_its_python(wheel: zipfile.ZipFile) -> None:
    facts = Parser().parsestr(_text(wheel, "METADATA"))

    assert (facts["Name"], facts["License-Expression"], facts["Requires-Python"]) == ("gridkit-django", "MIT", ">=3.11")
