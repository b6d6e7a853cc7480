from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.example.test_demo import environment
from tests.servers.processes import ROOT

LEFT_TO_THE_OWNER = {"security.W005", "security.W021", "gridkit.W004", "gridkit.W012", "gridkit.W015", "gridkit.W016"}
"""HSTS for a whole domain; the keys for seals and secrets, the site's proxies, and a folder for its state."""


def test_settings_behind_https_pass_the_deployment_checks(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=ROOT,
        env=environment(tmp_path, {"DJANGO_HTTPS": "1"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0
    assert set(re.findall(r"\((\w+\.[EW]\d+)\)", done.stderr)) == LEFT_TO_THE_OWNER


@pytest.mark.parametrize("face", ["asgi", "wsgi"])
def test_servers_find_the_application(face: str):
    assert callable(importlib.import_module(f"example_project.{face}").application)
