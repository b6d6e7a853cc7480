"""``plugin.toml``: what a plugin says about itself, read and checked without running any of its code.

Every key of the specification's ``EnhancedPluginMetadata`` is here. ``verified``, ``featured``, ``downloads`` and
``rating`` are not: these are facts of the marketplace, and no plugin may say them about itself.
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gridkit_django.exceptions import ErrorItem, ManifestError, PluginPermissionError
from gridkit_django.plugins.limits import ResourceLimits
from gridkit_django.plugins.permissions import checked_permission
from gridkit_django.plugins.ranges import parse_range

MANIFEST_NAME = "plugin.toml"
MANIFEST_BYTES_MAX = 65_536
CANARY_SECONDS_MAX = 86_400

_ID = re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*")
_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_MARKETPLACE_FACTS = frozenset({"verified", "featured", "downloads", "rating"})


class Category(StrEnum):
    """What a plugin is for."""

    DATA = "data"
    UI = "ui"
    EXPORT = "export"
    ANALYTICS = "analytics"
    COLLABORATION = "collaboration"
    SECURITY = "security"
    UTILITY = "utility"


class Pricing(StrEnum):
    """What a plugin costs."""

    FREE = "free"
    FREEMIUM = "freemium"
    PAID = "paid"


class CanaryWish(BaseModel):
    """What a version asks of a site that lets one process try it before the others come after it.

    Attributes:
        side_by_side: whether it may serve while other processes run the version before it.
        seconds: for how long it is tried at least, where the site tries versions at all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    side_by_side: bool = True
    seconds: int = Field(default=0, ge=0, le=CANARY_SECONDS_MAX)


def _checked_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("a plugin id is like 'my-plugin' or '@vendor/my-plugin', in small letters")
    return value


def _checked_version(value: str) -> str:
    try:
        return str(Version(value))
    except InvalidVersion as error:
        raise ValueError(f"{value!r} is no version number (PEP 440)") from error


def _checked_range(value: str) -> str:
    parse_range(value)
    return value


def _checked_peer(value: str) -> str:
    peer, _, versions = value.partition(" ")
    _checked_id(peer)
    if versions:
        parse_range(versions)
    return value


def _checked_entry(value: str) -> str:
    if not _ENTRY.fullmatch(value):
        raise ValueError("entry is 'module:Class', relative to the plugin's own package")
    return value


def _checked_permission(value: str) -> str:
    try:
        return checked_permission(value)
    except PluginPermissionError as error:
        raise ValueError(error.detail) from error


def _checked_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("expected an http or https address")
    return value


PluginId = Annotated[str, Field(max_length=200), AfterValidator(_checked_id)]
_Version = Annotated[str, Field(max_length=64), AfterValidator(_checked_version)]
_Range = Annotated[str, Field(max_length=200), AfterValidator(_checked_range)]
_Peer = Annotated[str, Field(max_length=300), AfterValidator(_checked_peer)]
_Entry = Annotated[str, Field(max_length=200), AfterValidator(_checked_entry)]
_Permission = Annotated[str, Field(max_length=200), AfterValidator(_checked_permission)]
_Url = Annotated[str, Field(max_length=500), AfterValidator(_checked_url)]
_Tag = Annotated[str, Field(min_length=1, max_length=50)]


class PluginMetadata(BaseModel):
    """A checked manifest. Immutable; unknown keys are refused.

    Attributes:
        id: ``my-plugin`` or ``@vendor/my-plugin``.
        name: for people.
        version: PEP 440.
        author: person or team.
        description: one or two sentences.
        category: what it is for.
        tags: words to find it by.
        core_version: the versions of ``gridkit_django`` it works with, PEP 440 or npm's caret and tilde.
        peer_plugins: plugins that must be active too; an id, or an id, a space and a range.
        incompatible_with: plugins that must not be active at the same time.
        homepage, repository: http(s) addresses.
        license: an SPDX expression.
        pricing: what it costs.
        required_permissions: what it needs to do its work; an administrator grants each.
        requires_restart: whether its code takes part in Django's start, so that it can't be swapped while running.
        entry: ``module:Class`` relative to the plugin's package.
        resource_limits: what it may use at most.
        canary: what it asks of a site that lets one process try it first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: PluginId
    name: str = Field(min_length=1, max_length=200)
    version: _Version
    author: str = Field(min_length=1, max_length=200)
    description: str = Field(min_length=1, max_length=2000)
    category: Category
    tags: tuple[_Tag, ...] = Field(default=(), max_length=50)
    core_version: _Range
    peer_plugins: tuple[_Peer, ...] = Field(default=(), max_length=50)
    incompatible_with: tuple[PluginId, ...] = Field(default=(), max_length=50)
    homepage: _Url | None = None
    repository: _Url | None = None
    license: str = Field(min_length=1, max_length=200)
    pricing: Pricing = Pricing.FREE
    required_permissions: tuple[_Permission, ...] = Field(default=(), max_length=100)
    requires_restart: bool = False
    entry: _Entry = "plugin:Plugin"
    resource_limits: ResourceLimits = ResourceLimits()
    canary: CanaryWish = CanaryWish()

    @property
    def peers(self) -> tuple[tuple[str, str], ...]:
        """Id and version range of each peer; ``*`` where the manifest names no range."""
        pairs = (item.partition(" ") for item in self.peer_plugins)
        return tuple((peer, versions.strip() or "*") for peer, _, versions in pairs)

    def as_dict(self) -> dict[str, Any]:
        """Return the manifest as plain JSON values, for storage and for the wire."""
        return self.model_dump(mode="json")


def read_manifest(folder: Path) -> PluginMetadata:
    """Read and check ``plugin.toml`` in ``folder``. Runs no code of the plugin.

    Raises:
        ManifestError: missing, too large, no TOML, or against the schema; ``errors`` names each fault.
    """
    path = folder / MANIFEST_NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{folder.name} has no readable {MANIFEST_NAME} ({error.strerror}).") from error
    return parse_manifest_file(raw, where=folder.name)


def parse_manifest_file(raw: bytes, *, where: str) -> PluginMetadata:
    """Check the content of a ``plugin.toml``.

    Args:
        raw: the file.
        where: a name of the plugin for the error text.

    Raises:
        ManifestError: too large, no TOML, or against the schema; ``errors`` names each fault.
    """
    if len(raw) > MANIFEST_BYTES_MAX:
        raise ManifestError(f"{MANIFEST_NAME} of {where} is larger than {MANIFEST_BYTES_MAX} bytes.")
    try:
        data = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(f"{MANIFEST_NAME} of {where} is no valid TOML: {error}.") from error
    return parse_manifest(data, where=where)


def parse_manifest(data: dict[str, Any], *, where: str) -> PluginMetadata:
    """Check the values of a manifest.

    Args:
        data: the values, as TOML or JSON gives them.
        where: a name of the plugin for the error text.

    Raises:
        ManifestError: with one item in ``errors`` for each fault.
    """
    try:
        return PluginMetadata.model_validate(data)
    except ValidationError as error:
        faults = [_fault(item["loc"], item["type"], item["msg"]) for item in error.errors(include_url=False)]
        text = "; ".join(f"{item.pointer[1:] or 'manifest'}: {item.detail}" for item in faults)
        raise ManifestError(f"The manifest of {where} is wrong: {text}.", errors=faults) from error


def _fault(location: tuple[int | str, ...], kind: str, message: str) -> ErrorItem:
    pointer = "".join(f"/{part}" for part in location)
    if kind == "extra_forbidden":
        fact = location[0] in _MARKETPLACE_FACTS
        message = "only the marketplace says this about a plugin" if fact else "there is no such key"
    return ErrorItem(pointer, ManifestError.code, message.removeprefix("Value error, "))
