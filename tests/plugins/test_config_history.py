"""Revisions: who wrote what, what changed between two, and going back."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pydantic import BaseModel, SecretStr, ValidationInfo, field_validator

from gridkit_django.exceptions import ConfigRevisionNotFoundError, PluginConfigError, PluginNotFoundError
from gridkit_django.models import AuditRecord, PluginConfig
from gridkit_django.plugins import MASK, ConfigChange, Plugin, PluginManager
from gridkit_django.plugins.encryption import Keyring
from tests.plugins.samples import Demanding, Listener, metadata

pytestmark = pytest.mark.django_db(transaction=True)


class Account(BaseModel):
    user: str = ""
    token: SecretStr = SecretStr("")


class Deep(Plugin):
    """Has nested values, and one that depends on another."""

    metadata = metadata("deep")

    class Config(BaseModel):
        account: Account = Account()
        accounts: list[Account] = []
        numbers: list[int] = []
        low: int = 0
        high: int = 10

        @field_validator("high")
        @classmethod
        def not_below(cls, high: int, info: ValidationInfo) -> int:
            if high < info.data.get("low", 0):
                raise ValueError("high is below low")
            return high


@pytest.fixture
def deep(manager: PluginManager) -> Any:
    manager.install_plugin(Deep)
    yield manager
    manager.runtime.catalog.remove_object("deep")


def config(manager: PluginManager, plugin_id: str = "listener", grid: str | None = None) -> Any:
    return manager.runtime.live[plugin_id].plugin.context.config_for(grid)


@pytest.mark.both_databases
def test_revisions_are_listed_newest_first_with_author_and_masks(manager: PluginManager, admin: User) -> None:
    manager.install_plugin(Listener, config={"password": "s3cret"})
    manager.configure_plugin("listener", {"password": MASK, "volume": 3}, user=admin)
    newer, older = manager.list_config_revisions("listener")
    assert (newer.revision, newer.author, newer.current, newer.note) == (2, "root", True, "")
    assert (older.revision, older.author, older.current) == (1, None, False)
    assert newer.values == {"password": MASK, "volume": 3}
    assert (older.values, older.aside, older.schema_version, older.grid) == ({"password": MASK}, (), 1, "")
    assert manager.list_config_revisions("listener", "plugin-orders") == ()
    with pytest.raises(PluginNotFoundError):
        manager.list_config_revisions("nobody")


@pytest.mark.both_databases
def test_each_grid_has_revisions_of_its_own(manager: PluginManager) -> None:
    manager.install_plugin(Listener, config={"volume": 1})
    manager.configure_plugin("listener", {"volume": 2}, grid="plugin-orders")
    manager.configure_plugin("listener", {"volume": 3}, grid="plugin-orders")
    assert [item.revision for item in manager.list_config_revisions("listener", "plugin-orders")] == [2, 1]
    assert manager.list_config_grids("listener") == ("plugin-orders",)
    manager.restore_config("listener", 1, grid="plugin-orders")
    assert (config(manager, grid="plugin-orders").volume, config(manager).volume) == (2, 1)
    manager.configure_plugin("listener", {}, grid="plugin-orders")
    assert config(manager, grid="plugin-orders").volume == 1
    assert manager.list_config_grids("listener") == ()


def test_differences_name_the_place_and_hide_secrets(deep: PluginManager) -> None:
    deep.configure_plugin("deep", {"account": {"user": "a", "token": "t1"}, "numbers": [1, 2], "low": 1})
    deep.configure_plugin("deep", {"account": {"user": "b", "token": "t2"}, "numbers": [1, 3], "high": 9})
    assert deep.diff_config("deep", 2, 3) == (
        ConfigChange("/account/token", "changed", MASK, MASK),
        ConfigChange("/account/user", "changed", "a", "b"),
        ConfigChange("/high", "added", None, 9),
        ConfigChange("/low", "removed", 1, None),
        ConfigChange("/numbers/1", "changed", 2, 3),
    )
    assert deep.diff_config("deep", 2, 2) == ()
    deep.configure_plugin("deep", {"account": {"user": "b", "token": MASK}, "numbers": [1]})
    assert deep.diff_config("deep", 3, 4) == (
        ConfigChange("/high", "removed", 9, None),
        ConfigChange("/numbers", "changed", [1, 3], [1]),
    )
    with pytest.raises(ConfigRevisionNotFoundError, match="no revision 9"):
        deep.diff_config("deep", 1, 9)


def test_secret_that_was_sent_again_is_no_difference(deep: PluginManager) -> None:
    deep.configure_plugin("deep", {"account": {"token": "t1"}})
    deep.configure_plugin("deep", {"account": {"token": "t1"}})
    assert deep.diff_config("deep", 2, 3) == ()
    assert AuditRecord.objects.filter(action="plugin.configure").latest("pk").changes == {}


def test_differences_of_unreadable_secrets_are_told_without_a_key(deep: PluginManager, settings: Any) -> None:
    deep.configure_plugin("deep", {"account": {"token": "t1"}})
    deep.configure_plugin("deep", {"account": {"token": "t2"}})
    settings.SECRET_KEY = "another"
    assert deep.diff_config("deep", 2, 3) == (ConfigChange("/account/token", "changed", MASK, MASK),)


def test_restored_revision_is_a_new_one_and_in_force(manager: PluginManager, admin: User) -> None:
    manager.install_plugin(Listener, config={"password": "s3cret", "volume": 2})
    manager.configure_plugin("listener", {"password": "n3w", "volume": 3})
    info = manager.restore_config("listener", 1, user=admin)
    assert info.config == {"password": MASK, "volume": 2}
    assert config(manager).password.get_secret_value() == "s3cret"
    newest = manager.list_config_revisions("listener")[0]
    assert (newest.revision, newest.author, newest.note) == (3, "root", "Revision 1 again")
    record = AuditRecord.objects.filter(action="plugin.configure").latest("pk")
    assert record.context["evidence"] == {"grid": "", "revision": 3, "restoredFrom": 1}
    assert record.changes == {"password": [MASK, MASK], "volume": [3, 2]}
    with pytest.raises(ConfigRevisionNotFoundError, match="all grids"):
        manager.restore_config("listener", 7)
    with pytest.raises(ConfigRevisionNotFoundError, match="the grid plugin-orders"):
        manager.restore_config("listener", 1, grid="plugin-orders")


def test_restoring_leaves_out_what_is_locked_now(manager: PluginManager, settings: Any) -> None:
    manager.install_plugin(Listener, config={"volume": 2, "greeting": "a"})
    manager.configure_plugin("listener", {"greeting": "b"})
    settings.GRIDKIT = {"PLUGIN_PINS": {"listener": {"volume": 5}}}
    manager.restore_config("listener", 1)
    assert (config(manager).volume, config(manager).greeting) == (5, "a")
    assert PluginConfig.objects.latest("revision").data == {"greeting": "a"}


def test_revision_that_no_longer_fits_is_refused(manager: PluginManager) -> None:
    manager.install_plugin(Demanding, config={"address": "here"})
    PluginConfig.objects.create(plugin_id=manager_row().pk, revision=2, data={"address": 7})
    PluginConfig.objects.create(plugin_id=manager_row().pk, revision=3, data={"address": "x"}, schema_version=2)
    PluginConfig.objects.create(plugin_id=manager_row().pk, revision=4, data={"address": "there"})
    with pytest.raises(PluginConfigError, match="valid string"):
        manager.restore_config("demanding", 2)
    with pytest.raises(PluginConfigError, match="Update the plugin first"):
        manager.restore_config("demanding", 3)
    assert PluginConfig.objects.count() == 4


def manager_row() -> Any:
    return PluginConfig.objects.earliest("pk").plugin


def test_values_for_all_grids_are_judged_with_those_of_each_grid(deep: PluginManager) -> None:
    deep.configure_plugin("deep", {"high": 5}, grid="plugin-orders")
    with pytest.raises(PluginConfigError, match=r"For the grid plugin-orders.*high is below low") as caught:
        deep.configure_plugin("deep", {"low": 7})
    assert [item.pointer for item in caught.value.errors] == ["/high"]
    deep.configure_plugin("deep", {"low": 4})
    assert config(deep, "deep", "plugin-orders").low == 4


def test_grid_goes_on_taking_the_secret_for_all_grids(deep: PluginManager) -> None:
    deep.configure_plugin("deep", {"account": {"user": "a", "token": "t1"}, "low": 1})
    shown = deep.get_config("deep", grid="plugin-orders")
    deep.configure_plugin("deep", {"account": {**shown["account"], "user": "b"}}, grid="plugin-orders")
    of_grid = config(deep, "deep", "plugin-orders").account
    assert (of_grid.user, of_grid.token.get_secret_value()) == ("b", "t1")


def test_whole_secret_that_a_grid_repeats_masked_stays_that_of_all_grids(manager: PluginManager) -> None:
    manager.install_plugin(Listener, config={"password": "one"})
    manager.configure_plugin("listener", {"password": MASK, "volume": 2}, grid="plugin-orders")
    manager.configure_plugin("listener", {"password": "two"})
    assert config(manager, grid="plugin-orders").password.get_secret_value() == "two"
    manager.configure_plugin("listener", {"password": "own"}, grid="plugin-orders")
    manager.configure_plugin("listener", {"password": MASK}, grid="plugin-orders")
    assert config(manager, grid="plugin-orders").password.get_secret_value() == "own"


def test_validator_of_the_plugin_never_tells_a_secret_and_never_breaks_the_site(manager: PluginManager) -> None:
    class Talkative(Plugin):
        metadata = metadata("talkative")

        class Config(BaseModel):
            token: SecretStr = SecretStr("")
            kind: int = 0

            @field_validator("kind")
            @classmethod
            def tell(cls, kind: int, info: ValidationInfo) -> int:
                token = info.data["token"].get_secret_value()
                if kind == 1:
                    raise ValueError(f"{token} is wrong")
                if kind == 2:
                    raise ZeroDivisionError(token)
                return kind

    manager.install_plugin(Talkative)
    for kind, told in ((1, f"{MASK} is wrong"), (2, f"ZeroDivisionError: {MASK}")):
        with pytest.raises(PluginConfigError) as caught:
            manager.configure_plugin("talkative", {"token": "s3cret-text", "kind": kind})
        assert told in caught.value.detail
        assert "s3cret-text" not in caught.value.detail
        assert caught.value.__cause__ is None
    assert config(manager, "talkative").kind == 0
    manager.runtime.catalog.remove_object("talkative")


def test_mask_at_installation_stands_for_nothing(manager: PluginManager) -> None:
    with pytest.raises(PluginConfigError, match="Enter the secret"):
        manager.install_plugin(Listener, config={"password": MASK})
    assert not PluginConfig.objects.exists()


def test_token_that_a_person_sends_is_not_opened_for_them(deep: PluginManager) -> None:
    token = Keyring.of_site().seal("somebody else's")
    with pytest.raises(PluginConfigError, match="string"):
        deep.configure_plugin("deep", {"account": {"user": token}})
    with pytest.raises(PluginConfigError, match="string"):
        deep.configure_plugin("deep", {"account": {"token": token}})
