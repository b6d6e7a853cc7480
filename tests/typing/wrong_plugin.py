"""Mistakes that mypy must find: each marked line has the error that its mark names, and no other line has one.

`make check` judges this file with `warn_unused_ignores`, so a mark whose mistake is not found any more is an error.
"""

from __future__ import annotations

from datetime import date

from gridkit_django.events import GridEvent
from gridkit_django.plugins import MethodCall, Plugin, PluginContext, PluginHealth
from gridkit_django.typing import JSONValue


class Wrong(Plugin):
    """One mistake a line."""

    config_version = "two"  # type: ignore[assignment]

    def initialize(self, context: PluginContext) -> int:  # type: ignore[override]
        context.on("row:*", self.two_arguments)  # type: ignore[arg-type]
        context.on("row:*")  # type: ignore[call-arg]
        context.register_method("a", self.answer, label="A")  # type: ignore[call-arg]
        context.register_method("a", self.answer, schema={}, label=1)  # type: ignore[arg-type]
        context.storage.set("day", date(2026, 1, 1))  # type: ignore[arg-type]
        context.storage.put("day", 1)  # type: ignore[attr-defined]
        context.emit("row:select", {"when": date(2026, 1, 1)})  # type: ignore[dict-item]
        context.send_message("other", {1, 2})  # type: ignore[arg-type]
        context.on_message(self.one_argument)  # type: ignore[arg-type]
        context.jobs.register("tidy", self.answer, label="Tidy")  # type: ignore[arg-type]
        context.models  # type: ignore[attr-defined]  # noqa: B018 - asking is the mistake
        return 1

    def two_arguments(self, event: GridEvent, more: int) -> None:
        """Take one too many."""

    def one_argument(self, message: JSONValue) -> None:
        """Take one too few."""

    def answer(self, call: MethodCall) -> JSONValue:
        return str(call.user)  # type: ignore[attr-defined]

    def health_check(self) -> bool:  # type: ignore[override]
        return PluginHealth.healthy().status == "healthy"

    def on_hot_reload(self) -> None:  # type: ignore[override]
        """Take no old object."""
