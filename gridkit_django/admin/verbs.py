"""What every changing request of the plugin admin goes through: the right, the actor, and readable refusals."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest

from gridkit_django.events import EventSource, holding, request_act
from gridkit_django.exceptions import GridKitError

RIGHTS = frozenset({"install_plugin", "activate_plugin", "configure_plugin", "grant_plugin"})


def may(request: HttpRequest, right: str, obj: Model | None = None) -> bool:
    """Whether the user holds a plugin right for all plugins or, through object permissions, for this one."""
    name = f"gridkit_django.{right}"
    return bool(request.user.has_perm(name) or (obj is not None and request.user.has_perm(name, obj)))


def rights_of(request: HttpRequest, obj: Model | None = None) -> frozenset[str]:
    """Return the plugin rights that the user holds, as ``may`` judges them."""
    return frozenset(right for right in RIGHTS if may(request, right, obj))


def require(request: HttpRequest, right: str, obj: Model | None = None) -> None:
    """Let the request pass, or refuse it.

    Raises:
        PermissionDenied: when the user lacks the right.
    """
    if not may(request, right, obj):
        raise PermissionDenied


class administering:  # noqa: N801 - a context manager, used like a function
    """Act as the request's user; a refusal of a service ends the block and becomes a message on the next page.

    Args:
        request: whose user acts.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._act = holding(request_act(request, EventSource.ADMIN))

    def __enter__(self) -> Self:
        """Begin to act."""
        self._act.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop to act; a refusal is told and taken as dealt with."""
        self._act.__exit__(None, None, None)
        if isinstance(error, GridKitError):
            messages.error(self._request, f"{error.detail} ({error.code})")
            return True
        return False
