"""Settings of the audit benchmarks: those of the example project, and an app with tables to write to."""

from __future__ import annotations

import importlib.util

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES
from example_project.settings import INSTALLED_APPS as EXAMPLE_APPS

PEERS = {"django-auditlog": ("auditlog",), "django-simple-history": ("simple_history",)}
# Its triggers are PostgreSQL's.
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    PEERS["django-pghistory"] = ("pgtrigger", "pghistory")

MISSING = [name for name, needed in PEERS.items() if not all(importlib.util.find_spec(package) for package in needed)]
"""Peers that are not installed; ``make bench`` tries to."""

PEER_APPS = [package for name, needed in PEERS.items() if name not in MISSING for package in needed]
INSTALLED_APPS = [*EXAMPLE_APPS, *PEER_APPS, "tests.benchmarks.audit.ledger"]
GRIDKIT = {"AUDIT_MODELS": {"ledger.Strict": {"strict": True}, "ledger.Captured": {}}}
