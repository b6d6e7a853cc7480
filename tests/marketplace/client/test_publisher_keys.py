"""Which keys this site believes of a publisher: rotation is followed, silent replacement and ended keys are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gridkit_django.exceptions import (
    PublisherKeyRevokedError,
    PublisherKeysReplacedError,
    PublisherUntrustedError,
)
from gridkit_django.marketplace.client import make_install_plan, refresh_catalogue
from gridkit_django.marketplace.client.publisher_keys import known_key_of, reason_against_key
from gridkit_django.marketplace.client.remotes import remote_named
from gridkit_django.marketplace.client.trusting import check_author
from gridkit_django.marketplace.client.wire import LISTING, RemoteListing
from gridkit_django.marketplace.trust import author_key_id, make_author_key, sign_release
from gridkit_django.marketplace.trust.keylist import KeyAct, KeyList, KeyStatement
from gridkit_django.models import TrustedKeyList
from tests.marketplace.client.market import listing, release
from tests.marketplace.client.packages import Acme

pytestmark = pytest.mark.django_db

PLUGIN = "@acme/colours"
OLD, NEW, THIEF = make_author_key(), make_author_key(), make_author_key()
NOW = datetime(2026, 11, 20, tzinfo=UTC)
BEFORE, AFTER = "2026-11-01T00:00:00Z", "2026-11-25T00:00:00Z"


class Chain:
    """Statements about the keys of a publisher."""

    def __init__(self) -> None:
        self.known = KeyList("acme")
        self.statements: list[KeyStatement] = []

    def say(self, act: KeyAct, key: str, by: bytes | None = None) -> Chain:
        """Add a statement; without a private key it is the marketplace's own."""
        statement = self.known.next(act, key, NOW)
        statement = statement if by is None else statement.signed(by)
        self.known = self.known.follow(statement)
        self.statements.append(statement)
        return self


@pytest.fixture
def chain() -> Chain:
    """A list that begins with the old key."""
    return Chain().say(KeyAct.ADD, OLD[1])


@pytest.fixture
def check(settings: Any, tmp_path: Any) -> Callable[..., str]:
    """Return a function that judges a release."""
    main = {"url": "https://market.example/", "root": str(tmp_path / "root.json")}
    settings.GRIDKIT = {"MARKETPLACES": {"main": main}, "MARKETPLACE_TRUSTED": ["@acme"]}

    def judge(chain: Chain | None, key: tuple[bytes, str], known_key: str = "", at: str | None = AFTER) -> str:
        digest = f"sha256:{'0' * 64}"
        facts = release(
            digest=digest, public_key=key[1], signature=sign_release(key[0], PLUGIN, "1.0.0", digest), uploaded_at=at
        )
        keys = [] if chain is None else [statement.to_dict() for statement in chain.statements]
        found: RemoteListing = LISTING.validate_python(listing(versions=[facts], publisher_keys=keys))
        return check_author(remote_named("main"), found, found.versions[0], known_key)

    return judge


def test_rotation_that_the_old_key_signed_is_followed(check: Any, chain: Chain) -> None:
    assert check(chain, OLD) == author_key_id(OLD[1])

    chain.say(KeyAct.ADD, NEW[1], by=OLD[0]).say(KeyAct.RETIRE, OLD[1], by=NEW[0])

    assert check(chain, NEW, known_key=OLD[1]) == author_key_id(NEW[1])
    assert check(chain, OLD, known_key=NEW[1], at=BEFORE) == author_key_id(OLD[1]), "what it signed before is good"
    assert TrustedKeyList.objects.get().content["serial"] == 3


@pytest.mark.parametrize(("act", "word"), [(KeyAct.REVOKE, "revoked"), (KeyAct.RETIRE, "retired")])
@pytest.mark.parametrize("at", [AFTER, None])
def test_release_by_a_key_that_had_ended_is_refused(
    check: Any, chain: Chain, act: KeyAct, word: str, at: str | None
) -> None:
    check(chain, OLD)
    chain.say(KeyAct.ADD, NEW[1], by=OLD[0]).say(act, OLD[1], by=NEW[0])

    with pytest.raises(PublisherKeyRevokedError, match=f"was {word} by @acme as of 2026-11-20"):
        check(chain, OLD, known_key=OLD[1], at=at)


def test_list_that_was_put_in_the_place_of_the_old_one_is_refused(check: Any, chain: Chain, settings: Any) -> None:
    check(chain, OLD)
    forged = Chain().say(KeyAct.ADD, THIEF[1])

    with pytest.raises(PublisherKeysReplacedError, match="Somebody replaced it"):
        check(forged, THIEF, known_key=OLD[1])
    with pytest.raises(PublisherKeysReplacedError, match="Somebody replaced it"):
        check(None, THIEF, known_key=OLD[1])
    assert TrustedKeyList.objects.get().content["head"] == chain.known.head

    settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACE_TRUSTED": ["@acme", author_key_id(THIEF[1])]}
    assert check(forged, THIEF, known_key=OLD[1]) == author_key_id(THIEF[1]), "an administrator asked, and believes it"


def test_key_that_the_marketplace_alone_brought_is_refused_until_somebody_asks(
    check: Any, chain: Chain, settings: Any
) -> None:
    check(chain, OLD)
    chain.say(KeyAct.ADD, THIEF[1])

    with pytest.raises(PublisherKeysReplacedError, match="brought by the marketplace alone"):
        check(chain, THIEF, known_key=OLD[1])
    assert check(chain, OLD, known_key=OLD[1])
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACE_TRUSTED": ["@acme", author_key_id(THIEF[1])]}
    assert check(chain, THIEF, known_key=OLD[1])


def test_first_list_is_believed_beside_no_key_that_is_known(check: Any, chain: Chain) -> None:
    both = Chain().say(KeyAct.ADD, OLD[1]).say(KeyAct.ADD, NEW[1])
    with pytest.raises(PublisherKeysReplacedError):
        check(both, NEW, known_key=OLD[1])
    assert not TrustedKeyList.objects.exists()
    assert check(both, NEW)


def test_key_that_is_on_no_list_is_refused(check: Any, chain: Chain) -> None:
    with pytest.raises(PublisherKeysReplacedError, match="not on the list"):
        check(chain, NEW)


def test_statement_that_nobody_signed_for_is_refused(check: Any, chain: Chain) -> None:
    check(chain, OLD)
    bad = chain.known.next(KeyAct.ADD, THIEF[1], NOW).signed(THIEF[0])
    chain.statements.append(bad)

    with pytest.raises(PublisherKeysReplacedError, match="not signed by one of their keys"):
        check(chain, THIEF)


def test_list_that_is_broken_is_refused(check: Any, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyStatement, "to_dict", lambda _self: {"serial": "one"})

    with pytest.raises(PublisherKeysReplacedError, match="is broken"):
        check(chain, OLD)


def test_marketplace_without_lists_is_judged_by_the_key_of_before(check: Any) -> None:
    assert check(None, OLD)
    with pytest.raises(PublisherUntrustedError, match="another key"):
        check(None, NEW, known_key=OLD[1])


def test_plan_names_a_key_that_had_ended_and_takes_what_it_signed_before(acme: Acme) -> None:
    acme.publish("1.1.0", uploaded_at=BEFORE)
    acme.publish("1.2.0", uploaded_at=AFTER)
    chain = Chain().say(KeyAct.ADD, acme.public).say(KeyAct.REVOKE, acme.public)
    keys = [statement.to_dict() for statement in chain.statements]
    acme.market.put(listing(PLUGIN, versions=list(acme.releases.values()), publisher_keys=keys))
    refresh_catalogue()

    plan = make_install_plan(PLUGIN)

    assert plan.chosen().version == "1.1.0"
    (reason,) = plan.verdicts[0].reasons
    assert reason.startswith("The key that signed version 1.2.0 was revoked by @acme as of 2026-11-20")
    assert not TrustedKeyList.objects.exists(), "a plan remembers nothing"
    assert known_key_of(PLUGIN) == ""


def test_plan_says_nothing_of_the_key_of_a_release_that_is_not_signed(check: Any, chain: Chain) -> None:
    found: RemoteListing = LISTING.validate_python(
        listing(publisher_keys=[item.to_dict() for item in chain.statements])
    )

    assert reason_against_key(remote_named("main"), found, found.versions[0], "") == ""
