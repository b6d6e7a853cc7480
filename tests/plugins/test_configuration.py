"""Configurations: layers, revisions, pinned values, secrets."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pydantic import AliasChoices, AliasPath, BaseModel, Field

from gridkit_django.exceptions import GridNotFoundError, PluginConfigError, PluginError, PluginLoadError
from gridkit_django.models import AuditRecord, PluginConfig
from gridkit_django.plugins import MASK, Plugin, PluginContext, PluginManager
from gridkit_django.plugins.config import known_keys
from tests.plugins.samples import Chosen, Demanding, Explosive, Listener, metadata, write_plugin

pytestmark = pytest.mark.django_db(transaction=True)


def config(manager: PluginManager, plugin_id: str = "listener") -> Any:
    return manager.runtime.live[plugin_id].plugin.context.config


@pytest.mark.both_databases
def test_configuration_is_in_force_at_once_in_a_new_object(manager: PluginManager, admin: User) -> None:
    manager.install_plugin(Listener, config={"greeting": "hi"})
    old = manager.runtime.live["listener"].plugin
    Listener.life.clear()
    manager.configure_plugin("listener", {"volume": 3}, user=admin)
    assert (config(manager).greeting, config(manager).volume) == ("hello", 3)
    assert manager.runtime.live["listener"].plugin is not old
    assert Listener.life == ["initialize", "take over", "destroy"]
    revisions = PluginConfig.objects.order_by("revision").values_list("revision", "data", "author")
    assert list(revisions) == [(1, {"greeting": "hi"}, None), (2, {"volume": 3}, admin.pk)]
    record = AuditRecord.objects.get(action="plugin.configure")
    assert record.changes == {"greeting": ["hi", None], "volume": [None, 3]}


@pytest.mark.parametrize(
    ("data", "pointer", "detail"),
    [
        ({"volume": 12}, "/volume", "less than or equal to 11"),
        ({"volume": "loud"}, "/volume", "integer"),
        ({"colour": "red"}, "/colour", "no such key"),
    ],
)
def test_configuration_that_does_not_fit_is_refused_and_nothing_changes(
    manager: PluginManager, data: dict[str, Any], pointer: str, detail: str
) -> None:
    manager.install_plugin(Listener)
    before = manager.runtime.generations.current()
    with pytest.raises(PluginConfigError, match=detail) as caught:
        manager.configure_plugin("listener", data)
    assert [item.pointer for item in caught.value.errors] == [pointer]
    assert manager.runtime.generations.current() == before
    assert PluginConfig.objects.count() == 1


def test_grid_overlays_the_sites_configuration(manager: PluginManager) -> None:
    manager.install_plugin(Chosen, config={"volume": 2})
    context: PluginContext = manager.runtime.live["chosen"].plugin.context
    assert context.config_for(None).greeting == "hello"
    closed = context.config_for("closed-orders")
    assert (closed.greeting, closed.volume) == ("from the grid", 2)
    manager.configure_plugin("chosen", {"greeting": "from the administrator"}, grid="closed-orders")
    context = manager.runtime.live["chosen"].plugin.context
    closed = context.config_for("closed-orders")
    assert closed is context.config_for("closed-orders")
    assert (closed.greeting, closed.volume) == ("from the administrator", 2)
    assert manager.get_config("chosen", grid="closed-orders") == {
        "greeting": "from the administrator",
        "volume": 2,
    }
    with pytest.raises(GridNotFoundError):
        manager.configure_plugin("chosen", {}, grid="nowhere")


def test_overlay_that_does_not_fit_is_told_to_the_handler(manager: PluginManager) -> None:
    class Strict(Plugin):
        metadata = metadata("chosen")

        class Config(BaseModel):
            number: int = 1

    manager.install_plugin(Strict)
    context: PluginContext = manager.runtime.live["chosen"].plugin.context
    with pytest.raises(PluginConfigError, match="greeting"):
        context.config_for("closed-orders")
    manager.runtime.catalog.remove_object("chosen")


def test_pinned_values_are_in_force_and_can_not_be_changed(manager: PluginManager, settings: Any) -> None:
    settings.GRIDKIT = {"PLUGIN_PINS": {"listener": {"volume": 5, "password": "pinned"}, "chosen": {"volume": 5}}}
    info = manager.install_plugin(Listener, config={"volume": 5})
    assert info.locked == ("password", "volume")
    assert config(manager).volume == 5
    with pytest.raises(PluginConfigError, match="locked") as caught:
        manager.configure_plugin("listener", {"volume": 6})
    assert caught.value.errors[0].pointer == "/volume"
    info = manager.configure_plugin("listener", {"volume": 5, "password": MASK, "greeting": "x"})
    assert info.config == {"greeting": "x", "volume": 5, "password": MASK}
    assert PluginConfig.objects.latest("revision").data == {"greeting": "x"}
    with pytest.raises(PluginConfigError, match="locked"):
        manager.install_plugin(Chosen, config={"volume": 1})


def test_secret_goes_in_and_never_comes_out(manager: PluginManager) -> None:
    info = manager.install_plugin(Listener, config={"password": "s3cret"})
    assert info.config == {"password": MASK}
    info = manager.configure_plugin("listener", {"password": MASK, "greeting": "hi"})
    assert config(manager).password.get_secret_value() == "s3cret"
    manager.configure_plugin("listener", {"password": "n3w"})
    assert config(manager).password.get_secret_value() == "n3w"
    told = [str(record.changes) + str(record.context) for record in AuditRecord.objects.all()]
    assert not any("s3cret" in text or "n3w" in text for text in told)
    assert AuditRecord.objects.filter(changes__has_key="password").count() == 1
    with pytest.raises(PluginConfigError) as caught:
        manager.configure_plugin("listener", {"password": ["s3cret"]})
    assert "s3cret" not in caught.value.detail


def test_plugin_without_sensible_defaults_can_be_installed_but_not_started(manager: PluginManager) -> None:
    with pytest.raises(PluginConfigError, match="address"):
        manager.install_plugin(Demanding)
    assert manager.install_plugin(Demanding, activate=False).desired_state == "inactive"
    with pytest.raises(PluginConfigError, match="address"):
        manager.activate_plugin("demanding")
    info = manager.configure_plugin("demanding", {"address": "here"})
    assert (info.effective_state, info.state_code) == ("active", "")


def test_configuration_of_a_plugin_that_is_not_at_work_is_judged_by_its_code(manager: PluginManager, root: Any) -> None:
    folder = write_plugin(root)
    manager.install_plugin("sample", activate=False)
    with pytest.raises(PluginConfigError, match="no such key"):
        manager.configure_plugin("sample", {"a": 1})
    assert manager.configure_plugin("sample", {}).config == {}
    (folder / "plugin.py").write_text("1 / 0")
    with pytest.raises(PluginLoadError, match="ZeroDivisionError"):
        manager.configure_plugin("sample", {})


def test_configuration_with_which_the_plugin_can_not_start_leaves_the_old_one_serving(manager: PluginManager) -> None:
    Explosive.fuse.clear()
    manager.install_plugin(Explosive)
    serving = manager.runtime.live["explosive"]
    Explosive.fuse.append(RuntimeError("bang"))
    with pytest.raises(PluginError, match="bang"):
        manager.configure_plugin("explosive", {})
    assert manager.runtime.live["explosive"] is serving
    info = manager.get_plugin("explosive")
    assert (info.desired_state, info.effective_state, info.state_code) == (
        "active",
        "degraded",
        "plugin-initialize-failed",
    )
    assert AuditRecord.objects.filter(action="plugin.degrade").count() == 1
    Explosive.fuse.clear()
    assert manager.configure_plugin("explosive", {}).effective_state == "active"


def test_extra_keys_are_taken_where_the_author_says_so(manager: PluginManager) -> None:
    class Open(Plugin):
        metadata = metadata("open")

        class Config(BaseModel):
            model_config = {"extra": "allow"}

    manager.install_plugin(Open, config={"anything": 1})
    assert config(manager, "open").anything == 1
    assert Open.get_default_config() == {}
    assert Listener.get_default_config() == {"greeting": "hello", "volume": 1, "password": ""}
    assert Demanding.get_default_config() == {}
    manager.runtime.catalog.remove_object("open")


def test_every_name_that_a_field_is_read_from_is_known(manager: PluginManager) -> None:
    class Aliased(Plugin):
        metadata = metadata("aliased")

        class Config(BaseModel):
            own: int = Field(0, alias="other")
            choice: int = Field(0, validation_alias=AliasChoices("first", AliasPath("second", "inner")))
            deep: int = Field(0, validation_alias=AliasPath("third", 0))

    assert known_keys(Aliased.Config) == {"own", "other", "choice", "first", "second", "deep", "third"}
    manager.install_plugin(Aliased, config={"other": 1, "second": {"inner": 2}, "third": [3]})
    assert (config(manager, "aliased").own, config(manager, "aliased").choice, config(manager, "aliased").deep) == (
        1,
        2,
        3,
    )
    manager.runtime.catalog.remove_object("aliased")
