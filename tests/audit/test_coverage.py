"""The coverage matrix: each way to write a row is tried, and the documentation says what was recorded of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test import RequestFactory

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.triggers import Triggers
from gridkit_django.models import AuditRecord
from tests.museum.models import Artist, Hall, Loan, Place, Shown, Tag, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PAGE = Path(__file__).parents[2] / "docs/reference/audit-coverage.md"
FOLLOWED = (Artist, Work, Hall)
OWNER = "coverage"

Way = Callable[[], Any]


def works(count: int = 3, **values: Any) -> list[Work]:
    return [Work.objects.create(title=f"W{at}", code=f"w{at}", **values) for at in range(count)]


def saved(work: Work, **values: Any) -> None:
    for name, value in values.items():
        setattr(work, name, value)
    work.save()


def one_field() -> Way:
    work = works(1)[0]
    work.count = 1
    return lambda: work.save(update_fields=["count"])


def update_or_create() -> Way:
    works(1)
    return lambda: Work.objects.update_or_create(code="w0", defaults={"count": 4})


def ignore_conflicts() -> Way:
    works(2)
    rows = [Work(title=code, code=code) for code in ("w0", "w1", "new")]
    return lambda: Work.objects.bulk_create(rows, ignore_conflicts=True)


def partly_new() -> Way:
    saved(works()[0], count=5)
    return lambda: Work.objects.update(count=0)


def upsert() -> Way:
    works(2)
    rows = [Work(title="N", code=f"w{at}", count=at) for at in range(1, 4)]
    return lambda: Work.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["code"], update_fields=["title", "count"]
    )


def bulk_update() -> Way:
    rows = works()
    for row in rows:
        row.count = 7
    return lambda: Work.objects.bulk_update(rows, ["count"])


def set_null(field: str) -> Way:
    artist = Artist.objects.create(name="Ada")
    works(3, **{field: artist})
    return artist.delete


def linked() -> tuple[Work, list[Tag]]:
    tags = [Tag.objects.create(name=name) for name in "abc"]
    work = works(1)[0]
    work.tags.add(*tags[:2])
    return work, tags


def links(change: Callable[[Work, list[Tag]], Any]) -> Callable[[], Way]:
    def prepare() -> Way:
        work, tags = linked()
        return lambda: change(work, tags)

    return prepare


def rolled_back() -> Way:
    def write() -> None:
        with transaction.atomic():
            Work.objects.create(title="x", code="x")
            transaction.set_rollback(True)

    return write


def refused() -> Way:
    works(2)

    def write() -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            Work.objects.filter(code="w0").update(code="w1")

    return write


def loaded(tmp: Path) -> Way:
    rows = works(2)
    for row in rows:
        row.title = "Loaded"
    tmp.write_text(serializers.serialize("json", rows))
    return lambda: call_command("loaddata", str(tmp), verbosity=0)


def in_admin() -> Way:
    work = works(1)[0]
    request = RequestFactory().post("/")
    request.user = User.objects.create_superuser("root")
    work.title = "By hand"
    return lambda: ModelAdmin(Work, AdminSite()).save_model(request, work, None, change=True)


def raw_sql() -> Way:
    works()

    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE museum_work SET count = 9")

    return write


def with_works(change: Callable[[list[Work]], Any], **values: Any) -> Callable[[], Way]:
    def prepare() -> Way:
        rows = works(**values)
        return lambda: change(rows)

    return prepare


def hall(change: Callable[[Hall], Any]) -> Callable[[], Way]:
    def prepare() -> Way:
        made = Hall.objects.create(name="big", seats=1)
        return lambda: change(made)

    return prepare


def loan() -> Way:
    artist, work = Artist.objects.create(name="Ada"), works(1)[0]
    return lambda: Loan.objects.create(work=work, lender=artist)


WAYS: list[tuple[str, int, Callable[..., Way]]] = [
    ("`create()`", 1, lambda: lambda: Work.objects.create(title="x", code="x")),
    ("`save()` with a change", 1, with_works(lambda rows: saved(rows[0], count=1))),
    ("`save()` without a change", 0, with_works(lambda rows: rows[0].save())),
    ("`save(update_fields=…)`", 1, one_field),
    ("`save()` of an expression, `F(…) + 1`", 1, with_works(lambda rows: saved(rows[0], count=F("count") + 1))),
    ("`get_or_create()`", 1, lambda: lambda: Work.objects.get_or_create(code="x", defaults={"title": "x"})),
    ("`update_or_create()` of a row that is there", 1, update_or_create),
    ("`delete()`", 1, with_works(lambda rows: rows[0].delete())),
    ("`acreate()`, `asave()`, `adelete()`", 3, lambda: async_to_sync(asynchronous)),
    ("`bulk_create()`, 3 rows", 3, lambda: lambda: Work.objects.bulk_create([Work(title=c, code=c) for c in "abc"])),
    ("`bulk_create(ignore_conflicts=True)`, 1 of 3 new", 1, ignore_conflicts),
    ("`bulk_create(update_conflicts=True)`, 1 changed, 2 new", 3, upsert),
    ("`bulk_update()`, 3 rows", 3, bulk_update),
    ("`QuerySet.update()`, 3 rows", 3, with_works(lambda rows: Work.objects.update(count=5))),
    ("`QuerySet.update()` with `F(…)`, 3 rows", 3, with_works(lambda rows: Work.objects.update(count=F("count") + 1))),
    ("`QuerySet.update()` of 3 rows, 1 of them changes", 1, partly_new),
    ("`QuerySet.delete()`, 3 rows", 3, with_works(lambda rows: Work.objects.all().delete())),
    ("`_raw_delete()`, 3 rows", 3, with_works(lambda rows: Work.objects.all()._raw_delete("default"))),
    ("deletion of the parent of 3 rows, `CASCADE`", 4, lambda: set_null("artist")),
    ("deletion of the parent of 3 rows, `SET_NULL`", 4, lambda: set_null("keeper")),
    ("deletion of the parent of 3 rows, `SET_DEFAULT`", 4, lambda: set_null("room")),
    ("many-to-many, `add()`", 1, links(lambda work, tags: work.tags.add(tags[2]))),
    ("many-to-many, `add()` of what is there", 0, links(lambda work, tags: work.tags.add(tags[0]))),
    ("many-to-many, `remove()`", 1, links(lambda work, tags: work.tags.remove(tags[0]))),
    ("many-to-many, `set()`", 1, links(lambda work, tags: work.tags.set(tags[1:]))),
    ("many-to-many, `clear()`", 1, links(lambda work, tags: work.tags.clear())),
    ("many-to-many from the other side, `add()`", 1, links(lambda work, tags: tags[2].works.add(work))),
    ("many-to-many from the other side, `set()`", 1, links(lambda work, tags: tags[0].works.set([]))),
    ("many-to-many through a model of its own", 1, loan),
    ("deletion of a row with links", 1, links(lambda work, tags: work.delete())),
    ("through a proxy model", 1, lambda: lambda: Shown.objects.create(title="x", code="x")),
    ("a child with a table of its own, `create()`", 1, lambda: lambda: Hall.objects.create(name="x", seats=1)),
    ("a child, by the table of its parent", 1, hall(lambda made: Place.objects.update(name="y"))),
    ("a child, `delete()`", 1, hall(lambda made: made.delete())),
    ("`loaddata`, 2 rows that change", 2, loaded),
    ("the admin's form", 1, in_admin),
    ("a write that is rolled back", 0, rolled_back),
    ("a write that the database refuses", 0, refused),
    ("plain SQL, 3 rows", 3, raw_sql),
]  # fmt: skip


async def asynchronous() -> None:
    work = await Work.objects.acreate(title="x", code="x")
    work.title = "y"
    await work.asave()
    await work.adelete()


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


def measure(tmp_path: Path, *, strict: bool) -> list[int]:
    """Return how many records each way leaves."""
    audit_policies().set(OWNER, [AuditPolicy(model_label=item._meta.label_lower, strict=strict) for item in FOLLOWED])
    if strict:
        Triggers(connection, audit_policies().table).install()
    return [recorded(prepare, tmp_path) for _, _, prepare in WAYS]


def recorded(prepare: Callable[..., Way], tmp_path: Path) -> int:
    """Return how many records a way leaves; what it did is undone."""
    with transaction.atomic():
        way = prepare(tmp_path / "rows.json") if prepare is loaded else prepare()
        before = AuditRecord.objects.count()
        way()
        count = AuditRecord.objects.count() - before
        transaction.set_rollback(True)
    return count


def page() -> list[list[str]]:
    """Return the cells of the table in the documentation."""
    lines = PAGE.read_text().splitlines() if PAGE.is_file() else []
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def write_down(column: int, counts: list[int]) -> None:
    """Bring a column of the table up to date, when ``GRIDKIT_WRITE_DOCS`` is set."""
    if not os.environ.get("GRIDKIT_WRITE_DOCS"):
        return
    known = {row[0]: row for row in page()}
    rows = [[name, str(due), *known.get(name, ["", "", "?", "?"])[2:]] for name, due, _ in WAYS]
    for row, count in zip(rows, counts, strict=True):
        row[column] = str(count)
    head, _, _ = PAGE.read_text().partition("|---")
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    PAGE.write_text(f"{head}|---|---|---|---|\n{table}")


def test_the_documentation_says_what_capture_records(tmp_path: Path) -> None:
    found = measure(tmp_path, strict=False)
    write_down(2, found)
    assert [row[:3] for row in page()] == [
        [name, str(due), str(count)] for (name, due, _), count in zip(WAYS, found, strict=True)
    ]
    missed = [name for (name, due, _), count in zip(WAYS, found, strict=True) if due != count]
    assert missed == ["plain SQL, 3 rows"]


@pytest.mark.postgres_only
def test_the_documentation_says_what_strict_mode_records(tmp_path: Path) -> None:
    found = measure(tmp_path, strict=True)
    write_down(3, found)
    assert [row[3] for row in page()] == [str(count) for count in found]
