"""How an event becomes an audit record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gridkit_django.events import GridEvent, acting, current_act
from gridkit_django.plugins import PluginContext
from gridkit_plugins.audit_log.masking import masked_changes, masked_payload

_OF_A_ROW = frozenset({"row:create", "row:update", "row:delete", "cell:edit"})


def write_record(context: PluginContext, event: GridEvent, mask: Sequence[str]) -> None:
    """Write the record of an event, in the transaction under way.

    Facts about a row become a record of that row with its changes; everything else (a filter, an export) becomes a
    record of the grid, with the payload as evidence.

    Args:
        context: the plugin's context.
        event: what happened.
        mask: ids of columns whose values are not stored.
    """
    action = event.type.replace(":", ".")
    grid = event.grid or ""
    if event.type in _OF_A_ROW and grid:
        changes = masked_changes(row_changes(event), mask)
        context.audit.record_row(action, grid=grid, row_id=str(event.payload["rowId"]), changes=changes)
        return
    evidence = masked_payload(dict(event.payload), mask)
    context.audit.record(action, target=("grid", grid, grid), grid=grid, evidence=evidence)


def row_changes(event: GridEvent) -> dict[str, list[Any]]:
    """Return column id to ``[before, after]`` of an event about a row."""
    payload: Mapping[str, Any] = event.payload
    match event.type:
        case "row:create":
            return {column: [None, value] for column, value in payload["values"].items()}
        case "row:delete":
            return {column: [value, None] for column, value in payload["values"].items()}
        case "cell:edit":
            return {payload["column"]: [payload["old"], payload["new"]]}
        case _:
            return {column: list(pair) for column, pair in payload["changes"].items()}


@contextmanager
def without_metadata() -> Iterator[None]:
    """Act on as the same actor through the same door, but without request id, address and browser."""
    act = current_act()
    with acting(act.actor, act.source, correlation_id=act.correlation_id):
        yield
