"""A bulk change is one thing that a person does: its messages do not grow with its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridkit_django.grids import GridAccess
from gridkit_django.grids.batch import BatchItem, apply_batch
from gridkit_django.grids.bulk import BulkChange, carry_out_bulk
from gridkit_django.grids.records import get_record
from gridkit_django.grids.selection import Selection
from gridkit_django.models import OutboxMessage
from tests.exports.shop import products
from tests.official.analytics.conftest import AnalysedGrid, waiting
from tests.shop.models import Product

pytestmark = pytest.mark.django_db

ROWS = 300


@pytest.fixture
def access() -> GridAccess:
    return GridAccess(AnalysedGrid, User.objects.create_superuser("ada"))


def carry_out(access: GridAccess, action: Any, **changes: Any) -> None:
    carry_out_bulk(access, BulkChange(action, Selection.from_dict({"query": {}}), ROWS, changes))


@pytest.mark.both_databases
def test_bulk_edit_of_many_rows_is_one_message_with_their_number(
    install: Callable[..., None], access: GridAccess
) -> None:
    install(provider="segment", api_key="k", allowed_columns=["name", "stock"])
    products(ROWS)
    carry_out(access, "update", name="same", stock=7)

    assert Product.objects.filter(name="same", stock=7).count() == ROWS
    (told,), (counted,) = waiting("segment"), waiting("counts")
    assert told["name"] == "Table Cells Edited"
    properties = {key: value for key, value in told["properties"].items() if key not in {"grid", "source"}}
    assert properties == {"rowCount": ROWS, "columns": ["name", "stock"], "columnCount": 2}
    assert counted["columns"] == ["name", "stock"]


def test_bulk_deletion_is_one_message_and_a_second_act_is_another(
    install: Callable[..., None], access: GridAccess
) -> None:
    install(provider="segment", api_key="k")
    products(ROWS)
    carry_out(access, "update", stock=8)
    carry_out(access, "update", stock=9)
    carry_out(access, "delete")

    assert [(message["name"], message["properties"]["rowCount"]) for message in waiting("segment")] == [
        ("Table Cells Edited", ROWS),
        ("Table Cells Edited", ROWS),
        ("Table Rows Deleted", ROWS),
    ]
    assert "rowId" not in waiting("segment")[-1]["properties"]
    assert OutboxMessage.objects.count() == 6


def test_custom_name_is_kept_for_a_bulk_edit(install: Callable[..., None], access: GridAccess) -> None:
    install(provider="segment", api_key="k", custom_events={"cell:edit": "Product Edited", "row:update": "Row Saved"})
    products(ROWS)
    carry_out(access, "update", stock=8)

    assert [message["name"] for message in waiting("segment")] == ["Row Saved", "Product Edited"]


def edits(access: GridAccess, *values: Any) -> list[BatchItem]:
    keys = Product.objects.order_by("pk").values_list("pk", flat=True)
    return [
        BatchItem("update", str(key), get_record(access, key).version, {"stock": value})
        for key, value in zip(keys, values, strict=True)
    ]


@pytest.mark.both_databases
def test_cells_of_a_batch_are_told_by_one_statement_and_those_of_a_refused_batch_not_at_all(
    install: Callable[..., None], access: GridAccess
) -> None:
    install(provider="segment", api_key="k", row_ids="plain")
    rows = products(4)
    assert not apply_batch(access, edits(access, 101, 102, 103, "many")).applied
    assert not OutboxMessage.objects.exists()

    items = edits(access, 101, 102, 103, 104)
    with CaptureQueriesContext(connection) as seen:
        assert apply_batch(access, items).applied
    written = [query["sql"] for query in seen.captured_queries if query["sql"].lstrip().startswith("INSERT")]
    assert len([sql for sql in written if "gridkit_django_outboxmessage" in sql]) == 1
    assert [message["properties"]["rowId"] for message in waiting("segment")] == [str(row.pk) for row in rows]
