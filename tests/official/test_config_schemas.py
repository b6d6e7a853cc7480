"""The JSON Schema in each official package is the one that the plugin's own model gives.

The admin makes the form of the install page from the file, because no code of a plugin may run before consent. After
a change of a ``Config`` the failing test prints what the file must hold.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gridkit_plugins
from gridkit_plugins.analytics.plugin import AnalyticsPlugin
from gridkit_plugins.audit_log.plugin import AuditLogPlugin
from gridkit_plugins.export.plugin import ExportPlugin

PLUGINS = {"analytics": AnalyticsPlugin, "audit_log": AuditLogPlugin, "export": ExportPlugin}


def _file(name: str) -> Path:
    return Path(gridkit_plugins.__file__).parent / name / "config_schema.json"


@pytest.mark.parametrize("name", PLUGINS)
def test_schema_in_the_package_equals_the_schema_of_the_model(name: str) -> None:
    schema = PLUGINS[name].Config.model_json_schema()

    assert json.loads(_file(name).read_text()) == schema, json.dumps(schema, indent=2)
