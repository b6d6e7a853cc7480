"""By which rules the gate refuses a package, and the limits that it measures with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NoReturn

from gridkit_django.conf import settings
from gridkit_django.exceptions import PackageRefusedError


class Rule(StrEnum):
    """The stable code of each refusal; ``docs/reference/packages.md`` says what each means."""

    TOO_LARGE = "package-too-large"
    FILE_TOO_LARGE = "package-file-too-large"
    ENTRIES = "package-entries"
    RATIO = "package-ratio"
    ARCHIVE = "package-archive"
    TRAILING = "package-trailing-data"
    LAYOUT = "package-layout"
    HEADERS = "package-headers"
    DESCRIPTOR = "package-descriptor"
    COMPRESSION = "package-compression"
    CONTENT = "package-content"
    LINK = "package-link"
    KIND = "package-entry-kind"
    PATH = "package-path"
    NAME = "package-name"
    DUPLICATE = "package-duplicate"
    CASE = "package-case"
    FILENAME = "package-filename"
    OUTSIDE = "package-outside"
    DIST_INFO = "package-dist-info"
    DATA_TREE = "package-data-tree"
    SCRIPT = "package-script"
    STARTUP = "package-startup"
    COMPILED = "package-compiled"
    BYTECODE = "package-bytecode"
    TAGS = "package-tags"
    RECORD = "package-record"
    RECORD_MISSING = "package-record-missing"
    RECORD_UNLISTED = "package-record-unlisted"
    RECORD_ABSENT = "package-record-absent"
    RECORD_HASH = "package-record-hash"
    WHEEL = "package-wheel"
    METADATA = "package-metadata"
    REQUIREMENT = "package-requirement"
    IDENTITY = "package-identity"
    VERSION = "package-version"
    ENTRY_POINTS = "package-entry-points"
    MANIFEST = "package-manifest"
    SCHEMA = "package-config-schema"
    SECRET = "package-secret"  # noqa: S105 -- the code of a rule


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """What the gate measures with.

    Attributes:
        total_bytes: bytes of all files together, and of the archive, at most.
        file_bytes: bytes of one file at most.
        entries: files at most.
        ratio: how many times larger the files may be than the archive.
        tags: platform tags of wheels (``manylinux_2_28_x86_64``) whose compiled code this site runs; none by default.
    """

    total_bytes: int = 64 * 1024 * 1024
    file_bytes: int = 16 * 1024 * 1024
    entries: int = 2000
    ratio: int = 50
    tags: frozenset[str] = frozenset()


STANDARD = GatePolicy()
"""What every marketplace and every site holds to."""


def policy_of_site() -> GatePolicy:
    """Return what this site holds to: the standard, and the platforms of ``PACKAGE_PLATFORM_TAGS``."""
    return replace(STANDARD, tags=frozenset(settings().PACKAGE_PLATFORM_TAGS))


def refuse(rule: Rule, detail: str, entry: str = "") -> NoReturn:
    """Refuse the package.

    Args:
        rule: by which rule.
        detail: what was found, what was expected, what to do next.
        entry: the file that broke the rule.

    Raises:
        PackageRefusedError: always.
    """
    raise PackageRefusedError(detail, rule=rule.value, entry=entry)
