"""The turns of ``bench_audit_strict``, in a process of their own: the app of the tables is none of the example's."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - the apps come first
from django.db import connection, models, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from gridkit_django.events import Actor, ActorKind, EventSource, acting  # noqa: E402
from tests.benchmarks.audit.ledger.models import HAS_HISTORY, Captured, History, Owner, Plain, Strict  # noqa: E402
from tests.benchmarks.database import server_version  # noqa: E402
from tests.benchmarks.harness import Variant, compare, machine, table  # noqa: E402

MODELS: dict[str, type[models.Model]] = {
    "plain Django": Plain,
    "strict mode": Strict,
    "capture at the ORM": Captured,
    **({"django-pghistory, statement triggers": History} if HAS_HISTORY else {}),
}
FEW, MANY, ROUNDS = 200, 10_000, 9
ADA = Actor(ActorKind.USER, "7", "ada@example.org")


class Clock:
    """The CPU time of this process and of its database backend, in seconds."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._backend = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def __call__(self) -> float:
        """Return the time."""
        return time.process_time() + int(self._backend.read_text().split()[0]) / 1e9


@contextlib.contextmanager
def request(model: type[models.Model]) -> Iterator[None]:
    """Act as a request does: an actor, its metadata, one transaction."""
    metadata = {"ip": "10.0.0.1", "requestId": "0123456789abcdef", "userAgent": "Benchmark/1.0"}
    with contextlib.ExitStack() as stack:
        if model is History:
            stack.enter_context(sys.modules["pghistory"].context(user=7, url="/orders/7/", **metadata))
        elif model is not Plain:
            stack.enter_context(acting(ADA, EventSource.API, metadata=metadata))
        stack.enter_context(transaction.atomic())
        yield


def entry(model: type[models.Model], number: int) -> Any:
    return model(title=f"Entry {number}", code=f"E{number}", owner_id=1)


def create(model: type[models.Model], in_request: int) -> None:
    for start in range(0, FEW, in_request):
        with request(model):
            for number in range(start, start + in_request):
                entry(model, number).save()


def save(model: type[models.Model], rows: list[Any], in_request: int) -> None:
    for start in range(0, FEW, in_request):
        with request(model):
            for row in rows[start : start + in_request]:
                row.count += 1
                row.price += 1
                row.save()


def delete(model: type[models.Model], pools: list[list[Any]]) -> None:
    for row in pools.pop():
        with request(model):
            row.delete()


def bulk_create(model: type[models.Model]) -> None:
    rows = [entry(model, number) for number in range(MANY)]
    with request(model):
        model._default_manager.bulk_create(rows)


def update(model: type[models.Model]) -> None:
    with request(model):
        model._default_manager.filter(code="bulk").update(count=F("count") + 1)


def delete_many(model: type[models.Model], pools: list[int]) -> None:
    with request(model):
        model._default_manager.filter(count=pools.pop()).delete()


def made(model: type[models.Model], size: int, **values: Any) -> list[Any]:
    """Return new rows, written in one go."""
    rows = [entry(model, number) for number in range(size)]
    for row in rows:
        for name, value in values.items():
            setattr(row, name, value)
    return list(model._default_manager.bulk_create(rows))


def turns() -> Iterator[tuple[str, dict[str, Variant], int]]:
    """Yield each comparison: title, variants, rounds. What a variant needs is made before."""
    for count in (1, 20):
        yield f"create, {count} in a request", {name: partial(create, m, count) for name, m in MODELS.items()}, ROUNDS
        rows = {name: made(model, FEW) for name, model in MODELS.items()}
        saves = {name: partial(save, m, rows[name], count) for name, m in MODELS.items()}
        yield f"save of two changed fields, {count} in a request", saves, ROUNDS
    pools = {name: [made(model, FEW) for _ in range(ROUNDS + 1)] for name, model in MODELS.items()}
    yield "delete, 1 in a request", {name: partial(delete, m, pools[name]) for name, m in MODELS.items()}, ROUNDS
    rounds = 5
    yield f"bulk_create of {MANY:,}", {name: partial(bulk_create, m) for name, m in MODELS.items()}, rounds
    for model in MODELS.values():
        made(model, MANY, code="bulk")
    yield f"QuerySet.update of {MANY:,}", {name: partial(update, m) for name, m in MODELS.items()}, rounds
    numbers = {name: list(range(1000, 1001 + rounds)) for name in MODELS}
    for model in MODELS.values():
        for number in range(1000, 1001 + rounds):
            made(model, MANY, count=number)
    deletes: dict[str, Callable[[], object]] = {
        name: partial(delete_many, m, numbers[name]) for name, m in MODELS.items()
    }
    yield f"QuerySet.delete of {MANY:,}", deletes, rounds


def main() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("gridkit_audit_triggers", "install", verbosity=0)
    Owner.objects.get_or_create(pk=1, defaults={"name": "Ada"})
    clock = Clock()
    conditions = {"database": server_version(), "figure": "CPU of client and backend", "machine": machine()}
    for title, variants, rounds in turns():
        measured = compare(variants, rounds=rounds, clock=clock)
        sys.stdout.write(f"{table(title, measured, conditions=conditions)}\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
