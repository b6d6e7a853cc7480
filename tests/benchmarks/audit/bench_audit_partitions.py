"""The record table in one piece and in partitions: writing to it, reading from it, and removing 100,000 records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.test import override_settings
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.audit.partitions import Conversion, Reversal, is_partitioned, make_ahead, partitions_of
from gridkit_django.audit.partitions.catalog import TABLE, ask
from gridkit_django.audit.retention import purge
from gridkit_django.audit.sealing import Sealer
from gridkit_django.audit.trail import AuditTrail
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.models import AuditRecord
from tests.benchmarks.audit.bench_audit_seal import CHANGES, fill, processor_time
from tests.benchmarks.database import analyze, server_version
from tests.benchmarks.harness import Variant, compare, table

PLAIN, DIVIDED = "public", "divided"
PARTITIONS = 24
SIZE = 5_000
REMOVED = 100_000
ACTS = 500
PAGE = 50
LOOKS = 100


def at(schema: str) -> None:
    """Use the tables of one schema: there is a whole site in each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', %s, false)", [schema])


@contextmanager
def partitions_for(records: int) -> Iterator[None]:
    """Let partitions be for a number of ids, and records be over after a year."""
    own = {"AUDIT_PARTITION_RECORDS": records, "AUDIT_RETENTION": {"*": "1y"}}
    with override_settings(GRIDKIT={**settings.GRIDKIT, **own}):
        yield


def run() -> Iterator[str]:
    """Measure writes and reads with two years of partitions, then purges."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {DIVIDED}")
    at(DIVIDED)
    call_command("migrate", verbosity=0)
    with partitions_for(SIZE):
        Conversion(DEFAULT_DB_ALIAS).run()
        for _ in range(PARTITIONS):
            fill(SIZE)
            make_ahead(DEFAULT_DB_ALIAS)
        at(PLAIN)
        fill(PARTITIONS * SIZE)
        analyze()
        yield _writes()
        yield from _reads()
    yield _purges()


def _both(work: Callable[[], object]) -> dict[str, Variant]:
    def within(schema: str) -> Variant:
        def variant() -> None:
            at(schema)
            work()

        return variant

    return {"in one piece": within(PLAIN), "in partitions": within(DIVIDED)}


def _conditions() -> dict[str, object]:
    at(DIVIDED)
    count = len(partitions_of(connection))
    return {"records": f"{PARTITIONS * SIZE:,}", "partitions": count, "database": server_version()}


def _writes() -> str:
    def write() -> None:
        for number in range(ACTS):
            with acting(Actor.system("bench"), EventSource.API), transaction.atomic():
                record("row.update", target=Target("shop.product", str(number)), changes=CHANGES)

    found = compare(_both(write), rounds=9, clock=processor_time)
    return table(f"{ACTS} acts, a record each (processor time)", found, conditions=_conditions())


def _reads() -> Iterator[str]:
    def newest() -> None:
        for _ in range(LOOKS):
            list(AuditRecord.objects.all()[:PAGE])

    def history() -> None:
        for number in range(LOOKS):
            list(AuditTrail().history_of(Target("shop.product", str(number)))[:PAGE])

    for name, work in (("the newest page of the trail", newest), ("the history of an object", history)):
        found = compare(_both(work), rounds=9)
        yield table(f"{LOOKS} times {name}, {PAGE} records", found, conditions=_conditions())


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge took: seconds, of the processor those of the database included, and megabytes before and after."""

    wall: float
    processor: float
    before: float
    after: float


def _purges() -> str:
    rows = {
        "row by row, a hundred records to an act": _purge(PLAIN, lambda: fill(REMOVED)),
        "as a partition, a hundred records to an act": _purge(DIVIDED, lambda: fill(REMOVED)),
        "row by row, a record to an act": _purge(PLAIN, _acts),
        "as a partition, a record to an act": _purge(DIVIDED, _acts),
    }
    title = f"Removing {REMOVED:,} records, without an archive"
    head = f"{'':<48}{'wall':>9}{'processor':>12}{'before':>11}{'after':>10}"
    lines = [
        f"{name:<48}{one.wall:>7.1f} s{one.processor:>10.1f} s{one.before:>8.0f} MB{one.after:>7.0f} MB"
        for name, one in rows.items()
    ]
    return "\n".join([title, "-" * len(title), head, *lines, f"  {server_version()}"])


def _acts() -> None:
    """Store as many records, each with an operation of its own, by copying one of each."""
    with connection.cursor() as cursor, transaction.atomic():
        fill(1000)
        cursor.execute(
            "WITH act AS (INSERT INTO gridkit_django_auditoperation SELECT gen_random_uuid(), source, correlation_id, "
            "impersonator_id, impersonator_label, reason, facts, occurred_at FROM (SELECT * FROM "
            "gridkit_django_auditoperation LIMIT 1) o, generate_series(1, %s) RETURNING id) "
            f"INSERT INTO {TABLE} (uuid, operation_id, action, actor_kind, actor_id, actor_label, target_type, "
            "target_id, target_label, grid, changes, schema_version, occurred_at) SELECT gen_random_uuid(), act.id, "
            "action, actor_kind, actor_id, actor_label, target_type, target_id, target_label, grid, changes, "
            f"schema_version, occurred_at FROM act, (SELECT * FROM {TABLE} ORDER BY id DESC LIMIT 1) r",
            [REMOVED - 1000],
        )


def _purge(schema: str, write: Callable[[], object]) -> Purged:
    """Empty the trail, write, seal, and measure the purge of all of it."""
    at(schema)
    call_command("flush", interactive=False, verbosity=0)
    with partitions_for(REMOVED):
        if schema == DIVIDED:
            # What was there before makes way for one partition that the records fill.
            if is_partitioned(connection):
                Reversal(DEFAULT_DB_ALIAS).run()
            Conversion(DEFAULT_DB_ALIAS).run()
        write()
        Sealer(DEFAULT_DB_ALIAS).run(600)
        analyze()
        before = _megabytes()
        started, used = time.perf_counter(), processor_time()
        done = purge(now=timezone.now() + timedelta(days=400))
        spent = Purged(time.perf_counter() - started, processor_time() - used, before, _megabytes())
        if done.removed < REMOVED or (schema == DIVIDED) is not bool(done.partitions):
            raise RuntimeError(f"The purge did something else than what is measured: {done}")
        return spent


def _megabytes() -> float:
    """Return what records take on the disk, after autovacuum has had its turn."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    names = [part.name for part in partitions_of(connection)] or [TABLE]
    return sum(int(ask(connection, "SELECT pg_total_relation_size(%s::regclass)", name)[0][0]) for name in names) / 1e6
