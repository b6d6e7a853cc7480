"""Errors about plugins."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = [
    "ConfigRevisionNotFoundError",
    "JobArgumentsError",
    "JobNotFoundError",
    "ManifestError",
    "OperationCancelled",
    "OperationLostError",
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
    "PluginNotReadyError",
    "PluginPermissionError",
    "PluginPinnedError",
    "PluginReportError",
    "PluginSearchError",
    "PluginSecretError",
    "PluginStateError",
    "PluginVersionError",
    "StorageQuotaError",
]


class PluginError(GridKitError):
    """Something about a plugin is wrong."""

    code = "plugin-error"


class PluginNotFoundError(PluginError):
    """The plugin is not installed, or there is no source with this name."""

    code = "plugin-not-found"


class PluginStateError(PluginError):
    """The plugin's state does not allow this act."""

    code = "plugin-state-invalid"


class PluginConsentError(PluginStateError):
    """An update asks for permissions that nobody decided about; the old version runs on until somebody does."""

    code = "plugin-consent-required"


class PluginPinnedError(PluginStateError):
    """The plugin is pinned: it keeps its version until somebody takes the pin off; ``extra["note"]`` says why."""

    code = "plugin-pinned"


class PluginVersionError(PluginError):
    """There is no such version to update or roll back to, or its files were not kept."""

    code = "plugin-version-unknown"


class PluginSearchError(PluginError):
    """A search among plugins asks for something that nobody here knows, or for a place that does not exist."""

    code = "plugin-search-invalid"


class ManifestError(PluginError):
    """``plugin.toml`` is missing, unreadable, or breaks its schema."""

    code = "plugin-manifest-invalid"


class PluginIncompatibleError(PluginError):
    """The plugin wants another core version, a peer that is missing, or conflicts with an active one."""

    code = "plugin-incompatible"


class PluginLoadError(PluginError):
    """The plugin's code can't be imported."""

    code = "plugin-load-failed"


class PluginInitializeError(PluginError):
    """``initialize`` raised; the plugin is not active."""

    code = "plugin-initialize-failed"


class PluginNotReadyError(PluginInitializeError):
    """Raise this in ``initialize`` when something outside is not there yet: you are tried again, later and later."""

    code = "plugin-not-ready"


class PluginCrashError(PluginError):
    """A process of the site died while the plugin started, so it is held back for a while."""

    code = "plugin-killed-process"


class PluginConfigError(PluginError):
    """The configuration breaks the plugin's schema."""

    code = "plugin-config-invalid"


class ConfigRevisionNotFoundError(PluginConfigError):
    """The configuration of this scope has no such revision."""

    code = "plugin-config-revision-unknown"


class PluginSecretError(PluginError):
    """A stored secret can't be decrypted: it was encrypted with a key that this site no longer has."""

    code = "plugin-secret-unreadable"


class PluginPermissionError(PluginError):
    """The plugin did something that it was not granted."""

    code = "plugin-permission-denied"


class PluginLimitError(PluginError):
    """The plugin is over one of its declared resource limits."""

    code = "plugin-limit-exceeded"


class PluginLoopError(PluginLimitError):
    """Events and messages of plugins called forth each other too often: they answer each other in a circle."""

    code = "plugin-loop"


class StorageQuotaError(PluginLimitError):
    """The plugin's storage would grow over ``max_storage_mb``."""

    code = "plugin-storage-quota-exceeded"


class PluginMessageError(PluginError):
    """A message between plugins could not be delivered."""

    code = "plugin-message-undeliverable"


class PluginJobError(PluginError):
    """A plugin's job could not be run."""

    code = "plugin-job-failed"


class JobNotFoundError(PluginJobError):
    """The plugin is not active, or has no job of this name."""

    code = "plugin-job-unknown"


class PluginMethodError(PluginError):
    """A plugin's method raised; the text names the plugin and the error, not its internals."""

    code = "plugin-method-failed"


class PluginReportError(PluginError):
    """A report of a plugin can't be shown: there is none, it raised, or returned what is no report."""

    code = "plugin-report-failed"


class PluginHandlerError(PluginError):
    """A critical handler raised: the act that it belongs to is undone with it."""

    code = "plugin-handler-failed"


class JobArgumentsError(PluginJobError):
    """The arguments of a plugin's job break its JSON Schema, or are too large."""

    code = "plugin-job-arguments-invalid"


class OperationCancelled(PluginError):  # noqa: N818 - it is no fault; the operation is undone and ends
    """Somebody stopped the operation; what it had done is undone."""

    code = "operation-cancelled"


class OperationLostError(PluginError):
    """The operation is no longer this worker's, or its workers died again and again."""

    code = "operation-lost"
