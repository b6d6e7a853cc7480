"""What the admin says of processes, of health checks and of grids, in words and pictures."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from gridkit_django.models import HealthCheckResult, InstalledPlugin, RegisteredGrid, RuntimeProcess

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = "/admin/gridkit_django/"


def test_process_shows_its_plugins_as_a_table_with_bars(admin: Client) -> None:
    now = timezone.now()
    figures = {"@x/slow": {"version": "1.2.0", "digest": "sha256:0", "calls": 4, "errors": 1, "total_ms": 40.0}}
    process = RuntimeProcess.objects.create(
        host="h",
        pid=1,
        kind="web",
        plugins={"@x/slow": 3, "@x/new": 1},
        figures=figures,
        ready=["sha256:1"],
        unready={"sha256:2222222222222222": "disk full"},
        started_at=now,
        seen_at=now,
    )
    page = admin.get(f"{ADMIN}runtimeprocess/{process.pk}/change/").content.decode()
    assert "10.00 ms" in page
    assert 'width="100.0"' in page
    assert "1 version is ready. Not ready: sha256:222222222…: disk full" in page
    assert "total_ms" not in page
    assert "@x/new" in page


def test_health_checks_are_compared_by_bars(admin: Client, greeter: str) -> None:
    plugin = InstalledPlugin.objects.get()
    HealthCheckResult.objects.all().delete()
    for duration in (20.0, 5.0):
        HealthCheckResult.objects.create(plugin=plugin, status="healthy", duration_ms=duration)
    page = admin.get(f"{ADMIN}healthcheckresult/").content.decode()
    assert 'width="100.0"' in page
    assert 'width="25.0"' in page


def test_list_of_grids_leads_to_their_pages(admin: Client) -> None:
    RegisteredGrid.objects.create(grid_id="some", label="Some", model_label="shop.Product")
    assert 'href="/gridkit/grids/some/"' in admin.get(f"{ADMIN}registeredgrid/").content.decode()
