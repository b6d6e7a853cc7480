"""A fresh project that has the apps of the start page and nothing else of ours: that page, and every command of all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import blocks, text_of
from tests.docs.project import Typist, start_project
from tests.servers.http import Client
from tests.servers.processes import free_port, wait_until

ELSEWHERE = {
    "runserver": "test_start_page_followed_in_a_fresh_project serves with it",
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
START = text_of("tutorial/start.md")
MODELS = """
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    pages = models.IntegerField()
    published = models.DateField(null=True)
"""
SETTINGS = """
INSTALLED_APPS += ["books"]
SILENCED_SYSTEM_CHECKS = ["gridkit.W001"]
STATIC_ROOT = BASE_DIR / "static"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""
FILL = 'from books.models import Book; Book.objects.create(title="Middlemarch", pages=880)'


def lines() -> list[str]:
    """Return every line of a console block that is typed."""
    typed = [line for block in blocks("console") for line in block.text.splitlines() if line.startswith("$ ")]
    return [line.removeprefix("$ ") for line in typed]


def commands() -> list[str]:
    """Return the arguments of every different `manage.py` command, without those that other tests run."""
    found = dict.fromkeys(line.partition("manage.py ")[2] for line in lines() if "python manage.py " in line)
    return [words for words in found if words.split()[0] not in ELSEWHERE]


def follow_start_page(folder: Path) -> None:
    """Make a project with an app and a model, and then the three edits of the start page, word for word."""
    settings, urls, grids = re.findall(r"```python\n(.*?)```", START, flags=re.DOTALL)
    start_project(folder)
    (folder / "books").mkdir()
    for name, text in (("__init__", ""), ("models", MODELS), ("grids", grids)):
        (folder / "books" / f"{name}.py").write_text(text)
    for name, text in (("settings", f"{SETTINGS}\n{settings}"), ("urls", f"\n{urls}")):
        with (folder / "mysite" / f"{name}.py").open("a") as file:
            file.write(text)


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    """Somebody at the project of the start page, migrated, with one more administrator."""
    folder = tmp_path_factory.mktemp("site")
    follow_start_page(folder)
    at_work = Typist(folder, PERSON)
    at_work.run("makemigrations", "books")
    at_work.run("migrate", "--verbosity", "0")
    at_work.run("createsuperuser", "--noinput", "--username", "dpo")
    yield at_work
    at_work.end()


def test_start_page_followed_in_a_fresh_project_gives_a_working_grid(typist: Typist, tmp_path: Path) -> None:
    typist.run("shell", "-c", FILL)
    client = Client(f"http://127.0.0.1:{(port := free_port())}")
    with typist.at(tmp_path / "server.log", "runserver", "--noreload", f"127.0.0.1:{port}"):
        wait_until(lambda: answers(client), "the server to answer")
        client.log_in("/admin/login/", "dpo", PERSON["DJANGO_SUPERUSER_PASSWORD"])

        page = client.get("/gridkit/grids/books/")
        schema = client.get("/gridkit/api/grids/books/schema/")

        assert page.status == 200, page.text
        assert "Middlemarch" in page.text
        assert "<gridkit-grid" in page.text
        assert [column["id"] for column in schema.json()["columns"]] == ["title", "pages", "published"]
        assert client.get("/gridkit/api/schema/").status == 200
        assert client.get("/admin/gridkit_django/installedplugin/available/").status == 200


def answers(client: Client) -> bool:
    """Say whether a server shows its login page."""
    try:
        return client.get("/admin/login/").status == 200
    except OSError:
        return False


def test_there_are_commands_on_the_pages() -> None:
    assert {"migrate", "check --tag gridkit", "collectstatic --noinput", "check --deploy"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_command_of_a_page_runs(typist: Typist, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "createsuperuser":
        words.append("--noinput")
    typist.run(*words)


def test_output_that_a_page_shows_is_the_output(typist: Typist) -> None:
    shown = next(block.text for block in blocks("console") if "manage.py check --tag gridkit\nSystem" in block.text)
    expected = shown.splitlines()[1].replace("0 silenced", "1 silenced")
    assert expected in typist.run("check", "--tag", "gridkit")


def test_make_targets_on_the_pages_exist() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    used = {line.partition("make ")[2].split()[0] for line in lines() if line.startswith("make ") or " make " in line}
    assert {"demo", "bench"} <= used
    assert [name for name in sorted(used) if f"\n{name}:" not in makefile] == []
