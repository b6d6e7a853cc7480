"""What runs in the probe's process: it imports the plugin and tells what its configuration looks like. No database."""

from __future__ import annotations

import json
import os
import signal
import sys

from gridkit_django.exceptions import GridKitError
from gridkit_django.plugins.files import read_archive
from gridkit_django.plugins.sources import BundleLoader, FilesSource


def answer() -> None:
    """Read an archive from standard input, import the plugin in it, and write the answer into the parent's file."""
    file, digest, label, seconds = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    signal.alarm(seconds)  # ends this process when its parent was killed and can no longer do it
    os.write(file, json.dumps(imported(sys.stdin.buffer.read(), digest, label)).encode())


def imported(archive: bytes, digest: str, label: str) -> dict[str, object]:
    """Return what importing an archive's plugin shows, or the error in words."""
    try:
        code = FilesSource(label, read_archive(archive, digest, label), BundleLoader()).load()
        return {"schema": code.plugin_class.Config.model_json_schema(), "version": code.plugin_class.config_version}
    except GridKitError as error:
        return {"error": error.detail}
