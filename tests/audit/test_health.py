"""How the trail is: the backlog without a seal, destinations, gaps, verifications; and who tells of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from gridkit_django.audit import health as health_module
from gridkit_django.audit import record
from gridkit_django.audit.delivery import declare_destination, pause
from gridkit_django.audit.health import gap_count, sealed_lately, trail_health, unsealed_since
from gridkit_django.audit.privacy import Subject, reach_of
from gridkit_django.audit.sealing import Sealer, seal_all
from gridkit_django.audit.targets import Target
from gridkit_django.audit.verify import (
    DatabaseVerifier,
    noted,
    request_verification,
    run_verification,
    verify_seals_of,
)
from gridkit_django.audit.verify.noted import LOST_AFTER
from gridkit_django.checks import check_sealing
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditChainError
from gridkit_django.models import AuditRecord, AuditSeal, AuditSubjectKey, AuditVerification, VerificationState
from gridkit_django.tasks import audit as tasks
from tests.audit.chains import run_sql, write

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_trail_without_a_record_is_well() -> None:
    found = trail_health("default")
    assert (found.unsealed, found.oldest, found.seals, found.gaps, found.verified) == (0, None, 0, 0, None)
    assert (found.is_late, found.partition_faults) == (False, ())
    assert sum(span.records for span in sealed_lately("default", found.now)) == 0


def test_backlog_without_a_seal_is_counted_up_to_a_number_and_dated(monkeypatch: pytest.MonkeyPatch) -> None:
    write(2)
    Sealer("default").run()
    old = timezone.now() - timedelta(hours=1)
    record("row.update", target=Target("shop.product", "1"))
    AuditRecord(
        action="row.update", target_type="shop.product", target_id="2", operation=_operation(), occurred_at=old
    ).save()
    found = trail_health("default")
    assert (found.unsealed, found.has_more, found.seals, found.sealed) == (2, False, 1, 2)
    assert found.oldest == AuditRecord.objects.order_by("pk")[2].occurred_at
    monkeypatch.setattr(health_module, "_unsealed", lambda alias, low, most=0: (1, old))
    assert trail_health("default").is_late
    assert trail_health("default").oldest_age >= timedelta(hours=1)


def _operation() -> Any:
    found = AuditRecord.objects.order_by("pk").first()
    assert found is not None
    return found.operation


def test_backlog_over_the_number_says_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    write(3)
    monkeypatch.setattr(health_module, "COUNTED_MAX", 2)
    monkeypatch.setattr(health_module._unsealed, "__defaults__", (2,))
    found = trail_health("default")
    assert (found.unsealed, found.has_more) == (2, True)


def test_sealed_lately_counts_by_stretch_up_to_now() -> None:
    write(3)
    seal_all()
    spans = sealed_lately("default", timezone.now())
    assert (len(spans), spans[-1].records, sum(span.records for span in spans)) == (48, 3, 3)


def test_gaps_are_found_by_their_actor() -> None:
    with acting(Actor.system("audit"), EventSource.SYSTEM):
        record("audit.gap", target=Target("shop.product", ""))
    record("audit.gap", target=Target("shop.product", ""))
    assert gap_count("default") == 1


def test_destinations_are_told_with_what_they_lack(tmp_path: Any) -> None:
    row = declare_destination("disk", f"file://{tmp_path}/trail.ndjson")
    pause(row)
    seal_all()
    (told,) = trail_health("default").backlogs
    assert (told.name, told.state, told.records) == ("disk", "paused", 2)


def test_check_tells_of_records_that_wait_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    write(1)
    assert check_sealing(databases=["default"]) == []
    assert unsealed_since("default") is not None
    monkeypatch.setattr("gridkit_django.checks.audit.unsealed_since", lambda alias: timezone.now() - timedelta(days=1))
    (told,) = check_sealing(databases=["default"])
    assert told.id == "gridkit.W203"
    assert check_sealing() == []

    def unreachable() -> list[str]:
        raise OperationalError("no database")

    monkeypatch.setattr("gridkit_django.checks.audit.sealed_aliases", unreachable)
    assert check_sealing(databases=["default"]) == []


def test_verification_notes_its_progress_and_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    write(6)
    Sealer("default", limit=2).run()
    monkeypatch.setattr(noted, "_TELL_SECONDS", 0.0)
    seen: list[int] = []
    real = noted._tell

    def tell(row: AuditVerification, **told: Any) -> None:
        real(row, **told)
        seen.append(AuditVerification.objects.get(pk=row.pk).seals)

    monkeypatch.setattr(noted, "_tell", tell)
    row = request_verification("default")
    assert request_verification("default").pk == row.pk
    found = run_verification(row)
    assert found is not None
    row.refresh_from_db()
    assert (row.state, row.seals, row.seals_total, row.records, row.fault_count) == ("good", 3, 3, 6, 0)
    assert seen == [0, 1, 2, 3, 3]
    told = AuditRecord.objects.get(action="audit.verify")
    assert told.evidence == {
        "verification": row.pk,
        "seals": 3,
        "records": 6,
        "unsealed": 0,
        "fault_count": 0,
        "lastSeal": 3,
    }
    assert trail_health("default").verified == row


def test_verification_of_a_broken_trail_names_what_is_wrong() -> None:
    write(2)
    Sealer("default").run()
    run_sql("UPDATE gridkit_django_auditseal SET total = 7")
    row = request_verification("default")
    run_verification(row)
    row.refresh_from_db()
    assert (row.state, row.fault_count > 0, row.faults[0]["kind"]) == ("faulty", True, "changed")


def test_verification_that_can_not_be_finished_says_why() -> None:
    row = request_verification("default")
    assert run_verification(row, DatabaseVerifier("default", first=5)) is None
    row.refresh_from_db()
    assert row.state == VerificationState.FAILED
    assert AuditChainError.__name__ in row.error
    assert trail_health("default").verified is None


def test_verification_whose_process_died_makes_way_for_the_next() -> None:
    lost = AuditVerification.objects.create(
        state=VerificationState.RUNNING,
        requested_at=timezone.now() - 2 * LOST_AFTER,
        seen_at=timezone.now() - 2 * LOST_AFTER,
    )
    alive = AuditVerification.objects.create(
        state=VerificationState.RUNNING, requested_at=timezone.now() - 2 * LOST_AFTER, seen_at=timezone.now()
    )
    assert request_verification("default").pk == alive.pk
    lost.refresh_from_db()
    assert lost.state == VerificationState.FAILED


def test_task_carries_out_what_was_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    row = request_verification("default")
    tasks.verify_audit(row.pk)
    tasks.verify_audit(row.pk)
    tasks.verify_audit(-1)
    assert AuditRecord.objects.filter(action="audit.verify").count() == 1
    tasks.verify_audit()
    assert AuditRecord.objects.filter(action="audit.verify").count() == 2

    def unreachable(*_args: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks, "send", unreachable)
    late = request_verification("default")
    tasks.enqueue_verification(late)
    late.refresh_from_db()
    assert (late.state, "ConnectionError" in late.error) == (VerificationState.FAILED, True)


def test_command_notes_its_verification_unless_told_not_to() -> None:
    call_command("gridkit_audit_verify", "--no-note")
    assert not AuditVerification.objects.exists()
    call_command("gridkit_audit_verify")
    assert AuditVerification.objects.get().state == VerificationState.GOOD
    assert AuditRecord.objects.filter(action="audit.verify").count() == 1
    with pytest.raises(CommandError, match="no seal 8"):
        call_command("gridkit_audit_verify", "--from-seal", "9")
    assert AuditSeal.objects.count() == 0


def test_seals_of_single_records_are_verified_and_the_others_left_alone() -> None:
    write(6)
    Sealer("default", limit=2).run()
    ids = sorted(AuditRecord.objects.values_list("pk", flat=True))
    found = verify_seals_of([ids[5], ids[4], ids[2], ids[5] + 100], "default", seconds=30)
    assert (found.seals, found.records, found.fault_count) == (2, 4, 0)
    assert verify_seals_of(ids, "default", seconds=0).seals == 1
    run_sql("UPDATE gridkit_django_auditseal SET total = 9 WHERE number = 2")
    assert verify_seals_of([ids[2]], "default", seconds=30).fault_count > 0
    assert verify_seals_of([ids[0]], "default", seconds=30).fault_count == 0
    run_sql("DELETE FROM gridkit_django_auditseal WHERE number = 1")
    assert verify_seals_of([ids[2]], "default", seconds=30).fault_count > 0


def test_key_without_a_record_reaches_nothing() -> None:
    subject = Subject("shop.product", "1")
    AuditSubjectKey.objects.create(subject=subject.names()[0], wrapped=b"x")
    found = reach_of(subject)
    assert (found.records, found.first, len(found.open_keys)) == (0, None, 1)
