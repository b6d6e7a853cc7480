"""Labels of rows in their records: of the time of the act, from a column, and never what a policy hides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridkit_django.audit import audit_policies
from gridkit_django.audit.capture.set_based import MANY
from gridkit_django.audit.labels import label_field
from gridkit_django.audit.policies import AuditPolicy, policies_of_settings
from gridkit_django.audit.triggers import Triggers
from gridkit_django.exceptions import AuditPolicyError
from gridkit_django.grids import Grid
from gridkit_django.models import AuditRecord
from gridkit_django.plugins.follows import grid_policy
from tests.museum.models import Artist, Hall, Key, Place, Tag, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "labels"


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


@pytest.fixture(params=["captured", pytest.param("strict", marks=pytest.mark.postgres_only)])
def strict(request: pytest.FixtureRequest) -> bool:
    """Whether triggers write the records."""
    return bool(request.param == "strict")


def follow(strict: bool, *models: Any, **options: Any) -> None:
    policies = [AuditPolicy(model_label=item._meta.label_lower, strict=strict, **options) for item in models]
    audit_policies().set(OWNER, policies)
    if strict:
        Triggers(connection, audit_policies().table).install()


def told() -> list[tuple[str, str]]:
    """Return action and label of each record, oldest first."""
    return [(item.action.removeprefix("row."), item.target_label) for item in AuditRecord.objects.order_by("pk")]


def test_label_is_that_of_the_time_of_the_act(strict: bool) -> None:
    follow(strict, Work)
    work = Work.objects.create(title="Dawn", code="a")
    Work.objects.filter(pk=work.pk).update(count=1)
    Work.objects.filter(pk=work.pk).update(title="Dusk")
    work.tags.add(Tag.objects.create(name="x"))
    work.delete()
    before = [("create", "Dawn"), ("update", "Dawn"), ("update", "Dusk")]
    assert told()[:4] == [*before, ("update", "Dusk")], "the last one is of the tag"
    assert list(dict.fromkeys(told())) == [*before, ("delete", "Dusk")]


def test_labels_of_many_rows_take_no_query_each(strict: bool) -> None:
    follow(strict, Work)
    with CaptureQueriesContext(connection) as asked:
        Work.objects.bulk_create([Work(title=f"t{at}", code=f"c{at}") for at in range(MANY + 1)])
        Work.objects.update(count=2)
        Work.objects.filter(code__in=["c1", "c2"]).update(count=3)
    assert len(asked) < 30
    labels = [label for action, label in told() if action == "create"]
    assert labels == [f"t{at}" for at in range(MANY + 1)]
    assert sorted(label for action, label in told() if action == "update")[:5] == ["t0", "t1", "t1", "t10", "t11"]


def test_label_of_a_child_comes_from_the_table_of_its_parent(strict: bool) -> None:
    follow(strict, Hall)
    hall = Hall.objects.create(name="Blue", seats=1)
    Hall.objects.filter(pk=hall.pk).update(seats=2)
    Place.objects.filter(pk=hall.pk).update(open=False)
    Hall.objects.all().delete()
    assert told() == [("create", "Blue"), ("update", "Blue"), ("update", "Blue"), ("delete", "Blue")]


def test_rows_with_other_keys_are_labelled_too(strict: bool) -> None:
    follow(strict, Key)
    key = Key.objects.create(label="front")
    key.tags.set([Tag.objects.create(name="x")])
    assert told() == [("create", "front"), ("update", "front")]


def test_long_label_is_cut_and_none_is_empty(strict: bool) -> None:
    follow(strict, Work, label="code")
    Work.objects.create(title="t", code="x")
    assert told() == [("create", "x")]
    follow(strict, Work, label=None)
    Work.objects.update(title="u")
    assert told()[-1] == ("update", "")


@pytest.mark.parametrize("hidden", ["mask", "encrypt", "exclude"])
def test_hidden_value_is_no_label(strict: bool, hidden: str) -> None:
    follow(strict, Artist, **{hidden: frozenset({"name"})})
    artist = Artist.objects.create(name="secret", rank=1)
    Artist.objects.update(rank=2)
    artist.delete()
    assert {label for _, label in told()} == {""}


def test_another_policy_that_masks_the_field_takes_the_label_away() -> None:
    open_, closed = (
        AuditPolicy(model_label="museum.work", label="code"),
        AuditPolicy(model_label="museum.work", mask=frozenset({"code"})),
    )
    joined = open_.joined(closed)
    assert label_field(joined) is None
    assert label_field(closed) is Work._meta.get_field("title")
    assert AuditPolicy(model_label="museum.work", label=None).joined(open_).label is None


@pytest.mark.parametrize(
    "options",
    [
        {"label": "nothing"},
        {"label": "artist"},
        {"label": "tags"},
        {"label": "id"},
        {"label": "height"},
        {"label": "code", "mask": ["code"]},
        {"label": "code", "fields": ["title"]},
    ],
)
def test_label_that_can_be_none_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(AuditPolicyError):
        policies_of_settings({"museum.work": options})


class LabelledGrid(Grid):
    """Works, which are named by their codes."""

    class Meta:
        model = Work
        id = "labelled-works"
        columns = ["title", "code", "price"]
        audit_label = "code"


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({}, "code"),
        ({"label": "title"}, "title"),
        ({"label": "price_of_nothing"}, ""),
        ({"mask": ["code"]}, None),
        ({"encrypt": ["code"]}, None),
        ({"exclude": ["code"]}, None),
        ({"fields": ["title"]}, None),
        ({"fields": ["title", "code"]}, "code"),
    ],
)
def test_grid_names_the_label_unless_a_plugin_hides_it(options: dict[str, Any], label: str | None) -> None:
    assert not LabelledGrid.faults()
    assert grid_policy(LabelledGrid, options).label == label
