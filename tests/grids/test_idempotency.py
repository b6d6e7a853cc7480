"""Requests that are sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.exceptions import IdempotencyError, RequestUnderWayError
from gridkit_django.grids.idempotency import LOST_AFTER, KeptAnswer, answer_once, expire_answers
from gridkit_django.models import IdempotencyRecord

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Act:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> tuple[int, Any]:
        self.done += 1
        return 201, {"done": self.done}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def act() -> Act:
    return Act()


def test_second_request_gets_the_first_answer(ada: User, act: Act) -> None:
    assert answer_once(ada, "k", "f", act) == KeptAnswer(201, {"done": 1})
    assert answer_once(ada, "k", "f", act) == KeptAnswer(201, {"done": 1}, again=True)
    assert act.done == 1


def test_key_is_of_one_user(ada: User, act: Act) -> None:
    answer_once(ada, "k", "f", act)
    assert answer_once(User.objects.create_user("bob"), "k", "other", act).body == {"done": 2}


def test_key_of_another_request_is_refused(ada: User, act: Act) -> None:
    answer_once(ada, "k", "f", act)
    with pytest.raises(IdempotencyError) as caught:
        answer_once(ada, "k", "g", act)
    assert caught.type is IdempotencyError
    assert act.done == 1


def test_request_under_way_is_not_done_beside(ada: User, act: Act) -> None:
    def again() -> tuple[int, Any]:
        with pytest.raises(RequestUnderWayError):
            answer_once(ada, "k", "f", act)
        return act()

    assert answer_once(ada, "k", "f", again).body == {"done": 1}


def test_request_that_was_refused_can_be_sent_again(ada: User, act: Act) -> None:
    def fail() -> tuple[int, Any]:
        User.objects.create_user("trace")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer_once(ada, "k", "f", fail)
    assert not User.objects.filter(username="trace").exists()
    assert answer_once(ada, "k", "g", act).body == {"done": 1}


def test_request_whose_process_died_can_be_sent_again(ada: User, act: Act) -> None:
    IdempotencyRecord.objects.create(user=ada, key="k", fingerprint="f")
    IdempotencyRecord.objects.update(created_at=timezone.now() - LOST_AFTER - timedelta(seconds=1))
    assert answer_once(ada, "k", "f", act).body == {"done": 1}


def test_answer_is_kept_for_a_while(ada: User, act: Act) -> None:
    answer_once(ada, "k", "f", act)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=23))
    assert answer_once(ada, "k", "f", act).again
    assert expire_answers() == 0
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert not answer_once(ada, "k", "g", act).again
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert expire_answers() == 1
