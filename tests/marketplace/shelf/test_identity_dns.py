"""Proofs in DNS, asked of a real name server: a few lines of UDP, with every answer that one gives."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from gridkit_django.marketplace.shelf import identity
from gridkit_django.marketplace.shelf.identity import ask_for_proof, look_for_proof, texts_in_dns
from gridkit_django.models import IdentityState, IdentityWay, Publisher
from tests.marketplace.shelf.goods import Seller

NAME = "_gridkit.example.org."


class NameServer(threading.Thread):
    """Answers questions over UDP by what a test wrote."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port: int = self.socket.getsockname()[1]
        self.over = threading.Event()
        self.records: dict[str, list[str]] = {}
        self.code: dns.rcode.Rcode | None = None
        self.silent = False
        self.asked: list[str] = []

    def run(self) -> None:
        """Answer until it is over."""
        while not self.over.is_set():
            try:
                raw, place = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            question = dns.message.from_wire(raw)
            self.asked.append(str(question.question[0].name))
            if not self.silent:
                self.socket.sendto(self.answer(question).to_wire(), place)

    def answer(self, question: dns.message.Message) -> dns.message.Message:
        """Return what it knows."""
        found = dns.message.make_response(question)
        found.flags |= dns.flags.AA | dns.flags.RA
        texts = self.records.get(str(question.question[0].name))
        if self.code is not None or texts is None:
            found.set_rcode(dns.rcode.NXDOMAIN if self.code is None else self.code)
        elif texts:
            found.answer.append(dns.rrset.from_text_list(NAME, 60, "IN", "TXT", texts))
        return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server, and a resolver that asks it and no other."""
    found = NameServer()
    found.start()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], found.port
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield found
    found.over.set()
    found.join()
    found.socket.close()


def test_text_in_several_strings_is_one_and_all_records_are_seen(server: NameServer) -> None:
    server.records[NAME] = ['"v=spf1 -all"', '"gridkit-publisher=" "abc" "def"']

    assert sorted(texts_in_dns("example.org")) == ["gridkit-publisher=abcdef", "v=spf1 -all"]
    assert server.asked == [NAME]


@pytest.mark.parametrize("records", [{}, {NAME: []}], ids=["no such name", "a name without texts"])
def test_name_that_is_not_there_or_has_no_texts_answers_nothing(
    server: NameServer, records: dict[str, list[str]]
) -> None:
    server.records = records

    assert texts_in_dns("example.org") == []


@pytest.mark.django_db
def test_proof_is_won_and_lost_by_what_the_name_server_says(server: NameServer, acme: Seller) -> None:
    text = ask_for_proof(acme.publisher, "example.org", IdentityWay.DNS)
    assert not look_for_proof(acme.publisher)
    assert acme.publisher.identity_note == "The text does not stand there."

    server.records["_gridkit.example.com."] = [f'"{text}"']  # of another domain
    assert not look_for_proof(acme.publisher)
    server.records[NAME] = [f'"{text[:20]}" "{text[20:]}"']
    assert look_for_proof(acme.publisher)

    del server.records[NAME]
    assert not look_for_proof(acme.publisher)
    assert Publisher.objects.get().identity_state == IdentityState.LOST


@pytest.mark.django_db
@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_name_server_that_fails_takes_no_proof_away(server: NameServer, acme: Seller, code: dns.rcode.Rcode) -> None:
    text = ask_for_proof(acme.publisher, "example.org", IdentityWay.DNS)
    server.records[NAME] = [f'"{text}"']
    assert look_for_proof(acme.publisher)
    server.code = code

    assert look_for_proof(acme.publisher)
    assert acme.publisher.identity_note == "Could not look: NoNameservers"


@pytest.mark.django_db
def test_name_server_that_is_silent_is_given_up_and_takes_no_proof_away(
    server: NameServer, acme: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ask_for_proof(acme.publisher, "example.org", IdentityWay.DNS)
    server.records[NAME] = [f'"{text}"']
    assert look_for_proof(acme.publisher)
    server.silent = True
    monkeypatch.setattr(identity, "_SECONDS", 0.2)

    assert look_for_proof(acme.publisher)
    assert acme.publisher.identity_note == "Could not look: LifetimeTimeout"
