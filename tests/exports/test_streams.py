"""What PostgreSQL sends of a COPY: each row once, in lists of a size, and an end that tells of trouble."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from gridkit_django.exceptions import ExportError
from gridkit_django.exports.source.streams import CopyStream

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]


@contextmanager
def copied(select: str, options: str = "FORMAT csv") -> Iterator[Any]:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({select}) TO STDOUT ({options})") as copy:  # type: ignore[attr-defined]
        yield copy


def stream(copy: Any, most: int, **more: Any) -> CopyStream:
    return CopyStream(copy, most, connection.Database.errors.error_from_result, **more)  # type: ignore[attr-defined]


def read_on(select: str, told: Callable[[int], None]) -> None:
    with copied(select) as copy:
        for rows in stream(copy, 1000):
            told(len(rows))


@contextmanager
def savepoint() -> Iterator[None]:
    """Go back afterwards, which takes a connection that is not in the middle of anything."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        yield
        cursor.execute("ROLLBACK TO SAVEPOINT before")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("rows", [0, 1, 20_000])
def test_each_row_comes_once_and_in_order(rows: int) -> None:
    with copied(f"SELECT n, repeat('x', n % 50) FROM generate_series(1, {rows}) n") as copy:
        read = stream(copy, 10_000)
        lists = list(read)
    wanted = [b"%d,%s\n" % (n, b"x" * (n % 50) or b'""') for n in range(1, rows + 1)]
    assert [row for found in lists for row in found] == wanted
    assert (read.rows, len(lists) > 10) == (rows, rows > 1000)


def test_rows_are_nothing_that_the_garbage_collector_looks_at() -> None:
    with copied("SELECT n FROM generate_series(1, 3) n") as copy:
        assert not [row for rows in stream(copy, 100) for row in rows if gc.is_tracked(row)]


@pytest.mark.parametrize("rows", [0, 1, 3000])
def test_of_the_binary_format_neither_head_nor_end_is_a_row(rows: int) -> None:
    with copied(f"SELECT n FROM generate_series(1, {rows}) n", "FORMAT binary") as copy:
        read = stream(copy, 100, head=19, end=b"\xff\xff")
        found = [row for rows_ in read for row in rows_]
    assert found == [b"\x00\x01\x00\x00\x00\x04" + n.to_bytes(4, "big") for n in range(1, rows + 1)]
    assert read.rows == rows


def test_a_row_larger_than_all_buffers_comes_whole() -> None:
    with copied("SELECT repeat('y', 3000000) UNION ALL SELECT 'z'") as copy:
        assert [[len(row) for row in found] for found in stream(copy, 1000)] == [[3_000_001], [2]]


def test_a_server_that_breaks_off_in_the_middle_is_told_of_and_the_connection_goes_on() -> None:
    arrived: list[int] = []
    wrong = connection.Database.errors.DivisionByZero  # type: ignore[attr-defined]
    with savepoint(), pytest.raises(wrong, match="division by zero"):
        read_on("SELECT repeat('x', 100), 1 / (n - 15000) FROM generate_series(1, 20000) n", arrived.append)
    assert 0 < sum(arrived) <= 14_999


def test_a_stream_that_is_left_in_the_middle_leaves_a_connection_that_can_be_used() -> None:
    def leave(_: int) -> None:
        raise LookupError

    with savepoint(), pytest.raises(LookupError):
        read_on("SELECT * FROM generate_series(1, 1000000) n", leave)


def test_rows_that_got_lost_on_the_way_are_noticed() -> None:
    with copied("SELECT * FROM generate_series(1, 10) n") as copy:
        copy.read()
        with pytest.raises(ExportError, match="wrote 10 rows, and 9 arrived"):
            list(stream(copy, 1000))
