from __future__ import annotations

import os
import socket

import pytest
from pytest_django import Settings

from example_project.runner.address import PortTakenError, allow_host, base_url, check_free
from tests.servers.processes import free_port

EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared, never bound


def test_check_of_a_free_port_says_nothing():
    check_free("127.0.0.1", free_port())


def test_check_of_a_taken_port_says_what_to_do():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortTakenError, match=rf"port {port}: Address already in use.*make demo PORT={port + 1}"):
            check_free("127.0.0.1", port)


def test_check_of_an_address_that_is_not_ours_is_refused():
    with pytest.raises(PortTakenError, match="2001:db8::1"):
        check_free("2001:db8::1", free_port())


@pytest.mark.parametrize(
    ("host", "allowed"), [("192.0.2.7", "192.0.2.7"), ("::1", "[::1]"), (EVERYWHERE, socket.gethostname())]
)
def test_host_is_allowed_here_and_in_child_processes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str, allowed: str
):
    settings.ALLOWED_HOSTS = ["localhost"]
    monkeypatch.setenv("DJANGO_ALLOWED_HOSTS", "demo.example")

    allow_host(host)

    assert {"localhost", allowed} <= set(settings.ALLOWED_HOSTS)
    assert {"demo.example", allowed} <= set(os.environ["DJANGO_ALLOWED_HOSTS"].split(","))
    assert EVERYWHERE not in settings.ALLOWED_HOSTS


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123"),
        (EVERYWHERE, "http://127.0.0.1:8123"),
        ("::", "http://127.0.0.1:8123"),
        ("::1", "http://[::1]:8123"),
    ],
)
def test_base_url_can_be_opened_in_a_browser(host: str, url: str):
    assert base_url(host, 8123) == url
