"""A plugin with jobs, to try the background with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr

from gridkit_django.events import current_act
from gridkit_django.plugins import JobCall, Plugin, PluginContext
from tests.plugins.samples import metadata

COUNT_SCHEMA = {
    "type": "object",
    "properties": {"step": {"type": "integer", "minimum": 1}},
    "required": ["step"],
    "additionalProperties": False,
}


class Worker(Plugin):
    """Counts, fails and sleeps on demand; what it was called with and as whom is on the class."""

    class Config(BaseModel):
        password: SecretStr = SecretStr("")

    metadata = metadata("worker", required_permissions=["schedule:use", "storage:use", "audit:write"])
    calls: list[JobCall] = []
    acts: list[Any] = []
    act: Callable[[JobCall], Any] = staticmethod(lambda _call: None)
    timings: dict[str, dict[str, Any]] = {"tick": {"every": timedelta(minutes=5)}}

    def initialize(self, context: PluginContext) -> None:
        context.jobs.register("count", self.count, label="Count", schema=COUNT_SCHEMA)
        context.jobs.register("act", self.do, label="Act")
        for name, timing in self.timings.items():
            context.jobs.register(name, self.do, label=name.title(), **timing)

    def count(self, call: JobCall) -> int:
        self.calls.append(call)
        total = self.context.storage.get("total", 0) + call.arguments["step"]
        self.context.storage.set("total", total)
        return total

    def do(self, call: JobCall) -> Any:
        self.calls.append(call)
        self.acts.append(current_act())
        return type(self).act(call)
