"""A plugin in a folder, of a usual size, for measuring how its code comes to work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.test import override_settings

from gridkit_django.plugins import PluginManager, plugin_manager

NAME = "gk_benchmark_plugin"
MODULES = 5
FUNCTIONS = 30

MANIFEST = f"""
id = "{NAME}"
name = "Benchmark"
version = "1.0.0"
author = "Benchmarks"
description = "Only for benchmarks."
category = "utility"
license = "MIT"
core_version = "*"
required_permissions = ["events:subscribe"]
entry = "plugin:Idle"
"""

PLUGIN = """
from gridkit_django.plugins import Plugin, handles
from . import part_0, part_1, part_2, part_3, part_4

class Idle(Plugin):
    @handles("row:select")
    def hear(self, event):
        return part_0.step_0(1)
"""

FUNCTION = '''
def step_{number}(value, *, factor={number}):
    """Return something that takes a few lines to work out."""
    found = [item * factor for item in range(10) if item % 3]
    total = {{str(item): item + value for item in found}}
    return {{key: item for key, item in total.items() if item > factor}} or None
'''


@contextmanager
def plugin_folder() -> Iterator[Path]:
    """Yield the folder of a plugin of six files and about a thousand lines, in a root of its own."""
    with TemporaryDirectory() as root:
        folder = Path(root, NAME)
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "plugin.toml").write_text(MANIFEST)
        (folder / "plugin.py").write_text(PLUGIN)
        for number in range(MODULES):
            write_part(folder, number, 0)
        yield folder


def write_part(folder: Path, number: int, version: int) -> None:
    """Write one of the plugin's modules; another version is another content."""
    functions = "".join(FUNCTION.format(number=item) for item in range(FUNCTIONS))
    (folder / f"part_{number}.py").write_text(f"VERSION = {version}\n{functions}")


@contextmanager
def installed(folder: Path) -> Iterator[PluginManager]:
    """Yield the manager with the plugin of this folder at work."""
    manager = plugin_manager()
    with override_settings(GRIDKIT={**settings.GRIDKIT, "PLUGIN_ROOT": str(folder.parent), "HOT_RELOAD": False}):
        manager.install_plugin(f"folder:{NAME}")
        try:
            yield manager
        finally:
            manager.disable_hot_reload(NAME)
            manager.uninstall_plugin(NAME)
