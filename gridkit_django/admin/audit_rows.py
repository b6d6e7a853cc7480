"""Lines of a list of audit records."""

from __future__ import annotations

from django.utils.safestring import SafeString

from gridkit_django.admin.audit_links import act_address, record_address
from gridkit_django.admin.audit_values import short_differences
from gridkit_django.grids.audit_reading import SeenRecord


def row_of(seen: SeenRecord) -> tuple[SeenRecord, list[tuple[str, SafeString, SafeString]], str, str]:
    """Return a record, its changes in short, and the addresses of its own page and of its act."""
    record = seen.record
    changes = short_differences(record.target_type, seen.changes)
    return seen, changes, record_address(record.pk), act_address(str(record.operation_id))
