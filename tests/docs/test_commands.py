"""Every `manage.py` command on the pages runs, in a fresh project that has the two apps and nothing else of ours."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import blocks

ELSEWHERE = {
    "runserver": "the test of the start page serves with it",
    "demo": "tests/example starts it",
    "gridkit_audit_keygen": "test_audit_proof_page runs these in their order",
    "gridkit_audit_seal": "the same",
    "gridkit_audit_verify": "the same",
    "gridkit_audit_export": "the same",
    "gridkit_audit_triggers": "the test of its page runs it, on PostgreSQL",
}

SETTINGS = """
INSTALLED_APPS += ["gridkit_django", "gridkit_plugins"]
SILENCED_SYSTEM_CHECKS = ["gridkit.W001"]
STATIC_ROOT = BASE_DIR / "static"
LOGIN_URL = "admin:login"
"""
URLS = """
from django.urls import include
urlpatterns += [path("gridkit/", include("gridkit_django.urls"))]
"""


def lines() -> list[str]:
    """Return every line of a console block that is typed."""
    typed = [line for block in blocks("console") for line in block.text.splitlines() if line.startswith("$ ")]
    return [line.removeprefix("$ ") for line in typed]


def commands() -> list[str]:
    """Return the arguments of every different `manage.py` command, without those that other tests run."""
    found = dict.fromkeys(line.partition("manage.py ")[2] for line in lines() if "python manage.py " in line)
    return [words for words in found if words.split()[0] not in ELSEWHERE]


pytestmark = pytest.mark.xdist_group("commands")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated project as `startproject` makes it, with our two apps."""
    folder = tmp_path_factory.mktemp("site")
    run(folder, "-m", "django", "startproject", "mysite", ".")
    for name, text in (("settings", SETTINGS), ("urls", URLS)):
        with (folder / "mysite" / f"{name}.py").open("a") as file:
            file.write(text)
    run(folder, "manage.py", "migrate", "--verbosity", "0")
    return folder


def run(folder: Path, *words: str) -> str:
    """Run Python in the folder, with the settings of the project there, and return what it printed."""
    env = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    env |= {"DJANGO_SUPERUSER_PASSWORD": "page-pass", "DJANGO_SUPERUSER_EMAIL": "", "DJANGO_SUPERUSER_USERNAME": "page"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_there_are_commands_on_the_pages() -> None:
    assert {"migrate", "check --tag gridkit", "collectstatic --noinput", "check --deploy"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_command_of_a_page_runs(project: Path, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "createsuperuser":
        words.append("--noinput")
    run(project, "manage.py", *words)


def test_output_that_a_page_shows_is_the_output(project: Path) -> None:
    shown = next(block.text for block in blocks("console") if "manage.py check --tag gridkit\nSystem" in block.text)
    expected = shown.splitlines()[1].replace("0 silenced", "1 silenced")
    assert expected in run(project, "manage.py", "check", "--tag", "gridkit")


def test_make_targets_on_the_pages_exist() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    used = {line.partition("make ")[2].split()[0] for line in lines() if line.startswith("make ") or " make " in line}
    assert {"demo", "bench"} <= used
    assert [name for name in sorted(used) if f"\n{name}:" not in makefile] == []
