"""The API in a project that has nothing else of ours: no rest_framework, no guardian, other DRF settings."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.servers.processes import ROOT, unmeasured_environment

PROJECT = """
import json
import django
from django.conf import settings
from django.urls import include, path

settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "gridkit_django", "gridkit_plugins",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        "DEFAULT_PARSER_CLASSES": [],
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"anon": "0/day"},
        "COERCE_DECIMAL_TO_STRING": False,
        "COMPACT_JSON": False,
        "UNAUTHENTICATED_USER": None,
        "NON_FIELD_ERRORS_KEY": "other",
    },
    SPECTACULAR_SETTINGS={"OAS_VERSION": "3.0.3", "CAMELIZE_NAMES": True, "SCHEMA_PATH_PREFIX": "/x"},
)
django.setup()
urlpatterns = [path("deep/in/here/", include("gridkit_django.urls"))]

from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from gridkit_django.grids import Grid, register

@register
class UserGrid(Grid):
    class Meta:
        model = User
        id = "users"
        columns = ["username"]

call_command("migrate", verbosity=0)
user = User.objects.create_superuser("root", password="secret")
anonymous, root = Client(), Client(raise_request_exception=False)
root.force_login(user)
base = "/deep/in/here/api/"
answers = [
    anonymous.get(base + "grids/"),
    root.get(base + "grids/"),
    root.post(base + "grids/users/rows/", "{}", content_type="application/json"),
    root.get(base + "grids/users/schema/"),
    root.get(base + "grids/users/jobs/"),
    root.get(base + "plugins/"),
    root.get(base + "audit/"),
    root.get(base + "schema/"),
    root.get(base + "grids/none/schema/"),
]
print(json.dumps([[answer.status_code, answer["Content-Type"], answer.json()] for answer in answers]))
"""


def test_api_is_the_same_whatever_the_project_sets() -> None:
    command = [sys.executable, "-c", PROJECT]
    env = unmeasured_environment()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert [status for status, _kind, _body in answers] == [401, 200, 200, 200, 200, 200, 200, 200, 404]
    assert {kind for _status, kind, _body in answers} == {
        "application/json",
        "application/problem+json",
        "application/vnd.oai.openapi+json",
    }
    grids, rows, document = answers[1][2], answers[2][2], answers[7][2]
    assert grids["results"][0]["url"] == "/deep/in/here/api/grids/users/"
    assert rows["rows"][0]["d"] == {"username": "root"}
    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": "/deep/in/here/api"}])
    assert "/grids/" in document["paths"]
