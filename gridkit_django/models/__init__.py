"""Stored facts. Models know nothing above them: no service, no signal, no import from another room but errors."""

from __future__ import annotations

from gridkit_django.models.audit import AuditRecord
from gridkit_django.models.exports import ExportJob, JobState
from gridkit_django.models.grids import RegisteredGrid
from gridkit_django.models.plugins import (
    DesiredState,
    EffectiveState,
    GrantDecision,
    InstalledPlugin,
    PluginConfig,
    PluginPermissionGrant,
    PluginSource,
    PluginStorageItem,
    PluginVersion,
)
from gridkit_django.models.runtime import (
    HealthCheckResult,
    HealthStatus,
    OperationKind,
    OperationState,
    PluginOperation,
    RuntimeGeneration,
    RuntimeProcess,
)

__all__ = [
    "AuditRecord",
    "DesiredState",
    "EffectiveState",
    "ExportJob",
    "GrantDecision",
    "HealthCheckResult",
    "HealthStatus",
    "InstalledPlugin",
    "JobState",
    "OperationKind",
    "OperationState",
    "PluginConfig",
    "PluginOperation",
    "PluginPermissionGrant",
    "PluginSource",
    "PluginStorageItem",
    "PluginVersion",
    "RegisteredGrid",
    "RuntimeGeneration",
    "RuntimeProcess",
]
