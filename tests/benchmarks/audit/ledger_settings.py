"""Settings of the audit benchmarks: those of the example project, and an app with tables to write to."""

from __future__ import annotations

import importlib.util

from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS as EXAMPLE_APPS

HISTORY_APPS = ["pghistory", "pgtrigger"] if importlib.util.find_spec("pghistory") else []
INSTALLED_APPS = [*EXAMPLE_APPS, *HISTORY_APPS, "tests.benchmarks.audit.ledger"]
GRIDKIT = {"AUDIT_MODELS": {"ledger.Strict": {"strict": True}, "ledger.Captured": {}}}
