"""Mails to publishers: what became of a release, a token that ends, a key that changed. Plain text, from templates.

A site has its own words by a template of the same name: ``gridkit/market/mail/published.txt``. Its first line is the
subject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import TextChoices
from django.dispatch import Signal
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.audit import Target, record
from gridkit_django.conf import market_settings
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.models import Publisher, PublisherToken, ReleaseState

WARN_BEFORE = timedelta(days=14)
_TEXT_MAX = 2000
_REASONS_MAX = 50

publisher_news = Signal()
"""Sent after the commit with ``publisher_id``, ``kind`` and ``facts``; the task queue listens."""


class MailKind(TextChoices):
    """What a mail tells."""

    CHECKED = "checked", _("a release passed its checks and waits for a person")
    QUARANTINED = "quarantined", _("a release is in quarantine")
    PUBLISHED = "published", _("a release is public")
    YANKED = "yanked", _("a release was yanked")
    REMOVED = "removed", _("a release or a plugin was removed")
    TOKEN = "token", _("a token is about to expire")
    KEY = "key", _("a key was added, retired or revoked")


_OF_STATE = {
    ReleaseState.PUBLISHED: MailKind.PUBLISHED,
    ReleaseState.YANKED: MailKind.YANKED,
    ReleaseState.REMOVED: MailKind.REMOVED,
    ReleaseState.QUARANTINED: MailKind.QUARANTINED,
}


def tell_of_release(
    publisher: int,
    names: tuple[str, str],
    states: tuple[ReleaseState, ReleaseState],
    why: str,
    held_for: Sequence[str],
) -> None:
    """Tell a publisher that a release went to another state, once the transaction under way has committed.

    Args:
        publisher: primary key.
        names: id and version.
        states: before and now.
        why: a reason for people.
        held_for: why it waits.
    """
    kind = _OF_STATE.get(states[1])
    if kind is None:
        return
    if states == (ReleaseState.CHECKING, ReleaseState.QUARANTINED) and not any(_is_bad(reason) for reason in held_for):
        kind = MailKind.CHECKED
    reasons = [reason[:_TEXT_MAX] for reason in held_for[:_REASONS_MAX]]
    facts = {"plugin_id": names[0], "version": names[1], "reason": why[:_TEXT_MAX], "reasons": reasons}
    tell_publisher(publisher, kind, facts)


def tell_publisher(publisher: int, kind: MailKind, facts: Mapping[str, Any]) -> None:
    """Tell a publisher something, once the transaction under way has committed.

    Args:
        publisher: primary key.
        kind: what it is about.
        facts: plain values for the template.
    """
    send = partial(publisher_news.send, Publisher, publisher_id=publisher, kind=kind.value, facts=dict(facts))
    transaction.on_commit(send, using=database())


def wants_mail(publisher_id: int, kind: str) -> bool:
    """Whether a publisher has an address and wants mails of a kind."""
    row = Publisher.objects.using(database()).filter(pk=publisher_id).first()
    return row is not None and bool(row.email) and kind not in row.mails_off


def switch_mails(publisher: Publisher, off: Sequence[MailKind]) -> Publisher:
    """Write no more about some kinds of news, and about all others again; return the publisher as it is then.

    Args:
        publisher: whose contact it is.
        off: the kinds that are not wanted.
    """
    using = database()
    wanted_off = [kind.value for kind in MailKind if kind in off]
    with transaction.atomic(using):
        row = Publisher.objects.using(using).select_for_update().get(pk=publisher.pk)
        if row.mails_off != wanted_off:
            changes = {"mails_off": [row.mails_off, wanted_off]}
            row.mails_off = wanted_off
            row.save(update_fields=["mails_off"])
            record("publisher.mails", target=Target.of_row(Publisher, row.pk, str(row)), changes=changes, using=using)
    return row


def mail_publisher(publisher_id: int, kind: str, facts: Mapping[str, Any]) -> bool:
    """Write to a publisher; whether there was somebody who wants it.

    Args:
        publisher_id: primary key.
        kind: one of ``MailKind``.
        facts: plain values for the template.

    Raises:
        OSError: when the mail server can't be reached; whatever else Django's mail backend raises.
    """
    if not wants_mail(publisher_id, kind):
        return False
    publisher = Publisher.objects.using(database()).get(pk=publisher_id)
    context = {**facts, "publisher": publisher, "market": market_settings().name, "kind": MailKind(kind).label}
    subject, _line, body = render_to_string(f"gridkit/market/mail/{kind}.txt", context).strip().partition("\n")
    EmailMessage(subject=" ".join(subject.split())[:200], body=body.strip() + "\n", to=[publisher.email]).send()
    return True


def warn_of_tokens() -> int:
    """Tell publishers of tokens that expire within two weeks, once; return of how many."""
    using, now = database(), timezone.now()
    rows = PublisherToken.objects.using(using).filter(revoked_at=None, warned_at=None)
    soon = rows.filter(expires_at__gt=now, expires_at__lte=now + WARN_BEFORE).order_by("pk")
    told = 0
    for token in soon:
        with transaction.atomic(using):
            if rows.filter(pk=token.pk).update(warned_at=now):
                facts = {"token": token.name, "start": token.start, "expires": f"{token.expires_at:%Y-%m-%d %H:%M %Z}"}
                tell_publisher(token.publisher_id, MailKind.TOKEN, facts)
                told += 1
    return told


def _is_bad(reason: str) -> bool:
    """Whether a reason is more than that a person must look."""
    return reason.startswith("check ") or "revoked" in reason or "retired" in reason
