"""The page of an operation whose update one process tried first: in words, in figures, and as a picture."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gridkit_django.models import PluginOperation, RuntimeProcess

pytestmark = pytest.mark.django_db(transaction=True)


def figures(**more: Any) -> dict[str, Any]:
    return {"processes": 1, "calls": 40, "errors": 0, "errorShare": 0.0, "meanMs": 1.0, "p95Ms": 1.0, **more}


def canary(**more: Any) -> dict[str, Any]:
    facts = {"version": "1.1.0", "before": "1.0.0", "host": "alpha", "pid": 7, "kind": "web", "seconds": 300}
    limits = {"errorShare": 0.05, "p95Ms": 7.0}
    told = {"state": "good", "reason": "", "share": 1.0, "lost": [], "limits": limits}
    return {**facts, **told, "new": figures(), "old": figures(processes=2, calls=100), **more}


def page_of(client: Client, **facts: Any) -> str:
    values = {"kind": "update", "plugin_id": "greeter", "state": "finished", "canary": canary(), **facts}
    operation = PluginOperation.objects.create(**values)
    answer = client.get(f"/admin/gridkit_django/pluginoperation/{operation.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def widths(page: str) -> list[float]:
    return [float(found) for found in re.findall(r'height="6" width="([0-9.]+)"', page)]


def test_trial_that_went_well_tells_process_figures_and_limits(admin: Client) -> None:
    page = page_of(admin)

    assert "did no worse" in page
    assert "Version 1.1.0 in one process: web 7 on alpha, for 5 minutes at most." in page
    assert "1.1.0 (new): 40 calls, 1 process." in page
    assert "1.0.0 (in use): 100 calls, 2 processes." in page
    assert "the new one may reach 5.0 %" in page
    assert "the new one may reach 7.0 ms" in page
    assert widths(page) == [0.0, 0.0, 13.61, 13.61]
    assert "gridkit-bar-bad" not in page


def test_trial_that_failed_says_why_and_marks_what_is_over_the_limit(admin: Client) -> None:
    new = figures(errors=20, errorShare=0.5, p95Ms=2.0)
    reason = "50.0% of the calls raised <b>"
    page = page_of(admin, state="failed", canary=canary(state="failed", reason=reason, new=new, lost=["alpha:6"]))

    assert "did worse and went back" in page
    assert "50.0% of the calls raised &lt;b&gt;." in page
    assert "Tried before by alpha:6, which is gone" in page
    assert page.count("gridkit-bar-bad") == 1
    assert "50.0 %" in page
    assert max(widths(page)) == 95.24


def test_trial_under_way_shows_its_time_and_no_picture_of_nothing(admin: Client) -> None:
    facts = {"state": "running", "share": 0.25, "new": figures(calls=0), "seconds": 90}
    limits = {"errorShare": 0.05, "p95Ms": None}
    page = page_of(admin, state="running", step="canary", canary=canary(**facts, limits=limits))

    assert "is being tried" in page
    assert '<progress max="1" value="0.25" aria-label="time of the trial">' in page
    assert "for 90 seconds at most" in page
    assert "No calls yet." in page
    assert widths(page) == []
    assert "Switch now" in page


def test_version_in_use_without_calls_has_no_limit_for_times(admin: Client) -> None:
    page = page_of(admin, canary=canary(limits={"errorShare": 0.05, "p95Ms": None}))
    assert page.count("the new one may reach") == 1


def test_page_of_versions_leads_to_the_trial_while_it_lasts(admin: Client, greeter: str) -> None:
    now = timezone.now()
    figures = {"greeter": {"version": "1.2.0", "digest": "sha256:a", "calls": 1, "errors": 0, "total_ms": 1.0}}
    RuntimeProcess.objects.create(host="a", pid=1, kind="web", figures=figures, started_at=now, seen_at=now)
    operation = PluginOperation.objects.create(
        kind="update", plugin_id="greeter", state="running", step="canary", canary=canary(state="running")
    )
    page = admin.get(f"{greeter}versions/").content.decode()
    assert "One process tries 1.1.0 before the others." in page
    assert f'href="/admin/gridkit_django/pluginoperation/{operation.pk}/change/"' in page

    PluginOperation.objects.update(state="finished", step="")
    assert "before the others" not in admin.get(f"{greeter}versions/").content.decode()


def test_operation_without_a_trial_has_no_such_line(admin: Client) -> None:
    assert "ried first" not in page_of(admin, canary={})
