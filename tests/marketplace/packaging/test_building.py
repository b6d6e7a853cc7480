"""A new plugin's repository works, its package passes the gate, and the same folder gives the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gridkit_django.exceptions import ManifestError, PackageBuildError, PackageRefusedError
from gridkit_django.marketplace.packaging import Rule, build_package, inspect_package, start_plugin_repository
from tests.testing.test_pytest_plugin import FEW_PLUGINS, TABLES_AT_ONCE, run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A new plugin's repository."""
    return start_plugin_repository("colours", "acme", tmp_path)


def test_new_repository_has_a_test_that_runs(repository: Path) -> None:
    pytest_words = ("-m", "pytest", "-q", *FEW_PLUGINS, TABLES_AT_ONCE)
    told = run(repository, *pytest_words, "-k", "ends or counted or manifest")

    assert "4 passed" in told, told


def test_package_of_a_new_repository_passes_the_gate(repository: Path) -> None:
    built = build_package(repository)

    package = built.inspected
    assert built.filename == "acme_colours-0.1.0-py3-none-any.whl"
    assert (package.plugin_id, package.import_package) == ("@acme/colours", "acme_colours")
    assert set(package.files) == {"CHANGELOG.md", "__init__.py", "config_schema.json", "plugin.py", "plugin.toml"}
    assert package.config_schema["properties"]["most"]["minimum"] == 1
    assert "## 0.1.0" in package.changelog
    assert "# Colours" in package.readme
    assert package.requires_python == ">=3.11"


def test_same_folder_gives_the_same_bytes(repository: Path) -> None:
    first = build_package(repository).content
    for path in repository.rglob("*"):
        path.touch()

    assert build_package(repository).content == first


def test_folder_of_the_plugin_alone_is_enough(repository: Path) -> None:
    built = build_package(repository / "acme_colours")

    assert built.inspected.plugin_id == "@acme/colours"
    assert built.inspected.readme == ""


def test_wheel_that_hatchling_builds_of_it_passes_the_gate(repository: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=repository, check=True, capture_output=True
    )
    (wheel,) = (repository / "dist").glob("*.whl")

    assert inspect_package(wheel.read_bytes(), filename=wheel.name).plugin_id == "@acme/colours"


def test_code_says_the_schema_of_its_configuration(repository: Path) -> None:
    (repository / "acme_colours" / "config_schema.json").write_text('{"type": "object"}')

    assert "most" in build_package(repository).inspected.config_schema["properties"]


def test_licence_goes_along(repository: Path) -> None:
    (repository / "LICENSE").write_text("MIT")

    assert "acme_colours-0.1.0.dist-info/licenses/LICENSE" in build_package(repository).inspected.dist_info


def test_dependencies_and_addresses_go_along(repository: Path) -> None:
    project = repository / "pyproject.toml"
    project.write_text(
        project.read_text().replace('version = "0.1.0"', 'version = "0.1.0"\ndependencies = ["attrs>=24"]')
    )
    manifest = repository / "acme_colours" / "plugin.toml"
    manifest.write_text('homepage = "https://acme.example"\n' + manifest.read_text())

    package = build_package(repository).inspected
    assert package.requires_dist == ("attrs>=24",)
    assert b"Project-URL: Homepage, https://acme.example\n" in package.core_metadata


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "acme-colours"', 'name = "other"', "names the project 'other'"),
        ('version = "0.1.0"', 'version = "0.2.0"', "has version 0.2.0"),
        ('version = "0.1.0"', 'version = "x"', "which is none"),
        ("[project]", "[project", "no valid TOML"),
    ],
)
def test_project_that_contradicts_the_manifest_is_refused(repository: Path, old: str, new: str, told: str) -> None:
    project = repository / "pyproject.toml"
    project.write_text(project.read_text().replace(old, new, 1))

    with pytest.raises(PackageBuildError, match=told):
        build_package(repository)


def test_folder_without_a_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageBuildError, match="holds 0 plugins"):
        build_package(tmp_path)


def test_two_plugins_in_one_repository_are_refused(repository: Path) -> None:
    (repository / "second").mkdir()
    (repository / "second" / "plugin.toml").write_text("")

    with pytest.raises(PackageBuildError, match="holds 2 plugins"):
        build_package(repository)


def test_wrong_manifest_is_told(repository: Path) -> None:
    (repository / "acme_colours" / "plugin.toml").write_text("id = 3")

    with pytest.raises(ManifestError):
        build_package(repository)


def test_texts_that_are_none_are_refused(repository: Path) -> None:
    (repository / "README.md").write_bytes(b"\xff")
    with pytest.raises(PackageBuildError, match="no text in UTF-8"):
        build_package(repository)
    (repository / "README.md").write_bytes(b"x" * 300_000)
    with pytest.raises(PackageBuildError, match="is the most"):
        build_package(repository)


def test_what_the_gate_refuses_is_not_packed(repository: Path) -> None:
    key = "AKIA" + "Q7ZJW3T5M2N4P6RS"
    (repository / "acme_colours" / "keys.py").write_text(f"KEY = '{key}'\n")

    with pytest.raises(PackageRefusedError) as caught:
        build_package(repository)
    assert caught.value.code == Rule.SECRET
    assert caught.value.extra == {
        "rule": "package-secret",
        "entry": "acme_colours/keys.py",
        "line": 1,
        "kind": "AWS access key",
    }
    assert key not in f"{caught.value.detail}{caught.value.extra}"


def test_secret_that_only_looks_like_one_can_be_marked(repository: Path) -> None:
    (repository / "acme_colours" / "keys.py").write_text("KEY = 'AKIAQ7ZJW3T5M2N4P6RS'  # gridkit: allow-secret\n")

    assert build_package(repository).inspected.files["keys.py"]


@pytest.mark.parametrize("name", ["", "Colours", "../x", "a b", "-x", "x--y", "@a"])
def test_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageBuildError, match="can't be a name"):
        start_plugin_repository(name, "acme", tmp_path)
    with pytest.raises(PackageBuildError, match="can't be a name"):
        start_plugin_repository("colours", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_there_is_left_alone(repository: Path) -> None:
    with pytest.raises(PackageBuildError, match="is there already"):
        start_plugin_repository("colours", "acme", repository.parent)


def test_package_is_a_plain_archive(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    path.write_bytes(build_package(repository).content)

    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("acme_colours/config_schema.json"))["type"] == "object"
        assert archive.namelist()[-1] == "acme_colours-0.1.0.dist-info/RECORD"
