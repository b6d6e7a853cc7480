"""Telling when a plugin's folder may have changed: by the system's own events, or by comparing contents.

Events come at once, but not everywhere: not from network folders, not in every container, not without the package
``watchfiles``. So a look at names, sizes and times goes with them once a second; and where there are no events at all
the contents are compared four times a second. Comparing times alone would miss quick edits.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from gridkit_django.exceptions import PluginError
from gridkit_django.plugins.files import content_digest, list_files

try:
    import watchfiles
except ImportError:  # the extra "reload" is not installed
    watchfiles = None  # type: ignore[assignment]

logger = logging.getLogger("gridkit_django.plugins")

POLL_SECONDS = 0.25
_DEBOUNCE_MS = 20
_STEP_MS = 5
_TICK_MS = 1000

_Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...] | None


class FolderWatch:
    """Watches one folder, in the thread of whoever asks for its ticks.

    Args:
        folder: the folder; it may vanish and come back.
        stopping: ends the watch when it is set.
    """

    def __init__(self, folder: Path, stopping: threading.Event) -> None:
        self._folder = folder
        self._stopping = stopping
        self._polls = not has_events()
        self._seen = _stamp(folder)

    def ticks(self) -> Iterator[bool]:
        """Yield whether the folder may have changed, at each change and at least once a second, until it is stopped."""
        while not self._stopping.is_set():
            if self._polls:
                yield from self._compared()
            else:
                yield from self._told()

    def _told(self) -> Iterator[bool]:
        """Yield by the system's events, until another folder lies in this place or events turn out to be missing."""
        place = _identity(self._folder)
        try:
            for changes in watchfiles.watch(
                self._folder,
                stop_event=self._stopping,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                rust_timeout=_TICK_MS,
                yield_on_timeout=True,
                raise_interrupt=False,
                force_polling=False,
            ):
                yield self._differs() or bool(changes)
                if _identity(self._folder) != place:
                    return
        except FileNotFoundError:
            self._stopping.wait(POLL_SECONDS)
            yield self._differs()
        except (OSError, RuntimeError) as error:
            logger.warning("%s can't be watched by events (%s), so its contents are compared.", self._folder, error)
            self._polls = True

    def _differs(self) -> bool:
        """Whether names, sizes or times differ from the last look; what is done about it comes after the look."""
        before, self._seen = self._seen, _stamp(self._folder)
        return self._seen != before

    def _compared(self) -> Iterator[bool]:
        """Yield by comparing contents; the first look always counts as a change."""
        digest: str | None = ""
        while not self._stopping.wait(POLL_SECONDS):
            before, digest = digest, _digest(self._folder)
            yield digest != before


def has_events() -> bool:
    """Whether the system tells of changed files here.

    Not where ``watchfiles`` is missing, where ``WATCHFILES_FORCE_POLLING`` says so, and in the Linux of Windows.
    """
    wish = os.environ.get("WATCHFILES_FORCE_POLLING", "").lower()
    if wish:
        return wish in {"false", "disable", "disabled", "0"} and watchfiles is not None
    return "microsoft-standard" not in platform.release().lower() and watchfiles is not None


def _stamp(folder: Path) -> _Stamp:
    """Return names, times and sizes of the plugin's files; None while they can't be read."""
    try:
        return tuple((str(path), *_facts(path)) for path in list_files(folder))
    except (PluginError, OSError):
        return None


def _facts(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _identity(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except OSError:
        return None


def _digest(folder: Path) -> str | None:
    try:
        return content_digest(folder)
    except PluginError:
        return None
