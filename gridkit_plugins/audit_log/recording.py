"""How an event becomes an audit record."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from gridkit_django.events import GridEvent, acting, current_act
from gridkit_django.grids import grid_registry, searched_columns, sensitive_columns
from gridkit_django.plugins import PluginContext
from gridkit_plugins.audit_log.masking import masked_payload


def write_record(context: PluginContext, event: GridEvent, mask: Collection[str]) -> None:
    """Write the record of an event that is no write to a row: of the grid, with the event's payload as evidence.

    Args:
        context: the plugin's context.
        event: what happened.
        mask: ids of columns whose values are not stored; those that a policy of the site hides are not stored either.
    """
    grid = event.grid or ""
    known = {item.options.id: item for item in grid_registry().all()}.get(grid)
    hidden = {*mask, *(sensitive_columns(known) if known else ())}
    hides_search = bool(known and hidden & searched_columns(known))
    evidence = masked_payload(dict(event.payload), hidden, search=hides_search)
    context.audit.record(event.type.replace(":", "."), target=("grid", grid, grid), grid=grid, evidence=evidence)


@contextmanager
def without_metadata() -> Iterator[None]:
    """Act on as before, in the same name and for the same reason, but without request id, address and browser."""
    act = current_act()
    with acting(
        act.actor,
        act.source,
        correlation_id=act.correlation_id,
        impersonator=act.impersonator,
        reason=act.reason,
    ):
        yield
