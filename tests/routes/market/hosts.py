"""Two hosts of one site: they share database, Redis and Django's storage, and have a name and a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.files import locks

from tests.marketplace.client.packages import PLUGIN
from tests.routes.board import parsed
from tests.routes.market.pair import set_up
from tests.routes.shell import Shell
from tests.routes.world import awaited
from tests.servers.stack import Stack

ASKED = ["methods:register"]
LONG = 600
"""Seconds that no test waits: the clock of an operation jumps ahead when it is told to, see ``Hosts.time_is_up``."""

_BEGIN = f"""
from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.models import PluginOperation, PluginPackage
manager.follow()
if InstalledPlugin.objects.exists():
    manager.uninstall_plugin({PLUGIN!r})
PluginOperation.objects.all().delete()
PluginPackage.objects.all().delete()
refresh_catalogue(now=True)
"""
_INSTALL = """
import json, pathlib, time, types
from django.conf import settings
from django.test.utils import override_settings
from gridkit_django.marketplace.client import hosts, recipes
from gridkit_django.plugins import request_operation, run_operation

folder = pathlib.Path({folder!r})

def pause(files):
    # Instead of the probe: the digest is known, this host unpacks, and no host was asked yet.
    assert manager.runtime.catalog.unpacked.open(files.digest, {plugin!r}) is not None
    (folder / "paused").touch()
    while {pauses} and not (folder / "go").exists():
        time.sleep(0.02)

def monotonic():
    return time.monotonic() + (1e9 if (folder / "up").exists() else 0)

recipes.probe, hosts.time = pause, types.SimpleNamespace(sleep=time.sleep, monotonic=monotonic)
with override_settings(GRIDKIT={{**settings.GRIDKIT, **{changes!r}}}):
    arguments = {{"source": {source!r}, "grants": {asked!r}}}
    operation = request_operation("install", {plugin!r}, arguments, user=None, switch_anyway={anyway})
    run_operation(operation.pk)
operation.refresh_from_db()
told = {{"state": operation.state, "code": operation.error_code, "detail": operation.error_detail}}
log = [line["text"] for line in operation.log]
answer = json.dumps({{**told, "log": log, "prepare": operation.results.get("prepare")}})
"""


class Hosts:
    """A site of two hosts: one carries operations out, the other serves.

    Args:
        one: database and folders of the first; its process is the shell.
        shell: that process.
        redis_url: what both hosts share beside the database.
        settings: the settings of both.
    """

    def __init__(self, one: Stack, shell: Shell, redis_url: str, settings: Mapping[str, Any]) -> None:
        self._one = one
        self._shell = shell
        folder = one.folder / "two"
        folder.mkdir()
        self.two = Stack("postgres", one.env["DATABASE_URL"], redis_url, folder)
        self.two.env = dict(one.env)
        set_up(self.two, {**settings, **own_folders(folder)})
        self.two.env["GRIDKIT_HOST_NAME"] = "two"

    def begin(self) -> None:
        """Begin anew: nothing is installed and unpacked, the second host serves."""
        self.begin_dead()
        living = ", ".join(map(str, [0, *self.two.pids()]))
        self._one.rows(f"DELETE FROM gridkit_django_runtimeprocess WHERE pid NOT IN ({living}) RETURNING 1")
        for folder in (self.two.folder / "state").glob("gridkit-*/packages"):
            shutil.rmtree(folder)
        self.serve()

    def begin_dead(self) -> None:
        """Begin anew, with the second host as it is."""
        for name in ("paused", "go", "up"):
            (self._one.folder / name).unlink(missing_ok=True)
        self._shell(_BEGIN)

    def serve(self) -> None:
        """Let the second host serve, and wait until the others see it."""
        self.two.url()
        awaited(lambda: len(self.board()) == 1, "the second host on the board")

    def board(self) -> list[tuple[int, dict[str, int], list[str], dict[str, str]]]:
        """Return process id, plugins, and what is and can't be prepared, of each living process of the second host."""
        rows = self._one.rows(
            "SELECT pid, plugins, ready, unready FROM gridkit_django_runtimeprocess WHERE host = 'two' AND kind = 'web'"
        )
        found = [(pid, parsed(plugins), parsed(ready), parsed(unready)) for pid, plugins, ready, unready in rows]
        living = self.two.pids()
        return [row for row in found if row[0] in living]

    def kill(self) -> int:
        """Kill the second host as a whole, as when its power is cut; return which process it was that served."""
        ((pid, *_),) = self.board()
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        self.two.stop()
        return pid

    @contextmanager
    def installing(
        self, *, pauses: bool = False, anyway: bool = False, **changes: Any
    ) -> Iterator[Future[dict[str, Any]]]:
        """Let the first host install the plugin meanwhile; gives how the operation ends.

        Args:
            pauses: wait for ``go_on`` when the package is judged and stored.
            anyway: do not wait for other hosts.
            changes: settings of the first host.
        """
        with ThreadPoolExecutor(1) as pool:
            code = _INSTALL.format(
                folder=str(self._one.folder),
                plugin=PLUGIN,
                source=f"marketplace:{PLUGIN}",
                asked=ASKED,
                pauses=pauses,
                anyway=anyway,
                changes={"HOSTS_READY_SECONDS": LONG, **changes},
            )
            found = pool.submit(lambda: json.loads(self._shell(code)))
            try:
                yield found
            finally:
                self.go_on()
                self.time_is_up()

    def go_on(self) -> None:
        """Let the operation go on to the step at which hosts prepare."""
        (self._one.folder / "go").touch()

    def time_is_up(self) -> None:
        """Let the operation see that it has waited long enough."""
        (self._one.folder / "up").touch()

    def log(self) -> str:
        """Return what the operation has told so far."""
        rows = self._one.rows("SELECT log FROM gridkit_django_pluginoperation")
        return "\n".join(line["text"] for (log,) in rows for line in parsed(log))

    def paused(self) -> str:
        """Wait for the pause, and return the digest of the content."""
        awaited((self._one.folder / "paused").exists, "the package to be judged and stored")
        return self.digest()

    def digest(self) -> str:
        """Return the digest of the content, once the package is judged."""
        query = "SELECT results -> 'gate' ->> 'digest' FROM gridkit_django_pluginoperation"
        return str(awaited(lambda: (self._one.rows(query) or [("",)])[0][0], "the gate"))

    def installed(self) -> int:
        """Return how many plugins the site has."""
        return int(self._one.rows("SELECT COUNT(*) FROM gridkit_django_installedplugin")[0][0])

    def runs(self) -> bool:
        """Whether the second host serves the plugin."""
        return any(PLUGIN in plugins for _, plugins, *_ in self.board())

    def folder(self, digest: str) -> Path:
        """Return where the second host unpacks a content."""
        (cache,) = (self.two.folder / "state").glob("gridkit-*")
        return cache / "packages" / digest.removeprefix("sha256:")

    @contextmanager
    def locked(self, digest: str) -> Iterator[None]:
        """Hold the lock under which the second host unpacks, as another process of it would."""
        place = self.folder(digest)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        with place.with_name(f"{place.name}.lock").open("ab") as file:
            locks.lock(file, locks.LOCK_EX)
            yield

    def stored(self, digest: str) -> Path:
        """Return the archive of a content in Django's storage, which both hosts read."""
        return self._one.folder / "media" / "gridkit" / "packages" / f"{digest.removeprefix('sha256:')}.zip"


def own_folders(folder: Path) -> dict[str, str]:
    """Return the settings by which a host has folders of its own."""
    return {"STATE_DIR": str(folder / "state"), "PLUGIN_ROOT": str(folder / "plugins")}


def tamper(path: Path) -> None:
    """Change one file in an archive that stays a whole one."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content + b"\nimport os\n" if name.endswith("plugin.py") else content)
    path.chmod(0o600)
    path.write_bytes(buffer.getvalue())
