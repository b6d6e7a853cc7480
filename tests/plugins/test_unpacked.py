"""Plugins of marketplaces: fetched by digest, unpacked once on a host, checked at each start, switched by digest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import PluginConsentError, PluginLoadError
from gridkit_django.models import AuditRecord, PluginPackage, PluginSource
from gridkit_django.plugins import PluginManager, unpacked
from gridkit_django.plugins.files import PluginFiles, digest_of
from gridkit_django.plugins.install import InstallRequest, install
from gridkit_django.plugins.packages import forget_files, keep_bytes, keep_files, kept_bytes, open_kept
from gridkit_django.plugins.unpacked import UnpackedPackages
from gridkit_django.plugins.update import update_to
from tests.plugins.samples import CODE, MANIFEST

pytestmark = pytest.mark.django_db(transaction=True)

PLUGIN = "@acme/colours"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """The cache of this host."""
    settings.GRIDKIT = {"STATE_DIR": str(tmp_path), "HOT_RELOAD": False}
    return tmp_path


def made(version: str = "1.0.0", word: str = "one", *, more: str = "", **files: str) -> PluginFiles:
    """Return the files of a plugin of a marketplace."""
    manifest = MANIFEST.format(id=PLUGIN, version=version, core="*")
    if more:
        manifest = manifest.replace('"storage:use"', f'"storage:use", "{more}"')
    texts = {"plugin.toml": manifest, "words.py": f"WORD = {word!r}\n", "plugin.py": CODE, "text/hello.txt": "hello"}
    return of(texts | files)


def of(texts: Mapping[str, str]) -> PluginFiles:
    contents = {name: text.encode() for name, text in texts.items()}
    return PluginFiles(PLUGIN, PLUGIN, MappingProxyType(contents), digest_of(contents), lambda: Path("/nowhere"))


def source(manager: PluginManager, files: PluginFiles) -> Any:
    return manager.runtime.catalog.kept(PLUGIN, files, PluginSource.MARKETPLACE)


def put(manager: PluginManager, files: PluginFiles) -> None:
    install(manager.runtime, InstallRequest(source(manager, files)), None)


def word(manager: PluginManager) -> Any:
    live = manager.runtime.live[PLUGIN]
    return live.plugin.__class__.__module__, __import__("sys").modules[live.plugin.__module__].words.WORD


def test_unpacking_that_was_killed_is_cleared_away_by_the_next_one(folder: Path) -> None:
    files = made()
    keep_files(files)
    unpacked = UnpackedPackages()
    unpacked.prune(frozenset())
    (cache,) = folder.rglob("packages")
    left = cache / f".{files.digest.removeprefix('sha256:')}.left"
    left.mkdir()

    assert unpacked.open(files.digest, PLUGIN) is not None
    assert not left.exists()


def test_installed_plugin_runs_from_its_unpacked_files_and_is_compiled_once(
    manager: PluginManager, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(manager, made())
    manager.stop_all()
    manager.follow()
    manager.stop_all()
    monkeypatch.setattr("gridkit_django.plugins.bundle._compiled", None)  # what is compiled again would raise

    manager.follow()

    module, found = word(manager)
    assert found == "one"
    assert str(folder) in str(__import__("sys").modules[module].__file__)
    assert manager.get_plugin(PLUGIN).source == "marketplace"


@pytest.mark.parametrize("what", ["files/words.py", "files/more.py", "code"])
def test_changed_cache_is_made_anew(manager: PluginManager, folder: Path, what: str) -> None:
    cache, files = UnpackedPackages(), made()
    keep_files(files)
    first = cache.open(files.digest, PLUGIN)
    assert first is not None
    place = Path(first.where).parent
    target = next(place.glob("*.code")) if what == "code" else place / what
    target.write_bytes(b"import os; os.abort()")

    again = cache.open(files.digest, PLUGIN)

    assert again is not None
    assert (again.contents, again.digest) == (files.contents, files.digest)
    assert (again.codes is None) == (what == "code")


@pytest.mark.parametrize(
    ("how", "code", "entry"),
    [
        ("changed", "package-record-hash", "words.py"),
        ("more", "package-record-unlisted", "more.py"),
        ("less", "package-record-absent", "words.py"),
        ("link", "package-link", "words.py"),
        ("pipe", "package-entry-kind", "pipe"),
        ("nothing", "package-record-absent", ""),
    ],
)
def test_unpacked_files_that_are_not_the_packages_are_refused_by_name_and_told_the_admin(
    manager: PluginManager, how: str, code: str, entry: str
) -> None:
    put(manager, made())
    manager.stop_all()
    opened = manager.runtime.catalog.unpacked.open(made().digest, PLUGIN)
    assert opened is not None
    files = Path(opened.where)
    spoil(files, how)

    manager.follow()

    assert word(manager)[1] == "one"
    told = AuditRecord.objects.get(action="plugin.refuse-files", target_id=PLUGIN)
    assert (told.evidence["code"], told.evidence["file"]) == (code, entry)
    assert told.evidence["reason"].startswith("Its files on this host were not run, and are made anew: ")
    assert {"host", "pid"} <= told.evidence.keys()
    assert (files / "words.py").read_bytes() == b"WORD = 'one'\n"
    assert not (files / "words.py").is_symlink()


def spoil(files: Path, how: str) -> None:
    """Do to unpacked files what nobody should."""
    target = files / "words.py"
    if how == "changed":
        target.write_text("WORD = 'evil'\n")
    elif how == "more":
        (files / "more.py").write_text("")
    elif how == "less":
        target.unlink()
    elif how == "link":
        aside = files.parent / "aside.py"
        target.rename(aside)
        target.symlink_to(aside)
    elif how == "pipe":
        os.mkfifo(files / "pipe")
    else:
        shutil.rmtree(files)


def test_start_reads_the_files_of_a_plugin_once_and_the_next_start_again(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(manager, made())
    reads, read = [], unpacked._read
    monkeypatch.setattr(unpacked, "_read", lambda *given: (reads.append(given), read(*given))[1])

    for starts in (1, 2):
        manager.stop_all()
        manager.follow()

        assert len(reads) == starts


def test_processes_at_once_unpack_once(monkeypatch: pytest.MonkeyPatch) -> None:
    files = made()
    keep_files(files)
    fetched: list[str] = []
    kept = open_kept(files.digest, PLUGIN)

    def count(digest: str, label: str) -> PluginFiles | None:
        fetched.append(digest)
        return kept

    monkeypatch.setattr(unpacked, "open_kept", count)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: UnpackedPackages().open(files.digest, PLUGIN), range(16)))

    assert {item.digest for item in found if item} == {files.digest}
    assert len(fetched) == 1


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a//b.py", "a/./b.py", "a\\b.py"])
def test_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    files = of({"plugin.toml": "", name: ""})
    keep_files(files)

    with pytest.raises(PluginLoadError, match="leads out"):
        UnpackedPackages().open(files.digest, PLUGIN)
    assert not list(folder.rglob("evil.py"))


def test_where_nothing_can_be_written_plugins_run_from_what_is_kept(
    folder: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "file").write_text("")
    settings.GRIDKIT = {"STATE_DIR": str(folder / "file")}
    cache, files = UnpackedPackages(), made()
    keep_files(files)

    found = [cache.open(files.digest, PLUGIN) for _ in range(2)]

    assert [item.contents for item in found if item] == [files.contents, files.contents]
    assert caplog.text.count("are not unpacked on this host") == 1


def test_content_that_is_kept_nowhere_is_no_files_and_tells_when_it_is_needed(manager: PluginManager) -> None:
    assert UnpackedPackages().open("sha256:00", PLUGIN) is None
    put(manager, made())
    manager.stop_all()
    manager.runtime.catalog.unpacked.prune(frozenset())
    forget_files([made().digest])

    manager.follow()

    assert "are not kept any more" in manager.get_plugin(PLUGIN).state_reason


def test_pruned_folder_keeps_what_is_named(folder: Path) -> None:
    cache = UnpackedPackages()
    both = [made(), made("2.0.0")]
    for files in both:
        keep_files(files)
        cache.open(files.digest, PLUGIN)

    assert cache.prune(frozenset({both[0].digest})) == 1
    assert cache.prune(frozenset({both[0].digest})) == 0


def test_large_package_lies_in_the_storage(
    settings: Any, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "packages": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder / "stored")},
        },
    }
    settings.GRIDKIT = {"PACKAGE_BYTES_MAX": 10}
    assert not keep_bytes("sha256:ab", b"x" * 11)
    settings.GRIDKIT = {"PACKAGE_BYTES_MAX": 10, "PACKAGE_STORAGE": "packages", "STATE_DIR": str(folder)}
    files = made()

    assert keep_files(files)

    row = PluginPackage.objects.get(digest=files.digest)
    assert (bytes(row.content), bool(row.stored_name)) == (b"", True)
    assert UnpackedPackages().open(files.digest, PLUGIN).contents == files.contents  # type: ignore[union-attr]
    stored = folder / "stored" / row.stored_name
    stored.rename(stored.with_suffix(".away"))
    with pytest.raises(PluginLoadError, match="can't be read from the storage"):
        open_kept(files.digest, PLUGIN)
    stored.with_suffix(".away").rename(stored)
    settings.GRIDKIT = {}
    with pytest.raises(PluginLoadError, match="PACKAGE_STORAGE names none"):
        open_kept(files.digest, PLUGIN)
    settings.GRIDKIT = {"PACKAGE_STORAGE": "packages"}
    forget_files([files.digest])
    assert not stored.exists()


def test_what_a_killed_worker_left_of_a_large_package_is_replaced(settings: Any, folder: Path) -> None:
    stored = folder / "stored"
    options = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(stored)}}
    settings.STORAGES = {**settings.STORAGES, "packages": options}
    settings.GRIDKIT = {"PACKAGE_BYTES_MAX": 10, "PACKAGE_STORAGE": "packages"}
    cut = stored / "gridkit" / "packages" / "ab.zip"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"the beginning of")

    for _ in range(2):  # the second one finds it whole
        assert keep_bytes("sha256:ab", b"the beginning of a package")
        assert kept_bytes("sha256:ab") == b"the beginning of a package"
    assert [path.name for path in cut.parent.iterdir()] == ["ab.zip"]


def test_update_waits_for_consent_and_roll_back_takes_code_and_permissions_together(
    manager: PluginManager, admin: User
) -> None:
    put(manager, made())
    newer = made("2.0.0", "two", more="rows:read")
    with pytest.raises(PluginConsentError):
        update_to(manager.runtime, PLUGIN, source(manager, newer), (), admin)
    waiting = manager.get_plugin(PLUGIN)
    assert (waiting.version, waiting.pending and waiting.pending.asks_for) == ("1.0.0", ("rows:read",))
    update_to(manager.runtime, PLUGIN, source(manager, newer), ("rows:read",), admin)
    assert (word(manager)[1], _granted(manager)["rows:read"]) == ("two", "granted")
    manager.revoke_permission(PLUGIN, "storage:use", user=admin)

    manager.roll_back_plugin(PLUGIN, user=admin)

    assert word(manager)[1] == "one"
    assert _granted(manager) == {
        "events:subscribe": "granted",
        "storage:use": "revoked",
        "methods:register": "granted",
    }


def _granted(manager: PluginManager) -> dict[str, str | None]:
    return {item.name: item.decision for item in manager.get_plugin(PLUGIN).permissions}


def test_reload_takes_the_version_in_use(manager: PluginManager) -> None:
    put(manager, made())

    manager.reload_plugin(PLUGIN)

    assert (manager.get_plugin(PLUGIN).version, word(manager)[1]) == ("1.0.0", "one")
