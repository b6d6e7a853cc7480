"""The HTTP client of the house: it follows nobody, waits for nobody for ever, and goes nowhere that it must not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gridkit_django.exceptions import AddressRefusedError, UnreachableError
from gridkit_django.network import Address, Rules, read_address, send_request
from tests.outbox.vendor import Reply, Vendor, vendor_server
from tests.servers.processes import free_port

RULES = Rules(allow_private=True, private_setting="THE_SETTING", answer_bytes=100)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with vendor_server() as found:
        yield found


def here(vendor: Vendor) -> Address:
    return read_address(f"{vendor.url}/in?x=1", allow_clear=True)


def test_request_is_sent_and_answer_told_whatever_its_status(vendor: Vendor) -> None:
    vendor.replies.append(Reply(302, b"go there", {"Location": "/there", "X-Twice": "a", "Retry-After": "3"}))
    answer = send_request(here(vendor), "POST", {"X-Own": "yes"}, b"body", RULES)

    assert (answer.status, answer.body, answer.is_cut) == (302, b"go there", False)
    assert (answer.headers["retry-after"], answer.headers["x-twice"]) == ("3", "a")
    ((path, headers, body),) = vendor.requests
    assert (path, headers["Host"], headers["X-Own"], body) == ("/in?x=1", vendor.host, "yes", b"body")


def test_next_address_of_a_name_is_tried_and_none_of_our_own_network(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, port = socket.getaddrinfo, int(vendor.host.partition(":")[2])
    found = [real(host, at, type=socket.SOCK_STREAM)[0] for host, at in (("127.0.0.1", 1), ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)

    assert send_request(Address("http", "vendor.example", port), "POST", {}, b"", RULES).status == 200
    with pytest.raises(AddressRefusedError, match="private network"):
        send_request(Address("http", "vendor.example", port), "POST", {}, b"", replace(RULES, allow_private=False))


def test_answer_is_read_up_to_a_size(vendor: Vendor) -> None:
    vendor.replies.append(Reply(200, b"x" * 5000))
    answer = send_request(here(vendor), "POST", {}, b"", RULES)

    assert (len(answer.body), answer.is_cut) == (100, True)


def test_server_that_drips_is_cut_off_in_the_end(vendor: Vendor) -> None:
    vendor.replies.append(Reply(200, b"x" * 1000, drip=0.05))
    with pytest.raises(UnreachableError, match=r"can't be reached: "):
        send_request(here(vendor), "POST", {}, b"", replace(RULES, total_seconds=0.3))


def test_server_that_says_nothing_or_is_not_there_is_told(vendor: Vendor) -> None:
    vendor.replies.append(Reply(0))
    with pytest.raises(UnreachableError, match=r"127.0.0.1 can't be reached"):
        send_request(here(vendor), "POST", {}, b"", RULES)
    with pytest.raises(UnreachableError, match="refused"):
        send_request(Address("http", "127.0.0.1", free_port()), "POST", {}, b"", RULES)


def test_answer_of_a_server_that_hangs_up_before_it_has_read_the_body_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            link, _ = server.accept()
            with link:
                link.recv(1000)
                link.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        answer = send_request(Address("http", *server.getsockname()), "POST", {}, bytes(20_000_000), RULES)
        thread.join()

    assert answer.status == 413


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "::1", "169.254.169.254", "10.0.0.1", "0", "2130706433", "0x7f.1", "::"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "::ffff:0:10.0.0.1", "2002:a00:1::"),
        *("fc00::1", "fec0::1", "fe80::1", "3fff::1", "5f00::1"),
    ],
)
def test_own_network_is_not_reached_unless_it_is_allowed(host: str) -> None:
    with pytest.raises(AddressRefusedError, match=r"private network. Set THE_SETTING"):
        send_request(Address("http", host, 80), "POST", {}, b"", replace(RULES, allow_private=False))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://vendor.example/", "not encrypted"),
        ("ftp://vendor.example/", "no URL"),
        ("https:///path", "no URL"),
        ("https://me@vendor.example/", "a user or a password"),
        ("https://vendor.example:port/", "can't be read"),
        ("https://vendor.example/a b", "characters that stand in no URL"),
        ("https://vendor.example/\r\nX: y", "characters that stand in no URL"),
    ],
)
def test_address_that_is_none_is_refused(url: str, why: str) -> None:
    with pytest.raises(AddressRefusedError, match=why):
        read_address(url)


def test_authority_names_the_port_only_where_it_is_not_the_schemes_own() -> None:
    assert read_address("https://vendor.example/a").authority == "vendor.example"
    assert read_address("https://vendor.example:443/a").authority == "vendor.example"
    assert read_address("https://vendor.example:8443").authority == "vendor.example:8443"


def test_name_that_can_be_none_is_refused() -> None:
    with pytest.raises(AddressRefusedError, match="no name of a host"):
        send_request(Address("https", f"{'x' * 70}.example", 443), "POST", {}, b"", RULES)
