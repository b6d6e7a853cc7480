"""A report of a plugin: what it is asked, and what it may answer. Plain data; the admin draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from gridkit_django.typing import JSONObject

PARTS_MAX = 50
POINTS_MAX = 400
ROWS_MAX = 1000
CELLS_MAX = 20


@dataclass(frozen=True, slots=True)
class ReportCall:
    """What somebody wants to see.

    Attributes:
        report: the report's name.
        since: the first day.
        until: the last day.
        grid: id of the one grid that it is about; None for all in ``columns``.
        columns: the grids that the person may open, by id, and of each the columns that he may see, with their labels.
            What is not in here must not be told.
        labels: the names of these grids.
    """

    report: str
    since: date
    until: date
    grid: str | None
    columns: dict[str, dict[str, str]]
    labels: dict[str, str]

    @property
    def grids(self) -> list[str]:
        """The grids that the report is about."""
        return [self.grid] if self.grid is not None else list(self.columns)


ReportHandler: TypeAlias = Callable[[ReportCall], Sequence[JSONObject]]
"""What a plugin registers: takes the call, returns the parts of the report from top to bottom."""


@dataclass(frozen=True, slots=True)
class RegisteredReport:
    """One report that a plugin offers.

    Attributes:
        name: unique in the plugin.
        handler: what is called when somebody opens the page.
        label: a name for people.
    """

    name: str
    handler: ReportHandler
    label: str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Short = Annotated[str, Field(max_length=300)]
Number = Annotated[int | float, Field(ge=0, allow_inf_nan=False)]


class ReportPoint(_Part):
    """One value of a chart.

    Attributes:
        label: where it stands: a day, a column.
        value: how much.
        note: more about it, for the table.
    """

    label: Short
    value: Number
    note: Short = ""


class ReportChart(_Part):
    """A chart; the page shows a table beside it that says the same.

    Attributes:
        kind: ``series`` (bars over time, from left to right) or ``ranking`` (one bar a line).
        title: what it shows.
        points: its values.
        value_label: what the values are.
        note_label: what the notes are; empty for none.
        unit: stands behind each number.
    """

    kind: Literal["series", "ranking"]
    title: Short
    points: list[ReportPoint] = Field(max_length=POINTS_MAX)
    value_label: Short
    note_label: Short = ""
    unit: Short = ""


class ReportTable(_Part):
    """A table.

    Attributes:
        title: what it shows.
        columns: heads of the columns.
        rows: texts, numbers and nulls, as many in each row as there are columns.
    """

    kind: Literal["table"]
    title: Short
    columns: list[Short] = Field(min_length=1, max_length=CELLS_MAX)
    rows: list[Annotated[list[Short | int | float | None], Field(max_length=CELLS_MAX)]] = Field(max_length=ROWS_MAX)


class ReportText(_Part):
    """A paragraph.

    Attributes:
        text: plain text.
    """

    kind: Literal["text"]
    text: str = Field(max_length=2000)


class Report(_Part):
    """What a handler returned, judged.

    Attributes:
        parts: from top to bottom.
    """

    parts: list[Annotated[ReportChart | ReportTable | ReportText, Field(discriminator="kind")]] = Field(
        max_length=PARTS_MAX
    )
