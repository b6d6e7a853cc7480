"""Guards around plugin code: no statement, no savepoint; whatever a call does, the act's transaction stays whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from gridkit_django.plugins.here import here
from gridkit_django.plugins.savepoints import CallGuard, in_transaction, open_guard, savepoints
from tests.shop.models import Customer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def add(name: str) -> None:
    Customer.objects.create(name=name, email=f"{name}@example.org")


def names() -> list[str]:
    return sorted(Customer.objects.values_list("name", flat=True))


def guarded(*calls: Callable[[], object]) -> list[BaseException | None]:
    """Make calls inside one guard as a round does, and return what each raised."""
    guard, raised = opened(), []
    with guard:
        for call in calls:
            error: BaseException | None = None
            try:
                call()
                guard.settle(None)
            except (ValueError, DatabaseError) as caught:
                error = caught
                guard.settle(error)
            raised.append(error)
    return raised


def opened() -> CallGuard:
    guard = open_guard(here())
    assert guard is not None
    return guard


def test_outside_of_transactions_there_is_nothing_to_guard() -> None:
    assert open_guard(here()) is None
    assert not in_transaction()
    with pytest.raises(ValueError, match="after all"), savepoints():
        fail_after(lambda: add("kept"))()
    assert names() == ["kept"]


def test_call_without_a_statement_makes_no_savepoint() -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert guarded(lambda: None, lambda: None) == [None, None]
    assert [item["sql"] for item in queries if "SAVEPOINT" in item["sql"]] == []


def test_each_call_with_statements_has_a_savepoint_of_its_own() -> None:
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            guarded(lambda: (add("a"), add("b")), lambda: None, lambda: add("c"))
        sql = [item["sql"].split(" ")[0] for item in queries]
    assert sql == ["SAVEPOINT", "INSERT", "INSERT", "RELEASE", "SAVEPOINT", "INSERT", "RELEASE"]


def fail_after(*acts: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        for act in acts:
            act()
        raise ValueError("after all")

    return call


def twice() -> None:
    add("twice")
    add("twice")


def swallowed() -> None:
    """Break the transaction and say nothing."""
    with suppress(IntegrityError):
        twice()


def inside_a_block(*, savepoint: bool) -> Callable[[], None]:
    def call() -> None:
        with transaction.atomic(savepoint=savepoint):
            add("inner")

    return call


def block_that_fails(*, savepoint: bool) -> Callable[[], None]:
    def call() -> None:
        with suppress(ValueError), transaction.atomic(savepoint=savepoint):
            fail_after(lambda: add("inner"))()

    return call


def leave_a_block_open() -> None:
    transaction.atomic().__enter__()
    add("open")


def wish_to_roll_back() -> None:
    transaction.set_rollback(True)


@pytest.mark.parametrize(
    "bad",
    [
        fail_after(lambda: add("ghost")),
        fail_after(),
        fail_after(inside_a_block(savepoint=True)),
        fail_after(inside_a_block(savepoint=False)),
        fail_after(block_that_fails(savepoint=True)),
        fail_after(block_that_fails(savepoint=False)),
        fail_after(wish_to_roll_back),
        fail_after(lambda: Customer.objects.bulk_create([Customer(name="bulk", email="bulk@example.org")])),
        fail_after(leave_a_block_open),
        twice,
    ],
)
def test_failed_call_is_undone_and_the_act_and_its_neighbours_stay(bad: Callable[[], None]) -> None:
    with transaction.atomic():
        add("before")
        raised = guarded(lambda: add("first"), bad, lambda: add("second"))
        add("after")
    assert [error is not None for error in raised] == [False, True, False]
    assert names() == ["after", "before", "first", "second"]


@pytest.mark.parametrize(
    ("call", "kept"),
    [
        (inside_a_block(savepoint=True), ["inner"]),
        (inside_a_block(savepoint=False), ["inner"]),
        (block_that_fails(savepoint=True), []),
        (block_that_fails(savepoint=False), []),
        (leave_a_block_open, ["open"]),
        (wish_to_roll_back, []),
        (lambda: (add("gone"), wish_to_roll_back()), []),
    ],
)
def test_call_that_raises_nothing_keeps_what_its_own_blocks_keep(call: Callable[[], Any], kept: list[str]) -> None:
    with transaction.atomic():
        add("before")
        assert guarded(call, lambda: add("next")) == [None, None]
    assert names() == sorted(["before", "next", *kept])


def test_broken_transaction_that_a_call_keeps_quiet_about_is_undone() -> None:
    with transaction.atomic():
        assert guarded(swallowed) == [None]
        add("after")
    assert names() == ["after"]


def test_broken_transaction_that_django_does_not_know_of_is_undone_and_told() -> None:
    """Raw statements leave no mark in Django; PostgreSQL refuses to release the savepoint."""

    def raw() -> None:
        add("ghost")
        with connection.cursor() as cursor, suppress(DatabaseError):
            cursor.execute("SELECT no_such_column")

    with transaction.atomic():
        raised = guarded(raw)[0]
        add("after")
    assert isinstance(raised, DatabaseError) == (connection.vendor == "postgresql")
    assert names() == (["after"] if raised else ["after", "ghost"])


def test_what_a_failed_call_left_for_the_commit_is_dropped_even_if_it_made_no_statement() -> None:
    told: list[str] = []
    with transaction.atomic():
        transaction.on_commit(lambda: told.append("act"))
        guarded(
            lambda: transaction.on_commit(lambda: told.append("good")),
            fail_after(lambda: transaction.on_commit(lambda: told.append("early")), lambda: add("ghost")),
            fail_after(lambda: transaction.on_commit(lambda: told.append("bad"))),
        )
    assert told == ["act", "good"]


def test_act_that_is_doomed_stays_doomed() -> None:
    with transaction.atomic():
        add("before")
        transaction.set_rollback(True)
        assert guarded(lambda: None, fail_after())[0] is None
        assert transaction.get_rollback()
    assert names() == []


def test_guards_inside_guards_undo_only_their_own() -> None:
    def outer() -> None:
        add("outer")
        guarded(fail_after(lambda: add("ghost")), lambda: add("inner"))

    def failing_outer() -> None:
        guarded(lambda: add("inner of failing"))
        raise ValueError("outer")

    with transaction.atomic():
        guarded(outer, failing_outer)
    assert names() == ["inner", "outer"]


def test_statements_between_calls_belong_to_the_act() -> None:
    with transaction.atomic():
        guard = opened()
        with guard:
            guard.settle(None)
            with guard.resting():
                add("between")
            add("ghost")
            guard.settle(ValueError())
    assert names() == ["between"]


def test_block_of_savepoints_undoes_what_raises() -> None:
    with transaction.atomic():
        with savepoints():
            add("kept")
        with pytest.raises(ValueError, match="after all"), savepoints():
            fail_after(lambda: add("ghost"))()
    assert names() == ["kept"]
