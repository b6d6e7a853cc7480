"""Where the demo listens: is the port free, under which host names may it be asked for."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException

from django.conf import settings

from example_project.environment import own_marketplace
from gridkit_django.conf import settings as gridkit_settings

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - only when the person asks for it


class PortTakenError(Exception):
    """Somebody else listens there, or the address is not this machine's."""


def check_free(host: str, port: int) -> None:
    """Find out before the long work whether the address can be used.

    Raises:
        PortTakenError: when not; the text says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"Can't listen on {host} port {port}: {error.strerror}. Stop what listens there (is another demo "
                f"running?), or choose another port: make demo PORT={port + 1}"
            ) from error


def allow_host(host: str) -> None:
    """Let Django answer under this address, here and in child processes; for "everywhere" under this machine's own."""
    names = {host}
    if host in EVERYWHERE:
        names = {socket.gethostname(), *_own_addresses()}
    hosts = [f"[{name}]" if ":" in name else name for name in sorted(names)]
    fresh = [name for name in hosts if name not in settings.ALLOWED_HOSTS]
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, *fresh]
    os.environ["DJANGO_ALLOWED_HOSTS"] = ",".join([*filter(None, [os.environ.get("DJANGO_ALLOWED_HOSTS")]), *fresh])


def tell_address(address: str) -> None:
    """Let this process and its children install from the marketplace that the site serves at this address."""
    os.environ["GRIDKIT_DEMO_ADDRESS"] = address
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACES": own_marketplace(settings.MARKET_DIR)}
    gridkit_settings.forget(setting="GRIDKIT")


def answers(host: str, port: int, seconds: float) -> bool:
    """Whether a web server there answers a request, whatever it says; the first one waits until all is loaded.

    Args:
        host: the address that it listens on.
        port: the TCP port.
        seconds: how long to wait for the answer.
    """
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    with closing(HTTPConnection(here, port, timeout=seconds)) as connection:
        try:
            connection.request("GET", "/favicon.ico")
            connection.getresponse()
        except (OSError, HTTPException):
            return False
    return True


def _own_addresses() -> set[str]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return set()
    return {str(place[0]) for *_rest, place in found}


def base_url(host: str, port: int) -> str:
    """Return the address that a browser on this machine can open."""
    shown = "127.0.0.1" if host in EVERYWHERE else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
