"""Capture: each write of the ORM to a followed model leaves its record, exact and in the same transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from gridkit_django.audit.mac import MacCheck, check_mac
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditUnavailableError
from gridkit_django.models import AuditOperation, AuditRecord
from tests.museum.models import Artist, Hall, Key, Loan, Place, Shown, Tag, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "tests"


def follow(*policies: AuditPolicy | type[models.Model]) -> None:
    """Follow models, with all of their fields unless a policy says something else."""
    read = [
        item if isinstance(item, AuditPolicy) else AuditPolicy(model_label=item._meta.label_lower) for item in policies
    ]
    audit_policies().set(OWNER, read)


@pytest.fixture(autouse=True)
def followed() -> Iterator[None]:
    follow(Work, Artist, Key)
    yield
    audit_policies().drop(OWNER)


class Trail:
    """Reads the records that were written since it was made, or since it was last asked."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        rows = list(AuditRecord.objects.filter(pk__gt=self._last).order_by("pk"))
        self._last = rows[-1].pk if rows else self._last
        return [(row.action, row.target_type, row.target_id, row.changes) for row in rows]

    def changes(self) -> list[dict[str, Any]]:
        """Return the changes only, those of updates."""
        return [changes for action, _, _, changes in self() if action == "row.update"]


@pytest.fixture
def trail(followed: None) -> Trail:
    return Trail()


def work(code: str = "a", **values: Any) -> Work:
    return Work.objects.create(title=code.upper(), code=code, **values)


def test_a_new_row_is_recorded_whole_with_types_kept(trail: Trail) -> None:
    artist = Artist.objects.create(name="Ada")
    trail()
    serial = uuid.uuid4()
    made = work(
        "x",
        artist=artist,
        price="12.5",
        height=1.5,
        facts={"b": [1, True, None], "a": "é"},
        bought=dt.date(2020, 1, 2),
        seen=dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        opens=dt.time(8, 30),
        lasts=dt.timedelta(days=1, microseconds=5),
        serial=serial,
        digest=b"\x00\xff",
        image="works/x.png",
    )
    ((action, label, key, changes),) = trail()
    assert (action, label, key) == ("row.create", "museum.work", str(made.pk))
    made.refresh_from_db()
    assert {name: pair[1] for name, pair in changes.items()} == {
        "title": "X",
        "code": "x",
        "artist": artist.pk,
        "price": "12.50",
        "height": 1.5,
        "count": 0,
        "visible": True,
        "facts": {"b": [1, True, None], "a": "é"},
        "bought": "2020-01-02",
        "seen": "2020-01-02T01:04:05.678901+00:00",
        "opens": "08:30:00",
        "lasts": "P1DT00H00M00.000005S",
        "serial": str(serial),
        "digest": "AP8=",
        "image": "works/x.png",
        "entered": made.entered.isoformat(),
        "origin": "unknown",
    }
    assert {pair[0] for pair in changes.values()} == {None}


def test_a_save_is_recorded_with_what_changed_only(trail: Trail) -> None:
    made = work(price=1)
    trail()
    made.title, made.price = "New", Decimal("1.00")
    made.save()
    assert trail() == [("row.update", "museum.work", str(made.pk), {"title": ["A", "New"]})]
    made.save()
    made.save(update_fields=["count"])
    assert trail() == []


def test_the_old_value_is_that_of_the_database_not_of_the_object(trail: Trail) -> None:
    made = work()
    other = Work.objects.get(pk=made.pk)
    other.count = 5
    other.save()
    trail()
    made.count = 7
    made.save(update_fields=["count"])
    assert trail.changes() == [{"count": [5, 7]}]


def test_expressions_are_recorded_by_their_values(trail: Trail) -> None:
    made = work(count=2)
    trail()
    made.count = F("count") + 1
    made.save()
    Work.objects.update(count=F("count") * 2, title=Concat(F("title"), Value("!")))
    assert trail.changes() == [{"count": [2, 3]}, {"title": ["A", "A!"], "count": [3, 6]}]


def test_a_deleted_row_is_recorded_whole(trail: Trail) -> None:
    made = work(count=3)
    key = str(made.pk)
    trail()
    made.delete()
    ((action, _, found, changes),) = trail()
    assert (action, found, changes["count"], changes["title"]) == ("row.delete", key, [3, None], ["A", None])


def test_bulk_writes_leave_one_record_for_each_row_that_changed(trail: Trail) -> None:
    rows = Work.objects.bulk_create([Work(title=str(n), code=str(n), count=n) for n in range(12)])
    assert [(action, changes["count"][1]) for action, _, _, changes in trail()] == [
        ("row.create", n) for n in range(12)
    ]

    Work.objects.filter(count__gte=4).update(count=5)
    assert sorted(changes["count"][0] for changes in trail.changes()) == [4, 6, 7, 8, 9, 10, 11]

    for row in rows:
        row.count, row.title = 9, "same"
    Work.objects.bulk_update(rows, ["count", "title"])
    assert len(trail.changes()) == 12

    Work.objects.filter(code__in=["1", "2"]).delete()
    assert [action for action, *_ in trail()] == ["row.delete"] * 2
    Work.objects.all()._raw_delete("default")
    assert [action for action, *_ in trail()] == ["row.delete"] * 10


def test_an_update_over_a_join_is_recorded(trail: Trail) -> None:
    artist = Artist.objects.create(name="Ada", rank=1)
    work("a", artist=artist)
    work("b")
    trail()
    assert Work.objects.filter(artist__rank=1).update(count=8) == 1
    assert trail.changes() == [{"count": [0, 8]}]


def test_an_upsert_tells_new_rows_from_changed_ones(trail: Trail) -> None:
    old = work("a", count=1)
    same = work("b", count=2)
    trail()
    objects = [Work(title=code.upper(), code=code, count=n) for code, n in (("a", 9), ("b", 2), ("c", 3))]
    Work.objects.bulk_create(objects, update_conflicts=True, unique_fields=["code"], update_fields=["count"])
    found = trail()
    assert [(action, key) for action, _, key, _ in found if action == "row.update"] == [("row.update", str(old.pk))]
    assert [changes["code"] for action, _, _, changes in found if action == "row.create"] == [[None, "c"]]
    assert len(found) == 2
    assert str(same.pk) not in {key for _, _, key, _ in found}


def test_rows_that_are_left_out_of_a_bulk_create_leave_no_record(trail: Trail) -> None:
    work("a")
    trail()
    Work.objects.bulk_create([Work(title="x", code=code) for code in "abc"], ignore_conflicts=True)
    assert [changes["code"][1] for _, _, _, changes in trail()] == ["b", "c"]
    Work.objects.bulk_create([Work(title="x", code="a")], ignore_conflicts=True)
    assert trail() == []


def test_side_effects_of_a_deletion_are_recorded(trail: Trail) -> None:
    artist = Artist.objects.create(name="Ada")
    kept, shown, made = work("k", keeper=artist), work("s", room=artist), work("m", artist=artist)
    trail()
    made_key, artist_key = made.pk, artist.pk
    artist.delete()
    found = [(action, label, key) for action, label, key, _ in trail()]
    assert sorted(found) == sorted(
        [
            ("row.delete", "museum.artist", str(artist_key)),
            ("row.delete", "museum.work", str(made_key)),
            ("row.update", "museum.work", str(kept.pk)),
            ("row.update", "museum.work", str(shown.pk)),
        ]
    )


def test_links_are_recorded_from_both_sides(trail: Trail) -> None:
    red, blue, green = (Tag.objects.create(name=name) for name in ("red", "blue", "green"))
    made, other = work("a"), work("b")
    trail()
    made.tags.add(red, blue)
    made.tags.add(red)
    assert trail() == [("row.update", "museum.work", str(made.pk), {"tags": [[], [red.pk, blue.pk]]})]
    made.tags.set([blue, green])
    assert trail.changes() == [{"tags": [[red.pk, blue.pk], [blue.pk, green.pk]]}]
    made.tags.remove(blue)
    assert trail.changes() == [{"tags": [[blue.pk, green.pk], [green.pk]]}]
    green.works.add(other)
    assert trail() == [("row.update", "museum.work", str(other.pk), {"tags": [[], [green.pk]]})]
    green.works.set([other])
    assert trail() == [("row.update", "museum.work", str(made.pk), {"tags": [[green.pk], []]})]
    green.works.clear()
    assert trail.changes() == [{"tags": [[green.pk], []]}]


def test_links_of_a_deleted_row_are_part_of_its_record(trail: Trail) -> None:
    red = Tag.objects.create(name="red")
    made, other = work("a"), work("b")
    made.tags.add(red)
    other.tags.add(red)
    trail()
    made.delete()
    ((action, _, _, changes),) = trail()
    assert (action, changes["tags"]) == ("row.delete", [[red.pk], None])
    key = red.pk
    red.delete()
    assert trail() == [("row.update", "museum.work", str(other.pk), {"tags": [[key], []]})]


def test_links_through_a_model_of_their_own_are_recorded(trail: Trail) -> None:
    ada, bob = (Artist.objects.create(name=name) for name in ("Ada", "Bob"))
    made = work()
    trail()
    loan = Loan.objects.create(work=made, lender=ada)
    made.lenders.add(bob, through_defaults={"days": 3})
    assert trail.changes() == [{"lenders": [[], [ada.pk]]}, {"lenders": [[ada.pk], [ada.pk, bob.pk]]}]
    loan.days = 8
    loan.save()
    assert trail() == []
    Loan.objects.filter(pk=loan.pk).update(lender=bob)
    assert trail.changes() == [{"lenders": [[ada.pk, bob.pk], [bob.pk, bob.pk]]}]


def test_keys_that_are_no_numbers_are_told_as_text(trail: Trail) -> None:
    red = Tag.objects.create(name="red")
    key = Key.objects.create(label="a")
    key.tags.add(red)
    key.label = "b"
    key.save()
    key_text = str(key.pk)
    key.delete()
    found = trail()
    assert {item[2] for item in found} == {key_text}
    assert [item[3] for item in found[1:3]] == [{"tags": [[], [red.pk]]}, {"label": ["a", "b"]}]


def test_a_proxy_is_recorded_as_the_model_behind_it() -> None:
    follow(Shown)
    trail = Trail()
    made = Shown.objects.create(title="S", code="s")
    Work.objects.filter(pk=made.pk).update(count=1)
    assert [(action, label) for action, label, _, _ in trail()] == [
        ("row.create", "museum.work"),
        ("row.update", "museum.work"),
    ]


def test_a_child_is_recorded_with_what_it_inherits() -> None:
    follow(Hall)
    trail = Trail()
    Place.objects.create(name="park")
    assert trail() == []
    hall = Hall.objects.create(name="big", seats=5)
    key = str(hall.pk)
    created = {"name": [None, "big"], "open": [None, True], "seats": [None, 5]}
    assert trail() == [("row.create", "museum.hall", key, created)]
    Place.objects.update(name="all")
    assert trail() == [("row.update", "museum.hall", key, {"name": ["big", "all"]})]
    Hall.objects.filter(seats=5).update(name="few", seats=6)
    assert trail.changes() == [{"seats": [5, 6], "name": ["all", "few"]}]
    hall.delete()
    gone = {"name": ["few", None], "open": [True, None], "seats": [6, None]}
    assert trail() == [("row.delete", "museum.hall", key, gone)]


def test_a_field_is_recorded_under_the_model_that_declares_it_when_both_are_followed() -> None:
    follow(Hall, Place)
    trail = Trail()
    hall = Hall.objects.create(name="big", seats=5)
    hall.name = "small"
    hall.save()
    assert [(label, changes) for _, label, _, changes in trail()] == [
        ("museum.place", {"name": [None, "big"], "open": [None, True]}),
        ("museum.hall", {"seats": [None, 5]}),
        ("museum.place", {"name": ["big", "small"]}),
    ]


def test_what_is_rolled_back_or_refused_leaves_no_record(trail: Trail) -> None:
    made = work("a")
    work("b")
    trail()
    with transaction.atomic():
        Work.objects.filter(pk=made.pk).update(count=1)
        sid = transaction.savepoint()
        Work.objects.filter(pk=made.pk).update(count=2)
        transaction.savepoint_rollback(sid)
        with suppress(IntegrityError), transaction.atomic():
            Work.objects.filter(pk=made.pk).update(count=3)
            Work.objects.filter(pk=made.pk).update(code="b")
    assert trail.changes() == [{"count": [0, 1]}]


def test_a_changed_key_is_recorded(trail: Trail) -> None:
    made = work("a")
    trail()
    Work.objects.filter(pk=made.pk).update(id=999_999)
    assert trail() == [("row.update", "museum.work", str(made.pk), {"id": [made.pk, 999_999]})]


def test_statements_of_one_act_share_one_operation() -> None:
    made = work()
    Work.objects.filter(pk=made.pk).update(count=1)
    assert AuditOperation.objects.count() == AuditRecord.objects.count() == 2


def test_the_mac_of_each_record_fits_to_what_is_stored(trail: Trail) -> None:
    with acting(Actor.system("test"), EventSource.ORM, metadata={"requestId": "r"}, reason="because"):
        rows = Work.objects.bulk_create([Work(title="é", code=str(n), height=n / 3) for n in range(8)])
        rows[0].delete()
    records = list(AuditRecord.objects.all())
    assert len(records) == 9
    assert {record.operation_id for record in records} == {records[0].operation_id}
    assert {check_mac(record) for record in records} == {MacCheck.RIGHT}
    assert records[0].context["reason"] == "because"


def test_a_model_that_nobody_follows_costs_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        Tag.objects.create(name="x")


def test_a_save_costs_one_statement_more_where_the_database_can(django_assert_num_queries: Any) -> None:
    made = work()
    made.count = 3
    with django_assert_num_queries(2 if connection.vendor == "postgresql" else 4), transaction.atomic(savepoint=False):
        made.save()


def test_many_rows_are_recorded_by_the_database_as_python_would(trail: Trail) -> None:
    follow(Artist)
    rows = [Artist(name=f"Ada {at}é'\"", rank=at % 3) for at in range(150)]
    keys = [row.pk for row in Artist.objects.bulk_create(rows)]
    assert trail() == [
        ("row.create", "museum.artist", str(row.pk), {"name": [None, row.name], "rank": [None, row.rank]})
        for row in rows
    ]
    with acting(Actor.system("test"), EventSource.ORM):
        assert Artist.objects.filter(rank__lt=2).update(rank=F("rank") * 2) == 100
    found = trail()
    assert sorted(int(key) for _, _, key, _ in found) == sorted(row.pk for row in rows if row.rank == 1)
    assert {str(changes) for *_, changes in found} == {"{'rank': [1, 2]}"}
    assert Artist.objects.filter(pk__in=keys)._raw_delete("default") == 150
    deleted = {(key, changes["name"][0]) for action, _, key, changes in trail() if action == "row.delete"}
    assert deleted == {(str(row.pk), row.name) for row in rows}
    assert Artist.objects.filter(rank=99).update(rank=1) == 0
    assert trail() == []
    made_by_database = AuditRecord.objects.filter(mac=None).count()
    assert made_by_database == 350


def test_a_database_that_cannot_write_the_records_of_many_rows_changes_none(trail: Trail) -> None:
    follow(Artist)
    table = AuditRecord._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gk_elsewhere")
    with pytest.raises(AuditUnavailableError), transaction.atomic():
        Artist.objects.bulk_create([Artist(name=str(at)) for at in range(150)])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE gk_elsewhere RENAME TO {table}")
    assert not Artist.objects.exists()
