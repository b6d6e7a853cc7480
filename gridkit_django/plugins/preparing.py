"""Preparing: each host fetches the files of a version that is about to come, before anything switches to it.

The wish is the operation's row itself, as long as it is at the step ``prepare``. What a process has prepared stands in
its row, so whoever carries the operation out sees which hosts are ready. Processes that come later converge as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gridkit_django.exceptions import GridKitError
from gridkit_django.models import RuntimeProcess
from gridkit_django.plugins.processes import Prepared, living_processes
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.standing import Standing, standing

PREPARE = "prepare"
"""Name of the step during which hosts prepare."""

Judge = Callable[[str, Sequence[str]], None]
"""Told a plugin id and what the plugin needs beside it; raises where this host lacks that."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A version that an operation is about to switch to.

    Attributes:
        plugin_id: which plugin.
        digest: digest of its content.
        requires: what it needs beside it.
    """

    plugin_id: str
    digest: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostBehind:
    """A host that has not prepared a version.

    Attributes:
        host: its name.
        processes: the living processes there, as ``web 123``.
        reason: why it is not ready, as far as it says.
    """

    host: str
    processes: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        told = f"{self.host} ({', '.join(self.processes)})"
        return f"{told}: {self.reason}" if self.reason else told


def wishes(found: Iterable[Standing] | None = None) -> tuple[Wish, ...]:
    """Return the versions that operations wait for with every host.

    Args:
        found: the running operations; None to ask for them.
    """
    waiting = standing(PREPARE) if found is None else [item for item in found if item.step == PREPARE]
    gates = ((item.plugin_id, item.results.get("gate", {})) for item in waiting)
    pairs = (pair for plugin_id, gate in gates for pair in ((plugin_id, gate), *gate.get("peers", {}).items()))
    return tuple(
        Wish(plugin_id, str(facts["digest"]), tuple(facts.get("requires", ())))
        for plugin_id, facts in pairs
        if facts.get("digest")
    )


def hosts_behind(digest: str, own: str) -> tuple[HostBehind, ...]:
    """Return the hosts with living processes that have not prepared a version, by name.

    A host is ready when one of its processes is: they share the folder. Processes in safe mode run no plugins, so they
    are not waited for.

    Args:
        digest: digest of the version's content.
        own: the host of whoever asks, which has it.
    """
    by_host: dict[str, list[RuntimeProcess]] = {}
    for process in living_processes():
        if process.host != own and not process.safe_mode:
            by_host.setdefault(process.host, []).append(process)
    return tuple(
        _behind(host, processes, digest)
        for host, processes in by_host.items()
        if not any(digest in process.ready for process in processes)
    )


def _behind(host: str, processes: Sequence[RuntimeProcess], digest: str) -> HostBehind:
    names = tuple(f"{process.kind} {process.pid}" for process in processes)
    reasons = (process.unready.get(digest, "") for process in processes)
    return HostBehind(host, names, next(filter(None, reasons), ""))


class HostPreparation:
    """Prepares, in this process, what operations wish for.

    Args:
        runtime: the runtime of this process; its row tells what is ready.
        judge: looks whether this host has what a plugin needs.
    """

    def __init__(self, runtime: PluginRuntime, judge: Judge) -> None:
        self._runtime = runtime
        self._judge = judge

    def prepare(self, wanted: Sequence[Wish]) -> None:
        """Fetch, check, unpack and compile each version; what this host can't is told with the reason."""
        faults = {wish.digest: self._fault(wish) for wish in wanted}
        ready = tuple(sorted(digest for digest, fault in faults.items() if not fault))
        unready = {digest: fault for digest, fault in faults.items() if fault}
        found = Prepared(ready, unready)
        if found != self._runtime.process.prepared:
            self._runtime.process.prepared = found
            self._runtime.housekeeping()  # which writes the row

    def _fault(self, wish: Wish) -> str:
        """Prepare one version; why that is not possible, empty when it is done."""
        try:
            self._judge(wish.plugin_id, wish.requires)
            found = self._runtime.catalog.unpacked.open(wish.digest, wish.plugin_id)
        except GridKitError as error:
            return error.detail
        return "" if found is not None else "its files are not where this host looks for them"
