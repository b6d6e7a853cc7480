"""An empty runtime, a folder for site plugins with a small plugin, and administrators of several rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.test import Client

from gridkit_django.exports import ExporterRegistry
from gridkit_django.grids import grid_registry
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.exports.conftest import RememberingQueue
from tests.exports.shop import GRID, ExportGrid

MANIFEST = """
id = "greeter"
name = "Greeter"
version = "1.2.0"
author = "Tests"
description = "Greets people."
category = "utility"
license = "MIT"
core_version = ">=0.1"
required_permissions = ["methods:register", "storage:use", "network:api.example.org"]
entry = "plugin:Greeter"
"""

CODE = """
from pydantic import BaseModel, Field
from gridkit_django.plugins import Plugin

class Greeter(Plugin):
    class Config(BaseModel):
        word: str = Field("hello", max_length=10)
        times: int = Field(1, ge=1, le=5)

    def initialize(self, context):
        if context.config.word == "boom":
            raise RuntimeError("no such word")
"""

SCHEMA = """
{"type": "object", "properties": {
  "word": {"type": "string", "default": "hello", "title": "Word"},
  "times": {"type": "integer", "default": 1, "minimum": 1, "title": "Times"}}}
"""


@pytest.fixture(autouse=True)
def manager() -> Iterator[PluginManager]:
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}
    folder = tmp_path / "greeter"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Greets."""\n')
    (folder / "plugin.toml").write_text(MANIFEST)
    (folder / "plugin.py").write_text(CODE)
    (folder / "config_schema.json").write_text(SCHEMA)
    return tmp_path


@pytest.fixture
def greeter(root: Path, manager: PluginManager) -> str:
    """The installed and active plugin; returns the address of its pages."""
    manager.install_plugin("greeter")
    return f"/admin/gridkit_django/installedplugin/{InstalledPlugin.objects.get().pk}/"


@pytest.fixture
def admin() -> Client:
    User.objects.create_superuser("root", password="root-pass")
    client = Client()
    client.login(username="root", password="root-pass")
    return client


@pytest.fixture
def staff() -> Callable[..., Client]:
    """Return a function that makes a staff member with just these rights of ours, and their client."""

    def make(*codenames: str) -> Client:
        user = User.objects.create_user("staff", password="staff-pass", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label="gridkit_django", codename__in=codenames)
        )
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def export_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExporterRegistry]:
    """A site with a grid that can be exported as CSV, and a queue that remembers; returns the formats."""
    registry = ExporterRegistry()
    registry.register("csv", "gridkit_plugins.export.exporters.csv.CsvExporter")
    config = apps.get_app_config("gridkit_django")
    monkeypatch.setattr(config, "exporters", registry)
    monkeypatch.setattr(config, "job_queue", RememberingQueue())
    grid_registry().register(ExportGrid)
    yield registry
    grid_registry().unregister(GRID)
