"""Children with a table of their own: what one act changes in several tables is one record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save
from django.utils import timezone

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.state import state_at
from gridkit_django.models import AuditRecord
from tests.museum.models import Hall, Place

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "families"


@pytest.fixture(autouse=True)
def _followed() -> Iterator[None]:
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.hall")])
    yield
    audit_policies().drop(OWNER)


@pytest.fixture
def hall() -> Hall:
    return Hall.objects.create(name="Blue", seats=1)


def updates() -> list[dict[str, Any]]:
    return list(AuditRecord.objects.filter(action="row.update").order_by("pk").values_list("changes", flat=True))


@contextmanager
def told_after_save(handler: Any) -> Iterator[None]:
    post_save.connect(handler, sender=Hall)
    try:
        yield
    finally:
        post_save.disconnect(handler, sender=Hall)


def test_save_of_fields_in_both_tables_is_one_record_from_which_the_row_is_rebuilt(hall: Hall) -> None:
    hall.name, hall.seats = "Red", 2
    hall.save()
    assert updates() == [{"name": ["Blue", "Red"], "seats": [1, 2]}]
    found = AuditRecord.objects.latest("pk")
    state = state_at(Hall, hall.pk, found.occurred_at)
    assert state.values == {"name": "Red", "open": True, "seats": 2}
    assert found.target_label == "Red"


def test_state_of_a_child_says_which_fields_are_recorded_under_its_parent(hall: Hall) -> None:
    audit_policies().set(OWNER, [AuditPolicy(model_label=name) for name in ("museum.hall", "museum.place")])
    made = Hall.objects.create(name="Blue", seats=1)

    state = state_at(Hall, made.pk, timezone.now())
    assert (state.certain, state.values["seats"]) == (False, 1)
    assert state.why == "Recorded under museum.place, where to look for it: name, open."
    assert state_at(Place, made.pk, timezone.now()).values == {"name": "Blue", "open": True}
    assert state_at(Hall, hall.pk, timezone.now()).certain, (
        "its creation was recorded while the parent was not followed"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"name": "Red"}, {"name": ["Blue", "Red"]}), ({"seats": 2}, {"seats": [1, 2]}), ({}, None)],
)
def test_save_of_fields_in_one_table_or_none_is_told_as_it_is(
    hall: Hall, changes: dict[str, Any], told: dict[str, Any] | None
) -> None:
    for name, value in changes.items():
        setattr(hall, name, value)
    hall.save()
    assert updates() == ([] if told is None else [told])


def test_update_of_many_rows_is_one_record_for_each(hall: Hall) -> None:
    other = Hall.objects.create(name="Green", seats=5)
    Hall.objects.update(name="Red", seats=5)
    assert sorted(updates(), key=len) == [{"name": ["Green", "Red"]}, {"seats": [1, 5], "name": ["Blue", "Red"]}]
    assert AuditRecord.objects.filter(action="row.update", target_id=str(other.pk)).count() == 1


def test_row_that_is_saved_again_by_a_signal_has_a_record_of_its_own(hall: Hall) -> None:
    def again(instance: Hall, **_kwargs: Any) -> None:
        if instance.seats < 9:
            instance.name, instance.seats = "Again", 9
            instance.save()

    with told_after_save(again):
        hall.name, hall.seats = "Red", 2
        hall.save()
    assert updates() == [{"name": ["Blue", "Red"], "seats": [1, 2]}, {"name": ["Red", "Again"], "seats": [2, 9]}]


def test_save_that_fails_half_way_leaves_nothing_and_holds_nothing_back(hall: Hall) -> None:
    hall.name, hall.seats = "Red", None  # type: ignore[assignment]
    with pytest.raises(IntegrityError), transaction.atomic():
        hall.save()
    assert updates() == []
    Place.objects.update(name="All")
    assert updates() == [{"name": ["Blue", "All"]}]


@pytest.mark.django_db(transaction=True)
def test_handler_that_fails_after_the_save_does_not_undo_it(hall: Hall) -> None:
    class HandlerError(Exception):
        pass

    def fail(**_kwargs: Any) -> None:
        assert not connection.in_atomic_block, "handlers are called outside of the transaction of the save"
        raise HandlerError

    hall.name, hall.seats = "Red", 2
    with told_after_save(fail), pytest.raises(HandlerError):
        hall.save()
    assert updates() == [{"name": ["Blue", "Red"], "seats": [1, 2]}]


def test_parent_that_is_followed_itself_has_records_of_its_own(hall: Hall) -> None:
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.hall"), AuditPolicy(model_label="museum.place")])
    hall.name, hall.seats = "Red", 2
    hall.save()
    assert updates() == [{"name": ["Blue", "Red"]}, {"seats": [1, 2]}]
