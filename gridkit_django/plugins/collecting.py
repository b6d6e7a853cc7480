"""Collecting what nothing refers to any more: kept files of lost operations, and unpacked folders on this host."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from gridkit_django.models import OperationState, PluginOperation, PluginPackage, PluginVersion
from gridkit_django.plugins.packages import forget_files
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.unpacked import UnpackedPackages

YOUNG = timedelta(hours=24)
"""What is younger stays: an operation may be about to refer to it."""

_OPEN = (OperationState.QUEUED, OperationState.RUNNING)


def collect_packages() -> int:
    """Drop the kept files that no version of any plugin and no operation under way refers to; return how many.

    An installation whose worker was lost for good leaves the wheel and the files that it had fetched.
    """
    versions = PluginVersion.objects.using(database()).filter(digest=OuterRef("digest"))
    old = PluginPackage.objects.using(database()).filter(stored_at__lt=timezone.now() - YOUNG)
    unused = set(old.filter(~Exists(versions)).values_list("digest", flat=True))
    if unused:
        under_way = PluginOperation.objects.using(database()).filter(state__in=_OPEN)
        told = str(list(under_way.values_list("results", flat=True)))
        unused = {digest for digest in unused if digest not in told}
    forget_files(unused)
    return len(unused)


def collect_unpacked(unpacked: UnpackedPackages) -> int:
    """Remove the unpacked folders of this host that no version of any plugin has any more; return how many.

    Args:
        unpacked: the cache folder of this host.
    """
    digests = PluginVersion.objects.using(database()).values_list("digest", flat=True)
    return unpacked.prune(frozenset(digests), younger_than=YOUNG.total_seconds())
