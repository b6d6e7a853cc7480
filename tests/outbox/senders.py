"""Plugins that send things out, for tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from gridkit_django.plugins import (
    OutgoingMessage,
    OutgoingRequest,
    OutgoingResponse,
    Plugin,
    PluginContext,
    Verdict,
    default_judge,
)
from tests.plugins.samples import metadata


class Sender(Plugin):
    """Sends to the address of its configuration, and counts in its storage; tests change how by its class."""

    metadata = metadata("sender", required_permissions=("storage:use",))
    prepares: Callable[[tuple[OutgoingMessage, ...]], Any] | None = None
    judges: Callable[[tuple[OutgoingMessage, ...], OutgoingResponse], Any] | None = None
    delivers: Callable[[tuple[OutgoingMessage, ...]], None] | None = None
    options: dict[str, Any] = {}
    opens = True

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")
        url: str = "https://vendor.example/track"
        api_key: SecretStr = SecretStr("key-of-the-vendor")

    def initialize(self, context: PluginContext) -> None:
        if self.opens:
            options = {"max_age": timedelta(days=1), **self.options}
            context.outbox.open_channel("vendor", prepare=self.prepare, judge=self.judge, **options)
            context.outbox.open_local_channel("counts", deliver=self.count)

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        if type(self).prepares is not None:
            return type(self).prepares(messages)  # type: ignore[no-any-return]
        headers = {"Authorization": f"Bearer {self.context.config.api_key.get_secret_value()}"}
        body = [{"id": message.key, **message.payload} for message in messages]
        return OutgoingRequest("POST", self.context.config.url, headers, body)

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        if type(self).judges is not None:
            return type(self).judges(messages, response)  # type: ignore[no-any-return]
        return default_judge(messages, response)

    def count(self, messages: tuple[OutgoingMessage, ...]) -> None:
        if type(self).delivers is not None:
            type(self).delivers(messages)
        storage = self.context.storage
        storage.set("count", int(str(storage.get("count", 0))) + len(messages))
