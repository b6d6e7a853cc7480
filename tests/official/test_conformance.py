"""The official plugins pass the suite that every author runs.

What they do with the database is tested on both databases beside this file.
"""

from __future__ import annotations

import pytest

from gridkit_django.testing import PluginConformance

pytestmark = pytest.mark.unmeasured  # tests/testing measures the suite itself


class TestAuditLog(PluginConformance):
    source = "@gridkit/plugin-audit-log"


class TestAnalytics(PluginConformance):
    source = "@gridkit/plugin-analytics"


class TestExport(PluginConformance):
    source = "@gridkit/plugin-export"
    arguments = {"export": [{"format": "csv"}]}
