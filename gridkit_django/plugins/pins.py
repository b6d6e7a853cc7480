"""Pins: a plugin that keeps its version until a person takes the pin off, and the note that says why."""

from __future__ import annotations

from gridkit_django.exceptions import PluginPinnedError, PluginStateError
from gridkit_django.models import InstalledPlugin, PluginSource
from gridkit_django.plugins.change import changing, get_row, tell, touch
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.typing import User

NOTE_MAX = 200
"""Characters of a note."""

OURS = frozenset({PluginSource.FOLDER, PluginSource.MARKETPLACE})
"""The sources whose versions the runtime keeps and chooses among."""


def pin(runtime: PluginRuntime, plugin_id: str, note: str, user: User | None) -> None:
    """Hold a plugin at the version in use, and say why; of a pinned one, write another note.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        note: why, at most ``NOTE_MAX`` characters; never empty.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginStateError: without a note, with too long a one, or when its code is not the runtime's to choose.
    """
    note = note.strip()
    if not note or len(note) > NOTE_MAX:
        raise PluginStateError(f"Say in 1 to {NOTE_MAX} characters why {plugin_id} is pinned.")
    _write(runtime, plugin_id, note, user)


def unpin(runtime: PluginRuntime, plugin_id: str, user: User | None) -> None:
    """Let a plugin be updated again. What was not pinned stays as it is.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        user: who does it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
    """
    if get_row(plugin_id).pinned:
        _write(runtime, plugin_id, "", user)


def check_not_pinned(row: InstalledPlugin) -> None:
    """Refuse to update a pinned plugin.

    Raises:
        PluginPinnedError: tells version and note.
    """
    reason = why_pinned(row)
    if reason:
        raise PluginPinnedError(f"{row.plugin_id} is {reason}. Unpin it first.", extra={"note": row.pin_note})


def why_pinned(row: InstalledPlugin) -> str:
    """Return ``pinned to 1.2.0: the note``; empty when it is not pinned."""
    if not row.pinned:
        return ""
    version = row.current_version.version if row.current_version else "its version"
    return f"pinned to {version}" + (f": {row.pin_note}" if row.pin_note else "")


def _write(runtime: PluginRuntime, plugin_id: str, note: str, user: User | None) -> None:
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        if note and row.source not in OURS:
            raise PluginStateError(f"{plugin_id} comes from an installed package or is given in code: pin it there.")
        was, was_note = row.pinned, row.pin_note
        row.pinned, row.pin_note = bool(note), note
        touch(row, "pinned", "pin_note")
        tell("pin" if note else "unpin", row, changes={"pinned": [was, row.pinned], "pin_note": [was_note, note]})
