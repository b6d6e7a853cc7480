"""Who came in, who failed to, and who may do what: logins, and changes of the rights of users and groups."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router, transaction
from django.utils.crypto import salted_hmac

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.conf import settings
from gridkit_django.events import Actor, held_act, holding, request_act
from gridkit_django.models import AuditRecord

ACCESS = "access"
"""The owner of the policies over users and groups."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_OF_RIGHTS = frozenset(
    {"username", "email", "is_active", "is_staff", "is_superuser", "password", "groups", "user_permissions"}
)
"""Fields of users that say who somebody is and what they may do; when a password changed is told, not to what."""


def watch_logins() -> None:
    """Record logins, logouts and failed logins, as long as ``AUDIT_ACCESS`` says so."""
    for signal, receiver in (
        (user_logged_in, _logged_in),
        (user_logged_out, _logged_out),
        (user_login_failed, _failed),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"gridkit_django.audit.access.{receiver.__name__}")


def access_policies() -> list[AuditPolicy]:
    """Return the policies over users and groups, none when ``AUDIT_ACCESS`` says no."""
    if not settings().AUDIT_ACCESS:
        return []
    user = get_user_model()
    fields = frozenset({name for name in {*_OF_RIGHTS, user.USERNAME_FIELD} if _has(user, name)})
    mask = fields & {"password"}
    return [
        AuditPolicy(model_label=user._meta.label_lower, fields=fields, mask=mask),
        AuditPolicy(model_label=Group._meta.label_lower, fields=frozenset({"name", "permissions"})),
    ]


def _logged_in(request: Any = None, user: Any = None, **_kwargs: Any) -> None:
    """Record a login, and who was logged in until then: whoever takes a session over knows no password."""
    before = getattr(request, "_acached_user", None) or getattr(request, "_cached_user", None)
    if before is None or not before.is_authenticated or before.pk == user.pk:
        _note("user.login", request, user)
    else:
        until_then = Actor.from_user(before)
        _note("user.login", request, user, {"previousUser": {"id": until_then.id, "label": until_then.label}})


def _logged_out(request: Any = None, user: Any = None, **_kwargs: Any) -> None:
    if user is not None:
        _note("user.logout", request, user)


def _failed(credentials: Any = None, request: Any = None, **_kwargs: Any) -> None:
    """Record a failed login: the account that was meant, or a digest of a name that is nobody's.

    People type passwords into the field for the name; what is nobody's name is not kept.
    """
    if not settings().AUDIT_ACCESS:
        return
    user = get_user_model()
    given = dict(credentials or {})
    name = str(given.get(user.USERNAME_FIELD) or given.get("username") or "")
    found = user._default_manager.filter(**{user.USERNAME_FIELD: name}).first() if name else None
    if found is None:
        digest = salted_hmac("gridkit_django.audit.login", name, algorithm="sha256").hexdigest()[:16]
        _write("user.login_failed", request, Target("user", ""), Actor.from_user(None), {"nameDigest": digest})
    else:
        _write("user.login_failed", request, _target(found), Actor.from_user(None), {})


def _note(action: str, request: Any, user: Any, evidence: Mapping[str, Any] = _NOTHING) -> None:
    if settings().AUDIT_ACCESS:
        _write(action, request, _target(user), Actor.from_user(user), evidence)


def _write(action: str, request: Any, target: Target, actor: Actor, evidence: Mapping[str, Any]) -> None:
    with _circumstances(request), transaction.atomic(using=router.db_for_write(AuditRecord)):
        record(action, target=target, actor=actor, evidence=evidence)


def _circumstances(request: Any) -> AbstractContextManager[None]:
    """Act in the request, where no middleware does it already.

    That of Django REST framework logs in whoever is asked for, and is on its way to do so here: Django's own is within.
    """
    if request is None or held_act() is not None:
        return nullcontext()
    return holding(request_act(getattr(request, "_request", request)))


def _target(user: Any) -> Target:
    # The user of a request is a lazy object, whose type is none of a model.
    model = user._meta.model
    policy = audit_policies().table.effective(model._meta.concrete_model._meta.label_lower)
    hidden = policy is not None and model.USERNAME_FIELD in policy.mask | policy.encrypt
    return Target.of_row(model, user.pk, "" if hidden else user.get_username())


def _has(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
