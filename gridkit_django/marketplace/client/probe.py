"""The probe: new code is imported in a process of its own first, so that one that crashes or hangs harms nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any

from gridkit_django.exceptions import ProbeFailedError
from gridkit_django.plugins.files import PluginFiles, write_archive

SECONDS_MAX = 60.0
_TOLD_LENGTH = 2000
_CHILD = "import django; django.setup(); from gridkit_django.marketplace.client.probe_child import answer; answer()"


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found by importing.

    Attributes:
        config_schema: JSON Schema of the plugin's configuration.
        config_version: its version.
    """

    config_schema: Mapping[str, Any]
    config_version: int


def probe(files: PluginFiles, seconds: float = SECONDS_MAX) -> Probed:
    """Import a plugin's entry in a child process.

    Args:
        files: the plugin.
        seconds: after which the child is killed.

    Raises:
        ProbeFailedError: when it can't be imported, crashes, or takes too long; with what it wrote last.
    """
    with tempfile.TemporaryFile() as answer:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-c", _CHILD, str(answer.fileno()), files.digest, files.label, str(ceil(seconds) + 5)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[answer.fileno()],
            start_new_session=True,
        )
        try:
            _, noise = child.communicate(write_archive(files), timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise ProbeFailedError(f"{files.label} took over {seconds:g} seconds to be imported.") from error
        finally:
            _end(child)
        answer.seek(0)
        raw = answer.read()
    return _read(files.label, raw, child.returncode, noise.decode("utf-8", "replace"))


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stderr):
        if stream is not None:
            stream.close()


def _read(label: str, raw: bytes, code: int, noise: str) -> Probed:
    try:
        found = json.loads(raw)
    except ValueError as error:
        told = noise.strip()[-_TOLD_LENGTH:] or "it said nothing"
        raise ProbeFailedError(f"{label} ended the process that imported it (status {code}): {told}") from error
    if "error" in found:
        raise ProbeFailedError(f"{label} can't be imported: {found['error']}")
    return Probed(found["schema"], int(found["version"]))
