"""What a writer of one format promises: the base class of all exporters and what it is told.

An exporter sees rows of plain Python values. It asks no database and knows no user: who may export what is decided
before the first row reaches it (``gridkit_django.exports.running``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar, Literal

from gridkit_django.grids.columns import CellStyle, ValueFormat
from gridkit_django.grids.columns.styles import style_finder
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.periods import Period
from gridkit_django.typing import JSONObject, JSONValue

NO_OPTIONS: JSONObject = MappingProxyType({})
NUMBER_TYPES = ("integer", "decimal", "float")


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column of the file.

    Attributes:
        id: the grid's column id.
        label: the heading for people.
        type: the grid's column type: text, integer, decimal, float, boolean, date, datetime, time, uuid, choice, json.
        format: how values are written for people; None: as is usual for the type.
        styles: how cells look whose value meets a condition; the first that fits counts. ``style_finder`` applies them.
        width: the width that the grid declares, in CSS pixels, or None.
        decimals: digits after the point that the database keeps of a decimal, or None.
        link: the values are web addresses.
    """

    id: str
    label: str
    type: str
    format: ValueFormat | None = None
    styles: tuple[CellStyle, ...] = ()
    width: int | None = None
    decimals: int | None = None
    link: bool = False

    @property
    def align(self) -> Literal["start", "end"]:
        """At which side of the cell the values line up."""
        return "end" if self.type in NUMBER_TYPES else "start"

    def style_finder(self, zone: tzinfo) -> Callable[[Any], CellStyle | None] | None:
        """Return what finds the style of a value, or None when the column has no styles.

        Args:
            zone: the time zone in which days begin.
        """
        return style_finder(self.styles, zone, exact=self.type == "choice") if self.styles else None


@dataclass(frozen=True, slots=True)
class ExportGroup:
    """One level of groups: neighbouring rows whose values of a column belong together.

    Attributes:
        column: place of the column in the row.
        by: the period in which its days lie, or None for the value itself.
    """

    column: int
    by: Period | None = None


@dataclass(frozen=True, slots=True)
class ExportFigure:
    """One figure under each group and under the whole table.

    Attributes:
        column: place of the column in the row.
        fn: the function.
    """

    column: int
    fn: Fn


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
        language: code of the language that people read, as in ``pt-br``.
        groups: the levels of groups, outermost first; the rows come in their order.
        figures: the figures under each group and under the table, one for a column at most.
    """

    title: str
    columns: tuple[ExportColumn, ...]
    options: Mapping[str, JSONValue]
    created_at: datetime
    owner_label: str
    total_rows: int
    time_zone: tzinfo
    language: str = "en"
    groups: tuple[ExportGroup, ...] = ()
    figures: tuple[ExportFigure, ...] = ()


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
        for_people: the file is read by people, so choices and keys appear by label, unless ``options["formatting"]`` is
            false.
        direct: a small file is made quickly enough for the answer of a request (``EXPORT_DIRECT_ROWS_MAX``).
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
    direct: ClassVar[bool] = True
    options_schema: ClassVar[JSONObject] = NO_OPTIONS

    @classmethod
    def shows_labels(cls, options: Mapping[str, JSONValue]) -> bool:
        """Return whether the rows come with the labels of choices and keys instead of what is stored.

        Args:
            options: options of the format, already checked.
        """
        return cls.for_people and options.get("formatting", True) is not False

    @classmethod
    def file_type(cls, options: Mapping[str, JSONValue]) -> tuple[str, str]:
        """Return the media type and the extension (without the dot) of a file with these options.

        Args:
            options: options of the format, already checked.
        """
        del options
        return cls.content_type, cls.extension

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

    def remarks(self) -> Sequence[str]:
        """Return what the owner should know of a whole file, such as what it could not show: short texts, or none.

        It is asked once after ``finish`` or ``join``; the texts stand on the job.
        """
        return ()

    def abort(self) -> None:  # noqa: B027 - most formats hold nothing besides the stream
        """Let go of everything that an unfinished file holds. The stream is thrown away by the caller."""
