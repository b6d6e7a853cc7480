"""Public door of the plugin runtime: what authors, faces and tests import. The modules behind may move."""

from __future__ import annotations

from gridkit_django.audit.privacy import MASK as AUDIT_MASK
from gridkit_django.exceptions import PluginNotReadyError
from gridkit_django.outbox import OutgoingMessage, OutgoingRequest, OutgoingResponse, Verdict, default_judge
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.calls import MethodCall, MethodHandler, MethodResult
from gridkit_django.plugins.catalog import AvailablePlugin
from gridkit_django.plugins.config_history import ConfigChange, ConfigRevision
from gridkit_django.plugins.context import PluginContext
from gridkit_django.plugins.destinations import check_address, deliver_trail
from gridkit_django.plugins.handlers import handles
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.inventory import PendingVersion, PermissionInfo, PluginFilter, PluginInfo, PluginUsage
from gridkit_django.plugins.job_calls import JobCall, JobHandler
from gridkit_django.plugins.job_list import JobInfo
from gridkit_django.plugins.job_runs import JobRun
from gridkit_django.plugins.limits import ResourceLimits, ResourceUsage
from gridkit_django.plugins.manager import PluginManager, plugin_manager
from gridkit_django.plugins.metadata import Category, PluginMetadata, Pricing, read_manifest
from gridkit_django.plugins.notices import connect_notices, send_notice
from gridkit_django.plugins.operations import (
    cancel_operation,
    end_lost_operations,
    fail_operation,
    repeat_operation,
    request_operation,
    run_operation,
    switch_anyway,
    unattended_operations,
)
from gridkit_django.plugins.permissions import GrantTable, Permission
from gridkit_django.plugins.plan import ChangeKind, Plan, PlanChange, PlannedPlugin, PlanReason, make_plan
from gridkit_django.plugins.processes import Convergence, ProcessInfo
from gridkit_django.plugins.report_calls import Report, ReportCall, ReportHandler
from gridkit_django.plugins.report_runs import ReportInfo
from gridkit_django.plugins.rotation import RotationReport, rotate_secrets
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.search import PluginSearchQuery
from gridkit_django.plugins.secret_values import MASK
from gridkit_django.plugins.site_check import Finding, Level, SiteReport
from gridkit_django.plugins.site_figures import PluginFigures, SiteFigures
from gridkit_django.plugins.site_functions import check_site_function, site_function
from gridkit_django.plugins.updates import PluginUpdate, VersionInfo
from gridkit_django.plugins.usage_report import HandlerUsage, HourUsage, UsageReport

__all__ = [
    "AUDIT_MASK",
    "MASK",
    "AvailablePlugin",
    "Category",
    "ChangeKind",
    "ConfigChange",
    "ConfigRevision",
    "Convergence",
    "Finding",
    "GrantTable",
    "HandlerUsage",
    "HourUsage",
    "JobCall",
    "JobHandler",
    "JobInfo",
    "JobRun",
    "Level",
    "MethodCall",
    "MethodHandler",
    "MethodResult",
    "OutgoingMessage",
    "OutgoingRequest",
    "OutgoingResponse",
    "PendingVersion",
    "Permission",
    "PermissionInfo",
    "Plan",
    "PlanChange",
    "PlanReason",
    "PlannedPlugin",
    "Plugin",
    "PluginContext",
    "PluginFigures",
    "PluginFilter",
    "PluginHealth",
    "PluginInfo",
    "PluginManager",
    "PluginMetadata",
    "PluginNotReadyError",
    "PluginRuntime",
    "PluginSearchQuery",
    "PluginUpdate",
    "PluginUsage",
    "Pricing",
    "ProcessInfo",
    "Report",
    "ReportCall",
    "ReportHandler",
    "ReportInfo",
    "ResourceLimits",
    "ResourceUsage",
    "RotationReport",
    "SiteFigures",
    "SiteReport",
    "UsageReport",
    "Verdict",
    "VersionInfo",
    "cancel_operation",
    "check_address",
    "check_site_function",
    "connect_notices",
    "default_judge",
    "deliver_trail",
    "end_lost_operations",
    "fail_operation",
    "handles",
    "make_plan",
    "plugin_manager",
    "read_manifest",
    "repeat_operation",
    "request_operation",
    "rotate_secrets",
    "run_operation",
    "send_notice",
    "site_function",
    "switch_anyway",
    "unattended_operations",
]
