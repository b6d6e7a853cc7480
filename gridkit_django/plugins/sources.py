"""Where a plugin's code comes from: an installed package, a folder of the site, or an object given in code.

A source can tell its manifest and digest without running any of the plugin's code; only ``load`` runs code.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from gridkit_django.exceptions import ManifestError, PluginLoadError
from gridkit_django.models import PluginSource
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.bundle import Bundle, CodeCache
from gridkit_django.plugins.files import PluginFiles, content_digest, read_folder
from gridkit_django.plugins.locate import find_module
from gridkit_django.plugins.metadata import MANIFEST_NAME, PluginMetadata, parse_manifest_file, read_manifest
from gridkit_django.plugins.places import place_of

SCHEMA_NAME = "config_schema.json"
SCHEMA_BYTES_MAX = 262_144


class PluginCode:
    """Loaded code: a class to make plugin objects of.

    Args:
        plugin_class: the class.
        digest: content digest of the code.
        create: makes an object; the class itself by default.
        unload: takes the modules away.
        where: what the names of its files begin with, for the place of an error; empty when that is not known.
    """

    def __init__(
        self,
        plugin_class: type[Plugin],
        digest: str,
        *,
        create: Callable[[], Plugin] | None = None,
        unload: Callable[[], None] | None = None,
        where: str = "",
    ) -> None:
        self.plugin_class = plugin_class
        self.digest = digest
        self.where = where
        self.create = create or plugin_class
        self._unload = unload

    def unload(self) -> None:
        """Take the modules out of the process, where the source allows it."""
        if self._unload is not None:
            self._unload()


class CodeSource(Protocol):
    """One source of one plugin."""

    @property
    def kind(self) -> PluginSource:
        """What kind of source it is."""
        ...

    @property
    def ref(self) -> str:
        """Which one of its kind."""
        ...

    def manifest(self) -> PluginMetadata:
        """Return the manifest without running code of the plugin."""
        ...

    def digest(self) -> str:
        """Return the content digest of the code as it is now."""
        ...

    def config_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the configuration that the package brings along; empty for none."""
        ...

    def load(self) -> PluginCode:
        """Run the plugin's module code and return its class."""
        ...


class BundleLoader:
    """Loads plugins from files, for all sources of a catalogue.

    Args:
        unloaded: told plugin id and private name of each bundle that is dropped.
    """

    def __init__(self, unloaded: Callable[[str, str], None] | None = None) -> None:
        self._cache = CodeCache()
        self._unloaded = unloaded

    def load(self, files: PluginFiles, metadata: PluginMetadata) -> PluginCode:
        """Compile all files, then import the entry module under a fresh private name.

        Raises:
            PluginLoadError: when a file can't be compiled or imported, or the entry is no plugin class.
        """
        module, _, name = metadata.entry.partition(":")
        bundle = Bundle(files, self._cache, partial(self._was_unloaded, metadata.id))
        try:
            found = plugin_class(bundle.load(module), name)
        except PluginLoadError:
            bundle.unload()
            raise
        return PluginCode(found, bundle.digest, unload=bundle.unload, where=bundle.where)

    def _was_unloaded(self, plugin_id: str, name: str) -> None:
        if self._unloaded is not None:
            self._unloaded(plugin_id, name)


class FilesSource:
    """Files that were read already, from a folder or from what was kept: all it says is of one moment.

    Args:
        ref: name of the plugin's folder, or id of a plugin of a marketplace.
        files: the files.
        loader: loads them.
        kind: what kind of source they came from.
    """

    def __init__(
        self, ref: str, files: PluginFiles, loader: BundleLoader, kind: PluginSource = PluginSource.FOLDER
    ) -> None:
        self.kind = kind
        self.ref = ref
        self.files = files
        self._loader = loader
        self._manifest: PluginMetadata | None = None

    def manifest(self) -> PluginMetadata:
        """Read ``plugin.toml``, once.

        Raises:
            ManifestError: when it is missing or wrong.
        """
        if self._manifest is None:
            self._manifest = self._read_manifest()
        return self._manifest

    def _read_manifest(self) -> PluginMetadata:
        raw = self.files.contents.get(MANIFEST_NAME)
        if raw is None:
            raise ManifestError(f"{self.files.label} has no {MANIFEST_NAME}.")
        return parse_manifest_file(raw, where=self.files.label)

    def digest(self) -> str:
        """Return the digest of the files."""
        return self.files.digest

    def config_schema(self) -> dict[str, Any]:
        """Read ``config_schema.json`` beside the manifest.

        Raises:
            ManifestError: when it is there but no JSON object.
        """
        raw = self.files.contents.get(SCHEMA_NAME)
        return {} if raw is None else parse_schema(raw, self.files.label)

    def load(self) -> PluginCode:
        """Compile all files, then import the entry module under a fresh private name.

        Raises:
            ManifestError: when the manifest is wrong.
            PluginLoadError: when a file can't be compiled or imported, or the entry is no plugin class.
        """
        return self._loader.load(self.files, self.manifest())


class FolderSource:
    """A plugin in its own folder under ``GRIDKIT["PLUGIN_ROOT"]``; its code can be swapped while the site runs.

    Args:
        folder: the plugin's package.
        loader: loads its files; one of its own by default.
    """

    kind = PluginSource.FOLDER

    def __init__(self, folder: Path, loader: BundleLoader | None = None) -> None:
        self.folder = folder
        self.ref = folder.name
        self._loader = loader or BundleLoader()

    def frozen(self) -> FilesSource:
        """Read all files now, so that manifest, digest and code are of the same moment.

        Raises:
            PluginLoadError: when the folder can't be read.
        """
        return FilesSource(self.ref, read_folder(self.folder), self._loader)

    def manifest(self) -> PluginMetadata:
        """Read ``plugin.toml``.

        Raises:
            ManifestError: when it is missing or wrong.
        """
        return read_manifest(self.folder)

    def digest(self) -> str:
        """Return the digest of the folder.

        Raises:
            PluginLoadError: when it can't be read.
        """
        return content_digest(self.folder)

    def config_schema(self) -> dict[str, Any]:
        """Read ``config_schema.json`` beside the manifest.

        Raises:
            ManifestError: when it is there but no JSON object.
        """
        return read_schema(self.folder)

    def load(self) -> PluginCode:
        """Compile all files, then import the entry module under a fresh private name.

        Raises:
            ManifestError: when the manifest is wrong.
            PluginLoadError: when a file can't be compiled or imported, or the entry is no plugin class.
        """
        return self.frozen().load()


class EntryPointSource:
    """A plugin in an installed package, named in the entry-point group ``gridkit.plugins``.

    Args:
        value: ``package.module:Class``.
        loaded: digests of the entry points whose code this process imported, by value; shared by all sources of a
            catalogue, because Python imports a package once.
    """

    kind = PluginSource.ENTRY_POINT

    def __init__(self, value: str, loaded: dict[str, str]) -> None:
        self.ref = value
        self._module, _, self._class = value.partition(":")
        self._loaded = loaded

    def manifest(self) -> PluginMetadata:
        """Read ``plugin.toml`` beside the entry point's module.

        Raises:
            ManifestError: when it is missing or wrong, or names another entry than the entry point does.
            PluginLoadError: when the package is not installed.
        """
        metadata = read_manifest(self._folder())
        declared = metadata.entry
        if declared.partition(":")[2] != self._class or declared.partition(":")[0] not in self._names():
            raise ManifestError(f"The manifest names the entry {declared!r}, but the entry point is {self.ref!r}.")
        return metadata

    def digest(self) -> str:
        """Return the digest of the package's folder.

        Raises:
            PluginLoadError: when the package is not installed or can't be read.
        """
        return content_digest(self._folder())

    def config_schema(self) -> dict[str, Any]:
        """Read ``config_schema.json`` beside the manifest.

        Raises:
            ManifestError: when it is there but no JSON object.
            PluginLoadError: when the package is not installed.
        """
        return read_schema(self._folder())

    def load(self) -> PluginCode:
        """Import the package as Python does, once in each process.

        Raises:
            PluginLoadError: when importing it raises, when the entry is no plugin class, or when the files changed
                since this process imported them: then only a restart brings the new code.
        """
        digest = self.digest()
        if self._loaded.get(self.ref, digest) != digest:
            raise PluginLoadError(
                f"The files of {self._module} changed after this process imported them. Restart it to run the new code."
            )
        try:
            module = import_module(self._module)
        except (Exception, SystemExit) as error:
            place = place_of(error, str(self._folder()))
            raise PluginLoadError(
                f"{self._module} can't be imported: {place.text}{type(error).__name__}: {error}.", extra=place.facts
            ) from error
        self._loaded[self.ref] = digest
        return PluginCode(plugin_class(module, self._class), digest, where=str(self._folder()))

    def _names(self) -> tuple[str, ...]:
        """The names that the module may have in the manifest: relative to its package, or ``__init__``'s own."""
        return (self._module.rpartition(".")[2], "__init__")

    def _folder(self) -> Path:
        spec = find_module(self._module)
        if spec is None or spec.origin is None:
            raise PluginLoadError(f"The package of {self.ref!r} is not installed here.")
        return Path(spec.origin).parent


class ObjectSource:
    """A plugin given in code, as a class or as an object. It carries its metadata as a class attribute.

    The object that was given serves as long as it is free; where two are needed (a new configuration is built beside
    the old one) the second is a shallow copy.

    Args:
        plugin: a subclass of ``Plugin``, or an instance of one.
    """

    kind = PluginSource.OBJECT

    def __init__(self, plugin: Plugin | type[Plugin]) -> None:
        self._class = plugin if isinstance(plugin, type) else type(plugin)
        self._given = None if isinstance(plugin, type) else plugin
        self.ref = f"{self._class.__module__}.{self._class.__qualname__}"

    def manifest(self) -> PluginMetadata:
        """Return the class attribute ``metadata``.

        Raises:
            ManifestError: when there is none.
        """
        metadata = getattr(self._given or self._class, "metadata", None)
        if not isinstance(metadata, PluginMetadata):
            raise ManifestError(f"{self.ref} needs a class attribute metadata = PluginMetadata(...).")
        return metadata

    def digest(self) -> str:
        """Return a digest of class and version: all that can be told of code that is already imported."""
        return f"sha256:{hashlib.sha256(f'{self.ref} {self.manifest().version}'.encode()).hexdigest()}"

    def config_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of ``Config``: the class is imported already."""
        return self._class.Config.model_json_schema()

    def load(self) -> PluginCode:
        """Return the class."""
        return PluginCode(self._class, self.digest(), create=self._create)

    def _create(self) -> Plugin:
        if self._given is None:
            return self._class()
        if getattr(self._given, "context", None) is None:
            return self._given
        return copy.copy(self._given)


def plugin_class(module: Any, name: str) -> type[Plugin]:
    """Return the plugin class in a module.

    Raises:
        PluginLoadError: when there is none of this name, or it does not derive from ``Plugin``.
    """
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Plugin)):
        raise PluginLoadError(f"The manifest's entry names {name!r}, which is no class that derives from Plugin.")
    return found


def read_schema(folder: Path) -> dict[str, Any]:
    """Read ``config_schema.json`` in ``folder``; empty when there is none.

    Raises:
        ManifestError: when it is too large or no JSON object.
    """
    path = folder / SCHEMA_NAME
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as stream:
            return parse_schema(stream.read(SCHEMA_BYTES_MAX + 1), folder.name)
    except OSError as error:
        raise ManifestError(f"{SCHEMA_NAME} of {folder.name} can't be read: {error.strerror}.") from error


def parse_schema(raw: bytes, label: str) -> dict[str, Any]:
    """Return the JSON Schema that a file holds.

    Args:
        raw: the file.
        label: a name of the plugin for the error text.

    Raises:
        ManifestError: when it is too large or no JSON object.
    """
    if len(raw) > SCHEMA_BYTES_MAX:
        raise ManifestError(f"{SCHEMA_NAME} of {label} is larger than {SCHEMA_BYTES_MAX} bytes.")
    try:
        schema = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{SCHEMA_NAME} of {label} is no valid JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise ManifestError(f"{SCHEMA_NAME} of {label} must hold a JSON object.")
    return schema
