"""Plugins that the marketplace of the tests lists for real: they pass the gate, and are signed by author and TUF."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from gridkit_django.marketplace.trust import make_author_key, sign_release
from tests.marketplace import wheels
from tests.marketplace.client.market import Market, listing, release
from tests.marketplace.trust.markets import Market as Signed

PLUGIN = "@acme/colours"
PLUGIN_CODE = """\
from gridkit_django.plugins import Plugin

WORD = "{word}"
{top}

class ColoursPlugin(Plugin):
    config_version = {config_version}

    def initialize(self, context):
        context.register_method("word", lambda call: WORD, schema={{}}, label="Word")
        {start}
"""


class Acme:
    """A publisher with a key, and the marketplace that stands for what it publishes.

    Args:
        market: where it publishes.
        folder: where the site keeps the root file.
        signed: the signed state that the marketplace begins with.
    """

    def __init__(self, market: Market, folder: Path, signed: Signed) -> None:
        self.market = market
        self.signed = signed
        self.private, self.public = make_author_key()
        self.root = folder / "root.json"
        self.root.write_bytes(self.signed.root)
        self.releases: dict[str, dict[str, Any]] = {}
        self._serve()

    def publish(
        self,
        version: str = "1.0.0",
        *,
        word: str = "one",
        permissions: tuple[str, ...] = ("methods:register",),
        start: str = "pass",
        top: str = "",
        requires: str = "",
        key: bytes | None = None,
        extra: dict[str, bytes] | None = None,
        toml: str = "",
        **values: Any,
    ) -> bytes:
        """Publish a release and list it; return the wheel.

        Args:
            version: its number.
            word: what its method answers.
            permissions: what it asks for.
            start: what it does while it starts.
            top: what its module does.
            requires: what it needs beside it.
            key: the author's key; the publisher's own when left out.
            extra: further files.
            toml: what its manifest says beside the usual.
            **values: what the listing says about it.
        """
        code = PLUGIN_CODE.format(word=word, top=top, start=start, config_version=values.pop("config_version", 1))
        wheel = self.build(version, code, permissions, requires, extra or {}, toml)
        digest = f"sha256:{hashlib.sha256(wheel).hexdigest()}"
        name = f"acme_colours-{version}-py3-none-any.whl"
        path = f"files/{digest.removeprefix('sha256:')}/{name}"
        self.market.files[path] = wheel
        facts: dict[str, Any] = {
            "digest": digest,
            "size": len(wheel),
            "url": path,
            "signature": sign_release(key or self.private, PLUGIN, version, digest),
            "public_key": self.public,
            "permissions": list(permissions),
            "requires": [requires] if requires else [],
            "reviewed": True,
        }
        found = self.releases[version] = release(version, **{**facts, **values})
        times = {key: found[key] for key in ("uploaded_at", "released_at") if found.get(key)}
        self.signed.publish(name, wheel, **times)
        self._serve()
        self.relist()
        return wheel

    def build(
        self,
        version: str,
        code: str,
        permissions: tuple[str, ...],
        requires: str,
        extra: dict[str, bytes],
        toml: str = "",
    ) -> bytes:
        """Return a wheel."""
        manifest = wheels.MANIFEST.format(version=version).replace(
            'required_permissions = ["events:subscribe"]', f"required_permissions = {list(permissions)!r}"
        )
        info = wheels.DIST_INFO.replace("1.0.0", version)
        more = f"Requires-Dist: {requires}\n" if requires else ""
        changes: dict[str, bytes | None] = {
            f"{wheels.PACKAGE}/plugin.toml": f"{manifest}\n{toml}".encode(),
            f"{wheels.PACKAGE}/plugin.py": code.encode(),
            f"{info}/METADATA": wheels.metadata(version=version, more=more).encode(),
            **{f"{wheels.PACKAGE}/{name}": content for name, content in extra.items()},
        }
        return wheels.wheel(changes, version=version)

    def relist(self) -> None:
        """List all releases, the newest first."""
        self.market.put(listing(PLUGIN, versions=list(reversed(self.releases.values()))))

    def change(self, version: str, **values: Any) -> None:
        """Change what the marketplace says about a release."""
        self.releases[version] |= values
        self.relist()

    def _serve(self) -> None:
        self.market.files |= {f"tuf/{name}": content for name, content in self.signed.store.files.items()}
