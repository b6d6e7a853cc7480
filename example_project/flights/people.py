"""The three users of the demo and what they may do."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from guardian.shortcuts import assign_perm

from gridkit_django.models import RegisteredGrid

PASSWORD_BYTES = 12
OPEN, EDIT, EXPORT = (f"gridkit_django.{verb}_grid" for verb in ("open", "edit", "export"))
OTHER_GRIDS = ("airlines", "airports", "planes", "weather")


@dataclass(frozen=True, slots=True)
class Role:
    """One user of the demo.

    Attributes:
        name: login name.
        does: what the user may do, in words.
        group: the group that holds the rights, none for the superuser.
        flights: rights on the grid ``flights`` alone, given on the object through django-guardian.
        others: rights on each of the other grids.
        model_rights: rights that are not about a grid.
    """

    name: str
    does: str
    group: str = ""
    flights: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    model_rights: tuple[str, ...] = ()


ROLES = (
    Role("admin", "everything, and the Django admin"),
    Role(
        "analyst",
        "reads and exports every grid; changes nothing, sees no tail numbers",
        group="Flight analysts",
        flights=(OPEN, EXPORT),
        others=(OPEN, EXPORT),
    ),
    Role(
        "editor",
        "reads and exports every grid, changes delays and notes of flights",
        group="Flight editors",
        flights=(OPEN, EDIT, EXPORT),
        others=(OPEN, EXPORT),
        model_rights=("flights.view_tailnum",),
    ),
)


@dataclass(frozen=True, slots=True)
class Account:
    """A role and its password, as far as it is known: a stored password can't be read back."""

    role: Role
    password: str | None


@transaction.atomic
def ensure_people(fixed_password: str | None) -> list[Account]:
    """Make the users and groups that are missing; leave those that are there as they are.

    Args:
        fixed_password: when given, every user of the demo gets this password, at each start.

    Returns:
        Every account, with the password when it was set just now.
    """
    return [Account(role, _ensure_user(role, fixed_password)) for role in ROLES]


def _ensure_user(role: Role, fixed_password: str | None) -> str | None:
    user, made = User.objects.get_or_create(
        username=role.name, defaults={"is_staff": not role.group, "is_superuser": not role.group}
    )
    if role.group and made:
        user.groups.add(_ensure_group(role))
    if not made and fixed_password is None:
        return None
    password = fixed_password or secrets.token_urlsafe(PASSWORD_BYTES)
    if made or not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return password


def _ensure_group(role: Role) -> Group:
    group, made = Group.objects.get_or_create(name=role.group)
    if made:
        group.permissions.set(_model_rights(role.model_rights))
        _grant_on_grids(group, role.flights, ["flights"])
        _grant_on_grids(group, role.others, OTHER_GRIDS)
    return group


def _model_rights(names: Iterable[str]) -> list[Permission]:
    """Return the permissions with these names (``app_label.codename``)."""
    pairs = [name.split(".") for name in names]
    return [Permission.objects.get(content_type__app_label=app, codename=codename) for app, codename in pairs]


def _grant_on_grids(group: Group, rights: Iterable[str], grid_ids: Iterable[str]) -> None:
    """Give a group rights on these grids and on no other, through django-guardian."""
    for grid in [RegisteredGrid.objects.get(grid_id=grid_id) for grid_id in grid_ids]:
        for right in rights:
            assign_perm(right, group, grid)
