"""No record, no write; and where a policy fails open, what is missing is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import override_settings

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditPolicyError, AuditUnavailableError, ReasonRequiredError
from gridkit_django.models import AuditRecord
from tests.museum.models import Artist, Tag, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "fail"


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


def follow(**options: object) -> None:
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.work", **options)])  # type: ignore[arg-type]


@contextmanager
def without_trail() -> Iterator[None]:
    """Take the table of records away for the length of the block."""
    table = AuditRecord._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gk_elsewhere")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE gk_elsewhere RENAME TO {table}")


def test_a_write_whose_record_cannot_be_written_is_refused() -> None:
    follow()
    work = Work.objects.create(title="a", code="a")
    with without_trail():
        for write in (
            lambda: Work.objects.create(title="b", code="b"),
            lambda: Work.objects.update(count=5),
            lambda: Work.objects.bulk_create([Work(title=c, code=c) for c in "cdefgh"]),
            work.delete,
        ):
            with pytest.raises(AuditUnavailableError, match="nothing was changed"), transaction.atomic():
                write()
    assert list(Work.objects.values_list("code", "count")) == [("a", 0)]


def test_a_refusal_that_is_swallowed_inside_a_transaction_still_undoes_the_write() -> None:
    follow()
    with without_trail(), transaction.atomic():
        with suppress(AuditUnavailableError):
            Work.objects.create(title="b", code="b")
        assert connection.needs_rollback
    assert not Work.objects.exists()


def test_a_policy_that_fails_open_lets_the_write_through_and_leaves_a_gap_record(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: object
) -> None:
    follow(fail_open=True)
    with without_trail():
        work = Work.objects.create(title="b", code="b")
    assert Work.objects.filter(pk=work.pk).exists()
    assert "1 records of museum.work are missing" in caplog.text
    assert not AuditRecord.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        Work.objects.update(count=1)
    gap, update = AuditRecord.objects.order_by("pk")
    assert (gap.action, gap.target_type, update.action) == ("audit.gap", "museum.work", "row.update")
    assert gap.evidence is not None
    assert (gap.evidence["records"], gap.evidence["rows"]) == (1, [str(work.pk)])
    Work.objects.update(count=2)
    assert AuditRecord.objects.filter(action="audit.gap").count() == 1


def test_a_person_must_give_the_reason_that_a_policy_asks_for() -> None:
    follow(reason_required=True)
    ada = Actor.from_user(User.objects.create_user("ada"))
    with acting(ada, EventSource.WEB), pytest.raises(ReasonRequiredError), transaction.atomic():
        Work.objects.create(title="b", code="b")
    with acting(ada, EventSource.WEB, reason="lost"):
        Work.objects.create(title="b", code="b")
    (record,) = AuditRecord.objects.all()
    assert record.operation.reason == "lost"


def test_the_settings_follow_models_without_a_grid() -> None:
    with override_settings(GRIDKIT={"AUDIT_MODELS": {"museum.Artist": {"exclude": ["rank"]}}}):
        artist = Artist.objects.create(name="Ada", rank=3)
        artist.rank = 4
        artist.save()
    Artist.objects.create(name="Bob")
    assert [record.changes for record in AuditRecord.objects.all()] == [{"name": [None, "Ada"]}]


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"museum.Nothing": {}}, "There is no model"),
        ({"museum.Work": {"mask": ["nothing"]}}, "names no field"),
        ({"museum.Work": {"colour": 1}}, "unknown options: colour"),
        ({"museum.Work": {"actions": ["row.look"]}}, "row.look"),
        ({"museum.Work": {"fail_open": "perhaps"}}, "fail_open"),
        ({"gridkit_django.AuditRecord": {}}, "can't follow itself"),
    ],
)
def test_a_wrong_policy_is_refused_by_name(models: dict[str, dict[str, object]], said: str) -> None:
    with pytest.raises(AuditPolicyError, match=said), override_settings(GRIDKIT={"AUDIT_MODELS": models}):
        pass
    audit_policies().drop("settings")


def test_a_write_to_a_database_that_capture_does_not_know_is_refused() -> None:
    follow()
    Tag.objects.create(name="free")
    foreign = mock.patch.object(type(connections["default"]), "vendor", "mysql")
    with foreign, pytest.raises(AuditUnavailableError, match="mysql"):
        Work.objects.create(title="a", code="a")


def test_only_the_actions_of_a_policy_leave_a_record() -> None:
    follow(actions=frozenset({"row.delete"}), fields=frozenset({"title", "tags"}))
    work = Work.objects.create(title="a", code="a")
    work.tags.add(Tag.objects.create(name="x"))
    work.delete()
    (record,) = AuditRecord.objects.all()
    assert (record.action, sorted(record.changes)) == ("row.delete", ["tags", "title"])
