"""Random work of the ORM, some of it rolled back: its records alone rebuild the tables, value by value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.audit.capture import watcher
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from tests.audit.rebuilding import rebuilt, stored
from tests.museum.models import Artist, Tag, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "rebuild"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

codes = st.sampled_from("abcdef")
names = st.sampled_from(["", "x", "é\u2028", "O'Hara", '"', "%s"])
numbers = st.integers(-5, 5)
facts = st.sampled_from([{}, {"a": 1}, {"a": True}, {"a": 1.5}, [1, None], "text", 0])
values = st.fixed_dictionaries(
    {},
    optional={
        "title": names,
        "price": st.decimals(-99, 99, places=2),
        "height": st.floats(-1e6, 1e6),
        "count": numbers,
        "visible": st.booleans(),
        "facts": facts,
        "bought": st.none() | st.dates(dt.date(1900, 1, 1)),
        "seen": st.none() | st.integers(0, 4 * 10**15).map(lambda us: EPOCH + dt.timedelta(microseconds=us)),
        "lasts": st.none() | st.timedeltas(dt.timedelta(0), dt.timedelta(days=99)),
        "digest": st.none() | st.binary(max_size=4),
    },
)
steps = st.one_of(
    st.tuples(st.just("create"), codes, values),
    st.tuples(st.just("save"), codes, values),
    st.tuples(st.just("update"), codes, values),
    st.tuples(st.just("add"), codes, numbers),
    st.tuples(st.just("bulk_create"), st.lists(codes, unique=True), values),
    st.tuples(st.just("upsert"), st.lists(codes, unique=True, min_size=1), values),
    st.tuples(st.just("bulk_update"), st.lists(codes, unique=True), values),
    st.tuples(st.just("delete"), st.lists(codes), st.booleans()),
    st.tuples(st.just("link"), codes, st.lists(st.integers(0, 2), unique=True)),
    st.tuples(st.just("link_back"), st.integers(0, 2), st.lists(codes, unique=True)),
    st.tuples(st.just("artist"), codes, st.sampled_from(["artist", "keeper", "room"])),
    st.tuples(st.just("without_artist"), st.just(0), st.just(0)),
)
"""One statement of the ORM: its name and what it is done with."""

blocks = st.lists(st.tuples(st.lists(steps, max_size=4), st.booleans()), min_size=1, max_size=5)
"""Nested transactions: what is done in each, and whether it is kept."""


@pytest.fixture(autouse=True)
def _followed() -> Iterator[None]:
    audit_policies().set(OWNER, [AuditPolicy(model_label=item._meta.label_lower) for item in (Work, Artist)])
    yield
    audit_policies().drop(OWNER)


def carry_out(step: tuple[str, Any, Any], tags: Sequence[Tag]) -> None:
    """Do one step; what the database refuses is undone alone."""
    name, first, second = step
    with suppress(IntegrityError), transaction.atomic():
        _DO[name](first, second, tags)


def _save(code: str, changes: dict[str, Any]) -> None:
    for row in Work.objects.filter(code=code):
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()


def _bulk_update(found: list[str], changes: dict[str, Any]) -> None:
    rows = list(Work.objects.filter(code__in=found))
    for row in rows:
        for name, value in changes.items():
            setattr(row, name, value)
    if rows and changes:
        Work.objects.bulk_update(rows, list(changes))


def _upsert(found: list[str], changes: dict[str, Any]) -> None:
    rows = [Work(code=code, **{"title": "", **changes}) for code in found]
    fields = list(changes) or ["title"]
    Work.objects.bulk_create(rows, update_conflicts=True, unique_fields=["code"], update_fields=fields)


def _delete(found: list[str], one_by_one: bool) -> None:
    rows = Work.objects.filter(code__in=found)
    if one_by_one:
        for row in rows:
            row.delete()
    else:
        rows.delete()


def _link(code: str, tags: Sequence[Tag]) -> None:
    for row in Work.objects.filter(code=code):
        row.tags.set(tags)


def _artist(code: str, field: str) -> None:
    made = Artist.objects.create(name=code)
    Work.objects.filter(code=code).update(**{field: made})


def _without_artist() -> None:
    for made in Artist.objects.order_by("pk")[:1]:
        made.delete()


_DO: dict[str, Any] = {
    "create": lambda code, changes, _: Work.objects.create(code=code, **{"title": "t", **changes}),
    "save": lambda code, changes, _: _save(code, changes),
    "update": lambda code, changes, _: changes and Work.objects.filter(code__gte=code).update(**changes),
    "add": lambda code, count, _: Work.objects.exclude(code=code).update(count=F("count") + count),
    "bulk_create": lambda found, changes, _: Work.objects.bulk_create(
        [Work(code=code, **changes) for code in found], ignore_conflicts=True
    ),
    "upsert": lambda found, changes, _: _upsert(found, changes),
    "bulk_update": lambda found, changes, _: _bulk_update(found, changes),
    "delete": lambda found, one_by_one, _: _delete(found, one_by_one),
    "link": lambda code, chosen, tags: _link(code, [tags[at] for at in chosen]),
    "link_back": lambda at, found, tags: tags[at].works.set(Work.objects.filter(code__in=found)),
    "artist": lambda code, field, _: _artist(code, field),
    "without_artist": lambda _code, _field, _tags: _without_artist(),
}


Blocks: TypeAlias = list[tuple[list[tuple[str, Any, Any]], bool]]

quietly = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def rebuild(work: Blocks) -> None:
    """Do the work, see that its records rebuild the tables, and undo it."""
    with transaction.atomic():
        tags = [Tag.objects.create(name=name) for name in "abc"]
        for done, is_kept in work:
            with transaction.atomic():
                for step in done:
                    carry_out(step, tags)
                with transaction.atomic():
                    carry_out(("add", "a", 1), tags)
                    transaction.set_rollback(True)
                transaction.set_rollback(not is_kept)
        assert rebuilt() == stored()
        transaction.set_rollback(True)


@quietly
@given(blocks)
def test_records_rebuild_the_tables_whatever_was_done_and_undone(work: Blocks) -> None:
    rebuild(work)


@quietly
@given(blocks)
def test_records_that_the_database_writes_itself_rebuild_the_tables_too(work: Blocks) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watcher, "MANY", 1)
        followed = AuditPolicy(
            model_label="museum.work", exclude=frozenset({"digest"})
        )  # SQLite leaves bytes to Python
        audit_policies().set(OWNER, [followed, AuditPolicy(model_label="museum.artist")])
        rebuild([([_without_digest(step) for step in done], is_kept) for done, is_kept in work])


def _without_digest(step: tuple[str, Any, Any]) -> tuple[str, Any, Any]:
    name, first, second = step
    if isinstance(second, dict):
        second = {key: value for key, value in second.items() if key != "digest"}
    return name, first, second


def test_a_rebuilt_row_has_its_decimals_digit_by_digit() -> None:
    Work.objects.create(title="t", code="a", price=Decimal("1.10"))
    ((_, row),) = rebuilt().items()
    assert row["price"] == "1.10"
