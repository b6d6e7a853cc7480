"""The turns of ``bench_audit_lone``, in a process of their own: the app of the tables is none of the example's."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - the apps come first
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.db.models.deletion import Collector  # noqa: E402
from django.db.models.sql.compiler import SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from gridkit_django.events import Actor, ActorKind, EventSource, acting  # noqa: E402
from tests.benchmarks.audit.clock import Clock, driver  # noqa: E402
from tests.benchmarks.audit.ledger.models import (  # noqa: E402
    HAS_COPIES,
    HAS_HISTORY,
    HAS_LOG,
    Captured,
    History,
    Kept,
    Logged,
    Owner,
    Plain,
    Strict,
)
from tests.benchmarks.database import server_version  # noqa: E402
from tests.benchmarks.harness import Variant, compare, machine, table  # noqa: E402

IN_A_TURN = int(os.environ.get("GRIDKIT_BENCH_WRITES", "40"))
ROUNDS = int(os.environ.get("GRIDKIT_BENCH_ROUNDS", "25"))
FACTS = {"ip": "10.0.0.1", "requestId": "0123456789abcdef", "userAgent": "Benchmark/1.0"}
ADA = Actor(ActorKind.USER, "7", "ada@example.org")

DOORS: Mapping[tuple[Any, str], Any] = {
    place: getattr(*place)
    for place in (
        (SQLInsertCompiler, "execute_sql"),
        (SQLUpdateCompiler, "execute_sql"),
        (SQLDeleteCompiler, "execute_sql"),
        (Collector, "delete"),
    )
}


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Take the doors of capture out of Django, and the wrappers of strict mode off the connection."""
    wrappers = connection.execute_wrappers[:]
    for (owner, name), door in DOORS.items():
        setattr(owner, name, door.__wrapped__)
    connection.execute_wrappers.clear()
    try:
        yield
    finally:
        connection.execute_wrappers.extend(wrappers)
        for (owner, name), door in DOORS.items():
            setattr(owner, name, door)


@contextlib.contextmanager
def request(model: type[models.Model], user: Any) -> Iterator[None]:
    """Act as a request does: an actor, facts of the request, one transaction. Each peer has a context of its own."""
    with contextlib.ExitStack() as stack:
        if model in (Captured, Strict):
            stack.enter_context(acting(ADA, EventSource.API, metadata=FACTS))
        elif model is History:
            stack.enter_context(sys.modules["pghistory"].context(user=7, url="/orders/7/", **FACTS))
        elif model is Logged:
            stack.enter_context(sys.modules["auditlog.context"].set_actor(user, remote_addr=FACTS["ip"]))
        elif model is Kept:
            sys.modules["simple_history.models"].HistoricalRecords.context.request = SimpleNamespace(user=user)
        stack.enter_context(transaction.atomic())
        yield


class Variants:
    """All ways of following a table, and the writes that are measured.

    Attributes:
        models: what each is called, to its model.
    """

    def __init__(self) -> None:
        self.user = get_user_model().objects.create_user("lone-bench")
        self.models: dict[str, type[models.Model]] = {
            "Django without GridKit": Plain,
            "a model that nobody follows": Plain,
            "captured at the ORM": Captured,
        }
        if connection.vendor == "postgresql":
            self.models["strict mode"] = Strict
        peers: tuple[tuple[str, bool, type[models.Model]], ...] = (
            ("django-auditlog", HAS_LOG, Logged),
            ("django-simple-history", HAS_COPIES, Kept),
            ("django-pghistory, statement triggers", HAS_HISTORY, History),
        )
        self.models |= {name: model for name, is_there, model in peers if is_there}

    def of(self, act: Callable[..., None], *arguments: Callable[[type[models.Model]], Any]) -> dict[str, Variant]:
        """Return an act on each model; ``arguments`` make for a model what the act needs."""
        return {
            name: partial(self._run, name, partial(act, self, model, *(make(model) for make in arguments)))
            for name, model in self.models.items()
        }

    def _run(self, name: str, act: Callable[[], None]) -> None:
        with untouched() if name == "Django without GridKit" else contextlib.nullcontext():
            act()

    def create(self, model: type[models.Model], in_request: int) -> None:
        """Create rows."""
        for start in range(0, IN_A_TURN, in_request):
            with request(model, self.user):
                for number in range(start, start + in_request):
                    entry(model, number).save()

    def save(self, model: type[models.Model], rows: list[Any], in_request: int) -> None:
        """Change two fields of each row and save it."""
        for start in range(0, IN_A_TURN, in_request):
            with request(model, self.user):
                for row in rows[start : start + in_request]:
                    row.count += 1
                    row.price += 1
                    row.save()

    def delete(self, model: type[models.Model], pools: list[list[Any]], in_request: int) -> None:
        """Delete rows of the last pool."""
        rows = pools.pop()
        for start in range(0, IN_A_TURN, in_request):
            with request(model, self.user):
                for row in rows[start : start + in_request]:
                    row.delete()

    def turns(self) -> Iterator[tuple[str, dict[str, Variant]]]:
        """Yield each comparison: title and variants."""
        for count in (1, 20):
            told = f"{count} in a request"
            yield f"create, {told}", self.of(Variants.create, lambda _model, count=count: count)
            yield (
                f"save of two changed fields, {told}",
                self.of(Variants.save, lambda model: made(model, IN_A_TURN), lambda _model, count=count: count),
            )
            yield (
                f"delete, {told}",
                self.of(
                    Variants.delete,
                    lambda model: [made(model, IN_A_TURN) for _ in range(ROUNDS + 1)],
                    lambda _model, count=count: count,
                ),
            )


def entry(model: type[models.Model], number: int) -> Any:
    """Return a new row."""
    return model(title=f"Entry {number}", code=f"E{number}", owner_id=1)


def made(model: type[models.Model], size: int) -> list[Any]:
    """Return new rows, written in one go."""
    return list(model._default_manager.bulk_create([entry(model, number) for number in range(size)]))


def statements(variants: Variants) -> str:
    """Count the statements of a request with one write, its transaction left out."""
    lines = ["Statements of a request with one write", "-" * 38]
    for name, model in variants.models.items():
        row = made(model, 1)[0]
        counts = []
        for act in (entry(model, 1).save, lambda row=row: (setattr(row, "count", 5), row.save()), row.delete):
            with CaptureQueriesContext(connection) as caught, request(model, variants.user):
                act()
            told = [query["sql"] for query in caught if query["sql"] not in ("BEGIN", "COMMIT", "BEGIN IMMEDIATE")]
            counts.append(len(told))
        lines.append(f"{name:<44}create {counts[0]}, save {counts[1]}, delete {counts[2]}")
    return "\n".join(lines)


TRAILS: Mapping[type[models.Model], tuple[str, ...]] = {
    Captured: ("gridkit_django_auditrecord", "gridkit_django_auditoperation"),
    Strict: ("gridkit_django_auditrecord", "gridkit_django_auditoperation"),
    Logged: ("auditlog_logentry",),
    Kept: ("ledger_historicalkept",),
    History: ("ledger_historyevent", "pghistory_context"),
}


def sizes(variants: Variants, writes: int = 100 * IN_A_TURN) -> str:
    """Tell how many bytes of tables and indexes an update of two fields leaves (PostgreSQL)."""
    lines = ["Bytes of an update of two fields, tables and indexes", "-" * 52]
    for name, model in variants.models.items():
        if model is Plain:
            continue
        rows = made(model, IN_A_TURN)
        for told, in_request in (("1 in a request", 1), ("20 in a request", 20)):
            before = [disk(trail) for trail in TRAILS[model]]
            for _ in range(writes // IN_A_TURN):
                variants.save(model, rows, in_request)
            grown = [(disk(trail) - size) / writes for trail, size in zip(TRAILS[model], before, strict=True)]
            lines.append(f"{name:<40}{told:<18}{' + '.join(f'{size:.0f}' for size in grown)}")
    return "\n".join(lines)


def disk(name: str) -> int:
    """Return the bytes of a table with its indexes and partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(pg_total_relation_size(relid)), pg_total_relation_size(%s::regclass)) "
            "FROM pg_partition_tree(%s::regclass)",
            [name, name],
        )
        return int(cursor.fetchone()[0])


def server() -> str:
    """Return what the database is, for the conditions of a table."""
    if connection.vendor == "postgresql":
        return server_version()
    return f"{connection.vendor} {'.'.join(map(str, connection.get_database_version()))}"


def main() -> None:
    """Print the tables."""
    for peer in ("auditlog.context", "simple_history.models", "pghistory"):
        if peer.partition(".")[0] in settings.INSTALLED_APPS:
            importlib.import_module(peer)
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    if connection.vendor == "postgresql":
        call_command("gridkit_audit_triggers", "install", verbosity=0)
    Owner.objects.get_or_create(pk=1, defaults={"name": "Ada"})
    connection.ensure_connection()
    variants, clock = Variants(), Clock()
    conditions = {
        "figure": "processor time of client and database backend",
        "database": f"{server()}, {driver()}",
        "machine": machine(),
        "not installed": ", ".join(settings.MISSING) or "nothing",
    }
    for title, acts in variants.turns():
        if len(sys.argv) > 1 and not any(word in title for word in sys.argv[1:]):
            continue
        measured = compare(acts, rounds=ROUNDS, clock=clock)
        told = f"{connection.vendor}: {title}, {IN_A_TURN} rows a turn"
        sys.stdout.write(f"{table(told, measured, conditions=conditions)}\n\n")
        sys.stdout.flush()
    sys.stdout.write(f"{statements(variants)}\n\n")
    if connection.vendor == "postgresql":
        sys.stdout.write(f"{sizes(variants)}\n\n")


if __name__ == "__main__":
    main()
