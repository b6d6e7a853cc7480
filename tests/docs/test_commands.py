"""Every `manage.py` command on the pages runs, in a fresh project that has the two apps and nothing else of ours."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.servers.processes import ServerError

ELSEWHERE = {
    "runserver": "the test of the start page serves with it",
    "demo": "tests/example starts it",
    "gridkit_export": "it needs a grid; tests/exports runs it",
    "gridkit_startplugin": "tests/marketplace runs these",
    "gridkit_pack": "the same",
    "gridkit_keygen": "the same",
    "gridkit_publish": "the same",
    "gridkit_market_keys": "the same",
    "gridkit_market_advisory": "the same",
    "gridkit_market_bundle": "the same",
    "gridkit_sync": "the same",
    "gridkit_plugin": "the same",
    "gridkit_audit_keygen": "test_audit_proof_page runs these in their order",
    "gridkit_audit_seal": "the same",
    "gridkit_audit_verify": "the same",
    "gridkit_audit_export": "the same",
    "gridkit_audit_triggers": "the test of its page runs it, on PostgreSQL",
    "gridkit_audit_partition": "the same",
}

PERSON = {
    "DJANGO_SUPERUSER_PASSWORD": "page-pass",
    "DJANGO_SUPERUSER_EMAIL": "",
    "DJANGO_SUPERUSER_USERNAME": "page",
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


Type = Callable[..., str]


@pytest.fixture(scope="module")
def type_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Type]:
    """Return a function that runs `manage.py` in a migrated project as `startproject` makes it, with our two apps."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", "."], cwd=folder, check=True)
    for name, text in (("settings", SETTINGS), ("urls", URLS)):
        with (folder / "mysite" / f"{name}.py").open("a") as file:
            file.write(text)
    with subprocess.Popen(
        [sys.executable, ROOT / "tests" / "docs" / "typist.py"],
        cwd=folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": str(folder), **PERSON},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as typist:

        def type_in(*words: str) -> str:
            if typist.stdin is None or typist.stdout is None:
                raise ServerError("there is nobody to type")
            typist.stdin.write(f"{json.dumps(words)}\n")
            typist.stdin.flush()
            status, printed = json.loads(typist.stdout.readline())
            assert status == 0, printed
            return str(printed)

        type_in("migrate", "--verbosity", "0")
        type_in("createsuperuser", "--noinput", "--username", "dpo")
        yield type_in
        typist.stdin.close()  # type: ignore[union-attr]


def test_there_are_commands_on_the_pages() -> None:
    assert {"migrate", "check --tag gridkit", "collectstatic --noinput", "check --deploy"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_command_of_a_page_runs(type_in: Type, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "createsuperuser":
        words.append("--noinput")
    type_in(*words)


def test_output_that_a_page_shows_is_the_output(type_in: Type) -> None:
    shown = next(block.text for block in blocks("console") if "manage.py check --tag gridkit\nSystem" in block.text)
    expected = shown.splitlines()[1].replace("0 silenced", "1 silenced")
    assert expected in type_in("check", "--tag", "gridkit")


def test_make_targets_on_the_pages_exist() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    used = {line.partition("make ")[2].split()[0] for line in lines() if line.startswith("make ") or " make " in line}
    assert {"demo", "bench"} <= used
    assert [name for name in sorted(used) if f"\n{name}:" not in makefile] == []
