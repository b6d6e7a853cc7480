"""Checks of a release. Each answers pass, fail or error, and only passes let a release through.

A check that breaks, hangs until it is stopped, or answers nonsense is an error, and an error keeps the release in
quarantine: a broken scanner must never let anything through.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

from gridkit_django import __version__
from gridkit_django.conf import market_settings
from gridkit_django.exceptions import MarketplaceError
from gridkit_django.marketplace.packaging import InspectedPackage, inspect_package, policy_of_site
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.storing import read
from gridkit_django.marketplace.trust import verify_release
from gridkit_django.models import CheckResult, Release, ReleaseCheck
from gridkit_django.plugins.ranges import admits

logger = logging.getLogger("gridkit_django.marketplace")

_DETAIL_MAX = 2000


@dataclass(frozen=True, slots=True)
class CheckedRelease:
    """What a check is given.

    Attributes:
        release: the row.
        content: the wheel, as it lies in the storage.
        package: what the gate read of it.
    """

    release: Release
    content: bytes
    package: InspectedPackage


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says.

    Attributes:
        result: pass, fail or error.
        detail: for people; no secret that was found.
    """

    result: CheckResult
    detail: str = ""

    @classmethod
    def passed(cls, detail: str = "") -> Verdict:
        """Let the release through."""
        return cls(CheckResult.PASS, detail)

    @classmethod
    def failed(cls, detail: str) -> Verdict:
        """Hold the release."""
        return cls(CheckResult.FAIL, detail)


Check = Callable[[CheckedRelease], Verdict]


def check_signature(checked: CheckedRelease) -> Verdict:
    """Look whether what lies in the storage is what the author signed."""
    release, package = checked.release, checked.package
    digest = f"sha256:{hashlib.sha256(checked.content).hexdigest()}"
    if digest != release.digest:
        return Verdict.failed("The stored file is not the one that was uploaded.")
    try:
        verify_release(release.public_key, package.plugin_id, package.version, digest, release.signature)
    except MarketplaceError as error:
        return Verdict.failed(error.detail)
    return Verdict.passed()


def check_core_range(checked: CheckedRelease) -> Verdict:
    """Look whether the range of core versions ends: a later major version is one that nobody knows yet."""
    wanted = checked.package.manifest.core_version
    major = int(__version__.split(".")[0])
    if admits(wanted, f"{major + 1}.0") and admits(wanted, f"{major + 2}.0"):
        return Verdict.failed(
            f"core_version {wanted} admits versions of GridKit that do not exist yet. Write it like '>=1.2,<2'."
        )
    return Verdict.passed()


def check_source(checked: CheckedRelease) -> Verdict:
    """Look whether all Python files can be read: what can't be parsed can't be reviewed."""
    broken = [name[2:] for name in checked.release.imports if name.startswith("? ")]
    return Verdict.failed(f"Not Python: {', '.join(broken[:20])}.") if broken else Verdict.passed()


OWN: Mapping[str, Check] = MappingProxyType(
    {"signature": check_signature, "core-range": check_core_range, "source": check_source}
)
"""The checks that every release goes through; ``GRIDKIT["MARKET"]["checks"]`` adds more."""


def run_checks(release: Release) -> list[ReleaseCheck]:
    """Make all checks of a release, store what they say, and return it.

    The gate is the first of them: it judges what lies in the storage now, and without it no other check is made.
    """
    verdicts: dict[str, tuple[Verdict, float]] = {}
    found: list[CheckedRelease] = []

    def gate(_nothing: None) -> Verdict:
        content = read(release.file.stored_as)
        try:
            package = inspect_package(content, filename=release.file.filename, policy=policy_of_site())
            found.append(CheckedRelease(release, content, package))
        except MarketplaceError as error:
            return Verdict.failed(f"{error.detail} ({error.code})")
        return Verdict.passed()

    verdicts["gate"] = _made("gate", lambda: gate(None))
    for name in (*OWN, *market_settings().checks):
        verdicts[name] = _made(name, lambda name=name: _one(name, found))  # type: ignore[misc]
    return _stored(release, verdicts)


def _one(name: str, found: list[CheckedRelease]) -> Verdict:
    if not found:
        return Verdict(CheckResult.ERROR, "The gate did not let the package through, so there was nothing to look at.")
    check: Check = OWN[name] if name in OWN else import_string(name)
    return check(found[0])


def _made(name: str, check: Callable[[], Verdict]) -> tuple[Verdict, float]:
    """Make one check; whatever is no clear answer is an error."""
    began = time.perf_counter()
    try:
        verdict: Any = check()
    except Exception as error:  # whatever a scanner raises, also that its time is over, keeps the quarantine
        logger.exception("Check %s broke", name)
        verdict = Verdict(CheckResult.ERROR, f"The check broke: {type(error).__name__}.")
    if not isinstance(verdict, Verdict) or verdict.result not in CheckResult.values:
        verdict = Verdict(CheckResult.ERROR, "The check gave no answer that is one.")
    return verdict, (time.perf_counter() - began) * 1000


def _stored(release: Release, verdicts: Mapping[str, tuple[Verdict, float]]) -> list[ReleaseCheck]:
    rows = [
        ReleaseCheck(
            release=release,
            name=name[:100],
            result=verdict.result,
            detail=verdict.detail[:_DETAIL_MAX],
            duration_ms=round(took, 1),
        )
        for name, (verdict, took) in verdicts.items()
    ]
    using = database()
    with transaction.atomic(using):
        ReleaseCheck.objects.using(using).filter(release=release).delete()
        return ReleaseCheck.objects.using(using).bulk_create(rows)
