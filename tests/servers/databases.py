"""The fixtures of the real servers, and the database that the whole run uses (GRIDKIT_TEST_DB).

Each test process (pytest-xdist starts some) has servers of its own, started when a test first needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import dj_database_url
import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests.servers.emptying import quick_emptying
from tests.servers.postgres import PostgresServer, running_postgres
from tests.servers.redis import running_redis


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server for this test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a real Redis server for this test process."""
    with running_redis() as url:
        yield url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Point Django to the PostgreSQL server before pytest-django makes the test database there."""
    if not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    parsed = dj_database_url.parse(server.url)
    place = {key: parsed[key] for key in ("HOST", "PORT", "USER", "PASSWORD")}
    settings.DATABASES["default"].update(place)
    connections["default"].settings_dict.update(place)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Clear away quickly what a test has committed, once pytest-django has made the database."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(quick_emptying())
        yield
