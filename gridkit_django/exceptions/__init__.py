"""The one error tree of GridKit.

Every error has a stable ``code`` (never renamed), which API, admin and audit trail show. Catch the width you need::

    GridKitError
    ├── SettingsError                      the GRIDKIT settings are wrong
    ├── TimingError                        a crontab or an interval that can't be
    ├── AccessDeniedError                  the user lacks a right that may be named
    ├── EventError
    │   ├── UnknownEventTypeError          no such event type, alias or pattern
    │   ├── EventOriginError               the sender may not make this type of event
    │   └── EventRejected                  a handler vetoed the act before it happened
    ├── GridError
    │   ├── GridDeclarationError           a Grid class contradicts itself or its model
    │   │   ├── PathMissingError           a column's path names no database field
    │   │   └── PathToManyError            a column's path crosses a relation to many rows
    │   ├── GridNotFoundError              unknown, or the user may not open it: the same answer
    │   ├── QueryError                     the query can't be understood
    │   │   ├── UnknownColumnError         unknown, or the user may not see it: the same answer
    │   │   ├── UnknownOperatorError       the column's type has no such operator
    │   │   ├── FilterValueError           the value does not fit the column's type
    │   │   ├── QueryTooSlowError          the database needed too long for it
    │   │   ├── QueryNotComputableError    the database can't compute it
    │   │   ├── DialectError               another grid's request says what ours can't
    │   │   ├── QueryLimitError            deeper, longer or larger than the limits in the schema
    │   │   └── CursorError                not a cursor of ours
    │   │       └── CursorMismatchError    a cursor of another sort, filter or schema
    │   ├── RecordNotFoundError            no such row, or the user may not see it
    │   ├── EditError
    │   │   ├── VersionRequiredError       an edit without the version it was made from
    │   │   ├── VersionConflictError       the row moved on; carries the current row
    │   │   ├── ColumnNotEditableError     visible, but not for this user to change
    │   │   ├── EditInvalidError           the model refuses the values
    │   │   ├── DeleteProtectedError       other rows need the row
    │   │   ├── DeleteCascadesError        other rows would go with it
    │   │   ├── BatchRejectedError         an atomic batch, some of which was refused
    │   │   ├── BulkDriftError             not as many rows as the client saw
    │   │   ├── BulkLimitError             too many bulk changes of this user are under way
    │   │   ├── BulkLostError              its worker or its message is gone
    │   │   ├── BulkCancelled              the owner stopped it
    │   │   ├── UndoError                  it can't be undone (any more)
    │   │   └── IdempotencyError           the key was used for another request
    │   │       └── RequestUnderWayError   the same request is still being carried out
    │   ├── ViewNotFoundError              no such saved view, or not for this user
    │   ├── ViewError                      a saved view or state can't be stored like this
    │   ├── MethodNotFoundError            no active plugin offers this method here
    │   └── MethodArgumentsError           the arguments break the method's JSON Schema
    ├── AuditError
    │   ├── AppendOnlyError                audit records are never changed or deleted
    │   ├── AuditFormError                 a stored record has no canonical form
    │   ├── AuditKeyError                  a signing key is missing or unreadable
    │   ├── AuditDestinationError          a destination of the trail that can't be
    │   ├── AuditPartitionError            the record table can't have the form that was asked for
    │   │   └── AuditPartitionBusyError    it was in use all the time
    │   ├── AuditRetentionError            a term, a rule or a hold that can't be
    │   ├── DeliveryError                  a destination did not take a batch
    │   │   ├── DeliveryLaterError         it did not work now
    │   │   └── DeliveryRefusedError       it said no
    │   ├── AuditChainError                the chain of seals is broken
    │   ├── AuditRecordNotFoundError       no such audit record
    │   ├── AuditSearchError               a question to the audit trail that can't be answered
    │   ├── ReasonRequiredError            a change without the reason that its grid asks for
    │   ├── ReasonTooLongError             a reason longer than what is kept
    │   ├── RevertError                    a recorded change that can't be taken back
    │   ├── AuditSubjectError              nobody can be meant by this kind and key
    │   ├── AuditHeldError                 a legal hold keeps what should be destroyed
    │   ├── AuditPolicyError               a policy names what there is not
    │   ├── AuditTriggerError              strict mode can't be had here, or its triggers are not as they should be
    │   └── AuditUnavailableError          the record could not be written, so nothing was changed
    ├── ExportError
    │   ├── UnknownFormatError             no active plugin writes this format
    │   │   └── FormatUnavailableError     its library can't be loaded on this site
    │   ├── ExportOptionsError             the options break the format's schema
    │   ├── ExportLimitError               too many exports of this user are under way
    │   ├── ExportNotFoundError            unknown, or another user's
    │   ├── ExportNotReadyError            no file yet, or no file any more
    │   ├── ExportTooLargeError            more rows than the format takes
    │   ├── ExportChangedError             an interrupted one can't go on: the grid has changed
    │   ├── ExportTimeoutError             one run of it took too long
    │   ├── ExportStorageError             the storage failed; it is tried again
    │   ├── ExportEncodingError            the file's encoding lacks a character
    │   ├── ExportLostError                its worker or its message is gone
    │   └── ExportCancelled                the owner asked the running job to stop
    ├── MarketplaceError
    │   ├── PackageRefusedError            the gate refused a package; its code says by which rule
    │   ├── PackageBuildError              a folder can't be made into a package
    │   ├── PublishRefusedError            a marketplace did not take a release
    │   ├── SignatureError                 a release is not signed by the key that should have
    │   ├── KeyStatementError              a statement about a publisher's keys does not follow
    │   ├── those of the client            see ``gridkit_django.exceptions.remotes``
    │   └── TrustError                     what a marketplace sent is not what its keys stand for
    │       ├── TrustRollbackError         an older state than this site has seen already
    │       ├── TrustExpiredError          the signed state is too old
    │       │   └── TrustClockError        the clock of this machine can't be right
    │       ├── TrustKeyError              not signed by enough of the trusted keys
    │       ├── TrustMixError              parts of different moments
    │       ├── TrustLengthError           a file longer or shorter than signed
    │       ├── TrustDigestError           a file of another digest than signed
    │       ├── TrustMetadataError         no signed metadata at all
    │       ├── TrustTargetError           no such file in the signed metadata
    │       └── TrustUnreachableError      no answer, or not in time
    ├── NetworkError
    │   ├── UnreachableError               a server is not reached, or not in time
    │   └── AddressRefusedError            an address that this site does not talk to
    ├── OutboxError
    │   ├── OutboxChannelError             no such channel, or none that can be
    │   ├── OutboxMessageError             what can't be put into the outbox
    │   ├── OutboxRequestError             prepare() of a channel returned what can't be sent
    │   └── OutboxLeaseError               another worker has taken the channel over
    ├── MarketError                        this site's marketplace refuses something
    │   ├── ListingNotFoundError           no such plugin or release, or none that is public: the same answer
    │   ├── PublisherError                 the publisher may not publish this, or not now
    │   │   ├── MarketKeyRevokedError      the key that signed was revoked or retired before
    │   │   └── MarketTokenError           the token is not allowed to do this
    │   ├── NameTakenError                 taken, a look-alike, or not to be used
    │   │   └── NameLimitError             too many new names today
    │   ├── ReleaseExistsError             such a version is there, with another content
    │   ├── ReleaseImmutableError          what a release holds never changes
    │   ├── ReleaseStateError              the release's state does not allow this act
    │   ├── MarketTextError                a text is too long, or nested too deeply
    │   ├── MarketPictureError             no picture that the marketplace shows
    │   ├── MarketFrontError               what is said of a plugin beside its packages can't be shown
    │   ├── MarketSearchError              a search that makes no sense
    │   ├── RatingRefusedError             only a site that has the plugin may rate it
    │   └── MarketStorageError             the storage can't be read or written
    └── PluginError
        ├── PluginNotFoundError            not installed, or no such source
        ├── PluginStateError               the plugin's state does not allow this
        │   ├── PluginConsentError         an update asks for more than was granted
        │   └── PluginPinnedError          it keeps its version until it is unpinned
        ├── PluginVersionError             no such version to update or roll back to
        ├── PluginSearchError              a search asks for what nobody here knows
        ├── ManifestError                  plugin.toml is missing or wrong
        ├── PluginIncompatibleError        another core version, a missing peer, a conflict
        ├── PluginLoadError                its code can't be imported
        ├── PluginInitializeError          initialize() raised
        │   └── PluginNotReadyError        what it needs is not there yet; it is tried again
        ├── PluginCrashError               a process died while the plugin started
        ├── PluginConfigError              the configuration breaks the plugin's schema
        │   └── ConfigRevisionNotFoundError  the scope has no such revision
        ├── PluginSecretError              a stored secret can't be decrypted
        ├── StorageVersionError            its storage follows another version, see ``exceptions.storage``
        ├── PluginPermissionError          the plugin was not granted this
        ├── PluginLimitError               over a declared resource limit
        │   ├── PluginLoopError            plugins answer each other in a circle
        │   └── StorageQuotaError          over max_storage_mb
        ├── PluginMessageError             a message could not be delivered
        ├── PluginJobError                 a job could not be run
        │   ├── JobNotFoundError           the plugin has no such job
        │   └── JobArgumentsError          the arguments break the job's JSON Schema
        ├── PluginMethodError              a method raised
        ├── PluginReportError              a report can't be shown
        ├── PluginHandlerError             a critical handler raised, so the act failed
        ├── OperationCancelled             somebody stopped an operation; it is undone
        └── OperationLostError             an operation is no longer this worker's
"""

from __future__ import annotations

from gridkit_django.exceptions.audit import (
    AppendOnlyError,
    AuditChainError,
    AuditDestinationError,
    AuditError,
    AuditFormError,
    AuditHeldError,
    AuditKeyError,
    AuditPartitionBusyError,
    AuditPartitionError,
    AuditPolicyError,
    AuditRecordNotFoundError,
    AuditRetentionError,
    AuditSearchError,
    AuditSubjectError,
    AuditTriggerError,
    AuditUnavailableError,
    DeliveryError,
    DeliveryLaterError,
    DeliveryRefusedError,
    ReasonRequiredError,
    ReasonTooLongError,
    RevertError,
)
from gridkit_django.exceptions.base import AccessDeniedError, ErrorItem, GridKitError, SettingsError, TimingError
from gridkit_django.exceptions.events import EventError, EventOriginError, EventRejected, UnknownEventTypeError
from gridkit_django.exceptions.exports import (
    ExportCancelled,
    ExportChangedError,
    ExportEncodingError,
    ExportError,
    ExportLimitError,
    ExportLostError,
    ExportNotFoundError,
    ExportNotReadyError,
    ExportOptionsError,
    ExportStorageError,
    ExportTimeoutError,
    ExportTooLargeError,
    FormatUnavailableError,
    UnknownFormatError,
)
from gridkit_django.exceptions.grids import (
    BatchRejectedError,
    BulkCancelled,
    BulkDriftError,
    BulkLimitError,
    BulkLostError,
    ColumnNotEditableError,
    CursorError,
    CursorMismatchError,
    DeleteCascadesError,
    DeleteProtectedError,
    DialectError,
    EditError,
    EditInvalidError,
    FilterValueError,
    GridDeclarationError,
    GridError,
    GridNotFoundError,
    IdempotencyError,
    MethodArgumentsError,
    MethodNotFoundError,
    PathMissingError,
    PathToManyError,
    QueryError,
    QueryLimitError,
    QueryNotComputableError,
    QueryTooSlowError,
    RecordNotFoundError,
    RequestUnderWayError,
    UndoError,
    UnknownColumnError,
    UnknownOperatorError,
    VersionConflictError,
    VersionRequiredError,
    ViewError,
    ViewNotFoundError,
)
from gridkit_django.exceptions.market import (
    ListingNotFoundError,
    MarketError,
    MarketFrontError,
    MarketKeyRevokedError,
    MarketPictureError,
    MarketSearchError,
    MarketStorageError,
    MarketTextError,
    MarketTokenError,
    NameLimitError,
    NameTakenError,
    PublisherError,
    RatingRefusedError,
    ReleaseExistsError,
    ReleaseImmutableError,
    ReleaseStateError,
)
from gridkit_django.exceptions.marketplace import (
    KeyStatementError,
    MarketplaceError,
    PackageBuildError,
    PackageRefusedError,
    PublishRefusedError,
    SignatureError,
    TrustClockError,
    TrustDigestError,
    TrustError,
    TrustExpiredError,
    TrustKeyError,
    TrustLengthError,
    TrustMetadataError,
    TrustMixError,
    TrustRollbackError,
    TrustTargetError,
    TrustUnreachableError,
)
from gridkit_django.exceptions.network import AddressRefusedError, NetworkError, UnreachableError
from gridkit_django.exceptions.outbox import (
    OutboxChannelError,
    OutboxError,
    OutboxLeaseError,
    OutboxMessageError,
    OutboxRequestError,
)
from gridkit_django.exceptions.plugins import (
    ConfigRevisionNotFoundError,
    JobArgumentsError,
    JobNotFoundError,
    ManifestError,
    OperationCancelled,
    OperationLostError,
    PluginConfigError,
    PluginConsentError,
    PluginCrashError,
    PluginError,
    PluginHandlerError,
    PluginIncompatibleError,
    PluginInitializeError,
    PluginJobError,
    PluginLimitError,
    PluginLoadError,
    PluginLoopError,
    PluginMessageError,
    PluginMethodError,
    PluginNotFoundError,
    PluginNotReadyError,
    PluginPermissionError,
    PluginPinnedError,
    PluginReportError,
    PluginSearchError,
    PluginSecretError,
    PluginStateError,
    PluginVersionError,
    StorageQuotaError,
)
from gridkit_django.exceptions.remotes import (
    DependencyUnmetError,
    HostsNotReadyError,
    MarketplaceAnswerError,
    MarketplaceDeniedError,
    MarketplaceOfflineError,
    MarketplaceUnknownError,
    MarketplaceUnreachableError,
    PeersNotAgreedError,
    PluginNotListedError,
    ProbeFailedError,
    PublisherKeyRevokedError,
    PublisherKeysReplacedError,
    PublisherUntrustedError,
    RefreshNotQueuedError,
    ReleaseUnfitError,
)

__all__ = [
    "AccessDeniedError",
    "AddressRefusedError",
    "AppendOnlyError",
    "AuditChainError",
    "AuditDestinationError",
    "AuditError",
    "AuditFormError",
    "AuditHeldError",
    "AuditKeyError",
    "AuditPartitionBusyError",
    "AuditPartitionError",
    "AuditPolicyError",
    "AuditRecordNotFoundError",
    "AuditRetentionError",
    "AuditSearchError",
    "AuditSubjectError",
    "AuditTriggerError",
    "AuditUnavailableError",
    "BatchRejectedError",
    "BulkCancelled",
    "BulkDriftError",
    "BulkLimitError",
    "BulkLostError",
    "ColumnNotEditableError",
    "ConfigRevisionNotFoundError",
    "CursorError",
    "CursorMismatchError",
    "DeleteCascadesError",
    "DeleteProtectedError",
    "DeliveryError",
    "DeliveryLaterError",
    "DeliveryRefusedError",
    "DependencyUnmetError",
    "DialectError",
    "EditError",
    "EditInvalidError",
    "ErrorItem",
    "EventError",
    "EventOriginError",
    "EventRejected",
    "ExportCancelled",
    "ExportChangedError",
    "ExportEncodingError",
    "ExportError",
    "ExportLimitError",
    "ExportLostError",
    "ExportNotFoundError",
    "ExportNotReadyError",
    "ExportOptionsError",
    "ExportStorageError",
    "ExportTimeoutError",
    "ExportTooLargeError",
    "FilterValueError",
    "FormatUnavailableError",
    "GridDeclarationError",
    "GridError",
    "GridKitError",
    "GridNotFoundError",
    "HostsNotReadyError",
    "IdempotencyError",
    "JobArgumentsError",
    "JobNotFoundError",
    "KeyStatementError",
    "ListingNotFoundError",
    "ManifestError",
    "MarketError",
    "MarketFrontError",
    "MarketKeyRevokedError",
    "MarketPictureError",
    "MarketSearchError",
    "MarketStorageError",
    "MarketTextError",
    "MarketTokenError",
    "MarketplaceAnswerError",
    "MarketplaceDeniedError",
    "MarketplaceError",
    "MarketplaceOfflineError",
    "MarketplaceUnknownError",
    "MarketplaceUnreachableError",
    "MethodArgumentsError",
    "MethodNotFoundError",
    "NameLimitError",
    "NameTakenError",
    "NetworkError",
    "OperationCancelled",
    "OperationLostError",
    "OutboxChannelError",
    "OutboxError",
    "OutboxLeaseError",
    "OutboxMessageError",
    "OutboxRequestError",
    "PackageBuildError",
    "PackageRefusedError",
    "PathMissingError",
    "PathToManyError",
    "PeersNotAgreedError",
    "PluginConfigError",
    "PluginConsentError",
    "PluginCrashError",
    "PluginError",
    "PluginHandlerError",
    "PluginIncompatibleError",
    "PluginInitializeError",
    "PluginJobError",
    "PluginLimitError",
    "PluginLoadError",
    "PluginLoopError",
    "PluginMessageError",
    "PluginMethodError",
    "PluginNotFoundError",
    "PluginNotListedError",
    "PluginNotReadyError",
    "PluginPermissionError",
    "PluginPinnedError",
    "PluginReportError",
    "PluginSearchError",
    "PluginSecretError",
    "PluginStateError",
    "PluginVersionError",
    "ProbeFailedError",
    "PublishRefusedError",
    "PublisherError",
    "PublisherKeyRevokedError",
    "PublisherKeysReplacedError",
    "PublisherUntrustedError",
    "QueryError",
    "QueryLimitError",
    "QueryNotComputableError",
    "QueryTooSlowError",
    "RatingRefusedError",
    "ReasonRequiredError",
    "ReasonTooLongError",
    "RecordNotFoundError",
    "RefreshNotQueuedError",
    "ReleaseExistsError",
    "ReleaseImmutableError",
    "ReleaseStateError",
    "ReleaseUnfitError",
    "RequestUnderWayError",
    "RevertError",
    "SettingsError",
    "SignatureError",
    "StorageQuotaError",
    "TimingError",
    "TrustClockError",
    "TrustDigestError",
    "TrustError",
    "TrustExpiredError",
    "TrustKeyError",
    "TrustLengthError",
    "TrustMetadataError",
    "TrustMixError",
    "TrustRollbackError",
    "TrustTargetError",
    "TrustUnreachableError",
    "UndoError",
    "UnknownColumnError",
    "UnknownEventTypeError",
    "UnknownFormatError",
    "UnknownOperatorError",
    "UnreachableError",
    "VersionConflictError",
    "VersionRequiredError",
    "ViewError",
    "ViewNotFoundError",
]
