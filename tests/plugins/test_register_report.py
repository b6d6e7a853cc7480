"""Reports of plugins: what can be registered, and what is told of a plugin that is not at work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser

from gridkit_django.exceptions import PluginError, PluginLimitError, PluginReportError, PluginStateError
from gridkit_django.plugins import Plugin, PluginContext, PluginManager
from tests.plugins.samples import metadata

pytestmark = pytest.mark.django_db(transaction=True)


class Teller(Plugin):
    metadata = metadata("teller", required_permissions=("reports:register",))


@pytest.fixture
def context(manager: PluginManager) -> Iterator[PluginContext]:
    manager.install_plugin(Teller)
    yield manager.runtime.live["teller"].plugin.context
    manager.runtime.catalog.remove_object("teller")


def test_report_needs_a_plain_name_a_label_and_no_namesake_and_ends_when_it_is_taken_away(
    manager: PluginManager, context: PluginContext
) -> None:
    for name, label in (("R", "R"), ("r", ""), ("r", "x" * 201)):
        with pytest.raises(PluginError, match="report"):
            context.register_report(name, print, label=label)
    remove = context.register_report("r", print, label="R")
    with pytest.raises(PluginStateError, match="has a report 'r' already"):
        context.register_report("r", print, label="R")
    assert [item.label for item in manager.list_reports("teller")] == ["R"]
    remove()
    remove()
    assert manager.list_reports("teller") == ()
    for number in range(20):
        context.register_report(f"r{number}", print, label="R")
    with pytest.raises(PluginLimitError, match="20 reports"):
        context.register_report("r", print, label="R")


def test_plugin_that_is_not_at_work_has_no_reports(manager: PluginManager, context: PluginContext) -> None:
    context.register_report("r", lambda _call: [], label="R")
    day = date(2026, 5, 17)
    assert manager.run_report("teller", "r", since=day, until=day, user=AnonymousUser()).parts == []
    manager.deactivate_plugin("teller")
    assert manager.list_reports("teller") == ()
    with pytest.raises(PluginReportError, match="has no report 'r' now"):
        manager.run_report("teller", "r", since=day, until=day, user=AnonymousUser())
