"""Receipts of purges: what verification needs to go on where sealed records were removed on purpose.

A receipt says which ids went and keeps the digests of those whose seal has other records left; it is signed like a
seal. So a purge can be told from somebody's deletion, and the seals of the records that stay can still be verified.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min
from django.utils import timezone

from gridkit_django.audit.canonical import moment
from gridkit_django.audit.checkpoints import origin_of
from gridkit_django.audit.merkle import leaf_digest
from gridkit_django.audit.rows import RecordRows
from gridkit_django.audit.runs import HIGHEST, LOWEST, Run, common, merged, size
from gridkit_django.audit.signing import SignatureCheck, Signer, TrustedKeys, site_signer
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditPurge, AuditSeal

FORM = 2
PREFIX = b"gridkit audit purge 1\n"
LEAF_BYTES = 32


def make_receipt(
    alias: str, runs: Sequence[Run], *, signer: Signer | None = None, archive: str = "", archive_digest: str = ""
) -> AuditPurge:
    """Return the receipt for sealed records that are about to be removed.

    Call it and save the receipt in the transaction that removes them, before they are gone.

    Args:
        alias: of the database.
        runs: ids of the records, as ``(first, last)``; see ``gridkit_django.audit.runs.runs_of``.
        signer: signs it; the site's key when None.
        archive: where the records were archived.
        archive_digest: digest of the archive.

    Raises:
        AuditError: when one of the records is not there or has no seal.
        AuditKeyError: when the site's key can't be read.
    """
    by = signer or site_signer()
    removed = merged(runs)
    receipt = AuditPurge(
        first_id=removed[0][0],
        last_id=removed[-1][1],
        count=size(removed),
        spans=removed,
        leaves=_leaves(alias, removed),
        archive=archive,
        archive_digest=archive_digest,
        removed_at=timezone.now(),
        key_id=by.key_id,
    )
    receipt.signature = by.sign(PREFIX + receipt_statement(receipt, origin_of(alias)).encode())
    return receipt


def receipt_statement(receipt: AuditPurge, origin: str) -> str:
    """Return the text of a receipt that is signed.

    Args:
        receipt: the receipt.
        origin: name of the chain that it stands beside. The receipts of two chains may be signed with one key, so the
            name keeps one of another database, or of an earlier life of this one, from excusing anything here.
    """
    said = {
        "archive": receipt.archive,
        "archiveDigest": receipt.archive_digest,
        "count": receipt.count,
        "form": FORM,
        "key": receipt.key_id,
        "leaves": receipt.leaves,
        "origin": origin,
        "removedAt": moment(receipt.removed_at),
        "spans": receipt.spans,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _leaves(alias: str, removed: Sequence[Run]) -> dict[str, list[list[Any]]]:
    """Return the digests of removed records whose seal keeps others, by the number of the seal."""
    seals = AuditSeal.objects.using(alias).filter(last_id__gte=removed[0][0], first_id__lte=removed[-1][1])
    earlier = _removed_before(alias, removed[0][0], removed[-1][1])
    found: dict[str, list[list[Any]]] = {}
    covered = 0
    for seal in seals.order_by("number").defer("marks").iterator():
        spans = [(first, last) for first, last in seal.spans]
        mine = common(spans, removed)
        covered += size(mine)
        if mine and size(merged([*mine, *common(spans, earlier)])) < seal.count:
            found[str(seal.number)] = [_digests(alias, run) for run in mine]
    if covered != size(removed):
        raise AuditError(f"{size(removed) - covered} of these records have no seal. Seal them before they are removed.")
    return found


def _removed_before(alias: str, first: int, last: int) -> list[Run]:
    """Return what earlier receipts say of the seals around some ids."""
    around = AuditSeal.objects.using(alias).filter(last_id__gte=first, first_id__lte=last)
    ends = around.aggregate(first=Min("first_id"), last=Max("last_id"))
    receipts = AuditPurge.objects.using(alias).filter(
        last_id__gte=ends["first"] or first, first_id__lte=ends["last"] or last
    )
    return merged((run[0], run[1]) for spans in receipts.values_list("spans", flat=True) for run in spans)


def _digests(alias: str, run: Run) -> list[Any]:
    rows = RecordRows(alias).between(*run)
    if len(rows) != size([run]):
        raise AuditError(f"Of the records {run[0]} to {run[1]} some are not there. Name what is there only.")
    return [run[0], base64.b64encode(b"".join(leaf_digest(row.line()) for row in rows)).decode()]


@dataclass(frozen=True)
class Removed:
    """What receipts say of a database.

    Attributes:
        runs: ids that were removed.
        leaves: number of a seal to the digests of its removed records by id.
    """

    runs: list[Run]
    leaves: Mapping[int, Mapping[int, bytes]]

    @classmethod
    def of(cls, alias: str, trusted: TrustedKeys, around: Run) -> Removed:
        """Read the receipts around some ids; those that can't be believed count as if they were not there.

        No seal vouches for a receipt, so the keys that signed receipts long ago must be known from outside, too.

        Args:
            alias: of the database.
            trusted: keys that are believed.
            around: only receipts that may be about an id from the first to the last.
        """
        runs: list[Run] = []
        leaves: dict[int, dict[int, bytes]] = {}
        for receipt, check in checked_receipts(alias, trusted, around):
            if check is not SignatureCheck.RIGHT:
                continue
            runs += [(first, last) for first, last in receipt.spans]
            for number, parts in receipt.leaves.items():
                known = leaves.setdefault(int(number), {})
                for first, text in parts:
                    known.update(_split(first, base64.b64decode(text)))
        return cls(merged(runs), leaves)


def checked_receipts(
    alias: str, trusted: TrustedKeys, around: Run = (LOWEST, HIGHEST)
) -> Iterator[tuple[AuditPurge, SignatureCheck]]:
    """Yield the receipts of a database, each with what its signature says.

    Args:
        alias: of the database.
        trusted: keys that are believed.
        around: only receipts that may be about an id from the first to the last.
    """
    origin = origin_of(alias)
    near = AuditPurge.objects.using(alias).filter(first_id__lte=around[1], last_id__gte=around[0])
    for receipt in near.order_by("pk").iterator(chunk_size=10):
        message = PREFIX + receipt_statement(receipt, origin).encode()
        yield receipt, trusted.check(receipt.key_id, message, bytes(receipt.signature))


def _split(first: int, digests: bytes) -> dict[int, bytes]:
    places = range(0, len(digests), LEAF_BYTES)
    return {first + place // LEAF_BYTES: digests[place : place + LEAF_BYTES] for place in places}
