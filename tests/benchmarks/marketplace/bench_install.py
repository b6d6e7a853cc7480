"""What an installation from a marketplace costs, beside ``pip install --target`` of the same wheel and a restart.

Ours is the worker's whole operation against a marketplace over HTTP on this machine: resolve, download with signed
metadata, author's signature, gate, dependencies, import in a child process, switch, start. Theirs is pip without its
network, then a new process that sets Django up and imports the package.
"""

from __future__ import annotations

import itertools
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.models import PluginSource
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.files import PluginFiles, digest_of
from gridkit_django.plugins.install import InstallRequest, install
from tests.benchmarks.harness import compare, table
from tests.marketplace.client.market import open_market
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.trust.markets import Market as Signed
from tests.plugins.samples import CODE, MANIFEST

MODULES = 14
LINES = 500
INSTALLED = 50
THEIRS = "pip --target, then a new process"
_RESTART = "import django; django.setup(); import sys; sys.path.insert(0, {folder!r}); import acme_colours.plugin"

_FIRST_LOOK = """
import time
import django
django.setup()
from django.conf import settings
from django.db import connection
from gridkit_django.conf import settings as read
from gridkit_django.plugins import plugin_manager
settings.GRIDKIT = {given!r}
read.forget(setting="GRIDKIT")
connection.ensure_connection()
began = time.perf_counter()
plugin_manager().follow()
print((time.perf_counter() - began) * 1000)
"""


def run() -> Iterator[str]:
    """Compare installing, then rolling back, then starting."""
    with tempfile.TemporaryDirectory() as name, open_market() as market:
        folder = Path(name)
        signed = Signed()
        signed.hold_ceremony()
        acme = Acme(market, folder, signed)
        extra = {f"part{number}.py": _module(number) for number in range(MODULES)}
        wheels = {version: acme.publish(version, extra=extra) for version in ("1.0.0", "1.1.0")}
        place = {"url": market.url, "root": str(acme.root), "timeout": 30.0}
        site = {"HOT_RELOAD": False, "STATE_DIR": name, "MARKETPLACES": {"main": place}}
        with override_settings(GRIDKIT={**site, "MARKETPLACE_TRUSTED": ["@acme"]}):
            refresh_catalogue()
            yield from _figures(folder, wheels["1.0.0"])


def _figures(folder: Path, wheel: bytes) -> Iterator[str]:
    conditions = {"wheel": f"{len(wheel):,} bytes", "files": MODULES + 5}
    path = folder / "acme_colours-1.0.0-py3-none-any.whl"
    path.write_bytes(wheel)
    both = {
        "pip --target, then a new process": lambda: _pip(folder, path),
        "operation, to the plugin at work": _install,
    }
    yield table("Install to the plugin at work", compare(both, rounds=5), conditions=conditions)
    manager = plugin_manager()
    manager.install_plugin(f"marketplace:{PLUGIN}==1.0.0")
    manager.update_plugin(PLUGIN, "1.1.0")
    versions = itertools.cycle(("1.0.0", "1.1.0"))
    back = {
        THEIRS: lambda: _pip(folder, path),
        "roll back, to the plugin at work": lambda: manager.roll_back_plugin(PLUGIN, next(versions)),
    }
    yield table("Roll back", compare(back, rounds=5), conditions=conditions)
    manager.uninstall_plugin(PLUGIN)
    none = _start_time("none")
    for number in range(INSTALLED):
        install(manager.runtime, InstallRequest(_small(number)), None)
    many = _start_time(f"{INSTALLED} plugins")
    yield f"{none}\n{many}"


def _install() -> None:
    manager = plugin_manager()
    manager.install_plugin(f"marketplace:{PLUGIN}==1.0.0")
    if PLUGIN not in manager.runtime.live:
        raise RuntimeError("The plugin is not at work.")
    manager.uninstall_plugin(PLUGIN)


def _pip(folder: Path, wheel: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as target:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", target, str(wheel)]
        subprocess.run(pip, check=True)
        subprocess.run([sys.executable, "-c", _RESTART.format(folder=target)], check=True)


def _start_time(what: str) -> str:
    """Return how long the first look takes in a process of its own, which has connected to the database already."""
    given = {name: value for name, value in django_settings.GRIDKIT.items() if name in ("HOT_RELOAD", "STATE_DIR")}
    command = [sys.executable, "-c", _FIRST_LOOK.format(given=given)]
    looks = [float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(9)]
    return f"First look of a process at its plugins, {what}: {statistics.median(looks):.1f} ms"


def _small(number: int) -> Any:
    key = f"@acme/small{number}"
    texts = {
        "plugin.toml": MANIFEST.format(id=key, version="1.0.0", core="*"),
        "words.py": f"WORD = {number}\n",
        "plugin.py": CODE.replace('"word"', f'"word{number}"'),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    files = PluginFiles(key, key, contents, digest_of(contents), Path)
    return plugin_manager().runtime.catalog.kept(key, files, PluginSource.MARKETPLACE)


def _module(number: int) -> bytes:
    words = random.Random(number)
    lines = (f"VALUE_{words.getrandbits(40)} = {words.random()!r}\n" for _ in range(LINES))
    return "".join(lines).encode()
