"""A new plugin's repository: it works, its test runs, and what is packed of it passes the gate."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from gridkit_django.exceptions import PackageBuildError
from gridkit_django.marketplace.packaging.building import config_schema_of
from gridkit_django.marketplace.packaging.identity import distribution_of, import_package_of
from gridkit_django.plugins.sources import SCHEMA_NAME

_WORD = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")

_FILES = {
    "$package/__init__.py": '"""$title, a plugin for GridKit."""\n',
    "$package/plugin.toml": """\
id = "$id"
name = "$title"
version = "0.1.0"
author = "$publisher"
description = "Counts the changes of each row, and tells how many there were."
category = "data"
tags = ["example"]
license = "MIT"
pricing = "free"
core_version = ">=0.1,<2"
required_permissions = ["events:subscribe", "storage:use", "methods:register"]
entry = "plugin:$class_name"

[resource_limits]
max_event_handlers = 1
max_storage_mb = 1
""",
    "$package/plugin.py": '''\
"""Counts the changes of each row. Start here, and make it yours."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gridkit_django.plugins import Plugin, handles

NO_ARGUMENTS = {"type": "object", "additionalProperties": False}


class $class_name(Plugin):
    """Keeps, for each row, how many times it was changed."""

    class Config(BaseModel):
        """What an administrator may set; the form in the admin is made from it."""

        model_config = ConfigDict(extra="forbid")

        most: int = Field(default=1000, ge=1, title="At most", description="Counting ends here.")

    def initialize(self, context: Any) -> None:
        """Start. What is registered here ends by itself when the plugin is deactivated."""
        context.register_method("changes", self.changes, schema=NO_ARGUMENTS, label="Changes of each row")

    @handles("row:update")
    def count(self, event: Any) -> None:
        """Count a change, in the transaction of the change: when that is undone, so is this."""
        key = str(event.payload["rowId"])
        before = self.context.storage.get(key, 0)
        if before < self.context.config_for(event.grid).most:
            self.context.storage.set(key, before + 1)

    def changes(self, call: Any) -> dict[str, int]:
        """Answer the method: how many changes each row had."""
        storage = self.context.storage
        return {key: storage.get(key) for key in storage.keys()}
''',
    "tests/settings.py": '''\
"""The smallest site that the plugin can be tested on."""

SECRET_KEY = "only-for-tests"
USE_TZ = True
ROOT_URLCONF = "tests.settings"
urlpatterns = []
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "django_filters",
    "guardian",
    "gridkit_django",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
''',
    "tests/test_plugin.py": '''\
"""The plugin at work, as on a site: activated, with an event that it answers to."""

from __future__ import annotations

FOLDER = "$package"


def test_each_change_of_a_row_is_counted(start_plugin, send_event):
    plugin = start_plugin(FOLDER)

    send_event("row:update")
    send_event("row:update")

    assert list(plugin.call("changes").values()) == [2]


def test_counting_ends_where_the_administrator_says(start_plugin, send_event):
    plugin = start_plugin(FOLDER, config={"most": 1})

    send_event("row:update")
    send_event("row:update")

    assert list(plugin.call("changes").values()) == [1]
''',
    "tests/test_conformance.py": '''\
"""What administrators rely on, asked of every plugin."""

from __future__ import annotations

from gridkit_django.testing import PluginConformance


class TestConformance(PluginConformance):
    """See "Test a plugin" in the documentation of GridKit for what each test asks."""

    source = "$package"
''',
    "docs/index.md": """\
# $title

What the plugin does, for the people who decide whether to install it.

## Configuration

| Key | Means |
|---|---|
| `most` | counting ends here |

## Permissions

| Permission | Why it is needed |
|---|---|
| `events:subscribe` | to see changes of rows |
| `storage:use` | to keep the counts |
| `methods:register` | to answer how many there were |
""",
    "README.md": """\
# $title

Counts the changes of each row. A plugin for [GridKit for Django](https://gridkit-django.readthedocs.io/).

    pip install "gridkit-django[testing]"
    pytest
    python manage.py gridkit_pack .
    python manage.py gridkit_check dist/*.whl
""",
    "CHANGELOG.md": "# Changelog\n\n## 0.1.0\n\n- The first version.\n",
    ".gitignore": "dist/\n__pycache__/\n.pytest_cache/\n*.pem\n",
    "pyproject.toml": """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "Counts the changes of each row."
readme = "README.md"
requires-python = ">=3.11"

[project.entry-points."gridkit.plugins"]
$name = "$package.plugin:$class_name"

[tool.hatch.build.targets.wheel]
packages = ["$package"]

[tool.hatch.build.targets.wheel.force-include]
"CHANGELOG.md" = "$package/CHANGELOG.md"

[tool.pytest.ini_options]
addopts = ["--ds=tests.settings"] # an exported DJANGO_SETTINGS_MODULE is some other project's
pythonpath = ["."]
testpaths = ["tests"]
""",
}


def start_plugin_repository(name: str, publisher: str, folder: Path) -> Path:
    """Write the repository of a new plugin; return its folder.

    Args:
        name: of the plugin, in small letters, like ``colours``.
        publisher: the publisher's name in the marketplace, like ``acme``.
        folder: where the new folder goes.

    Raises:
        PackageBuildError: for a name that can't be, or a folder that is there.
        PackageRefusedError: when the two make no importable name.
        OSError: when it can't be written.
    """
    for word in (name, publisher):
        if not _WORD.fullmatch(word):
            raise PackageBuildError(
                f"{word!r} can't be a name. Use small letters, digits and single hyphens: 'my-plugin'."
            )
    plugin_id = f"@{publisher}/{name}"
    words = re.split(r"[._-]", name)
    values = {
        "id": plugin_id,
        "name": name,
        "publisher": publisher,
        "package": import_package_of(plugin_id),
        "distribution": distribution_of(plugin_id),
        "title": " ".join(words).capitalize(),
        "class_name": "".join(word.capitalize() for word in words) + "Plugin",
    }
    target = folder / name
    if target.exists():
        raise PackageBuildError(f"{target} is there already. Choose another name or folder.")
    for path, text in _FILES.items():
        place = target / Template(path).substitute(values)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(Template(text).substitute(values), encoding="utf-8")
    plugin = target / values["package"]
    (plugin / SCHEMA_NAME).write_bytes(config_schema_of(plugin))
    return target
