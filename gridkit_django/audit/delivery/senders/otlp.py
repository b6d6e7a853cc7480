"""OpenTelemetry: log records in JSON over HTTP (OTLP 1.x), one for each audit record.

OpenTelemetry itself says that it may drop logs (it is no audit log): this is a way to see records, not to keep them.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

from gridkit_django import __version__
from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.formats import FORMATS, uuid_of
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.http import post_bytes
from gridkit_django.audit.rows import RecordRow
from gridkit_django.exceptions import DeliveryRefusedError

_INFO = 9


def send_logs(place: Place, batch: Batch, secret: str) -> None:
    """Post a batch; the secret, when there is one, is a bearer token.

    Raises:
        DeliveryLaterError: when it may work later.
        DeliveryRefusedError: when somebody must look first, also when the collector took only a part.
    """
    scope = {"name": "gridkit_django.audit", "version": __version__}
    records = [_log_record(row, FORMATS[batch.form](row)) for row in batch.rows]
    resource = {"attributes": [_attribute("service.name", "gridkit")]}
    told = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}]}]}
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "User-Agent": "GridKit"}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    body = gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0)
    _look_for_rejected(place, post_bytes(place, body, headers))


def _look_for_rejected(place: Place, answer: bytes) -> None:
    """Look whether all was taken: a collector that rejects a part says so with status 200 (``partialSuccess``).

    Raises:
        DeliveryRefusedError: when it was not.
    """
    try:
        partial = json.loads(answer)["partialSuccess"]
        rejected, why = int(partial["rejectedLogRecords"]), str(partial.get("errorMessage", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return  # it says nothing of the kind: all was taken
    if rejected > 0:
        raise DeliveryRefusedError(
            f"{place.host} rejected {rejected} log records of the batch: {why[:300] or 'no reason'}"
        )


def _log_record(row: RecordRow, line: bytes) -> dict[str, Any]:
    found = row.occurred_at
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    told = {
        "audit.record": uuid_of(row),
        "audit.action": row.action,
        "enduser.id": row.actor_id,
        "audit.target": f"{row.target_type} {row.target_id}",
    }
    return {
        "timeUnixNano": str(int(seconds * 1_000_000) * 1000),
        "severityNumber": _INFO,
        "severityText": "INFO",
        "body": {"stringValue": line.decode()},
        "attributes": [_attribute(name, value) for name, value in told.items()],
    }


def _attribute(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}
