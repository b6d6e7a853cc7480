"""Sealing while others write: what commits late, rolls back or comes from several writers is in one seal each."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

from gridkit_django.audit.evidence import EvidenceWriter, one_moment
from gridkit_django.audit.receipts import make_receipt
from gridkit_django.audit.sealing import settled
from gridkit_django.audit.searching import AuditSearch
from gridkit_django.audit.verifier import FileVerifier
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.exceptions import AuditError
from gridkit_django.grids.audit_export import export_trail
from gridkit_django.grids.audit_reading import AuditReader
from gridkit_django.models import AuditRecord, AuditSeal
from tests.audit.chains import key, run_sql, sealed_ids, sealer, trusting, write

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

WRITERS = 8
ACTS = 40


@contextmanager
def open_transaction(work: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Do some work in another connection and leave its transaction open until the test ends it."""
    worked, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                worked.set()
                may_end.wait(30)
        finally:
            connections.close_all()
            ended.set()

    def end() -> None:
        may_end.set()
        assert ended.wait(30)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert worked.wait(30)
        yield end
    finally:
        may_end.set()
        thread.join(30)


def test_record_that_commits_after_later_ones_were_sealed_is_not_missed() -> None:
    signer, early = key(), []
    with open_transaction(lambda: early.extend(write(1))) as end:
        late = write(3)
        assert sealer(signer).run().records == 3
        first = AuditSeal.objects.get()
        assert first.low < early[0].pk < late[0].pk, "the seal must not claim what may still come"
        end()
        assert sealer(signer).run().records == 1
    assert sorted(sealed_ids()) == [early[0].pk, *(item.pk for item in late)]
    assert AuditSeal.objects.get(number=2).low == late[-1].pk


def test_mark_follows_when_writers_overlap_without_a_pause() -> None:
    signer = key()
    with open_transaction(lambda: write(1)) as end_first:
        write(1)
        sealer(signer).run()
        with open_transaction(lambda: write(1)) as end_second:
            end_first()
            newest = write(1)[0].pk
            assert sealer(signer).run().records == 2
            waiting = AuditSeal.objects.get(number=1).waiting
            assert AuditSeal.objects.get(number=2).low == waiting["up_to"] < newest
            end_second()


def test_prepared_transaction_that_has_another_name_after_a_restart_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer, early = key(), []
    with open_transaction(lambda: early.extend(write(1))) as end:
        write(1)
        sealer(signer).run()
        # A restart gives prepared transactions new names; ours is open still, under such a one.
        monkeypatch.setattr(settled, "_HOLDERS", "SELECT '-1/742' WHERE %s <> ''")
        write(1)
        sealer(signer).run()
        assert AuditSeal.objects.get(number=2).low < early[0].pk
        end()
    monkeypatch.undo()
    assert sealer(signer).run().records == 1


def test_ids_of_rolled_back_transactions_are_passed_over() -> None:
    signer = key()
    with transaction.atomic():
        write(2)
        transaction.set_rollback(True)
    made = write(1)
    sealer(signer).run()
    assert AuditSeal.objects.get().low == made[0].pk
    assert sealed_ids() == [made[0].pk]


def test_one_sealer_at_a_time_and_the_other_goes_home() -> None:
    write(1)
    hold = "SELECT pg_advisory_xact_lock(1735081331, hashtext(current_schema()))"
    with open_transaction(lambda: run_sql(hold)) as end:
        assert sealer(key()).run().seals == 0
        end()
    assert sealer(key()).run().seals == 1


def test_sequence_that_keeps_ids_back_is_refused() -> None:
    write(1)
    run_sql("ALTER SEQUENCE gridkit_django_auditrecord_id_seq CACHE 20")
    try:
        with pytest.raises(AuditError, match="CACHE 1"):
            sealer(key()).run()
    finally:
        run_sql("ALTER SEQUENCE gridkit_django_auditrecord_id_seq CACHE 1")


def test_export_is_of_one_moment_though_records_are_purged_meanwhile() -> None:
    signer, made = key(), write(6)
    sealer(signer).run()

    def purge() -> None:
        make_receipt("default", [(made[4].pk, made[4].pk)], signer=signer).save()
        run_sql("DELETE FROM gridkit_django_auditrecord WHERE id = %s", made[4].pk)

    with one_moment("default"):
        lines = EvidenceWriter("default").lines()
        told = [next(lines), next(lines), next(lines)]
        with open_transaction(purge) as end:
            end()
        told += lines
    report = FileVerifier([signer.public_key]).check(told)
    assert (report.faults, report.records, report.purged) == ([], 6, 0)
    assert DatabaseVerifier("default", trusted=trusting(signer)).run().purged == 1


def test_export_of_a_reader_is_of_one_moment_and_notes_its_end_afterwards(admin_user: User) -> None:
    signer, made = key(), write(6)
    sealer(signer).run()

    def purge() -> None:
        make_receipt("default", [(made[4].pk, made[4].pk)], signer=signer).save()
        run_sql("DELETE FROM gridkit_django_auditrecord WHERE id = %s", made[4].pk)

    lines = export_trail(AuditReader(admin_user), AuditSearch(), "evidence")
    told = [next(lines), next(lines), next(lines)]
    with open_transaction(purge) as end:
        end()
    told += lines
    report = FileVerifier([signer.public_key]).check(line.encode() for line in told)
    assert (report.faults, report.records, report.purged) == ([], 6, 0)
    noted = AuditRecord.objects.filter(action="audit.exported").get()
    assert noted.evidence == {"search": {}, "format": "evidence", "rows": 6, "complete": True}


def work(seed: int, faults: list[BaseException]) -> None:
    """Write, roll back and use savepoints at random."""
    draw = random.Random(seed)
    try:
        for _ in range(ACTS):
            with transaction.atomic():
                write(draw.randint(1, 3))
                with transaction.atomic():
                    write(1)
                    transaction.set_rollback(draw.random() < 0.3)
                write(1)
                transaction.set_rollback(draw.random() < 0.2)
    except BaseException as error:  # noqa: BLE001 - told by the test
        faults.append(error)
    finally:
        connections.close_all()


def test_eight_writers_and_two_sealers_leave_each_record_in_exactly_one_seal() -> None:
    signer, faults, stop = key(), [], threading.Event()

    def seal() -> None:
        try:
            while not stop.is_set():
                sealer(signer, limit=20).run()
        except BaseException as error:  # noqa: BLE001 - told by the test
            faults.append(error)
        finally:
            connections.close_all()

    sealers = [threading.Thread(target=seal) for _ in range(2)]
    writers = [threading.Thread(target=work, args=(seed, faults)) for seed in range(WRITERS)]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join(120)
    stop.set()
    for thread in sealers:
        thread.join(30)
    assert faults == []
    sealer(signer, limit=1000).run()
    assert sorted(sealed_ids()) == sorted(AuditRecord.objects.values_list("pk", flat=True))
    seals = list(AuditSeal.objects.order_by("number"))
    assert [seal.number for seal in seals] == list(range(1, len(seals) + 1))
    assert [bytes(seal.previous) for seal in seals[1:]] == [bytes(seal.digest) for seal in seals[:-1]]
    for seal in seals:
        below = AuditRecord.objects.filter(pk__lte=seal.low).values_list("pk", flat=True)
        spans = AuditSeal.objects.filter(number__lte=seal.number).values_list("spans", flat=True)
        covered = {number for runs in spans for first, last in runs for number in range(first, last + 1)}
        assert covered.issuperset(below), f"seal {seal.number} claims to be complete up to {seal.low}"
    assert DatabaseVerifier("default", trusted=trusting(signer)).run().is_good
