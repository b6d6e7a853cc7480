"""The plugin under test, and what the checks do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

from gridkit_django.exceptions import EventRejected, PluginError
from gridkit_django.plugins import PluginMetadata
from gridkit_django.plugins.bundle import PRIVATE_PREFIX
from gridkit_django.plugins.sources import CodeSource, EntryPointSource, FolderSource
from gridkit_django.testing.events import EventSender, sample_payloads
from gridkit_django.testing.starter import PluginStarter, Source, StartedPlugin
from gridkit_django.typing import JSONObject


@dataclass(frozen=True, slots=True)
class Subject:
    """One plugin as its author gave it to the suite.

    Attributes:
        source: where it comes from.
        config: a configuration that it starts with.
        arguments: sample arguments by the name of a method.
        peers: plugins that must be at work before it.
        starter: starts plugins.
        send: sends events.
        folder: an empty folder to write to.
    """

    source: Source
    starter: PluginStarter
    send: EventSender
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Sequence[JSONObject]] = field(default_factory=dict)
    peers: Sequence[Source] = ()

    def code(self) -> CodeSource:
        """Return its source as the catalogue knows it."""
        catalog, placed = self.starter.manager.runtime.catalog, self.starter.place(self.source)
        return catalog.find(placed) if isinstance(placed, str) else catalog.add_object(placed)

    def metadata(self) -> PluginMetadata:
        """Return its manifest."""
        return self.code().manifest()

    def own_modules(self) -> str:
        """Return how the names of the plugin's own modules begin."""
        source = self.code()
        if isinstance(source, FolderSource):
            return PRIVATE_PREFIX
        if isinstance(source, EntryPointSource):
            return source.ref.partition(":")[0].rpartition(".")[0]
        return source.load().plugin_class.__module__

    @contextmanager
    def started(self, grants: str | Iterable[str] = "all") -> Iterator[StartedPlugin]:
        """Have the plugin at work for the length of the block, with its peers; afterwards it is uninstalled.

        Args:
            grants: ``"all"`` that its manifest asks for, or the permissions to grant.

        Raises:
            PluginError: when it is refused or does not start.
        """
        peers = [self.starter(peer) for peer in self.peers]
        try:
            plugin = self.starter(self.source, config=self.config, grants=grants)
            yield plugin
        finally:
            self._remove()
            for peer in reversed(peers):
                peer.uninstall()

    def exercise(self, plugin: StartedPlugin, rounds: int = 1) -> None:
        """Send every kind of event that the plugin listens to, with every sample payload.

        Vetoes are answers; what handlers raise is counted by the runtime, see ``faults``.
        """
        types = sorted({name for item in plugin.live.subscriptions for name in item.mark.event_types})
        for _ in range(rounds):
            for name in types:
                for payload in sample_payloads(name):
                    self._sent(name, payload)

    def _sent(self, name: str, payload: JSONObject) -> None:
        try:
            self.send(name, payload)
        except EventRejected:
            return  # a veto is an answer
        except PluginError as error:  # a critical handler: the act fails with it, and the runtime counted why
            if error.__cause__ is None:
                raise

    def _remove(self) -> None:
        plugin_id = self.metadata().id
        if any(info.id == plugin_id for info in self.starter.manager.list_plugins()):
            self.starter.manager.uninstall_plugin(plugin_id)


def fail(what: str, advice: str) -> NoReturn:
    """Let the check fail.

    Args:
        what: what happened and what was expected.
        advice: what the author can do about it.
    """
    pytest.fail(f"{what.rstrip('.')}. {advice}", pytrace=False)


def faults(plugin: StartedPlugin, allowed: Callable[[str], bool] = lambda _: False) -> list[str]:
    """Return the handlers and methods of which calls raised, each with its newest error; or why it was switched off.

    Args:
        plugin: the plugin.
        allowed: whether an error, told as class and text, is to be expected.
    """
    usage = plugin.usage()
    told = [(f"{item.name}: {item.last_error}", item.last_error) for item in usage.calls if item.errors]
    if not usage.running:
        reason = plugin.info.state_reason
        told = [(f"it was switched off: {reason}", reason)]
    return [text for text, error in told if not allowed(error)]
