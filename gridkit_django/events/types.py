"""The catalogue of event types: names, who may make them, aliases and patterns.

The names are the specification's (ENT-PLUG-001); the names of the original core are accepted as aliases. A name
outside this catalogue is refused, never ignored (house rule 8).
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from gridkit_django.exceptions import UnknownEventTypeError


class Moment(StrEnum):
    """When a handler is called, seen from the act that the event tells of."""

    BEFORE = "before"
    """Before the act; raising ``EventRejected`` vetoes it."""
    AFTER = "after"
    """After the act, in the same transaction."""
    COMMITTED = "committed"
    """After the transaction has committed: the only place for effects outside the database."""


class Priority(StrEnum):
    """The order of handlers within one moment."""

    IMMEDIATE = "immediate"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the first to be called, 3 for the last."""
        return _PRIORITY_ORDER.index(self)


_PRIORITY_ORDER = (Priority.IMMEDIATE, Priority.HIGH, Priority.NORMAL, Priority.LOW)


class EventSource(StrEnum):
    """Through which door an event came into the house."""

    API = "api"
    ADMIN = "admin"
    ORM = "orm"
    BROWSER = "browser"
    PLUGIN = "plugin"
    SYSTEM = "system"
    WEB = "web"
    """A view of the site itself."""
    TASK = "task"
    """A background task."""
    COMMAND = "command"
    """A management command."""
    SHELL = "shell"
    """A person at an interactive shell."""


SERVER_TYPES = frozenset(
    {
        "row:create",
        "row:update",
        "row:delete",
        "cell:edit",
        "export:finish",
        "plugin:install",
        "plugin:uninstall",
        "plugin:update",
        "plugin:activate",
        "plugin:deactivate",
        "plugin:configure",
        "plugin:grant",
        "plugin:revoke",
        "plugin:reload",
        "plugin:fail",
        "plugin:request",
        "plugin:deny",
        "plugin:rollback",
        "plugin:pin",
        "plugin:unpin",
    }
)
"""Facts that only the server makes; a browser or a plugin that sends one is refused."""

INTERACTION_TYPES = frozenset(
    {
        "row:select",
        "row:deselect",
        "cell:focus",
        "filter:apply",
        "sort:change",
        "page:change",
        "column:show",
        "column:hide",
        "column:move",
        "column:resize",
        "column:pin",
        "view:save",
        "view:load",
        "view:delete",
        "export:request",
    }
)
"""What a person does in the grid; a browser may post these."""

EVENT_TYPES = SERVER_TYPES | INTERACTION_TYPES

ALIASES = MappingProxyType(
    {
        "row:add": "row:create",
        "row:remove": "row:delete",
        "cell:update": "cell:edit",
        "filtering:change": "filter:apply",
        "sorting:change": "sort:change",
        "pagination:change": "page:change",
    }
)
"""Names of the original core (and of the wire protocol) and the canonical names they stand for."""


def canonical_type(name: str) -> str:
    """Return the canonical event type for ``name``, which may be an alias.

    Raises:
        UnknownEventTypeError: when the name is neither a type nor an alias.
    """
    canonical = ALIASES.get(name, name)
    if canonical not in EVENT_TYPES:
        raise UnknownEventTypeError(_unknown(name))
    return canonical


def matching_types(pattern: str) -> frozenset[str]:
    """Return all event types that ``pattern`` covers.

    Args:
        pattern: a type, an alias, a namespace pattern such as ``row:*``, or ``*`` for all.

    Raises:
        UnknownEventTypeError: when nothing matches; a subscription that can never fire is a mistake.
    """
    if pattern == "*":
        return EVENT_TYPES
    if pattern.endswith(":*"):
        found = frozenset(name for name in EVENT_TYPES if name.startswith(pattern[:-1]))
        if not found:
            raise UnknownEventTypeError(_unknown(pattern))
        return found
    return frozenset({canonical_type(pattern)})


def _unknown(name: str) -> str:
    known = ", ".join(sorted(EVENT_TYPES))
    return f"There is no event type {name!r}. Known types are: {known}; patterns are 'row:*' and '*'."
