"""Errors about plugin packages and the marketplaces that they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions.base import GridKitError

__all__ = [
    "KeyStatementError",
    "MarketplaceError",
    "PackageBuildError",
    "PackageRefusedError",
    "PublishRefusedError",
    "SignatureError",
    "TrustBundleError",
    "TrustCertificateError",
    "TrustClockError",
    "TrustCutError",
    "TrustDeniedError",
    "TrustDigestError",
    "TrustError",
    "TrustExpiredError",
    "TrustKeyError",
    "TrustLengthError",
    "TrustMetadataError",
    "TrustMissingError",
    "TrustMixError",
    "TrustRedirectError",
    "TrustRollbackError",
    "TrustStatusError",
    "TrustTargetError",
    "TrustTimeoutError",
    "TrustTimesError",
    "TrustUnreachableError",
]


class MarketplaceError(GridKitError):
    """The family of errors about packages and marketplaces."""

    code = "marketplace-error"


class PackageRefusedError(MarketplaceError):
    """The gate refused a package. ``code`` says by which rule: see ``docs/reference/packages.md``.

    Args:
        detail: what was found, what was expected, what to do next. Never a secret that was found.
        rule: the code of the rule.
        entry: the file in the package that broke the rule; empty when it is the package as a whole.
        extra: more plain values for faces.
    """

    code = "package-refused"

    def __init__(
        self, detail: str, *, rule: str = code, entry: str = "", extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail, extra={"rule": rule, "entry": entry, **(extra or {})})
        self.code = rule
        self.entry = entry


class PackageBuildError(MarketplaceError):
    """A folder can't be made into a package."""

    code = "package-not-buildable"


class PublishRefusedError(MarketplaceError):
    """A marketplace did not take a release, or its answer is none."""

    code = "publish-refused"


class SignatureError(MarketplaceError):
    """A release is not signed by the key that it should be signed by, or a key is none."""

    code = "signature-invalid"


class KeyStatementError(MarketplaceError):
    """A statement about a publisher's keys does not follow from those before it, or is none."""

    code = "key-statement-invalid"


class TrustError(MarketplaceError):
    """What a marketplace sent is not what its keys stand for."""

    code = "trust-failed"


class TrustRollbackError(TrustError):
    """The marketplace showed an older state than this site has seen already."""

    code = "trust-rollback"


class TrustExpiredError(TrustError):
    """The signed state of the marketplace is too old: somebody may hold newer ones back."""

    code = "trust-expired"


class TrustClockError(TrustExpiredError):
    """The clock of this machine can't be right, so nobody can tell whether the signed state is too old."""

    code = "trust-clock"


class TrustKeyError(TrustError):
    """Metadata is not signed by as many of the trusted keys as it must be."""

    code = "trust-key"


class TrustMixError(TrustError):
    """Metadata of different moments was mixed: parts that never belonged together."""

    code = "trust-mix"


class TrustLengthError(TrustError):
    """A file is longer or shorter than its signed metadata says."""

    code = "trust-length"


class TrustDigestError(TrustError):
    """A file has another digest than its signed metadata says."""

    code = "trust-digest"


class TrustTimesError(TrustError):
    """A release is listed with other times than those that are signed."""

    code = "trust-times"


class TrustMetadataError(TrustError):
    """The answer of the marketplace is no signed metadata at all."""

    code = "trust-metadata-broken"


class TrustTargetError(TrustError):
    """The signed metadata of the marketplace knows no such file."""

    code = "trust-target-unknown"


class TrustDeniedError(TrustTargetError):
    """The marketplace, or a proxy before it, does not give the file to whoever asks like this."""

    code = "trust-denied"


class TrustUnreachableError(TrustError):
    """Nobody answers at the marketplace's address; also the family of what keeps a file from coming whole."""

    code = "trust-unreachable"


class TrustCertificateError(TrustUnreachableError):
    """The certificate of the marketplace is not believed, or no encrypted connection comes about."""

    code = "trust-certificate"


class TrustTimeoutError(TrustUnreachableError):
    """The marketplace was silent for too long, or needed too long for one file."""

    code = "trust-timeout"


class TrustCutError(TrustUnreachableError):
    """The connection ended before the file did."""

    code = "trust-cut"


class TrustRedirectError(TrustUnreachableError):
    """The marketplace sends to another address, which is not followed."""

    code = "trust-redirected"


class TrustStatusError(TrustUnreachableError):
    """The marketplace answered with a status that is none of a file."""

    code = "trust-status"


class TrustMissingError(TrustUnreachableError):
    """The marketplace has no signed metadata at its address."""

    code = "trust-metadata-missing"


class TrustBundleError(TrustUnreachableError):
    """A bundle is no archive, or is damaged."""

    code = "trust-bundle-broken"
