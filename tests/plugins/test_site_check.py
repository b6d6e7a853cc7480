"""Looking a site over: what is found, at which level, in text and as JSON, and when the command fails."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from gridkit_django.checks import check_plugin_sources
from gridkit_django.models import InstalledPlugin, PluginVersion
from gridkit_django.plugins import ChangeKind, PlanChange, PluginManager, SiteReport, plugin_manager
from tests.plugins.samples import Demanding, Hermit, Listener, Needy, Stranger, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True)]


def found(report: SiteReport) -> list[tuple[str, str, str]]:
    return [(item.level.value, item.plugin, item.code) for item in report.findings]


def check(*options: str) -> str:
    out = StringIO()
    call_command("gridkit_check", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def broken_root(root: Path) -> Path:
    """One good folder, one without a manifest, one for another core."""
    write_plugin(root, "good")
    (root / "empty").mkdir()
    write_plugin(root, "modern", core=">=99")
    return root


@pytest.mark.both_databases
def test_site_on_which_all_is_well_has_no_findings(manager: PluginManager, root: Path) -> None:
    write_plugin(root)
    manager.install_plugin("folder:sample")
    manager.install_plugin(Listener)
    report = manager.check_site()
    assert (report.findings, report.installed, report.safe_mode) == ((), 2, False)
    assert report.plan.order == ("listener", "sample")
    text = check("--strict")
    assert "2 plugins installed, 2 can run." in text
    assert "Start order: listener, sample\n0 found." in text


def test_broken_sources_are_told_and_fail_a_strict_check_without_a_database(
    manager: PluginManager, broken_root: Path, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        report = manager.check_site(sources_only=True)
    assert found(report) == [
        ("error", "", "plugin-manifest-invalid"),
        ("error", "modern", "plugin-incompatible"),
    ]
    assert [item.source for item in report.findings] == ["folder:empty", "folder:modern"]
    assert "good" in report.plan.order
    assert "ERROR folder:empty [plugin-manifest-invalid]" in check("--sources")
    with pytest.raises(CommandError, match="2 found"):
        check("--sources", "--strict")


def test_sources_are_planned_as_if_each_were_active(manager: PluginManager) -> None:
    for sample in (Listener, Hermit, Needy):
        manager.register_plugin(sample)
    report = manager.check_site(sources_only=True)
    assert ("error", "listener", "plugin-incompatible") in found(report)
    assert "can't be active together with hermit" in report.plan.text_of("listener")
    assert "needs listener, which can't run now" in report.plan.text_of("needy")
    assert "of their plugins fit together" in check("--sources")


@pytest.mark.both_databases
def test_installed_plugins_are_judged_one_by_one(manager: PluginManager, root: Path, settings: Any) -> None:
    folder = write_plugin(root)
    manager.install_plugin("folder:sample", grants=["storage:use", "methods:register"])
    manager.install_plugin(Listener)
    manager.install_plugin(Needy)
    manager.install_plugin(Demanding, config={"address": "here"})
    rmtree(folder)
    InstalledPlugin.objects.filter(plugin_id="listener").update(
        effective_state="suspended", state_code="too-many-failures", state_reason="20 calls in a row failed."
    )
    InstalledPlugin.objects.filter(plugin_id="demanding").update(
        effective_state="degraded", state_code="cpu-high", state_reason="It is busy."
    )
    settings.GRIDKIT = {**settings.GRIDKIT, "PLUGIN_PINS": {"demanding": {"address": 42}}}
    report = manager.check_site()
    assert found(report) == [
        ("error", "demanding", "plugin-config-invalid"),
        ("error", "listener", "too-many-failures"),
        ("error", "needy", "plugin-incompatible"),
        ("error", "sample", "plugin-load-failed"),
        ("advice", "demanding", "cpu-high"),
        ("advice", "sample", "plugin-permission-undecided"),
    ]
    texts = [item.detail for item in report.findings]
    assert "42" not in texts[0], "no value of a configuration is printed"
    assert "address: against the rule type" in texts[0]
    assert "needs listener, which can't run now" in texts[2]
    assert texts[5] == "sample asks for events:subscribe, which nobody granted or denied."


def test_source_of_a_plugin_that_is_not_wanted_is_advice(manager: PluginManager, root: Path) -> None:
    folder = write_plugin(root)
    manager.install_plugin("folder:sample", activate=False)
    rmtree(folder)
    assert found(manager.check_site()) == [("advice", "sample", "plugin-load-failed")]


def test_configuration_of_one_grid_and_missing_keys_are_told(manager: PluginManager) -> None:
    manager.install_plugin(Demanding, activate=False)
    manager.install_plugin(Listener)
    manager.configure_plugin("listener", {"volume": 2}, grid="plugin-orders")
    schema = {"type": "object", "properties": {"volume": {"maximum": 1}}}
    PluginVersion.objects.filter(plugin__plugin_id="listener").update(config_schema=schema)
    texts = [item.detail for item in manager.check_site().findings]
    assert any("demanding is wrong: configuration: 'address' is a required property" in text for text in texts)
    assert any(
        "listener for the grid plugin-orders is wrong: volume: against the rule maximum" in text for text in texts
    )


@pytest.mark.parametrize("schema", [{"type": 3}, {"$ref": "https://example.org/elsewhere"}])
def test_schema_that_can_not_be_used_is_told(manager: PluginManager, schema: dict[str, Any]) -> None:
    manager.install_plugin(Listener)
    PluginVersion.objects.update(config_schema=schema)
    [finding] = manager.check_site().findings
    assert "its schema is no valid JSON Schema" in finding.detail


def test_manifest_that_a_newer_core_refuses_holds_only_its_own_plugin(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.install_plugin(Hermit, activate=False)
    PluginVersion.objects.filter(plugin__plugin_id="hermit").update(manifest={"id": "hermit"})
    InstalledPlugin.objects.filter(plugin_id="hermit").update(desired_state="active")
    assert "its manifest is refused" in manager.plan().text_of("hermit")
    assert manager.plan().order == ("listener",)
    assert manager.deactivate_plugin("listener").desired_state == "inactive"


def test_json_holds_plan_and_findings(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    InstalledPlugin.objects.update(effective_state="suspended", state_code="cpu-limit", state_reason="Too busy.")
    told = json.loads(check("--json"))
    assert told["held"] == {"listener": [{"pointer": "", "detail": "it is suspended (cpu-limit)", "other": ""}]}
    assert (told["order"], told["cycles"], told["installed"], told["safeMode"]) == ([], [], 1, False)
    assert told["findings"] == [
        {
            "level": "error",
            "code": "cpu-limit",
            "detail": "listener is suspended: Too busy.",
            "plugin": "listener",
            "source": "",
        }
    ]
    assert json.loads(check("--json", "--sources"))["installed"] is None


def test_safe_mode_is_told(settings: Any) -> None:
    settings.GRIDKIT = {"PLUGINS_SAFE_MODE": True}
    assert "Safe mode: this process runs no plugins." in check()


def test_database_that_can_not_be_asked_is_told_with_the_way_out() -> None:
    def refuse(*_arguments: Any) -> None:
        raise OperationalError("no such table")

    with connection.execute_wrapper(refuse), pytest.raises(CommandError, match=r"no such table.*--sources"):
        check()


def test_system_check_advises_about_broken_sources(broken_root: Path, settings: Any) -> None:
    advice = check_plugin_sources()
    assert [(item.id, item.msg.partition(":")[0]) for item in advice] == [("gridkit.W003", "folder")] * 2
    assert all(item.level < 40 for item in advice), "advice stops no command"
    settings.GRIDKIT = {"NO_SUCH_KEY": 1}
    assert check_plugin_sources() == []


@pytest.mark.both_databases
def test_dry_run_changes_nothing_and_is_what_happens(manager: PluginManager, root: Path) -> None:
    write_plugin(root)
    manager.install_plugin(Listener)
    manager.install_plugin(Needy)
    before = list(InstalledPlugin.objects.values())
    plan = manager.plan(PlanChange(ChangeKind.DEACTIVATE, "listener"))
    assert [item.detail for item in plan.refused] == [
        "needy would have to stop: it needs listener, which is not active"
    ]
    assert manager.plan(PlanChange(ChangeKind.INSTALL, "sample")).order == ("listener", "needy", "sample")
    manager.register_plugin(Stranger)
    assert "this site runs" in manager.plan(PlanChange(ChangeKind.INSTALL, "stranger")).refused[0].detail
    assert list(InstalledPlugin.objects.values()) == before
    assert manager is plugin_manager()
