"""The fixtures for plugin authors: a plugin at work from a folder, an entry point or a class; events; audit records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import override_settings

from gridkit_django import testing
from gridkit_django.conf import settings as gridkit_settings
from gridkit_django.events import EVENT_TYPES, GridEvent
from gridkit_django.exceptions import (
    EventRejected,
    MethodNotFoundError,
    PluginInitializeError,
    PluginNotFoundError,
    PluginPermissionError,
)
from gridkit_django.plugins import Plugin, handles, plugin_manager
from gridkit_django.testing import AuditRecorder, EventSender, PluginStarter, sample_payloads
from gridkit_django.testing.grid import GRID
from tests.docs.pages import text_of
from tests.plugins.samples import metadata, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


class Greeter(Plugin):
    """Hears, answers, records."""

    metadata = metadata("greeter", required_permissions=("events:subscribe", "methods:register", "audit:write"))
    heard: list[GridEvent] = []

    def initialize(self, context: Any) -> None:
        self.heard.clear()
        context.register_method("greet", lambda call: call.actor.label, schema={"type": "object"}, label="Greet")

    @handles("cell:edit", moment="before")
    def veto(self, event: GridEvent) -> None:
        if event.payload["new"] is None:
            raise EventRejected("a name, please")

    @handles("*", moment="committed")
    def hear(self, event: GridEvent) -> None:
        self.heard.append(event)
        if event.grid is not None:
            self.context.audit.record_row("row.greet", grid=event.grid, row_id=str(event.payload["rowId"]))


def test_folder_entry_point_and_class_start_on_the_test_grid(start_plugin: PluginStarter, tmp_path: Path) -> None:
    folder = start_plugin(write_plugin(tmp_path, "from_folder"))
    exporting = start_plugin("@gridkit/plugin-export", config={"formats": ["csv"]})
    given = start_plugin(Greeter)
    assert [item.info.effective_state for item in (folder, exporting, given)] == ["active"] * 3
    assert folder.call("word") == "one"
    assert exporting.context.config.formats == ["csv"]
    assert given.call("greet") == "gridkit-tester"
    assert {item.grid for item in (folder, exporting, given)} == {GRID}


def test_folder_is_named_relative_to_the_root_folder_of_pytest(start_plugin: PluginStarter) -> None:
    with pytest.raises(PluginInitializeError, match="initialize went wrong"):
        start_plugin("tests/broken/raises_at_initialize")
    with pytest.raises(PluginNotFoundError):
        start_plugin("tests/broken/not_there")


def test_folder_is_copied_where_links_are_not_allowed(
    start_plugin: PluginStarter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OSError("no right to make links")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert start_plugin(write_plugin(tmp_path, "copied")).call("word") == "one"
    assert (start_plugin.root / "copied" / "plugin.py").is_file()


def test_settings_of_the_site_stay_but_for_the_folder_of_plugins(start_plugin: PluginStarter, tmp_path: Path) -> None:
    assert str(start_plugin.root) == gridkit_settings().PLUGIN_ROOT
    assert gridkit_settings().HOT_RELOAD is False
    with override_settings(GRIDKIT={"PAGE_SIZE": 7}):
        starter = PluginStarter(plugin_manager(), GRID, tmp_path, tmp_path)
        starter.begin()
        assert (7, str(tmp_path)) == (gridkit_settings().PAGE_SIZE, gridkit_settings().PLUGIN_ROOT)
        starter.end()
        assert gridkit_settings().PLUGIN_ROOT is None


def test_event_passes_all_moments_and_a_veto_is_raised(
    start_plugin: PluginStarter, send_event: EventSender, audit_records: AuditRecorder
) -> None:
    start_plugin(Greeter)
    Greeter.heard.clear()
    ann = User.objects.create_user("ann")
    sent = send_event("cell:update", user=ann)
    assert sent is not None
    assert [event.id for event in Greeter.heard] == [sent.id]
    assert (sent.type, sent.grid, sent.actor.label, sent.source) == ("cell:edit", GRID, "ann", "api")
    with pytest.raises(EventRejected, match="a name, please"):
        send_event("cell:edit", {"rowId": "1", "column": "name", "old": "a", "new": None})
    (record,) = audit_records.by_plugin("greeter")
    assert (record.action, record.target, record.grid, record.evidence["plugin"]) == (
        "row.greet",
        "auth.group:1",
        GRID,
        "greeter",
    )
    assert [item.actor for item in audit_records("row.greet")] == [f"user:{ann.pk}"]
    audit_records.forget()
    assert audit_records() == ()


def test_event_of_plugins_has_no_grid(start_plugin: PluginStarter, send_event: EventSender) -> None:
    start_plugin(Greeter)
    Greeter.heard.clear()
    send_event("plugin:update")
    assert [(event.grid, event.actor.id) for event in Greeter.heard] == [(None, "tests")]


def test_method_is_called_with_the_rights_of_a_user(start_plugin: PluginStarter) -> None:
    plugin = start_plugin(Greeter)
    ann = User.objects.create_user("ann")
    ann.user_permissions.add(Permission.objects.get(codename="open_grid"))
    assert plugin.call("greet", user=ann) == "ann"
    assert plugin.answer("greet", {}, query={"sort": [{"col": "name", "dir": "asc"}]}).status == 200
    plugin.revoke("methods:register")
    with pytest.raises(MethodNotFoundError):
        plugin.call("greet")
    plugin.grant("methods:register")
    assert plugin.call("greet") == "gridkit-tester"


def test_plugin_is_configured_reloaded_stopped_started_and_removed(start_plugin: PluginStarter, tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "living")
    plugin = start_plugin(folder, grants=["methods:register"])
    before = plugin.object
    with pytest.raises(PluginPermissionError):
        plugin.context.storage.set("a", 1)
    plugin.configure({})
    assert plugin.object is not before
    write_plugin(tmp_path, "living", word="two")
    plugin.reload()
    assert (plugin.call("word"), plugin.usage().running, plugin.health().status) == ("two", True, "degraded")
    plugin.stop()
    with pytest.raises(LookupError, match="living is not at work"):
        plugin.object.health_check()
    assert plugin.start().effective_state == "active"
    plugin.uninstall()
    with pytest.raises(PluginNotFoundError):
        plugin.info  # noqa: B018 - asking is the act


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_sample_payloads_have_the_keys_that_the_reference_names(name: str) -> None:
    row = next(
        line for line in text_of("reference/events.md").splitlines() if line.startswith("| `") and f"`{name}`" in line
    )
    samples = sample_payloads(name)
    assert len(samples) == 2
    if name.startswith("plugin:"):
        assert {"pluginId", "version"} == set(samples[0])
    else:
        assert all(f"`{key}`" in row.split("|")[2] for sample in samples for key in sample)


def test_public_names_are_there_and_others_are_refused() -> None:
    assert [getattr(testing, name).__name__ for name in testing.__all__] == testing.__all__
    with pytest.raises(AttributeError, match="PluginConformance"):
        testing.nothing  # type: ignore[attr-defined]  # noqa: B018 - asking is the act
