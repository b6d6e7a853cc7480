"""What the manager knows of marketplaces: their room stands above this one, so it is known by protocol only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from gridkit_django.plugins.catalog import AvailablePlugin
from gridkit_django.plugins.operation_run import OperationRun, Step
from gridkit_django.plugins.search import PluginSearchQuery
from gridkit_django.plugins.updates import PluginUpdate
from gridkit_django.typing import User

PREFIX = "marketplace:"
"""How the source of a plugin begins that comes from a marketplace; its id follows."""


class RemotePlugins(Protocol):
    """The plugins of the marketplaces that this site installs from."""

    def is_set_up(self) -> bool:
        """Whether the settings name a marketplace."""
        ...

    def recipe(self, run: OperationRun) -> Sequence[Step] | None:
        """Return the steps of an operation that needs a marketplace; None for all others."""
        ...

    def search(self, query: PluginSearchQuery) -> tuple[AvailablePlugin, ...]:
        """Return what the local catalogue has for a query, as far as its page reaches."""
        ...

    def featured(self) -> tuple[AvailablePlugin, ...]:
        """Return the plugins that marketplaces put first."""
        ...

    def updates(self) -> tuple[PluginUpdate, ...]:
        """Return the installed plugins of marketplaces for which there is a newer release that fits, by id."""
        ...

    def install(
        self,
        plugin_id: str,
        *,
        version: str | None,
        config: Mapping[str, Any] | None,
        grants: str | Iterable[str],
        activate: bool,
        user: User | None,
    ) -> None:
        """Install a plugin in this process, and wait for it."""
        ...

    def update(self, plugin_id: str, version: str | None, *, grants: Iterable[str], user: User | None) -> None:
        """Update a plugin in this process, and wait for it."""
        ...

    def check_host(self, plugin_id: str, requires: Sequence[str]) -> None:
        """Refuse a plugin that needs what is not installed on this host."""
        ...

    def check_kept(self, plugin_id: str, version: str) -> None:
        """Refuse to update to kept files of a release that this site has to wait for."""
        ...
