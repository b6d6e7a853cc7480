"""The pytest plugin: found by its entry point, and free where it is not used; `tests/docs/test_test_page` uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from tests.docs.pages import ROOT
from tests.servers.processes import ABSENT, unmeasured_environment

SETTINGS = """
SECRET_KEY = "only-for-tests"
USE_TZ = True
ROOT_URLCONF = "site_settings"
urlpatterns = []
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "django_filters", "guardian",
    "gridkit_django",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
FEW_PLUGINS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio")
"""Without the plugins of this suite that take longer to load than the runs take."""

TABLES_AT_ONCE = "--nomigrations"
"""Has pytest-django make the tables from the models; migrating takes longer than most of these runs."""


def run(folder: Path, *words: str) -> str:
    """Run Python in a folder, away from the settings of this suite, and return what it printed."""
    told = unmeasured_environment()
    env = {key: value for key, value in told.items() if not key.startswith(("DJANGO", "PYTEST"))}
    env |= {"PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT, ABSENT)))}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=180, check=False
    )
    return done.stdout + done.stderr


def test_plugin_is_an_entry_point_of_pytest() -> None:
    values = [item.value for item in entry_points(group="pytest11") if item.name == "gridkit"]
    assert values == ["gridkit_django.testing.plugin"]


def test_loading_the_plugin_imports_neither_django_nor_the_runtime(tmp_path: Path) -> None:
    code = (
        "import sys, gridkit_django.testing.plugin as plugin;"
        "print(plugin._is_site(), sorted(n for n in sys.modules if n.split('.')[0] in ('django', 'gridkit_django')))"
    )
    expected = "False ['gridkit_django', 'gridkit_django.testing', 'gridkit_django.testing.plugin']"
    assert run(tmp_path, "-c", code).strip() == expected


def test_session_without_the_app_loads_no_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_none.py").write_text(
        "import sys\n\ndef test_none():\n    assert 'gridkit_django.testing.fixtures' not in sys.modules\n"
    )
    assert "1 passed" in run(tmp_path, "-m", "pytest", "-q", *FEW_PLUGINS, "-p", "no:django", "test_none.py")
