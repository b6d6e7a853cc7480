"""Encrypted values in strict mode: the triggers withhold them, and Django tells those of its own writes beside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import timezone

from gridkit_django.audit.capture.set_based import MANY
from gridkit_django.audit.mac import MacCheck, check_mac
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy import Revealer, Subject, erase_subject
from gridkit_django.audit.state import state_at
from gridkit_django.audit.triggers import Triggers
from gridkit_django.models import AuditRecord, AuditSubjectKey
from tests.museum.models import Artist, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

OWNER = "withheld"
NULL = {"$enc": None}


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


def follow(*others: AuditPolicy, **options: Any) -> None:
    strict = AuditPolicy(model_label="museum.work", strict=True, encrypt=frozenset({"title"}), **options)
    audit_policies().set(OWNER, [strict, *others])
    Triggers(connection, audit_policies().table).install()


def of(action: str) -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(action=action, target_type="museum.work").order_by("pk"))


def revealed() -> list[tuple[str, dict[str, Any]]]:
    """Return the values that Django told beside, in the clear, each with the change that they belong to."""
    found = of("row.values")
    opened = Revealer(User.objects.create_superuser(f"root {User.objects.count()}")).reveal(found)
    return [(str((item.evidence or {})["of"]), changes) for item, changes in zip(found, opened, strict=True)]


def test_values_of_the_writes_of_django_can_be_read_by_those_who_may() -> None:
    follow()
    work = Work.objects.create(title="Dawn", code="a")
    work.title = "Dusk"
    work.save()
    Work.objects.update(title=Concat(F("title"), Value("!")), count=2)
    Work.objects.filter(pk=work.pk).update(count=3)
    work.delete()
    assert [item.changes.get("title") for item in of("row.create")] == [[None, NULL]]
    assert [item.changes.get("title") for item in of("row.update")] == [[NULL, NULL], [NULL, NULL], None]
    assert revealed() == [
        ("row.create", {"title": [None, "Dawn"]}),
        ("row.update", {"title": ["Dawn", "Dusk"]}),
        ("row.update", {"title": ["Dusk", "Dusk!"]}),
        ("row.delete", {"title": ["Dusk!", None]}),
    ]
    assert {tuple(item.changes) for item in of("row.values")} == {("title",)}
    assert {check_mac(item) for item in of("row.values")} == {MacCheck.RIGHT}
    assert "Dawn" not in " ".join(str(item.changes) for item in AuditRecord.objects.all())


def test_nothing_in_the_database_makes_a_trigger_leave_a_record_out() -> None:
    follow()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO museum_artist (name, rank) VALUES ('x', 1)")
    Work.objects.bulk_create([Work(title=f"t{at}", code=f"c{at}") for at in range(MANY + 1)])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE museum_work SET title = 'raw'")
    assert (len(of("row.create")), len(of("row.values"))) == (MANY + 1, MANY + 1)
    assert [item.changes["title"] for item in of("row.update")] == [[NULL, NULL]] * (MANY + 1)


def test_many_rows_of_which_only_other_fields_change_are_told_once() -> None:
    follow(subject="artist")
    Work.objects.bulk_create([Work(title=f"t{at}", code=f"c{at}") for at in range(MANY + 1)])
    Work.objects.update(artist=Artist.objects.create(name="Ada"))
    assert (len(of("row.update")), len(of("row.values"))) == (MANY + 1, MANY + 1)


def test_values_speak_of_the_subject_of_the_policy_and_go_with_its_key() -> None:
    follow(subject="artist")
    artist = Artist.objects.create(name="Ada")
    work = Work.objects.create(title="Dawn", code="a", artist=artist)
    Work.objects.filter(pk=work.pk).update(title="Dusk")
    work.delete()
    assert AuditSubjectKey.objects.count() == 1
    erase_subject(Subject.of_row(Artist, artist.pk))
    assert {str(pair) for _, changes in revealed() for pair in changes.values()} == {
        "[None, '(erased)']", "['(erased)', '(erased)']", "['(erased)', None]"
    }  # fmt: skip


def test_masked_field_is_told_nowhere_and_other_models_are_captured_as_ever() -> None:
    follow(AuditPolicy(model_label="museum.artist"), mask=frozenset({"title"}))
    Work.objects.create(title="Dawn", code="a", artist=Artist.objects.create(name="Ada"))
    assert of("row.values") == []
    assert AuditRecord.objects.filter(target_type="museum.artist").count() == 1


def test_row_as_it_was_and_one_that_is_gone_are_told_as_before() -> None:
    follow()
    work = Work.objects.create(title="Dawn", code="a")
    key = work.pk
    state = state_at(Work, key, timezone.now())
    assert (state.exists, state.unknown, state.values["code"]) == (True, frozenset({"title"}), "a")
    work.delete()
    assert state_at(Work, key, timezone.now()).exists is False
