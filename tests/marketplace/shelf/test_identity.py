"""Who a publisher is: proved, lost and vouched for; and what is no proof."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import pytest
from rest_framework.test import APIClient

from gridkit_django.exceptions import MarketPictureError, MarketTextError, PublisherError
from gridkit_django.marketplace.shelf import identity
from gridkit_django.marketplace.shelf.identity import ask_for_proof, look_for_proof, texts_on_web, vouch
from gridkit_django.marketplace.shelf.pictures import redraw
from gridkit_django.marketplace.shelf.texts import render
from gridkit_django.models import IdentityState, IdentityWay, Publisher
from gridkit_django.tasks.market import check_identities
from tests.marketplace.shelf.goods import API, Seller, shelve

pytestmark = [pytest.mark.django_db]


def broken(_domain: str) -> NoReturn:
    raise TimeoutError


@pytest.fixture
def publisher(acme: Seller) -> Publisher:
    return acme.publisher


def test_identity_is_proved_lost_and_proved_again(publisher: Publisher, anybody: APIClient) -> None:
    shelve("@acme/charts")
    text = ask_for_proof(publisher, "Example.org.", IdentityWay.DNS)
    assert not look_for_proof(publisher, lambda _domain: ["something else"])
    assert publisher.identity_state == IdentityState.WAITING
    assert look_for_proof(publisher, lambda _domain: ["spf", f" {text} "])
    found = anybody.get(f"{API}plugins/@acme/charts/").json()["publisher"]
    assert found == {"name": "acme", "display_name": "acme", "identity_proved": True}
    assert look_for_proof(publisher, broken)  # nobody loses a proof because a name server is down
    assert "TimeoutError" in publisher.identity_note
    assert not look_for_proof(publisher, lambda _domain: [])
    assert publisher.identity_state == IdentityState.LOST
    assert not anybody.get(f"{API}plugins/@acme/charts/").json()["publisher"]["identity_proved"]
    assert look_for_proof(publisher, lambda _domain: [text])


def test_task_looks_for_those_that_have_something_to_show(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_identities() == 0
    text = ask_for_proof(publisher, "example.org", IdentityWay.WEB)
    monkeypatch.setattr(identity, "texts_on_web", lambda domain: [text] if domain == "example.org" else [])
    assert check_identities() == 1


@pytest.mark.parametrize("domain", ["localhost", "127.0.0.1", "example.org/x", "exa mple.org", "", "a@b.org"])
def test_what_is_no_domain_is_refused(publisher: Publisher, domain: str) -> None:
    with pytest.raises(PublisherError):
        ask_for_proof(publisher, domain, IdentityWay.DNS)


def test_voucher_needs_a_note(publisher: Publisher) -> None:
    with pytest.raises(PublisherError):
        vouch(publisher, " ")
    vouch(publisher, "met them")
    assert look_for_proof(publisher)


def test_website_in_our_own_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_more: [(2, 1, 6, "", ("127.0.0.1", 443))])
    with pytest.raises(Exception, match="private network"):
        texts_on_web("example.org")


XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "![x](https://spy.example/p.gif)",
    "<iframe src=//evil>",
    "[x](data:text/html,<script>1</script>)",
    "```\n<script>\n```",
    '<a href="x" onclick="y">z</a>',
    "[a]: javascript:alert(1)\n\n[a]",
    "<svg/onload=alert(1)>",
    "<style>*{}</style>",
    "[x](https://e.org 'onmouseover=alert(1)')",
    "<!--><script>-->",
    '<https://e.org/"onclick=alert(1)>',
]


@pytest.mark.parametrize("text", XSS)
def test_text_of_an_author_does_nothing_in_a_page(text: str) -> None:
    html = render(text, "The readme").lower()
    for bad in ("<script", "<img", "<iframe", "<svg", "<style", 'href="javascript', 'href="data', "<!--"):
        assert bad not in html
    assert not re.search(r"""<[^>"]*("[^"]*"[^>"]*)*\son\w+=""", html)


def test_links_and_tables_survive() -> None:
    html = render("# A\n\n[x](https://e.org)\n\n|a|b|\n|-|-|\n|1|2|\n", "The readme")
    assert 'href="https://e.org"' in html
    assert 'rel="nofollow noopener noreferrer"' in html
    assert "<td>1</td>" in html


@pytest.mark.parametrize(
    "text",
    ["x" * 256_001, "> " * 20 + "x", "- " * 20 + "x", "[" * 3000, "\n".join("  " * n + "- x" for n in range(20))],
)
def test_text_that_would_take_long_is_refused(text: str) -> None:
    with pytest.raises(MarketTextError):
        render(text, "The readme")


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(MarketPictureError):
        redraw(content, 100)


def test_picture_bomb_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch, acme: Any) -> None:
    with pytest.raises(MarketPictureError, match="bytes"):
        redraw(b"x" * 5_000_001, 100)
