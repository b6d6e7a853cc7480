"""Which HTTP status each error of the tree answers with. A subclass without a line has its parent's status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django import exceptions as e
from gridkit_django.exceptions import CanaryFailedError, StorageMigrationError, StorageVersionError

STATUS_BY_ERROR: Mapping[type[e.GridKitError], int] = MappingProxyType(
    {
        e.GridKitError: 500,
        e.AccessDeniedError: 403,
        e.ReasonRequiredError: 422,
        e.ReasonTooLongError: 422,
        e.AuditRecordNotFoundError: 404,
        e.AuditSearchError: 422,
        e.RevertError: 409,
        e.AuditSubjectError: 422,
        e.AuditHeldError: 409,
        e.EventError: 422,
        e.EventOriginError: 403,
        e.EventRejected: 409,
        e.GridNotFoundError: 404,
        e.QueryError: 422,
        e.CursorMismatchError: 409,
        e.RecordNotFoundError: 404,
        e.EditError: 409,
        e.VersionRequiredError: 428,
        e.VersionConflictError: 412,
        e.ColumnNotEditableError: 403,
        e.EditInvalidError: 422,
        e.IdempotencyError: 422,
        e.RequestUnderWayError: 409,
        e.QueryTooSlowError: 503,
        e.ViewNotFoundError: 404,
        e.ViewError: 422,
        e.MethodNotFoundError: 404,
        e.MethodArgumentsError: 422,
        e.UnknownFormatError: 422,
        e.ExportNotFoundError: 404,
        e.ExportNotReadyError: 409,
        e.ExportTooLargeError: 422,
        e.ExportOptionsError: 422,
        e.ExportLimitError: 409,
        e.ExportStorageError: 503,
        e.AuditUnavailableError: 503,
        e.ReasonRequiredError: 422,
        e.OutboxChannelError: 422,
        e.OutboxMessageError: 422,
        e.PluginNotFoundError: 404,
        e.PluginStateError: 409,
        e.PluginVersionError: 404,
        e.PluginSearchError: 422,
        e.PluginCrashError: 409,
        e.JobNotFoundError: 404,
        e.JobArgumentsError: 422,
        e.PluginIncompatibleError: 409,
        e.ManifestError: 422,
        e.PluginLoadError: 422,
        e.PluginInitializeError: 422,
        e.PluginConfigError: 422,
        e.ConfigRevisionNotFoundError: 404,
        StorageVersionError: 409,
        StorageMigrationError: 422,
        e.PluginPermissionError: 422,
        e.PackageRefusedError: 422,
        e.PackageBuildError: 422,
        e.SignatureError: 422,
        e.PublishRefusedError: 422,
        e.KeyStatementError: 409,
        e.TrustError: 502,
        e.TrustTargetError: 404,
        e.TrustUnreachableError: 503,
        e.MarketError: 422,
        e.ListingNotFoundError: 404,
        e.PublisherError: 403,
        e.NameTakenError: 409,
        e.NameLimitError: 429,
        e.ReleaseExistsError: 409,
        e.ReleaseImmutableError: 409,
        e.ReleaseStateError: 409,
        e.RatingRefusedError: 403,
        e.MarketStorageError: 503,
        e.MarketplaceUnknownError: 422,
        e.MarketplaceOfflineError: 422,
        e.MarketplaceUnreachableError: 503,
        e.MarketplaceAnswerError: 502,
        e.MarketplaceDeniedError: 502,
        e.PluginNotListedError: 404,
        e.ReleaseUnfitError: 422,
        e.PeersNotAgreedError: 409,
        e.RefreshNotQueuedError: 503,
        e.PublisherUntrustedError: 422,
        e.DependencyUnmetError: 422,
        e.ProbeFailedError: 422,
        e.HostsNotReadyError: 409,
        CanaryFailedError: 409,
    }
)


def status_of(error: e.GridKitError) -> int:
    """Return the status of the nearest class in the error's line of descent; a file that has expired is gone."""
    if isinstance(error, e.ExportNotReadyError) and error.extra.get("expired"):
        return 410
    return next(STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_BY_ERROR)
