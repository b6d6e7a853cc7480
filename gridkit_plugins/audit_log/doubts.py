"""What of the configuration holds nowhere: nothing that an administrator set is ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gridkit_django.grids import Grid
from gridkit_plugins.audit_log.config import AuditLogConfig, PersonalData

_OF_THE_SITE = ("destination", "destination_format", "destination_secret")
"""There is one trail, so there is one destination, whatever a grid says."""


def doubts(site: AuditLogConfig, grids: Mapping[type[Grid], AuditLogConfig]) -> list[str]:
    """Return what an administrator should look at, each a sentence.

    Args:
        site: the configuration for no particular grid.
        grids: every grid, with its configuration.
    """
    known = {column for grid in grids for column in grid.columns()}
    unknown = sorted(_columns(site.pii) - known)
    told = [f"No grid has the columns {', '.join(unknown)}. Check their spelling."] if unknown else []
    return [*told, *(doubt for grid, config in grids.items() for doubt in _of_grid(grid, config, site))]


def _of_grid(grid: type[Grid], config: AuditLogConfig, site: AuditLogConfig) -> Iterator[str]:
    name = grid.options.id
    if unknown := sorted(_columns(config.pii) - _columns(site.pii) - grid.columns().keys()):
        yield f"The grid {name} has no columns {', '.join(unknown)}. Check their spelling."
    if any(getattr(config, key) != getattr(site, key) for key in _OF_THE_SITE):
        yield f"The grid {name} names a destination of its own, and only that of the site counts."


def _columns(pii: PersonalData) -> set[str]:
    return {*pii.mask, *pii.encrypt, *([pii.subject] if pii.subject else [])}
