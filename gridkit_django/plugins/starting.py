"""Building a live plugin aside: nothing it does shows before the runtime swaps it in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from gridkit_django.exceptions import (
    PluginError,
    PluginInitializeError,
    PluginLoadError,
    PluginNotReadyError,
    StorageVersionError,
)
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.boot import BootRecord
from gridkit_django.plugins.catalog import SourceCatalog
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.config import checked_config, secrets_of, site_values
from gridkit_django.plugins.config_migration import fitted
from gridkit_django.plugins.context import PluginContext
from gridkit_django.plugins.handlers import marked_handlers
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.local import Host, LocalBackend
from gridkit_django.plugins.memory import HeapBook
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.places import place_of
from gridkit_django.plugins.reports import NoteReport, Reporter
from gridkit_django.plugins.retry import may_pass
from gridkit_django.plugins.savepoints import savepoints
from gridkit_django.plugins.secret_values import without_secrets
from gridkit_django.plugins.sources import CodeSource, PluginCode
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.stats import describe
from gridkit_django.plugins.storage_copies import fitting_storage

logger = logging.getLogger("gridkit_django.plugins")

DRAIN_SECONDS = 2.0


class Starter:
    """Builds live plugins, and ends them.

    Args:
        host: the runtime that they will serve in.
        catalog: where their code is found.
        record: where each step is noted, for the case that it kills the process.
        heaps: where is noted how much memory code takes when it is loaded first.
        reporter: told of a ``destroy`` that raises.
    """

    def __init__(
        self, host: Host, catalog: SourceCatalog, record: BootRecord, heaps: HeapBook, reporter: Reporter
    ) -> None:
        self._host = host
        self._catalog = catalog
        self._record = record
        self._heaps = heaps
        self._reporter = reporter

    def one_look(self) -> AbstractContextManager[None]:
        """Read each plugin of a marketplace once inside, for its manifest and for its code."""
        return self._catalog.one_look()

    def start(self, spec: PluginSpec, metadata: PluginMetadata, previous: LivePlugin | None) -> LivePlugin:
        """Load the code, check the configuration, make the object and initialise it.

        Args:
            spec: what is to run. On trial the storage stays as it is: other processes run the version in use.
            metadata: its manifest as it is at the source now.
            previous: the object that serves until now; its code is used again when it did not change.

        Raises:
            PluginLoadError: when the code can't be imported.
            PluginConfigError: when the configuration does not fit, and can't be made to.
            PluginSecretError: when a stored secret can't be decrypted.
            StorageVersionError: when the storage follows another version, and can't be made to fit.
            PluginInitializeError: when the plugin raised while it started.
            PluginNotReadyError: when what it raised says that something outside is not there yet.
        """
        source = self._catalog.choose(spec)
        digest, is_reload = source.digest(), previous is not None
        with (
            self._record.step(spec.plugin_id, spec.revision, digest, "load", on_trial=spec.on_trial) as note,
            self._heaps.loading(digest, reload=is_reload),
        ):
            code = self._code(source, previous)
            try:
                if spec.on_trial and code.plugin_class.storage_version != spec.storage_version:
                    raise StorageVersionError(f"{metadata.id} {metadata.version} would migrate what is stored.")
                with fitting_storage(spec, code, metadata.resource_limits.max_storage_mb):
                    return self._build(spec, metadata, code, previous, note)
            except PluginError:
                if previous is None or code is not previous.code:
                    code.unload()
                raise

    def manifest(self, spec: PluginSpec) -> PluginMetadata:
        """Return the manifest at the source, judged without running code.

        Raises:
            PluginLoadError: when the source is gone or holds another plugin.
            ManifestError: when the manifest is wrong.
            PluginIncompatibleError: when it was made for another core.
        """
        metadata = self._catalog.choose(spec).manifest()
        if metadata.id != spec.plugin_id:
            raise PluginLoadError(f"The source of {spec.plugin_id} now holds {metadata.id}.")
        check_core(metadata)
        return metadata

    def digest(self, spec: PluginSpec) -> str:
        """Return the content digest at the source.

        Raises:
            PluginLoadError: when the source is gone or can't be read.
        """
        return self._catalog.choose(spec).digest()

    def set_aside(self, spec: PluginSpec) -> bool:
        """Go back to the installed version's kept files where there are any. See ``SourceCatalog.set_aside``."""
        return self._catalog.set_aside(spec)

    def stop(self, live: LivePlugin, *, keep_code: bool = False) -> None:
        """End a plugin that no longer serves.

        Calls under way are waited for, ``DRAIN_SECONDS`` at most; what was registered is taken back; ``destroy`` is
        called; its modules are dropped.

        Args:
            live: the plugin.
            keep_code: another object of the same code goes on.
        """
        if not live.drain(DRAIN_SECONDS):
            logger.warning("%s still had calls under way after %s s; it is ended now", live.plugin_id, DRAIN_SECONDS)
        live.release()
        spec = live.spec
        with self._record.step(spec.plugin_id, spec.revision, live.code.digest, "destroy", on_trial=spec.on_trial):
            try:
                with savepoints():
                    live.plugin.destroy()
            except (Exception, SystemExit) as error:
                logger.exception("destroy() of %s failed", live.plugin_id)
                reason = f"destroy() raised {describe(error)}; it was ended all the same."
                self._reporter.report(NoteReport(live.plugin_id, "plugin.end", reason))
        live.forget_context()
        if not keep_code:
            live.code.unload()

    def _code(self, source: CodeSource, previous: LivePlugin | None) -> PluginCode:
        if previous is not None and previous.code.digest == source.digest():
            return previous.code
        return self._catalog.load(source)

    def _build(
        self,
        spec: PluginSpec,
        metadata: PluginMetadata,
        code: PluginCode,
        previous: LivePlugin | None,
        note: Callable[[str], None],
    ) -> LivePlugin:
        spec, migrated = fitted(spec, code.plugin_class)
        config = checked_config(code.plugin_class, spec.plugin_id, site_values(spec))
        plugin = _made(spec.plugin_id, code)
        live = LivePlugin(spec, metadata, code, plugin, config)
        live.migrated = migrated
        context = PluginContext(spec.plugin_id, LocalBackend(self._host, live))
        _attach(plugin, metadata, context)
        note("initialize")
        try:
            with savepoints():
                for mark, handler in marked_handlers(plugin):
                    live.subscribe(mark, handler)
                plugin.initialize(context)
                if previous is not None:
                    note("reload")
                    plugin.on_hot_reload(previous.plugin)
        except (Exception, SystemExit) as error:
            live.release()
            live.forget_context()
            raise _initialize_error(spec.plugin_id, code, error, secrets_of(spec)) from error
        return live


def _made(plugin_id: str, code: PluginCode) -> Plugin:
    try:
        return code.create()
    except (Exception, SystemExit) as error:
        raise _initialize_error(plugin_id, code, error) from error


def _attach(plugin: Plugin, metadata: PluginMetadata, context: PluginContext) -> None:
    """Give the object its manifest and its context. The manifest is set on the object: its class may be shared."""
    instance: Any = plugin
    instance.metadata = metadata
    instance.context = context


def _initialize_error(
    plugin_id: str, code: PluginCode, error: BaseException, secrets: Sequence[Any] = ()
) -> PluginInitializeError:
    """Tell what the plugin raised, without the secrets of its configuration: addresses with passwords turn up here."""
    place = place_of(error, code.where)
    facts = {"error": type(error).__name__, **place.facts}
    told = without_secrets(f"{place.text}{type(error).__name__}: {error}", secrets)
    if may_pass(error):
        return PluginNotReadyError(f"{plugin_id} could not start yet, and is tried again: {told}", extra=facts)
    return PluginInitializeError(f"{plugin_id} could not start: {told}", extra=facts)
