"""The pytest plugin: found by its entry point, free where it is not used, and two lines where it is."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.plugins.samples import write_plugin
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
TWO_LINES = """
from gridkit_django.testing import PluginConformance

class TestConformance(PluginConformance):
    source = "plugins/sample"
"""
FEW_PLUGINS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio")
"""Without the plugins of this suite that take longer to load than the runs take."""

TABLES_AT_ONCE = "--nomigrations"
"""Has pytest-django make the tables from the models; migrating takes longer than most of these runs."""

RUN = ("-m", "pytest", "-q", *FEW_PLUGINS, TABLES_AT_ONCE)

FAILING = """
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    def initialize(self, context):
        1 / 0
"""


def run(folder: Path, *words: str) -> str:
    """Run Python in a folder, away from the settings of this suite, and return what it printed."""
    told = unmeasured_environment()
    env = {key: value for key, value in told.items() if not key.startswith(("DJANGO", "PYTEST"))}
    env |= {"PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT, ABSENT)))}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=180, check=False
    )
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A site of its own, with a plugin in its folder of plugins and the two lines."""
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\n")
    (tmp_path / "plugins").mkdir()
    write_plugin(tmp_path / "plugins")
    (tmp_path / "test_sample.py").write_text(TWO_LINES)
    return tmp_path


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


def test_two_lines_in_a_project_of_its_own_run_the_suite(project: Path) -> None:
    told = run(project, *RUN)
    assert "13 passed" in told, told


def test_suite_tells_the_author_what_is_wrong_in_one_sentence(project: Path) -> None:
    write_plugin(project / "plugins", code=FAILING)
    told = run(project, *RUN, "-k", "all_that_it_asks")
    assert "It does not start with all permissions granted: " in told
    assert "ZeroDivisionError" in told
    assert "1 failed" in told
