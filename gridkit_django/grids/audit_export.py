"""Exports of the audit trail for people outside of the site: JSON lines and CSV, themselves recorded."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.utils import timezone

from gridkit_django.audit.evidence import EvidenceWriter, one_moment
from gridkit_django.audit.searching import AuditSearch
from gridkit_django.exceptions import AuditSearchError
from gridkit_django.grids.audit_reading import AuditReader, SeenRecord, note
from gridkit_django.grids.formulas import guard_text

EXPORT = "audit.export"
EXPORTED = "audit.exported"

EVIDENCE = "evidence"

FORMS: Mapping[str, str] = MappingProxyType(
    {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8", EVIDENCE: "application/x-ndjson"}
)
"""Format to its media type."""

COLUMNS = (
    "time",
    "action",
    "actor kind",
    "actor id",
    "actor",
    "impersonator",
    "target type",
    "target id",
    "target",
    "grid",
    "field",
    "before",
    "after",
    "reason",
    "source",
    "ip",
    "request id",
    "correlation id",
    "act",
    "record",
)


def export_trail(reader: AuditReader, search: AuditSearch, form: str) -> Iterator[str]:
    """Return the text of an export, piece by piece; it is recorded when it begins and when it ends.

    Args:
        reader: the trail in the hands of the one who exports.
        search: which records.
        form: ``ndjson``, ``csv``, or ``evidence`` for sealed records with all that proves them.

    Raises:
        AuditSearchError: for another form, or a question that no index helps to answer.
    """
    if form not in FORMS:
        raise AuditSearchError.at("?format", f"The format is one of {', '.join(FORMS)}.")
    search.require_sense()
    told = {"search": search.told(), "format": form}
    note(EXPORT, told)
    if form == EVIDENCE:
        return _proven(reader, reader.evidence(search), told)
    return _told_at_end(_WRITERS[form], reader, search, told)


def written(form: str, told: Mapping[str, Any], records: Iterator[SeenRecord]) -> Iterator[str]:
    """Return records as the text of a file, piece by piece; nothing is recorded.

    Args:
        form: ``ndjson`` or ``csv``.
        told: what was asked for; it stands in the first line of ``ndjson``.
        records: as they are seen.
    """
    return _WRITERS[form](told, records)


def file_name(form: str) -> str:
    """Return the name of an export's file."""
    return "audit-evidence.ndjson" if form == EVIDENCE else f"audit.{form}"


def _proven(reader: AuditReader, writer: EvidenceWriter, told: Mapping[str, Any]) -> Iterator[str]:
    complete = False
    try:
        with one_moment(reader.alias):
            for line in writer.lines():
                yield line.decode()
        complete = True
    finally:
        note(EXPORTED, {**told, "rows": writer.records, "complete": complete})


def _told_at_end(
    write: Callable[[Mapping[str, Any], Iterator[SeenRecord]], Iterator[str]],
    reader: AuditReader,
    search: AuditSearch,
    told: Mapping[str, Any],
) -> Iterator[str]:
    count, complete = 0, False

    def records() -> Iterator[SeenRecord]:
        nonlocal count
        for batch in reader.everything(search):
            for seen in batch:
                count += 1
                yield seen

    try:
        with one_moment(reader.alias):
            yield from write(told, records())
        complete = True
    finally:
        note(EXPORTED, {**told, "rows": count, "complete": complete})


def _ndjson(told: Mapping[str, Any], records: Iterator[SeenRecord]) -> Iterator[str]:
    yield _line({"form": "gridkit-audit-export", "version": 1, "madeAt": timezone.now().isoformat(), **told})
    for seen in records:
        yield _line(entry_of(seen))


def _csv(_told: Mapping[str, Any], records: Iterator[SeenRecord]) -> Iterator[str]:
    """One line a changed field; a record without changes has one line."""
    yield _row(COLUMNS)
    for seen in records:
        for name, before, after in _cells(seen.changes):
            yield _row(_line_of(seen, name, before, after))


def entry_of(seen: SeenRecord) -> dict[str, Any]:
    """Return a record as it is seen, as JSON."""
    item = seen.record
    return {
        "id": str(item.uuid),
        "occurredAt": item.occurred_at.isoformat(),
        "action": item.action,
        "actor": {"kind": item.actor_kind, "id": item.actor_id, "label": item.actor_label},
        "target": {"type": item.target_type, "id": item.target_id, "label": seen.label},
        "grid": item.grid,
        "changes": dict(seen.changes),
        "context": dict(seen.context),
        "act": str(item.operation_id),
    }


def _line_of(seen: SeenRecord, name: str, before: Any, after: Any) -> list[str]:
    item, told = seen.record, seen.context
    return [
        item.occurred_at.isoformat(),
        item.action,
        item.actor_kind,
        item.actor_id,
        item.actor_label,
        str(told.get("impersonator", "")),
        item.target_type,
        item.target_id,
        seen.label,
        item.grid,
        name,
        _text(before),
        _text(after),
        str(told.get("reason", "")),
        str(told.get("source", "")),
        str(told.get("ip", "")),
        str(told.get("requestId", "")),
        str(told.get("correlationId", "")),
        str(item.operation_id),
        str(item.uuid),
    ]


def _cells(changes: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    if not changes:
        yield "", None, None
    for name, pair in changes.items():
        before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
        yield name, before, after


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(map(guard_text, cells))
    return out.getvalue()


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


_WRITERS: Mapping[str, Callable[..., Iterator[str]]] = MappingProxyType({"ndjson": _ndjson, "csv": _csv})
