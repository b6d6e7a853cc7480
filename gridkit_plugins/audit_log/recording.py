"""How an event becomes an audit record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gridkit_django.events import GridEvent, acting, current_act
from gridkit_django.plugins import PluginContext
from gridkit_plugins.audit_log.masking import masked_payload


def write_record(context: PluginContext, event: GridEvent, mask: Sequence[str]) -> None:
    """Write the record of an event that is no write to a row: of the grid, with the event's payload as evidence.

    Args:
        context: the plugin's context.
        event: what happened.
        mask: ids of columns whose values are not stored.
    """
    grid = event.grid or ""
    evidence = masked_payload(dict(event.payload), mask)
    context.audit.record(event.type.replace(":", "."), target=("grid", grid, grid), grid=grid, evidence=evidence)


@contextmanager
def without_metadata() -> Iterator[None]:
    """Act on as the same actor through the same door, but without request id, address and browser."""
    act = current_act()
    with acting(act.actor, act.source, correlation_id=act.correlation_id):
        yield
