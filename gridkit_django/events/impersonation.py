"""Who acts in the name of the user of a request, told by the site or by what is in the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.utils.module_loading import import_string

from gridkit_django.conf import settings
from gridkit_django.events.payloads import Actor, ActorKind

_HIJACK = "hijack_history"
"""Where django-hijack keeps the keys of those who took over, the first one first."""

_LOGINAS = "loginas_from_user"
"""Where django-loginas keeps the signed key of the one who logged in as somebody else."""


def impersonator_of(request: HttpRequest) -> Actor | None:
    """Return who acts in the name of the request's user, or None.

    ``AUDIT_IMPERSONATOR`` of the settings is asked: a function that takes the request and returns a user or None.
    Without one, the sessions of django-hijack and django-loginas are understood.

    Args:
        request: the request.
    """
    path = settings().AUDIT_IMPERSONATOR
    if path is not None:
        user = import_string(path)(request)
        return None if user is None or not user.is_authenticated else Actor.from_user(user)
    key = _key_in(getattr(request, "session", None) or {})
    return None if key is None else _actor(key)


def takeover_mark(request: HttpRequest) -> object:
    """Return what says whether a request's session has been taken over, or given back, since it came in.

    Args:
        request: the request; a session that nobody changed is not read.
    """
    session: Any = getattr(request, "session", None)
    if not getattr(session, "modified", False):
        return None
    return str(session.get(_HIJACK)), session.get(_LOGINAS)


def _key_in(session: Mapping[str, Any]) -> str | None:
    history = session.get(_HIJACK)
    if isinstance(history, list) and history:
        return str(history[0])
    signed = session.get(_LOGINAS)
    if not isinstance(signed, str):
        return None
    try:
        return TimestampSigner().unsign(signed)
    except BadSignature:
        return "unknown"


def _actor(key: str) -> Actor:
    """Describe the user with this key; one that is gone keeps the key."""
    try:
        user = get_user_model()._default_manager.filter(pk=key).first()
    except (ValueError, ValidationError):
        user = None
    return Actor(ActorKind.USER, key, key) if user is None else Actor.from_user(user)
