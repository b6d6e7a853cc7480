"""A publisher's keys on the shelf: introduced, retired, revoked as of a time; and what they signed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.exceptions import MarketKeyRevokedError
from gridkit_django.marketplace.shelf.keys import key_list, note_trusted_keys, retire_key, revoke_key, trust_key
from gridkit_django.marketplace.shelf.review import approve_release
from gridkit_django.marketplace.shelf.tokens import TokenScope
from gridkit_django.marketplace.trust import make_author_key
from gridkit_django.marketplace.trust.keylist import KeyAct
from gridkit_django.models import AuditRecord, KeyState, PublisherKey, Release, ReleaseState
from gridkit_django.tasks.market import check_release
from tests.marketplace.shelf.goods import API, CALM, Seller, release

pytestmark = [pytest.mark.django_db]

KEYS = f"{API}publishers/acme/keys/"
NEW = make_author_key()


@pytest.fixture
def shelved(acme: Seller, work: Any) -> Release:
    """A release that is public, so that its key is trusted and on the list."""
    work(lambda: acme.publish(**CALM))
    return approve_release(release(), User.objects.create_user("rita"), "read it")


def say(seller: Seller, act: KeyAct, key: str, private: bytes, ago: timedelta = timedelta()) -> Any:
    """Send a statement that goes on from the list."""
    statement = key_list(seller.publisher).next(act, key, timezone.now() - ago).signed(private)
    return seller.client().post(KEYS, statement.to_dict(), format="json")


@pytest.mark.both_databases
def test_new_key_that_an_old_one_introduced_needs_no_person(
    acme: Seller, shelved: Release, work: Any, anybody: APIClient
) -> None:
    old = acme.public
    answer = say(acme, KeyAct.ADD, NEW[1], acme.private)
    assert (answer.status_code, len(answer.json()["statements"])) == (201, 2), answer.json()

    acme.private, acme.public = NEW
    work(lambda: acme.publish(version="1.1.0", **CALM))

    assert release(version="1.1.0").state == ReleaseState.PUBLISHED
    found = anybody.get(KEYS).json()
    assert [(item["key"], item["state"]) for item in found["keys"]] == [(old, "active"), (NEW[1], "active")]
    listing = anybody.get(f"{API}plugins/@acme/colours/").json()
    assert [item["act"] for item in listing["publisher_keys"]] == ["add", "add"]
    assert listing["versions"][0]["uploaded_at"]


def test_revoked_key_loses_what_it_signed_since_then(acme: Seller, shelved: Release, work: Any) -> None:
    Release.objects.filter(pk=shelved.pk).update(created_at=timezone.now() - timedelta(days=3))
    work(lambda: acme.publish(version="1.1.0", **CALM))
    assert release(version="1.1.0").state == ReleaseState.PUBLISHED
    say(acme, KeyAct.ADD, NEW[1], acme.private)

    assert say(acme, KeyAct.REVOKE, acme.public, NEW[0], timedelta(days=1)).status_code == 201

    assert (release().state, release(version="1.1.0").state) == (ReleaseState.PUBLISHED, ReleaseState.QUARANTINED)
    assert "its key was revoked as of" in release(version="1.1.0").held_for[0]
    answer = acme.publish(version="1.2.0", **CALM)
    assert (answer.status_code, answer.json()["code"]) == (403, "market-key-revoked")
    with pytest.raises(MarketKeyRevokedError):
        approve_release(release(version="1.1.0"), User.objects.get(), "looks good")


def test_what_a_retired_key_signed_before_is_published_after(acme: Seller, shelved: Release) -> None:
    acme.publish(version="1.1.0", **CALM)
    retire_key(PublisherKey.objects.get())

    check_release(release(version="1.1.0").pk)

    assert (release().state, release(version="1.1.0").state) == (ReleaseState.PUBLISHED, ReleaseState.PUBLISHED)
    assert acme.publish(version="1.2.0", **CALM).json()["code"] == "market-key-revoked"


def test_what_was_uploaded_after_the_key_ended_is_held(acme: Seller, shelved: Release) -> None:
    acme.publish(version="1.1.0", **CALM)
    revoke_key(PublisherKey.objects.get(), timezone.now() - timedelta(hours=1))

    check_release(release(version="1.1.0").pk)

    assert "signed with a key that is revoked" in release(version="1.1.0").held_for


def test_statement_that_does_not_fit_is_refused(acme: Seller, shelved: Release) -> None:
    stranger = make_author_key()
    assert say(acme, KeyAct.ADD, NEW[1], stranger[0]).json()["code"] == "key-statement-invalid"
    assert say(acme, KeyAct.RETIRE, acme.public, acme.private, -timedelta(hours=1)).status_code == 409
    unsigned = key_list(acme.publisher).next(KeyAct.ADD, NEW[1], timezone.now()).to_dict()
    assert acme.client().post(KEYS, unsigned, format="json").status_code == 409
    signed = key_list(acme.publisher).next(KeyAct.ADD, NEW[1], timezone.now()).signed(acme.private).to_dict()
    assert acme.client().post(KEYS, signed, format="json").status_code == 201
    assert acme.client().post(KEYS, signed, format="json").status_code == 409, "the list went on"
    assert PublisherKey.objects.filter(state=KeyState.TRUSTED).count() == 2


def test_key_of_another_publisher_is_not_taken_over(acme: Seller, shelved: Release) -> None:
    other = Seller.make("other")
    other.publish("@other/one")

    answer = say(acme, KeyAct.ADD, other.public, acme.private)

    assert (answer.status_code, answer.json()["code"]) == (403, "market-publisher-refused")


def test_list_is_changed_by_tokens_of_the_publisher_with_the_scope(
    acme: Seller, shelved: Release, anybody: APIClient
) -> None:
    body = key_list(acme.publisher).next(KeyAct.ADD, NEW[1], timezone.now()).signed(acme.private).to_dict()
    assert anybody.post(KEYS, body, format="json").status_code == 401
    other = Seller.make("other")
    assert other.client().post(KEYS, body, format="json").json()["code"] == "market-publisher-refused"
    small = Seller.make("small", scopes=(TokenScope.PUBLISH,))
    answer = small.client().post(KEYS.replace("acme", "small"), body, format="json")
    assert answer.json()["code"] == "market-token-scope"
    hidden = KEYS.replace("acme", "other")
    assert anybody.get(hidden).status_code == anybody.get(KEYS.replace("acme", "nobody")).status_code == 404
    assert other.client().get(hidden).json()["serial"] == 0


@pytest.mark.both_databases
def test_keys_that_were_trusted_before_there_were_lists_are_noted_once(acme: Seller) -> None:
    PublisherKey.objects.create(publisher=acme.publisher, public_key=acme.public, state=KeyState.TRUSTED)

    assert note_trusted_keys() == 1
    assert note_trusted_keys() == 0
    assert list(key_list(acme.publisher).keys) == [acme.public]


def test_administrators_end_keys_and_bring_none_back(acme: Seller, work: Any) -> None:
    work(acme.publish)
    key = PublisherKey.objects.get()
    revoke_key(key)  # it was never trusted, so no list tells of it
    assert key_list(acme.publisher).serial == 0
    revoke_key(PublisherKey.objects.get())
    assert AuditRecord.objects.filter(action="publisher.key.revoked").count() == 1
    with pytest.raises(MarketKeyRevokedError):
        trust_key(PublisherKey.objects.get())
