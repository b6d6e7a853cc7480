"""The forms in which a record can be told: as it was sealed, as OCSF, or as CEF."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridkit_django import __version__
from gridkit_django.audit.rows import RecordRow

Form = Callable[[RecordRow], bytes]
"""Gives one record as one line, without the end of the line."""

_ENTITY_MANAGEMENT = 3004
_NO_ACT: Mapping[str, Any] = MappingProxyType(
    {"correlationId": "", "reason": "", "impersonator": {"id": "", "label": ""}}
)
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_VERBS = MappingProxyType({"create": _CREATE, "update": _UPDATE, "delete": _DELETE, "view": _READ})


def native(row: RecordRow) -> bytes:
    """Return the canonical bytes, which the seal was made from: whoever has them and the seal can verify them."""
    return row.line()


def ocsf(row: RecordRow) -> bytes:
    """Return an event of the Open Cybersecurity Schema Framework 1.4, class 3004 Entity Management.

    ``activity_id`` is 1 for a creation, 2 for a look, 3 for an update, 4 for a deletion, 99 for all else.
    """
    told = json.loads(row.line())
    noun, _, verb = row.action.partition(".")
    activity, is_row = _VERBS.get(verb, _OTHER), noun == "row"
    act = told.get("operation") or _NO_ACT
    event = {
        "class_uid": _ENTITY_MANAGEMENT,
        "category_uid": _ENTITY_MANAGEMENT // 1000,
        "activity_id": activity,
        "activity_name": row.action,
        "type_uid": _ENTITY_MANAGEMENT * 100 + activity,
        "severity_id": 1,
        "status_id": 1,
        "time": int(_moment(row).timestamp() * 1000),
        "metadata": {
            "version": "1.4.0",
            "uid": uuid_of(row),
            "sequence": row.id,
            "correlation_uid": act["correlationId"],
            "product": {"name": "GridKit for Django", "vendor_name": "GridKit", "version": __version__},
        },
        "actor": {"user": {"uid": row.actor_id, "name": row.actor_label, "type": row.actor_kind}},
        "entity": {"type": row.target_type, "uid": row.target_id, "name": row.target_label},
        "comment": act["reason"],
        "unmapped": {
            "changes": told.get("changes"),
            "grid": row.grid,
            "evidence": told.get("evidence"),
            "row": is_row,
            "impersonator": act["impersonator"],
        },
    }
    if (address := _facts(row).get("ip")) is not None:
        event["src_endpoint"] = {"ip": address}
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def cef(row: RecordRow) -> bytes:
    """Return a line of the Common Event Format, version 0: seven header fields, then ``key=value`` pairs."""
    header = ("CEF:0", "GridKit", "GridKit for Django", __version__, row.action, row.action.replace(".", " "), "3")
    act = row.operation
    pairs = {
        "rt": str(int(_moment(row).timestamp() * 1000)),
        "externalId": uuid_of(row),
        "act": row.action,
        "suid": row.actor_id,
        "suser": row.actor_label,
        **_source(str(_facts(row).get("ip", ""))),
        "cs1Label": "target",
        "cs1": f"{row.target_type} {row.target_id}".strip(),
        "cs2Label": "grid",
        "cs2": row.grid,
        "cs3Label": "changes",
        "cs3": row.changes,
        "cs4Label": "reason",
        "cs4": act.reason if act else "",
        "cs5Label": "impersonator",
        "cs5": f"{act.impersonator_id} {act.impersonator_label}".strip() if act else "",
        "cs6Label": "evidence",
        "cs6": row.evidence or "",
        "cn1Label": "record",
        "cn1": str(row.id),
    }
    told = [name for name in pairs if pairs[name] != "" and not (name.endswith("Label") and pairs[name[:-5]] == "")]
    extension = " ".join(f"{name}={_escaped(pairs[name], '=')}" for name in told)
    return f"{'|'.join([header[0], *(_escaped(item, '|') for item in header[1:])])}|{extension}".encode()


FORMATS: Mapping[str, Form] = MappingProxyType({"native": native, "ocsf": ocsf, "cef": cef})
"""Name to form."""


def uuid_of(row: RecordRow) -> str:
    """Return the uuid of a record as the native form tells it; SQLite stores it without hyphens."""
    try:
        return str(UUID(str(row.uuid)))
    except ValueError:
        return str(row.uuid)


def _source(address: str) -> dict[str, str]:
    """Return the field of an address: CEF has one for each version of IP."""
    try:
        is_new = isinstance(ip_address(address), IPv6Address)
    except ValueError:
        is_new = False
    return {"c6a2Label": "source", "c6a2": address} if is_new else {"src": address}


def _escaped(text: str, sign: str) -> str:
    """Return text with the signs escaped that end a field; lines can't break."""
    quoted = text.replace("\\", "\\\\").replace(sign, f"\\{sign}")
    return quoted.replace("\r", "\\r").replace("\n", "\\n")


def _facts(row: RecordRow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.operation.facts) if row.operation else {}
    return found


def _moment(row: RecordRow) -> datetime:
    """Return when it was; SQLite gives text without an offset."""
    found = row.occurred_at
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
