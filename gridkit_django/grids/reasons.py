"""Asking why: grids whose changes need a reason refuse those without one."""

from __future__ import annotations

from gridkit_django.events import current_act
from gridkit_django.exceptions import ReasonRequiredError
from gridkit_django.grids.access import GridAccess


def require_reason(access: GridAccess) -> None:
    """Refuse a change without a reason, where ``Meta.audit_reason`` is ``required``.

    The reason is that of the act under way (``gridkit_django.events.explaining``), so it stands on every record that
    the change makes.

    Args:
        access: the grid and the user.

    Raises:
        ReasonRequiredError: when there is none.
    """
    if access.options.audit_reason == "required" and not current_act().reason.strip():
        raise ReasonRequiredError.at("/reason", "Changes of this grid need a reason. Say why, and send it again.")
