"""Settings of the benchmark of bulk writes: those of the other audit benchmarks, and an app with tables to write to."""

from __future__ import annotations

from tests.benchmarks.audit.ledger_settings import *  # noqa: F403
from tests.benchmarks.audit.ledger_settings import INSTALLED_APPS as LEDGER_APPS

INSTALLED_APPS = [*LEDGER_APPS, "tests.benchmarks.audit.bulk"]
GRIDKIT = {
    "AUDIT_MODELS": {
        "bulk.CapturedRow": {},
        "bulk.MaskedRow": {"mask": ["title", "note"]},
        "bulk.EncryptedRow": {"encrypt": ["title", "note"]},
        "bulk.StrictRow": {"strict": True},
    }
}
