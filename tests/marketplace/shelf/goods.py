"""Packages, publishers and listings of the marketplace's tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.marketplace.packaging import import_package_of, inspect_package
from gridkit_django.marketplace.shelf.publishers import make_publisher
from gridkit_django.marketplace.shelf.search.rows import write_row
from gridkit_django.marketplace.shelf.tokens import TokenScope, make_token
from gridkit_django.marketplace.trust import make_author_key, sign_release
from gridkit_django.models import Listing, ListingState, Publisher, PublisherToken, Release, ReleaseFile
from tests.marketplace.wheels import CODE, Archive, items_of, metadata, wheel_file, with_record

API = "/market/api/v1/"
CALM = {"required_permissions": []}


def package(
    plugin_id: str = "@acme/colours",
    version: str = "1.0.0",
    *,
    more: Mapping[str, bytes] | None = None,
    **manifest: Any,
) -> tuple[str, bytes]:
    """Return name and content of a good wheel."""
    top = import_package_of(plugin_id)
    info = f"{top}-{version}.dist-info"
    told = {
        "id": plugin_id,
        "name": "Colours",
        "version": version,
        "author": "Acme",
        "description": "Paints rows.",
        "category": "ui",
        "license": "MIT",
        "core_version": ">=0.1,<2",
        "required_permissions": ["events:subscribe"],
        "entry": "plugin:ColoursPlugin",
        **manifest,
    }
    files = {
        f"{top}/__init__.py": b"",
        f"{top}/plugin.py": CODE.encode(),
        f"{top}/plugin.toml": "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items()).encode(),
        f"{top}/config_schema.json": b'{"type": "object", "properties": {}}',
        f"{top}/CHANGELOG.md": f"# {version}\n\nNew <script>alert(1)</script>\n".encode(),
        f"{info}/METADATA": metadata(top.replace("_", "-"), version, "Requires-Python: >=3.11").encode(),
        f"{info}/WHEEL": wheel_file().encode(),
        f"{info}/entry_points.txt": f"[gridkit.plugins]\ncolours = {top}.plugin:ColoursPlugin\n".encode(),
        **{f"{top}/{name}": content for name, content in (more or {}).items()},
    }
    archive = Archive(items_of(with_record(files, f"{info}/RECORD")))
    return f"{top}-{version}-py3-none-any.whl", archive.build()


@dataclass
class Seller:
    """A publisher with a key and a token."""

    publisher: Publisher
    private: bytes
    public: str
    row: PublisherToken
    token: str

    @classmethod
    def make(cls, name: str = "acme", scopes: tuple[TokenScope, ...] = tuple(TokenScope)) -> Seller:
        """Make one."""
        publisher = make_publisher(name)
        private, public = make_author_key()
        row, token = make_token(publisher, "tests", scopes=scopes)
        return cls(publisher, private, public, row, token)

    def client(self) -> APIClient:
        """Return a client that shows the token."""
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.token}")
        return client

    def form(self, filename: str, content: bytes, **fields: Any) -> dict[str, Any]:
        """Return the parts of an upload."""
        package = inspect_package(content)
        return {
            "package": SimpleUploadedFile(filename, content),
            "signature": sign_release(self.private, package.plugin_id, package.version, package.digest),
            "public_key": self.public,
            **fields,
        }

    def publish(self, plugin_id: str = "@acme/colours", version: str = "1.0.0", **manifest: Any) -> Any:
        """Upload a package and return the answer."""
        return self.client().post(f"{API}releases/", self.form(*package(plugin_id, version, **manifest)))


def release(plugin_id: str = "@acme/colours", version: str = "1.0.0") -> Release:
    """Return a release as it is stored now."""
    return Release.objects.select_related("listing", "key", "file").get(listing__plugin_id=plugin_id, version=version)


def shelve(plugin_id: str, name: str = "", summary: str = "", **fields: Any) -> Listing:
    """Put a listing and its search row there, without a package: for tests of the search."""
    scope, _, slug = plugin_id.removeprefix("@").partition("/")
    publisher, _made = Publisher.objects.get_or_create(name=scope, defaults={"folded": scope, "display_name": scope})
    reviewed = fields.pop("reviewed", True)
    age = fields.pop("age_days", 400)
    listing = Listing.objects.create(
        publisher=publisher,
        plugin_id=plugin_id,
        distribution=f"{scope}-{slug}",
        import_package=f"{scope}_{slug}".replace("-", "_"),
        folded=slug,
        name=name or slug.replace("-", " ").title(),
        summary=summary,
        **{
            "category": "utility",
            "pricing": "free",
            "license": "MIT",
            "state": ListingState.ACTIVE,
            "updated_at": timezone.now() - timedelta(days=age),
            **fields,
        },
    )
    listing.latest = Release.objects.create(
        listing=listing,
        version="1.0.0",
        state="published",
        digest="sha256:" + "0" * 64,
        size=1,
        manifest={"core_version": ">=0.1,<2"},
        core_metadata="",
        signature="",
        public_key="",
        reviewed=reviewed,
    )
    sha256 = hashlib.sha256(plugin_id.encode()).hexdigest()
    ReleaseFile.objects.create(release=listing.latest, filename=f"{slug}.whl", sha256=sha256, size=1, stored_as="none")
    listing.save()
    write_row(listing)
    return listing
