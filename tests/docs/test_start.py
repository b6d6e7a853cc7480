"""The ten-line start of the tutorial, followed word for word in a fresh project that has nothing else of ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.http import Client
from tests.servers.processes import ROOT, ServerProcess, free_port, installed_environment

PAGE = ROOT / "docs" / "tutorial" / "start.md"

MODELS = """
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    pages = models.IntegerField()
    published = models.DateField(null=True)
"""

FILL = """
from django.contrib.auth.models import User
from books.models import Book
User.objects.create_superuser("reader", password="reader-pass")
Book.objects.create(title="Middlemarch", pages=880)
"""


def _blocks(language: str) -> list[str]:
    """Return the code blocks of the page, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


def _run(project: Path, *words: str) -> str:
    """Run Python in the project, without our settings and with warnings as in real life."""
    env = {key: value for key, value in installed_environment().items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, *words], cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as startproject makes it, with an app and a model, and then the page's three edits."""
    _run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    _run(tmp_path, "manage.py", "startapp", "books")
    (tmp_path / "books" / "models.py").write_text(MODELS)
    settings, urls, grids = _blocks("python")
    with (tmp_path / "mysite" / "settings.py").open("a") as file:
        file.write('\nINSTALLED_APPS += ["books"]\n' + settings)
    with (tmp_path / "mysite" / "urls.py").open("a") as file:
        file.write("\n" + urls)
    (tmp_path / "books" / "grids.py").write_text(grids)
    _run(tmp_path, "manage.py", "makemigrations", "books")
    return tmp_path


def test_start_page_followed_in_a_fresh_project_gives_a_working_grid(project: Path, tmp_path: Path) -> None:
    _run(project, "manage.py", "check")
    _run(project, "manage.py", "migrate", "--verbosity", "0")
    _run(project, "manage.py", "shell", "-c", FILL)
    port = free_port()
    command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    env = {key: value for key, value in installed_environment().items() if key != "DJANGO_SETTINGS_MODULE"}
    server = ServerProcess("runserver", command, tmp_path / "server.log", env=env, cwd=project)
    try:
        client = Client(f"http://127.0.0.1:{port}")
        server.wait_ready(lambda: _answers(client))
        client.log_in("/admin/login/", "reader", "reader-pass")

        page = client.get("/gridkit/grids/books/")
        schema = client.get("/gridkit/api/grids/books/schema/")

        assert page.status == 200, page.text
        assert "Middlemarch" in page.text
        assert "<gridkit-grid" in page.text
        assert [column["id"] for column in schema.json()["columns"]] == ["title", "pages", "published"]
        assert client.get("/gridkit/api/schema/").status == 200
        assert client.get("/admin/gridkit_django/installedplugin/available/").status == 200
    finally:
        server.stop()


def _answers(client: Client) -> bool:
    try:
        return client.get("/admin/login/").status == 200
    except OSError:
        return False
