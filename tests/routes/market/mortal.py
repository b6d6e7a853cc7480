"""Workers that are killed on the way, by themselves with a real SIGKILL, each forked from a process that stays.

A worker dies at the first place where none has died before: after each write that is committed at once, before and
after each commit, and before each act on files, on the network or on processes. All are found while it runs, in
whatever step there is.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from celery import current_app
from django.db import connection, connections

from gridkit_django.marketplace.client import recipes
from gridkit_django.plugins import operations
from gridkit_django.plugins.boot import BootRecord
from gridkit_django.plugins.operation_run import OperationRun
from gridkit_django.tasks.plugins import run_plugin_operation

LATE = ("encodings.idna", "gridkit_django.marketplace.trust.fetching", "jsonschema", "tuf.ngclient")
"""What the product imports where it is first needed: each worker would do so anew, which takes longer than its work."""

FILE_ACTS = ("os.mkdir", "os.rename", "os.remove", "tempfile.mkdtemp", "subprocess.Popen", "socket.connect")
_WRITES = ("INSERT", "UPDATE", "DELETE")


class Trap:
    """Kills this process at the first place of this run that is not spent.

    Args:
        order: ``spent``: where workers have died before; ``since``: the step from which on workers die, empty for
            everywhere; ``starting``: 0, or at which place while a step lets the plugin's own code start.
        told: a pipe that is told the place.
    """

    def __init__(self, order: dict[str, Any], told: int) -> None:
        self._spent = frozenset(order["spent"])
        self._since: str = order["since"]
        self._nth: int = order["starting"]
        self._told = told
        self._starting = False
        self._counts: Counter[str] = Counter()
        self._thread = threading.get_ident()
        self.step = "claim"

    def reach(self, act: str, *, each: bool = True) -> None:
        """Say what has just been done, or is about to be.

        Args:
            act: what.
            each: whether it is another place each time that it is done in the same step.
        """
        if threading.get_ident() != self._thread or self._starting != bool(self._nth):
            return
        self._counts[f"{self.step}: {act}"] += 1
        place = f"{self.step}: {act} {self._counts[f'{self.step}: {act}'] if each else ''}".strip()
        if self._nth:
            self._counts["starting"] += self.step != "claim"
            if self._counts["starting"] != self._nth:
                return
        elif self._since or place in self._spent:
            return
        os.write(self._told, place.encode())
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()

    def set(self) -> None:
        """Watch the database, the files, and which step the operation is in."""
        connection.execute_wrappers.append(self._executed)
        connection._commit = self._around_commit(connection._commit)
        sys.addaudithook(self._audited)
        OperationRun.begin = self._naming(OperationRun.begin)
        operations._undo = self._undoing(operations._undo)
        BootRecord.step = self._booting(BootRecord.step)

    def _executed(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith(_WRITES) and not connection.in_atomic_block:
            self.reach(" ".join(sql.split()[:3]))
        return result

    def _around_commit(self, commit: Callable[[], None]) -> Callable[[], None]:
        def committed() -> None:
            self.reach("before commit")
            commit()
            self.reach("after commit")

        return committed

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_ACTS:
            self.reach(event, each=False)

    def _naming(self, begin: Any) -> Any:
        def named(run: Any, step: str, number: int, count: int) -> None:
            self.step = step
            if self._since == step or self._since in run.operation.results:
                self._since = ""
            begin(run, step, number, count)

        return named

    def _undoing(self, undo: Any) -> Any:
        def undone(run: Any, steps: Any) -> None:
            self.step, self._since = "undo", ""
            undo(run, steps)

        return undone

    def _booting(self, step: Any) -> Any:
        @contextmanager
        def booting(*arguments: Any, **named: Any) -> Iterator[Any]:
            self._starting = True
            try:
                with step(*arguments, **named) as note:
                    self.reach("the plugin starts")
                    yield note
            finally:
                self._starting = False

        return booting


def work(order: dict[str, Any], told: int) -> None:
    """Carry out an operation as the worker's task does."""
    if not order["probe"]:
        recipes.probe = lambda files: None
    if order["deadly"]:
        Trap(order, told).set()
    run_plugin_operation(order["operation"])


def give_birth(order: dict[str, Any]) -> dict[str, Any]:
    """Fork a worker, wait for its end, and say how and where it died."""
    connections.close_all()
    heard, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(heard)
        code = 1
        try:
            work(order, told)
            code = 0
        finally:
            os._exit(code)
    os.close(told)
    with os.fdopen(heard) as pipe:
        place = pipe.read()
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, "place": place, "code": status}


def serve() -> None:
    """Fork a worker for each line that is read, and write how it ended."""
    tempfile.gettempdir()  # Python looks for it by writing a file there, once
    for name in LATE:
        import_module(name)
    current_app.finalize()
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(give_birth(json.loads(line)))}\n")
        sys.stdout.flush()
