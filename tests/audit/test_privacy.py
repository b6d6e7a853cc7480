"""Personal data in the trail: masked and encrypted before it is stored, readable with a right, forgotten with a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.audit.canonical import canonical_of, operation_text
from gridkit_django.audit.mac import MacCheck, check_mac
from gridkit_django.audit.masks import MASK, masked
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy import ERASED, Revealer, Subject, erase_subject, is_sealed, reach, reach_of
from gridkit_django.audit.privacy.ciphers import Place, key_id_of, open_sealed, seal
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.retention import HoldScope, place_hold, release_hold
from gridkit_django.exceptions import AccessDeniedError, AuditKeyError, AuditPolicyError
from gridkit_django.models import AuditRecord, AuditSubjectKey
from tests.museum.models import Artist, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

WORK, ARTIST = "museum.work", "museum.artist"


@pytest.fixture
def follow() -> Iterator[Callable[..., None]]:
    """Follows works under a policy with these options."""

    def declared(**options: Any) -> None:
        audit_policies().set("tests", [AuditPolicy(model_label=WORK, **options)])

    yield declared
    audit_policies().drop("tests")
    subject_keys().forget()


@pytest.fixture
def reader() -> User:
    user = User.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="decrypt_audit"))
    return User.objects.get(pk=user.pk)


def painted(title: str, **values: Any) -> Work:
    """Make a work."""
    return Work.objects.create(title=title, code=uuid4().hex[:20], **values)


def last() -> AuditRecord:
    found = AuditRecord.objects.filter(action__startswith="row.").order_by("-pk").first()
    assert found is not None
    return found


def stored_text() -> str:
    """Return all that the tables of the trail hold, as the database gives it."""
    told = []
    with connection.cursor() as cursor:
        for table in ("auditrecord", "auditoperation", "auditsubjectkey"):
            cursor.execute(f"SELECT * FROM gridkit_django_{table}")
            told += [str([bytes(item) if isinstance(item, memoryview) else item for item in row]) for row in cursor]
    return "\n".join(told)


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        ("full", "Ada", MASK),
        ("full", None, MASK),
        ("end", "DE89370400440532013000", f"{MASK}3000"),
        ("end", "12345678", MASK),
        ("email", "ada@example.org", f"{MASK}@example.org"),
        ("email", "no address", MASK),
        ("year", "1815-12-10", f"1815-{MASK}"),
        ("year", "yesterday", MASK),
        ("initial", "Ada", f"A{MASK}"),
        ("initial", "Al", MASK),
        ("network", "192.0.2.17", f"192.0.{MASK}"),
        ("network", "2001:db8:1:2:3:4:5:6", f"2001:db8:1:{MASK}"),
        ("network", "::1", MASK),
        ("end", 123456789, f"{MASK}6789"),
        ("end", True, MASK),
        ("initial", ["Ada"], MASK),
    ],
)
def test_mask_shows_no_more_than_its_form_says(form: str, value: Any, shown: str) -> None:
    assert masked(value, form) == shown


def test_masked_field_tells_that_it_changed_and_not_what(follow: Callable[..., None]) -> None:
    follow(mask=frozenset({"title"}))
    work = painted("The secret sitter")

    Work.objects.filter(pk=work.pk).update(title="Another sitter")

    assert last().changes == {"title": [MASK, MASK]}
    assert "sitter" not in stored_text()


def test_form_of_a_mask_shows_a_part_on_the_sides_that_there_are(follow: Callable[..., None]) -> None:
    follow(mask=frozenset({"title"}), mask_forms={"title": "initial"})

    work = painted("Sunflowers")
    created = last().changes["title"]
    work.title = "Irises"
    work.save()

    assert created == [None, f"S{MASK}"]
    assert last().changes["title"] == [f"S{MASK}", f"I{MASK}"]


def test_policies_that_disagree_about_a_mask_mask_whole() -> None:
    part = AuditPolicy(model_label=WORK, mask=frozenset({"title"}), mask_forms={"title": "end"})
    whole = AuditPolicy(model_label=WORK, mask=frozenset({"title"}))
    silent = AuditPolicy(model_label=WORK)

    assert dict(part.joined(whole).mask_forms) == dict(whole.joined(part).mask_forms) == {}
    assert dict(part.joined(silent).mask_forms) == dict(silent.joined(part).mask_forms) == {"title": "end"}


@pytest.mark.parametrize(
    "options", [{"mask_forms": {"title": "end"}}, {"mask": {"title"}, "mask_forms": {"title": "x"}}]
)
def test_wrong_form_of_a_mask_is_refused(follow: Callable[..., None], options: dict[str, Any]) -> None:
    with pytest.raises(AuditPolicyError, match="title"):
        follow(**options)


def test_encrypted_value_is_nowhere_in_the_trail_and_the_reader_gets_it_back(
    follow: Callable[..., None], reader: User
) -> None:
    follow(encrypt=frozenset({"title"}))
    work = painted("Sunflowers")
    work.title = "Irises"
    work.save()
    record = last()

    assert all(is_sealed(side) for side in record.changes["title"])
    assert "Irises" not in stored_text()
    assert "Sunflowers" not in stored_text()
    assert check_mac(record) is MacCheck.RIGHT

    assert Revealer(reader).reveal([record]) == [{"title": ["Sunflowers", "Irises"]}]
    looked = AuditRecord.objects.get(action="audit.decrypt")
    assert looked.evidence == {"record": str(record.uuid), "fields": ["title"]}


def test_reader_without_the_right_is_refused(follow: Callable[..., None]) -> None:
    with pytest.raises(AccessDeniedError, match="decrypt_audit"):
        Revealer(User.objects.create_user("nosy"))


def test_creation_and_deletion_encrypt_the_one_side_that_there_is(follow: Callable[..., None]) -> None:
    follow(encrypt=frozenset({"title"}))
    work = painted("Sunflowers")
    created = last().changes["title"]
    work.delete()
    deleted = last().changes["title"]

    assert (created[0], is_sealed(created[1])) == (None, True)
    assert (is_sealed(deleted[0]), deleted[1]) == (True, None)


def test_erased_subject_can_not_be_read_any_more_and_its_records_still_prove_themselves(
    follow: Callable[..., None], reader: User
) -> None:
    follow(encrypt=frozenset({"title"}))
    work, other = painted("Sunflowers"), painted("Irises")
    of_work, of_other = AuditRecord.objects.filter(action="row.create").order_by("pk")
    before = canonical_of(of_work, operation_text(of_work.operation)).line(of_work.pk)

    done = erase_subject(Subject(WORK, str(work.pk)))

    found = AuditRecord.objects.get(pk=of_work.pk)
    assert canonical_of(found, operation_text(found.operation)).line(found.pk) == before
    assert check_mac(found) is MacCheck.RIGHT
    assert Revealer(reader).reveal([found, of_other]) == [{"title": [None, ERASED]}, {"title": [None, "Irises"]}]
    told = AuditRecord.objects.get(action="audit.erase")
    assert [told.target_id] == list(done.keys)
    assert str(work.pk) not in (told.target_id, told.target_label)
    assert other.pk


def test_what_is_written_after_an_erasure_gets_a_new_key(follow: Callable[..., None], reader: User) -> None:
    follow(encrypt=frozenset({"title"}))
    work = painted("Sunflowers")
    erase_subject(Subject(WORK, str(work.pk)))

    work.title = "Irises"
    work.save()

    assert Revealer(reader).reveal([last()]) == [{"title": ["Sunflowers", "Irises"]}]
    assert AuditSubjectKey.objects.filter(erased_at=None).count() == 1


def test_field_of_the_policy_says_whom_a_row_speaks_of(follow: Callable[..., None], reader: User) -> None:
    follow(encrypt=frozenset({"title"}), subject="artist")
    ada, bob = Artist.objects.create(name="Ada"), Artist.objects.create(name="Bob")
    work = painted("One", artist=ada)
    Work.objects.filter(pk=work.pk).update(title="Two")
    of_ada = last()
    work.refresh_from_db()
    work.title, work.artist = "Three", bob
    work.save()
    of_both = last()

    erase_subject(Subject(ARTIST, str(ada.pk)))

    assert Revealer(reader).reveal([of_ada, of_both]) == [{"title": [ERASED, ERASED]}, {"title": [ERASED, "Three"]}]


def test_value_moved_to_another_record_or_field_can_not_be_read(follow: Callable[..., None]) -> None:
    follow(encrypt=frozenset({"title"}))
    painted("Sunflowers")
    record, key = last(), subject_keys().opened(AuditSubjectKey.objects.get())
    value = record.changes["title"][1]

    assert open_sealed(value, Place(record.uuid, "title", 1), key.key) == "Sunflowers"
    for place in (Place(record.uuid, "title", 0), Place(record.uuid, "other", 1), Place(key.id, "title", 1)):
        with pytest.raises(AuditKeyError, match="changed or moved"):
            open_sealed(value, place, key.key)


@pytest.mark.parametrize("damaged", ["no-uuid:AAAA", "::", ""])
def test_damaged_value_is_named_as_such(follow: Callable[..., None], reader: User, damaged: str) -> None:
    follow()
    painted("Sunflowers")
    record = last()
    record.changes = {"title": [None, {"$enc": damaged}]}

    with pytest.raises(AuditKeyError, match="names no key"):
        Revealer(reader).reveal([record])


def test_key_that_was_removed_past_us_is_named(follow: Callable[..., None], reader: User) -> None:
    follow(encrypt=frozenset({"title"}))
    painted("Sunflowers")
    AuditSubjectKey.objects.all().delete()

    with pytest.raises(AuditKeyError, match="not stored"):
        Revealer(reader).reveal([last()])


@pytest.mark.django_db(transaction=True)
def test_key_of_a_transaction_that_was_rolled_back_is_not_used_again(follow: Callable[..., None]) -> None:
    follow(encrypt=frozenset({"title"}), subject="artist")
    ada = Artist.objects.create(name="Ada")
    with transaction.atomic():
        painted("Never", artist=ada)
        transaction.set_rollback(True)

    painted("Sunflowers", artist=ada)

    opened = subject_keys().opened(AuditSubjectKey.objects.get())
    record = last()
    assert open_sealed(record.changes["title"][1], Place(record.uuid, "title", 1), opened.key) == "Sunflowers"


@pytest.mark.django_db(transaction=True)
def test_key_is_asked_of_the_database_once_in_a_while(
    follow: Callable[..., None],
) -> None:
    follow(encrypt=frozenset({"title"}))
    work = painted("Sunflowers")

    def asked() -> int:
        return sum("auditsubjectkey" in query["sql"] for query in connection.queries_log)

    with override_settings(DEBUG=True):
        connection.queries_log.clear()
        Work.objects.filter(pk=work.pk).update(title="Irises")
        assert asked() == 0
        subject_keys().forget()
        Work.objects.filter(pk=work.pk).update(title="Poppies")
        assert asked() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("subject", ["", "artist"])
def test_keys_of_many_rows_are_made_and_asked_for_together(
    follow: Callable[..., None], django_assert_max_num_queries: Any, subject: str
) -> None:
    artists = Artist.objects.bulk_create([Artist(name=str(at)) for at in range(40)])
    follow(encrypt=frozenset({"title"}), subject=subject)
    with django_assert_max_num_queries(20):
        Work.objects.bulk_create([Work(title=f"t{at}", code=str(at), artist=artists[at]) for at in range(40)])
    with django_assert_max_num_queries(10):
        Work.objects.update(title="all")
    assert AuditSubjectKey.objects.count() == 40
    records = list(AuditRecord.objects.filter(target_type="museum.work", action="row.update"))
    keys = {row.pk: row for row in AuditSubjectKey.objects.all()}
    shown = [record.changes["title"] for record in records]
    assert {key_id_of(before) for before, _ in shown} == keys.keys()
    for record, (before, after) in zip(records, shown, strict=True):
        opened = subject_keys().opened(keys[key_id_of(before)])
        assert open_sealed(after, Place(record.uuid, "title", 1), opened.key) == "all"


def settings_with(**values: Any) -> dict[str, Any]:
    return {**django_settings.GRIDKIT, **values}


def test_master_key_is_rotated_without_encrypting_a_value_anew(follow: Callable[..., None], reader: User) -> None:
    follow(encrypt=frozenset({"title"}))
    with override_settings(GRIDKIT=settings_with(AUDIT_MASTER_KEYS=["an old long text"])):
        follow(encrypt=frozenset({"title"}))
        painted("Sunflowers")
    both = settings_with(AUDIT_MASTER_KEYS=["a new long text", "an old long text"])
    with override_settings(GRIDKIT=both):
        with pytest.raises(CommandError, match="before you take"):
            call_command("gridkit_audit_rewrap", "--check")
        call_command("gridkit_audit_rewrap")
        call_command("gridkit_audit_rewrap", "--check")
    subject_keys().forget()
    with override_settings(GRIDKIT=settings_with(AUDIT_MASTER_KEYS=["a new long text"])):
        assert Revealer(reader).reveal([last()]) == [{"title": [None, "Sunflowers"]}]
    assert AuditRecord.objects.get(action="audit.rewrap").evidence == {"keys": 1}


def test_key_of_no_master_key_is_named_and_left_alone(follow: Callable[..., None], reader: User) -> None:
    with override_settings(GRIDKIT=settings_with(AUDIT_MASTER_KEYS=["a lost text"])):
        follow(encrypt=frozenset({"title"}))
        painted("Sunflowers")
    subject_keys().forget()

    with pytest.raises(AuditKeyError, match="AUDIT_MASTER_KEYS"):
        Revealer(reader).reveal([last()])
    with pytest.raises(CommandError, match=str(AuditSubjectKey.objects.get().pk)):
        call_command("gridkit_audit_rewrap")


def test_changed_wrapped_key_is_refused(follow: Callable[..., None], reader: User) -> None:
    follow(encrypt=frozenset({"title"}))
    painted("Sunflowers")
    AuditSubjectKey.objects.update(wrapped=b"x" * 60)

    with pytest.raises(AuditKeyError, match="was changed"):
        Revealer(reader).reveal([last()])


class Vault:
    """A key management service of a test: it keeps nothing and turns bytes around."""

    master_id = "vault-1"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return key[::-1] + context

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        assert (master_id, wrapped[32:]) == ("vault-1", context)
        return wrapped[31::-1]


def test_provider_of_the_settings_wraps_the_keys(follow: Callable[..., None], reader: User) -> None:
    with override_settings(GRIDKIT=settings_with(AUDIT_KEY_PROVIDER=f"{__name__}.Vault")):
        follow(encrypt=frozenset({"title"}))
        painted("Sunflowers")
        subject_keys().forget()

        assert AuditSubjectKey.objects.get().master_id == "vault-1"
        assert Revealer(reader).reveal([last()]) == [{"title": [None, "Sunflowers"]}]


def test_erase_command_tells_what_it_would_do_and_does_it(follow: Callable[..., None], capsys: Any) -> None:
    follow(encrypt=frozenset({"title"}))
    work = painted("Sunflowers")

    call_command("gridkit_audit_erase", "museum.Work", str(work.pk), "--dry-run")
    assert "would be destroyed" in capsys.readouterr().out
    assert AuditSubjectKey.objects.get().wrapped is not None

    call_command("gridkit_audit_erase", "museum.Work", str(work.pk), "--reason", "asked by letter")
    assert "was destroyed" in capsys.readouterr().out
    assert AuditSubjectKey.objects.get().wrapped is None
    assert AuditRecord.objects.get(action="audit.erase").operation.reason == "asked by letter"

    call_command("gridkit_audit_erase", "museum.Work", str(work.pk))
    assert "There is no key of museum.work" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"no model museum\.Nothing"):
        call_command("gridkit_audit_erase", "museum.Nothing", "1")


def test_erase_command_tells_what_would_be_closed_and_which_hold_forbids_it(
    follow: Callable[..., None], capsys: Any
) -> None:
    follow(encrypt=frozenset({"title"}))
    work, other = painted("Sunflowers"), painted("Irises")
    work.title = "Roses"
    work.save()
    hold = place_hold("case 7", "the court", HoldScope(target_type=WORK, target_id=str(work.pk)))

    call_command("gridkit_audit_erase", "museum.Work", str(work.pk), "--dry-run")
    told = capsys.readouterr().out
    assert "2 records would be closed" in told
    assert "  2 of museum.work" in told
    assert "Forbidden by the legal hold case 7." in told
    with pytest.raises(CommandError, match="case 7"):
        call_command("gridkit_audit_erase", "museum.Work", str(work.pk))
    call_command("gridkit_audit_erase", "museum.Work", str(other.pk))
    release_hold(hold)
    with CaptureQueriesContext(connection) as asked:
        call_command("gridkit_audit_erase", "museum.Work", str(work.pk))
    if connection.vendor == "postgresql":
        assert any("IN SHARE MODE" in query["sql"] for query in asked), "no hold may be placed meanwhile"
    assert not AuditSubjectKey.objects.filter(erased_at=None).exists()


def test_reach_looks_through_the_trail_stretch_by_stretch_and_says_when_it_stopped(
    follow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "STRETCH", 1)
    follow(encrypt=frozenset({"title"}))
    work = painted("Sunflowers")
    for title in ("Roses", "Tulips"):
        work.title = title
        work.save()
    subject = Subject(WORK, str(work.pk))

    whole, part = reach_of(subject), reach_of(subject, seconds=0.0)

    assert (whole.records, dict(whole.by_type), whole.is_complete) == (3, {WORK: 3}, True)
    assert whole.first is not None
    assert whole.last is not None
    assert whole.first < whole.last
    assert list(whole.sample) == sorted(whole.sample, reverse=True)
    assert (part.records, part.is_complete) == (1, False)
    assert reach_of(Subject(WORK, "-1")).records == 0


def test_subject_by_a_value_is_erased_by_naming_the_field(follow: Callable[..., None], reader: User) -> None:
    follow(encrypt=frozenset({"facts"}), subject="title")
    painted("Sunflowers", facts={"sold": True})

    call_command("gridkit_audit_erase", "museum.Work.title", "Sunflowers")

    assert Revealer(reader).reveal([last()]) == [{"facts": [None, ERASED]}]


def test_same_value_is_never_encrypted_to_the_same_text(follow: Callable[..., None]) -> None:
    place, key = Place(subject_key := AuditSubjectKey().pk, "f", 0), bytes(32)

    assert json.dumps(seal("v", place, subject_key, key)) != json.dumps(seal("v", place, subject_key, key))
