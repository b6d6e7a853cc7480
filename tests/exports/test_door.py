"""Python's door to exports: plain values, picked rows, saved views."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from gridkit_django.exceptions import (
    ExportOptionsError,
    GridNotFoundError,
    QueryError,
    UnknownColumnError,
    ViewError,
    ViewNotFoundError,
)
from gridkit_django.exports import create_export, open_result, run_export
from gridkit_django.models import AuditRecord, ExportJob, JobState, SavedView
from tests.exports.shop import GRID, ORDERS, as_csv, orders, person, products
from tests.shop.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

SKUS = {"columns": ["sku"], "sort": [{"col": "sku"}]}


def cells(job: ExportJob) -> list[str]:
    """Run a job and return its first column, without the heading."""
    run_export(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FINISHED, job.error_detail
    with open_result(job.pk, job.owner).file as file:
        return [row[0] for row in as_csv(file.read())[1:]]


def keys(count: int) -> list[Any]:
    return [product.pk for product in products(count)]


def view_of(user: User, query: dict[str, Any], columns: list[dict[str, Any]] | None = None) -> SavedView:
    state = {"v": 1, "query": query, "layout": {"columns": columns} if columns else {}}
    return SavedView.objects.create(grid=GRID, name="v", owner=user, state=state)


def test_a_plain_query_is_exported_as_the_user(bob: User):
    products(3)
    job = create_export(GRID, {"columns": ["sku"], "sort": [{"col": "sku", "dir": "desc"}]}, "csv", bob)

    assert (job.owner, job.selection) == (bob, None)
    assert cells(job) == ["S0002", "S0001", "S0000"]


def test_without_a_query_all_rows_come(bob: User):
    products(2)
    assert cells(create_export(GRID, None, "csv", bob)) == ["S0001", "S0000"]


def test_a_grid_that_may_not_be_opened_is_not_there(db: None):
    with pytest.raises(GridNotFoundError):
        create_export(GRID, None, "csv", User.objects.create(username="eve"))


def test_chosen_rows_come_in_the_order_of_the_query_whatever_its_filter_says(bob: User):
    ids = keys(5)
    query = {**SKUS, "filter": {"col": "stock", "op": "eq", "value": 0}, "search": "nothing"}

    job = create_export(GRID, query, "csv", bob, rows={"include": [ids[3], ids[1], 999_999, "no key"]})

    assert cells(job) == ["S0001", "S0003"]
    evidence = AuditRecord.objects.get(action="export.request").context["evidence"]
    assert evidence["picked"] == {"include": 4, "exclude": 0}


def test_all_but_some_rows_of_the_query_come(bob: User):
    ids = keys(5)
    query = {**SKUS, "filter": {"col": "stock", "op": "gt", "value": 1}}

    assert cells(create_export(GRID, query, "csv", bob, rows={"exclude": [ids[3]]})) == ["S0002", "S0004"]


def test_the_selection_of_a_bulk_change_is_understood(bob: User):
    ids = keys(5)
    rows = {
        "query": {"filter": {"col": "stock", "op": "gt", "value": 2}},
        "include": [ids[0]],
        "exclude": [ids[4]],
    }
    assert cells(create_export(GRID, SKUS, "csv", bob, rows=rows)) == ["S0000", "S0003"]


def test_nothing_chosen_is_an_empty_file_and_not_all_rows(bob: User):
    keys(3)
    assert cells(create_export(GRID, SKUS, "csv", bob, rows={"include": []})) == []


def test_a_page_is_the_rows_that_it_had_when_it_was_asked_for(bob: User):
    products(5)
    query = {**SKUS, "window": {"kind": "offset", "start": 1, "end": 3}}

    assert cells(create_export(GRID, query, "csv", bob, rows="page")) == ["S0001", "S0002"]
    with pytest.raises(QueryError, match="page of groups"):
        create_export(GRID, {"group": [{"col": "category"}]}, "csv", bob, rows="page")
    with pytest.raises(QueryError):
        create_export(GRID, SKUS, "csv", bob, rows="some")


def test_picked_rows_that_the_user_may_not_see_are_left_out(ann: User):
    orders(4)
    ids = list(Order.objects.values_list("pk", flat=True))
    found = cells(create_export(ORDERS, {"columns": ["quantity"]}, "csv", ann, rows={"include": ids}))
    assert sorted(found) == ["2", "3"]


def test_a_selection_may_not_ask_by_a_hidden_column(ann: User, bob: User):
    rows = {"query": {"filter": {"col": "price", "op": "gt", "value": "1"}}}
    with pytest.raises(UnknownColumnError):
        create_export(GRID, SKUS, "csv", bob, rows=rows)

    products(2)
    job = create_export(GRID, SKUS, "csv", ann, rows=rows)
    ann.user_permissions.remove(Permission.objects.get(codename="view_price"))
    run_export(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_a_saved_view_gives_the_question_and_what_is_given_goes_before(bob: User):
    products(5)
    columns = [{"col": "stock"}, {"col": "sku"}, {"col": "name", "hidden": True}]
    view = view_of(bob, {"filter": {"col": "stock", "op": "gt", "value": 2}, "sort": [{"col": "stock"}]}, columns)

    job = create_export(GRID, None, "csv", bob, view=view.pk)
    assert job.query["columns"][:2] == ["stock", "sku"]
    assert "name" not in job.query["columns"]
    assert cells(job) == ["3", "4"]
    turned = create_export(GRID, {"sort": [{"col": "stock", "dir": "desc"}]}, "csv", bob, view=str(view.pk))
    assert cells(turned) == ["4", "3"]


def test_a_view_of_somebody_else_is_not_there(ann: User, bob: User):
    with pytest.raises(ViewNotFoundError):
        create_export(GRID, None, "csv", bob, view=view_of(ann, {}).pk)


def test_a_view_whose_filter_does_not_hold_any_more_is_refused_not_widened(bob: User):
    view = view_of(bob, {"filter": {"col": "price", "op": "gt", "value": "1"}})
    with pytest.raises(ViewError, match="filters by what"):
        create_export(GRID, None, "csv", bob, view=view.pk)


def test_columns_of_a_view_that_are_hidden_from_the_user_are_left_out(bob: User):
    view = view_of(bob, {"columns": ["sku", "price"]}, [{"col": "price"}, {"col": "sku"}])
    assert create_export(GRID, None, "csv", bob, view=view.pk).query["columns"] == ["sku"]


def test_two_people_may_pick_the_same_rows(ann: User):
    ids = keys(2)
    cat = person("cat")
    for user in (ann, cat):
        assert cells(create_export(GRID, SKUS, "csv", user, rows={"include": ids})) == ["S0000", "S0001"]


def test_the_moment_of_the_rows_that_is_asked_for_is_kept(ann: User):
    assert create_export(GRID, None, "csv", ann).consistency_asked == "auto"
    assert create_export(GRID, None, "csv", ann, consistency="live").consistency_asked == "live"


def test_a_moment_that_nobody_knows_is_refused(ann: User):
    with pytest.raises(ExportOptionsError, match="one of auto, live, snapshot"):
        create_export(GRID, None, "csv", ann, consistency="yesterday")


def test_a_snapshot_is_refused_where_the_database_gives_none(ann: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gridkit_django.exports.rows.RowSource.why_no_snapshot", "It keeps no versions.")
    with pytest.raises(ExportOptionsError, match="It keeps no versions"):
        create_export(GRID, None, "csv", ann, consistency="snapshot")


@pytest.mark.parametrize("how", [{"options": 5}, {"options": [1]}, {"rows": 5}])
def test_what_is_no_object_is_refused_in_words(ann: User, how: Any):
    with pytest.raises((ExportOptionsError, QueryError), match="Expected"):
        create_export(GRID, None, "csv", ann, **how)


def test_a_query_that_is_no_object_is_refused_in_words(ann: User):
    odd: Any = [1]
    with pytest.raises(QueryError, match="Expected an object"):
        create_export(GRID, odd, "csv", ann)


@pytest.mark.parametrize("key", ["S\x00", "\ud800", ["\x00"], {"\x00": 1}])
@pytest.mark.parametrize("place", ["include", "exclude"])
def test_a_key_that_no_database_can_hold_is_refused_in_words(ann: User, key: Any, place: str):
    """PostgreSQL would refuse the job that names it."""
    with pytest.raises(QueryError, match="NUL characters or lone surrogates"):
        create_export(GRID, None, "csv", ann, rows={place: [1, key]})
