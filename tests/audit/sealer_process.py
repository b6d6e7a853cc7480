"""A process that seals and stops at a named step, so that a test can kill it there.

Each line of its input names a step; it forks, the child seals up to that step, says so and waits to be killed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

STEPS = ("entered", "read", "made", "stored", "committed", "checkpoint made", "checkpoint told")
"""The steps of a run, in their order; nothing is lost wherever it ends."""


def stop_at(step: str) -> None:
    """Say where this process is, and wait."""
    sys.stdout.write(f"{step} {os.getpid()}\n")
    sys.stdout.flush()
    time.sleep(120)


def keep(_alias: str, _note: str) -> None:
    """A hook for checkpoints that stops when it has done its work."""
    stop_at("checkpoint told")


def seal_up_to(step: str) -> None:
    """Seal, and stop at a step."""
    from gridkit_django.audit import checkpoints  # noqa: PLC0415 - after django.setup
    from gridkit_django.audit.sealing import aliases, sealer  # noqa: PLC0415

    places: dict[str, tuple[Any, str, bool]] = {
        "entered": (sealer.Sealer, "_may_enter", True),
        "read": (sealer, "next_window", True),
        "made": (sealer.Sealer, "_seal_of", True),
        "stored": (sealer, "note_key", False),
        "committed": (aliases, "keep_up", False),
        "checkpoint made": (checkpoints, "tell", False),
    }
    if step not in places:
        aliases.seal_all()
        return
    owner, name, after = places[step]
    with mock.patch.object(owner, name, stopping(getattr(owner, name), step, after=after)):
        aliases.seal_all()


def stopping(function: Callable[..., Any], step: str, *, after: bool) -> Callable[..., Any]:
    """Return a function that stops before or after it has done its work."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if not after:
            stop_at(step)
        result = function(*args, **kwargs)
        stop_at(step)
        return result

    return run


def main() -> None:
    """Set Django up once, and fork for each step."""
    import django  # noqa: PLC0415 - the settings are completed first
    from django.conf import settings  # noqa: PLC0415

    settings.DATABASES["default"].update(json.loads(os.environ["SEALER_DATABASE"]))
    settings.GRIDKIT = {"AUDIT_CHECKPOINT_HOOK": f"{__spec__.name if __spec__ else 'tests.audit.sealer_process'}.keep"}
    django.setup()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            seal_up_to(line.strip())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"ended {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
