"""Rows of the marketplace as bodies of its wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gridkit_django.api.market.bodies import (
    ChangedListing,
    Detail,
    Front,
    FrontPicture,
    LatestRelease,
    Picture,
    Rating,
    ReleaseStatus,
    Summary,
    WireCanary,
    WireCheck,
    WirePublisher,
    WireRelease,
)
from gridkit_django.marketplace.shelf.describing import ADDRESSES, TEXTS
from gridkit_django.marketplace.shelf.reading import public_listings, releases_of
from gridkit_django.models import Listing, Release, ReleaseFile

_CHANGELOG_MAX = 200_000
"""Characters of a changelog that go over the wire: clients take no more."""


def summary(listing: Listing) -> Summary:
    """Return a plugin as lists show it."""
    return Summary(**_summary_fields(listing))


def summaries(keys: Sequence[int]) -> list[dict[str, Any]]:
    """Return listings by their keys, in that order; what is public no more is left out."""
    rows: Mapping[int, Listing] = {row.pk: row for row in public_listings().filter(pk__in=keys).only(*_LIGHT)}
    return [summary(rows[key]).to_wire() for key in keys if key in rows]


_LIGHT = (
    *("plugin_id", "name", "summary", "category", "tags", "pricing", "license", "homepage", "repository", "icon"),
    *("featured", "state", "state_reason", "downloads", "installs", "rating", "rating_count", "updated_at"),
    *("publisher__name", "publisher__display_name", "publisher__identity_state"),
    *("latest__version", "latest__digest", "latest__size", "latest__manifest", "latest__reviewed"),
    "latest__released_at",
)
"""What a list reads; texts and files of the latest release stay where they are."""


def changed_listing(listing: Listing) -> ChangedListing:
    """Return a plugin with its releases, without HTML."""
    return ChangedListing(**_summary_fields(listing), **_more_fields(listing))


def detail(listing: Listing) -> Detail:
    """Return everything about a plugin."""
    latest = listing.latest
    return Detail(
        **_summary_fields(listing),
        **_more_fields(listing),
        documentation_html=latest.documentation_html if latest else "",
        changelog_html=latest.changelog_html if latest else "",
    )


def front(listing: Listing) -> Front:
    """Return what a publisher says of a plugin beside its packages."""
    pictures = [
        FrontPicture(sha256=item.sha256, source=item.source, caption=item.caption, width=item.width, height=item.height)
        for item in listing.pictures.order_by("position")
    ]
    icon = FrontPicture(sha256=listing.icon.removesuffix(".png"), source=listing.icon_source)
    return Front(
        id=listing.plugin_id,
        state=listing.state,
        state_reason=listing.state_reason,
        icon=icon if listing.icon else None,
        screenshots=pictures,
        **{name: getattr(listing, name) for name in (*ADDRESSES, *TEXTS)},
    )


def wire_release(release: Release) -> WireRelease:
    """Return one release."""
    manifest = release.manifest
    return WireRelease(
        version=release.version,
        digest=release.digest,
        size=release.size,
        filename=release.file.filename,
        url=file_address(release.file),
        signature=release.signature,
        public_key=release.public_key,
        core_version=manifest["core_version"],
        python_version=release.python_version,
        permissions=release.permissions,
        requires=release.requires,
        peer_plugins=manifest.get("peer_plugins", []),
        incompatible_with=manifest.get("incompatible_with", []),
        requires_restart=manifest.get("requires_restart", False),
        canary=WireCanary(**{"side_by_side": True, "seconds": 0, **manifest.get("canary", {})}),
        state=release.state,
        yanked_reason=release.yanked_reason,
        reviewed=release.reviewed,
        uploaded_at=release.created_at,
        released_at=release.released_at,
        config_schema=release.config_schema,
        changelog=release.changelog[:_CHANGELOG_MAX],
        notes=release.notes,
    )


def release_status(release: Release, *, own: bool) -> ReleaseStatus:
    """Return how far a release is.

    Args:
        release: which.
        own: whether its publisher asks.
    """
    checks = [WireCheck(name=item.name, result=item.result, detail=item.detail) for item in release.checks.all()]
    return ReleaseStatus(
        id=release.listing.plugin_id,
        version=release.version,
        state=release.state,
        url=file_address(release.file),
        digest=release.digest,
        held_for=release.held_for if own else [],
        checks=checks if own else [],
        review_note=release.review_note if own else "",
        reviewed=release.reviewed,
        yanked_reason=release.yanked_reason,
    )


def file_address(file: ReleaseFile) -> str:
    """Return where a file is, relative to the root of the marketplace."""
    return f"files/{file.sha256}/{file.filename}"


def _summary_fields(listing: Listing) -> dict[str, Any]:
    latest, publisher = listing.latest, listing.publisher
    return {
        "id": listing.plugin_id,
        "name": listing.name,
        "summary": listing.summary,
        "category": listing.category,
        "tags": listing.tags,
        "publisher": WirePublisher(
            name=publisher.name, display_name=publisher.display_name, identity_proved=publisher.identity_proved
        ),
        "verified": latest is not None and latest.reviewed,
        "featured": listing.featured is not None,
        "pricing": listing.pricing,
        "license": listing.license,
        "icon": f"pictures/{listing.icon}" if listing.icon else None,
        "latest": _latest(latest),
        "downloads": listing.downloads,
        "installs": listing.installs,
        "rating": Rating(value=listing.rating, count=listing.rating_count),
        "updated_at": listing.updated_at,
        "state": listing.state,
        "state_reason": listing.state_reason,
        "homepage": listing.homepage or None,
        "repository": listing.repository or None,
    }


def _more_fields(listing: Listing) -> dict[str, Any]:
    pictures = [
        Picture(url=f"pictures/{item.sha256}.png", width=item.width, height=item.height, caption=item.caption)
        for item in listing.pictures.all()
    ]
    return {
        "screenshots": pictures,
        "demo": listing.demo or None,
        "documentation": listing.documentation or None,
        "pricing_text": listing.pricing_text,
        "pricing_page": listing.pricing_page or None,
        "license_page": listing.license_page or None,
        "distribution": listing.distribution,
        "import_package": listing.import_package,
        "publisher_keys": [row.body for row in listing.publisher.key_statements.all()],
        "versions": [wire_release(release) for release in releases_of(listing)],
    }


def _latest(release: Release | None) -> LatestRelease | None:
    if release is None:
        return None
    return LatestRelease(
        version=release.version,
        digest=release.digest,
        size=release.size,
        core_version=release.manifest["core_version"],
        permissions=release.permissions,
        released_at=release.released_at,
    )
