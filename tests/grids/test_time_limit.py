"""Time limits: too slow a question is cut off, and nothing of the limit is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import InternalError, OperationalError, ProgrammingError, connection, transaction
from django.db.models import FloatField, Func, Value
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.exceptions import QueryTooSlowError
from gridkit_django.grids.counting import CountKind, count_queryset
from gridkit_django.grids.query import CountMode
from gridkit_django.grids.time_limit import time_limit
from tests.grids.shop import ADMIN, ProductGrid, ask, make_products
from tests.shop.models import Product

pytestmark = pytest.mark.both_databases

POSTGRES = connection.vendor == "postgresql"
"""A question that takes a second or two on PostgreSQL, and for ever on SQLite."""
SLOW = (
    "SELECT count(*) FROM generate_series(1, 20000000)"
    if POSTGRES
    else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
)


def run(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def limit_in_force() -> str:
    return run("SHOW statement_timeout") if POSTGRES else "0"


@pytest.mark.django_db(transaction=True)
def test_question_over_the_limit_is_cut_off_outside_of_a_transaction() -> None:
    with pytest.raises(QueryTooSlowError, match="20 ms"), time_limit("default", 20):
        run(SLOW)
    assert limit_in_force() == "0"
    with time_limit("default", 5000):
        assert run("SELECT 7") == 7
    assert limit_in_force() == "0"
    assert connection.get_autocommit()


@pytest.mark.django_db(transaction=True)
def test_question_over_the_limit_leaves_the_transaction_whole() -> None:
    with transaction.atomic():
        make_products([{"sku": "kept"}])
        with pytest.raises(QueryTooSlowError), time_limit("default", 20):
            run(SLOW)
        with time_limit("default", 5000):
            assert run("SELECT 7") == 7
            assert run("SELECT count(*) FROM shop_product WHERE sku = 'kept'") == 1
        assert limit_in_force() == "0"
        make_products([{"sku": "kept too"}])
    assert Product.objects.count() == 2
    assert limit_in_force() == "0"


@pytest.mark.django_db
def test_limit_costs_no_query_and_fetches_all_rows() -> None:
    make_products([{} for _ in range(300)])
    for inside in (False, True):
        with CaptureQueriesContext(connection) as captured, time_limit("default", 5000 * inside):
            assert len(Product.objects.values_list("sku")) == 300
            assert Product.objects.filter(sku__contains="%").count() == 0
        assert len(captured) == 2


@pytest.mark.django_db
def test_other_errors_go_through_as_they_are() -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="nowhere") as caught, transaction.atomic(), time_limit("default", 5000):
            run("SELECT 1 FROM nowhere")
        assert not isinstance(caught.value, QueryTooSlowError)
    with transaction.atomic():
        with pytest.raises(Exception, match="nowhere"), time_limit("default", 5000):
            run("SELECT 1 FROM nowhere")
        assert run("SELECT 1") == 1


@pytest.mark.django_db
def test_operational_error_that_is_no_limit_is_not_taken_for_one() -> None:
    with pytest.raises(OperationalError, match="away"), time_limit("default", 5000):
        raise OperationalError("the server went away")


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_lower_limit_of_the_site_stays_in_force() -> None:
    run("SELECT set_config('statement_timeout', '30ms', false)")
    try:
        with pytest.raises(QueryTooSlowError), time_limit("default", 60_000):
            run(SLOW)
        with time_limit("default", 10):
            assert run("SHOW statement_timeout") == "10ms"
        assert limit_in_force() == "30ms"
    finally:
        run("SELECT set_config('statement_timeout', '0', false)")


@contextmanager
def connected_with(**options: Any) -> Iterator[None]:
    """The connection, made anew with other options for a while."""
    held = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = {**held, **options}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = held


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_limit_holds_where_a_message_takes_one_statement_only() -> None:
    with connected_with(server_side_binding=True):
        with pytest.raises(QueryTooSlowError), time_limit("default", 20):
            run(SLOW)
        with time_limit("default", 5000):
            assert run("SHOW statement_timeout") == "5s"
        assert limit_in_force() == "0"
        with transaction.atomic():
            make_products([{}])
            with pytest.raises(QueryTooSlowError), time_limit("default", 20):
                run(SLOW)
            assert limit_in_force() == "0"
        assert Product.objects.count() == 1


def ask_in_a_broken_transaction() -> None:
    with transaction.atomic():
        with pytest.raises(ProgrammingError, match="nowhere"):
            run("SELECT 1 FROM nowhere")
        with time_limit("default", 5000):
            run("SELECT 1")


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_transaction_that_is_broken_already_tells_its_own_error() -> None:
    with pytest.raises(InternalError, match="current transaction is aborted"):
        ask_in_a_broken_transaction()


class Sleep(Func):
    """Takes its time for each row."""

    function = "pg_sleep"
    output_field = FloatField()


@pytest.mark.postgres_only
@pytest.mark.django_db
def test_count_over_its_limit_is_unknown() -> None:
    make_products([{} for _ in range(50)])
    slow = Product.objects.annotate(nap=Sleep(Value(0.02))).exclude(nap__isnull=True)
    with override_settings(GRIDKIT={"COUNT_MS_MAX": 30}):
        for mode in (CountMode.EXACT, CountMode.CAPPED, CountMode.ESTIMATED):
            assert count_queryset(slow, mode).kind is CountKind.UNKNOWN
    with override_settings(GRIDKIT={"COUNT_MS_MAX": 0}):
        assert count_queryset(slow, CountMode.CAPPED).value == 50


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked",
    [
        {"window": {"kind": "offset", "start": 0, "end": 5}},
        {"group": ["category"], "aggregates": [{"fn": "count"}]},
        {"include": ["totals"], "aggregates": [{"fn": "sum", "col": "stock"}]},
        {"include": [{"facets": ["category"]}]},
        {"group": ["category"], "pivot": {"cols": ["active"], "values": [{"fn": "count"}]}},
    ],
)
def test_every_kind_of_question_is_limited(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    make_products([{} for _ in range(20)])
    limits: list[int] = []

    @contextmanager
    def note(_connection: Any, milliseconds: int) -> Iterator[None]:
        limits.append(milliseconds)
        yield

    monkeypatch.setattr("gridkit_django.grids.time_limit._limited", note)
    with CaptureQueriesContext(connection) as captured, override_settings(GRIDKIT={"QUERY_MS_MAX": 77}):
        ask(ProductGrid, ADMIN, count="none", **asked)
    assert limits == [77] * len(captured)
