"""Errors of a site's own marketplace: publishing, reviewing, searching and counting."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = [
    "ListingNotFoundError",
    "MarketError",
    "MarketFrontError",
    "MarketKeyRevokedError",
    "MarketPictureError",
    "MarketSearchError",
    "MarketStorageError",
    "MarketTextError",
    "MarketTokenError",
    "NameLimitError",
    "NameTakenError",
    "PublisherError",
    "RatingRefusedError",
    "ReleaseExistsError",
    "ReleaseImmutableError",
    "ReleaseStateError",
]


class MarketError(GridKitError):
    """The marketplace of this site refuses something."""

    code = "market-error"


class ListingNotFoundError(MarketError):
    """The marketplace has no such plugin or release, or none that is public: the same answer."""

    code = "market-not-found"


class PublisherError(MarketError):
    """The publisher may not publish this, or not now."""

    code = "market-publisher-refused"


class MarketTokenError(PublisherError):
    """The token is not allowed to do this."""

    code = "market-token-scope"


class MarketKeyRevokedError(PublisherError):
    """The key that signed was revoked or retired before."""

    code = "market-key-revoked"


class NameTakenError(MarketError):
    """The name belongs to somebody else, looks like one that does, or may not be used."""

    code = "market-name-taken"


class NameLimitError(NameTakenError):
    """The publisher took too many new names today."""

    code = "market-name-limit"


class ReleaseExistsError(MarketError):
    """There is such a version already, with another content."""

    code = "market-release-exists"


class ReleaseImmutableError(MarketError):
    """What a release holds never changes."""

    code = "market-release-immutable"


class ReleaseStateError(MarketError):
    """The release's state does not allow this act."""

    code = "market-release-state"


class MarketTextError(MarketError):
    """A text is too long, or nested too deeply."""

    code = "market-text-refused"


class MarketPictureError(MarketError):
    """A file is no picture that the marketplace shows."""

    code = "market-picture-refused"


class MarketFrontError(MarketError):
    """What a publisher says of a plugin beside its packages can't be shown like this."""

    code = "market-front-invalid"


class MarketSearchError(MarketError):
    """A search asks for something that the marketplace does not know."""

    code = "market-search-invalid"


class RatingRefusedError(MarketError):
    """Only a site that has the plugin installed may rate it."""

    code = "market-rating-refused"


class MarketStorageError(MarketError):
    """The storage of the marketplace can't be read or written."""

    code = "market-storage-failed"
