"""The one error tree of GridKit.

Every error has a stable ``code`` (never renamed), which API, admin and audit trail show. Each is imported from here,
and only from here: ``from gridkit_django.exceptions import PluginError``. The classes are written in the modules
below, one for each subject; the ``__all__`` of a module names what it gives to this one. So a new error is a class in
its subject's module, its name there in ``__all__``, its line in this tree, and its code in
``docs/reference/errors.md``: tests hold all four together.

Catch the width you need::

    GridKitError
    ├── SettingsError                      the GRIDKIT settings are wrong
    ├── TaskQueueUnsetError                no broker is named for tasks in this process
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
    │   ├── AuditKeyError                  a key is missing or unreadable
    │   │   └── AuditKeyServiceError       the service that wraps keys did not answer
    │   ├── AuditDestinationError          a destination of the trail that can't be
    │   ├── AuditPartitionError            the record table can't have the form that was asked for
    │   │   └── AuditPartitionBusyError    it was in use all the time
    │   ├── AuditRetentionError            a term, a rule or a hold that can't be
    │   ├── DeliveryError                  a destination did not take a batch
    │   │   ├── DeliveryLaterError         it did not work now
    │   │   └── DeliveryRefusedError       it said no
    │   │       └── DeliveryTooLargeError  to a batch of this size
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
    │   ├── MarketplaceUnknownError        no such marketplace, or none for this plugin id
    │   ├── MarketplaceOfflineError        this site asks no marketplace for anything
    │   ├── MarketplaceUnreachableError    no answer, not in time, or not well
    │   ├── MarketplaceAnswerError         what answered is no marketplace
    │   ├── MarketplaceDeniedError         the marketplace refused the request
    │   ├── PluginNotListedError           the catalogue has no such plugin or release
    │   ├── ReleaseUnfitError              no release can be installed here
    │   ├── PeersNotAgreedError            others would come along that nobody agreed to
    │   ├── RefreshNotQueuedError          no worker could be asked to follow the marketplaces
    │   ├── PublisherUntrustedError        the site does not trust the publisher
    │   │   ├── PublisherKeyRevokedError   the key was revoked or retired before
    │   │   └── PublisherKeysReplacedError another list of keys than the one followed
    │   ├── DependencyUnmetError           what it needs beside it is not on this host
    │   ├── ProbeFailedError               it can't be imported in a process of its own
    │   ├── HostsNotReadyError             a process has not the files yet
    │   ├── CanaryNotPossibleError         no process can try it before the others
    │   ├── CanaryFailedError              it did worse on trial than the version before
    │   └── TrustError                     what a marketplace sent is not what its keys stand for
    │       ├── TrustRollbackError         an older state than this site has seen already
    │       ├── TrustExpiredError          the signed state is too old
    │       │   └── TrustClockError        the clock of this machine can't be right
    │       ├── TrustKeyError              not signed by enough of the trusted keys
    │       ├── TrustMixError              parts of different moments
    │       ├── TrustLengthError           a file longer or shorter than signed
    │       ├── TrustDigestError           a file of another digest than signed
    │       ├── TrustTimesError            listed with other times than signed
    │       ├── TrustMetadataError         no signed metadata at all
    │       ├── TrustTargetError           no such file in the signed metadata
    │       │   └── TrustDeniedError       the file is not for whoever asks like this
    │       └── TrustUnreachableError      nobody answers at the address
    │           ├── TrustCertificateError  no encrypted connection, or not with whom was meant
    │           ├── TrustTimeoutError      silent for too long, or too slow
    │           ├── TrustCutError          the connection ended before the file did
    │           ├── TrustRedirectError     it sends elsewhere, which is not followed
    │           ├── TrustStatusError       an answer that is no file
    │           ├── TrustMissingError      no signed metadata at the address
    │           └── TrustBundleError       a bundle that is damaged, or none
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
        ├── StorageVersionError            its storage follows another version than its code
        │   ├── StorageCopyNotFoundError   nothing is set aside of this version
        │   ├── StorageMigrationError      migrate_storage failed; the storage is unchanged
        │   └── StorageOvertakenError      a newer version migrated it while an older object still ran
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

from gridkit_django.exceptions.audit import *
from gridkit_django.exceptions.base import *
from gridkit_django.exceptions.events import *
from gridkit_django.exceptions.exports import *
from gridkit_django.exceptions.grids import *
from gridkit_django.exceptions.market import *
from gridkit_django.exceptions.marketplace import *
from gridkit_django.exceptions.network import *
from gridkit_django.exceptions.outbox import *
from gridkit_django.exceptions.plugins import *
from gridkit_django.exceptions.remotes import *
from gridkit_django.exceptions.storage import *
