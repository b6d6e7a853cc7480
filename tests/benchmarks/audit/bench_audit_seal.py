"""What proving the audit trail costs: writers beside a sealer, finding the next batch, and verifying a whole trail."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from gridkit_django.audit import Target, record, verifier
from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.mac import mac_of
from gridkit_django.audit.sealing import Sealer
from gridkit_django.audit.signing import Ed25519Signer, TrustedKeys, public_text
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.models import AuditOperation, AuditRecord
from tests.benchmarks.database import analyze, server_version
from tests.benchmarks.harness import compare, table
from tests.servers.processes import scratch_folder

WRITERS = 8
ACTS = 100
OTHER_WORK = 0.005
PAUSE = 1.0
TRAIL = 100_000
FEW = 10
CHANGES = {"price": ["1.10", "2.20"], "name": ["Hammer", "Zange"]}


class Site:
    """Writers and a sealer, each a process of its own, that work when they are told to.

    Args:
        signer: signs the seals.

    Attributes:
        seconds: how long the writers have worked; what is done between does not count.
        written: processor seconds of the writers while the sealer worked, their part of the database included.
        sealed: those of the sealer.
    """

    def __init__(self, signer: Ed25519Signer) -> None:
        self.seconds = self.written = self.sealed = 0.0
        self._signer = signer
        connections.close_all()
        self._writers = [self._start(write) for _ in range(WRITERS)]
        self._sealer = self._start(lambda door: seal(door, signer))

    def _start(self, work: Callable[[Connection], None]) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        multiprocessing.get_context("fork").Process(target=work, args=(theirs,), daemon=True).start()
        return ours

    def write(self) -> None:
        """Let all writers do their acts while nobody seals."""
        self._write()
        sealing(self._signer).run(600)

    def _write(self) -> float:
        started = time.perf_counter()
        for door in self._writers:
            door.send("go")
        used: list[float] = [door.recv() for door in self._writers]
        self.seconds += time.perf_counter() - started
        return sum(used)

    def write_and_seal(self) -> None:
        """Let all writers do their acts while the sealer works."""
        self._sealer.send("go")
        self._sealer.recv()
        self.written += self._write()
        self._sealer.send("rest")
        self.sealed += self._sealer.recv()


def write(door: Connection) -> None:
    """Do some acts at each word: other work and one record in a transaction."""
    while door.recv():
        before = processor_time()
        for number in range(ACTS):
            with acting(Actor.system("bench"), EventSource.API, metadata={"ip": "192.0.2.1"}), transaction.atomic():
                time.sleep(OTHER_WORK)
                record("row.update", target=Target("shop.product", str(number)), changes=CHANGES)
        door.send(processor_time() - before)


def seal(door: Connection, signer: Ed25519Signer) -> None:
    """Seal with a pause between, from one word to the next."""
    while door.recv():
        before = processor_time()
        door.send("begun")
        while not door.poll(PAUSE):
            sealing(signer).run()
        sealing(signer).run()
        door.recv()
        door.send(processor_time() - before)


def processor_time() -> float:
    """Return the processor seconds of this process and of its part of the database server (Linux)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        fields = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sealing(signer: Ed25519Signer) -> Sealer:
    """Return the sealer of the benchmark's database."""
    return Sealer(DEFAULT_DB_ALIAS, signer=signer, trusted=TrustedKeys([signer.public_key]))


def fill(count: int) -> None:
    """Store records with their MACs, a hundred to an act."""
    for _ in range(count // 1000):
        operations = [AuditOperation(id=uuid4(), source="api", facts={"ip": "192.0.2.1"}) for _ in range(10)]
        records = [
            AuditRecord(
                operation=operations[number % 10],
                action="row.update",
                actor_kind="user",
                actor_id="7",
                actor_label="Ada",
                target_type="shop.product",
                target_id=str(number),
                changes=CHANGES,
            )
            for number in range(1000)
        ]
        for item in records:
            item.mac = mac_of(item)
        AuditOperation.objects.bulk_create(operations)
        AuditRecord.objects.bulk_create(records)


@dataclass(frozen=True, slots=True)
class Spent:
    """What some work took in a process of its own.

    Attributes:
        wall: seconds.
        processor: seconds of its own processor time.
        memory: megabytes at most.
        is_good: what it answered.
    """

    wall: float
    processor: float
    memory: float
    is_good: bool

    @classmethod
    def by(cls, process: int, started: float) -> Spent:
        """Await the end of a process and say what it took."""
        _, status, used = os.wait4(process, 0)
        wall = time.perf_counter() - started
        return cls(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, status == 0)


def spent(work: Callable[[], object]) -> Spent:
    """Run something in a process of its own; it answers whether all is good."""
    connections.close_all()
    started = time.perf_counter()
    process = os.fork()
    if not process:
        os._exit(0 if work() else 1)
    return Spent.by(process, started)


def run() -> Iterator[str]:
    """Measure writers beside the sealer, then a trail of 100,000 records."""
    signer = Ed25519Signer(Ed25519PrivateKey.generate())
    yield _writers(signer)
    yield _search(signer)
    yield _trail(signer)


def _writers(signer: Ed25519Signer) -> str:
    site = Site(signer)
    found = compare(
        {"8 writers, nobody seals": site.write, "8 writers beside a sealer": site.write_and_seal},
        rounds=10,
        clock=lambda: site.seconds,
    )
    conditions = {
        "writers": f"{WRITERS} processes, {ACTS} transactions each with {OTHER_WORK * 1e3:.0f} ms of other work",
        "sealer": f"a process of its own, {PAUSE} s between its runs",
        "processor time of the sealer, as a share of the writers'": f"{site.sealed / site.written:.1%}",
        "database": server_version(),
    }
    return table("Writing records while they are sealed", found, conditions=conditions)


def _search(signer: Ed25519Signer) -> str:
    """Compare sealing a few records of a short trail with a few behind a long one."""

    def few() -> None:
        with transaction.atomic():
            for number in range(FEW):
                record("row.update", target=Target("shop.product", str(number)), changes=CHANGES)
        sealing(signer).run()

    short = compare({"behind few records": few}, rounds=8)
    fill(TRAIL)
    sealing(signer).run(600)
    analyze()
    count = AuditRecord.objects.count()
    behind = compare({f"behind {count:,} records": few}, rounds=8)
    found = [*short, *behind]
    return table(f"Write and seal {FEW} records", found, conditions={"database": server_version()})


def _trail(signer: Ed25519Signer) -> str:
    count = AuditRecord.objects.count()
    trusted = TrustedKeys([signer.public_key])
    verified = spent(lambda: DatabaseVerifier(DEFAULT_DB_ALIAS, trusted=trusted).run().is_good)
    with scratch_folder("trail") as folder:
        file = folder / "trail.ndjson"
        exported = spent(lambda: file.open("wb").writelines(EvidenceWriter(DEFAULT_DB_ALIAS).lines()) is None)
        command = [sys.executable, "-I", str(verifier.__file__), str(file), "--key", public_text(signer.public_key)]
        started = time.perf_counter()
        read = Spent.by(os.posix_spawn(sys.executable, command, os.environ), started)
        size = file.stat().st_size / 1e6
    rows = {
        "verified in the database": verified,
        "exported": exported,
        "verified from the export by the lone script": read,
    }
    title = f"A trail of {count:,} records"
    head = f"{'':<44}{'wall':>9}{'processor':>12}{'memory':>10}{'good':>7}"
    lines = [
        f"{name:<44}{one.wall:>7.1f} s{one.processor:>10.1f} s{one.memory:>7.0f} MB{one.is_good!s:>7}"
        for name, one in rows.items()
    ]
    return "\n".join([title, "-" * len(title), head, *lines, f"  export: {size:.0f} MB", f"  {server_version()}"])
