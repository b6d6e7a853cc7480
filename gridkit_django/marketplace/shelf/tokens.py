"""Tokens that publish: shown once, stored as a digest, for some acts, for some plugins, for some time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import MarketTokenError, PublisherError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.models import Publisher, PublisherToken
from gridkit_django.typing import User

PREFIX = "gkp_"
DAYS_MAX = 365
_USED_EVERY = timedelta(minutes=1)


class TokenScope(StrEnum):
    """What a token may do."""

    PUBLISH = "publish"
    FRONT = "front"
    YANK = "yank"
    UNPUBLISH = "unpublish"
    ANALYTICS = "analytics"
    KEYS = "keys"
    MAILS = "mails"


def make_token(
    publisher: Publisher,
    name: str,
    *,
    scopes: Sequence[TokenScope] = (TokenScope.PUBLISH,),
    plugins: Sequence[str] = (),
    days: int = 90,
    user: User | None = None,
) -> tuple[PublisherToken, str]:
    """Make a token and return its row and its text, which nobody can read again.

    Args:
        publisher: who publishes with it.
        name: where it is used.
        scopes: what it may do.
        plugins: ids of the plugins that it is for; empty for all of the publisher.
        days: for how long, at most 365.
        user: who makes it.

    Raises:
        MarketTokenError: without a scope, or for longer than it may be.
    """
    if not scopes or not 1 <= days <= DAYS_MAX:
        raise MarketTokenError(f"A token needs a scope, and holds for 1 to {DAYS_MAX} days.")
    text = PREFIX + secrets.token_urlsafe(32)
    using = database()
    with transaction.atomic(using):
        row = PublisherToken.objects.using(using).create(
            publisher=publisher,
            name=name,
            start=text[:10],
            digest=_digest(text),
            scopes=[TokenScope(scope).value for scope in scopes],
            plugins=list(plugins),
            created_by_id=None if user is None else user.pk,
            expires_at=timezone.now() + timedelta(days=days),
        )
        record(
            "publisher.token",
            target=Target.of_row(PublisherToken, row.pk, str(row)),
            evidence={"publisher": publisher.name, "scopes": row.scopes, "plugins": row.plugins, "days": days},
            using=using,
        )
    return row, text


def find_token(text: str, now: datetime | None = None) -> PublisherToken | None:
    """Return the token behind a text; None when there is none, or it is expired or revoked.

    Args:
        text: what the caller showed.
        now: the time; None for now.
    """
    if not text.startswith(PREFIX):
        return None
    now = now or timezone.now()
    rows = PublisherToken.objects.using(database()).select_related("publisher", "created_by")
    token = rows.filter(digest=_digest(text), revoked_at=None, expires_at__gt=now).first()
    if token is not None and (token.last_used_at is None or now - token.last_used_at > _USED_EVERY):
        rows.filter(pk=token.pk).update(last_used_at=now)
    return token


def require_scope(token: PublisherToken, scope: TokenScope, plugin_id: str) -> None:
    """Refuse what a token does not cover.

    Raises:
        PublisherError: when the publisher is suspended, or the plugin is not the publisher's.
        MarketTokenError: when scope or plugin are not the token's.
    """
    _refuse_suspended(token)
    if not plugin_id.startswith(f"@{token.publisher.name}/"):
        raise PublisherError(
            f"The token is of @{token.publisher.name}, so the plugin's id must begin with @{token.publisher.name}/."
        )
    if scope.value not in token.scopes or (token.plugins and plugin_id not in token.plugins):
        raise MarketTokenError(f"This token may not {scope.value} {plugin_id}. Make one with that scope.")


def require_publisher(token: PublisherToken, scope: TokenScope, name: str) -> None:
    """Refuse a token for what is about a publisher as a whole.

    Raises:
        PublisherError: when the publisher is suspended, or another.
        MarketTokenError: when the scope is not the token's, or it is for some plugins only.
    """
    _refuse_suspended(token)
    if token.publisher.name != name:
        raise PublisherError(f"The token is of @{token.publisher.name}, and is no good for another publisher.")
    if scope.value not in token.scopes or token.plugins:
        raise MarketTokenError(f"This token may not {scope.value}. Make one with that scope, for all plugins.")


def _refuse_suspended(token: PublisherToken) -> None:
    if token.publisher.suspended:
        raise PublisherError("This publisher is suspended. Ask the administrators of the marketplace.")


def revoke_token(token: PublisherToken) -> None:
    """Let a token open nothing any more."""
    using = database()
    with transaction.atomic(using):
        now = timezone.now()
        if PublisherToken.objects.using(using).filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            record("publisher.token.revoke", target=Target.of_row(PublisherToken, token.pk, str(token)), using=using)
    token.revoked_at = token.revoked_at or now


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
