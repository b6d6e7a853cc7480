"""What the author writes: a plugin that notes which version of it handled an event, and in which process."""

from __future__ import annotations

import json
import re
from pathlib import Path

PLUGIN = "@acme/colours"

_CODE = """
import os

from pydantic import BaseModel

from gridkit_django.plugins import Plugin, handles

VERSION = "{version}"


class ColoursPlugin(Plugin):
    config_version = {config_version}

    class Config(BaseModel):
        {key}: str = "plain"

    @classmethod
    def migrate_config(cls, values, from_version):
        if from_version == 1 and "word" in values:
            values["colour"] = values.pop("word")
        return values

    def initialize(self, context):
        nothing = {{"type": "object", "additionalProperties": False}}
        context.register_method("seen", self.seen, schema=nothing, label="Seen")

    @handles("row:update")
    def note(self, event):
        self.context.storage.set(f"row-{{event.payload['rowId']}}", [VERSION, os.getpid()])

    def seen(self, call):
        storage = self.context.storage
        told = {{key: storage.get(key) for key in storage.keys()}}
        return {{"version": VERSION, "pid": os.getpid(), "config": self.context.config.{key}, "rows": told}}
"""

FIRST = {"version": "1.0.0", "config_version": 1, "key": "word"}
SECOND = {"version": "2.0.0", "config_version": 2, "key": "colour"}
"""Asks for one permission more, and has renamed its only key."""

ASKED = ["events:subscribe", "methods:register", "storage:use"]
MORE = "rows:read"


def write_release(folder: Path, facts: dict[str, object]) -> None:
    """Change the repository that the scaffold made into a release.

    Args:
        folder: the repository.
        facts: ``FIRST`` or ``SECOND``.
    """
    package = folder / "acme_colours"
    (package / "plugin.py").write_text(_CODE.format(**facts))
    asked = [*ASKED, *([MORE] if facts is SECOND else [])]
    _set(package / "plugin.toml", "required_permissions", asked)
    for path in (package / "plugin.toml", folder / "pyproject.toml"):
        _set(path, "version", facts["version"])


def _set(path: Path, key: str, value: object) -> None:
    """Set a key of a TOML file."""
    line = f"{key} = {json.dumps(value)}"
    path.write_text(re.sub(rf"(?m)^{key} = .*$", line, path.read_text()))
