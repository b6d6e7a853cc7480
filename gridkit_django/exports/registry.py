"""Which formats this process can write: an immutable table, swapped whole, of exporters imported at first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from django.apps import apps
from django.utils.module_loading import import_string

from gridkit_django.exceptions import ExportError, FormatUnavailableError, UnknownFormatError
from gridkit_django.exports.base import BaseExporter


@dataclass(frozen=True, slots=True)
class RegisteredExporter:
    """One entry of the table.

    Attributes:
        format: short id of the format.
        target: the exporter class, or its dotted path.
        owner: id of the plugin that brought it.
    """

    format: str
    target: type[BaseExporter] | str
    owner: str

    def load(self) -> type[BaseExporter]:
        """Import the exporter.

        Raises:
            FormatUnavailableError: when the module or a library that it needs can't be loaded.
        """
        if isinstance(self.target, type):
            return self.target
        try:
            found = import_string(self.target)
        except (ImportError, OSError) as error:
            raise FormatUnavailableError(self._unavailable(error)) from error
        if not (isinstance(found, type) and issubclass(found, BaseExporter)):
            raise FormatUnavailableError(self._unavailable(TypeError(f"{self.target} is no BaseExporter class")))
        return found

    def _unavailable(self, error: Exception) -> str:
        return (
            f"The format {self.format!r} can't be written on this site: {error}. Install what it needs (for pdf: the "
            f"extra gridkit-django[pdf] and the pango library, for parquet: gridkit-django[parquet]), "
            f"or take it out of the formats of {self.owner}."
        )


class ExporterRegistry:
    """The formats that active plugins write. Readers never see a half-changed table.

    While a plugin is reloaded, its old and its new entry stand one upon the other: the newest serves, and taking it
    away (because the new code failed to start) brings the old one back.

    Attributes:
        before_reading: called before each look into the table, so that the plugins which are active now have registered
            their formats. The runtime puts itself here; it stands above this room.
    """

    def __init__(self) -> None:
        self.before_reading: Callable[[], None] = _nothing
        self._table: Mapping[str, tuple[RegisteredExporter, ...]] = MappingProxyType({})

    def register(self, format: str, target: type[BaseExporter] | str, *, owner: str = "") -> Callable[[], None]:  # noqa: A002 - the word of the field
        """Add a format.

        Args:
            format: short id, as in ``csv``.
            target: the exporter class, or its dotted path, imported when the format is first asked for.
            owner: id of the plugin that brings it.

        Returns:
            A function that takes just this entry away again.

        Raises:
            ExportError: when another plugin writes the format already; two writers of one format need two names.
        """
        held = self._table.get(format, ())
        if held and held[-1].owner != owner:
            raise ExportError(f"The format {format!r} is already written by {held[-1].owner}. Choose another id.")
        entry = RegisteredExporter(format, target, owner)
        self._put(format, (*held, entry))

        def remove() -> None:
            self._put(format, tuple(item for item in self._table.get(format, ()) if item is not entry))

        return remove

    def get(self, format: str) -> type[BaseExporter]:  # noqa: A002 - the word of the field
        """Return the exporter class of a format, importing it at its first use.

        Raises:
            UnknownFormatError: when no active plugin writes the format.
            FormatUnavailableError: when its code or a library that it needs can't be loaded.
        """
        self.before_reading()
        entries = self._table.get(format, ())
        if not entries:
            known = ", ".join(sorted(self._table)) or "none"
            raise UnknownFormatError(f"No active plugin writes the format {format!r}. Formats of this site: {known}.")
        return entries[-1].load()

    def formats(self) -> tuple[str, ...]:
        """Return the ids of all formats, sorted, without importing any of them."""
        self.before_reading()
        return tuple(sorted(self._table))

    def problems(self) -> Mapping[str, str]:
        """Try to load every format and return the reason by format for those that can't be loaded."""
        self.before_reading()
        found = {}
        for name, entries in self._table.items():
            try:
                entries[-1].load()
            except FormatUnavailableError as error:
                found[name] = error.detail
        return found

    def _put(self, name: str, entries: tuple[RegisteredExporter, ...]) -> None:
        table = {key: held for key, held in self._table.items() if key != name}
        self._table = MappingProxyType({**table, name: entries} if entries else table)


def _nothing() -> None:
    """Stand in for the runtime where there is none."""


def exporters() -> ExporterRegistry:
    """Return this process's registry of exporters, which the app config owns."""
    return cast("ExporterRegistry", apps.get_app_config("gridkit_django").exporters)  # type: ignore[attr-defined]
