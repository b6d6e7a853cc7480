"""The turns of ``bench_audit_strict``, in a process of their own: the app of the tables is none of the example's."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - the apps come first
from django.db import models, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from gridkit_django.events import Actor, ActorKind, EventSource, acting  # noqa: E402
from tests.benchmarks.audit.clock import Clock  # noqa: E402
from tests.benchmarks.audit.ledger.models import HAS_HISTORY, Captured, History, Owner, Plain, Strict  # noqa: E402
from tests.benchmarks.database import server_version  # noqa: E402
from tests.benchmarks.harness import Variant, compare, machine, table  # noqa: E402

MODELS: dict[str, type[models.Model]] = {
    "plain Django": Plain,
    "strict mode": Strict,
    "capture at the ORM": Captured,
    **({"django-pghistory, statement triggers": History} if HAS_HISTORY else {}),
}
MANY, ROUNDS = 10_000, 5
ADA = Actor(ActorKind.USER, "7", "ada@example.org")


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


def turns() -> Iterator[tuple[str, dict[str, Variant]]]:
    """Yield each comparison: title and variants. What a variant needs is made before."""
    yield f"bulk_create of {MANY:,}", {name: partial(bulk_create, m) for name, m in MODELS.items()}
    for model in MODELS.values():
        made(model, MANY, code="bulk")
    yield f"QuerySet.update of {MANY:,}", {name: partial(update, m) for name, m in MODELS.items()}
    numbers = {name: list(range(1000, 1001 + ROUNDS)) for name in MODELS}
    for model in MODELS.values():
        for number in range(1000, 1001 + ROUNDS):
            made(model, MANY, count=number)
    deletes: dict[str, Callable[[], object]] = {
        name: partial(delete_many, m, numbers[name]) for name, m in MODELS.items()
    }
    yield f"QuerySet.delete of {MANY:,}", deletes


def main() -> None:
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("gridkit_audit_triggers", "install", verbosity=0)
    Owner.objects.get_or_create(pk=1, defaults={"name": "Ada"})
    clock = Clock()
    conditions = {"database": server_version(), "figure": "CPU of client and backend", "machine": machine()}
    for title, variants in turns():
        measured = compare(variants, rounds=ROUNDS, clock=clock)
        sys.stdout.write(f"{table(title, measured, conditions=conditions)}\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
