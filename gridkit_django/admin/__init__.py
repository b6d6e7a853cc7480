"""Face: the Django admin. Everything here translates; the services of the rooms below decide.

Importing it puts the pages into Django's default site, as any app's ``admin.py`` does. ``register_pages`` puts them
into a site of the project's own.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db.models import Model

from gridkit_django.admin.audit import AuditRecordAdmin
from gridkit_django.admin.audit_destinations import AuditDestinationAdmin
from gridkit_django.admin.audit_history import AuditHistoryMixin
from gridkit_django.admin.audit_retention import AuditHoldAdmin, AuditPurgeAdmin
from gridkit_django.admin.audit_subjects import AuditSubjectKeyAdmin
from gridkit_django.admin.audit_verification import AuditVerificationAdmin
from gridkit_django.admin.export_action import GridExportMixin
from gridkit_django.admin.export_schedules import ExportScheduleAdmin
from gridkit_django.admin.exports import ExportJobAdmin
from gridkit_django.admin.grids import registered_grid_admin
from gridkit_django.admin.kept_data import PluginRemainsAdmin
from gridkit_django.admin.market_advisories import MarketAdvisoryAdmin
from gridkit_django.admin.market_listings import ListingAdmin, ListingReportAdmin
from gridkit_django.admin.market_publishers import PublisherAdmin, PublisherKeyAdmin, PublisherTokenAdmin
from gridkit_django.admin.market_releases import ReleaseAdmin
from gridkit_django.admin.outbox import OutboxChannelAdmin
from gridkit_django.admin.outbox_letters import OutboxDeadLetterAdmin
from gridkit_django.admin.plugins import InstalledPluginAdmin
from gridkit_django.admin.runtime import HealthCheckResultAdmin, PluginOperationAdmin, RuntimeProcessAdmin
from gridkit_django.admin.views import SavedViewAdmin
from gridkit_django.models import (
    AuditDestination,
    AuditHold,
    AuditPurge,
    AuditRecord,
    AuditSubjectKey,
    AuditVerification,
    ExportJob,
    ExportSchedule,
    HealthCheckResult,
    InstalledPlugin,
    Listing,
    ListingReport,
    MarketAdvisory,
    OutboxChannel,
    OutboxDeadLetter,
    PluginOperation,
    PluginRemains,
    Publisher,
    PublisherKey,
    PublisherToken,
    RegisteredGrid,
    Release,
    RuntimeProcess,
    SavedView,
)

__all__ = ["AuditHistoryMixin", "GridExportMixin", "register_pages"]


def register_pages(site: AdminSite) -> None:
    """Put GridKit's pages into an admin site.

    Django's default site has them already, also when the project names its class (``AdminConfig.default_site``). A
    site that is an object of the project's own calls this, where its other models are registered.

    Args:
        site: the site. Its addresses must be mounted, as ``path("office/", office.urls)``.
    """
    for model, page in _pages():
        site.register(model, page)


def _pages() -> tuple[tuple[type[Model], type[admin.ModelAdmin[Any]]], ...]:
    return (
        (InstalledPlugin, InstalledPluginAdmin),
        (PluginOperation, PluginOperationAdmin),
        (PluginRemains, PluginRemainsAdmin),
        (RuntimeProcess, RuntimeProcessAdmin),
        (HealthCheckResult, HealthCheckResultAdmin),
        (AuditRecord, AuditRecordAdmin),
        (AuditDestination, AuditDestinationAdmin),
        (AuditHold, AuditHoldAdmin),
        (AuditPurge, AuditPurgeAdmin),
        (AuditSubjectKey, AuditSubjectKeyAdmin),
        (AuditVerification, AuditVerificationAdmin),
        (ExportJob, ExportJobAdmin),
        (ExportSchedule, ExportScheduleAdmin),
        (OutboxChannel, OutboxChannelAdmin),
        (OutboxDeadLetter, OutboxDeadLetterAdmin),
        (SavedView, SavedViewAdmin),
        (RegisteredGrid, registered_grid_admin()),
        (MarketAdvisory, MarketAdvisoryAdmin),
        (Listing, ListingAdmin),
        (ListingReport, ListingReportAdmin),
        (Publisher, PublisherAdmin),
        (PublisherKey, PublisherKeyAdmin),
        (PublisherToken, PublisherTokenAdmin),
        (Release, ReleaseAdmin),
    )


register_pages(admin.site)
