"""What a plugin may be allowed to do, and the immutable table that says what it is allowed.

Everything is denied by default. A grant names one permission or a wildcard (``rows:*``, ``*``,
``network:*.example.org``). A revoke always wins: it beats an equal grant and every wildcard that covers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gridkit_django.exceptions import PluginPermissionError

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?")
_NETWORK = "network:"


class Permission(StrEnum):
    """Every permission with a fixed name. ``network:<host>`` is one more for each host, see ``network``."""

    STATE_READ = "state:read"
    STATE_WRITE = "state:write"
    ROWS_READ = "rows:read"
    ROWS_WRITE = "rows:write"
    EVENTS_SUBSCRIBE = "events:subscribe"
    EVENTS_EMIT = "events:emit"
    MESSAGES_SEND = "messages:send"
    MESSAGES_RECEIVE = "messages:receive"
    METHODS_REGISTER = "methods:register"
    REPORTS_REGISTER = "reports:register"
    STORAGE_USE = "storage:use"
    AUDIT_WRITE = "audit:write"
    SCHEDULE_USE = "schedule:use"
    FILES_WRITE = "files:write"

    @classmethod
    def network(cls, host: str) -> str:
        """Return the permission to talk to ``host`` (a name, with a port when it is not the scheme's own)."""
        return checked_permission(f"{_NETWORK}{host.lower()}")


_FIXED = frozenset(item.value for item in Permission)
_NAMESPACES = frozenset(name.split(":")[0] for name in _FIXED) | {"network"}


def checked_permission(name: str) -> str:
    """Return ``name`` when it is a permission that a plugin can ask for.

    Raises:
        PluginPermissionError: for an unknown name or a wildcard; the text lists what there is.
    """
    if name in _FIXED:
        return str(name)
    host = name.removeprefix(_NETWORK)
    if name.startswith(_NETWORK) and _HOST.fullmatch(host) and not host.startswith("*"):
        return name
    raise PluginPermissionError(f"There is no permission {name!r}. {_known()}")


def checked_grant(pattern: str) -> str:
    """Return ``pattern`` when it is a permission or a wildcard that covers at least one.

    Raises:
        PluginPermissionError: for anything else; the text lists what there is.
    """
    if pattern == "*" or (pattern.endswith(":*") and pattern[:-2] in _NAMESPACES):
        return pattern
    if pattern.startswith(f"{_NETWORK}*.") and _HOST.fullmatch(pattern.removeprefix(_NETWORK)):
        return pattern
    return checked_permission(pattern)


def covers(pattern: str, permission: str) -> bool:
    """Whether a grant or revoke of ``pattern`` speaks about ``permission`` (which may be a wildcard itself)."""
    if pattern in {"*", permission}:
        return True
    if pattern.endswith(":*"):
        return permission.startswith(pattern[:-1])
    if pattern.startswith(f"{_NETWORK}*."):
        return permission.startswith(_NETWORK) and permission.endswith(pattern.removeprefix(f"{_NETWORK}*"))
    return False


def _known() -> str:
    return f"Known permissions are: {', '.join(sorted(_FIXED))} and network:<host>."


@dataclass(frozen=True, slots=True)
class GrantTable:
    """What one plugin is allowed, at one moment. Never changed: the runtime swaps in another one.

    Attributes:
        granted: permissions and wildcards that were granted.
        revoked: permissions and wildcards that were taken away; each beats everything in ``granted``.
    """

    granted: frozenset[str] = frozenset()
    revoked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, granted: Iterable[str] = (), revoked: Iterable[str] = ()) -> GrantTable:
        """Make a table from names.

        Raises:
            PluginPermissionError: for an unknown name.
        """
        return cls(frozenset(map(checked_grant, granted)), frozenset(map(checked_grant, revoked)))

    def allows(self, permission: str) -> bool:
        """Whether ``permission`` is granted and not revoked."""
        if self.revoked and any(covers(pattern, permission) for pattern in self.revoked):
            return False
        return permission in self.granted or any(covers(pattern, permission) for pattern in self.granted)

    def require(self, plugin_id: str, permission: str) -> None:
        """Let the call pass, or refuse it.

        Raises:
            PluginPermissionError: when ``permission`` is not granted; names plugin and permission.
        """
        if not self.allows(permission):
            raise PluginPermissionError(
                f"The plugin {plugin_id} needs the permission {str(permission)!r}, which it was not granted. "
                "An administrator can grant it on the plugin's page.",
                extra={"plugin": plugin_id, "permission": str(permission)},
            )

    def missing(self, required: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``required`` that are not allowed, in their order."""
        return tuple(name for name in required if not self.allows(name))
