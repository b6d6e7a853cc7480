"""The sources of plugins that this process can reach: installed packages, site folders, objects given in code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    GridKitError,
    PluginConsentError,
    PluginError,
    PluginLoadError,
    PluginNotFoundError,
    PluginStateError,
)
from gridkit_django.models import PluginSource
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.consent import reason_to_wait
from gridkit_django.plugins.entry_points import OfferedEntryPoints
from gridkit_django.plugins.files import PluginFiles
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.packages import keep_files, kept_among, open_kept
from gridkit_django.plugins.sources import (
    BundleLoader,
    CodeSource,
    EntryPointSource,
    FilesSource,
    FolderSource,
    ObjectSource,
    PluginCode,
)
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.unpacked import UnpackedPackages


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
    """Finds sources. Objects are known only in the process that registered them.

    Attributes:
        unloaded: told plugin id and private package name of each load that is dropped.
        unpacked: what this host holds of the plugins of marketplaces.
        waiting: digest at the source, by plugin id, of what was found to wait for consent and is to be written down.
    """

    def __init__(self) -> None:
        self.unloaded: Callable[[str, str], None] | None = None
        self.waiting: dict[str, str] = {}
        self.unpacked = UnpackedPackages()
        self._set_aside: dict[str, str] = {}
        self._objects: dict[str, ObjectSource] = {}
        self._entry_points = OfferedEntryPoints()
        self._loaded: dict[str, str] = {}
        self._loader = BundleLoader(self._was_unloaded)
        self._offered: dict[str, PluginCode] = {}
        self._looked: dict[tuple[str, str], FilesSource] | None = None

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """Read what is unpacked of a plugin once, however often its source is chosen inside: a digest stands for it."""
        before, self._looked = self._looked, {}
        try:
            yield
        finally:
            self._looked = before

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
            if ref in self._entry_points.values():
                return EntryPointSource(ref, self._loaded)
        elif kind is PluginSource.FOLDER:
            folder = next((item for item in _folders() if item.name == ref), None)
            if folder is not None:
                return FolderSource(folder, self._loader)
        elif ref in self._objects:
            return self._objects[ref]
        raise PluginLoadError(f"The source {kind.value}:{ref} is not there in this process (any more).")

    def choose(self, spec: PluginSpec) -> CodeSource:
        """Return the code that every process must run for what the database says.

        What lies at the source runs when it is what was installed, or when it fits this site and asks for nothing that
        nobody decided about. Otherwise, and for a pinned plugin, the kept files of the installed version run.

        Raises:
            PluginLoadError: when neither the source nor kept files are there.
            PluginError: why what lies at the source may not run, when there are no kept files to run instead.
        """
        if spec.source is PluginSource.MARKETPLACE:
            return self._unpacked_of(spec)
        if spec.source is not PluginSource.FOLDER:
            return self.resolve(spec.source, spec.source_ref)
        try:
            found = frozen(self.resolve(spec.source, spec.source_ref))
        except PluginLoadError as error:
            return self._installed(spec, error)
        if spec.digest in ("", found.digest()):
            return found
        reason = reason_to_wait(spec.plugin_id, found.manifest, found.digest()) if not spec.pinned else _pinned(spec)
        if self._set_aside.get(spec.plugin_id) == found.digest():
            reason = PluginLoadError(f"The files of {spec.plugin_id} could not start; no others are kept.")
        if reason is None:
            return found
        if isinstance(reason, PluginConsentError):
            self.waiting[spec.plugin_id] = found.digest()
        return self._installed(spec, reason)

    def set_aside(self, spec: PluginSpec) -> bool:
        """Run the kept files of the installed version from now on, because what lies at the source can't start.

        Whether there are any to run. It holds in this process, until the source holds yet other content.
        """
        try:
            chosen = self.choose(spec).digest()
        except PluginError:
            return False
        if spec.source is not PluginSource.FOLDER or chosen == spec.digest or not kept_among([spec.digest]):
            return False
        self._set_aside[spec.plugin_id] = chosen
        return True

    def kept(self, ref: str, files: PluginFiles, kind: PluginSource = PluginSource.FOLDER) -> FilesSource:
        """Return a source for kept files.

        Args:
            ref: name of the folder that they came from, or id of a plugin of a marketplace.
            files: the files.
            kind: what kind of source they came from.
        """
        return FilesSource(ref, files, self._loader, kind)

    @contextmanager
    def offering(self, code: PluginCode) -> Iterator[None]:
        """Hand code that was loaded to be judged to the one who runs it next; drop it when nobody takes it."""
        self._offered[code.digest] = code
        try:
            yield
        finally:
            if self._offered.pop(code.digest, None) is not None:
                code.unload()

    def load(self, source: CodeSource) -> PluginCode:
        """Return the code of a source: what is offered, or loaded now.

        Raises:
            PluginError: see ``CodeSource.load``.
        """
        return self._offered.pop(source.digest(), None) or source.load()

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
        yield from (EntryPointSource(value, self._loaded) for value in self._entry_points.values())
        yield from (FolderSource(folder, self._loader) for folder in _folders())
        yield from (self._objects[ref] for ref in sorted(self._objects))

    def discover(self, installed: frozenset[str]) -> tuple[AvailablePlugin, ...]:
        """Describe every source, with the reason where one can't be installed.

        Args:
            installed: ids of the plugins that are installed.
        """
        return tuple(_describe(source, installed) for source in self.sources())

    def _unpacked_of(self, spec: PluginSpec) -> CodeSource:
        """Return the files of a plugin of a marketplace as they are unpacked on this host.

        Raises:
            PluginLoadError: when they are kept nowhere, or are broken.
        """
        looked, key = self._looked, (spec.digest, spec.source_ref)
        if looked is not None and key in looked:
            return looked[key]
        files = self.unpacked.open(spec.digest, spec.source_ref)
        if files is None:
            raise PluginLoadError(
                f"The files of {spec.plugin_id} {spec.version} ({spec.digest}) are not kept any more. Update it."
            )
        found = self.kept(spec.source_ref, files, PluginSource.MARKETPLACE)
        if looked is not None:
            looked[key] = found
        return found

    def _installed(self, spec: PluginSpec, reason: PluginError) -> CodeSource:
        """Return the kept files of the installed version, or say why the source can't run."""
        files = open_kept(spec.digest, spec.source_ref) if spec.digest else None
        if files is None:
            raise reason
        return self.kept(spec.source_ref, files)

    def _was_unloaded(self, plugin_id: str, name: str) -> None:
        if self.unloaded is not None:
            self.unloaded(plugin_id, name)


def _pinned(spec: PluginSpec) -> PluginLoadError:
    return PluginLoadError(
        f"{spec.plugin_id} is pinned to {spec.version}, whose files are not kept; its source holds others. Unpin it."
    )


def frozen(source: CodeSource) -> CodeSource:
    """Return a source whose manifest, digest and code are of one moment, whatever happens to its folder.

    Raises:
        PluginLoadError: when the folder can't be read.
    """
    return source.frozen() if isinstance(source, FolderSource) else source


def keep_source(source: CodeSource) -> bool:
    """Keep the files of a frozen source for other hosts and for rolling back; whether they are kept now."""
    return isinstance(source, FilesSource) and keep_files(source.files)


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
