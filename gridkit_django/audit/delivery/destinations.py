"""The destinations of a site: declared, paused, resumed. Each of these acts is recorded."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from django.db import transaction

from gridkit_django.audit.delivery.formats import FORMATS
from gridkit_django.audit.delivery.places import read_place
from gridkit_django.audit.masks import MASK
from gridkit_django.audit.privacy.providers import key_provider
from gridkit_django.audit.privacy.rewrapping import RewrapReport
from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.exceptions import AuditDestinationError, AuditKeyError, AuditKeyServiceError
from gridkit_django.models import AuditDestination, AuditSeal, DeliveryState

_FOLLOWED = ("kind", "address", "format", "state")


def declare_destination(
    name: str,
    address: str,
    *,
    form: str = "native",
    secret: str | None = None,
    managed_by: str = "",
    from_now: bool = False,
    using: str = "default",
) -> AuditDestination:
    """See to it that a destination of this name gets the records, from the first that is stored or from now on.

    A destination that is there keeps its place in the trail, also when its address changes.

    Args:
        name: what it is called.
        address: where, see ``places.read_place``.
        form: one of ``FORMATS``.
        secret: what signs batches of a webhook, or the token of an OpenTelemetry collector. It is stored encrypted and
            never shown; None keeps the one that is stored.
        managed_by: who declares it, for example a plugin; empty for an administrator.
        from_now: leave out what is sealed already, for a new destination.
        using: alias of the database of the records.

    Raises:
        AuditDestinationError: for an address or form that is none, or a name that somebody else manages.
    """
    place = read_place(address)
    if form not in FORMATS:
        raise AuditDestinationError(f"There is no format {form!r}. Choose one of {', '.join(FORMATS)}.")
    with transaction.atomic(using=using):
        rows = AuditDestination.objects.using(using).select_for_update()
        stored = rows.filter(name=name).first()
        row = stored or AuditDestination(name=name, managed_by=managed_by)
        if row.managed_by != managed_by:
            raise AuditDestinationError(
                f"The destination {name!r} is managed by {row.managed_by or 'the administrators'}."
            )
        before = _facts(row) if stored else {}
        if stored is None and from_now:
            row.cursor = newest_seal(using)
        row.kind, row.address, row.format = place.kind, address, form
        if before and before["address"] != address and row.state == DeliveryState.PARKED:
            row.state = DeliveryState.READY
        row.save(using=using)
        _tell("audit.destination", row, before, _keep_secret(row, secret))
    return row


def drop_destination(row: AuditDestination) -> None:
    """Send nothing there any more."""
    with transaction.atomic(using=row._state.db):
        gone = {name: [value, None] for name, value in _facts(row).items()}
        record("audit.drop_destination", target=_target(row), changes=gone, using=row._state.db)
        row.delete()


def pause(row: AuditDestination) -> None:
    """Send nothing for now; the destination keeps its place in the trail."""
    _set_state(row, DeliveryState.PAUSED)


def resume(row: AuditDestination) -> None:
    """Go on, at once and with the batch that was refused, if one was."""
    row.failures, row.next_try_at, row.last_error = 0, None, ""
    _set_state(row, DeliveryState.READY)


def set_secret(row: AuditDestination, secret: str) -> None:
    """Store the secret of a destination, encrypted; an empty one takes it away."""
    row.secret = None
    if secret:
        provider = key_provider()
        wrapped = base64.b64encode(provider.wrap(secret.encode(), _context(row))).decode("ascii")
        row.secret = {"master": provider.master_id, "wrapped": wrapped}
    row.save(update_fields=["secret"])


def secret_of(row: AuditDestination) -> str:
    """Return the secret, empty for none.

    Raises:
        AuditKeyError: when no key of the site decrypts it.
    """
    if not row.secret:
        return ""
    wrapped = base64.b64decode(row.secret["wrapped"])
    return key_provider().unwrap(row.secret["master"], wrapped, _context(row)).decode()


def rewrap_secrets(*, using: str = "default", write: bool = True) -> RewrapReport:
    """Encrypt the secret of each destination anew that an older master key holds, see ``privacy.rewrap_keys``.

    Args:
        using: alias of the database of the records.
        write: False only counts.

    Raises:
        AuditKeyServiceError: when the provider can't be reached.
    """
    newest, unreadable, outdated = key_provider().master_id, [], 0
    with transaction.atomic(using=using):
        rows = [row for row in AuditDestination.objects.using(using).select_for_update().order_by("name") if row.secret]
        for row in rows:
            if (row.secret or {}).get("master") == newest:
                continue
            outdated += 1
            try:
                secret = secret_of(row)
            except AuditKeyServiceError:
                raise
            except AuditKeyError:
                unreadable.append(f"the secret of {row.name}")
                continue
            if write:
                set_secret(row, secret)
    return RewrapReport(len(rows), outdated, tuple(unreadable))


def backlog_of(row: AuditDestination) -> int:
    """Return how many sealed records the destination has not got yet."""
    seals = AuditSeal.objects.using(row._state.db)
    last = seals.filter(number__lte=row.cursor).order_by("-number").values_list("total", flat=True).first() or 0
    newest = seals.order_by("-number").values_list("total", flat=True).first() or 0
    return max(newest - last - row.offset, 0)


def lacks_since(row: AuditDestination) -> datetime | None:
    """Return when the first of the records was sealed that the destination has not got yet, None when it has all."""
    seals = AuditSeal.objects.using(row._state.db).filter(number__gt=row.cursor)
    return seals.order_by("number").values_list("sealed_at", flat=True).first()


def newest_seal(using: str) -> int:
    """Return the number of the newest seal, 0 for none."""
    return AuditSeal.objects.using(using).order_by("-number").values_list("number", flat=True).first() or 0


def _set_state(row: AuditDestination, state: DeliveryState) -> None:
    with transaction.atomic(using=row._state.db):
        before = AuditDestination.objects.using(row._state.db).select_for_update().get(pk=row.pk).state
        row.state = state
        row.save(update_fields=["state", "failures", "next_try_at", "last_error"])
        if before != state:
            told = {"state": [before, state.value]}
            record("audit.destination", target=_target(row), changes=told, using=row._state.db)


def _keep_secret(row: AuditDestination, secret: str | None) -> dict[str, list[str | None]]:
    """Store a secret that is another one; return that it is, but not which."""
    if secret is None or _has_secret(row, secret):
        return {}
    before = MASK if row.secret else None
    set_secret(row, secret)
    return {"secret": [before, MASK if secret else None]}


def _has_secret(row: AuditDestination, secret: str) -> bool:
    try:
        return secret_of(row) == secret
    except AuditKeyServiceError:
        raise
    except AuditKeyError:  # no key of the site opens it any more
        return False


def _tell(action: str, row: AuditDestination, before: dict[str, Any], hidden: dict[str, list[str | None]]) -> None:
    after = _facts(row)
    changes = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]} | hidden
    if changes:
        record(action, target=_target(row), changes=changes, using=row._state.db)


def _facts(row: AuditDestination) -> dict[str, Any]:
    return {name: str(getattr(row, name)) for name in _FOLLOWED}


def _target(row: AuditDestination) -> Target:
    return Target("audit-destination", str(row.pk), row.name)


def _context(row: AuditDestination) -> bytes:
    return f"audit destination {row.pk}".encode()
