"""The boot record: what a process writes down before it lets a plugin do something, so that a killed process is missed.

A plugin can end a process without raising: a crash in a C library, memory that runs out, ``os._exit``, a hang until the
server kills its worker. Nothing in the process can tell then. So a small file is written before each step of a plugin's
life and removed after it. A file whose process is gone says who did it. Nothing is forced to disk: the file must
outlive its process, not the machine.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from django.conf import settings as django_settings
from django.db import connections

from gridkit_django.conf import settings
from gridkit_django.plugins.processes import ProcessRow
from gridkit_django.plugins.savepoints import database

logger = logging.getLogger("gridkit_django.plugins")

FORGOTTEN_AFTER_SECONDS = 86_400
_ENDING = ".step"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plugin's life in one process.

    Attributes:
        plugin_id: which plugin.
        revision: which revision of it.
        digest: content digest of its code.
        step: ``load``, ``initialize``, ``reload`` or ``destroy``.
        host: where the process runs.
        pid: its number.
        born: when it began, in the words of its operating system; a number can be given to another process later.
        on_trial: whether only this process was to run that code, before the others do.
    """

    plugin_id: str
    revision: int
    digest: str
    step: str
    host: str
    pid: int
    born: str
    on_trial: bool = False


class BootRecord:
    """The record of one process.

    Args:
        process: who we are.
    """

    def __init__(self, process: ProcessRow) -> None:
        self._process = process
        self._born = (0, "")
        self._refused = ""

    @contextmanager
    def step(
        self, plugin_id: str, revision: int, digest: str, step: str, *, on_trial: bool = False
    ) -> Iterator[Callable[[str], None]]:
        """Note that a plugin begins a step; gives a function that notes the next one.

        A folder that can't be written to is logged once, and plugins start without a record.

        Args:
            plugin_id: which plugin.
            revision: which revision of it.
            digest: content digest of its code.
            step: the first step.
            on_trial: whether only this process is to run that code.
        """
        host = str(self._process.describe()["host"])
        found = Step(plugin_id, revision, digest, step, host, *self._identity(), on_trial)
        path, handle = self._open()

        def note(next_step: str) -> None:
            if handle is not None:
                text = json.dumps({**asdict(found), "step": next_step})
                os.pwrite(handle, f"{text}\n".encode(), 0)

        try:
            note(step)
            yield note
        finally:
            if path is not None and handle is not None:
                os.close(handle)
                path.unlink(missing_ok=True)

    def leftovers(self) -> Iterator[tuple[Path, Step]]:
        """Yield the steps in which processes of this host died, with the file of each; drop what is too old to count.

        The caller takes the files away, with ``claim``.
        """
        folder = self._folder()
        for path in sorted(folder.glob(f"*{_ENDING}")) if folder is not None else ():
            found = _read(path)
            if found is not None and found.host == self._process.describe()["host"] and _is_gone(found, self._born):
                yield path, found

    @staticmethod
    def claim(path: Path) -> bool:
        """Take a leftover, so that only one process counts it; whether it was still there."""
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    @staticmethod
    def put_back(path: Path, step: Step) -> None:
        """Leave a claimed leftover for later."""
        path.write_text(json.dumps(asdict(step)), encoding="utf-8")

    def _open(self) -> tuple[Path | None, int | None]:
        folder = self._folder()
        if folder is None:
            return None, None
        path = folder / f"{os.getpid()}-{threading.get_native_id()}-{time.time_ns()}{_ENDING}"
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._refuse(f"{folder}: {error.strerror}")
            return None, None

    def _folder(self) -> Path | None:
        """Return the folder of this site and user, made when needed; None when it is not ours alone."""
        folder = record_folder()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            facts = folder.lstat()
        except OSError as error:
            self._refuse(f"{folder}: {error.strerror}")
            return None
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
            self._refuse(f"{folder} must be a folder that belongs to this user, with mode 0700")
            return None
        return folder

    def _refuse(self, reason: str) -> None:
        """Say once why nothing is recorded."""
        if reason != self._refused:
            self._refused = reason
            logger.warning("Plugins start without a boot record, so one that kills its process is not seen: %s", reason)

    def _identity(self) -> tuple[int, str]:
        """Return the number and the birth of this process; asked anew after a fork."""
        pid = os.getpid()
        if self._born[0] != pid:
            self._born = (pid, _facts_of(pid)[1])
        return self._born


def record_folder() -> Path:
    """Return the folder of this host's boot records: one for each user and site, inside ``STATE_DIR``."""
    facts = connections[database()].settings_dict
    urls = getattr(django_settings, "ROOT_URLCONF", "")  # a project of workers only needs none
    site = f"{os.environ.get('DJANGO_SETTINGS_MODULE')} {urls} {facts['HOST']} {facts['NAME']}"
    name = f"gridkit-{os.geteuid()}-{sha256(site.encode()).hexdigest()[:12]}"
    return Path(settings().STATE_DIR or tempfile.gettempdir()) / name


def _read(path: Path) -> Step | None:
    """Read a file; None while it is being written or removed, and for one that is too old, which is dropped."""
    try:
        if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER_SECONDS:
            path.unlink()
            return None
        return Step(**json.loads(path.read_bytes().partition(b"\n")[0]))
    except (OSError, ValueError, TypeError):
        return None


def _is_gone(step: Step, own: tuple[int, str]) -> bool:
    """Whether the process of a step has ended. A number that now belongs to another process counts as ended."""
    if (step.pid, step.born) == own:
        return False
    try:
        os.kill(step.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return True  # the folder is ours alone, so our process had this number; somebody else's has it now
    state, born = _facts_of(step.pid)
    return state == "Z" or born != step.born


def _facts_of(pid: int) -> tuple[str, str]:
    """Return a process's state and the time of its birth as Linux tells them; empty on other systems."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]
