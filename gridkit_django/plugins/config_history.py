"""The history of a configuration: its revisions, and what changed between two of them; secrets are never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gridkit_django.exceptions import PluginSecretError
from gridkit_django.grids.pointers import pointer
from gridkit_django.models import InstalledPlugin, PluginConfig
from gridkit_django.plugins.configuration import get_revision
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import Path, mask_secrets, open_secrets


@dataclass(frozen=True, slots=True)
class ConfigRevision:
    """One revision of a configuration.

    Attributes:
        revision: its number within its scope.
        grid: id of the grid that it is for, empty for all grids.
        author: name of the user who wrote it; None for the system, and for users that were deleted.
        created_at: when.
        note: why, where the system or a restore wrote it.
        values: the values that were written, secrets masked.
        aside: keys whose values are kept for another version of the plugin.
        schema_version: version of the plugin's configuration schema that the values follow.
        current: whether it is in force.
    """

    revision: int
    grid: str
    author: str | None
    created_at: datetime
    note: str
    values: Mapping[str, Any]
    aside: tuple[str, ...]
    schema_version: int
    current: bool


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One difference between two revisions.

    Attributes:
        pointer: where, as a JSON Pointer (RFC 6901).
        kind: ``added``, ``removed`` or ``changed``.
        before: the older value, secrets masked; None where there was none.
        after: the newer value, secrets masked; None where there is none.
    """

    pointer: str
    kind: str
    before: Any
    after: Any


def list_revisions(row: InstalledPlugin, grid: str = "") -> tuple[ConfigRevision, ...]:
    """Return the revisions of a scope, newest first."""
    schema = _schema(row)
    found = PluginConfig.objects.using(database()).filter(plugin=row, grid=grid).select_related("author")
    rows = list(found.order_by("-revision"))
    return tuple(_describe(item, schema, current=item is rows[0]) for item in rows)


def configured_grids(row: InstalledPlugin) -> tuple[str, ...]:
    """Return the ids of the grids that have a configuration of their own in force, in order."""
    found = PluginConfig.objects.using(database()).filter(plugin=row).exclude(grid="").order_by("grid", "revision")
    newest = {item.grid: item.data for item in found}
    return tuple(grid for grid, data in newest.items() if data)


def diff_revisions(row: InstalledPlugin, older: int, newer: int, grid: str = "") -> tuple[ConfigChange, ...]:
    """Return what changed between two revisions of a scope, by place; of a secret only that it changed.

    Raises:
        ConfigRevisionNotFoundError: when the scope has no such revision.
    """
    schema = _schema(row)
    before, after = (_Side.of(get_revision(row, number, grid).data, schema) for number in (older, newer))
    return tuple(_differences(before, after, ()))


class _Absent:
    """Stands for a value that is not there."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A value to compare, and how it may be shown."""

    value: Any = _Absent
    shown: Any = None

    @classmethod
    def of(cls, stored: Mapping[str, Any], schema: Mapping[str, Any]) -> _Side:
        """Return the whole of a revision; where secrets can't be decrypted, their tokens are compared."""
        try:
            value: Mapping[str, Any] = open_secrets(stored, Keyring.of_site())
        except PluginSecretError:
            value = stored
        return cls(value, mask_secrets(stored, schema))

    def part(self, key: str | int) -> _Side:
        """Return a member or item; what is not there is absent."""
        if isinstance(self.value, Mapping) and key not in self.value:
            return _Side()
        return _Side(self.value[key], self.shown[key])


def _differences(before: _Side, after: _Side, path: Path) -> Iterator[ConfigChange]:
    """Yield what differs, as deep down as both sides have the same shape and may be shown."""
    if before.value == after.value and type(before.value) is type(after.value):
        return
    keys = _common_shape(before.shown, after.shown)
    if keys is not None:
        for key in keys:
            yield from _differences(before.part(key), after.part(key), (*path, key))
        return
    kind = "added" if before.value is _Absent else "removed" if after.value is _Absent else "changed"
    yield ConfigChange(pointer(*path), kind, before.shown, after.shown)


def _common_shape(before: Any, after: Any) -> list[str] | list[int] | None:
    """Return the keys or places by which two values can be compared, or None when only as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return sorted({**before, **after})
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return list(range(len(before)))
    return None


def _describe(row: PluginConfig, schema: Mapping[str, Any], *, current: bool) -> ConfigRevision:
    return ConfigRevision(
        revision=row.revision,
        grid=row.grid,
        author=None if row.author is None else row.author.get_username(),
        created_at=row.created_at,
        note=row.note,
        values=mask_secrets(row.data, schema),
        aside=tuple(sorted(row.aside)),
        schema_version=row.schema_version,
        current=current,
    )


def _schema(row: InstalledPlugin) -> Mapping[str, Any]:
    return row.current_version.config_schema if row.current_version else {}
