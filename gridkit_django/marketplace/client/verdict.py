"""Whether a new version does worse than the one in use: by calls that raise, and by how long the slowest ones take.

Both are judged by their lower bound, so that some calls that went wrong by chance are no verdict where calls are few.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from gridkit_django.conf import settings
from gridkit_django.plugins.version_figures import VersionFigures

ERROR_MARGIN = 0.05
"""By how much the share of calls that raise may be larger than with the version in use."""

SLOWER_TIMES = 2.0
SLOWER_MS = 5.0
"""95 of 100 calls may take so many times as long as with the version in use, and so many milliseconds more."""

_SLOWEST_SHARE = 0.05
_CERTAINTY = 0.99
"""How sure a verdict is. It is looked for again and again, so a lower one would find chance in the end."""


def fault_of(new: VersionFigures, old: VersionFigures) -> str:
    """Return why a new version is worse than the one in use; empty when it is not, or too few calls were counted.

    Args:
        new: what the canary counted.
        old: what the others counted over the same time. With too few calls there, times are not compared.
    """
    if new.calls < settings().CANARY_CALLS_MIN:
        return ""
    if at_least(new.errors, new.calls) > error_limit(old):
        return f"{new.error_share:.1%} of the calls raised, with the version in use {old.error_share:.1%}"
    limit = slow_limit(old)
    if limit is not None and at_least(new.times.over(limit), len(new.times)) > _SLOWEST_SHARE:
        return f"95 of 100 calls took up to {new.p95_ms:.1f} ms, with the version in use up to {old.p95_ms:.1f} ms"
    return ""


def error_limit(old: VersionFigures) -> float:
    """Return the share of calls that may raise, from 0 to 1."""
    return old.error_share + ERROR_MARGIN


def slow_limit(old: VersionFigures) -> float | None:
    """Return what 95 of 100 calls may take, in milliseconds; None where the version in use had too few calls."""
    if len(old.times) < settings().CANARY_CALLS_MIN:
        return None
    return old.p95_ms * SLOWER_TIMES + SLOWER_MS


def at_least(count: int, of: int) -> float:
    """Return the share that stands behind so many of so many with the certainty of a verdict (Wilson's lower bound)."""
    if not of:
        return 0.0
    z, share = NormalDist().inv_cdf(_CERTAINTY), count / of
    middle = share + z * z / (2 * of)
    spread = z * sqrt((share * (1 - share) + z * z / (4 * of)) / of)
    return max((middle - spread) / (1 + z * z / of), 0.0)
