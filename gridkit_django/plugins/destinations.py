"""Where plugins let the audit trail be sent: declared in memory, brought to the database by who delivers.

Only the process that delivers writes, so that a process which starts a plugin and reads writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridkit_django.audit.delivery import DeliveryReport, declare_destination, deliver_all, pause, read_place, resume
from gridkit_django.audit.delivery.destinations import secret_of
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
    """Return an address that records can be sent to.

    Raises:
        AuditDestinationError: when it is none.
    """
    read_place(address)
    return address


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
            _declare(name, wish, stored, using)


def _may(live: LivePlugin) -> bool:
    return live.follows.destination is not None and live.grants.allows(Permission.AUDIT_WRITE)


def _declare(name: str, wish: Wish, stored: Mapping[str, AuditDestination], using: str) -> None:
    row = stored.get(name)
    if row is None or (row.address, row.format, secret_of(row)) != (wish.address, wish.form, wish.secret):
        row = declare_destination(name, wish.address, form=wish.form, secret=wish.secret, managed_by=name, using=using)
    if row.state == DeliveryState.PAUSED:
        resume(row)
