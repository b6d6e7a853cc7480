"""The table of the benchmark: rows of twelve columns of every usual type, made by the database itself."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, models

from gridkit_django.exports import ExportColumn, ExportSheet
from gridkit_django.exports.rows import RowSource
from gridkit_django.grids import Grid, GridAccess, GridQuery, TextColumn

ROWS = int(os.environ.get("GRIDKIT_BENCH_ROWS", "100000"))
OWNERS = 1000
NAMES = ("id", "ref", "whole", "money", "real", "code", "note", "flag", "day", "moment", "remark", "owner_name")
PATHS = (*NAMES[:-1], "owner__name")
SELECT = (
    "SELECT r.id, r.ref, r.whole, r.money, r.real, r.code, r.note, r.flag, r.day, r.moment, r.remark, o.name "
    "FROM bench_record r JOIN bench_owner o ON o.id = r.owner_id ORDER BY r.id"
)
ZONE = "America/New_York"


class Owner(models.Model):
    """Whose record it is; the name is shown with each."""

    name = models.CharField(max_length=80)

    class Meta:
        app_label = "flights"
        db_table = "bench_owner"

    def __str__(self) -> str:
        return self.name


class Record(models.Model):
    """One row of an export. Two of three have a remark."""

    ref = models.BigIntegerField()
    whole = models.IntegerField()
    money = models.DecimalField(max_digits=14, decimal_places=2)
    real = models.FloatField()
    code = models.CharField(max_length=40)
    note = models.CharField(max_length=120)
    flag = models.BooleanField()
    day = models.DateField()
    moment = models.DateTimeField()
    remark = models.CharField(max_length=80, null=True)  # noqa: DJ001 - NULL is one of the values
    owner = models.ForeignKey(Owner, models.PROTECT)

    class Meta:
        app_label = "flights"
        db_table = "bench_record"

    def __str__(self) -> str:
        return self.code


class RecordGrid(Grid):
    """All columns of a record, and the name of its owner."""

    owner_name = TextColumn("owner__name")

    class Meta:
        model = Record
        id = "bench-records"
        columns = list(NAMES)
        default_sort = ["id"]
        time_zone = ZONE


def make_records(rows: int = ROWS) -> None:
    """Let the tables have so many rows; what is there already is kept, since benchmarks follow each other."""
    if "bench_record" not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Owner)
            editor.create_model(Record)
        with connection.cursor() as cursor:
            made = "INSERT INTO bench_owner (name) SELECT 'owner, ' || n FROM generate_series(1, %s) n"
            cursor.execute(made, [OWNERS])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bench_record WHERE id > %s", [rows])
    _fill(Record.objects.count() + 1, rows)


def bench_user() -> Any:
    """Return who exports."""
    users = get_user_model().objects
    return users.filter(username="bench").first() or users.create_superuser("bench")


def _fill(first: int, last: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO bench_record (id, ref, whole, money, real, code, note, flag, day, moment, remark, owner_id)
            SELECT n, n * 1000003::bigint, n * 31 %% 100000, (n::bigint * 7919 %% 100000000) / 100.0, sqrt(n) * 1.1,
                'code ' || md5(n::text),
                (ARRAY['plain', 'with, comma', 'say "hi"', E'two\\nlines', '=1+1', 'żółć', 'مرحبا', '数字', '🛫'])
                    [1 + n %% 9] || ' ' || n,
                n %% 3 = 0, DATE '2010-01-01' + n %% 5000, TIMESTAMPTZ '2015-01-01' + n * INTERVAL '37.251 seconds',
                CASE WHEN n %% 3 > 0 THEN 'remark ' || n END, 1 + n::bigint * 7919 %% %s
            FROM generate_series(%s, %s) n
            """,
            [OWNERS, first, last],
        )
        cursor.execute("VACUUM ANALYZE")


def source_of(user: object) -> RowSource:
    """Return the rows as an export reads them."""
    return RowSource(GridAccess(RecordGrid, user), GridQuery())  # type: ignore[arg-type]


def sheet_of(source: RowSource) -> ExportSheet:
    """Return what the file is about."""
    columns = tuple(ExportColumn(column.id, str(column.label), column.type) for column in source.columns)
    return ExportSheet("Records", columns, {}, datetime.now(UTC), "bench", ROWS, source.zone)
