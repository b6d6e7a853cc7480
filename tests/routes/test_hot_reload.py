"""Route: hot reload of a plugin in the site's folder, seen by every process; a broken version keeps the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.routes.world import awaited, furnish, swift
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses. The tests of the demo do the like on SQLite."""

CALL = "/gridkit/api/grids/flights/methods/greet/"

MANIFEST = """
id = "greeter"
name = "Greeter"
version = "1.0.0"
author = "Route"
description = "Says a word."
category = "utility"
license = "MIT"
core_version = ">=0.1"
required_permissions = ["methods:register"]
entry = "plugin:Greeter"
"""

CODE = """
from gridkit_django.plugins import Plugin
from . import words

class Greeter(Plugin):
    def initialize(self, context):
        self.taken_over = ""
        schema = {{"type": "object", "additionalProperties": False}}
        context.register_method("greet", self.greet, schema=schema, label="Greet")

    def greet(self, call):
        return {{"word": words.WORD, "previous": self.taken_over}}

    def on_hot_reload(self, previous):
        self.taken_over = previous.greet(None)["word"]
{extra}
"""


@pytest.fixture
def folder(stack: Stack) -> Path:
    """The plugin's folder in the site's plugin root."""
    root = stack.folder / "plugins" / "greeter"
    root.mkdir(parents=True, exist_ok=True)
    (root / "__init__.py").write_text('"""Greets."""\n')
    (root / "plugin.toml").write_text(MANIFEST)
    (root / "words.py").write_text("WORD = 'one'\n")
    (root / "plugin.py").write_text(CODE.format(extra=""))
    stack.env["GRIDKIT_DEMO_HOT_RELOAD"] = "1"
    return root


def _word(stack: Stack, index: int) -> str:
    answer = swift(stack, "editor", index=index).post(CALL, {"arguments": {}})
    return str(answer.json()["result"]["word"]) if answer.status == 200 else answer.text


def test_changed_file_serves_at_once_in_every_process_and_a_broken_one_keeps_the_old(
    stack: Stack, folder: Path
) -> None:
    furnish(stack)
    stack.manage(
        "shell",
        "--no-imports",
        "-c",
        "from gridkit_django.plugins import plugin_manager\nplugin_manager().install_plugin('greeter')",
    )
    stack.web(2)
    assert [_word(stack, index) for index in range(2)] == ["one", "one"]

    (folder / "words.py").write_text("WORD = 'two'\n")

    awaited(lambda: [_word(stack, index) for index in range(2)] == ["two", "two"], "the new version")

    (folder / "plugin.py").write_text(CODE.format(extra="    def broken(self:\n"))

    state = "SELECT state_reason FROM gridkit_django_installedplugin WHERE plugin_id = 'greeter'"
    reason = awaited(lambda: stack.rows(state)[0][0], "a reason")
    assert "plugin.py" in reason
    assert [_word(stack, index) for index in range(2)] == ["two", "two"]
    assert stack.rows("SELECT desired_state FROM gridkit_django_installedplugin WHERE plugin_id = 'greeter'") == [
        ("active",)
    ]

    (folder / "plugin.py").write_text(CODE.format(extra=""))
    (folder / "words.py").write_text("WORD = 'three'\n")

    awaited(lambda: [_word(stack, index) for index in range(2)] == ["three", "three"], "the mended version")
    assert stack.rows(state) == [("",)]
