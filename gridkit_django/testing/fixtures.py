"""The fixtures: a plugin at work, a sender of events, a recorder of audit records, and the grid they act on.

They commit, as a site does (``transactional_db`` of pytest-django), so that handlers of ``committed`` are called and
plugins follow every change.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridkit_django.plugins import plugin_manager
from gridkit_django.testing.events import EventSender
from gridkit_django.testing.grid import registered_grid
from gridkit_django.testing.recorder import AuditRecorder
from gridkit_django.testing.starter import PluginStarter


@pytest.fixture
def plugin_grid() -> Iterator[str]:
    """Id of the grid that events happen on and methods are called on. Override it to return the id of your own."""
    with registered_grid() as grid:
        yield grid


@pytest.fixture
def start_plugin(
    transactional_db: None, plugin_grid: str, tmp_path: Path, pytestconfig: pytest.Config
) -> Iterator[PluginStarter]:
    """What starts a plugin: ``start_plugin("plugins/delay_alarm", config={"minutes": 90})``."""
    root = tmp_path / "gridkit-plugins"
    root.mkdir()
    starter = PluginStarter(plugin_manager(), plugin_grid, root, pytestconfig.rootpath)
    starter.begin()
    try:
        yield starter
    finally:
        starter.end()


@pytest.fixture
def send_event(transactional_db: None, plugin_grid: str) -> EventSender:
    """What sends events: ``send_event("row:update", {"rowId": "7", "changes": {}})``."""
    return EventSender(plugin_grid)


@pytest.fixture
def audit_records(transactional_db: None) -> AuditRecorder:
    """What reads the audit records of a test: ``audit_records("row.update")``, ``audit_records.by_plugin(id)``."""
    return AuditRecorder()
