"""Loads the data set into the database: exact values, NA as NULL, each table in one transaction.

A row's id is its code or its line in the file, so that rows which are there already are known and left alone: a second
run does nothing, a run after an interruption or a deletion adds what is missing, and edits stay.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.core.management.color import no_style
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from example_project.flights.bare_table import bare_table
from example_project.flights.dataset import FILES, count_rows, read_rows
from example_project.flights.models import Airline, Airport, Flight, Plane, Weather

BATCH = 5_000
NULL = "NA"
"""How the files write that a value is not known."""
MODELS: tuple[type[models.Model], ...] = (Airline, Airport, Plane, Weather, Flight)
"""The tables in the order of ``FILES``."""


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key of a flight that stands beside a code of the data set.

    Attributes:
        column: the foreign key's column.
        code: the column with the code.
        model: the table it points to.
        key: the field there that holds the code.
    """

    column: str
    code: str
    model: type[models.Model]
    key: str

    def targets(self, using: str) -> dict[str, Any]:
        """Return the primary key of every code that there is."""
        return dict(self.model._base_manager.using(using).values_list(self.key, "pk"))


LINKS = (Link("dest_airport_id", "dest", Airport, "faa"), Link("plane_id", "tailnum", Plane, "tailnum"))

Record = list[Any]
Converter = Callable[[str], Any]
Progress = Callable[[int], None]
"""Called with the number of rows that were just done."""


@dataclass(frozen=True, slots=True)
class TableLoad:
    """One table to be loaded.

    Attributes:
        model: where the rows go.
        file: where they come from.
        rows: how many the file has.
        present: how many the table holds.
    """

    model: type[models.Model]
    file: Path
    rows: int
    present: int

    @property
    def complete(self) -> bool:
        """Whether there is nothing to do."""
        return self.present >= self.rows

    @property
    def name(self) -> str:
        """The table's name for a person."""
        return str(self.model._meta.verbose_name_plural)


def plan(folder: Path, *, using: str = "default") -> list[TableLoad]:
    """Compare the files in ``folder`` with the tables.

    Args:
        folder: where the five files are.
        using: the database's alias.

    Returns:
        One entry for each table, in the order in which they must be loaded.
    """
    return [
        TableLoad(model, folder / name, count_rows(folder / name), model._base_manager.using(using).count())
        for model, name in zip(MODELS, FILES, strict=True)
    ]


def load(table: TableLoad, *, progress: Progress = lambda _rows: None, using: str = "default") -> int:
    """Add the rows that the table lacks; all of them or, when interrupted, none.

    Args:
        table: an entry of ``plan``.
        progress: told about every batch.
        using: the database's alias.

    Returns:
        How many rows were added.
    """
    if table.complete:
        return 0
    connection = connections[using]
    columns, records = read_records(table, connection)
    with transaction.atomic(using=using):
        known = set(table.model._base_manager.using(using).values_list("pk", flat=True))
        added = 0
        with nullcontext() if known else bare_table(connection, table.model):
            while batch := list(islice(records, BATCH)):
                fresh = [record for record in batch if record[0] not in known] if known else batch
                _write(connection, table.model, columns, fresh)
                added += len(fresh)
                progress(len(batch))
        _continue_sequence(connection, table.model)
    return added


def read_records(table: TableLoad, connection: BaseDatabaseWrapper) -> tuple[list[str], Iterator[Record]]:
    """Return the database's column names and the file's rows as values for them, links added, the primary key first.

    PostgreSQL reads the texts of the file itself, much quicker than they are converted here.
    """
    rows = read_rows(table.file)
    fields = [field for name in next(rows) if isinstance(field := table.model._meta.get_field(name), models.Field)]
    columns = [str(field.column) for field in fields]
    records: Iterator[Record] = rows
    if not _reads_csv(connection):
        makers = [_converter(field, connection) for field in fields]
        records = (_record(row, makers) for row in rows)
    for link in LINKS if table.model is Flight else ():
        unknown = NULL if _reads_csv(connection) else None
        records = _linked(records, columns.index(link.code), link.targets(connection.alias), unknown)
        columns.append(link.column)
    primary = str(table.model._meta.pk.column)
    if columns[0] == primary:
        return columns, records
    return [primary, *columns], ([line, *record] for line, record in enumerate(records, start=1))


def _reads_csv(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor == "postgresql"


def _record(row: list[str], makers: list[Converter]) -> Record:
    return [None if text == NULL else make(text) for make, text in zip(makers, row, strict=True)]


def _linked(records: Iterator[Record], place: int, targets: dict[str, Any], unknown: Any) -> Iterator[Record]:
    """Add to each record the primary key that its code at ``place`` stands for, or what says that it is unknown."""
    return ([*record, targets.get(record[place], unknown)] for record in records)


def _converter(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Converter:
    """Return what makes a value for the database of a text in the file."""
    if isinstance(field, models.ForeignKey):
        return _converter(field.target_field, connection)
    kind = field.get_internal_type()
    if kind == "DateTimeField":
        return lru_cache(maxsize=16_384)(
            lambda text: connection.ops.adapt_datetimefield_value(datetime.fromisoformat(text))
        )
    return _CONVERTERS[kind]


_CONVERTERS: MappingProxyType[str, Converter] = MappingProxyType(
    {"CharField": str, "FloatField": float, "IntegerField": int, "SmallIntegerField": int}
)


def _write(
    connection: BaseDatabaseWrapper, model: type[models.Model], columns: list[str], records: list[Record]
) -> None:
    """Insert the records: by COPY on PostgreSQL, by one prepared statement elsewhere."""
    quote = connection.ops.quote_name
    target = f"{quote(model._meta.db_table)} ({', '.join(map(quote, columns))})"
    with connection.cursor() as cursor:
        if not _reads_csv(connection):
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {target} VALUES ({places})", records)  # noqa: S608 - names of our models
            return
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(records)
        with cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv, NULL '{NULL}')") as copy:
            copy.write(text.getvalue())


def _continue_sequence(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    """Let the database's own numbering go on after the ids that were given."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)
