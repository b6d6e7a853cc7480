"""The history of a plugin's configuration on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.plugins import ConfigChange, ConfigRevision

REVISION_MAX = 2**31 - 1


class ConfigRevisionEntry(ResponseBody):
    """One revision of a configuration."""

    revision: int
    """Counted for each scope: all grids, or one grid."""
    current: bool
    """Whether it is in force."""
    author: str | None
    """Name of the user; null for the system, and for users that were deleted."""
    created_at: datetime
    note: str
    config: dict[str, Any]
    """The values that were written; secrets are masked."""
    aside: list[str]
    """Keys whose values are kept for another version of the plugin."""
    schema_version: int
    """Version of the plugin's configuration schema that the values follow."""


class ConfigRevisionList(ResponseBody):
    """The revisions of one scope, newest first."""

    results: list[ConfigRevisionEntry]
    grids: list[str]
    """Ids of the grids that have a configuration of their own."""


class ConfigDifference(ResponseBody):
    """One difference between two revisions."""

    pointer: str
    """Where, as a JSON Pointer into the configuration."""
    kind: Literal["added", "removed", "changed"]
    before: Any
    """The older value, secrets masked; null where there was none."""
    after: Any
    """The newer value, secrets masked; null where there is none."""


class ConfigDifferenceList(ResponseBody):
    """What changed between two revisions, by place; of a secret only that it changed."""

    results: list[ConfigDifference]


class RestoreConfigRequest(RequestBody):
    """A revision to put in force again."""

    revision: int = Field(ge=1, le=REVISION_MAX)
    grid: str = Field(default="", max_length=100)
    """Id of the grid that it was for; empty for all grids."""


def revision_list(revisions: tuple[ConfigRevision, ...], grids: tuple[str, ...]) -> dict[str, Any]:
    """Return the revisions of a scope.

    Args:
        revisions: the revisions; their values come masked.
        grids: the grids that have a configuration of their own.
    """
    return ConfigRevisionList(results=[_entry(item) for item in revisions], grids=list(grids)).to_wire()


def difference_list(changes: tuple[ConfigChange, ...]) -> dict[str, Any]:
    """Return the differences between two revisions."""
    results = [
        ConfigDifference(pointer=item.pointer, kind=item.kind, before=item.before, after=item.after) for item in changes
    ]
    return ConfigDifferenceList(results=results).to_wire()


def _entry(found: ConfigRevision) -> ConfigRevisionEntry:
    return ConfigRevisionEntry(
        revision=found.revision,
        current=found.current,
        author=found.author,
        created_at=found.created_at,
        note=found.note,
        config=dict(found.values),
        aside=list(found.aside),
        schema_version=found.schema_version,
    )
