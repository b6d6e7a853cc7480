"""What each permission of a plugin means, in words that an administrator can decide on."""

from __future__ import annotations

from types import MappingProxyType

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gridkit_django.plugins.permissions import Permission

_TEXTS = MappingProxyType(
    {
        Permission.STATE_READ: _("see which filter, sort and search somebody uses in a grid"),
        Permission.STATE_WRITE: _("change the filter, sort and search of a grid"),
        Permission.ROWS_READ: _("read rows, as the user who calls it and never with more rights"),
        Permission.ROWS_WRITE: _("change rows, as the user who calls it (kept for a later version; nothing yet)"),
        Permission.EVENTS_SUBSCRIBE: _("be told what happens in grids, with the changed values"),
        Permission.EVENTS_EMIT: _("send events that other plugins receive"),
        Permission.MESSAGES_SEND: _("send messages to other plugins"),
        Permission.MESSAGES_RECEIVE: _("receive messages of other plugins"),
        Permission.METHODS_REGISTER: _("add methods to grids that users can call"),
        Permission.REPORTS_REGISTER: _("show reports on its page in the admin"),
        Permission.STORAGE_USE: _("store data of its own, up to its limit"),
        Permission.AUDIT_WRITE: _("write audit records, and make an edit fail when it can't"),
        Permission.SCHEDULE_USE: _("run jobs of its own in a worker, by hand or on a schedule"),
        Permission.FILES_WRITE: _("write files into the export storage"),
    }
)


def permission_text(permission: str) -> str:
    """Return what ``permission`` (or a wildcard) lets a plugin do."""
    if permission == "*":
        return gettext("everything")
    if permission.startswith("network:"):
        host = permission.removeprefix("network:")
        return gettext("talk to %(host)s (kept for a later version; nothing yet)") % {"host": host}
    if permission.endswith(":*"):
        return gettext("everything about %(part)s") % {"part": permission.removesuffix(":*")}
    if permission not in _TEXTS:  # of a marketplace's list: it may be of a newer version than this site runs
        return gettext("do something that this version of GridKit does not know (%(name)s)") % {"name": permission}
    return str(_TEXTS[Permission(permission)])
