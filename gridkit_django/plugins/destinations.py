"""Where plugins let the audit trail be sent: declared in memory, brought to the database by who delivers.

Only the process that delivers writes, so that a process which starts a plugin and reads writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gridkit_django.audit.delivery import DeliveryReport, declare_destination, deliver_all, pause, read_place, resume
from gridkit_django.audit.delivery.destinations import secret_of
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditDestinationError, AuditKeyError, AuditKeyServiceError
from gridkit_django.models import AuditDestination, DeliveryState
from gridkit_django.plugins.permissions import Permission

if TYPE_CHECKING:
    from gridkit_django.plugins.live import LivePlugin
    from gridkit_django.plugins.runtime import PluginRuntime


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a plugin wants the trail to go.

    Attributes:
        address: see ``gridkit_django.audit.delivery.read_place``.
        form: ``native``, ``ocsf`` or ``cef``.
        secret: what signs the batches, empty for nothing.
    """

    address: str
    form: str
    secret: str


def check_address(address: str) -> str:
    """Return an address that records may be sent to by whoever is not code of the site.

    A file that grows by what others write, and a function that is imported and called, are more than an administrator
    or a plugin may choose freely: ``AUDIT_LOCAL_DESTINATIONS`` lists those that they may.

    Raises:
        AuditDestinationError: when it is none, or a file or function that the setting does not list.
    """
    if _is_local(address) and not any(_holds(named, address) for named in settings().AUDIT_LOCAL_DESTINATIONS):
        raise AuditDestinationError(
            f"{address[:200]!a} is a file or a function of this machine. Who runs the site has to list it, or its "
            "folder, in AUDIT_LOCAL_DESTINATIONS."
        )
    read_place(address)
    return address


def _is_local(address: str) -> bool:
    try:
        return urlsplit(address).scheme in ("", "file")
    except ValueError:  # no address at all; who reads it says what is wrong
        return False


def _holds(named: str, address: str) -> bool:
    """Whether an entry of the setting is the address, or the folder that it lies in."""
    return address == named or (named.endswith("/") and address.startswith(named))


def deliver_trail(runtime: PluginRuntime, *, using: str = "default") -> list[DeliveryReport]:
    """Bring the destinations in step with the plugins at work, then send what is due everywhere.

    Args:
        runtime: the plugins of this process, which has followed the last change.
        using: alias of the database of the records.
    """
    sync_destinations(runtime.live.values(), using=using)
    return deliver_all(using=using)


def sync_destinations(plugins: Iterable[LivePlugin], *, using: str = "default") -> None:
    """Declare what plugins at work wish, and pause what is wished no longer; each keeps its place in the trail."""
    wanted = {live.plugin_id: live.follows.destination for live in plugins if _may(live)}
    stored = {row.name: row for row in AuditDestination.objects.using(using).exclude(managed_by="")}
    for name, row in stored.items():
        if name not in wanted and row.state != DeliveryState.PAUSED:
            pause(row)
    for name, wish in wanted.items():
        if wish is not None:
            with suppress(AuditKeyServiceError):  # told in the log; it is declared by the next one who delivers
                _declare(name, wish, stored, using)


def _may(live: LivePlugin) -> bool:
    return live.follows.destination is not None and live.grants.allows(Permission.AUDIT_WRITE)


def _declare(name: str, wish: Wish, stored: Mapping[str, AuditDestination], using: str) -> None:
    row = stored.get(name)
    if row is None or not _is_as_wished(row, wish):
        row = declare_destination(name, wish.address, form=wish.form, secret=wish.secret, managed_by=name, using=using)
    if row.state == DeliveryState.PAUSED:
        resume(row)


def _is_as_wished(row: AuditDestination, wish: Wish) -> bool:
    """Say whether a destination is what a plugin wants; a secret that no key opens any more is stored anew."""
    if (row.address, row.format) != (wish.address, wish.form):
        return False
    try:
        return secret_of(row) == wish.secret
    except AuditKeyServiceError:
        return True  # it can't be told now; the destination waits by itself, and the others are served
    except AuditKeyError:
        return False
