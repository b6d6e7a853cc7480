"""A plugin folder of an ordinary size, for measuring what loading it costs."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """
id = "{name}"
name = "Benchmark"
version = "1.0.0"
author = "Benchmarks"
description = "Only for benchmarks."
category = "utility"
license = "MIT"
core_version = "*"
required_permissions = ["events:subscribe", "storage:use"]
entry = "plugin:Sample"
"""

PLUGIN = """
from gridkit_django.plugins import Plugin, handles
{imports}

class Sample(Plugin):
    def initialize(self, context):
        self.seen = []

    @handles("row:select")
    def hear(self, event):
        self.seen = [event.id]
"""

PART = '''
"""Part {number} of a plugin."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry{number}:
    """One entry.

    Attributes:
        name: what it is called.
        tags: what it is about.
    """

    name: str
    tags: tuple[str, ...] = field(default_factory=tuple)
'''

FUNCTION = '''

def work_{number}(entries, limit={number}):
    """Return the names of the entries that have more tags than the limit."""
    found = []
    for entry in entries:
        if len(entry.tags) > limit:
            found.append(f"{{entry.name}} has {{len(entry.tags)}} tags")
    return sorted(found, key=lambda text: (len(text), text))
'''


def write_folder(root: Path, name: str, *, modules: int, functions: int = 8) -> int:
    """Write a plugin folder.

    Args:
        root: where.
        name: the folder's name, and the plugin's id.
        modules: how many modules it has, the one with the plugin class included.
        functions: how many functions each of the others has.

    Returns:
        How many lines of Python it has.
    """
    folder = root / name
    folder.mkdir()
    (folder / "plugin.toml").write_text(MANIFEST.format(name=name))
    parts = [f"part_{number}" for number in range(1, modules)]
    texts = {"plugin": PLUGIN.format(imports=f"from . import {', '.join(parts)}" if parts else "")}
    for number, part in enumerate(parts, 1):
        work = "".join(FUNCTION.format(number=index) for index in range(functions))
        texts[part] = PART.format(number=number) + work
    for module, text in texts.items():
        (folder / f"{module}.py").write_text(text)
    return sum(len(text.splitlines()) for text in texts.values())
