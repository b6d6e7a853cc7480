"""Who a publisher is: proved by a text in the DNS of its domain or on its website, or by an administrator.

It says who publishes, never that the code is good; that a release was reviewed is another fact.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from typing import Any

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.http import connected
from gridkit_django.exceptions import GridKitError, PublisherError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.models import IdentityState, IdentityWay, Listing, Publisher

WELL_KNOWN = "/.well-known/gridkit-publisher.txt"
DNS_LABEL = "_gridkit"
_SECONDS = 10.0
_BYTES_MAX = 10_000
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")

Look = Callable[[str], list[str]]
"""Takes a domain, returns the texts that stand there."""


def ask_for_proof(publisher: Publisher, domain: str, way: IdentityWay) -> str:
    """Begin to prove an identity, and return the text that must stand in the domain.

    Args:
        publisher: whose.
        domain: for example ``example.org``.
        way: DNS or web.

    Raises:
        PublisherError: when that is no domain, or no way that a task can check.
    """
    domain = domain.strip().lower().rstrip(".")
    if not _DOMAIN.fullmatch(domain) or way == IdentityWay.ADMIN:
        raise PublisherError("Give a domain such as example.org, and DNS or the web as the way.")
    publisher.identity_token = f"gridkit-publisher={secrets.token_hex(20)}"
    publisher.identity_domain, publisher.identity_way = domain, way
    _set(publisher, IdentityState.WAITING, "")
    return publisher.identity_token


def look_for_proof(publisher: Publisher, look: Look | None = None) -> bool:
    """Look whether the text stands in the publisher's domain; what was proved and is gone is lost.

    Args:
        publisher: whose.
        look: how to look; the publisher's way when None.
    """
    if not publisher.identity_token:
        return publisher.identity_proved
    look = look or {IdentityWay.DNS: texts_in_dns, IdentityWay.WEB: texts_on_web}[IdentityWay(publisher.identity_way)]
    try:
        found = publisher.identity_token in [text.strip() for text in look(publisher.identity_domain)]
        note = "" if found else "The text does not stand there."
    except Exception as error:  # noqa: BLE001 - whatever a name server or a web server makes of it; the next look may go better
        _set(publisher, IdentityState(publisher.identity_state), f"Could not look: {_told(error)}")
        return publisher.identity_proved
    was = publisher.identity_state in (IdentityState.PROVED, IdentityState.LOST)
    _set(publisher, IdentityState.PROVED if found else IdentityState.LOST if was else IdentityState.WAITING, note)
    return found


def vouch(publisher: Publisher, note: str) -> None:
    """Let an administrator say who a publisher is.

    Raises:
        PublisherError: without a note.
    """
    if not note.strip():
        raise PublisherError("Say how you know who it is.")
    publisher.identity_way, publisher.identity_token = IdentityWay.ADMIN, ""
    _set(publisher, IdentityState.PROVED, note)


def look_for_all() -> int:
    """Look for the proof of every publisher that has one to show, and return how many are proved."""
    rows = Publisher.objects.using(database()).exclude(identity_token="")
    return sum(look_for_proof(publisher) for publisher in rows)


def texts_in_dns(domain: str) -> list[str]:
    """Return the TXT records of ``_gridkit.<domain>``, each in one piece; none when there is no such name.

    A name server that fails, refuses or is silent raises whatever dnspython raises: nobody loses a proof by it.

    Raises:
        PublisherError: when the library for it is not installed.
    """
    try:
        resolver: Any = import_module("dns.resolver")
    except ImportError as error:
        raise PublisherError("Looking into DNS needs the extra 'market': install gridkit-django[market].") from error
    try:
        answers = resolver.resolve(f"{DNS_LABEL}.{domain}.", "TXT", lifetime=_SECONDS, search=False)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return []  # the name servers have answered: the text does not stand there
    return [b"".join(answer.strings).decode("ascii", "replace") for answer in answers]


def texts_on_web(domain: str) -> list[str]:
    """Return the lines of ``https://<domain>/.well-known/gridkit-publisher.txt``; no redirect, no private address."""
    connection = HTTPConnection(domain, 443, timeout=_SECONDS)
    try:
        connection.sock = connected(Place("webhook", "https", domain, 443, WELL_KNOWN))
        connection.request("GET", WELL_KNOWN, headers={"Host": domain, "Accept": "text/plain"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise PublisherError(f"{domain} answered {answer.status}.")
        return answer.read(_BYTES_MAX).decode("utf-8", "replace").splitlines()
    except (OSError, HTTPException) as error:
        raise PublisherError(f"{domain} can't be reached.") from error
    finally:
        connection.close()


def _told(error: Exception) -> str:
    return error.detail if isinstance(error, GridKitError) else type(error).__name__


def _set(publisher: Publisher, state: IdentityState, note: str) -> None:
    using, now = database(), timezone.now()
    with transaction.atomic(using):
        before = publisher.identity_state
        publisher.identity_state, publisher.identity_note = state, note[:1000]
        publisher.identity_checked_at = now
        publisher.identity_proved_at = (publisher.identity_proved_at or now) if state == IdentityState.PROVED else None
        names = ("state", "note", "checked_at", "proved_at", "token", "domain", "way")
        publisher.save(using=using, update_fields=[f"identity_{name}" for name in names])
        if before != state:
            record(
                f"publisher.identity.{state.value}",
                target=Target.of_row(Publisher, publisher.pk, publisher.name),
                changes={"identity": [before, state.value]},
                evidence={"domain": publisher.identity_domain, "note": note},
                using=using,
            )
        if IdentityState.PROVED in (before, state) and before != state:
            for listing in Listing.objects.using(using).filter(publisher=publisher, latest__isnull=False):
                touch_listing(listing)
