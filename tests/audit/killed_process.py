"""A process that works and stops at a named step, so that a test can kill it there.

Each line of its input names a job and a step; it forks, the child works up to there, says so and waits to be killed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

SEALER = ("entered", "read", "made", "stored", "committed", "checkpoint made", "checkpoint told")
WRITER = (
    "update entered", "update changed", "update recorded", "update committed",
    "many recorded", "many committed",
    "create changed", "create copying", "create recorded", "create committed",
    "delete changed", "delete recorded", "delete committed",
)  # fmt: skip
DELIVERER = ("leased", "read", "half sent", "sent", "accepted", "noted", "ended")
PURGER = ("counted", "half archived", "archived", "told", "deleted", "ended")
"""The steps of each job, in their order."""

NEW = tuple(f"new {number}" for number in range(6))
"""Codes of the rows that the writer makes: enough for COPY."""

Place = tuple[Any, str, int]
"""Where a step is: an object, the name of its function, and at which call of it; negative for after that call."""


def stop_at(step: str) -> None:
    """Say where this process is, and wait."""
    sys.stdout.write(f"{step} {os.getpid()}\n")
    sys.stdout.flush()
    time.sleep(120)


def keep(_alias: str, _note: str) -> None:
    """A hook for checkpoints that stops when it has done its work."""
    stop_at("checkpoint told")


def seal(step: str) -> None:
    """Seal, and stop at a step."""
    from gridkit_django.audit import checkpoints  # noqa: PLC0415 - after django.setup
    from gridkit_django.audit.sealing import aliases, sealer  # noqa: PLC0415

    places: dict[str, Place] = {
        "entered": (sealer.Sealer, "_may_enter", -1),
        "read": (sealer, "next_window", -1),
        "made": (sealer.Sealer, "_seal_of", -1),
        "stored": (sealer, "note_key", 1),
        "committed": (aliases, "keep_up", 1),
        "checkpoint made": (checkpoints, "tell", 1),
    }
    run_to(step, places, aliases.seal_all)


def write(step: str) -> None:
    """Change, make or delete rows of a followed model, and stop at a step."""
    from django.db.models import F  # noqa: PLC0415 - after django.setup

    from gridkit_django.audit import writer  # noqa: PLC0415
    from gridkit_django.audit.capture import doors, recording, set_based_postgres, watcher  # noqa: PLC0415
    from tests.museum.models import Work  # noqa: PLC0415

    jobs: dict[str, Callable[[], Any]] = {
        "update": lambda: Work.objects.filter(pk__in=list(Work.objects.values_list("pk", flat=True))).update(
            count=F("count") + 1
        ),
        "many": lambda: Work.objects.update(count=F("count") + 1),
        "create": lambda: Work.objects.bulk_create([Work(title=code, code=code) for code in NEW]),
        "delete": lambda: Work.objects.filter(code__startswith="old").delete(),
    }
    places: dict[str, Place] = {
        "update entered": (watcher.Capture, "_update", 1),
        "update changed": (doors, "update_rows", -1),
        "many recorded": (set_based_postgres.InPostgres, "update", -1),
        "create changed": (doors, "insert_rows", -1),
        "create copying": (writer, "_record_row", 3),
        "delete changed": (doors, "delete_rows", -1),
        **{f"{job} recorded": (recording, "write", -1) for job in ("update", "create", "delete")},
    }
    run_to(step, places, jobs[step.split()[0]])


def deliver(step: str) -> None:
    """Deliver to a file, and stop at a step."""
    from gridkit_django.audit.delivery import delivering  # noqa: PLC0415 - after django.setup

    places: dict[str, Place] = {
        "leased": (delivering, "_leased", -1),
        "read": (delivering, "_next_batch", -2),
        "half sent": (os, "write", -2),
        "sent": (os, "fsync", 2),
        "accepted": (delivering, "_advance", 2),
        "noted": (delivering, "_advance", -2),
    }
    if step == "half sent":
        whole = os.write
        os.write = lambda handle, body: whole(handle, body[: len(body) // 2 + 1])  # type: ignore[assignment]
    run_to(step, places, lambda: delivering.deliver("there"))


def remove(step: str) -> None:
    """Purge what is over in two days, and stop at a step."""
    from datetime import timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415 - after django.setup

    from gridkit_django.audit.retention import archive, purge, purging  # noqa: PLC0415

    places: dict[str, Place] = {
        "counted": (purging, "counts_by_rule", -1),
        "half archived": (archive, "_write_file", -1),
        "archived": (purging, "write_archive", -1),
        "told": (purging, "tell", -1),
        "deleted": (purging, "_delete", -1),
    }
    run_to(step, places, lambda: purge(now=timezone.now() + timedelta(days=2)))


JOBS: Mapping[str, Callable[[str], None]] = {"seal": seal, "write": write, "deliver": deliver, "purge": remove}


def run_to(step: str, places: Mapping[str, Place], work: Callable[[], Any]) -> None:
    """Work up to a step and stop there; one without a place is at the end."""
    if step in places:
        owner, name, call = places[step]
        with mock.patch.object(owner, name, stopping(getattr(owner, name), step, call)):
            work()
    else:
        work()
    stop_at(step)


def stopping(function: Callable[..., Any], step: str, call: int) -> Callable[..., Any]:
    """Return a function that stops at one of its calls: before it has done its work, or after it (negative)."""
    calls = 0

    def run(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            stop_at(step)
        result = function(*args, **kwargs)
        if calls == -call:
            stop_at(step)
        return result

    return run


def main() -> None:
    """Set Django up once, and fork for each step."""
    import django  # noqa: PLC0415 - the settings are completed first
    from django.conf import settings  # noqa: PLC0415

    settings.DATABASES["default"].update(json.loads(os.environ["KILLED_DATABASE"]))
    settings.GRIDKIT = json.loads(os.environ["KILLED_GRIDKIT"])
    settings.STORAGES = {**settings.STORAGES, "archive": json.loads(os.environ["KILLED_ARCHIVE"])}
    django.setup()
    for line in sys.stdin:
        job, step = line.strip().split(" ", 1)
        child = os.fork()
        if not child:
            JOBS[job](step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"ended {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
