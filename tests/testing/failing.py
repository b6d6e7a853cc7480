"""Plugins that fail the conformance suite: at least one for each of its tests, written as folders."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = """
id = "{id}"
name = "Failing"
version = "1.0.0"
author = "Tests"
description = "Fails one test of the suite."
category = "utility"
license = "MIT"
core_version = "{core}"
required_permissions = [{permissions}]
entry = "plugin:Failing"

[resource_limits]
{limits}
"""

HEAD = """
from gridkit_django.plugins import Plugin, PluginHealth, handles
from gridkit_django.exceptions import EventRejected
from pydantic import BaseModel, ConfigDict
"""

GOOD = """
class Failing(Plugin):
    def initialize(self, context):
        context.register_method("count", self.count, schema={"type": "object"}, label="Count")

    @handles("row:*", "plugin:*")
    def note(self, event):
        self.context.storage.set("last", event.type)

    @handles("cell:edit", moment="before")
    def veto(self, event):
        if event.payload["new"] is None:
            raise EventRejected("A name is needed.")

    def count(self, call):
        return {"last": self.context.storage.get("last") if self.context.has_permission("storage:use") else None}
"""

EVERYTHING = ("events:subscribe", "storage:use", "methods:register")


@dataclass(frozen=True, slots=True)
class Case:
    """One plugin and what the suite says about it.

    Attributes:
        test: the test that it fails.
        words: part of the message.
        code: its module, after the imports.
        permissions: what it asks for.
        core: its `core_version`.
        limits: its `[resource_limits]`.
        files: more files.
        more: further parts of the message: looking for what is left behind takes seconds, so one plugin leaves it all.
    """

    test: str
    words: str
    code: str = GOOD
    permissions: tuple[str, ...] = EVERYTHING
    core: str = "*"
    limits: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.test.removeprefix('test_')}: {self.words}"

    def write(self, folder: Path) -> Path:
        """Write the plugin's files and return its folder."""
        folder.mkdir()
        permissions = ", ".join(f'"{name}"' for name in self.permissions)
        manifest = MANIFEST.format(
            id=f"@acme/{folder.name}", core=self.core, permissions=permissions, limits=self.limits
        )
        (folder / "plugin.toml").write_text(manifest)
        (folder / "plugin.py").write_text(HEAD + textwrap.dedent(self.code))
        for name, text in self.files.items():
            (folder / name).write_text(text)
        return folder


def starts(line: str, *, at_import: str = "", destroy: str = "pass") -> str:
    """Return code that does something when it starts."""
    return f"""
{at_import}
class Failing(Plugin):
    def initialize(self, context):
        {line}

    def destroy(self):
        {destroy}
"""


def hears(line: str, config: str = "pass") -> str:
    """Return code that does something with each edit."""
    return f"""
class Failing(Plugin):
    @handles("cell:edit")
    def hear(self, event):
        {line}
"""


LEAKS = {
    "thread sleeper": "import threading; "
    "threading.Thread(None, threading.Event().wait, 'sleeper', daemon=True).start()",
    "timer Thread": "import threading; timer = threading.Timer(600, print); timer.daemon = True; timer.start()",
    "receiver": "from django.core import signals; "
    "signals.request_started.connect(print_it, weak=False, dispatch_uid='acme')",
    "logging handler": "import logging; logging.getLogger('acme').addHandler(logging.NullHandler())",
    "environment variable": "import os; os.environ['ACME'] = context.plugin_id",
    "json.dumps": "import json; json.dumps = (lambda old: lambda *a, **k: old(*a, **k))(json.dumps)",
    "sys.path entry": "import sys; sys.path.append('/acme')",
    "atexit": "import atexit; atexit.register(print_it)",
    "sys.meta_path": "import sys; sys.meta_path.append(Finder())",
}
LEAK_IMPORTS = """
def print_it(**kwargs): pass
class Finder:
    def find_spec(self, name, path=None, target=None): return None
"""

ENDS, RELOADS = "test_leaves_nothing_behind_when_it_ends", "test_leaves_nothing_behind_over_twenty_reloads"
DOOR, IMPORT = "test_manifest_is_complete_and_fits_the_code", "test_import_does_nothing"
CONFIG = "test_config_takes_its_defaults_and_refuses_the_unknown"
ALL, NONE, SOME = (
    "test_starts_with_all_that_it_asks_for",
    "test_reaches_nothing_without_permission",
    "test_lives_with_any_permission_missing",
)
HANDLERS, METHODS = "test_handlers_survive_their_events", "test_methods_answer_with_json"
HEALTH, LIMITS, AGAIN = (
    "test_health_check_answers_in_time",
    "test_stays_within_its_limits",
    "test_starts_again_after_stop_and_safe_mode",
)


def config(fields: str, more: str = "") -> str:
    """Return a plugin with a configuration."""
    return f"""
class Failing(Plugin):
    class Config(BaseModel):
        {more or 'model_config = ConfigDict(extra="forbid")'}
        {fields}
"""


def method(body: str, schema: str = '{"type": "object"}') -> str:
    """Return a plugin with one method."""
    return f"""
class Failing(Plugin):
    def initialize(self, context):
        context.register_method("count", self.count, schema={schema}, label="Count")

    def count(self, call):
        {body}
"""


def healthy(body: str) -> str:
    """Return a plugin with a health check of its own."""
    return f"""
class Failing(Plugin):
    def health_check(self):
        {body}
"""


ROUND_TRIP = """
class Failing(Plugin):
    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")
        names: str = "a"

        def __init__(self, **values):
            super().__init__(**{**values, "names": values.get("names", "") + "x"})
"""
SECOND = """
class Failing(Plugin):
    def initialize(self, context):
        if context.storage.get("running"):
            raise RuntimeError("once is enough")
        context.storage.set("running", True)
"""
SAFE_MODE = """
from gridkit_django.models import InstalledPlugin

class Failing(Plugin):
    def destroy(self):
        InstalledPlugin.objects.filter(plugin_id=self.metadata.id).update(state_code="gone")
"""
BROKEN_TAKEOVER = """
class Failing(Plugin):
    def on_hot_reload(self, previous):
        self.count = previous.count + 1
"""
KEEPS = """
import gridkit_django.plugins.base as base

class Failing(Plugin):
    def initialize(self, context):
        base.Plugin.__annotations__.setdefault("kept", []).append(self)
"""

CASES: tuple[Case, ...] = (
    Case(DOOR, ">=99", core=">=99"),
    Case(DOOR, "names storage:use twice", permissions=(*EVERYTHING, "storage:use")),
    Case(DOOR, "config_schema.json is not the schema", files={"config_schema.json": '{"type": "object"}'}),
    Case(DOOR, "no valid JSON", files={"config_schema.json": "{"}),
    Case(DOOR, "can't be loaded", code="class Failing: pass"),
    Case(
        IMPORT,
        "left this behind",
        code=starts("pass", at_import="\n".join([LEAK_IMPORTS, *LEAKS.values()]).replace("context.plugin_id", "'x'")),
        more=tuple(LEAKS),
    ),
    Case(
        IMPORT,
        "asks the database",
        code=starts("pass", at_import="from gridkit_django.models import AuditRecord\nAuditRecord.objects.count()"),
    ),
    Case(
        CONFIG,
        "keys that it does not know",
        code=config("minutes: int = 1", 'model_config = ConfigDict(extra="allow")'),
    ),
    Case(CONFIG, "minutes: Field required", code=config("minutes: int")),
    Case(CONFIG, "minutes", code=config('minutes: int = "soon"')),
    Case(CONFIG, "api_token would be stored", code=config('api_token: str = ""')),
    Case(CONFIG, "read back is another one", code=ROUND_TRIP),
    Case(ALL, "needs the permission 'messages:receive'", code=starts("context.on_message(print)")),
    Case(ALL, "calls itself unhealthy", code=healthy('return PluginHealth.unhealthy("no address")')),
    Case(
        NONE,
        "tables of the site: auth_user",
        code=starts("from django.contrib.auth.models import User; User.objects.count()"),
    ),
    Case(NONE, "not for that reason: ", code=starts("raise ValueError('give me more')")),
    Case(
        SOME,
        "With storage:use, methods:register",
        code=starts("assert context.has_permission('events:subscribe'), 'no events'"),
    ),
    Case(
        SOME,
        "Without storage:use it breaks: ",
        code=hears("assert self.context.has_permission('storage:use'), 'no storage'"),
    ),
    Case(HANDLERS, "TypeError", code=hears("len(event.payload['new'])")),
    Case(
        HANDLERS,
        "critical",
        code=hears("raise ValueError('critical')").replace('("cell:edit"', '("cell:edit", critical=True'),
        permissions=(*EVERYTHING, "audit:write"),
    ),
    Case(METHODS, "ZeroDivisionError", code=method("return 1 / 0")),
    Case(METHODS, "not JSON serializable", code=method("return {1, 2}")),
    Case(METHODS, "takes arguments and was never called", code=method("return 1", '{"required": ["name"]}')),
    Case(HEALTH, "health_check() failed: ValueError", code=healthy("raise ValueError('unwell')")),
    Case(HEALTH, "health_check() returned str", code=healthy("return 'fine'")),
    Case(HEALTH, "hangs", code=healthy("import threading; threading.Event().wait(3)")),
    Case(LIMITS, "Slower than HANDLER_BUDGET_MS", code=hears("import threading; threading.Event().wait(0.003)")),
    Case(
        LIMITS,
        "StorageQuotaError",
        code=hears("self.context.storage.set(event.id, 'x' * 400_000)"),
        limits="max_storage_mb = 1",
    ),
    Case(
        LIMITS,
        "nearly full",
        code=hears("self.context.storage.keys() or self.context.storage.set('all', 'x' * 950_000)"),
        limits="max_storage_mb = 1",
    ),
    Case(
        LIMITS,
        "max_events_per_second",
        code=hears("self.context.emit('row:select', {}, grid=event.grid)"),
        permissions=(*EVERYTHING, "events:emit"),
        limits="max_events_per_second = 1",
    ),
    Case(
        ENDS,
        "It left behind",
        code=starts("\n        ".join(LEAKS.values()), at_import=LEAK_IMPORTS),
        more=tuple(LEAKS),
    ),
    Case(ENDS, "Its object lives on", code=KEEPS),
    Case(RELOADS, "old objects live on", code=KEEPS),
    Case(RELOADS, "Reload 1 failed", code=BROKEN_TAKEOVER),
    Case(RELOADS, "thread sleeper", code=starts(LEAKS["thread sleeper"])),
    Case(AGAIN, "after it was switched off: ", code=SECOND),
    Case(AGAIN, "Safe mode changed what is stored", code=SAFE_MODE),
)
