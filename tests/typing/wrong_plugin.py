"""Mistakes that mypy must find: each marked line has the error that its mark names, and no other line has one."""

from __future__ import annotations

from datetime import date

from gridkit_django.events import GridEvent
from gridkit_django.plugins import MethodCall, Plugin, PluginContext, PluginHealth
from gridkit_django.typing import JSONValue


class Wrong(Plugin):
    """One mistake a line."""

    config_version = "two"  # wrong: assignment

    def initialize(self, context: PluginContext) -> int:  # wrong: override
        context.on("row:*", self.two_arguments)  # wrong: arg-type
        context.on("row:*")  # wrong: call-arg
        context.register_method("a", self.answer, label="A")  # wrong: call-arg
        context.register_method("a", self.answer, schema={}, label=1)  # wrong: arg-type
        context.storage.set("day", date(2026, 1, 1))  # wrong: arg-type
        context.storage.put("day", 1)  # wrong: attr-defined
        context.emit("row:select", {"when": date(2026, 1, 1)})  # wrong: dict-item
        context.send_message("other", {1, 2})  # wrong: arg-type
        context.on_message(self.one_argument)  # wrong: arg-type
        context.jobs.register("tidy", self.answer, label="Tidy")  # wrong: arg-type
        context.models  # wrong: attr-defined  # noqa: B018 - asking is the mistake
        return 1

    def two_arguments(self, event: GridEvent, more: int) -> None:
        """Take one too many."""

    def one_argument(self, message: JSONValue) -> None:
        """Take one too few."""

    def answer(self, call: MethodCall) -> JSONValue:
        return str(call.user)  # wrong: attr-defined

    def health_check(self) -> bool:  # wrong: override
        return PluginHealth.healthy().status == "healthy"

    def on_hot_reload(self) -> None:  # wrong: override
        """Take no old object."""
