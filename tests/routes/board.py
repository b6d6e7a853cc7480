"""What the processes of a stack say about themselves, asked of the database and of nobody else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.servers.processes import wait_until
from tests.servers.stack import Stack

GENERATION = "SELECT value FROM gridkit_django_runtimegeneration"


@dataclass(frozen=True, slots=True)
class Entry:
    """One process.

    Attributes:
        pid: its process id.
        kind: `web` or `celery`.
        generation: what it follows.
        plugins: plugin id to revision.
        last_error: why it does not run what is wanted.
    """

    pid: int
    kind: str
    generation: int
    plugins: dict[str, int]
    last_error: str


def board(stack: Stack) -> list[Entry]:
    """Return the entries of the stack's living processes."""
    found = stack.rows("SELECT pid, kind, generation, plugins, last_error FROM gridkit_django_runtimeprocess")
    living = stack.pids()
    entries = [Entry(pid, kind, number, parsed(plugins), error) for pid, kind, number, plugins, error in found]
    return [entry for entry in entries if entry.pid in living and entry.kind != "command"]


def parsed(value: Any) -> Any:
    """Return the value of a JSON column, which SQLite gives as text."""
    return json.loads(value) if isinstance(value, str) else value


def generation(stack: Stack) -> int:
    """Return the generation of now."""
    return int(stack.rows(GENERATION)[0][0])


def revision(stack: Stack, plugin_id: str) -> int | None:
    """Return the revision that every process is to run, or None when none is to."""
    found = stack.rows(
        f"SELECT revision FROM gridkit_django_installedplugin WHERE plugin_id = '{plugin_id}' "
        "AND desired_state = 'active'"
    )
    return int(found[0][0]) if found else None


def await_agreement(stack: Stack, plugin_id: str, processes: int) -> None:
    """Wait until so many processes run a plugin as it is wanted now, though nobody asks them for anything."""

    def agree() -> bool:
        wanted, entries = revision(stack, plugin_id), board(stack)
        behind = [entry for entry in entries if entry.plugins.get(plugin_id) != wanted]
        return len(entries) == processes and not behind

    try:
        wait_until(agree, f"{processes} processes to agree on {plugin_id}")
    except Exception as error:
        raise AssertionError(f"{error}: {revision(stack, plugin_id)} is wanted, but {board(stack)}") from error


def told(stack: Stack) -> set[int]:
    """Return the process ids in the rows of web and Celery processes, also of those that do not live any more."""
    return {row[0] for row in stack.rows("SELECT pid FROM gridkit_django_runtimeprocess WHERE kind <> 'command'")}


def ends_in_order(stack: Stack) -> None:
    """Let the processes end in order, and see that none of them is counted any more."""
    pids = {entry.pid for entry in board(stack)}
    assert pids
    stack.stop()
    assert not pids & told(stack)
