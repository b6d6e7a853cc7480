"""One request to somebody else's server: no redirect is followed, and its answer ends somewhere, whatever it does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from gridkit_django.exceptions import UnreachableError
from gridkit_django.network.addresses import Address
from gridkit_django.network.connecting import Rules, connect


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        status: the status.
        headers: by name in small letters; of several of one name, joined by commas.
        body: the first bytes of the body, as many as the rules read.
        is_cut: whether there is more.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool


def send_request(address: Address, method: str, headers: Mapping[str, str], body: bytes, rules: Rules) -> Answer:
    """Send a request and return the answer, whatever its status.

    Args:
        address: where.
        method: ``POST`` and the like.
        headers: with what; ``Host`` and the length are put in here.
        body: what.
        rules: time-outs and limits.

    Raises:
        AddressRefusedError: when the name leads into our own network and that is not allowed.
        UnreachableError: when the server is not reached, or does not answer to the end in time.
    """
    connection = HTTPConnection(address.host, address.port)
    try:
        link = connection.sock = connect(address, rules)
        with _ended_after(rules.total_seconds, link) as is_over:
            with suppress(BrokenPipeError, ConnectionResetError):
                # A server that takes no body of this size may answer and hang up before it has read it.
                connection.request(
                    method, address.path, body, {**headers, "Host": _host(address), "Connection": "close"}
                )
            found = connection.getresponse()
            told = found.read(rules.answer_bytes + 1)
            if is_over():
                raise TimeoutError(f"no whole answer in {rules.total_seconds:g} s")
        return Answer(found.status, _headers(found.getheaders()), told[: rules.answer_bytes], _is_cut(told, rules))
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"{address.host} can't be reached: {str(error) or type(error).__name__}.") from error
    finally:
        connection.close()


def _host(address: Address) -> str:
    return address.authority if ":" not in address.host else f"[{address.host}]:{address.port}"


def _is_cut(told: bytes, rules: Rules) -> bool:
    return len(told) > rules.answer_bytes


def _headers(found: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in found:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


@contextmanager
def _ended_after(seconds: float, link: socket.socket) -> Iterator[Callable[[], bool]]:
    """Cut a connection when the block takes longer; a server that drips byte after byte keeps within its time-outs."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            # Past the layer of encryption: the thread that reads may be inside it.
            socket.socket.shutdown(link, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()
