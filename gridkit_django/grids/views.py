"""Saved views: named states of a grid, kept for oneself, a group or everybody. Only the owner changes one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, PermissionsMixin
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from gridkit_django.conf import settings
from gridkit_django.events import GridEvent, event_bus, make_event
from gridkit_django.events.bus import Emission
from gridkit_django.exceptions import AccessDeniedError, VersionConflictError, ViewError, ViewNotFoundError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.pointers import below
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.rights import has_permission
from gridkit_django.grids.state_gate import open_state, read_state
from gridkit_django.grids.strict import read_text
from gridkit_django.grids.view_state import STATE_VERSION, ViewState
from gridkit_django.models import SavedView, ViewScope
from gridkit_django.typing import MutableJSONObject

SHARE = "gridkit_django.share_view"
NAME_LENGTH = 100
_DEFAULTS = (ViewScope.PRIVATE, ViewScope.GROUP, ViewScope.PUBLIC)


@dataclass(frozen=True, slots=True)
class ViewDraft:
    """What a person wants a view to be. None leaves it as it is, or as a new view is.

    Attributes:
        name: what people read.
        scope: who sees it.
        group: primary key of the group that sees it; for views of a group only.
        is_default: whether the grid opens with it.
        state: the state, as sent.
    """

    name: str | None = None
    scope: ViewScope | None = None
    group: int | None = None
    is_default: bool | None = None
    state: Any = None


@dataclass(frozen=True, slots=True)
class OpenedView:
    """A view, as far as it holds for whoever opened it.

    Attributes:
        id: its id.
        name: what people read.
        scope: who sees it.
        group: the group that sees it, as primary key and name; None unless it is the view of a group.
        is_default: whether the grid opens with it.
        owner: the name of its owner.
        mine: whether whoever opened it may change it.
        created_at: when it was saved first.
        changed_at: when it was saved last.
        state: what is left of the state.
        dropped: where in the stored state something stood that is no more (JSON Pointers).
    """

    id: UUID
    name: str
    scope: ViewScope
    group: tuple[int, str] | None
    is_default: bool
    owner: str
    mine: bool
    created_at: datetime
    changed_at: datetime
    state: ViewState
    dropped: tuple[str, ...]

    @property
    def version(self) -> str:
        """The token of what was opened: it differs when the view does, and when its reader may see other columns."""
        facts = [str(self.id), self.name, self.scope, self.group, self.is_default, self.owner, self.mine]
        text = json.dumps([*facts, self.state.to_dict(), self.dropped], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:22]


def list_views(access: GridAccess) -> tuple[SavedView, ...]:
    """Return the views of a grid that the user may see, by name."""
    return tuple(_visible(access).order_by("name", "pk"))


def default_view(access: GridAccess, views: tuple[SavedView, ...]) -> SavedView | None:
    """Return the view that the grid opens with for this user.

    One's own comes before that of a group, and that before everybody's; of several, the one that was changed last.
    """
    marked = [view for view in views if view.is_default]
    return min(
        marked,
        key=lambda view: (not is_mine(access, view), _DEFAULTS.index(ViewScope(view.scope)), -_moment(view)),
        default=None,
    )


def is_mine(access: GridAccess, view: SavedView) -> bool:
    """Whether the user owns a view, and so may change it."""
    return bool(view.owner_id == access.user.pk)


def may_share(access: GridAccess) -> bool:
    """Whether the user may share views with everybody."""
    return has_permission(access.user, SHARE)


def sharing_groups(access: GridAccess) -> tuple[Group, ...]:
    """Return the groups that the user may share views with: those that they are a member of, by name."""
    groups: QuerySet[Group] = cast("PermissionsMixin", access.user).groups.order_by("name")
    return tuple(groups)


def get_view(access: GridAccess, view_id: UUID | str) -> SavedView:
    """Return a view of the grid.

    Raises:
        ViewNotFoundError: when there is no such view or the user may not see it; the answers are the same.
    """
    try:
        return _visible(access).get(pk=UUID(str(view_id)))
    except (SavedView.DoesNotExist, ValueError):
        raise ViewNotFoundError("This grid has no view with this id.") from None


def open_view(access: GridAccess, view: SavedView) -> OpenedView:
    """Open a view: what of its state does not hold for this user (any more) falls away and is reported."""
    opened = open_state(access, view.state, view.state_version)
    group = view.group
    return OpenedView(
        id=view.pk,
        name=view.name,
        scope=ViewScope(view.scope),
        group=None if group is None else (group.pk, group.name),
        is_default=view.is_default,
        owner=str(view.owner),
        mine=is_mine(access, view),
        created_at=view.created_at,
        changed_at=view.changed_at,
        state=opened.state,
        dropped=opened.dropped,
    )


def load_view(access: GridAccess, view_id: UUID | str) -> OpenedView:
    """Open a view because a person chose it: ``view:load`` is told.

    Raises:
        ViewNotFoundError: when there is no such view or the user may not see it; the answers are the same.
        EventRejected: a handler vetoed.
    """
    view = get_view(access, view_id)
    with transaction.atomic():
        emission = _told(view, "view:load", access.grid)
        emission.before()
        opened = open_view(access, view)
        emission.after()
    return opened


def save_view(access: GridAccess, draft: ViewDraft) -> OpenedView:
    """Save a new view of the user's own.

    Raises:
        AccessDeniedError: to share with everybody takes the right ``share_view``.
        ViewError: the name is taken, the group is none of the user's, or there are too many views.
        UnknownColumnError: the state names a column that does not exist or that the user may not see.
        QueryError: the state says something else that this grid can't do.
        EventRejected: a handler vetoed.
    """
    if draft.name is None:
        raise ViewError.at("/name", "A view needs a name.")
    owner: Any = access.user.pk
    with transaction.atomic():
        # The owner's row is locked, so that two requests at once can't save more views than one may have.
        get_user_model()._default_manager.select_for_update().filter(pk=owner).first()
        most = settings().VIEWS_PER_USER
        if SavedView.objects.filter(owner_id=owner).count() >= most:
            raise ViewError(f"You have {most} views; more are not allowed. Delete one that you no longer use.")
        return _stored(access, SavedView(grid=access.grid_id, owner_id=owner), draft, created=True)


def change_view(access: GridAccess, view_id: UUID | str, draft: ViewDraft, agrees: Callable[[str], bool]) -> OpenedView:
    """Change a view that the user owns.

    Args:
        access: the grid and the user.
        view_id: the view.
        draft: what is to be other.
        agrees: whether the change was made from a version.

    Raises:
        ViewNotFoundError: when there is no such view or the user may not see it; the answers are the same.
        AccessDeniedError: the user may see the view, but it is somebody else's.
        VersionConflictError: the view has been changed since; ``extra`` holds it as ``current``.
        ViewError: as ``save_view``.
        QueryError: as ``save_view``.
        EventRejected: a handler vetoed.
    """
    with transaction.atomic():
        return _stored(access, _locked(access, view_id, agrees), draft, created=False)


def delete_view(access: GridAccess, view_id: UUID | str, agrees: Callable[[str], bool]) -> None:
    """Delete a view that the user owns. Raises as ``change_view`` does."""
    with transaction.atomic():
        remove_view(_locked(access, view_id, agrees))


def remove_view(view: SavedView) -> None:
    """Delete anybody's view, as administrators may; ``view:delete`` is told.

    Raises:
        EventRejected: a handler vetoed.
    """
    known = {grid.options.id: grid for grid in grid_registry().all()}
    emission = _told(view, "view:delete", known.get(view.grid, GridEvent))
    with transaction.atomic():
        emission.before()
        view.delete()
        emission.after()


def _visible(access: GridAccess) -> QuerySet[SavedView]:
    groups = cast("PermissionsMixin", access.user).groups.all()
    seen = Q(owner_id=access.user.pk) | Q(scope=ViewScope.PUBLIC) | Q(scope=ViewScope.GROUP, group__in=groups)
    return SavedView.objects.filter(seen, grid=access.grid_id).select_related("owner", "group")


def _locked(access: GridAccess, view_id: UUID | str, agrees: Callable[[str], bool]) -> SavedView:
    view = get_view(access, view_id)
    if not is_mine(access, view):
        raise AccessDeniedError("Only the owner of a view may change it. Save it under a name of your own instead.")
    locked = SavedView.objects.select_for_update().filter(pk=view.pk).first()
    if locked is None:
        raise ViewNotFoundError("This grid has no view with this id.")
    current = open_view(access, locked)
    if not agrees(current.version):
        raise VersionConflictError(
            "The view has been changed since you read it. Read it again, and change it from there.",
            extra={"current": view_facts(current)},
        )
    return locked


def _stored(access: GridAccess, view: SavedView, draft: ViewDraft, *, created: bool) -> OpenedView:
    _apply(access, view, draft)
    _judge_scope(access, view)
    emission = _told(view, "view:save", access.grid, created=created)
    emission.before()
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise ViewError.at("/name", "You have a view of this name in this grid. Choose another name.") from error
    if view.is_default:
        same = SavedView.objects.filter(grid=view.grid, owner_id=view.owner_id, scope=view.scope, group=view.group_id)
        same.exclude(pk=view.pk).update(is_default=False)
    emission.after()
    return open_view(access, view)


def _apply(access: GridAccess, view: SavedView, draft: ViewDraft) -> None:
    """Write the draft into the row."""
    if draft.name is not None:
        view.name = read_text(draft.name, "/name", NAME_LENGTH).strip()
        if not view.name:
            raise ViewError.at("/name", "A view needs a name.")
    if draft.scope is not None:
        view.scope = draft.scope
        view.group_id = None
    if draft.group is not None:
        view.group_id = draft.group
    if draft.is_default is not None:
        view.is_default = draft.is_default
    if draft.state is not None:
        with below("/state"):
            view.state = read_state(access, draft.state).to_dict()
        view.state_version = STATE_VERSION
    elif view.state is None:
        view.state = ViewState().to_dict()


def _judge_scope(access: GridAccess, view: SavedView) -> None:
    """Refuse to share with whom the user may not share."""
    if view.scope == ViewScope.PUBLIC and not may_share(access):
        raise AccessDeniedError("You may not share views with everybody. Ask an administrator for the right to.")
    if view.scope != ViewScope.GROUP:
        if view.group_id is not None:
            raise ViewError.at("/group", "Only a view with the scope 'group' has a group.")
        return
    if view.group_id is None:
        raise ViewError.at("/group", "A view with the scope 'group' needs a group.")
    mine = cast("PermissionsMixin", access.user).groups.filter(pk=view.group_id)
    found: Group | None = mine.first()
    if found is None:
        raise ViewError.at("/group", "You are in no group with this id.")


def view_facts(view: OpenedView) -> MutableJSONObject:
    """Return a view as plain JSON values."""
    group: MutableJSONObject | None = None if view.group is None else {"id": view.group[0], "name": view.group[1]}
    return {
        "id": str(view.id),
        "name": view.name,
        "scope": view.scope.value,
        "group": group,
        "isDefault": view.is_default,
        "owner": view.owner,
        "mine": view.mine,
        "createdAt": _utc(view.created_at),
        "changedAt": _utc(view.changed_at),
        "state": view.state.to_dict(),
        "dropped": list(view.dropped),
    }


def _told(view: SavedView, event_type: str, sender: Any, **more: Any) -> Emission:
    payload = {"viewId": str(view.pk), "name": view.name, "scope": str(view.scope), **more}
    return event_bus().open(make_event(event_type, payload, grid=view.grid), sender=sender)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(view: SavedView) -> float:
    return view.changed_at.timestamp()
