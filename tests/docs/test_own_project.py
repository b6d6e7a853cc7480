"""A firm's project: its own user model and admin site, the settings of the page *Deploy*, and the way out again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.docs.pages import blocks
from tests.docs.project import Typist, start_project
from tests.servers.postgres import PostgresServer

DEPLOY = "docs/how-to/deploy.md"
CELERY = "docs/how-to/run-celery.md"
OWN_PAGE = "docs/how-to/put-a-grid-on-your-page.md"

MODELS = """
import uuid
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class People(BaseUserManager):
    def create_superuser(self, email, password=None):
        person = self.model(email=email, is_staff=True, is_superuser=True)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = True
    USERNAME_FIELD = "email"
    objects = People()


class Claim(models.Model):
    amount = models.DecimalField(max_digits=9, decimal_places=2)
"""
SETTINGS = """
AUTH_USER_MODEL = "firm.Person"
INSTALLED_APPS += ["firm", "guardian", "gridkit_django", "gridkit_plugins"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"
]
ANONYMOUS_USER_NAME = None
MIDDLEWARE.insert(1, "gridkit_django.middleware.AuditMiddleware")
MEDIA_ROOT, SILENCED_SYSTEM_CHECKS = "", ["gridkit.W017"]
for folder in ("STATE_DIR", "PLUGIN_ROOT"):
    GRIDKIT[folder] = str(BASE_DIR / folder)
GRIDKIT["AUDIT_MODELS"] = {"firm.Claim": {"strict": True}}
GRIDKIT.pop("HINT_URL")
CELERY_BROKER_URL = "memory://"
CACHES["default"] = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "nowhere"}
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": NAME, "HOST": HOST, "USER": "postgres"}}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
"""
GRIDS = """
from gridkit_django.grids import Grid, register
from firm.models import Claim


@register
class ClaimGrid(Grid):
    class Meta:
        model, id, columns = Claim, "claims", ["amount"]
"""
URLS = """
from django.urls import include, path
from firm.admin import office
urlpatterns = [path("office/", office.urls), path("gridkit/", include("gridkit_django.urls"))]
"""
VISITS = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from gridkit_django.models import ExportSchedule
get_user_model().objects.create_superuser("root@firm.example", "x")
client = Client()
client.force_login(get_user_model().objects.get())
names = ["exportschedule", "exportjob", "savedview", "pluginoperation", "installedplugin", "registeredgrid"]
pages = {name: reverse(f"admin:gridkit_django_{name}_changelist") + "?q=root" for name in names}
pages["add"] = reverse("admin:gridkit_django_exportschedule_add")
pages["views"] = reverse("admin:gridkit_django_exportschedule_views") + "?grid=claims&owner=no-uuid"
answers = {name: client.get(page, HTTP_HOST="localhost", secure=True).status_code for name, page in pages.items()}
print(json.dumps([answers, pages["add"]]))
"""


def shown(page: str, words: str) -> str:
    """Return the Python block of a page that has these words."""
    return next(block.text for block in blocks("python") if block.page == page and words in block.text)


class Project(Typist):
    """A folder with a project as a firm has one, on a database of its own."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        start_project(folder)
        self._write()
        super().__init__(folder, {"DATABASE_PASSWORD": "", "GRIDKIT_KEYS": "long-text", "GRIDKIT_PUBLIC_KEYS": "a-key"})
        self.run("makemigrations", "firm", "--verbosity", "0")

    def _write(self) -> None:
        with psycopg.connect(self.address) as connection:
            place = f"NAME, HOST = {connection.info.dbname!r}, {connection.info.host!r}\n"
        files = {
            "mysite/celery.py": shown(CELERY, "autodiscover_tasks"),
            "mysite/__init__.py": shown(CELERY, "celery_app"),
            "mysite/urls.py": URLS,
            "firm/__init__.py": "",
            "firm/models.py": MODELS,
            "firm/admin.py": shown(OWN_PAGE, "register_pages(office)"),
            "firm/grids.py": GRIDS,
        }
        for name, text in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)
        settings = self.folder / "mysite" / "settings.py"
        own = [shown(DEPLOY, "CACHES = "), shown(DEPLOY, "SECURE_SSL_REDIRECT"), place, SETTINGS]
        settings.write_text("\n".join([settings.read_text(), *own]))

    def change_a_claim(self) -> None:
        """Write to the table of the strict model, as another program does."""
        with psycopg.connect(self.address) as connection:
            connection.execute("INSERT INTO firm_claim (amount) VALUES (1)")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Project]:
    address = postgres_server.create("gk_firm")
    made = Project(tmp_path_factory.mktemp("firm"), address)
    yield made
    made.end()
    postgres_server.drop("gk_firm")


def test_project_with_its_own_users_and_admin_lives_by_the_page_and_leaves_again(project: Project) -> None:
    checked = project.run("check", "--deploy", "--tag", "gridkit", "--tag", "admin")
    assert "no issues" in checked
    project.run("migrate", "--verbosity", "0")
    assert "triggers installed" in project.run("gridkit_audit_triggers", "install")

    answers, add = json.loads(project.run("shell", "--verbosity", "0", "-c", VISITS).splitlines()[-1])
    assert {status for name, status in answers.items()} == {200}, answers
    assert add.startswith("/office/")

    refused = project.run("migrate", "gridkit_django", "zero", "--verbosity", "0", fails=True)
    assert "manage.py gridkit_uninstall" in refused
    assert "Nothing was done" in project.run("gridkit_uninstall")
    project.change_a_claim()
    assert "Tables removed" in project.run("gridkit_uninstall", "--yes")
    project.change_a_claim()
    assert left(project.address) == []


def left(address: str) -> list[Any]:
    """Return the names of tables and functions of GridKit that are in a database."""
    with psycopg.connect(address) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'gridkit%' "
            "UNION SELECT proname FROM pg_proc WHERE proname LIKE 'gridkit%'"
        ).fetchall()
    return [name for (name,) in rows]
