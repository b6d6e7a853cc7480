"""Addresses of the API, below the prefix that the project mounts."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path, register_converter

from gridkit_django.api.converters import DialectConverter, PluginIdConverter, RowIdConverter
from gridkit_django.api.document import OpenAPIDocument
from gridkit_django.api.views import (
    audit,
    audit_health,
    dialects,
    documents,
    edits,
    events,
    grids,
    jobs,
    kept_data,
    last_states,
    marketplace,
    marketplace_sources,
    methods,
    metrics,
    operations,
    outbox,
    plugin_acts,
    plugin_config,
    plugin_jobs,
    plugin_plan,
    plugin_versions,
    plugin_watch,
    plugins,
    records,
    rows,
    saved_views,
    storage_copies,
    values,
)

register_converter(PluginIdConverter, "gridkit_plugin")
register_converter(RowIdConverter, "gridkit_row")
register_converter(DialectConverter, "gridkit_dialect")

_PLUGIN = "plugins/<gridkit_plugin:plugin>"

plugin_endpoints: list[URLPattern] = [
    path(f"{_PLUGIN}/config/revisions/", plugin_config.ConfigRevisionsView.as_view(), name="plugin-config-revisions"),
    path(f"{_PLUGIN}/config/diff/", plugin_config.ConfigDiffView.as_view(), name="plugin-config-diff"),
    path(f"{_PLUGIN}/config/restore/", plugin_config.RestoreConfigView.as_view(), name="plugin-config-restore"),
    path(f"{_PLUGIN}/versions/", plugin_versions.PluginVersionsView.as_view(), name="plugin-versions"),
    path(f"{_PLUGIN}/storage/", storage_copies.StorageView.as_view(), name="plugin-storage"),
    path(f"{_PLUGIN}/storage/<int:version>/", storage_copies.StorageCopyView.as_view(), name="plugin-storage-copy"),
    path(f"{_PLUGIN}/update/", plugin_versions.UpdateView.as_view(), name="plugin-update"),
    path(f"{_PLUGIN}/refuse-update/", plugin_versions.RefuseUpdateView.as_view(), name="plugin-refuse-update"),
    path(f"{_PLUGIN}/pin/", plugin_versions.PinView.as_view(), name="plugin-pin"),
    path(f"{_PLUGIN}/unpin/", plugin_versions.UnpinView.as_view(), name="plugin-unpin"),
    path(f"{_PLUGIN}/known-good/", plugin_versions.KnownGoodView.as_view(), name="plugin-known-good"),
    path(f"{_PLUGIN}/auto-update/", plugin_versions.AutoUpdateView.as_view(), name="plugin-auto-update"),
    path(f"{_PLUGIN}/roll-back/", plugin_versions.RollBackView.as_view(), name="plugin-roll-back"),
    path(f"{_PLUGIN}/usage/", plugin_watch.PluginUsageView.as_view(), name="plugin-usage"),
    path(f"{_PLUGIN}/health/", plugin_watch.PluginHealthView.as_view(), name="plugin-health"),
    path(f"{_PLUGIN}/processes/", plugin_watch.PluginProcessesView.as_view(), name="plugin-processes"),
    path(f"{_PLUGIN}/job-runs/", plugin_jobs.PluginJobRunsView.as_view(), name="plugin-job-runs"),
    path(f"{_PLUGIN}/jobs/", plugin_jobs.PluginJobsView.as_view(), name="plugin-jobs"),
    path(f"{_PLUGIN}/jobs/<str:job>/run/", plugin_jobs.RunJobView.as_view(), name="plugin-job-run"),
    path(f"{_PLUGIN}/jobs/<str:job>/pause/", plugin_jobs.PauseJobView.as_view(), name="plugin-job-pause"),
    path(f"{_PLUGIN}/jobs/<str:job>/resume/", plugin_jobs.ResumeJobView.as_view(), name="plugin-job-resume"),
]

endpoints: list[URLPattern] = [
    path("grids/", grids.GridListView.as_view(), name="grid-list"),
    path("grids/<str:grid>/", grids.GridDetailView.as_view(), name="grid-entry"),
    path("grids/<str:grid>/schema/", grids.GridSchemaView.as_view(), name="grid-schema"),
    path("grids/<str:grid>/rows/", rows.RowsView.as_view(), name="rows"),
    path("grids/<str:grid>/facets/<str:column>/", values.FacetView.as_view(), name="facet"),
    path("grids/<str:grid>/lookup/<str:column>/", values.LookupView.as_view(), name="lookup"),
    path("grids/<str:grid>/compat/<gridkit_dialect:dialect>/", dialects.DialectView.as_view(), name="compat"),
    path("grids/<str:grid>/records/", records.RecordsView.as_view(), name="record-list"),
    path("grids/<str:grid>/batch/", edits.BatchView.as_view(), name="batch"),
    path("grids/<str:grid>/bulk/", edits.BulkView.as_view(), name="bulk"),
    path("grids/<str:grid>/undo/", edits.UndoView.as_view(), name="undo"),
    path("grids/<str:grid>/records/<gridkit_row:record>/", records.RecordView.as_view(), name="record"),
    path("grids/<str:grid>/views/", saved_views.ViewListView.as_view(), name="view-list"),
    path("grids/<str:grid>/views/<uuid:view>/", saved_views.ViewDetailView.as_view(), name="view"),
    path("grids/<str:grid>/state/", last_states.LastStateView.as_view(), name="state"),
    path("grids/<str:grid>/events/", events.EventsView.as_view(), name="events"),
    path("grids/<str:grid>/methods/", methods.MethodListView.as_view(), name="method-list"),
    path("grids/<str:grid>/methods/<str:name>/", methods.MethodCallView.as_view(), name="method"),
    path("grids/<str:grid>/jobs/", jobs.JobListView.as_view(), name="job-list"),
    path("grids/<str:grid>/jobs/<uuid:job>/", jobs.JobView.as_view(), name="job"),
    path("grids/<str:grid>/jobs/<uuid:job>/result/", jobs.JobResultView.as_view(), name="job-result"),
    path("grids/<str:grid>/jobs/<uuid:job>/retry/", jobs.JobRetryView.as_view(), name="job-retry"),
    path("grids/<str:grid>/jobs/<uuid:job>/link/", jobs.JobLinkView.as_view(), name="job-link"),
    path("exports/<str:token>/", jobs.LinkedResultView.as_view(), name="export-link"),
    path("plugins/", plugins.PluginListView.as_view(), name="plugin-list"),
    path("plugins/available/", plugins.AvailablePluginsView.as_view(), name="plugin-available"),
    path("plugins/kept/", kept_data.KeptDataListView.as_view(), name="kept-data-list"),
    path("plugins/kept/<gridkit_plugin:plugin>/", kept_data.KeptDataView.as_view(), name="kept-data"),
    path("plugins/updates/", plugin_versions.PluginUpdatesView.as_view(), name="plugin-updates"),
    path("plugins/requests/", plugin_watch.PermissionRequestsView.as_view(), name="plugin-requests"),
    path("plugins/plan/", plugin_plan.PluginPlanView.as_view(), name="plugin-plan"),
    path("plugins/<gridkit_plugin:plugin>/", plugins.PluginView.as_view(), name="plugin"),
    path("plugins/<gridkit_plugin:plugin>/activate/", plugin_acts.ActivateView.as_view(), name="plugin-activate"),
    path("plugins/<gridkit_plugin:plugin>/deactivate/", plugin_acts.DeactivateView.as_view(), name="plugin-deactivate"),
    path("plugins/<gridkit_plugin:plugin>/reload/", plugin_acts.ReloadView.as_view(), name="plugin-reload"),
    path("plugins/<gridkit_plugin:plugin>/configure/", plugin_acts.ConfigureView.as_view(), name="plugin-configure"),
    path("plugins/<gridkit_plugin:plugin>/grants/", plugin_acts.GrantsView.as_view(), name="plugin-grants"),
    path("plugins/<gridkit_plugin:plugin>/data/", plugin_acts.PluginDataView.as_view(), name="plugin-data"),
    path("plugins/<gridkit_plugin:plugin>/uninstall/", plugin_acts.UninstallView.as_view(), name="plugin-uninstall"),
    *plugin_endpoints,
    path("operations/", operations.OperationListView.as_view(), name="operation-list"),
    path("operations/<uuid:operation>/retry/", operations.RetryView.as_view(), name="operation-retry"),
    path("operations/<uuid:operation>/", operations.OperationView.as_view(), name="operation"),
    path("operations/<uuid:operation>/cancel/", operations.CancelView.as_view(), name="operation-cancel"),
    path(
        "operations/<uuid:operation>/switch-anyway/",
        operations.SwitchAnywayView.as_view(),
        name="operation-switch-anyway",
    ),
    path("marketplace/sources/", marketplace_sources.MarketplaceSourcesView.as_view(), name="marketplace-sources"),
    path("marketplace/refresh/", marketplace_sources.MarketplaceRefreshView.as_view(), name="marketplace-refresh"),
    path(
        "marketplace/refreshes/",
        marketplace_sources.MarketplaceRefreshListView.as_view(),
        name="marketplace-refreshes",
    ),
    path(
        "marketplace/refreshes/<uuid:refresh>/",
        marketplace_sources.MarketplaceRefreshDetailView.as_view(),
        name="marketplace-refresh-detail",
    ),
    path("marketplace/plugins/", marketplace.MarketplacePluginsView.as_view(), name="marketplace-plugins"),
    path(
        "marketplace/plugins/<gridkit_plugin:plugin>/",
        marketplace.MarketplacePluginView.as_view(),
        name="marketplace-plugin",
    ),
    path(
        "marketplace/plugins/<gridkit_plugin:plugin>/plan/",
        marketplace.MarketplacePlanView.as_view(),
        name="marketplace-plan",
    ),
    path(
        "marketplace/plugins/<gridkit_plugin:plugin>/install/",
        marketplace.MarketplaceInstallView.as_view(),
        name="marketplace-install",
    ),
    path("metrics/", metrics.MetricsView.as_view(), name="metrics"),
    path("outbox/", outbox.OutboxView.as_view(), name="outbox"),
    path("audit/", audit.AuditListView.as_view(), name="audit-list"),
    path("audit/health/", audit_health.AuditHealthView.as_view(), name="audit-health"),
    path("audit/export/", audit.AuditExportView.as_view(), name="audit-export"),
    path("audit/acts/<uuid:act>/", audit.AuditActView.as_view(), name="audit-act"),
    path("audit/<uuid:record>/", audit.AuditRecordView.as_view(), name="audit-record"),
    path("audit/<uuid:record>/reveal/", audit.AuditRevealView.as_view(), name="audit-reveal"),
    path("audit/<uuid:record>/revert/", audit.AuditRevertView.as_view(), name="audit-revert"),
    path(
        "audit/objects/<str:target_type>/<gridkit_row:target_id>/history/",
        audit.AuditHistoryView.as_view(),
        name="audit-history",
    ),
    path(
        "audit/objects/<str:target_type>/<gridkit_row:target_id>/state/",
        audit.AuditStateView.as_view(),
        name="audit-state",
    ),
]
document = OpenAPIDocument(endpoints)
endpoints.append(path("schema/", documents.OpenAPIView.as_view(document=document), name="openapi"))

urlpatterns = [*endpoints, re_path(r"^.*$", documents.NothingHereView.as_view())]
