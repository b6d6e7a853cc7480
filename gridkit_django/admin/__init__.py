"""Face: the Django admin. Everything here translates; the services of the rooms below decide."""

from __future__ import annotations

from django.contrib import admin

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

__all__ = ["AuditHistoryMixin", "GridExportMixin"]

admin.site.register(InstalledPlugin, InstalledPluginAdmin)
admin.site.register(PluginOperation, PluginOperationAdmin)
admin.site.register(PluginRemains, PluginRemainsAdmin)
admin.site.register(RuntimeProcess, RuntimeProcessAdmin)
admin.site.register(HealthCheckResult, HealthCheckResultAdmin)
admin.site.register(AuditRecord, AuditRecordAdmin)
admin.site.register(AuditDestination, AuditDestinationAdmin)
admin.site.register(AuditHold, AuditHoldAdmin)
admin.site.register(AuditPurge, AuditPurgeAdmin)
admin.site.register(AuditSubjectKey, AuditSubjectKeyAdmin)
admin.site.register(AuditVerification, AuditVerificationAdmin)
admin.site.register(ExportJob, ExportJobAdmin)
admin.site.register(ExportSchedule, ExportScheduleAdmin)
admin.site.register(OutboxChannel, OutboxChannelAdmin)
admin.site.register(OutboxDeadLetter, OutboxDeadLetterAdmin)
admin.site.register(SavedView, SavedViewAdmin)
admin.site.register(RegisteredGrid, registered_grid_admin())
admin.site.register(MarketAdvisory, MarketAdvisoryAdmin)
admin.site.register(Listing, ListingAdmin)
admin.site.register(ListingReport, ListingReportAdmin)
admin.site.register(Publisher, PublisherAdmin)
admin.site.register(PublisherKey, PublisherKeyAdmin)
admin.site.register(PublisherToken, PublisherTokenAdmin)
admin.site.register(Release, ReleaseAdmin)
