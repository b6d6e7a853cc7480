"""Audit records are written once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from gridkit_django.exceptions import AppendOnlyError
from gridkit_django.models import AuditOperation, AuditRecord

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def new_record(**values: object) -> AuditRecord:
    plain = {"action": "row.update", "actor_kind": "user", "actor_label": "ada", "target_type": "t", "target_id": "1"}
    return AuditRecord(operation=AuditOperation.objects.create(source="orm"), **{**plain, **values})


@pytest.fixture
def written() -> AuditRecord:
    record = new_record()
    record.save()
    return record


def assert_untouched(record: AuditRecord) -> None:
    assert AuditRecord.objects.get().action == record.action == "row.update"


def test_stored_record_can_not_be_saved_again(written: AuditRecord) -> None:
    again = AuditRecord.objects.get(pk=written.pk)
    again.action = "row.delete"
    with pytest.raises(AppendOnlyError, match="written once"):
        again.save()
    with pytest.raises(AppendOnlyError):
        again.save(update_fields=["action"])
    assert_untouched(written)


@pytest.mark.django_db(transaction=True)
def test_new_object_with_a_known_key_does_not_overwrite_the_record(written: AuditRecord) -> None:
    with pytest.raises(IntegrityError):
        new_record(pk=written.pk, action="row.delete").save()
    assert_untouched(written)


def test_instance_can_not_be_deleted(written: AuditRecord) -> None:
    with pytest.raises(AppendOnlyError):
        written.delete()
    assert_untouched(written)


def test_queryset_refuses_update_delete_and_bulk_update(written: AuditRecord) -> None:
    with pytest.raises(AppendOnlyError):
        AuditRecord.objects.update(action="row.delete")
    with pytest.raises(AppendOnlyError):
        AuditRecord.objects.filter(pk=written.pk).delete()
    written.action = "row.delete"
    with pytest.raises(AppendOnlyError), transaction.atomic():
        AuditRecord.objects.bulk_update([written], ["action"])
    written.action = "row.update"
    assert_untouched(written)


def test_bulk_create_appends_but_never_updates_on_conflict(written: AuditRecord) -> None:
    AuditRecord.objects.bulk_create([new_record(target_id="2"), new_record(target_id="3")])
    assert AuditRecord.objects.count() == 3
    clash = new_record(uuid=written.uuid, action="row.delete")
    with pytest.raises(AppendOnlyError):
        AuditRecord.objects.bulk_create(
            [clash], update_conflicts=True, update_fields=["action"], unique_fields=["uuid"]
        )
    assert AuditRecord.objects.get(pk=written.pk).action == "row.update"


def test_text_says_who_did_what_to_what() -> None:
    assert str(new_record()) == "ada row.update 1"
    assert str(new_record(target_label="Hammer")) == "ada row.update Hammer"
