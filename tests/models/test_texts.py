"""Progress of an export, and how stored facts name themselves to people."""

from __future__ import annotations

import pytest
from django.db import models

from gridkit_django.models import (
    EffectiveState,
    ExportJob,
    GrantDecision,
    HealthCheckResult,
    HealthStatus,
    InstalledPlugin,
    JobState,
    OperationKind,
    PluginConfig,
    PluginOperation,
    PluginPermissionGrant,
    PluginStorageItem,
    PluginVersion,
    RegisteredGrid,
    RuntimeGeneration,
    RuntimeProcess,
)


@pytest.mark.parametrize(
    ("state", "done", "total", "expected"),
    [
        (JobState.QUEUED, 0, None, 0.0),
        (JobState.RUNNING, 5, None, 0.0),
        (JobState.RUNNING, 0, 0, 0.0),
        (JobState.RUNNING, 25, 100, 0.25),
        (JobState.RUNNING, 100, 100, 0.99),
        (JobState.RUNNING, 130, 100, 0.99),
        (JobState.FAILED, 50, 100, 0.5),
        (JobState.CANCELLED, 100, 100, 0.99),
        (JobState.FINISHED, 0, None, 1.0),
        (JobState.FINISHED, 100, 100, 1.0),
    ],
)
def test_progress_reaches_one_only_when_finished(state: str, done: int, total: int | None, expected: float) -> None:
    assert ExportJob(state=state, rows_done=done, rows_total=total).progress == expected


PLUGIN = InstalledPlugin(plugin_id="@gridkit/plugin-export", effective_state=EffectiveState.ACTIVE)

TEXTS = [
    (ExportJob(grid="flights", format="csv", state=JobState.QUEUED), "flights as csv: queued"),
    (RegisteredGrid(grid_id="flights", label="Flights"), "Flights"),
    (PLUGIN, "@gridkit/plugin-export"),
    (PluginVersion(plugin=PLUGIN, version="1.2.0"), "@gridkit/plugin-export 1.2.0"),
    (PluginConfig(plugin=PLUGIN, revision=3), "@gridkit/plugin-export #3"),
    (
        PluginPermissionGrant(plugin=PLUGIN, permission="rows:read", decision=GrantDecision.GRANTED),
        "@gridkit/plugin-export: rows:read granted",
    ),
    (PluginStorageItem(plugin=PLUGIN, key="last"), "@gridkit/plugin-export: last"),
    (RuntimeGeneration(value=4), "4"),
    (RuntimeProcess(kind="web", host="a", pid=7), "web a:7"),
    (PluginOperation(kind=OperationKind.INSTALL, plugin_id="p"), "install p"),
    (HealthCheckResult(plugin=PLUGIN, status=HealthStatus.DEGRADED), "@gridkit/plugin-export: degraded"),
]


@pytest.mark.parametrize(("row", "text"), TEXTS, ids=lambda value: type(value).__name__)
def test_row_names_itself_for_people(row: models.Model, text: str) -> None:
    assert str(row) == text
