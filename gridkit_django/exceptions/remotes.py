"""Errors about the marketplaces that this site installs from."""

from __future__ import annotations

from gridkit_django.exceptions.marketplace import MarketplaceError

__all__ = [
    "CanaryFailedError",
    "CanaryNotPossibleError",
    "DependencyUnmetError",
    "HostsNotReadyError",
    "MarketplaceAnswerError",
    "MarketplaceDeniedError",
    "MarketplaceOfflineError",
    "MarketplaceUnknownError",
    "MarketplaceUnreachableError",
    "PeersNotAgreedError",
    "PluginNotListedError",
    "ProbeFailedError",
    "PublisherKeyRevokedError",
    "PublisherKeysReplacedError",
    "PublisherUntrustedError",
    "RefreshNotQueuedError",
    "ReleaseUnfitError",
]


class MarketplaceUnknownError(MarketplaceError):
    """No marketplace of the settings has this name, or is the one for this plugin id."""

    code = "marketplace-unknown"


class MarketplaceOfflineError(MarketplaceError):
    """This site asks no marketplace for anything (``MARKETPLACE_OFFLINE``)."""

    code = "marketplace-offline"


class MarketplaceUnreachableError(MarketplaceError):
    """The marketplace did not answer, not in time, or not well; it may later."""

    code = "marketplace-unreachable"


class MarketplaceAnswerError(MarketplaceError):
    """What answered is no marketplace, or not one that speaks our protocol."""

    code = "marketplace-answer-broken"


class MarketplaceDeniedError(MarketplaceError):
    """The marketplace refused the request: the token, the right, or what was sent."""

    code = "marketplace-denied"


class PluginNotListedError(MarketplaceError):
    """The catalogue of this site has no plugin, or no release of it, of this name."""

    code = "plugin-not-listed"


class ReleaseUnfitError(MarketplaceError):
    """No release of the plugin can be installed here; ``extra["releases"]`` says why for each."""

    code = "release-unfit"


class PeersNotAgreedError(MarketplaceError):
    """Plugins would be installed along that nobody agreed to; ``extra["peers"]`` says which, and what they ask for."""

    code = "peers-not-agreed"


class RefreshNotQueuedError(MarketplaceError):
    """No worker could be asked to follow the marketplaces: the task queue can't be reached."""

    code = "task-queue-unreachable"


class PublisherUntrustedError(MarketplaceError):
    """The site does not trust the publisher, so the plugin is not installed."""

    code = "publisher-untrusted"


class PublisherKeyRevokedError(PublisherUntrustedError):
    """The key that signed a release was revoked or retired before the release came in."""

    code = "publisher-key-revoked"


class PublisherKeysReplacedError(PublisherUntrustedError):
    """The marketplace shows another list of a publisher's keys than the one that this site has followed."""

    code = "publisher-keys-replaced"


class DependencyUnmetError(MarketplaceError):
    """What the plugin needs beside it is not installed on this host, or in another version."""

    code = "dependency-unmet"


class ProbeFailedError(MarketplaceError):
    """The plugin could not be imported in a process of its own, so it was not let into those of the site."""

    code = "plugin-probe-failed"


class HostsNotReadyError(MarketplaceError):
    """Not every process of the site has the files of the new version yet."""

    code = "hosts-not-ready"


class CanaryNotPossibleError(MarketplaceError):
    """Somebody wanted one process to try an update first, and that can't be. Nothing was switched."""

    code = "canary-not-possible"


class CanaryFailedError(MarketplaceError):
    """A new version did worse in the process that tried it than the old one in the others."""

    code = "canary-failed"
