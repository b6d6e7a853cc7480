"""The list of a publisher's keys: it grows by signed statements, and nothing else is followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gridkit_django.exceptions import KeyStatementError
from gridkit_django.marketplace.trust import make_author_key
from gridkit_django.marketplace.trust.keylist import KeyAct, KeyList, KeyStatement, ListedKey

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
OLD, NEW, THIRD = make_author_key(), make_author_key(), make_author_key()


@pytest.fixture
def begun() -> KeyList:
    """A list with one key, that the marketplace brought."""
    empty = KeyList("acme")
    return empty.follow(empty.next(KeyAct.ADD, OLD[1], NOW))


def test_new_key_is_introduced_by_an_old_one_and_may_end_it(begun: KeyList) -> None:
    found = begun.follow(begun.next(KeyAct.ADD, NEW[1], NOW).signed(OLD[0]))
    found = found.follow(found.next(KeyAct.REVOKE, OLD[1], NOW).signed(NEW[0]))

    assert (found.serial, found.keys[NEW[1]]) == (3, ListedKey())
    old = found.keys[OLD[1]]
    assert (old.ended, old.covers(NOW - timedelta(seconds=1)), old.covers(NOW), old.covers(None)) == (
        *("revoke", True, False, False),
    )
    assert KeyList.from_dict(found.to_dict()) == found


def test_statement_goes_through_plain_values(begun: KeyList) -> None:
    statement = begun.next(KeyAct.ADD, NEW[1], NOW).signed(OLD[0])

    assert KeyStatement.from_dict(statement.to_dict()) == statement
    assert begun.follow(KeyStatement.from_dict(statement.to_dict())).head == statement.digest()


def test_what_is_not_signed_by_a_key_of_the_list_is_refused(begun: KeyList) -> None:
    added = begun.next(KeyAct.ADD, NEW[1], NOW)
    good = added.signed(OLD[0])
    for bad in (
        added.signed(THIRD[0]),
        replace(good, key=THIRD[1]),
        replace(good, at="2020-01-01T00:00:00+00:00"),
        replace(good, signature=added.signed(THIRD[0]).signature),
        replace(good, serial=3),
        replace(good, previous=f"sha256:{'0' * 64}"),
        replace(good, publisher="other"),
    ):
        with pytest.raises(KeyStatementError):
            begun.follow(bad)


def test_key_that_ended_signs_for_nothing_and_never_comes_back(begun: KeyList) -> None:
    ended = begun.follow(begun.next(KeyAct.RETIRE, OLD[1], NOW))

    for statement in (
        ended.next(KeyAct.ADD, NEW[1], NOW).signed(OLD[0]),
        ended.next(KeyAct.ADD, OLD[1], NOW),
        ended.next(KeyAct.RETIRE, OLD[1], NOW + timedelta(days=9)),
        ended.next(KeyAct.REVOKE, NEW[1], NOW),
        ended.next(KeyAct.ADD, "no key", NOW),
    ):
        with pytest.raises(KeyStatementError):
            ended.follow(statement)
    revoked = ended.follow(ended.next(KeyAct.REVOKE, OLD[1], NOW - timedelta(days=1)))
    assert revoked.keys[OLD[1]].ended == "revoke"
    with pytest.raises(KeyStatementError):
        revoked.follow(revoked.next(KeyAct.RETIRE, OLD[1], NOW))


def test_key_that_the_marketplace_alone_brings_is_believed_only_when_the_reader_says_so(begun: KeyList) -> None:
    brought = begun.next(KeyAct.ADD, NEW[1], NOW)
    assert begun.follow(brought).keys[NEW[1]].proved
    found = begun.follow(brought, believe=())
    assert not found.keys[NEW[1]].proved
    third = found.next(KeyAct.ADD, THIRD[1], NOW).signed(NEW[0])
    assert not found.follow(third).keys[THIRD[1]].proved, "who is not believed makes nobody believed"
    assert begun.follow(brought, believe=[NEW[1]]).keys[NEW[1]].proved


@pytest.mark.parametrize(
    "change",
    [{"serial": "1"}, {"serial": True}, {"act": "sell"}, {"key": None}, {"at": "soon"}, {"at": "2026-11-27T10:00:00"},
     {"signature": "x" * 201}],
)  # fmt: skip
def test_what_is_no_statement_is_refused(begun: KeyList, change: Mapping[str, Any]) -> None:
    raw = {**begun.next(KeyAct.ADD, NEW[1], NOW).to_dict(), **change}

    with pytest.raises(KeyStatementError):
        KeyStatement.from_dict(raw)
