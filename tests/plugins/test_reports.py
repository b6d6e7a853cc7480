"""Reports of states: which are written, over which, and what is recorded about them."""

from __future__ import annotations

import pytest

from gridkit_django.models import AuditRecord, EffectiveState, InstalledPlugin
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.reports import StateReport
from tests.plugins.samples import Listener

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def state() -> tuple[str, str]:
    return InstalledPlugin.objects.values_list("effective_state", "state_code").get()


def test_report_that_replaces_a_code_leaves_every_other_code_alone(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    revision, report = InstalledPlugin.objects.get().revision, manager.runtime.reporter.report
    report(StateReport("listener", revision, EffectiveState.DEGRADED, "cpu-high", "It is busy."))
    report(StateReport("listener", revision, EffectiveState.ACTIVE, replaces="memory-high"))
    assert state() == ("degraded", "cpu-high")
    report(StateReport("listener", revision, EffectiveState.ACTIVE, replaces="cpu-high"))
    assert state() == ("active", "")
    report(StateReport("listener", revision, EffectiveState.ACTIVE, replaces="cpu-high"))
    assert list(AuditRecord.objects.order_by("pk").values_list("action", flat=True)) == [
        "plugin.install",
        "plugin.activate",
        "plugin.degrade",
        "plugin.recover",
    ]
