"""Lines of a list of audit records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.safestring import SafeString

from gridkit_django.admin.audit_links import list_address
from gridkit_django.admin.audit_values import SHORT_MAX, short_differences
from gridkit_django.grids.audit_reading import SeenRecord


@dataclass(frozen=True, slots=True)
class Line:
    """One record in a list, with all that costs time worked out once a page and not once a cell.

    Attributes:
        seen: the record as its reader may see it.
        changes: field, before and after of the first changes, in short.
        exact: the time in ISO 8601.
        time: the time for people, in the zone of this site.
        page: address of the record's own page, empty where there is none.
        act: address of the records of its act.
    """

    seen: SeenRecord
    changes: list[tuple[str, SafeString, SafeString]]
    exact: str
    time: str
    page: str
    act: str


def lines_of(records: Iterable[SeenRecord], most: int | None = SHORT_MAX) -> list[Line]:
    """Return the lines of a page.

    Args:
        records: as they are seen.
        most: changes that a line shows; None for all.
    """
    base = list_address()
    return [_line(seen, base, most) for seen in records]


def _line(seen: SeenRecord, base: str, most: int | None) -> Line:
    record = seen.record
    local = timezone.localtime(record.occurred_at)
    return Line(
        seen,
        short_differences(record.target_type, seen.changes, most),
        local.isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S}",
        f"{base}{record.pk}/change/" if base else "",
        f"{base}?operation={record.operation_id}" if base else "",
    )
