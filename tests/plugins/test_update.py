"""Updating with consent, rolling back, and running kept files where the source is another one or gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import (
    ManifestError,
    PluginConfigError,
    PluginConsentError,
    PluginIncompatibleError,
    PluginInitializeError,
    PluginLoadError,
    PluginPermissionError,
    PluginPinnedError,
    PluginStateError,
    PluginVersionError,
)
from gridkit_django.models import AuditRecord, InstalledPlugin, PluginPackage, PluginVersion
from gridkit_django.plugins import PluginManager, PluginRuntime, PluginUpdate
from gridkit_django.plugins.packages import CONTENTS_KEPT, VERSIONS_KEPT
from tests.plugins.samples import CODE, Listener, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

BROKEN = CODE.replace("def initialize(self, context):", "def initialize(self, context):\n        1/0")
ASKS = ("rows:read",)


def word(manager: PluginManager, plugin_id: str = "sample") -> Any:
    method, _ = manager.runtime.live[plugin_id].methods["word"]
    return method.handler(None)  # type: ignore[arg-type]


def write_asking(root: Path, *, version: str = "2.0.0", word: str = "two") -> Path:
    """Write a version that asks for ``rows:read`` too."""
    folder = write_plugin(root, version=version, word=word)
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('"methods:register"]', '"methods:register", "rows:read"]'))
    return folder


def restarted(manager: PluginManager) -> PluginManager:
    """Stop everything and follow anew, as a process does that just started."""
    manager.stop_all()
    manager.ensure_current()
    return manager


@pytest.fixture
def other(manager: PluginManager) -> Iterator[PluginManager]:
    """Another process, with a catalogue of its own."""
    found = PluginManager(PluginRuntime())
    yield found
    found.stop_all()


@pytest.fixture
def installed(manager: PluginManager, root: Path) -> PluginManager:
    write_plugin(root)
    manager.install_plugin("sample")
    return manager


def test_update_that_asks_for_nothing_new_takes_the_place_of_the_old(
    installed: PluginManager, root: Path, admin: User
) -> None:
    write_plugin(root, version="1.1.0", word="two")
    info = installed.update_plugin("sample", user=admin)
    assert (info.version, info.pinned, info.pending, info.kept_versions) == ("1.1.0", False, None, ("1.0.0",))
    assert word(installed) == "two"
    record = AuditRecord.objects.get(action="plugin.update")
    assert (record.actor_id, record.changes["version"]) == (str(admin.pk), ["1.0.0", "1.1.0"])
    revision = info.revision
    assert installed.update_plugin("sample").revision == revision, "there was nothing more to take"


def test_update_that_asks_for_more_waits_and_the_old_version_serves_in_every_new_process(
    installed: PluginManager, other: PluginManager, root: Path, admin: User
) -> None:
    write_asking(root)
    generation = installed.runtime.generations.current()
    with pytest.raises(PluginConsentError, match="rows:read") as caught:
        installed.update_plugin("sample", user=admin)
    assert caught.value.extra["permissions"] == ["rows:read"]
    info = restarted(installed).get_plugin("sample")
    assert info.pending is not None
    assert (info.version, info.pending.version, info.pending.asks_for) == ("1.0.0", "2.0.0", ASKS)
    assert info.effective_state == "active"
    other.ensure_current()
    assert word(installed) == word(other) == "one"
    assert installed.runtime.generations.current() == generation, "nobody has to follow what only waits"
    assert AuditRecord.objects.get(action="plugin.await").actor_id == str(admin.pk)
    with pytest.raises(PluginConsentError):
        installed.reload_plugin("sample")
    assert AuditRecord.objects.filter(action="plugin.await").count() == 1


def test_overwritten_folder_alone_makes_a_new_process_run_the_old_version_and_note_what_waits(
    installed: PluginManager, root: Path
) -> None:
    write_asking(root)
    restarted(installed)
    assert word(installed) == "one"
    info = installed.get_plugin("sample")
    assert info.pending is not None
    assert (info.pending.version, info.effective_state) == ("2.0.0", "active")
    assert AuditRecord.objects.get(action="plugin.await").actor_id == "runtime"


def test_consent_given_with_the_update_takes_it(installed: PluginManager, other: PluginManager, root: Path) -> None:
    write_asking(root)
    with pytest.raises(PluginConsentError):
        installed.update_plugin("sample")
    info = installed.update_plugin("sample", grants=ASKS)
    assert (info.version, info.pending) == ("2.0.0", None)
    assert {item.name: item.decision for item in info.permissions}["rows:read"] == "granted"
    other.ensure_current()
    assert word(installed) == word(other) == "two"


def test_consent_given_permission_by_permission_lets_the_update_through(installed: PluginManager, root: Path) -> None:
    write_asking(root)
    with pytest.raises(PluginConsentError):
        installed.update_plugin("sample")
    installed.grant_permission("sample", "rows:read")
    assert word(installed) == "two"
    info = installed.get_plugin("sample")
    assert (info.version, info.pending) == ("2.0.0", None)


def test_denied_permission_is_decided_and_the_update_comes_without_it(installed: PluginManager, root: Path) -> None:
    write_asking(root)
    installed.deny_permission("sample", "rows:read")
    assert installed.update_plugin("sample").version == "2.0.0"
    assert not installed.runtime.live["sample"].grants.allows("rows:read")


def test_refused_update_keeps_the_old_version_until_the_content_is_another_one(
    installed: PluginManager, root: Path, admin: User
) -> None:
    with pytest.raises(PluginVersionError, match="nothing to refuse"):
        installed.refuse_update("sample")
    write_asking(root)
    with pytest.raises(PluginConsentError):
        installed.update_plugin("sample")
    assert installed.refuse_update("sample", user=admin).pending is None
    restarted(installed)
    assert word(installed) == "one"
    assert installed.get_plugin("sample").pending is None, "it was refused, so it does not wait again"
    assert installed.check_updates()[0].refused
    write_asking(root, version="2.0.1", word="three")
    restarted(installed)
    pending = installed.get_plugin("sample").pending
    assert pending is not None
    assert pending.version == "2.0.1"
    assert AuditRecord.objects.get(action="plugin.refuse").actor_id == str(admin.pk)


def test_version_that_waits_is_replaced_by_the_next_one(installed: PluginManager, root: Path) -> None:
    for version in ("2.0.0", "2.1.0"):
        write_asking(root, version=version)
        with pytest.raises(PluginConsentError):
            installed.update_plugin("sample")
    assert [item.version for item in installed.list_versions("sample")] == ["1.0.0", "2.1.0"]
    assert PluginPackage.objects.count() == 2


def test_update_that_can_not_start_is_put_back_and_does_not_run_by_itself(
    installed: PluginManager, other: PluginManager, root: Path
) -> None:
    write_plugin(root, version="2.0.0", code=BROKEN)
    with pytest.raises(PluginInitializeError, match=r"plugin\.py, line \d+: ZeroDivisionError") as caught:
        installed.update_plugin("sample")
    assert caught.value.extra["file"] == "plugin.py"
    info = installed.get_plugin("sample")
    assert (info.version, info.effective_state, info.pinned) == ("1.0.0", "active", False)
    other.ensure_current()
    assert word(restarted(installed)) == word(other) == "one"
    record = AuditRecord.objects.get(action="plugin.rollback")
    assert (record.actor_id, record.changes["version"]) == ("runtime", ["2.0.0", "1.0.0"])
    assert "ZeroDivisionError" in record.context["evidence"]["reason"]
    write_plugin(root, version="2.0.1", word="mended")
    assert word(restarted(installed)) == "mended"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (('core_version = "*"', 'core_version = ">=99"'), PluginIncompatibleError),
        (('id = "sample"', 'id = "impostor"'), PluginLoadError),
        (('license = "MIT"', "license = 1"), ManifestError),
        (('license = "MIT"', 'license = "MIT"\nrequires_restart = true'), PluginStateError),
        (('license = "MIT"', 'license = "MIT"\npeer_plugins = ["nobody"]'), PluginIncompatibleError),
    ],
)
def test_update_that_does_not_fit_is_refused_and_the_old_version_serves_on(
    installed: PluginManager, root: Path, change: tuple[str, str], error: type[Exception]
) -> None:
    manifest = write_plugin(root, version="2.0.0", word="two") / "plugin.toml"
    manifest.write_text(manifest.read_text().replace(*change))
    with pytest.raises(error):
        installed.update_plugin("sample")
    assert word(installed) == "one"
    assert installed.get_plugin("sample").version == "1.0.0"


@pytest.mark.parametrize("text", ['core_version = ">=99"', 'core_version = "*"\nid = "impostor"', "core_version = 1"])
def test_source_that_does_not_fit_leaves_a_new_process_with_the_kept_files(
    installed: PluginManager, root: Path, text: str
) -> None:
    manifest = root / "sample" / "plugin.toml"
    kept = [line for line in manifest.read_text().splitlines() if not line.startswith(("core_version", "id ="))]
    identity = "" if "id =" in text else '\nid = "sample"'
    manifest.write_text("\n".join([*kept, text + identity]))
    (root / "sample" / "words.py").write_text("WORD = 'two'\n")
    restarted(installed)
    assert (word(installed), installed.get_plugin("sample").effective_state) == ("one", "active")


def test_overwritten_folder_that_can_not_start_leaves_a_new_process_with_the_installed_version(
    installed: PluginManager, root: Path
) -> None:
    fails = CODE.replace("def initialize(self, context):", "def initialize(self, context):\n        no_luck()")
    write_plugin(root, version="1.1.0", code=fails)

    restarted(installed)

    info = installed.get_plugin("sample")
    assert word(installed) == "one"
    assert (info.version, info.effective_state, info.state_code) == ("1.0.0", "degraded", "plugin-initialize-failed")
    assert "no_luck" in info.state_reason

    write_plugin(root, version="1.2.0", word="mended")
    assert word(restarted(installed)) == "mended"


def test_kept_files_run_on_a_host_whose_folder_is_missing(installed: PluginManager, root: Path, tmp_path: Path) -> None:
    (root / "sample" / "data").mkdir()
    (root / "sample" / "data" / "greeting.txt").write_text("moin")
    code = CODE.replace("lambda call: words.WORD", "lambda call: self.read()") + (
        "\n    def read(self):\n"
        "        import pkgutil\n"
        "        from importlib import resources\n"
        "        text = resources.files(__package__).joinpath('data', 'greeting.txt').read_text()\n"
        "        return text, pkgutil.get_data(__package__, 'data/greeting.txt').decode(), __file__\n"
    )
    write_plugin(root, code=code)
    installed.reload_plugin("sample")
    assert word(installed) == ("moin", "moin", str(root / "sample" / "plugin.py"))
    (root / "sample").rename(tmp_path / ".away")
    restarted(installed)
    text, data, file = word(installed)
    assert (text, data) == ("moin", "moin")
    assert file.startswith("sample@")
    assert installed.get_plugin("sample").effective_state == "active"
    assert not [path for path in root.rglob("*") if path.is_dir() and not path.is_relative_to(root / ".away")]


def test_without_kept_files_the_new_version_does_not_run_without_consent(
    manager: PluginManager, root: Path, settings: Any
) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "PACKAGE_BYTES_MAX": 10}
    write_plugin(root)
    manager.install_plugin("sample")
    assert not PluginPackage.objects.exists()
    write_asking(root)
    restarted(manager)
    info = manager.get_plugin("sample")
    assert manager.runtime.live == {}
    assert info.state_code == "plugin-consent-required"
    manager.grant_permission("sample", "rows:read")
    assert word(manager) == "two"
    with pytest.raises(PluginVersionError, match="larger than PACKAGE_BYTES_MAX"):
        manager.roll_back_plugin("sample")


@pytest.mark.parametrize(
    ("content", "text"), [(b"no archive", "can't be read"), (None, "digest is another one")], ids=["broken", "changed"]
)
def test_kept_files_that_were_tampered_with_do_not_run(
    installed: PluginManager, root: Path, content: bytes | None, text: str
) -> None:
    write_plugin(root, version="2.0.0", word="evil")
    installed.update_plugin("sample")
    old, new = PluginPackage.objects.order_by("pk")
    old.content = content or new.content
    old.save()
    with pytest.raises(PluginLoadError, match=text):
        installed.roll_back_plugin("sample")
    assert word(installed) == "evil"


def test_roll_back_brings_code_and_pin_and_a_new_process_holds_them(
    installed: PluginManager, other: PluginManager, root: Path, admin: User
) -> None:
    write_plugin(root, version="1.1.0", word="two")
    installed.update_plugin("sample")
    info = installed.roll_back_plugin("sample", user=admin)
    assert (info.version, info.pinned, info.kept_versions) == ("1.0.0", True, ("1.1.0",))
    other.ensure_current()
    assert word(restarted(installed)) == word(other) == "one"
    record = AuditRecord.objects.get(action="plugin.rollback")
    assert (record.actor_id, record.changes) == (
        str(admin.pk),
        {"version": ["1.1.0", "1.0.0"], "pinned": [False, True]},
    )
    write_plugin(root, version="1.2.0", word="three")
    assert word(restarted(installed)) == "one", "pinned"
    assert installed.reload_plugin("sample").version == "1.0.0"
    installed.unpin_plugin("sample")
    info = installed.update_plugin("sample")
    assert (info.version, info.pinned, word(installed)) == ("1.2.0", False, "three")


CONFIGURED = """
from pydantic import BaseModel
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    config_version = {version}

    class Config(BaseModel):
        {key}: int = 1

    @classmethod
    def migrate_config(cls, values, from_version):
        return {{"seconds": values.get("minutes", 1) * 60}}

    def initialize(self, context):
        context.register_method("word", lambda call: self.context.config.{key}, schema={{}}, label="Word")
"""


def test_roll_back_brings_the_configuration_of_its_time_and_updating_again_brings_the_newer_one(
    manager: PluginManager, root: Path
) -> None:
    write_plugin(root, code=CONFIGURED.format(version=1, key="minutes"))
    manager.install_plugin("sample", config={"minutes": 5})
    write_plugin(root, version="2.0.0", code=CONFIGURED.format(version=2, key="seconds"))
    manager.update_plugin("sample")
    assert word(manager) == 300
    manager.configure_plugin("sample", {"seconds": 77})
    info = manager.roll_back_plugin("sample")
    assert (info.version, info.config, word(manager)) == ("1.0.0", {"minutes": 5}, 5)
    manager.configure_plugin("sample", {"minutes": 6})
    assert word(restarted(manager)) == 6
    manager.unpin_plugin("sample")
    info = manager.update_plugin("sample")
    assert (info.version, word(manager)) == ("2.0.0", 360)


def test_update_whose_configuration_does_not_fit_is_refused(manager: PluginManager, root: Path) -> None:
    write_plugin(root, code=CONFIGURED.format(version=1, key="minutes"))
    manager.install_plugin("sample", config={"minutes": 5})
    code = CONFIGURED.format(version=2, key="seconds").replace('values.get("minutes", 1) * 60', '"many"')
    write_plugin(root, version="2.0.0", code=code)
    with pytest.raises(PluginConfigError, match="seconds"):
        manager.update_plugin("sample")
    assert (manager.get_plugin("sample").version, word(manager)) == ("1.0.0", 5)


def test_roll_back_without_a_name_goes_to_what_was_in_use_before(installed: PluginManager, root: Path) -> None:
    for version in ("1.1.0", "1.2.0"):
        write_plugin(root, version=version, word=version)
        installed.update_plugin("sample")
    assert installed.roll_back_plugin("sample").version == "1.1.0"
    assert installed.roll_back_plugin("sample").version == "1.0.0"
    with pytest.raises(PluginVersionError, match=r"no an earlier version|earlier version"):
        installed.roll_back_plugin("sample")
    assert installed.roll_back_plugin("sample", "1.2.0").version == "1.2.0"
    installed.unpin_plugin("sample")
    assert installed.update_plugin("sample", "1.1.0").pinned
    assert [item.version for item in installed.list_versions("sample")] == ["1.1.0", "1.2.0", "1.0.0"]
    with pytest.raises(PluginPinnedError, match=r"pinned to 1\.1\.0"):
        installed.update_plugin("sample", "1.2.0")
    installed.unpin_plugin("sample")
    with pytest.raises(PluginVersionError, match=r"no 7\.0\.0 to go to.*1\.0\.0"):
        installed.update_plugin("sample", "7.0.0")


def test_roll_back_to_what_can_not_start_any_more_leaves_the_version_in_use(
    installed: PluginManager, root: Path, settings: Any
) -> None:
    fuse = root.parent / f"{root.name}.fuse"
    start = "def initialize(self, context):"
    code = CODE.replace(start, f"{start}\n        __import__('os').stat({str(fuse)!r})")
    fuse.touch()
    write_plugin(root, version="1.1.0", code=code)
    installed.update_plugin("sample")
    write_plugin(root, version="1.2.0", word="three")
    installed.update_plugin("sample")
    fuse.unlink()
    with pytest.raises(PluginInitializeError, match="FileNotFoundError"):
        installed.roll_back_plugin("sample")
    info = installed.get_plugin("sample")
    assert (info.version, info.pinned, word(installed)) == ("1.2.0", False, "three")


def test_code_that_is_not_ours_is_not_rolled_back(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(PluginStateError, match="given in code"):
        manager.roll_back_plugin("listener")
    manager.install_plugin("@gridkit/plugin-export", activate=False)
    with pytest.raises(PluginStateError, match="with pip"):
        manager.roll_back_plugin("@gridkit/plugin-export")
    with pytest.raises(PluginVersionError, match="with pip"):
        manager.update_plugin("@gridkit/plugin-export", "99")
    assert manager.update_plugin("listener").version == "1.0.0"


def test_updates_are_told_with_what_they_ask_for_and_whether_they_fit(installed: PluginManager, root: Path) -> None:
    assert installed.check_updates() == ()
    write_asking(root)
    expected = PluginUpdate("sample", "1.0.0", "2.0.0", "folder:sample", asks_for=ASKS)
    assert installed.check_updates() == (expected,)
    write_plugin(root, version="2.0.0", core=">=99")
    (found,) = installed.check_updates()
    assert (found.fits, ">=99" in found.reason) == (False, True)
    (root / "sample" / "plugin.toml").write_text("id =")
    (found,) = installed.check_updates()
    assert (found.available, found.fits) == ("", False)
    (root / "sample").rename(root / ".gone")
    assert installed.check_updates() == ()


def test_grant_that_names_no_permission_changes_nothing(installed: PluginManager, root: Path) -> None:
    write_asking(root)
    with pytest.raises(PluginPermissionError):
        installed.update_plugin("sample", grants=["rows:eat"])
    assert InstalledPlugin.objects.get().pending_version is None


def test_inactive_plugin_is_updated_without_starting(installed: PluginManager, root: Path) -> None:
    installed.deactivate_plugin("sample")
    write_plugin(root, version="1.1.0", word="two")
    info = installed.update_plugin("sample")
    assert (info.version, info.effective_state, installed.runtime.live) == ("1.1.0", "installed", {})


def test_files_of_old_versions_are_dropped_and_uninstalling_drops_all(installed: PluginManager, root: Path) -> None:
    for number in range(VERSIONS_KEPT + 2):
        write_plugin(root, version=f"2.{number}.0", word=str(number))
        installed.update_plugin("sample")
    versions = installed.list_versions("sample")
    assert [item.kept for item in versions] == [True] * VERSIONS_KEPT + [False] * 3
    for number in range(CONTENTS_KEPT + 2):
        write_plugin(root, version="3.0.0", word=str(number))
        installed.reload_plugin("sample")
    assert PluginVersion.objects.filter(version="3.0.0").count() == CONTENTS_KEPT
    installed.uninstall_plugin("sample")
    assert not PluginPackage.objects.exists()


def test_content_found_at_the_source_by_a_new_process_is_kept(installed: PluginManager, root: Path) -> None:
    write_plugin(root, version="1.1.0", word="two")
    assert word(restarted(installed)) == "two"
    assert installed.get_plugin("sample").version == "1.1.0"
    assert PluginPackage.objects.count() == 2
    assert installed.roll_back_plugin("sample").version == "1.0.0"
