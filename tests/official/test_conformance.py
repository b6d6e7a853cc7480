"""The official plugins pass the suite that every author runs."""

from __future__ import annotations

import pytest

from gridkit_django.testing import PluginConformance

pytestmark = pytest.mark.unmeasured  # tests/testing measures the suite itself


@pytest.mark.both_databases
class TestAuditLog(PluginConformance):
    source = "@gridkit/plugin-audit-log"


@pytest.mark.both_databases
class TestAnalytics(PluginConformance):
    source = "@gridkit/plugin-analytics"


class TestExport(PluginConformance):
    source = "@gridkit/plugin-export"
    arguments = {"export": [{"format": "csv"}]}
