"""A key management service that is down, or gives other keys: nothing is written that nobody could read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

from gridkit_django.audit.delivery import declare_destination, deliver_all
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy import Revealer
from gridkit_django.audit.privacy.subject_keys import id_of, subject_keys
from gridkit_django.exceptions import AuditKeyError, AuditKeyServiceError
from gridkit_django.models import AuditDestination, AuditRecord, AuditSubjectKey, DeliveryState
from tests.audit.chains import key, sealer, write
from tests.audit.receivers import Inbox, collect, web_server
from tests.museum.models import Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Service:
    """A service of a test, in one of several states."""

    master_id = "service-1"
    state = "well"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        if self.state == "down":
            raise ConnectionError("timed out")
        return key[::-1]

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        if self.state == "down":
            raise ConnectionError("timed out")
        return {"other": bytes(32), "short": b"short"}.get(self.state, wrapped[::-1])


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Say how the service is; open keys are forgotten."""
    own = {"AUDIT_KEY_PROVIDER": f"{__name__}.Service", "AUDIT_ALLOW_CLEAR": True, "AUDIT_ALLOW_PRIVATE": True}

    def becomes(state: str) -> None:
        subject_keys().forget()
        monkeypatch.setattr(Service, "state", state)

    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **own}):
        becomes("well")
        audit_policies().set("tests", [AuditPolicy(model_label="museum.work", encrypt=frozenset({"title"}))])
        yield becomes
    audit_policies().drop("tests")
    subject_keys().forget()


@pytest.fixture
def reader() -> User:
    user = User.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="decrypt_audit"))
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize(
    ("state", "fault", "told"),
    [
        ("down", AuditKeyServiceError, r"did not answer \(ConnectionError\)"),
        ("other", AuditKeyError, "not the key that was wrapped"),
        ("short", AuditKeyError, "not the key that was wrapped"),
    ],
)
def test_nothing_is_written_or_read_while_a_service_is_down_or_gives_another_key(
    service: Callable[[str], None], reader: User, state: str, fault: type[AuditKeyError], told: str
) -> None:
    work = Work.objects.create(title="Sunflowers", code="1")
    record = AuditRecord.objects.get(action="row.create")
    service(state)

    acts: list[Callable[[], object]] = [
        lambda: Work.objects.filter(pk=work.pk).update(title="Irises"),
        lambda: Work.objects.create(title="Poppies", code="2"),
        lambda: Revealer(reader).reveal([record]),
    ]
    for act in acts:
        with pytest.raises(fault, match=told), transaction.atomic():
            act()

    service("well")
    assert list(Work.objects.values_list("title", flat=True)) == ["Sunflowers"]
    assert Revealer(reader).reveal([record]) == [{"title": [None, "Sunflowers"]}]


def test_keys_are_not_wrapped_anew_while_the_service_gives_another_key(service: Callable[[str], None]) -> None:
    Work.objects.create(title="Sunflowers", code="1")
    AuditSubjectKey.objects.update(master_id="service-0")
    before = bytes(AuditSubjectKey.objects.get().wrapped or b"")
    service("down")
    with pytest.raises(AuditKeyServiceError):
        call_command("gridkit_audit_rewrap")
    service("other")
    with pytest.raises(Exception, match=str(AuditSubjectKey.objects.get().pk)):
        call_command("gridkit_audit_rewrap")

    assert bytes(AuditSubjectKey.objects.get().wrapped or b"") == before


def test_key_with_a_random_id_from_before_is_still_opened(service: Callable[[str], None], reader: User) -> None:
    assert (id_of(b"k" * 32).version, id_of(b"k" * 32)) == (8, id_of(b"k" * 32))
    old = AuditSubjectKey.objects.create(subject="x", wrapped=(b"k" * 32)[::-1], master_id="service-1")

    assert old.pk.version == 4
    assert subject_keys().opened(old).key == b"k" * 32


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with web_server() as found:
        yield found


def test_destination_whose_secret_can_not_be_opened_now_waits_and_the_others_go_on(
    service: Callable[[str], None], inbox: Inbox
) -> None:
    write(3)
    sealer(key()).run()
    collect.taken = []
    declare_destination("first", f"http://{inbox.url}/", secret="s" * 30)
    declare_destination("second", "tests.audit.receivers.collect")
    service("down")

    assert [(report.name, report.records) for report in deliver_all()] == [("first", 0), ("second", 3)]

    first = AuditDestination.objects.get(name="first")
    assert (first.state, first.leased_until) == (DeliveryState.WAITING, None)
    assert "did not answer" in first.last_error
