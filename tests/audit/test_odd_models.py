"""Models and writes of rare forms: each leaves the records that are due, of the rows that it is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, models, transaction

from gridkit_django.audit.capture.plans import KEY_MAX
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.triggers import Triggers
from gridkit_django.checks import check_audited_keys
from gridkit_django.exceptions import AuditUnavailableError
from gridkit_django.models import AuditRecord
from tests.audit.test_capture import Trail
from tests.museum.models import Artist, Tag, Work
from tests.museum.odd import Cabinet, Case, Guild, Membership, Painter, Seat, Sign, Visit

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "odd"


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


def follow(*followed: type[models.Model]) -> Trail:
    audit_policies().set(OWNER, [AuditPolicy(model_label=item._meta.label_lower) for item in followed])
    return Trail()


def test_child_whose_key_is_no_number_is_told_with_what_it_inherits() -> None:
    trail = follow(Cabinet)
    made = Cabinet.objects.create(name="oak", shelves=2)
    ((action, _, key, changes),) = trail()
    assert (action, key) == ("row.create", str(made.pk))
    assert changes == {"name": [None, "oak"], "shelves": [None, 2]}
    Case.objects.update(name="ash")
    assert trail.changes() == [{"name": ["oak", "ash"]}]
    made.delete()
    ((_, _, _, changes),) = trail()
    assert changes == {"name": ["ash", None], "shelves": [2, None]}
    assert set(AuditRecord.objects.values_list("target_label", flat=True)) == {"oak", "ash"}


def test_pairs_that_lead_to_a_row_by_another_value_are_told_under_its_key() -> None:
    painter, guild = Painter.objects.create(code="ada"), Guild.objects.create(word="oil")
    trail = follow(Painter)
    guild.painters.add(painter)
    key = str(painter.pk)
    assert trail() == [("row.update", "museum.painter", key, {"guilds": [[], ["oil"]]})]
    painter.delete()
    ((action, _, deleted, changes),) = trail()
    assert (action, deleted) == ("row.delete", key)
    assert changes == {"code": ["ada", None], "guilds": [["oil"], None]}


@pytest.mark.postgres_only
def test_triggers_tell_pairs_that_lead_to_a_row_by_another_value_under_its_key() -> None:
    painter, guild = Painter.objects.create(code="ada"), Guild.objects.create(word="oil")
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.painter", strict=True)])
    Triggers(connection, audit_policies().table).install()
    guild.painters.add(painter)
    Membership.objects.create(painter=None, guild=guild)
    (told,) = AuditRecord.objects.all()
    assert (told.target_id, told.target_label, told.changes) == (str(painter.pk), "ada", {"guilds": [[], ["oil"]]})


def test_pair_that_leads_to_nobody_is_nobodys_change() -> None:
    painter, guild = Painter.objects.create(code="ada"), Guild.objects.create(word="oil")
    trail = follow(Painter)
    Membership.objects.create(painter=None, guild=guild)
    assert trail() == []
    Membership.objects.update(painter=painter)
    assert trail() == [("row.update", "museum.painter", str(painter.pk), {"guilds": [[], ["oil"]]})]


def upsert(*visits: Visit, by: str = "word") -> None:
    Visit.objects.bulk_create(visits, update_conflicts=True, unique_fields=[by], update_fields=["count"])


def test_upsert_by_a_value_that_the_field_makes_meets_the_row_that_has_it() -> None:
    trail = follow(Visit)
    upsert(Visit(word="ABC", count=1))
    upsert(Visit(word="ABC", count=2))
    assert [changes["count"] for _, _, _, changes in trail()] == [[None, 1], [1, 2]]


def test_upsert_by_nothing_is_a_new_row() -> None:
    trail = follow(Visit)
    upsert(Visit(word="a", count=1), by="alias")
    upsert(Visit(word="b", count=2), by="alias")
    assert [action for action, _, _, _ in trail()] == ["row.create", "row.create"]


@pytest.mark.parametrize("more", [0, 40], ids=["few", "many"])
def test_row_that_one_upsert_writes_twice_is_made_once(more: int) -> None:
    trail = follow(Visit)
    rows = (Visit(word="a", count=1), Visit(word="a", count=2), *(Visit(word=f"w{at}") for at in range(more)))
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match="a second time"), transaction.atomic():
            upsert(*rows)
        assert trail() == []
        return
    upsert(*rows)
    told = [(action, changes["count"]) for action, _, _, changes in trail() if changes["count"] != [None, 0]]
    assert told == ([("row.create", [None, 2])] if more else [("row.create", [None, 1]), ("row.update", [1, 2])])


def test_key_of_several_columns_is_the_same_text_however_its_row_is_written() -> None:
    trail = follow(Seat)
    Seat.objects.create(room="Süd", number=1).delete()
    Seat.objects.create(room="Süd", number=1)
    Seat.objects.update(taken=True)
    Seat.objects.all().delete()
    assert {key for _, _, key, _ in trail()} == {'["Süd",1]'}


def test_condition_that_chooses_other_rows_when_it_is_asked_again_is_told_of_those_that_changed() -> None:
    artist = Artist.objects.create(name="Ada")
    for at in range(20):
        Work.objects.create(title="x", code=f"w{at}", artist=artist)
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.work", encrypt=frozenset({"title"}))])
    for _ in range(3):
        Work.objects.filter(pk__in=Work.objects.filter(title="x").order_by("?").values("pk")[:1]).update(title="y")
    told = AuditRecord.objects.filter(action="row.update").values_list("target_id", flat=True)
    assert sorted(map(int, told)) == sorted(Work.objects.filter(title="y").values_list("pk", flat=True))


def test_document_of_many_levels_is_no_reason_to_refuse_a_write() -> None:
    facts: dict[str, object] = {}
    for _ in range(200):
        facts = {"in": facts}
    trail = follow(Work)
    Work.objects.create(title="x", code="x", facts=facts)
    Work.objects.update(count=1)
    Work.objects.get().delete()
    assert [changes.get("facts") for _, _, _, changes in trail()] == [[None, facts], None, [facts, None]]


@pytest.mark.parametrize("count", [1, 40], ids=["one", "many"])
def test_key_that_no_record_can_hold_is_refused_and_named(count: int) -> None:
    follow(Sign)
    Sign.objects.create(text="k" * KEY_MAX)
    rows = [Sign(text=f"{at:03}{'k' * 198}") for at in range(count)]
    with pytest.raises(AuditUnavailableError, match=r"Sign has a key of 201 characters"), transaction.atomic():
        Sign.objects.bulk_create(rows)
    assert Sign.objects.count() == 1
    assert AuditRecord._meta.get_field("target_id").max_length == KEY_MAX


def test_check_names_followed_models_whose_keys_may_be_too_long() -> None:
    follow(Sign, Seat, Tag)
    (advice,) = check_audited_keys()
    assert (advice.id, advice.obj) == ("gridkit.W009", Sign)


def test_half_a_surrogate_pair_in_a_document_becomes_the_replacement_character_however_many_rows_there_are() -> None:
    trail = follow(Work)
    facts = {"half": "\ud800", "low": "\udc00x", "pair": "\U0001f600", "nul": "\x00", "text": "\\ud800"}
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match=r"surrogate|Unicode"), transaction.atomic():
            Work.objects.create(title="x", code="x", facts=facts)
        assert trail() == []
        return
    Work.objects.create(title="x", code="x", facts=facts)
    Work.objects.bulk_create([Work(title="x", code=f"w{at}", facts=facts) for at in range(40)])
    told = {"half": "\ufffd", "low": "\ufffdx", "pair": "\U0001f600", "nul": "\ufffd", "text": "\\ud800"}
    assert [changes["facts"] for _, _, _, changes in trail()] == [[None, told]] * 41
