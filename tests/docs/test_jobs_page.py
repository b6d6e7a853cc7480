"""The plugin of the page *Let a plugin work in the background*: installed, its jobs run, its functions called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.events import event_bus, make_event
from gridkit_django.models import PluginJobRun
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.docs.pages import blocks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

PLUGIN = "@acme/digest"


def block(language: str, part: str) -> str:
    """Return the block of the page that holds some words."""
    found = [item.text for item in blocks(language) if item.page == "docs/how-to/schedule-jobs.md"]
    return next(text for text in found if part in text)


@pytest.fixture
def manager(tmp_path: Path, settings: Any) -> Iterator[PluginManager]:
    folder = tmp_path / "digest"
    folder.mkdir()
    (folder / "plugin.toml").write_text(block("toml", PLUGIN))
    (folder / "plugin.py").write_text(block("python", "class Digest"))
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}
    found = plugin_manager()
    found.stop_all()
    found.install_plugin("folder:digest")
    yield found
    found.stop_all()


def carried_out(manager: PluginManager, job: str, **arguments: Any) -> Any:
    """Start a job, carry it out, and return its result."""
    run = manager.run_job(PLUGIN, job, arguments)
    manager.carry_out_job(run.id)
    ended = PluginJobRun.objects.get(pk=run.id)
    assert ended.state == "finished", ended.error_detail
    return ended.result


def test_jobs_of_the_page_do_what_it_says(manager: PluginManager) -> None:
    for _ in range(2):
        event_bus().emit(make_event("cell:edit", {}))

    assert carried_out(manager, "look") == {"edits": 2}
    assert carried_out(manager, "close-day") == {"edits": 2}
    assert carried_out(manager, "look") == {"edits": 0}
    carried_out(manager, "close-day")
    assert carried_out(manager, "thin", keep=1) == {"kept": 1}
    timings = {job.name: (job.every_seconds, job.cron) for job in manager.list_jobs(PLUGIN)}
    assert timings == {"close-day": (None, "5 0 * * *"), "look": (600, ""), "thin": (None, "")}


def test_job_of_the_page_thins_when_there_is_too_much(manager: PluginManager) -> None:
    manager.runtime.live[PLUGIN].plugin.context.storage.set("days", [0] * 400)

    carried_out(manager, "close-day")

    (run,) = PluginJobRun.objects.filter(job="thin")
    assert run.arguments == {"keep": 366}


def test_function_of_the_page_starts_pauses_and_resumes(manager: PluginManager) -> None:
    manager.run_due_jobs()
    names: dict[str, Any] = {}
    exec(block("python", "def thin_now"), names)  # noqa: S102 - the words of our own page

    run_id, jobs, runs = names["thin_now"](User.objects.create(username="root"))

    assert [run.id for run in runs] == [run_id]
    assert not any(job.paused for job in jobs)
