"""What is judged before a plugin starts: its manifest, its import, its configuration."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

from django.db import connection
from pydantic import BaseModel

from gridkit_django.exceptions import PluginConfigError, PluginError
from gridkit_django.plugins import Plugin
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.config import checked_config
from gridkit_django.plugins.sources import CodeSource, EntryPointSource, ObjectSource
from gridkit_django.testing.conformance.subject import Subject, fail
from gridkit_django.testing.traces import told, traces

_SECRET_WORDS = ("password", "secret", "token", "api_key", "apikey", "private_key", "passphrase")


def check_manifest(subject: Subject) -> None:
    """The manifest is complete, fits this core, and asks for each permission once; a schema beside it is the code's."""
    try:
        source = subject.code()
        metadata = source.manifest()
        check_core(metadata)
        schema = source.config_schema()
    except PluginError as error:
        fail(f"The plugin is refused at the door: {error.detail}", "Mend plugin.toml.")
    twice = sorted({name for name in metadata.required_permissions if metadata.required_permissions.count(name) > 1})
    if twice:
        fail(f"required_permissions names {', '.join(twice)} twice.", "Name each permission once.")
    with _loaded(source) as plugin:
        if schema and schema != plugin.Config.model_json_schema():
            fail(
                "config_schema.json is not the schema of Config: the form would show what the code does not take.",
                f"Write it anew from {plugin.__name__}.Config.model_json_schema().",
            )


def check_import(subject: Subject) -> None:
    """Importing the code does nothing: no query, thread, receiver, patch, log handler, environment or path."""
    queries: list[str] = []
    source = subject.code()
    with connection.execute_wrapper(_Listener(queries)):
        first, second = _left_by_import(source), _left_by_import(source)
    left = told(first, second, subject.own_modules())
    if queries:
        fail(f"Importing the plugin asks the database: {queries[0][:200]}.", "Do it in initialize(), by the context.")
    if left:
        fail(f"Importing the plugin left this behind: {'; '.join(left)}.", "Importing does nothing: use initialize().")


def check_config(subject: Subject) -> None:
    """Config takes its defaults and the sample back unchanged, refuses unknown keys, and hides secrets."""
    with _loaded(subject.code()) as plugin:
        if plugin.Config.model_config.get("extra") == "allow":
            fail("Config takes keys that it does not know.", 'Set model_config = ConfigDict(extra="forbid").')
        if plain := list(_plain_secrets(plugin.Config)):
            fail(f"{', '.join(plain)} would be stored and shown as plain text.", "Make the type SecretStr.")
        _judge_values(subject, plugin)


def _left_by_import(source: CodeSource) -> tuple[str, ...]:
    before = traces(_package(source))
    with _imported_afresh(source):
        return traces(_package(source)).left_since(before)


def _judge_values(subject: Subject, plugin: type[Plugin]) -> None:
    metadata = subject.metadata()
    try:
        with warnings.catch_warnings(action="ignore"):  # a default of the wrong type is told below
            defaults = plugin.get_default_config()
        first = checked_config(plugin, metadata.id, {**defaults, **subject.config})
    except PluginConfigError as error:
        fail(error.detail, "Give every field a default, or set config = {...} in the suite.")
    stored = first.model_dump(mode="json", by_alias=True)
    if checked_config(plugin, metadata.id, stored).model_dump(mode="json", by_alias=True) != stored:
        fail("A configuration that is stored and read back is another one.", "Look at validators and serializers.")


def _plain_secrets(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield the fields whose name says secret and whose type does not."""
    for name, described in model.model_fields.items():
        kind = described.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _plain_secrets(kind, f"{path}{name}.")
        elif kind is str and any(word in name.lower() for word in _SECRET_WORDS):
            yield f"{path}{name}"


class _Listener:
    """Notes the queries of a connection."""

    def __init__(self, queries: list[str]) -> None:
        self._queries = queries

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Note one query and let it pass."""
        self._queries.append(sql)
        return execute(sql, params, many, context)


@contextmanager
def _loaded(source: CodeSource) -> Iterator[type[Plugin]]:
    """Have the plugin's class for the length of the block."""
    try:
        code = source.load()
    except PluginError as error:
        fail(f"The code can't be loaded: {error.detail}", "Mend it.")
    try:
        yield code.plugin_class
    finally:
        code.unload()


@contextmanager
def _imported_afresh(source: CodeSource) -> Iterator[None]:
    """Run the module code of a plugin once more, then put back the modules that were there."""
    if not isinstance(source, EntryPointSource | ObjectSource):
        with _loaded(source):
            yield
        return
    package, module = _package(source), _module(source)
    kept = {name: item for name, item in sys.modules.items() if name == module or _is_below(name, package)}
    for name in kept:
        del sys.modules[name]
    try:
        _run(module, kept.get(module))
        yield
    finally:
        for name in [name for name in sys.modules if name == module or _is_below(name, package)]:
            del sys.modules[name]
        sys.modules.update(kept)
        _bind(kept)


def _run(name: str, known: ModuleType | None) -> None:
    """Import a module anew; one that Python can't find by its name (a test's) by the way it was found."""
    if known is None or known.__spec__ is None or known.__spec__.loader is None:
        import_module(name)
        return
    module = module_from_spec(known.__spec__)
    sys.modules[name] = module
    known.__spec__.loader.exec_module(module)


def _bind(modules: dict[str, ModuleType]) -> None:
    """Let packages name their modules again, as after the first import."""
    for name, module in modules.items():
        parent, _, last = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], last, module)


def _package(source: CodeSource) -> str:
    """Return the package whose modules are the plugin's own; empty where Python does not know it by a name."""
    return _module(source).rpartition(".")[0] if isinstance(source, EntryPointSource) else ""


def _module(source: EntryPointSource | ObjectSource) -> str:
    """Return the name of the module that holds the plugin's class."""
    if isinstance(source, EntryPointSource):
        return source.ref.partition(":")[0]
    return source.load().plugin_class.__module__


def _is_below(name: str, package: str) -> bool:
    return bool(package) and (name == package or name.startswith(f"{package}."))
