"""What capture counts on in Django: when a version changes one of these, this says so first."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Model, Q
from django.db.models.deletion import Collector
from django.db.models.sql import DeleteQuery, InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler, SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler
from django.test.utils import CaptureQueriesContext

from gridkit_django.audit.capture.two_steps import matched
from gridkit_django.exceptions import AuditUnavailableError
from tests.museum.models import Hall, Tag, Work

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def compiler_of(query: Any) -> Any:
    return query.get_compiler(connection=connection)


def update(condition: Q, **values: Any) -> Any:
    query = Work.objects.filter(condition).query.chain(UpdateQuery)
    query.add_update_values(values)
    return compiler_of(query)


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_every_write_ends_in_execute_sql_of_three_compilers() -> None:
    assert parameters(SQLInsertCompiler.execute_sql) == ["self", "returning_fields"]
    assert parameters(SQLInsertCompiler.pre_save_val) == ["self", "field", "obj"]
    assert parameters(SQLUpdateCompiler.execute_sql) == ["self", "result_type"]
    assert "execute_sql" in vars(SQLDeleteCompiler)
    assert parameters(SQLCompiler.execute_sql)[:2] == ["self", "result_type"]
    assert parameters(Collector.delete) == ["self"]
    assert parameters(DeleteQuery.delete_batch) == ["self", "pk_list", "using"]
    assert parameters(DeleteQuery.do_query) == ["self", "table", "where", "using"]
    for query, compiler in (
        (InsertQuery, SQLInsertCompiler),
        (UpdateQuery, SQLUpdateCompiler),
        (DeleteQuery, SQLDeleteCompiler),
    ):
        found = type(compiler_of(query(Work)))
        assert issubclass(found, compiler)
        assert not {"execute_sql"} & vars(found).keys() or found is compiler


@pytest.mark.parametrize(
    "condition", [Q(), Q(pk=1), Q(count__gt=1) | Q(title="x"), Q(artist__rank=1), Q(tags__name="x")]
)
def test_an_update_ends_with_its_condition(condition: Q) -> None:
    compiler = update(condition, count=F("count") + 1, title="x")
    sql, params = compiler.as_sql()
    assert sql.startswith('UPDATE "museum_work" SET ')
    if condition:
        where, where_params = compiler.compile(compiler.query.where)
        assert sql.endswith(f" WHERE {where}")
        assert tuple(params)[len(params) - len(where_params) :] == tuple(where_params)
    else:
        assert "WHERE" not in sql


def test_a_deletion_begins_with_its_table_and_has_no_tail() -> None:
    query = Work.objects.filter(artist__rank=1).query.clone()
    query.__class__ = DeleteQuery
    sql, _ = compiler_of(query).as_sql()
    assert sql.startswith('DELETE FROM "museum_work" WHERE ')


def test_an_insert_of_many_rows_returns_columns_in_one_statement() -> None:
    query = InsertQuery(Tag)
    query.insert_values([Tag._meta.get_field("name")], [Tag(name="a"), Tag(name="b")])
    compiler = compiler_of(query)
    compiler.returning_fields = list(Tag._meta.local_concrete_fields)
    ((sql, _),) = compiler.as_sql()
    assert sql.endswith('RETURNING "museum_tag"."id", "museum_tag"."name"')


def test_an_update_of_inherited_fields_leads_to_updates_of_the_parents() -> None:
    query = Hall.objects.all().query.chain(UpdateQuery)
    query.add_update_values({"name": "x", "seats": 1})
    assert list(query.related_updates)
    assert [related.model.__name__ for related in query.get_related_updates()] == ["Place"]


def test_a_save_writes_the_tables_of_parents_first_and_that_of_the_model_last() -> None:
    assert parameters(Model._save_table)[:3] == ["self", "raw", "cls"]
    assert parameters(Model.save_base)[:5] == ["self", "raw", "force_insert", "force_update", "using"]
    hall = Hall.objects.create(name="x", seats=1)
    hall.name, hall.seats = "y", 2
    with CaptureQueriesContext(connection) as asked:
        hall.save()
    written = [entry["sql"] for entry in asked if "UPDATE" in entry["sql"]]
    assert ["museum_place" in sql for sql in written] == [True, False]


def test_a_many_to_many_manager_is_one_class_for_each_side() -> None:
    assert Work.tags.related_manager_cls is Work.tags.related_manager_cls
    assert Work.tags.related_manager_cls is not Tag.works.related_manager_cls
    assert callable(Work.tags.related_manager_cls.set)


def test_rows_that_can_not_be_brought_together_by_their_keys_are_refused() -> None:
    with pytest.raises(AuditUnavailableError, match="one by one"):
        matched([(1, 1, "a"), (2, 2, "b")], [(1001, 1001, "a"), (1002, 1002, "b")], 1)
