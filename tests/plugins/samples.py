"""Plugins to try the runtime with, given as classes, and a writer of plugin folders."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gridkit_django.events import GridEvent
from gridkit_django.exceptions import EventRejected
from gridkit_django.plugins import Plugin, PluginContext, PluginMetadata, handles


def metadata(plugin_id: str, **values: Any) -> PluginMetadata:
    return PluginMetadata.model_validate(
        {
            "id": plugin_id,
            "name": plugin_id.title(),
            "version": "1.0.0",
            "author": "Tests",
            "description": "Only for tests.",
            "category": "utility",
            "license": "MIT",
            "core_version": "*",
            **values,
        }
    )


EVERYTHING = ("events:subscribe", "events:emit", "messages:send", "messages:receive", "methods:register", "storage:use")


class Listener(Plugin):
    """Remembers what it is told; the list is on the class, so that every object of it adds to the same one."""

    metadata = metadata("listener", required_permissions=EVERYTHING)
    heard: list[tuple[str, str]] = []
    life: list[str] = []

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")
        greeting: str = "hello"
        volume: int = Field(1, ge=0, le=11)
        password: SecretStr = SecretStr("")

    def initialize(self, context: PluginContext) -> None:
        self.life.append("initialize")
        context.register_method(
            f"greet-{context.plugin_id}",
            lambda call: {"greeting": context.config_for(call.grid).greeting},
            schema={"type": "object"},
            label="Greet",
        )

    def destroy(self) -> None:
        self.life.append("destroy")

    def on_hot_reload(self, previous: Plugin) -> None:
        self.life.append("take over")

    @handles("row:update", moment="before")
    def veto(self, event: GridEvent) -> None:
        self.heard.append(("before", event.id))
        if event.payload.get("forbidden"):
            raise EventRejected("not today")

    @handles("row:*")
    def after(self, event: GridEvent) -> None:
        self.heard.append(("after", event.id))

    @handles("row:update", moment="committed", priority="low")
    def committed(self, event: GridEvent) -> None:
        self.heard.append(("committed", event.id))


class Chosen(Listener):
    """The one that the closed grid names."""

    metadata = metadata("chosen", required_permissions=EVERYTHING)


class Refused(Listener):
    """The one that the closed grid excludes."""

    metadata = metadata("refused", required_permissions=EVERYTHING)


class Failing(Plugin):
    """Raises in every handler."""

    metadata = metadata("failing", required_permissions=("events:subscribe", "audit:write"))

    @handles("row:update", moment="before")
    @handles("row:update", moment="after")
    def fail(self, event: GridEvent) -> None:
        raise ZeroDivisionError("division by tests\nDETAIL: Key (email)=(ada@example.org)")


class Critical(Plugin):
    """A critical handler that raises when it is told to."""

    metadata = metadata("critical", required_permissions=("events:subscribe", "audit:write"))

    @handles("row:update", critical=True)
    def fail(self, event: GridEvent) -> None:
        raise OSError("the disk is full")


class Stubborn(Plugin):
    """Wants everything that is done to plugins to fail."""

    metadata = metadata("stubborn", required_permissions=("events:subscribe", "audit:write"))

    @handles("plugin:*", critical=True)
    def fail(self, event: GridEvent) -> None:
        raise OSError("the disk is full")


class Needy(Plugin):
    """Needs the listener beside it."""

    metadata = metadata("needy", peer_plugins=("listener >=1,<2",))


class Hermit(Plugin):
    """Can't stand the listener."""

    metadata = metadata("hermit", incompatible_with=("listener",))


class Stranger(Plugin):
    """Made for another core."""

    metadata = metadata("stranger", core_version=">=99")


class Explosive(Plugin):
    """Raises while it starts, unless it is told otherwise."""

    metadata = metadata("explosive")
    fuse: list[BaseException] = []

    def initialize(self, context: PluginContext) -> None:
        if self.fuse:
            raise self.fuse[0]


class Demanding(Plugin):
    """Has no sensible default for its address."""

    metadata = metadata("demanding")

    class Config(BaseModel):
        address: str


SAMPLES = (Listener, Chosen, Refused, Failing, Critical, Stubborn, Needy, Hermit, Stranger, Explosive, Demanding)

MANIFEST = """
id = "{id}"
name = "Sample"
version = "{version}"
author = "Tests"
description = "Only for tests."
category = "utility"
license = "MIT"
core_version = "{core}"
required_permissions = ["events:subscribe", "storage:use", "methods:register"]
entry = "plugin:Sample"
"""

CODE = """
from gridkit_django.plugins import Plugin, handles
from . import words

class Sample(Plugin):
    def initialize(self, context):
        context.register_method("word", lambda call: words.WORD, schema={}, label="Word")

    @handles("row:update")
    def remember(self, event):
        self.context.storage.set("seen", event.id)
"""


def write_plugin(
    root: Path, name: str = "sample", *, version: str = "1.0.0", word: str = "one", core: str = "*", code: str = CODE
) -> Path:
    """Write a plugin folder and return it."""
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "plugin.toml").write_text(MANIFEST.format(id=name, version=version, core=core))
    (folder / "words.py").write_text(f"WORD = {word!r}\n")
    (folder / "plugin.py").write_text(textwrap.dedent(code))
    return folder
