"""Stored facts. Models know nothing above them: no service, no signal, no import from another room but errors."""

from __future__ import annotations

from gridkit_django.models.audit import AuditOperation, AuditRecord
from gridkit_django.models.audit_chain import AuditCheckpoint, AuditSeal, AuditSigningKey
from gridkit_django.models.audit_delivery import AuditDestination, DeliveryState
from gridkit_django.models.audit_privacy import AuditSubjectKey
from gridkit_django.models.audit_terms import AuditHold, AuditPurge
from gridkit_django.models.audit_verification import AuditVerification, VerificationState
from gridkit_django.models.edits import BulkJob, BulkJobState, EditUndo, IdempotencyRecord
from gridkit_django.models.export_schedules import ExportSchedule
from gridkit_django.models.exports import Consistency, ExportJob, ExportSegment, JobStage, JobState
from gridkit_django.models.grids import RegisteredGrid
from gridkit_django.models.jobs import JobRunState, PluginJobRun, PluginSchedule
from gridkit_django.models.known_good import KnownGood
from gridkit_django.models.market import (
    IdentityState,
    IdentityWay,
    KeyState,
    Publisher,
    PublisherKey,
    PublisherKeyStatement,
    PublisherToken,
)
from gridkit_django.models.market_advisories import AdvisoryChoice, MarketAdvisory
from gridkit_django.models.market_counts import (
    ListingReport,
    MarketDay,
    MarketEvent,
    MarketEventKind,
    MarketSite,
    ReportReason,
)
from gridkit_django.models.market_listings import (
    CheckResult,
    Listing,
    ListingPicture,
    ListingState,
    MarketSerial,
    Release,
    ReleaseCheck,
    ReleaseFile,
    ReleaseState,
)
from gridkit_django.models.market_search import (
    MarketSearchRow,
    MarketSpelling,
)
from gridkit_django.models.marketplace import CatalogEntry, CatalogRefresh, CatalogSource, RefreshState
from gridkit_django.models.outbox import ChannelState, OutboxChannel, OutboxDeadLetter, OutboxHour, OutboxMessage
from gridkit_django.models.plugins import (
    AutoUpdate,
    DesiredState,
    EffectiveState,
    GrantDecision,
    InstalledPlugin,
    PluginConfig,
    PluginPackage,
    PluginPermissionGrant,
    PluginSource,
    PluginStorageCopy,
    PluginStorageItem,
    PluginStorageUsage,
    PluginVersion,
)
from gridkit_django.models.remains import PluginRemains, PluginRemainsItem
from gridkit_django.models.runtime import (
    HealthCheckResult,
    HealthStatus,
    OperationKind,
    OperationState,
    PluginOperation,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.models.trust import TrustedKeyList, TrustedMetadata, TrustTurn
from gridkit_django.models.usage import PluginCrash, PluginUsageRecord
from gridkit_django.models.views import GridState, SavedView, ViewScope

__all__ = [
    "AdvisoryChoice",
    "AuditCheckpoint",
    "AuditDestination",
    "AuditHold",
    "AuditOperation",
    "AuditPurge",
    "AuditRecord",
    "AuditSeal",
    "AuditSigningKey",
    "AuditSubjectKey",
    "AuditVerification",
    "AutoUpdate",
    "BulkJob",
    "BulkJobState",
    "CatalogEntry",
    "CatalogRefresh",
    "CatalogSource",
    "ChannelState",
    "CheckResult",
    "Consistency",
    "DeliveryState",
    "DesiredState",
    "EditUndo",
    "EffectiveState",
    "ExportJob",
    "ExportSchedule",
    "ExportSegment",
    "GrantDecision",
    "GridState",
    "HealthCheckResult",
    "HealthStatus",
    "IdempotencyRecord",
    "IdentityState",
    "IdentityWay",
    "InstalledPlugin",
    "JobRunState",
    "JobStage",
    "JobState",
    "KeyState",
    "KnownGood",
    "Listing",
    "ListingPicture",
    "ListingReport",
    "ListingState",
    "MarketAdvisory",
    "MarketDay",
    "MarketEvent",
    "MarketEventKind",
    "MarketSearchRow",
    "MarketSerial",
    "MarketSite",
    "MarketSpelling",
    "OperationKind",
    "OperationState",
    "OutboxChannel",
    "OutboxDeadLetter",
    "OutboxHour",
    "OutboxMessage",
    "PluginConfig",
    "PluginCrash",
    "PluginJobRun",
    "PluginOperation",
    "PluginPackage",
    "PluginPermissionGrant",
    "PluginRemains",
    "PluginRemainsItem",
    "PluginSchedule",
    "PluginSource",
    "PluginStorageCopy",
    "PluginStorageItem",
    "PluginStorageUsage",
    "PluginUsageRecord",
    "PluginVersion",
    "Publisher",
    "PublisherKey",
    "PublisherKeyStatement",
    "PublisherToken",
    "RefreshState",
    "RegisteredGrid",
    "Release",
    "ReleaseCheck",
    "ReleaseFile",
    "ReleaseState",
    "ReportReason",
    "RuntimeGeneration",
    "RuntimeProcess",
    "SavedView",
    "TrustTurn",
    "TrustedKeyList",
    "TrustedMetadata",
    "VerificationState",
    "ViewScope",
]
