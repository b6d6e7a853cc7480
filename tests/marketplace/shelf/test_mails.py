"""Mails to publishers: one for each thing that happened, only those that are wanted, in the site's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.marketplace.shelf.keys import revoke_key
from gridkit_django.marketplace.shelf.mails import MailKind, mail_publisher
from gridkit_django.marketplace.shelf.publishers import make_publisher
from gridkit_django.marketplace.shelf.review import approve_release
from gridkit_django.marketplace.shelf.taking_back import quarantine_release, unpublish, yank_release
from gridkit_django.marketplace.shelf.tokens import TokenScope, make_token
from gridkit_django.models import AuditRecord, Publisher, PublisherKey, PublisherToken
from gridkit_django.tasks import market_mails
from tests.marketplace.shelf.goods import CALM, Seller, release

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is handed to a worker be done at once."""
    monkeypatch.setattr(market_mails, "send", lambda task, arguments: task(*arguments))


@pytest.fixture
def seller(acme: Seller) -> Seller:
    """A publisher with an address."""
    Publisher.objects.update(email="dev@acme.example")
    return acme


@pytest.fixture
def then(django_capture_on_commit_callbacks: Any) -> Callable[[Callable[[], Any]], list[str]]:
    """Return a function that does something, lets it commit, and returns the subjects of the mails."""

    def run(act: Callable[[], Any]) -> list[str]:
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return [message.subject for message in mail.outbox]

    return run


def test_publisher_hears_what_becomes_of_a_release(seller: Seller, work: Any, then: Any) -> None:
    then(lambda: work(lambda: seller.publish(**CALM)))
    with_reasons = mail.outbox[-1]
    assert with_reasons.subject == "@acme/colours 1.0.0 passed its checks and waits for a person"
    assert with_reasons.to == ["dev@acme.example"]
    assert "- the first release of this publisher" in with_reasons.body
    assert "can be switched off" in with_reasons.body

    user = User.objects.create_user("rita")
    told = then(lambda: approve_release(release(), user, "<fine> & good"))
    assert told == ["@acme/colours 1.0.0 is public", "A key of @acme was changed: trusted"]
    assert "<fine> & good" in mail.outbox[0].body

    assert then(lambda: yank_release(release(), "it leaks")) == ["@acme/colours 1.0.0 was yanked"]
    assert "it leaks" in mail.outbox[0].body
    told = then(lambda: quarantine_release(release(), "somebody reported it"))
    assert told == ["@acme/colours 1.0.0 is in quarantine"]
    assert "- somebody reported it" in mail.outbox[0].body
    assert then(lambda: unpublish(release().listing, "given up")) == ["@acme/colours was removed"], "one for all of it"


def test_release_that_failed_a_check_is_told_as_quarantined(
    seller: Seller, work: Any, then: Any, settings: Any
) -> None:
    settings.GRIDKIT = {
        "MARKET": {"serve": True, "checks": ["tests.marketplace.shelf.test_publishing.scan_that_finds"]}
    }

    then(lambda: work(lambda: seller.publish(**CALM)))

    assert mail.outbox[-1].subject == "@acme/colours 1.0.0 is in quarantine"
    assert "scan_that_finds: fail" in mail.outbox[-1].body


def test_kind_that_is_switched_off_and_publisher_without_address_get_nothing(
    seller: Seller, work: Any, then: Any
) -> None:
    work(lambda: seller.publish(**CALM))
    user = User.objects.create_user("rita")
    Publisher.objects.update(mails_off=[MailKind.PUBLISHED])
    assert then(lambda: approve_release(release(), user, "read")) == ["A key of @acme was changed: trusted"]
    Publisher.objects.update(email="")
    assert then(lambda: yank_release(release(), "it leaks")) == []
    assert not mail_publisher(seller.publisher.pk, MailKind.YANKED, {})


def test_key_that_changed_is_told(seller: Seller, then: Any) -> None:
    seller.publish()
    assert then(lambda: revoke_key(PublisherKey.objects.get())) == ["A key of @acme was changed: revoked"]
    assert "by the people of the marketplace" in mail.outbox[0].body


def test_token_that_ends_soon_is_told_once(seller: Seller, then: Any) -> None:
    assert then(market_mails.warn_of_tokens) == []
    PublisherToken.objects.update(expires_at=timezone.now() + timedelta(days=10))

    assert then(market_mails.warn_of_tokens) == ['Your token "tests" expires']
    assert seller.token[:10] in mail.outbox[0].body
    assert seller.token not in mail.outbox[0].body
    assert then(market_mails.warn_of_tokens) == []


def test_site_writes_its_own_words(seller: Seller, then: Any, settings: Any, tmp_path: Any) -> None:
    folder = tmp_path / "gridkit/market/mail"
    folder.mkdir(parents=True)
    (folder / "token.txt").write_text("{{ market }}:\n{{ token }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]
    PublisherToken.objects.update(expires_at=timezone.now() + timedelta(days=10))

    assert then(market_mails.warn_of_tokens) == ["Tests:"]
    assert mail.outbox[0].body == "tests\n"


@pytest.mark.parametrize("kind", MailKind.values)
def test_subject_is_one_line_whatever_stands_in_the_facts(seller: Seller, kind: str) -> None:
    mail.outbox.clear()
    names = ("plugin_id", "version", "reason", "token", "start", "expires", "key", "state", "at", "by")
    mail_publisher(seller.publisher.pk, kind, {**dict.fromkeys(names, "a\r\nBcc: x@y.example"), "reasons": ["why"]})

    (message,) = mail.outbox
    assert "\n" not in message.subject
    assert message.recipients() == ["dev@acme.example"]
    assert message.subject


def test_queue_that_is_down_keeps_nothing_from_being_done(
    seller: Seller, work: Any, then: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seller.publish()

    def down(*_args: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(market_mails, "send", down)
    assert then(lambda: revoke_key(PublisherKey.objects.get())) == []
    assert "could not be handed to a worker" in caplog.text
    assert PublisherKey.objects.get().state == "revoked"


MAILS = "/market/api/v1/publishers/acme/mails/"


def test_publisher_switches_kinds_off_and_on_by_a_token_with_the_scope(seller: Seller, then: Any) -> None:
    _, text = make_token(seller.publisher, "mails", scopes=[TokenScope.MAILS])
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}")

    before = client.get(MAILS).json()

    assert (before["publisher"], before["has_address"]) == ("acme", True)
    assert [(item["kind"], item["wanted"]) for item in before["kinds"]] == [(kind, True) for kind in MailKind.values]
    answer = client.put(MAILS, {"off": ["key", "published", "key"]}, "json")
    assert [item["kind"] for item in answer.json()["kinds"] if not item["wanted"]] == ["published", "key"]
    assert Publisher.objects.get().mails_off == ["published", "key"]
    seller.publish()
    assert then(lambda: revoke_key(PublisherKey.objects.get())) == []
    (record,) = AuditRecord.objects.filter(action="publisher.mails")
    assert record.changes == {"mails_off": [[], ["published", "key"]]}
    client.put(MAILS, {"off": []}, "json")
    client.put(MAILS, {"off": []}, "json")
    assert Publisher.objects.get().mails_off == []
    assert AuditRecord.objects.filter(action="publisher.mails").count() == 2, "what changes nothing is no act"


@pytest.mark.parametrize("body", [{"off": ["weather"]}, {"off": "key"}, {}, {"off": [], "more": 1}])
def test_wish_that_is_none_is_refused(seller: Seller, body: dict[str, Any]) -> None:
    _, text = make_token(seller.publisher, "mails", scopes=[TokenScope.MAILS])
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}")

    assert client.put(MAILS, body, "json").status_code == 422


def test_mails_are_nobody_elses_business(seller: Seller) -> None:
    client = APIClient()
    assert client.get(MAILS).status_code == 401
    _, text = make_token(make_publisher("beta", "Beta"), "mails", scopes=[TokenScope.MAILS])
    _, narrow = make_token(
        seller.publisher, "keys", scopes=[scope for scope in TokenScope if scope != TokenScope.MAILS]
    )
    for token in (text, narrow):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert client.get(MAILS).status_code == client.put(MAILS, {"off": []}, "json").status_code == 403
    assert client.get(MAILS.replace("acme", "nobody")).status_code == 403, "it says nothing of who there is"
