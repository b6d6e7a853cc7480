"""The address that a load balancer asks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_process_with_a_database_is_healthy_for_everybody(client: Client) -> None:
    answer = client.get("/gridkit/health/")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]
    assert client.post("/gridkit/health/").status_code == 405


def test_process_without_a_database_is_not(client: Client) -> None:
    def away(*_words: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        answer = client.get("/gridkit/health/")

    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
