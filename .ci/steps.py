"""How a set-up step is run: one line for a person, a stamp so that the second time is quick, the log on failure."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "gridkit-stamps"


class StepError(Exception):
    """A step could not be done; the message is written for the person at the terminal."""


def say(word: str, text: str) -> None:
    """Print one line: a short word (`ok`, `note`, `failed`), then what it is about."""
    sys.stdout.write(f"  {word:<7}{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Print a warning whose further lines are indented under the first."""
    say("note", text.strip().replace("\n", "\n         "))


def run(
    command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None, limit: float = 900
) -> str:
    """Run a command quietly and return what it printed.

    Args:
        command: The program and its arguments; no shell is involved.
        cwd: Where it runs.
        env: Variables set on top of the present environment.
        limit: Seconds after which the command is ended.

    Raises:
        StepError: It exited non-zero, took too long or could not be started; the message ends with its last lines.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepError(f"{' '.join(words[:3])}: {error}") from error
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-60:])
        raise StepError(f"`{' '.join(words[:6])}` exited with {done.returncode}:\n{tail}")
    return done.stdout


def digest(paths: Iterable[Path], *words: str) -> str:
    """Return one SHA-256 over the files' names and contents and some words: the inputs of a step."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode())
        total.update(path.read_bytes() if path.is_file() else b"-")
    return total.hexdigest()


def stamp_of(name: str) -> Path:
    """Return the file that remembers the inputs a step was last done with."""
    return STAMPS / name.replace(" ", "-")


def step(name: str, inputs: str, action: Callable[[], None]) -> None:
    """Do `action` unless it was done before with the same inputs, and print one line when there was work.

    Args:
        name: What a person reads; also the stamp's name.
        inputs: A digest of all that the result depends on.
        action: The work. It raises `StepError` when it cannot be done, and then leaves no stamp.
    """
    stamp = stamp_of(name)
    if stamp.is_file() and stamp.read_text() == inputs:
        return
    started = time.monotonic()
    action()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(inputs)
    say("ok", f"{name} ({time.monotonic() - started:.0f} s)")
