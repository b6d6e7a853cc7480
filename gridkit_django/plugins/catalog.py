"""The sources of plugins that this process can reach: installed packages, site folders, objects given in code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import GridKitError, PluginError, PluginLoadError, PluginNotFoundError, PluginStateError
from gridkit_django.models import PluginSource
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.sources import CodeSource, EntryPointSource, FolderSource, ObjectSource

ENTRY_POINT_GROUP = "gridkit.plugins"


@dataclass(frozen=True, slots=True)
class AvailablePlugin:
    """A source that was found, good or broken. None of its code was run.

    Attributes:
        source: what kind of source.
        ref: which one of its kind, ``kind:name``; what ``install_plugin`` takes.
        metadata: the manifest, or None when it can't be read.
        config_schema: JSON Schema of the configuration that the package brings along, empty for none.
        code: stable code of the reason why it can't be installed, empty when it can.
        reason: that reason in one sentence.
        installed: whether it is installed already.
    """

    source: PluginSource
    ref: str
    metadata: PluginMetadata | None = None
    config_schema: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    reason: str = ""
    installed: bool = False


class SourceCatalog:
    """Finds sources. Objects are known only in the process that registered them."""

    def __init__(self) -> None:
        self._objects: dict[str, ObjectSource] = {}
        self._loaded: dict[str, str] = {}

    def add_object(self, plugin: Plugin | type[Plugin]) -> ObjectSource:
        """Make a plugin known that is given in code; one with the same class is replaced.

        Raises:
            ManifestError: when it has no metadata.
        """
        source = ObjectSource(plugin)
        source.manifest()
        self._objects[source.ref] = source
        return source

    def remove_object(self, plugin_id: str) -> bool:
        """Forget the object with this plugin id; whether there was one."""
        found = [ref for ref, source in self._objects.items() if source.manifest().id == plugin_id]
        for ref in found:
            del self._objects[ref]
        return bool(found)

    def resolve(self, kind: PluginSource, ref: str) -> CodeSource:
        """Return the source that an installed plugin came from.

        Raises:
            PluginLoadError: when it is not there any more.
        """
        if kind is PluginSource.ENTRY_POINT:
            if ref in {item.value for item in entry_points(group=ENTRY_POINT_GROUP)}:
                return EntryPointSource(ref, self._loaded)
        elif kind is PluginSource.FOLDER:
            folder = next((item for item in _folders() if item.name == ref), None)
            if folder is not None:
                return FolderSource(folder)
        elif ref in self._objects:
            return self._objects[ref]
        raise PluginLoadError(f"The source {kind.value}:{ref} is not there in this process (any more).")

    def find(self, text: str) -> CodeSource:
        """Find a source by ``kind:name``, or by a plugin id that only one source has.

        Raises:
            PluginNotFoundError: when there is none.
            PluginStateError: when several have this id; the text lists them.
        """
        kind, _, ref = text.partition(":")
        if kind in set(PluginSource.values):
            exact = next((item for item in self.sources() if (item.kind, item.ref) == (kind, ref)), None)
            if exact is not None:
                return exact
        found = [item for item in self.sources() if _id_of(item) == text]
        if len(found) > 1:
            names = ", ".join(full_ref(item) for item in found)
            raise PluginStateError(f"Several sources have the plugin {text}: {names}. Name one of them.")
        if not found:
            raise PluginNotFoundError(f"There is no plugin {text!r} to install. discover() lists what there is.")
        return found[0]

    def sources(self) -> Iterator[CodeSource]:
        """Yield every source, by kind, then by name."""
        values = sorted({item.value for item in entry_points(group=ENTRY_POINT_GROUP)})
        yield from (EntryPointSource(value, self._loaded) for value in values)
        yield from (FolderSource(folder) for folder in _folders())
        yield from (self._objects[ref] for ref in sorted(self._objects))

    def discover(self, installed: frozenset[str]) -> tuple[AvailablePlugin, ...]:
        """Describe every source, with the reason where one can't be installed.

        Args:
            installed: ids of the plugins that are installed.
        """
        return tuple(_describe(source, installed) for source in self.sources())


def full_ref(source: CodeSource) -> str:
    """Return ``kind:name`` of a source."""
    return f"{source.kind.value}:{source.ref}"


def _describe(source: CodeSource, installed: frozenset[str]) -> AvailablePlugin:
    metadata: PluginMetadata | None = None
    try:
        metadata = source.manifest()
        schema = source.config_schema()
        check_core(metadata)
    except GridKitError as error:
        return AvailablePlugin(source.kind, full_ref(source), metadata, code=error.code, reason=error.detail)
    return AvailablePlugin(source.kind, full_ref(source), metadata, schema, installed=metadata.id in installed)


def _id_of(source: CodeSource) -> str | None:
    try:
        return source.manifest().id
    except PluginError:
        return None


def _folders() -> list[Path]:
    root = settings().PLUGIN_ROOT
    if root is None or not Path(root).is_dir():
        return []
    return sorted(item for item in Path(root).iterdir() if item.is_dir() and not item.name.startswith((".", "__")))
