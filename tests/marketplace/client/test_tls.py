"""The three that ask marketplaces (the client, the fetcher, the author's commands), against real HTTPS servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridkit_django.exceptions import GridKitError, SettingsError
from gridkit_django.marketplace.author.asking import ask
from gridkit_django.marketplace.client.http import RemoteClient
from gridkit_django.marketplace.client.remotes import Remote, remotes
from gridkit_django.marketplace.trust import HttpChannel, HttpPlace
from gridkit_django.marketplace.trust.channels import is_readable_on_the_way
from tests.marketplace.tls import BODY, Authority, serving

Ask = Callable[..., bytes]


def by_client(url: str, ca_file: str = "", proxy: str = "") -> bytes:
    remote = Remote("main", url, token="gkp_secret", ca_file=ca_file, proxy=proxy, timeout=30)
    return BODY if RemoteClient(remote).get("api/v1/")["name"] == "Safe" else b""


def by_fetcher(url: str, ca_file: str = "", proxy: str = "") -> bytes:
    channel = HttpChannel(HttpPlace(url, "gkp_secret", ca_file, proxy, timeout=30))
    try:
        return b"".join(channel.read("api/v1/", 1000))
    finally:
        channel.close()


def by_author(url: str, ca_file: str = "", proxy: str = "") -> bytes:
    found = ask(HttpPlace(url, "gkp_secret", ca_file, proxy, timeout=30), "GET", "api/v1/")
    return BODY if found["name"] == "Safe" else b""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def ca_file(authority: Authority) -> str:
    return str(authority.folder / "ca.pem")


pytestmark = pytest.mark.parametrize("get", [by_client, by_fetcher, by_author])


def test_server_that_our_authority_vouches_for_is_asked_with_the_token(
    get: Ask, authority: Authority, ca_file: str
) -> None:
    with serving(authority.vouch("127.0.0.1")) as server:
        assert get(f"https://127.0.0.1:{server.server_port}/", ca_file) == BODY
    assert server.asked == [("/api/v1/", "Bearer gkp_secret")]


def test_server_of_an_unknown_authority_another_name_or_an_old_certificate_is_told_nothing(
    get: Ask, authority: Authority, ca_file: str, tmp_path: Path
) -> None:
    stranger = Authority.make(tmp_path, "stranger")
    for context, file in (
        (authority.vouch("127.0.0.1"), ""),
        (stranger.vouch("127.0.0.1"), ca_file),
        (authority.vouch("market.example"), ca_file),
        (authority.vouch("127.0.0.1", expired=True), ca_file),
    ):
        with serving(context) as server:
            with pytest.raises(GridKitError, match="SSLError"):
                get(f"https://127.0.0.1:{server.server_port}/", file)
            assert server.asked == []


def test_redirect_to_another_host_is_not_followed_so_it_gets_no_token(
    get: Ask, authority: Authority, ca_file: str
) -> None:
    context = authority.vouch("127.0.0.1")
    with serving(context) as server, serving(context) as other:
        server.moved_to = f"https://127.0.0.1:{other.server_port}/api/v1/"
        with pytest.raises(GridKitError):
            get(f"https://127.0.0.1:{server.server_port}/", ca_file)
    assert other.asked == []


def test_proxy_passes_on_what_it_can_not_read(get: Ask, authority: Authority, ca_file: str) -> None:
    with serving(authority.vouch("market.example")) as server, serving(None) as proxy:
        port = server.server_port
        assert get(f"https://market.example:{port}/", ca_file, f"http://127.0.0.1:{proxy.server_port}") == BODY
    assert proxy.asked == [(f"market.example:{port}", "")]
    assert server.asked == [("/api/v1/", "Bearer gkp_secret")]


def test_address_without_tls_on_another_machine_is_refused(get: Ask, settings: Any) -> None:
    url = "http://market.example/"
    assert is_readable_on_the_way(url)
    assert is_readable_on_the_way("http://10.0.0.7/")
    for own in (
        "http://localhost:8000/",
        "http://x.localhost/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "https://m.org/",
    ):
        assert not is_readable_on_the_way(own)
    if get is by_author:
        with pytest.raises(GridKitError, match="was not sent"):
            get(url)
    settings.GRIDKIT = {"MARKETPLACES": {"main": {"url": url}}}
    with pytest.raises(SettingsError, match="plain_http"):
        remotes()
    settings.GRIDKIT = {"MARKETPLACES": {"main": {"url": url, "plain_http": True}}}
    assert remotes()[0].url == url
