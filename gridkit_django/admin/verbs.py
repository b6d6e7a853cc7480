"""What every changing request of the plugin admin goes through: the right, the actor, and readable refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import GridKitError

RIGHTS = frozenset({"install_plugin", "activate_plugin", "configure_plugin", "grant_plugin"})


def may(request: HttpRequest, right: str, obj: Model | None = None) -> bool:
    """Whether the user holds a plugin right for all plugins or, through object permissions, for this one."""
    name = f"gridkit_django.{right}"
    return bool(request.user.has_perm(name) or (obj is not None and request.user.has_perm(name, obj)))


def require(request: HttpRequest, right: str, obj: Model | None = None) -> None:
    """Let the request pass, or refuse it.

    Raises:
        PermissionDenied: when the user lacks the right.
    """
    if not may(request, right, obj):
        raise PermissionDenied


@contextmanager
def administering(request: HttpRequest) -> Iterator[None]:
    """Act as the request's user; a refusal of a service becomes a message on the next page."""
    facts = {"ip": str(request.META.get("REMOTE_ADDR") or ""), "userAgent": request.headers.get("User-Agent", "")[:300]}
    with acting(Actor.from_user(request.user), EventSource.ADMIN, metadata=facts):
        try:
            yield
        except GridKitError as error:
            messages.error(request, f"{error.detail} ({error.code})")
