"""The servers that the other tests lean on are real, separate and gone afterwards."""

from __future__ import annotations

import psycopg
import pytest
import redis
from django.db import connection

from tests.servers.postgres import PostgresServer
from tests.shop.models import Customer


@pytest.mark.both_databases
@pytest.mark.django_db
def test_default_database_holds_rows_and_is_the_chosen_one() -> None:
    Customer._default_manager.create(name="Ada", email="ada@example.org")

    assert Customer._default_manager.get().name == "Ada"
    assert connection.vendor == connection.settings_dict["ENGINE"].rsplit(".", 1)[-1].removesuffix("3")


def test_postgres_create_copies_the_template_and_drop_removes_it(postgres_server: PostgresServer) -> None:
    first = postgres_server.create("gk_first")
    with psycopg.connect(first) as link:
        link.execute("CREATE TABLE mark (n int)")

    second = postgres_server.create("gk_second", template="gk_first")
    with psycopg.connect(second) as link:
        assert link.execute("SELECT count(*) FROM mark").fetchone() == (0,)

    postgres_server.drop("gk_second")
    postgres_server.drop("gk_first")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first)


def test_redis_keeps_what_is_set(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("gk-mark", "1", ex=5)

        assert client.get("gk-mark") == b"1"
