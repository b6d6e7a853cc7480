"""Code from folders: fresh private names, compiled first, dropped whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gridkit_django.exceptions import ManifestError, PluginLoadError
from gridkit_django.plugins.bundle import PRIVATE_PREFIX, Bundle
from gridkit_django.plugins.files import FILES_MAX, content_digest, read_folder
from gridkit_django.plugins.locate import find_module
from gridkit_django.plugins.sources import EntryPointSource, FolderSource, read_schema
from tests.plugins.samples import write_plugin


def private_modules() -> list[str]:
    return [name for name in sys.modules if name.startswith(PRIVATE_PREFIX)]


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    assert private_modules() == []


def test_two_loads_live_side_by_side_and_leave_without_a_trace(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    finders = list(sys.meta_path)
    old = FolderSource(folder).load()
    (folder / "words.py").write_text("WORD = 'two'\n")
    new = FolderSource(folder).load()
    words = [sys.modules[f"{code.plugin_class.__module__.rpartition('.')[0]}.words"].WORD for code in (old, new)]
    assert words == ["one", "two"]
    assert old.digest != new.digest
    old.unload()
    new.unload()
    assert private_modules() == []
    assert sys.meta_path == finders


def test_packages_inside_and_file_names_work(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, code="from .deep.er import PLACE\n")
    (folder / "deep").mkdir()
    (folder / "deep" / "er.py").write_text("from .. import words\nPLACE = __file__\n")
    (folder / "__init__.py").write_text("NAME = __name__\n")
    bundle = Bundle(read_folder(folder))
    module = bundle.load("plugin")
    assert str(folder / "deep" / "er.py") == module.PLACE
    assert bundle.name == sys.modules[bundle.name].NAME
    bundle.unload()


def test_quick_edit_of_the_same_size_is_seen(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, code="WORD = 'aaa'\n")
    first = Bundle(read_folder(folder))
    assert first.load("plugin").WORD == "aaa"
    (folder / "plugin.py").write_text("WORD = 'bbb'\n")
    second = Bundle(read_folder(folder))
    assert second.load("plugin").WORD == "bbb"
    first.unload()
    second.unload()


def test_syntax_error_is_found_before_anything_runs_and_names_the_line(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    (folder / "words.py").write_text("WORD = 1\nWORD = = 2\n")
    with pytest.raises(PluginLoadError, match=r"words\.py, line 2") as caught:
        FolderSource(folder).load()
    assert caught.value.extra == {"file": "words.py", "line": 2}
    assert private_modules() == []


@pytest.mark.parametrize("code", ["1 / 0\n", "import sys\nsys.exit(3)\n", "from . import nowhere\n"])
def test_code_that_raises_at_import_leaves_nothing(tmp_path: Path, code: str) -> None:
    with pytest.raises(PluginLoadError, match="can't be imported"):
        FolderSource(write_plugin(tmp_path, code=code)).load()
    assert private_modules() == []


@pytest.mark.parametrize("code", ["", "Sample = 3\n", "class Sample: ...\n"])
def test_entry_that_is_no_plugin_is_refused(tmp_path: Path, code: str) -> None:
    with pytest.raises(PluginLoadError, match="derives from Plugin"):
        FolderSource(write_plugin(tmp_path, code=code)).load()
    assert private_modules() == []


def test_digest_tells_contents_and_names_and_ignores_caches(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    before = content_digest(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    (folder / ".hidden").write_text("x")
    assert content_digest(folder) == before
    (folder / "words.py").rename(folder / "verbs.py")
    assert content_digest(folder) != before


def test_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(PluginLoadError, match="is a link"):
        content_digest(folder)
    (folder / "out").unlink()
    (folder / "out.py").symlink_to("/etc/hostname")
    with pytest.raises(PluginLoadError, match="is a link"):
        Bundle(read_folder(folder))


def test_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    for number in range(FILES_MAX):
        (folder / f"{number}.txt").touch()
    with pytest.raises(PluginLoadError, match="larger than"):
        content_digest(folder)


def test_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match="can't be read"):
        content_digest(tmp_path / "nowhere")


def test_schema_beside_the_manifest_is_read(tmp_path: Path) -> None:
    assert read_schema(tmp_path) == {}
    path = tmp_path / "config_schema.json"
    path.write_text('{"type": "object"}')
    assert read_schema(tmp_path) == {"type": "object"}
    for content, detail in (("[]", "JSON object"), ("{", "no valid JSON"), (" " * 300_000, "larger than")):
        path.write_text(content)
        with pytest.raises(ManifestError, match=detail):
            read_schema(tmp_path)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that raises when it is imported too early."""
    outer = tmp_path / "site" / "gk_test_outer"
    outer.mkdir(parents=True)
    (outer / "__init__.py").write_text("LOADED = True\n")
    folder = write_plugin(outer, "inner", code="from gridkit_django.plugins import Plugin\nclass Sample(Plugin): ...\n")
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield folder
    for name in [name for name in sys.modules if name.startswith("gk_test_outer")]:
        del sys.modules[name]


def test_entry_point_is_located_without_importing(package: Path) -> None:
    source = EntryPointSource("gk_test_outer.inner.plugin:Sample", {})
    assert source.manifest().id == "inner"
    assert source.digest() == content_digest(package)
    assert source.config_schema() == {}
    assert "gk_test_outer" not in sys.modules


def test_entry_point_is_imported_once_and_changed_files_need_a_restart(package: Path) -> None:
    loaded: dict[str, str] = {}
    code = EntryPointSource("gk_test_outer.inner.plugin:Sample", loaded).load()
    assert code.plugin_class.__module__ == "gk_test_outer.inner.plugin"
    code.unload()
    assert "gk_test_outer.inner.plugin" in sys.modules
    (package / "words.py").write_text("WORD = 'new'\n")
    with pytest.raises(PluginLoadError, match="Restart"):
        EntryPointSource("gk_test_outer.inner.plugin:Sample", loaded).load()


def test_entry_point_that_the_manifest_does_not_name_is_refused(package: Path) -> None:
    with pytest.raises(ManifestError, match="plugin:Sample"):
        EntryPointSource("gk_test_outer.inner.plugin:Other", {}).manifest()


def test_entry_point_that_raises_at_import_is_refused(package: Path) -> None:
    (package / "plugin.py").write_text("raise SystemExit\n")
    with pytest.raises(PluginLoadError, match="SystemExit"):
        EntryPointSource("gk_test_outer.inner.plugin:Sample", {}).load()


def test_package_that_is_not_installed_is_refused() -> None:
    with pytest.raises(PluginLoadError, match="not installed"):
        EntryPointSource("gk_test_nowhere.plugin:Sample", {}).manifest()
    assert find_module("gk_test_nowhere") is None
