"""The turns of ``bench_audit_bulk``, in a process of their own; arguments choose acts by a part of their name."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - the apps come first
from django.db import connection, models, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from gridkit_django.events import Actor, ActorKind, EventSource, acting  # noqa: E402
from gridkit_django.models import AuditRecord  # noqa: E402
from tests.benchmarks.audit.bulk.models import (  # noqa: E402
    CapturedRow,
    EncryptedRow,
    Label,
    MaskedRow,
    PlainRow,
    StrictRow,
)
from tests.benchmarks.audit.clock import Clock, driver  # noqa: E402
from tests.benchmarks.audit.ledger.models import Owner  # noqa: E402
from tests.benchmarks.database import server_version  # noqa: E402
from tests.benchmarks.harness import Variant, compare, machine, table  # noqa: E402

IS_POSTGRES = connection.vendor == "postgresql"
MODELS: dict[str, type[models.Model]] = {
    "plain Django": PlainRow,
    "captured": CapturedRow,
    "captured, two fields masked": MaskedRow,
    "captured, two fields encrypted": EncryptedRow,
    **({"strict mode": StrictRow} if IS_POSTGRES else {}),
}
MANY = int(os.environ.get("GRIDKIT_BENCH_ROWS", "10000"))
SOME, ROUNDS = MANY // 10, 5
ADA = Actor(ActorKind.USER, "7", "ada@example.org")

Make = Callable[[type[models.Model], int], Variant]


@contextlib.contextmanager
def request(model: type[models.Model]) -> Iterator[None]:
    """Act as a request does: an actor, its metadata, one transaction."""
    metadata = {"ip": "10.0.0.1", "requestId": "0123456789abcdef", "userAgent": "Benchmark/1.0"}
    with contextlib.ExitStack() as stack:
        if model is not PlainRow:
            stack.enter_context(acting(ADA, EventSource.API, metadata=metadata))
        stack.enter_context(transaction.atomic())
        yield


def rows(model: type[models.Model], size: int, **values: Any) -> list[Any]:
    """Return rows that are not stored yet."""
    return [
        model(**{"title": f"Entry {number}", "code": f"E{number}", "owner_id": 1, **values}) for number in range(size)
    ]


def stored(model: type[models.Model], size: int, **values: Any) -> list[Any]:
    """Return rows that are stored."""
    with transaction.atomic():
        return list(model._default_manager.bulk_create(rows(model, size, **values)))


def creation(model: type[models.Model], size: int) -> Variant:
    """Create rows."""

    def act() -> None:
        made = rows(model, size)
        with request(model):
            model._default_manager.bulk_create(made)

    return act


def update(model: type[models.Model], size: int) -> Variant:
    """Update rows by one statement."""
    stored(model, size, code="update")

    def act() -> None:
        with request(model):
            model._default_manager.filter(code="update").update(count=F("count") + 1)

    return act


def bulk_update(model: type[models.Model], size: int) -> Variant:
    """Update each row to values of its own."""
    made = stored(model, size, code="bulk_update")

    def act() -> None:
        for row in made:
            row.count += 1
        with request(model):
            model._default_manager.bulk_update(made, ["count"])

    return act


def upsert(model: type[models.Model], size: int) -> Variant:
    """Write rows, all of which are there already."""
    made = stored(model, size, code="upsert")

    def act() -> None:
        for row in made:
            row.count += 1
        with request(model):
            model._default_manager.bulk_create(
                made, update_conflicts=True, unique_fields=["id"], update_fields=["count"]
            )

    return act


def deletion(model: type[models.Model], size: int, *, links: int = 0, alone: bool = False) -> Variant:
    """Delete rows: with what goes along, or by one bare statement; each turn has rows of its own."""
    turns = list(range(100, 101 + ROUNDS))
    labels = [Label.objects.get_or_create(name=str(number))[0] for number in range(links)]
    through: Any = model._meta.get_field("labels").remote_field.through
    name = f"{model._meta.model_name}_id"
    for turn in turns:
        made = stored(model, size, count=turn)
        pairs = [through(**{name: row.pk, "label_id": label.pk}) for row in made for label in labels]
        through._default_manager.bulk_create(pairs)

    def act() -> None:
        chosen = model._default_manager.filter(count=turns.pop())
        with request(model):
            if alone:
                chosen._raw_delete(using="default")
            else:
                chosen.delete()

    return act


ACTS: dict[str, tuple[Make, int]] = {
    "bulk_create of {:,}": (creation, MANY),
    "QuerySet.update of {:,}, one field": (update, MANY),
    "bulk_update of {:,}, one field": (bulk_update, SOME),
    "upsert of {:,} that are there, one field": (upsert, SOME),
    "QuerySet.delete of {:,} with a many-to-many field": (deletion, SOME),
    "QuerySet.delete of {:,} with two links each": (partial(deletion, links=2), SOME),
    "deletion of {:,} by one bare statement": (partial(deletion, alone=True), MANY),
}


def main(chosen: list[str]) -> None:
    """Print a table for each act."""
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    if IS_POSTGRES:
        call_command("gridkit_audit_triggers", "install", verbosity=0)
    else:
        connection.cursor().execute("PRAGMA journal_mode=wal")
    Owner.objects.get_or_create(pk=1, defaults={"name": "Ada"})
    clock = Clock()
    database = server_version() if IS_POSTGRES else f"SQLite {sqlite3.sqlite_version}"
    conditions = {
        "database": database,
        "driver": driver(),
        "figure": "CPU of client and backend",
        "machine": machine(),
    }
    for title, (make, size) in ACTS.items():
        if chosen and not any(part in title for part in chosen):
            continue
        variants = {name: make(model, size) for name, model in MODELS.items()}
        measured = compare(variants, rounds=ROUNDS, clock=clock)
        told = {**conditions, "records": AuditRecord.objects.count()}
        sys.stdout.write(f"{table(title.format(size), measured, conditions=told)}\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
