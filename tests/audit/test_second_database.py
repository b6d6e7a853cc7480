"""A second database: records are where the write is, under a chain of their own, and nothing of them is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models.signals import m2m_changed
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from gridkit_django.audit import AuditPolicy, audit_policies
from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.delivery import declare_destination, drop_destination, pause
from gridkit_django.audit.mac import MacCheck, check_mac
from gridkit_django.audit.policies import is_trail
from gridkit_django.audit.privacy import Subject, erase_subject, rewrap_keys
from gridkit_django.audit.retention import place_hold, purge, release_hold
from gridkit_django.audit.sealing import seal_all, sealed_aliases
from gridkit_django.audit.state import state_at
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.models import AuditOperation, AuditRecord, AuditSeal, AuditSubjectKey
from gridkit_django.tasks.audit import deliver_audit, purge_audit
from tests.audit.receivers import collect
from tests.museum.models import Artist, Hall, Loan, Place, Tag, Work

ALIAS = "elsewhere"
OWNER = "second"

pytestmark = [
    pytest.mark.django_db(databases=["default", ALIAS]),
    pytest.mark.both_databases,
]


@pytest.fixture(scope="module", autouse=True)
def _database(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Another database, in a file, with the trail and the museum."""
    path = tmp_path_factory.mktemp("second") / "second.db"
    file: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {}}
    connections.databases[ALIAS] = {**connection.settings_dict, **file}
    trail = [model for model in apps.get_app_config("gridkit_django").get_models() if is_trail(model)]
    with django_db_blocker.unblock():
        with connections[ALIAS].schema_editor() as editor:
            for model in (*trail, Tag, Artist, Work, Loan, Place, Hall):
                editor.create_model(model)
        Barrier(connections[ALIAS]).make()
        yield
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.databases[ALIAS]


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


def follow(*others: AuditPolicy, **options: Any) -> None:
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.work", **options), *others])


def there(**filters: Any) -> list[AuditRecord]:
    return list(AuditRecord.objects.using(ALIAS).filter(**filters).order_by("pk"))


def here() -> list[AuditRecord]:
    return list(AuditRecord.objects.order_by("pk"))


def act() -> Work:
    """Write to the second database by every kind of way."""
    works = Work.objects.using(ALIAS)
    work = works.create(title="Dawn", code="a")
    work.count = 1
    work.save()
    works.update(count=2)
    works.bulk_create([Work(title=code, code=code) for code in "bcdefg"])
    works.bulk_create(
        [Work(title="B", code="b")], update_conflicts=True, unique_fields=["code"], update_fields=["title"]
    )
    work.tags.add(Tag.objects.using(ALIAS).create(name="x"))
    hall = Hall.objects.using(ALIAS).create(name="Blue", seats=1)
    Place.objects.using(ALIAS).filter(pk=hall.pk).update(open=False)
    works.exclude(code="a").delete()
    return work


def test_records_are_where_the_write_is() -> None:
    follow(AuditPolicy(model_label="museum.hall"))
    work = act()
    assert not AuditRecord.objects.exists()
    assert not AuditOperation.objects.exists()
    records = there()
    assert [item.action for item in records] == [
        "row.create", "row.update", "row.update", *["row.create"] * 6, "row.update", "row.update", "row.create",
        "row.update", *["row.delete"] * 6,
    ]  # fmt: skip
    assert {item.target_label for item in there(target_id=str(work.pk), target_type="museum.work")} == {"Dawn"}
    assert {check_mac(item) for item in records} <= {MacCheck.RIGHT, MacCheck.ABSENT}
    at = state_at(Work, work.pk, timezone.now(), using=ALIAS)
    assert (at.values["count"], at.values["tags"], at.certain) == (2, [1], True)


def test_links_that_a_receiver_copies_while_an_act_is_under_way_are_told_there() -> None:
    follow()
    work, tags = Work.objects.create(title="a", code="a"), [Tag.objects.create(name=name) for name in "xy"]
    copy = Work.objects.using(ALIAS).create(title="a", code="a")
    copies = {item.pk: Tag.objects.using(ALIAS).create(name=item.name) for item in tags}

    def mirror(action: str, using: str, pk_set: set[int], **_kwargs: Any) -> None:
        if action == "post_add" and using == "default":
            copy.tags.set([copies[pk] for pk in pk_set])

    m2m_changed.connect(mirror, sender=Work.tags.through)
    try:
        work.tags.set(tags)
    finally:
        m2m_changed.disconnect(mirror, sender=Work.tags.through)
    told = [[item.changes for item in found if item.action == "row.update"] for found in (here(), there())]
    assert told == [
        [{"tags": [[], [item.pk for item in tags]]}],
        [{"tags": [[], [item.pk for item in copies.values()]]}],
    ]


def test_change_that_is_rolled_back_or_refused_there_leaves_no_record_anywhere() -> None:
    follow()
    with transaction.atomic(using=ALIAS):
        act()
        transaction.set_rollback(True, using=ALIAS)
    Work.objects.using(ALIAS).create(title="t", code="a")
    with pytest.raises(IntegrityError), transaction.atomic(using=ALIAS):
        Work.objects.using(ALIAS).create(title="t", code="a")
    assert (len(there()), AuditRecord.objects.count()) == (1, 0)


def test_each_database_has_a_chain_of_its_own_that_verifies() -> None:
    follow()
    assert set(sealed_aliases()) == {"default", ALIAS}
    act()
    Work.objects.create(title="here", code="h")
    done = seal_all()
    assert (done["default"].records, done[ALIAS].records) == (1, len(there()))
    for alias in ("default", ALIAS):
        assert DatabaseVerifier(alias).run().is_good
    call_command("gridkit_audit_verify", verbosity=0)
    with connections[ALIAS].cursor() as cursor, pytest.raises(IntegrityError, match="written once"):
        cursor.execute("UPDATE gridkit_django_auditrecord SET actor_id = 'eve'")


def test_delivery_and_retention_work_there_and_their_acts_are_recorded_there() -> None:
    follow()
    collect.taken, collect.raises = [], []
    row = declare_destination("there", "tests.audit.receivers.collect", using=ALIAS)
    act()
    seal_all()
    known = there()
    assert deliver_audit() == len(known)
    assert [item["id"] for item in collect.taken] == [item.pk for item in known]
    row.refresh_from_db()
    pause(row)
    drop_destination(row)
    hold = place_hold("case", "asked", using=ALIAS)
    later = timezone.now() + timedelta(days=9)
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_RETENTION": {"row.*": "1d"}}):
        assert purge(using=ALIAS, now=later).removed == 0
        release_hold(hold)
        assert purge(using=ALIAS, now=later).removed == len([item for item in known if item.action.startswith("row.")])
        assert purge_audit() == 0
    told = ["destination", "destination", "drop_destination", "hold", "release", "purge"]
    assert [item.action for item in there()] == [f"audit.{name}" for name in told]
    assert not AuditRecord.objects.exists()
    seal_all()
    assert DatabaseVerifier(ALIAS).run().is_good
    assert AuditSeal.objects.using(ALIAS).exists()


def test_keys_of_people_are_there_and_so_is_the_record_that_they_were_destroyed() -> None:
    follow(encrypt=frozenset({"title"}))
    work = Work.objects.using(ALIAS).create(title="secret", code="a")
    assert (AuditSubjectKey.objects.count(), AuditSubjectKey.objects.using(ALIAS).count()) == (0, 1)
    rewrap_keys(using=ALIAS)
    erase_subject(Subject.of_row(Work, work.pk), using=ALIAS)
    assert [item.action for item in there()][-1] == "audit.erase"
    assert not AuditRecord.objects.exists()
