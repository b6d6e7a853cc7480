"""What a writer of one format promises: the base class of all exporters and what it is told.

An exporter sees rows of plain Python values. It asks no database and knows no user: who may export what is decided
before the first row reaches it (``gridkit_django.exports.running``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar

from gridkit_django.typing import JSONObject, JSONValue

NO_OPTIONS: JSONObject = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column of the file.

    Attributes:
        id: the grid's column id.
        label: the heading for people.
        type: the grid's column type: text, integer, decimal, float, boolean, date, datetime, time, uuid, choice, json.
    """

    id: str
    label: str
    type: str


@dataclass(frozen=True, slots=True)
class ExportSheet:
    """What the whole file is about.

    Attributes:
        title: name of the grid for people.
        columns: the columns, in the order of the values in each row.
        options: options of the format, already checked against ``BaseExporter.options_schema``.
        created_at: when the export started, aware.
        owner_label: who asked for it.
        total_rows: how many rows will follow.
        time_zone: the zone in which points in time are shown.
    """

    title: str
    columns: tuple[ExportColumn, ...]
    options: Mapping[str, JSONValue]
    created_at: datetime
    owner_label: str
    total_rows: int
    time_zone: tzinfo


class BaseExporter(ABC):
    """Writes the rows of one export into a file of one format.

    One instance writes one file: ``begin`` once, ``write`` for each chunk of rows, then ``finish``; or ``abort``
    when the export stops early. Register a subclass with ``PluginContext.register_exporter(format, dotted_path)``;
    it is imported at its first use, so a missing library costs this one format only.

    Attributes:
        format: short id, as in ``csv``.
        label: name for people.
        content_type: media type of the file.
        extension: of the file name, without the dot.
        max_rows: rows that this format takes at most, or None.
        chunk_rows: rows of one call of ``write`` at most; cancelling takes effect between two calls.
        formula_guard: the file is text that spreadsheets open, so texts that look like formulas must be defused
            before they reach ``write`` (``gridkit_django.exports.guard``).
        for_people: the file is read by people, so choices appear by label, unless ``options["formatting"]`` is false.
        options_schema: JSON Schema of each option by name; an option that is not named here is refused.
    """

    format: ClassVar[str]
    label: ClassVar[str]
    content_type: ClassVar[str]
    extension: ClassVar[str]
    max_rows: ClassVar[int | None] = None
    chunk_rows: ClassVar[int] = 2000
    formula_guard: ClassVar[bool] = False
    for_people: ClassVar[bool] = False
    options_schema: ClassVar[JSONObject] = NO_OPTIONS

    @abstractmethod
    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Start the file.

        Args:
            stream: a binary file opened for writing; the exporter leaves it open.
            sheet: title, columns and options.
        """

    @abstractmethod
    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows.

        Args:
            rows: at most ``chunk_rows`` rows of one value per column: str, int, Decimal, float, bool, date, aware
                datetime (in the sheet's time zone), time, UUID, a JSON value, or None.
        """

    @abstractmethod
    def finish(self) -> None:
        """Complete the file, so that the stream holds all of it."""

    def abort(self) -> None:  # noqa: B027 - most formats hold nothing besides the stream
        """Let go of everything that an unfinished file holds. The stream is thrown away by the caller."""
