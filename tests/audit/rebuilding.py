"""The tables of the museum as their records tell them, and as they are."""

from __future__ import annotations

from typing import Any

from django.db import connection

from gridkit_django.audit.capture.values import reader_of
from gridkit_django.audit.mac import MacCheck, check_mac
from gridkit_django.models import AuditRecord
from tests.museum.models import Artist, Work


def rebuilt() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows that the records tell of; each record must go on from where the one before has left."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for record in AuditRecord.objects.order_by("pk"):
        place = (record.target_type, record.target_id)
        if record.action == "row.create":
            assert place not in rows
            rows[place] = {}
        row = rows[place]
        for name, (before, after) in record.changes.items():
            assert row.get(name, [] if name == "tags" else None) == before, (record.action, name)
            row[name] = after
        if record.action == "row.delete":
            assert not [value for value in row.values() if value]
            del rows[place]
        assert check_mac(record) in (MacCheck.RIGHT, MacCheck.ABSENT)
    return {
        place: {name: value for name, value in row.items() if value not in (None, [])} for place, row in rows.items()
    }


def stored() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows as they are."""
    found = {}
    for model in (Work, Artist):
        fields = [item for item in model._meta.local_concrete_fields if not item.primary_key]
        for row in model._base_manager.all():
            values = {item.name: _json(item, row) for item in fields}
            if isinstance(row, Work):
                values["tags"] = sorted(row.tags.values_list("pk", flat=True))
            shown = {name: value for name, value in values.items() if value not in (None, [])}
            found[model._meta.label_lower, str(row.pk)] = shown
    return found


def _json(field: Any, row: Any) -> Any:
    """Return a stored value as JSON, read from the database by itself."""
    column = connection.ops.quote_name(field.column)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {type(row)._meta.db_table} WHERE id = %s", [row.pk])
        return reader_of(field, connection)(cursor.fetchone()[0])
