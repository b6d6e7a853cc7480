"""Another configuration schema: a copy is migrated, judged, and only then stored; the old code serves until it fits."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from pydantic import BaseModel, SecretStr

from gridkit_django.exceptions import PluginConfigError, PluginError
from gridkit_django.grids import grid_registry
from gridkit_django.models import AuditRecord, InstalledPlugin, PluginConfig, PluginVersion
from gridkit_django.plugins import MASK, Plugin, PluginManager
from gridkit_django.plugins.config_migration import ConfigTarget, fit_layer
from gridkit_django.plugins.configuration import for_version
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.revisions import ConfigLayer
from gridkit_django.plugins.secret_values import open_secrets
from tests.plugins.samples import metadata, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

HEAD = """
from pydantic import BaseModel, SecretStr
from gridkit_django.plugins import Plugin
"""

ONE = """
class Sample(Plugin):
    class Config(BaseModel):
        hours: int = 1
        token: SecretStr = SecretStr("")
        colour: str = "red"
"""

THREE = """
class Sample(Plugin):
    config_version = 3

    class Config(BaseModel):
        seconds: int = 3600
        key: SecretStr = SecretStr("")

    @classmethod
    def migrate_config(cls, values, from_version):
        if from_version == 1 and "hours" in values:
            values["minutes"] = values.pop("hours") * 60
        if from_version == 2 and "minutes" in values:
            values["seconds"] = values.pop("minutes") * 60
        if from_version == 2 and "token" in values:
            values["key"] = values.pop("token")
        return values
"""


def write(root: Path, version: str, code: str) -> None:
    write_plugin(root, version=version, code=HEAD + textwrap.dedent(code))


def installed(manager: PluginManager, root: Path, config: dict[str, Any] | None = None) -> None:
    write(root, "1.0.0", ONE)
    manager.install_plugin("sample", config=config or {"hours": 2, "token": "s3cret", "colour": "blue"})


def newest(grid: str = "") -> PluginConfig:
    return PluginConfig.objects.filter(grid=grid).latest("revision")


def opened(row: PluginConfig) -> dict[str, Any]:
    return open_secrets(row.data, Keyring.of_site())


def config(manager: PluginManager, grid: str | None = None) -> Any:
    return manager.runtime.live["sample"].plugin.context.config_for(grid)


def test_values_go_through_every_step_and_are_stored_by_the_system(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    write(root, "2.0.0", THREE)
    manager.reload_plugin("sample")
    assert (config(manager).seconds, config(manager).key.get_secret_value()) == (7200, "s3cret")
    row = newest()
    assert (row.revision, row.schema_version, row.author) == (2, 3, None)
    assert row.note == "From schema version 1 to 3"
    assert opened(row) == {"seconds": 7200, "key": "s3cret"}
    assert row.aside == {"colour": "blue"}
    assert "s3cret" not in str(row.data)
    assert PluginVersion.objects.get(version="2.0.0").config_version == 3
    record = AuditRecord.objects.get(action="plugin.migrate_config")
    assert record.context["evidence"]["from"] == {"revision": 1, "schemaVersion": 1}
    assert record.context["evidence"]["aside"] == ["colour"]
    assert (record.actor_kind, record.actor_id) == ("system", "runtime")


def test_values_of_each_grid_are_migrated_too(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    manager.configure_plugin("sample", {"hours": 3, "token": MASK}, grid="plugin-orders")
    write(root, "2.0.0", THREE)
    manager.reload_plugin("sample")
    of_grid = config(manager, "plugin-orders")
    assert (of_grid.seconds, of_grid.key.get_secret_value()) == (10800, "s3cret")
    assert opened(newest("plugin-orders")) == {"seconds": 10800}
    assert (newest("plugin-orders").revision, newest("plugin-orders").schema_version) == (2, 3)


def test_migration_is_stored_once_and_raises_no_generation(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    write(root, "2.0.0", THREE)
    manager.reload_plugin("sample")
    before = (PluginConfig.objects.count(), manager.runtime.generations.current())
    manager.stop_all()
    manager.follow()
    assert config(manager).seconds == 7200
    assert (PluginConfig.objects.count(), manager.runtime.generations.current()) == before


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("raise KeyError(values['token'])", "KeyError"),
        ("raise SystemExit('no')", "SystemExit"),
        ("return None", "no dict of JSON values"),
        ("return {'seconds': object()}", "no dict of JSON values"),
        ("return {'seconds': 'soon'}", "valid integer"),
    ],
)
def test_migration_that_fails_leaves_the_old_code_serving_and_nothing_stored(
    manager: PluginManager, root: Path, step: str, told: str
) -> None:
    installed(manager, root)
    serving = manager.runtime.live["sample"].plugin
    broken = THREE.replace("if from_version == 1 and", f"if from_version == 2:\n            {step}\n        if 'x' and")
    write(root, "2.0.0", broken)
    with pytest.raises(PluginError, match=told) as caught:
        manager.reload_plugin("sample")
    assert "s3cret" not in caught.value.detail
    assert manager.runtime.live["sample"].plugin is serving
    assert config(manager).hours == 2
    info = manager.get_plugin("sample")
    assert (info.effective_state, info.state_code) == ("degraded", "plugin-config-invalid")
    assert [row.revision for row in PluginConfig.objects.all()] == [1]


def test_grids_values_that_do_not_fit_the_new_schema_keep_the_old_code_serving(
    manager: PluginManager, root: Path
) -> None:
    installed(manager, root)
    manager.configure_plugin("sample", {"hours": 3}, grid="plugin-orders")
    strict = THREE.replace("seconds: int = 3600", "seconds: Annotated[int, Field(le=7200)] = 3600")
    write(root, "2.0.0", "from typing import Annotated\nfrom pydantic import Field\n" + strict)
    with pytest.raises(PluginConfigError, match="7200"):
        manager.reload_plugin("sample")
    assert config(manager, "plugin-orders").hours == 3


def test_new_configuration_is_the_way_out_of_a_failing_migration(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    manager.deactivate_plugin("sample")
    write(root, "2.0.0", THREE.replace('values["seconds"] = values.pop("minutes") * 60', "1 / 0"))
    manager.configure_plugin("sample", {"seconds": 5})
    assert manager.activate_plugin("sample").effective_state == "active"
    assert config(manager).seconds == 5
    assert (newest().schema_version, opened(newest())) == (3, {"seconds": 5})


def test_keys_set_aside_come_back_with_the_code_that_knows_them(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    without = ONE.replace('colour: str = "red"', "")
    write(root, "1.1.0", without)
    manager.reload_plugin("sample")
    assert (newest().aside, newest().note) == ({"colour": "blue"}, "Keys set aside or taken back")
    manager.configure_plugin("sample", {"hours": 7, "token": MASK})
    assert newest().aside == {"colour": "blue"}
    write(root, "1.2.0", ONE)
    manager.reload_plugin("sample")
    assert (config(manager).hours, config(manager).colour) == (7, "blue")
    assert newest().aside == {}


def test_secret_that_is_set_aside_stays_sealed_and_comes_back(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    write(root, "1.1.0", ONE.replace('token: SecretStr = SecretStr("")', ""))
    manager.reload_plugin("sample")
    assert list(newest().aside) == ["token"]
    assert "s3cret" not in str(newest().aside)
    write(root, "1.2.0", ONE)
    manager.reload_plugin("sample")
    assert config(manager).token.get_secret_value() == "s3cret"


def test_older_code_gets_the_newest_revision_that_it_understands(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    write(root, "2.0.0", THREE)
    manager.reload_plugin("sample")
    manager.configure_plugin("sample", {"seconds": 1, "key": "n3w"})
    write(root, "1.0.1", ONE)
    manager.reload_plugin("sample")
    assert (config(manager).hours, config(manager).colour) == (2, "blue")
    assert config(manager).token.get_secret_value() == "s3cret"
    assert sorted(newest().aside) == ["key", "seconds"]
    assert "n3w" not in str(newest().aside)
    write(root, "2.0.1", THREE)
    manager.reload_plugin("sample")
    assert (config(manager).seconds, config(manager).key.get_secret_value()) == (7200, "s3cret")


def test_roll_back_stores_what_was_in_force_with_the_version(manager: PluginManager, root: Path, admin: User) -> None:
    installed(manager, root)
    manager.configure_plugin("sample", {"hours": 4}, grid="plugin-orders")
    write(root, "2.0.0", THREE)
    manager.reload_plugin("sample")
    manager.configure_plugin("sample", {"seconds": 1})
    row = InstalledPlugin.objects.get()
    first, second = row.versions.get(version="1.0.0"), row.versions.get(version="2.0.0")
    with transaction.atomic():
        assert for_version(row, second, admin) == ()
        assert len(for_version(row, first, admin)) == 2
    assert (opened(newest())["hours"], newest().schema_version, newest().author) == (2, 1, admin)
    assert newest().note == "For version 1.0.0"
    assert opened(newest("plugin-orders")) == {"hours": 4}
    assert newest().aside == {"seconds": 1}
    with transaction.atomic():
        assert len(for_version(row, second, None)) == 2
    assert (opened(newest()), newest().schema_version, newest().author) == ({"seconds": 1}, 3, None)
    assert sorted(newest().aside) == ["colour", "hours", "token"]
    assert opened(newest("plugin-orders")) == {"seconds": 14400}


def test_scope_that_has_nothing_for_an_older_schema_keeps_what_both_know(db: None) -> None:
    class Older(Plugin):
        metadata = metadata("older")
        config_version = 2

        class Config(BaseModel):
            both: int = 0

    layer = ConfigLayer("", {"both": 1, "newer": 2}, 5, {"gone": 3}, 1)
    fit = fit_layer("older", layer, Older)
    assert (fit.data, fit.aside, fit.schema_version) == ({"both": 1}, {"gone": 3, "newer": 2}, 2)
    assert fit_layer("older", fit, Older) is fit


def test_schema_that_takes_any_key_sets_none_aside() -> None:
    class Open(Plugin):
        metadata = metadata("open")

        class Config(BaseModel):
            model_config = {"extra": "allow"}
            token: SecretStr = SecretStr("")

    layer = ConfigLayer("", {"anything": 1}, 1, {}, 1)
    assert fit_layer("open", layer, Open) is layer
    assert ConfigTarget.of_class(Open).known is None
    version = PluginVersion(config_schema=Open.Config.model_json_schema(), config_version=1)
    assert ConfigTarget.of_version(version).known is None


def test_grid_that_is_no_longer_declared_does_not_stand_in_the_way(manager: PluginManager, root: Path) -> None:
    installed(manager, root)
    manager.configure_plugin("sample", {"hours": 3}, grid="plugin-orders")
    declared = grid_registry().get("plugin-orders")
    grid_registry().unregister("plugin-orders")
    write(root, "2.0.0", THREE)
    manager.reload_plugin("sample")
    assert manager.configure_plugin("sample", {"seconds": 9}).effective_state == "active"
    grid_registry().register(declared if isinstance(declared, type) else type(declared))
