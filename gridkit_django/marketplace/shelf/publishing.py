"""Taking a release in: gate, signature, name, storage, and one row that never changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import PublisherError, ReleaseExistsError
from gridkit_django.marketplace.packaging import InspectedPackage, inspect_package, policy_of_site
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.keys import key_of
from gridkit_django.marketplace.shelf.modules import imported_modules
from gridkit_django.marketplace.shelf.names import bare_name, check_new_name, fold
from gridkit_django.marketplace.shelf.states import move
from gridkit_django.marketplace.shelf.storing import store
from gridkit_django.marketplace.shelf.texts import render
from gridkit_django.marketplace.shelf.tokens import TokenScope, require_scope
from gridkit_django.marketplace.trust import verify_release
from gridkit_django.models import Listing, ListingState, Publisher, PublisherToken, Release, ReleaseFile, ReleaseState

NOTES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Upload:
    """What a publisher's tool sends.

    Attributes:
        content: the wheel.
        filename: its name.
        signature: of id, version and digest, in base64.
        public_key: the key that signed, in base64.
        notes: what is new, for people.
        draft: keep it as a draft until it is submitted.
    """

    content: bytes
    filename: str
    signature: str
    public_key: str
    notes: str = ""
    draft: bool = False


def publish_release(token: PublisherToken, upload: Upload) -> Release:
    """Take a release in; it is public once the checks are through and whoever must look at it has.

    The same file of the same version again is no error: the release that is there is returned.

    Raises:
        PackageRefusedError: when the gate refuses the package.
        SignatureError: when the signature is not of this key or this package.
        PublisherError: when it is not the publisher's to publish.
        MarketKeyRevokedError: when the key that signed was revoked or retired.
        MarketTokenError: when the token does not cover it.
        NameTakenError: for a new plugin, when its names can't be given.
        ReleaseExistsError: when the version is there with another content.
        MarketTextError: when readme, changelog or notes are too long.
        MarketStorageError: when the file can't be stored.
    """
    package = inspect_package(upload.content, filename=upload.filename, policy=policy_of_site())
    require_scope(token, TokenScope.PUBLISH, package.plugin_id)
    verify_release(upload.public_key, package.plugin_id, package.version, package.digest, upload.signature)
    if (same := _same(package)) is not None:
        return same
    release = _unsaved(package, upload)
    sha256 = package.digest.removeprefix("sha256:")
    stored_as = store("files", sha256, upload.filename, upload.content)
    file = ReleaseFile(filename=upload.filename, sha256=sha256, size=package.size, stored_as=stored_as)
    try:
        with transaction.atomic(database()):
            release.listing = _listing(token.publisher, package)
            release.key = key_of(token.publisher, upload.public_key)
            _save(release, file)
            return release if upload.draft else move(release, ReleaseState.CHECKING, checking_at=timezone.now())
    except IntegrityError as error:  # somebody else was quicker with one of the names, or with the version
        raise ReleaseExistsError(f"{package.plugin_id} {package.version} is being published already.") from error


def submit_release(release: Release) -> Release:
    """Let a draft be checked.

    Raises:
        ReleaseStateError: when it is no draft.
    """
    return move(release, ReleaseState.CHECKING, checking_at=timezone.now())


def _same(package: InspectedPackage) -> Release | None:
    """Return the release that is there with this very file.

    Raises:
        ReleaseExistsError: when there is one with another file. A removed version counts.
    """
    rows = Release.objects.using(database()).select_related("listing", "listing__publisher")
    found = rows.filter(listing__plugin_id=package.plugin_id, version=package.version).first()
    if found is None:
        return None
    if found.digest != package.digest or found.state == ReleaseState.REMOVED:
        raise ReleaseExistsError(
            f"{found} was published already, and a release never changes. Give your changes a new version number."
        )
    return found


def _unsaved(package: InspectedPackage, upload: Upload) -> Release:
    return Release(
        version=package.version,
        digest=package.digest,
        size=package.size,
        manifest=package.manifest.as_dict(),
        config_schema=dict(package.config_schema),
        core_metadata=package.core_metadata.decode("utf-8", "replace"),
        requires=list(package.requires_dist),
        python_version=package.requires_python,
        file_digests={name: hashlib.sha256(content).hexdigest() for name, content in package.files.items()},
        imports=imported_modules(package.files),
        signature=upload.signature,
        public_key=upload.public_key,
        notes=upload.notes[:NOTES_MAX],
        changelog=package.changelog,
        changelog_html=render(package.changelog, "The changelog"),
        documentation_html=render(package.readme, "The readme"),
    )


def _listing(publisher: Publisher, package: InspectedPackage) -> Listing:
    """Return the listing that the package is of; a new plugin's names are taken with it."""
    using, manifest = database(), package.manifest
    found = Listing.objects.using(using).select_for_update().filter(plugin_id=package.plugin_id).first()
    if found is not None:
        if found.state == ListingState.REMOVED:
            raise PublisherError(f"{package.plugin_id} was removed, and its name stays taken. Choose another name.")
        return found
    check_new_name(publisher, package.plugin_id, package.distribution, package.import_package)
    return Listing.objects.using(using).create(
        publisher=publisher,
        plugin_id=package.plugin_id,
        distribution=package.distribution,
        import_package=package.import_package,
        folded=fold(bare_name(package.plugin_id)),
        name=manifest.name,
        summary=manifest.description,
        category=manifest.category.value,
        tags=list(manifest.tags),
        pricing=manifest.pricing.value,
        license=manifest.license,
    )


def _save(release: Release, file: ReleaseFile) -> None:
    using = database()
    release.save(using=using)
    file.release = release
    file.save(using=using)
    record(
        "release.upload",
        target=Target.of_row(Release, release.pk, str(release)),
        evidence={"digest": release.digest, "size": release.size, "key": release.public_key},
        using=using,
    )
