"""Several plugins of one publisher that need each other, listed for real: they pass the gate and are signed."""

from __future__ import annotations

import hashlib
from typing import Any

from gridkit_django.marketplace.trust import sign_release
from tests.marketplace import wheels
from tests.marketplace.client.market import listing, release
from tests.marketplace.client.packages import PLUGIN_CODE, Acme


class Shop:
    """A publisher with several plugins.

    Args:
        acme: the publisher with its keys and its marketplace.
    """

    def __init__(self, acme: Acme) -> None:
        self._acme = acme
        self._releases: dict[str, list[dict[str, Any]]] = {}

    def publish(
        self,
        name: str,
        version: str = "1.0.0",
        *,
        needs: tuple[str, ...] = (),
        conflicts: tuple[str, ...] = (),
        start: str = "pass",
        **values: Any,
    ) -> str:
        """Publish a release of ``@acme/<name>`` and list it; return the id."""
        plugin_id, package = f"@acme/{name}", f"acme_{name}"
        wheel = _wheel(name, version, _manifest(version, needs, conflicts), start)
        digest = f"sha256:{hashlib.sha256(wheel).hexdigest()}"
        filename = f"{package}-{version}-py3-none-any.whl"
        path = f"files/{digest.removeprefix('sha256:')}/{filename}"
        self._acme.market.files[path] = wheel
        self._acme.signed.publish(filename, wheel)
        self._acme._serve()
        facts = {
            "digest": digest,
            "size": len(wheel),
            "filename": filename,
            "url": path,
            "signature": sign_release(self._acme.private, plugin_id, version, digest),
            "public_key": self._acme.public,
            "permissions": ["methods:register"],
            "peer_plugins": list(needs),
            "incompatible_with": list(conflicts),
            "reviewed": True,
        }
        self._releases.setdefault(plugin_id, []).insert(0, release(version, **{**facts, **values}))
        self._acme.market.put(listing(plugin_id, versions=self._releases[plugin_id]))
        return plugin_id


def _manifest(version: str, needs: tuple[str, ...], conflicts: tuple[str, ...]) -> str:
    asked = 'required_permissions = ["methods:register"]'
    text = wheels.MANIFEST.format(version=version).replace('required_permissions = ["events:subscribe"]', asked)
    return f"peer_plugins = {list(needs)!r}\nincompatible_with = {list(conflicts)!r}\n{text}"


def _wheel(name: str, version: str, manifest: str, start: str) -> bytes:
    code = PLUGIN_CODE.format(word=name, top="", start=start, config_version=1)
    code = code.replace('"word"', f'"{name}"', 1)
    # What it needs and what it can't stand keep their names: only the plugin itself is called otherwise.
    contents = {**wheels.files(version), "acme_colours/plugin.toml": b"", "acme_colours/plugin.py": code.encode()}
    renamed = {_renamed(key.encode(), name).decode(): _renamed(raw, name) for key, raw in contents.items()}
    renamed[f"acme_{name}/plugin.toml"] = manifest.replace('id = "@acme/colours"', f'id = "@acme/{name}"').encode()
    own = f"acme_{name}-{version}.dist-info/RECORD"
    return wheels.Archive(wheels.items_of(wheels.with_record(renamed, own))).build()


def _renamed(raw: bytes, name: str) -> bytes:
    own = name.encode()
    return raw.replace(b"acme_colours", b"acme_" + own).replace(b"acme-colours", b"acme-" + own)
