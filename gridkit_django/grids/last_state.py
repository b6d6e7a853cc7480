"""The state in which a person left a grid: saved by itself, the last writer wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.pointers import below
from gridkit_django.grids.state_gate import OpenedState, open_state, read_state
from gridkit_django.grids.view_state import STATE_VERSION
from gridkit_django.models import GridState


@dataclass(frozen=True, slots=True)
class LastState:
    """What a person left behind.

    Attributes:
        opened: the state, as far as it still holds for them.
        changed_at: when it was saved; the server's time.
    """

    opened: OpenedState
    changed_at: datetime


def last_state(access: GridAccess) -> LastState | None:
    """Return the state in which the user left the grid, or None when there is none yet.

    What does not hold for the user any more falls away and is reported; what is stored stays as it is.
    """
    row = GridState.objects.filter(user_id=_key(access), grid=access.grid_id).first()
    if row is None:
        return None
    return LastState(open_state(access, row.state, row.state_version), row.changed_at)


def keep_last_state(access: GridAccess, raw: Any) -> LastState:
    """Keep the state in which the user leaves the grid, in place of the one before.

    Args:
        access: the grid and the user.
        raw: the state, as sent.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't do.
        ViewError: when it is too large.
    """
    with below("/state"):
        state = read_state(access, raw)
    row, _ = GridState.objects.update_or_create(
        user_id=_key(access),
        grid=access.grid_id,
        defaults={"state": state.to_dict(), "state_version": STATE_VERSION},
    )
    return LastState(OpenedState(state), row.changed_at)


def _key(access: GridAccess) -> Any:
    return cast("AbstractBaseUser", access.user).pk
