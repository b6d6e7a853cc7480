"""The jobs of a plugin in the admin: seen, started, paused, resumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from gridkit_django.models import AuditRecord, InstalledPlugin, JobRunState, PluginJobRun, PluginSchedule
from gridkit_django.plugins import PluginManager

pytestmark = pytest.mark.django_db(transaction=True)

CODE = """
from datetime import timedelta
from gridkit_django.plugins import Plugin

class Greeter(Plugin):
    def initialize(self, context):
        context.jobs.register("tidy", self.tidy, label="Tidy up", every=timedelta(minutes=10))

    def tidy(self, call):
        return {"tidied": 3}
"""


@pytest.fixture
def tidier(root: Path, manager: PluginManager) -> str:
    folder = root / "greeter"
    (folder / "plugin.py").write_text(CODE)
    (folder / "config_schema.json").unlink()
    manifest = (folder / "plugin.toml").read_text().replace('"storage:use"', '"schedule:use"')
    (folder / "plugin.toml").write_text(manifest)
    manager.install_plugin("greeter")
    return f"/admin/gridkit_django/installedplugin/{InstalledPlugin.objects.get().pk}/"


def _page(client: Client, tidier: str, query: str = "") -> str:
    return client.get(f"{tidier}jobs/{query}").content.decode()


def test_page_lists_the_job_with_its_interval(admin: Client, tidier: str) -> None:
    page = _page(admin, tidier)

    assert "Tidy up" in page
    assert "every 600 s" in page
    assert "No runs." in page


def test_page_of_a_plugin_without_jobs_says_so(admin: Client, greeter: str) -> None:
    assert "This plugin has no jobs." in _page(admin, greeter)


def test_job_that_is_started_by_hand_waits_for_a_worker_and_is_recorded(admin: Client, tidier: str) -> None:
    answer = admin.post(f"{tidier}run_job/", {"job": "tidy", "tab": "jobs"}, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == f"{tidier}jobs/"
    assert "A worker was asked to run tidy." in page
    assert "data-open" in page
    assert PluginJobRun.objects.get().requested_by is not None
    assert AuditRecord.objects.filter(action="plugin.run_job", actor_label="root").exists()


def test_unknown_job_is_told_on_the_page(admin: Client, tidier: str) -> None:
    page = admin.post(f"{tidier}run_job/", {"job": "fly", "tab": "jobs"}, follow=True).content.decode()

    assert "plugin-job-unknown" in page
    assert not PluginJobRun.objects.exists()


def test_schedule_is_paused_and_resumed(admin: Client, tidier: str, manager: PluginManager) -> None:
    manager.run_due_jobs()

    admin.post(f"{tidier}pause_job/", {"job": "tidy", "tab": "jobs"})
    assert not PluginSchedule.objects.get().enabled
    assert "paused" in _page(admin, tidier)

    admin.post(f"{tidier}resume_job/", {"job": "tidy", "tab": "jobs"})
    assert PluginSchedule.objects.get().enabled


def test_runs_are_filtered_by_state_and_errors_are_escaped(admin: Client, tidier: str) -> None:
    plugin, now = InstalledPlugin.objects.get(), timezone.now()
    for minutes, state in enumerate((JobRunState.FINISHED, JobRunState.FAILED)):
        PluginJobRun.objects.create(
            plugin=plugin,
            job="tidy",
            state=state,
            started_at=now,
            finished_at=now + timedelta(minutes=minutes),
            result={"tidied": 3} if state is JobRunState.FINISHED else None,
            error_code="plugin-job-failed" if state is JobRunState.FAILED else "",
            error_detail="<script>" if state is JobRunState.FAILED else "",
        )

    assert "tidied" in _page(admin, tidier, "?state=finished")
    failed = _page(admin, tidier, "?state=failed&job=tidy")
    assert "&lt;script&gt;" in failed
    assert "tidied" not in failed


@pytest.mark.parametrize("verb", ["run_job", "pause_job", "resume_job"])
def test_job_verbs_need_the_right_to_activate(staff: Callable[..., Client], tidier: str, verb: str) -> None:
    viewer = staff("view_installedplugin", "configure_plugin", "grant_plugin")

    assert viewer.post(f"{tidier}{verb}/", {"job": "tidy"}).status_code == 403
    assert "Run now" not in _page(viewer, tidier)
