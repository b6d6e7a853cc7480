"""The trace that a purge leaves in the trail: a signed receipt, and a record of the act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gridkit_django.audit.receipts import make_receipt
from gridkit_django.audit.recorder import record
from gridkit_django.audit.retention.archive import Archive
from gridkit_django.audit.runs import Run, size
from gridkit_django.audit.targets import Target


def tell(using: str, runs: Sequence[Run], archive: Archive, counts: Mapping[str, int], **way: str) -> None:
    """Store receipt and record of records that are about to go, in the transaction that removes them.

    Args:
        using: alias of the database.
        runs: their ids.
        archive: where they were archived.
        counts: how many fall under each rule.
        way: ``way``, which is ``rows`` or ``partition``, and the name of the partition.

    Raises:
        AuditError: when one of them is not there or has no seal.
        AuditKeyError: when the site's key can't be read.
    """
    receipt = make_receipt(using, runs, archive=archive.name, archive_digest=archive.digest)
    receipt.save(using=using)
    evidence: dict[str, Any] = {"records": size(runs), "first": runs[0][0], "last": runs[-1][1], **way}
    evidence |= {"rules": dict(counts), "archive": archive.name, "archiveDigest": archive.digest}
    record("audit.purge", target=Target("audit-purge", str(receipt.pk)), evidence=evidence, using=using)
