"""Many rows at once: the records that the database writes are those that Python would have written, value by value."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.db.models import F

from gridkit_django.audit.capture import watcher
from gridkit_django.audit.masks import MASK, masked
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.sqlmasks import has_form, masked_sql
from gridkit_django.events import Actor, ActorKind, EventSource, acting
from gridkit_django.exceptions import AuditUnavailableError, ReasonRequiredError
from gridkit_django.models import AuditOperation, AuditRecord
from tests.museum.models import Artist, Key, Tag, Work
from tests.shop.models import Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "set-based"
NEVER, ALWAYS = math.nan, 1
"""How many rows are many: no number is at least the first, not even that of rows that nobody has counted."""
IS_POSTGRES = connection.vendor == "postgresql"

ROWS: list[dict[str, Any]] = [
    {},
    {
        "text": 'é\u2028 O\'Hara "%s" \\ \n',
        "whole": -(2**60),
        "truth": True,
        "money": Decimal("-0.10"),
        "tiny": Decimal("0.000000001"),
        "units": Decimal(7),
        "real": 0.1,
        "moment": dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC),
        "day": dt.date(1900, 2, 3),
        "clock": dt.time(1, 2, 3, 40),
        "span": dt.timedelta(days=-1, microseconds=5),
        "token": uuid.UUID(int=7),
        "data": {"b": [1, 2.5, None], "a": {"x": True}},
        "address": "::1",
        "file": "a/ü.png",
    },
    {
        "text": "",
        "whole": 0,
        "truth": False,
        "money": Decimal("1234567890.55"),
        "tiny": Decimal(999),
        "units": Decimal(99999999),
        "real": 5.0,
        "moment": dt.datetime(1999, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
        "clock": dt.time(0),
        "span": dt.timedelta(0),
        "data": [],
        "address": "10.1.2.3",
    },
]


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets how many rows are many."""
    return lambda rows: monkeypatch.setattr(watcher, "MANY", rows)


def follow(model: type[models.Model], **options: Any) -> None:
    audit_policies().set(OWNER, [AuditPolicy(model_label=model._meta.label_lower, **options)])


def told(work: Callable[[], object], *, by_database: bool) -> list[tuple[str, str, str, str, dict[str, Any]]]:
    """Return what the records of some work say, which is undone; and see who wrote them."""
    last = AuditRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with transaction.atomic():
        work()
        found = list(AuditRecord.objects.filter(pk__gt=last).order_by("target_id", "pk"))
        transaction.set_rollback(True)
    assert {row.mac is None for row in found} <= {by_database}
    return [(row.action, row.actor_id, row.target_label, row.target_id, row.changes) for row in found]


def both(work: Callable[[], object], many: Callable[[float], None]) -> list[dict[str, Any]]:
    """See that Python and the database tell the same of some work; the changes."""
    many(NEVER)
    by_python = told(work, by_database=False)
    many(ALWAYS)
    by_database = told(work, by_database=True)
    assert by_database == by_python
    assert by_python
    return [changes for *_, changes in by_python]


def specimens() -> list[Specimen]:
    return [Specimen(key=uuid.UUID(int=at), **values) for at, values in enumerate(ROWS)]


UNLIKE = frozenset() if IS_POSTGRES else frozenset({"raw"})
"""What only Python can tell on SQLite: bytes."""


def test_created_and_deleted_rows_of_every_type_are_told_alike(many: Callable[[float], None]) -> None:
    follow(Specimen, exclude=UNLIKE, label="text")
    full = both(lambda: Specimen.objects.bulk_create(specimens()), many)
    assert {name for changes in full for name in changes} == ROWS[1].keys()
    audit_policies().drop(OWNER)
    Specimen.objects.bulk_create(specimens())
    follow(Specimen, exclude=UNLIKE)
    gone = both(lambda: Specimen.objects.filter(whole__isnull=False)._raw_delete("default"), many)
    assert [set(changes) for changes in gone] == [ROWS[1].keys(), ROWS[2].keys() | {"file"}]


def test_updates_of_every_type_are_told_alike(many: Callable[[float], None]) -> None:
    Specimen.objects.bulk_create(specimens())
    follow(Specimen, exclude=UNLIKE | (frozenset() if IS_POSTGRES else frozenset({"data"})))
    for values in ROWS[1:]:
        both(lambda values=values: Specimen.objects.filter(text__isnull=True).update(**values), many)
        both(lambda values=values: Specimen.objects.update(**values), many)
        both(lambda values=values: Specimen.objects.update(**dict.fromkeys(values)), many)
    both(lambda: Specimen.objects.update(money=F("money") * Decimal("0.3333"), text=F("file")), many)
    many(ALWAYS)
    assert told(lambda: Specimen.objects.update(money=F("money"), text=F("text")), by_database=True) == []
    assert told(lambda: Specimen.objects.filter(whole=99).update(whole=1), by_database=True) == []


@pytest.mark.postgres_only
def test_updates_are_told_alike_where_no_write_returns_the_old_row(
    many: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridkit_django.audit.capture.set_based_postgres.RETURNS_OLD", 10**9)
    Specimen.objects.bulk_create(specimens())
    follow(Specimen)
    both(lambda: Specimen.objects.update(**ROWS[1]), many)
    both(lambda: Specimen.objects.filter(whole=0).update(whole=F("whole") + 1), many)


def test_upserts_tell_new_rows_from_changed_ones_and_say_nothing_of_others(many: Callable[[float], None]) -> None:
    Specimen.objects.bulk_create(specimens()[1:])
    follow(Specimen, exclude=UNLIKE)
    rows = specimens()
    rows[1].whole, rows[1].text = 3, "new"

    def upsert() -> None:
        fields = ["whole", "text"]
        Specimen.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=fields)

    many(ALWAYS)
    created, changed = told(upsert, by_database=True)
    assert (created[0], changed[0]) == ("row.create", "row.update")
    assert changed[4] == {"whole": [-(2**60), 3], "text": [ROWS[1]["text"], "new"]}
    assert both(upsert, many)
    follow(Specimen, exclude=UNLIKE, actions=frozenset({"row.update"}))
    assert [action for action, *_ in told(upsert, by_database=True)] == ["row.update"]


def test_upserts_of_documents_are_told_alike(many: Callable[[float], None]) -> None:
    Specimen.objects.bulk_create(specimens()[1:])
    follow(Specimen, exclude=UNLIKE)
    rows = specimens()
    rows[1].data = {"new": [1]}

    def upsert() -> None:
        Specimen.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=["data"])

    many(NEVER)
    by_python = told(upsert, by_database=False)
    many(ALWAYS)
    assert told(upsert, by_database=IS_POSTGRES) == by_python
    assert by_python[1][4] == {"data": [ROWS[1]["data"], {"new": [1]}]}


def test_rows_that_a_conflict_leaves_out_leave_no_record(many: Callable[[float], None]) -> None:
    Specimen.objects.bulk_create(specimens()[1:])
    follow(Specimen, exclude=UNLIKE)
    assert len(both(lambda: Specimen.objects.bulk_create(specimens(), ignore_conflicts=True), many)) == 1


MASKED = {"text": "end", "address": "network", "day": "year", "file": "initial", "money": "end", "whole": "end"}


def test_masked_values_are_told_alike(many: Callable[[float], None]) -> None:
    names = frozenset(ROWS[1]) | {"key"}
    forms = MASKED if IS_POSTGRES else {**MASKED, "address": "full", "money": "full"}
    for options in ({"mask": names}, {"mask": names - {"key"}, "mask_forms": forms}):
        follow(Specimen, exclude=UNLIKE, **options)
        made = both(lambda: Specimen.objects.bulk_create(specimens()), many)
        assert made[0]["span"] == [MASK, MASK]
        audit_policies().drop(OWNER)
        Specimen.objects.bulk_create(specimens())
        follow(Specimen, exclude=UNLIKE, **options)
        both(lambda: Specimen.objects.all()._raw_delete("default"), many)
        changes = ROWS[1] if IS_POSTGRES else {name: value for name, value in ROWS[1].items() if name != "data"}
        both(lambda changes=changes: Specimen.objects.update(**changes), many)
        audit_policies().drop(OWNER)
        Specimen.objects.all().delete()


def test_a_masked_many_to_many_field_of_a_new_row_is_told_as_masked(many: Callable[[float], None]) -> None:
    follow(Key, mask=frozenset({"tags"}))
    (changes,) = both(lambda: Key.objects.bulk_create([Key(id=uuid.UUID(int=1), label="x")]), many)
    assert changes == {"label": [None, "x"], "tags": [MASK, MASK]}


TEXTS = [
    "", "a", "ab", "abc", "12345678", "123456789", "ada@example.org", "a@b@c.de", "@", "@@", "x@", "é@ü",
    "1990-02-03", "1990-2-3", "1990-02-03T10:00:00+00:00", "10.1.2.3", "10.1.2", "a.b.c.d", "10.1.2.3.4",
    "2001:db8:1:2::3", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "a:b", "1:2:3:4", "1:2:3:4:5",
]  # fmt: skip


@pytest.mark.parametrize("form", ["end", "email", "year", "initial", "network"])
def test_a_form_of_masks_tells_in_sql_what_it_tells_in_python(form: str) -> None:
    field = Specimen._meta.get_field("text")
    if not has_form(field, form, connection):
        assert (form, connection.vendor) == ("network", "sqlite")
        return
    with connection.cursor() as cursor:
        for text in TEXTS:
            column = "CAST(v AS text)"
            cursor.execute(f"SELECT {masked_sql(form, column, connection)} FROM (SELECT %s AS v) AS t", [text])
            assert cursor.fetchone()[0] == masked(text, form), text
        cursor.execute(f"SELECT {masked_sql(form, 'v', connection)} FROM (SELECT CAST(NULL AS text) AS v) AS t")
        assert cursor.fetchone()[0] == masked(None, form) == MASK


def test_values_that_python_writes_are_left_to_it(many: Callable[[float], None]) -> None:
    many(ALWAYS)
    for options in ({"encrypt": frozenset({"name"})}, {"fail_open": True}):
        follow(Artist, **options)
        assert told(lambda: Artist.objects.bulk_create([Artist(name="Ada")]), by_database=False)
    if not IS_POSTGRES:
        follow(Specimen)
        assert told(lambda: Specimen.objects.bulk_create(specimens()), by_database=False)
        follow(Specimen, exclude=UNLIKE, mask=frozenset({"address"}), mask_forms={"address": "network"})
        assert told(lambda: Specimen.objects.bulk_create(specimens()), by_database=False)


def test_a_person_who_gives_no_reason_changes_no_row(many: Callable[[float], None]) -> None:
    Artist.objects.bulk_create([Artist(name=name) for name in "ab"])
    follow(Artist, reason_required=True)
    many(ALWAYS)
    ada = Actor(ActorKind.USER, "7", "ada")
    with acting(ada, EventSource.API):
        for act in (
            lambda: Artist.objects.update(rank=1),
            lambda: Artist.objects.all()._raw_delete("default"),
            lambda: Artist.objects.bulk_create([Artist(name="c")]),
        ):
            with pytest.raises(ReasonRequiredError), transaction.atomic():
                act()
        assert Artist.objects.update(rank=0) == 2
    with acting(ada, EventSource.API, reason="because"):
        assert len(told(lambda: Artist.objects.update(rank=1), by_database=True)) == 2
    assert sorted(Artist.objects.values_list("name", "rank")) == [("a", 0), ("b", 0)]


def test_statements_of_one_act_share_one_operation_and_each_record_has_a_uuid_of_its_own(
    many: Callable[[float], None],
) -> None:
    follow(Artist)
    many(ALWAYS)
    with acting(Actor.system("test"), EventSource.ORM, metadata={"requestId": "r"}):
        Artist.objects.bulk_create([Artist(name=str(at)) for at in range(9)])
        Artist.objects.update(rank=1)
        Artist.objects.all()._raw_delete("default")
    records = list(AuditRecord.objects.filter(target_type="museum.artist"))
    assert AuditOperation.objects.filter(pk__in={row.operation_id for row in records}).count() == 1
    assert len({row.uuid for row in records}) == len(records) == 27
    version = 4 if IS_POSTGRES else 8
    assert {(row.uuid.version, row.uuid.variant) for row in records} == {(version, uuid.RFC_4122)}
    assert {row.context["requestId"] for row in records} == {"r"}


def test_a_collected_deletion_is_recorded_by_the_database_but_for_rows_with_links() -> None:
    follow(Work)
    made = Work.objects.bulk_create([Work(title=str(at), code=str(at)) for at in range(130)])
    last = AuditRecord.objects.order_by("-pk").values_list("pk", flat=True)[0]
    tag = Tag.objects.create(name="x")
    Work.objects.filter(pk__in=[row.pk for row in made[:65]]).delete()
    made[70].tags.add(tag)
    Work.objects.all().delete()
    gone = AuditRecord.objects.filter(pk__gt=last, action="row.delete")
    assert sorted(int(key) for key in gone.values_list("target_id", flat=True)) == [row.pk for row in made]
    linked = gone.get(target_id=str(made[70].pk))
    assert linked.changes["tags"] == [[tag.pk], None]
    assert linked.mac is not None
    assert {row.changes["title"][0] for row in gone} == {str(at) for at in range(130)}
    if IS_POSTGRES:  # SQLite leaves rows with bytes to Python
        assert gone.filter(mac=None).count() == 65


def test_a_collected_deletion_of_many_rows_is_few_statements(django_assert_num_queries: Any) -> None:
    follow(Key)
    Key.objects.bulk_create([Key(label=str(at)) for at in range(250)])
    # Rows read, links, for each part (SQLite: 999 keys) one statement or six, and the counts of the test itself.
    with django_assert_num_queries(3 if IS_POSTGRES else 8), transaction.atomic(savepoint=False):
        assert Key.objects.all().delete() == (250, {"museum.Key": 250})
    gone = AuditRecord.objects.filter(target_type="museum.key", action="row.delete")
    assert gone.values_list("target_id").distinct().count() == 250


def test_a_trigger_that_changes_what_is_written_is_refused_on_sqlite(many: Callable[[float], None]) -> None:
    if IS_POSTGRES:  # it returns what it has written
        return
    follow(Artist)
    many(ALWAYS)
    Artist.objects.bulk_create([Artist(name=name) for name in "ab"])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TRIGGER gk_keep BEFORE DELETE ON museum_artist WHEN old.name = 'a' "
            "BEGIN SELECT RAISE(IGNORE); END"
        )
    try:
        with pytest.raises(AuditUnavailableError, match="triggers"), transaction.atomic():
            Artist.objects.all()._raw_delete("default")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER gk_keep")
    assert Artist.objects.count() == 2
    assert not AuditRecord.objects.filter(target_type="museum.artist", action="row.delete").exists()


def test_nothing_of_the_rows_before_stays_on_the_connection(many: Callable[[float], None]) -> None:
    follow(Artist)
    many(ALWAYS)
    Artist.objects.bulk_create([Artist(name=name) for name in "ab"])
    Artist.objects.update(rank=3)
    Artist.objects.all()._raw_delete("default")
    if not IS_POSTGRES:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM temp.gridkit_before_8")
            assert cursor.fetchone() == (0,)
