"""Finding sources: installed packages, site folders, objects."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gridkit_django.exceptions import (
    ManifestError,
    PluginIncompatibleError,
    PluginLoadError,
    PluginNotFoundError,
    PluginStateError,
)
from gridkit_django.models import PluginSource
from gridkit_django.plugins import Plugin
from gridkit_django.plugins.catalog import SourceCatalog
from gridkit_django.plugins.compat import check_core, check_neighbours
from tests.plugins.samples import Hermit, Listener, Needy, Stranger, metadata, write_plugin


def test_official_plugins_are_discovered_without_being_installed() -> None:
    found = {item.metadata.id: item for item in SourceCatalog().discover(frozenset()) if item.metadata}
    export = found["@gridkit/plugin-export"]
    assert (export.source, export.code, export.installed) == (PluginSource.ENTRY_POINT, "", False)


def test_package_is_offered_from_when_it_comes_until_it_goes_and_read_no_more_than_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    catalog = SourceCatalog()

    def refs(at: int) -> list[str]:
        os.utime(tmp_path, (at, at))  # two changes may come faster than the clock of the file system goes
        return [item.ref for item in catalog.sources()]

    before = refs(1)
    package = tmp_path / "acme-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[gridkit.plugins]\nacme = acme.plugin:Acme\n")
    assert refs(1) == before, "a folder that has not changed is not read again"
    assert sorted({*refs(2)} - {*before}) == ["acme.plugin:Acme"]
    shutil.rmtree(package)
    assert refs(3) == before


def test_broken_source_is_listed_with_its_reason(root: Path) -> None:
    write_plugin(root, "good")
    write_plugin(root, "future", core=">=99")
    (write_plugin(root, "bad") / "plugin.toml").write_text("id =")
    (root / "empty").mkdir()
    (root / ".hidden").mkdir()
    (root / "__pycache__").mkdir()
    found = SourceCatalog().discover(frozenset({"good"}))
    folders = {item.ref: item for item in found if item.source is PluginSource.FOLDER}
    assert {ref: (item.code, item.installed) for ref, item in folders.items()} == {
        "folder:bad": ("plugin-manifest-invalid", False),
        "folder:empty": ("plugin-manifest-invalid", False),
        "folder:future": ("plugin-incompatible", False),
        "folder:good": ("", True),
    }
    assert folders["folder:future"].metadata is not None
    assert folders["folder:bad"].metadata is None


def test_source_is_found_by_reference_and_by_id(root: Path) -> None:
    folder = write_plugin(root, "good")
    catalog = SourceCatalog()
    assert catalog.find("folder:good").digest() == catalog.find("good").digest()
    assert catalog.resolve(PluginSource.FOLDER, "good").manifest().id == "good"
    folder.rename(root / "moved")
    assert catalog.find("folder:moved").manifest().id == "good"
    with pytest.raises(PluginLoadError, match="not there"):
        catalog.resolve(PluginSource.FOLDER, "good")


def test_id_of_two_sources_is_ambiguous(root: Path) -> None:
    write_plugin(root, "good")
    write_plugin(root, "copy")
    (root / "copy" / "plugin.toml").write_text((root / "good" / "plugin.toml").read_text())
    with pytest.raises(PluginStateError, match=r"folder:copy, folder:good"):
        SourceCatalog().find("good")


@pytest.mark.parametrize("text", ["nothing", "folder:nothing", "os.path:join", "entry_point:os:system"])
def test_only_what_is_discovered_can_be_found(text: str) -> None:
    with pytest.raises(PluginNotFoundError):
        SourceCatalog().find(text)


@pytest.mark.parametrize("kind", list(PluginSource))
def test_source_that_is_gone_can_not_be_resolved(kind: PluginSource) -> None:
    with pytest.raises(PluginLoadError):
        SourceCatalog().resolve(kind, "nowhere")


def test_object_is_known_until_it_is_removed() -> None:
    catalog = SourceCatalog()
    catalog.add_object(Listener)
    assert catalog.find("listener").config_schema()["properties"].keys() == {"greeting", "volume", "password"}
    assert catalog.remove_object("listener")
    assert not catalog.remove_object("listener")


def test_object_without_metadata_is_refused() -> None:
    class Nameless(Plugin): ...

    with pytest.raises(ManifestError, match="metadata"):
        SourceCatalog().add_object(Nameless)


def test_missing_plugin_root_has_no_folders(settings: object) -> None:
    settings.GRIDKIT = {"PLUGIN_ROOT": "/nowhere/at/all"}  # type: ignore[attr-defined]
    assert all(item.source is not PluginSource.FOLDER for item in SourceCatalog().discover(frozenset()))


def test_other_core_is_refused_with_both_versions() -> None:
    with pytest.raises(PluginIncompatibleError, match=r">=99; this site runs 0\.1\.0"):
        check_core(Stranger.metadata, "0.1.0")


def test_missing_peer_wrong_peer_and_conflict_are_told() -> None:
    with pytest.raises(PluginIncompatibleError, match="needs listener, which is not active"):
        check_neighbours(Needy.metadata, [])
    old = metadata("listener", version="0.9")
    with pytest.raises(PluginIncompatibleError, match=r"0\.9 is active"):
        check_neighbours(Needy.metadata, [old])
    check_neighbours(Needy.metadata, [Listener.metadata, Needy.metadata])
    for one, other in ((Hermit, Listener), (Listener, Hermit)):
        with pytest.raises(PluginIncompatibleError, match="together with"):
            check_neighbours(one.metadata, [other.metadata])
