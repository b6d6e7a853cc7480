"""A plugin that uses every member of the contract as it is promised; mypy must accept it in strict mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, assert_type

from pydantic import BaseModel

from gridkit_django.events import GridEvent
from gridkit_django.plugins import (
    JobCall,
    MethodCall,
    MethodResult,
    Plugin,
    PluginContext,
    PluginHealth,
    PluginMetadata,
    ResourceUsage,
    handles,
)
from gridkit_django.testing import (
    AuditRecorder,
    EventSender,
    PluginConformance,
    PluginStarter,
    Recorded,
    StartedPlugin,
)
from gridkit_django.typing import JSONValue


class Right(Plugin):
    """Every member, once."""

    class Config(BaseModel):
        minutes: int = 1

    config_version = 2

    def initialize(self, context: PluginContext) -> None:
        remove = context.on("row:*", self.after, moment="committed", priority="low")
        assert_type(remove, Callable[[], None])
        assert_type(context.on_message(self.told), Callable[[], None])
        context.register_method("right", self.answer, schema={"type": "object"}, label="Right", right="edit_grid")
        context.register_method("whole", self.whole, schema=lambda grid: {"title": grid}, label="Whole")
        context.register_exporter("ods", "acme.ods.Exporter")
        context.jobs.register("tidy", self.tidy, label="Tidy", every=timedelta(hours=1))
        assert_type(context.plugin_id, str)
        assert_type(context.config, Any)
        assert_type(context.config_for("orders"), Any)
        assert_type(context.config_for(None), Any)

    @handles("row:update", "cell:edit", moment="before")
    def before(self, event: GridEvent) -> None:
        assert_type(event.payload["rowId"], JSONValue)
        assert_type(event.grid, str | None)

    def after(self, event: GridEvent) -> None:
        storage = self.context.storage
        storage.set("key", {"nested": [1, 2.5, None, True, "text"]})
        assert_type(storage.get("key"), JSONValue)
        assert_type(storage.get("key", 0), JSONValue)
        assert_type(storage.delete("key"), bool)
        assert_type(storage.clear(), int)
        assert_type(storage.keys("prefix"), list[str])
        self.context.emit("row:select", {"rowId": "1"}, grid=event.grid)
        self.context.send_message("other", ["plain", 1])
        self.context.audit.record_row("row.see", grid="orders", row_id="1", changes={"a": [1, 2]})
        self.context.audit.record("thing.see", target=("thing", "1", "One"), evidence={"why": "test"})
        assert_type(self.context.has_permission("rows:read"), bool)
        assert_type(self.context.request_permission("rows:read", "to count"), bool)
        assert_type(self.context.get_resource_usage(), ResourceUsage)
        assert_type(self.context.jobs.run("tidy", {"all": True}, delay_seconds=5), str)

    def told(self, sender: str, message: JSONValue) -> None:
        """Receive a message."""

    def answer(self, call: MethodCall) -> JSONValue:
        assert_type(call.user_id, int | str | None)
        assert_type(self.context.get_grid_state(call.grid), Mapping[str, JSONValue])
        self.context.update_grid_state(call.grid, lambda state: {**state, "sort": []})
        return {"job": self.context.exports.create(call.grid, {}, "csv")}

    def whole(self, call: MethodCall) -> MethodResult:
        return MethodResult(202, {"argument": call.arguments["x"]})

    def tidy(self, call: JobCall) -> JSONValue:
        assert_type(call.scheduled, bool)
        return {"run": call.run_id}

    def on_hot_reload(self, previous: Plugin) -> None:
        assert_type(previous.context, PluginContext)

    def health_check(self) -> PluginHealth:
        return PluginHealth.degraded("half", part=1).worst(PluginHealth.healthy())

    @classmethod
    def migrate_config(cls, values: dict[str, Any], from_version: int) -> dict[str, Any]:
        return {**values, "minutes": from_version}

    def destroy(self) -> None:
        """End."""


class Given(Plugin):
    """A plugin given as an object carries its manifest."""

    metadata: ClassVar[PluginMetadata] = PluginMetadata.model_validate({"id": "given"})


class TestRight(PluginConformance):
    """The suite takes a folder, a class or a name."""

    source = Given
    config = {"minutes": 2}
    arguments = {"right": [{"x": 1}]}
    peers = ["plugins/other"]


def test_fixtures(start_plugin: PluginStarter, send_event: EventSender, audit_records: AuditRecorder) -> None:
    plugin = start_plugin(Right, config={"minutes": 2}, grants=["events:subscribe"])
    assert_type(plugin, StartedPlugin)
    assert_type(send_event("row:update", {"rowId": "1"}), GridEvent | None)
    assert_type(audit_records("row.see"), tuple[Recorded, ...])
    assert_type(plugin.health(), PluginHealth)
