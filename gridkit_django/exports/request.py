"""What somebody asks for when they ask for an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.selection import Selection
from gridkit_django.models import Consistency, ExportSchedule
from gridkit_django.typing import JSONValue


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One export as it is asked for; ``request_export`` judges it and makes the job.

    Attributes:
        query: sort, filter, search and columns; the window plays no part.
        format: id of a registered format.
        options: options of the format.
        consistency: of which moment the rows are: ``auto``, ``live`` or ``snapshot``.
        notify: tell the owner by mail when it has ended.
        schedule: the schedule by which it is made, or None.
        queue: let a worker carry it out. If not, the caller does: with ``run_export``, or ``answer_at_once``.
        selection: the rows that were picked; None for all that match the query. Filter and search of the query play no
            part where rows were picked.
    """

    query: GridQuery
    format: str
    options: Mapping[str, JSONValue] = field(default_factory=dict)
    selection: Selection | None = None
    queue: bool = True
    consistency: str = Consistency.AUTO
    notify: bool = False
    schedule: ExportSchedule | None = None
