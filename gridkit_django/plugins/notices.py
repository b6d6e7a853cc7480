"""Notices by mail: a plugin asks for a permission, waits for consent, or was switched off by the system.

Each is told once: it hangs on an event that is emitted once, after its transaction has committed. A worker writes and
sends the mail, so that nobody waits for a mail server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.core.mail import EmailMessage
from django.db import transaction

from gridkit_django.conf import settings
from gridkit_django.events import GridEvent, Moment, signal_for
from gridkit_django.models import EffectiveState, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins.queue import plugin_queue
from gridkit_django.plugins.savepoints import database

REQUEST = "request"
CONSENT = "consent"
STOPPED = "stopped"

_STOPPED_STATES = (EffectiveState.SUSPENDED, EffectiveState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class _Letter:
    """What a notice says: its subject, and its text without greeting and end."""

    subject: str
    text: str


def connect_notices() -> None:
    """Listen to the events that are worth a mail. Called once, when the app is ready."""
    for name, receiver in (("plugin:request", _on_request), ("plugin:fail", _on_fail)):
        signal = signal_for(name, Moment.COMMITTED)
        signal.connect(receiver, weak=False, dispatch_uid=f"gridkit_django.notices.{name}")


def notify_consent(plugin_id: str, version: str) -> None:
    """Tell, after the commit, that a new version waits for consent. Call it once, when the version is stored as such.

    Args:
        plugin_id: the plugin.
        version: the version that waits.
    """
    transaction.on_commit(lambda: _enqueue(CONSENT, plugin_id, version), using=database(), robust=True)


def send_notice(kind: str, plugin_id: str, subject: str) -> bool:
    """Write and send one mail to ``NOTIFY_EMAILS``; whether there was something left to tell, and somebody to tell.

    Args:
        kind: ``request``, ``consent`` or ``stopped``.
        plugin_id: the plugin.
        subject: the permission, the version, or the code of the state.

    Raises:
        OSError: when the mail server can't be reached; whatever else Django's mail backend raises.
    """
    row = (
        InstalledPlugin.objects.select_related("current_version", "pending_version").filter(plugin_id=plugin_id).first()
    )
    letter = _letter(kind, row, subject) if row is not None else None
    if letter is None or not settings().NOTIFY_EMAILS:
        return False
    prefix = django_settings.EMAIL_SUBJECT_PREFIX
    message = EmailMessage(
        subject=" ".join(f"{prefix}{letter.subject}".split()),
        body=f"{letter.text}\n\nYou find {plugin_id} in the admin under GridKit, Plugins.\n",
        to=list(settings().NOTIFY_EMAILS),
    )
    message.send()
    return True


def _on_request(*, event: GridEvent, **_kwargs: Any) -> None:
    _enqueue(REQUEST, str(event.payload["pluginId"]), str(event.payload["permission"]))


def _on_fail(*, event: GridEvent, **_kwargs: Any) -> None:
    if event.payload.get("state") in _STOPPED_STATES:
        _enqueue(STOPPED, str(event.payload["pluginId"]), str(event.payload["code"]))


def _enqueue(kind: str, plugin_id: str, subject: str) -> None:
    if settings().NOTIFY_EMAILS:
        plugin_queue().enqueue_notice(kind, plugin_id, subject)


def _letter(kind: str, row: InstalledPlugin, subject: str) -> _Letter | None:
    """Return what is to be told about a plugin as it is now; None when that is over already."""
    if kind == REQUEST:
        return _about_request(row, subject)
    if kind == CONSENT:
        return _about_consent(row, subject)
    return _about_stop(row, subject)


def _about_request(row: InstalledPlugin, permission: str) -> _Letter | None:
    asked = PluginPermissionGrant.objects.filter(plugin=row, permission=permission, decision="requested").first()
    if asked is None:
        return None
    why = f"Its reason: {asked.reason}" if asked.reason else "It gave no reason."
    text = f"The plugin {row.plugin_id} asks for the permission {permission}. {why}\n\nGrant or deny it."
    return _Letter(f"{row.plugin_id} asks for {permission}", text)


def _about_consent(row: InstalledPlugin, version: str) -> _Letter | None:
    waiting = row.pending_version
    if waiting is None or waiting.version != version:
        return None
    before = row.current_version.manifest if row.current_version else {}
    known = before.get("required_permissions", ())
    more = [name for name in waiting.manifest.get("required_permissions", ()) if name not in known]
    text = (
        f"Version {version} of the plugin {row.plugin_id} asks for {', '.join(more) or 'other permissions'}. The "
        "installed version runs on until you have decided.\n\nGrant or deny what it asks for, then update it."
    )
    return _Letter(f"{row.plugin_id} {version} waits for consent", text)


def _about_stop(row: InstalledPlugin, code: str) -> _Letter | None:
    if row.state_code != code or row.effective_state not in _STOPPED_STATES:
        return None
    state = row.get_effective_state_display()
    text = (
        f"The system switched the plugin {row.plugin_id} off ({state}, {code}):\n\n{row.state_reason}\n\n"
        "The site goes on without it. Look at its health, then activate it again or update it."
    )
    return _Letter(f"{row.plugin_id} is {state}", text)
