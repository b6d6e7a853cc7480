"""Advisories: what a marketplace says of versions that turned out bad. The feed is a signed file like any other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter

from gridkit_django.exceptions import TrustMetadataError
from gridkit_django.plugins.metadata import PluginId
from gridkit_django.plugins.ranges import admits, parse_range

FEED_NAME = "advisories.json"
FORMAT = 1
ADVISORIES_MAX = 5000
FEED_BYTES_MAX = 4 * 1024 * 1024
_TEXT_MAX = {"id": 100, "plugin": 200, "versions": 200, "reason": 2000, "url": 500, "published": 40}


class AdvisoryAction(StrEnum):
    """What a site should do."""

    WARN = "warn"
    """Tell the administrators."""
    DISABLE = "disable"
    """Stop it, and let an administrator start it again."""
    BLOCK = "block"
    """Stop it, and never start or install it."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One warning about some versions of a plugin.

    Attributes:
        id: names it, and never changes.
        plugin_id: about which plugin.
        versions: a range, as manifests write them.
        action: what a site should do.
        reason: one or two sentences, plain text.
        url: where more is told, or empty.
        published: when, as ISO 8601.
    """

    id: str
    plugin_id: str
    versions: str
    action: AdvisoryAction
    reason: str
    url: str = ""
    published: str = ""

    def concerns(self, plugin_id: str, version: str) -> bool:
        """Whether it is about this version of this plugin."""
        return plugin_id == self.plugin_id and admits(self.versions, version)

    def as_dict(self) -> dict[str, str]:
        """Return it as it stands in the feed."""
        return {
            "id": self.id,
            "plugin": self.plugin_id,
            "versions": self.versions,
            "action": self.action.value,
            "reason": self.reason,
            "url": self.url,
            "published": self.published,
        }

    @classmethod
    def of(cls, facts: Any) -> Advisory:
        """Read one.

        Raises:
            ValueError: when it is none; says why.
        """
        if not isinstance(facts, dict) or not all(isinstance(facts.get(key, ""), str) for key in _TEXT_MAX):
            raise ValueError("it is no object of texts")
        long = [key for key, most in _TEXT_MAX.items() if len(facts.get(key, "")) > most]
        if long or not facts.get("id"):
            raise ValueError(f"{long[0] if long else 'id'} is too long or missing")
        if facts.get("url") and not facts["url"].startswith(("https://", "http://")):
            raise ValueError("url is no http(s) address")
        parse_range(facts.get("versions", ""))
        return cls(
            facts["id"],
            TypeAdapter(PluginId).validate_python(facts.get("plugin", "")),
            facts["versions"],
            AdvisoryAction(facts.get("action", "")),
            facts.get("reason", ""),
            facts.get("url", ""),
            facts.get("published", ""),
        )


@dataclass(frozen=True, slots=True)
class AdvisoryFeed:
    """All advisories of a marketplace.

    Attributes:
        advisories: in the order in which they were published.
    """

    advisories: tuple[Advisory, ...] = ()

    def advisories_for(self, plugin_id: str, version: str) -> tuple[Advisory, ...]:
        """Return what is said of a version, the hardest first.

        Raises:
            ValueError: when the version is none.
        """
        try:
            Version(version)
        except InvalidVersion as error:
            raise ValueError(f"{version!r} is no version number (PEP 440)") from error
        found = [item for item in self.advisories if item.concerns(plugin_id, version)]
        return tuple(sorted(found, key=lambda item: list(AdvisoryAction).index(item.action), reverse=True))

    def to_bytes(self) -> bytes:
        """Return the feed's file; the same advisories give the same bytes."""
        facts = {"format": FORMAT, "advisories": [item.as_dict() for item in self.advisories]}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")

    @classmethod
    def from_bytes(cls, raw: bytes) -> AdvisoryFeed:
        """Read a feed's file.

        Raises:
            TrustMetadataError: when it is none. Nothing of it counts then: half a feed would hide the other half.
        """
        try:
            return cls(tuple(Advisory.of(item) for item in _listed(raw)))
        except (ValueError, RecursionError) as error:
            raise TrustMetadataError(f"The feed of advisories can't be read: {error}.") from error


def _listed(raw: bytes) -> list[Any]:
    """Return the list in a feed's file.

    Raises:
        ValueError: when it is none; says why.
    """
    if len(raw) > FEED_BYTES_MAX:
        raise ValueError(f"it has over {FEED_BYTES_MAX} bytes")
    facts = json.loads(raw)
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ValueError(f"it is not of the format {FORMAT}; update gridkit-django")
    listed = facts.get("advisories")
    if not isinstance(listed, list) or len(listed) > ADVISORIES_MAX:
        raise ValueError(f"it holds no list of at most {ADVISORIES_MAX} advisories")
    return listed
