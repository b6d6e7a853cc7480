"""The records under a seal: whether they are what was sealed, and which are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gridkit_django.audit.mac import MacCheck, MacKeys
from gridkit_django.audit.merkle import MARK_BYTES, leaf_digest, root_of
from gridkit_django.audit.receipts import Removed
from gridkit_django.audit.rows import RecordRow, RecordRows
from gridkit_django.audit.runs import Run, common, ids_in, runs_of, size
from gridkit_django.audit.verify.faults import FaultKind, Verification
from gridkit_django.exceptions import AuditFormError
from gridkit_django.models import AuditSeal

_COMPARED = 200
"""Bad records of one seal that are compared with each other, to tell moved ones from changed ones."""


class BatchCheck:
    """Checks the records of seals.

    Args:
        result: where faults are noted.
        keys: keys of MACs.
        receipts: reads what receipts of purges around some ids say.
    """

    def __init__(self, result: Verification, keys: MacKeys, receipts: Callable[[Run], Removed]) -> None:
        self._result = result
        self._keys = keys
        self._receipts = receipts
        self._removed = Removed([], {})
        self._rows = RecordRows(result.alias)

    def check(self, seal: AuditSeal) -> None:
        """Check the records of one seal."""
        spans = [(first, last) for first, last in seal.spans]
        rows = self._rows.of(spans)
        self._result.records += len(rows)
        told = [row.told() for row in rows]
        leaves = {row.id: leaf_digest(line) for row, (line, _) in zip(rows, told, strict=True)}
        ids = list(ids_in(spans))
        if len(rows) != seal.count and self._add_removed(seal, spans, leaves):
            return
        missing = [number for number in ids if number not in leaves]
        if not missing and root_of([leaves[number] for number in ids]) == bytes(seal.root):
            self._check_macs(rows, [content for _, content in told], seal)
            return
        if missing:
            detail = f"{len(missing)} sealed records are not there, the first is {missing[0]}"
            self._result.add(FaultKind.MISSING, detail, seal=seal.number, record=missing[0])
        self._name(seal, ids, rows, leaves)

    def _add_removed(self, seal: AuditSeal, spans: list[Run], leaves: dict[int, bytes]) -> bool:
        """Add the digests of purged records; True when all of them were purged."""
        gone = [number for number in ids_in(spans) if number not in leaves]
        if size(common(runs_of(gone), self._removed.runs)) < len(gone):
            # They are read when they are needed first, and again when a purge has gone on meanwhile.
            self._removed = self._receipts((spans[0][0], spans[-1][1]))
        purged = list(ids_in(common(runs_of(gone), self._removed.runs)))
        self._result.purged += len(purged)
        known: Mapping[int, bytes] = self._removed.leaves.get(seal.number, {})
        leaves.update({number: known[number] for number in purged if number in known})
        return len(purged) == size(spans)

    def _check_macs(self, rows: Sequence[RecordRow], contents: Iterable[bytes], seal: AuditSeal | None) -> None:
        for row, content in zip(rows, contents, strict=True):
            check = self._keys.check(content, row.mac)
            number = seal.number if seal else None
            if check is MacCheck.WRONG:
                detail = "the record was changed before it was sealed: its MAC is wrong"
                self._result.add(FaultKind.CHANGED, detail, seal=number, record=row.id)
            elif check is MacCheck.UNKNOWN_KEY and seal is None:
                detail = "the MAC of the record was made with a key that this site does not have"
                self._result.add(FaultKind.UNKNOWN_KEY, detail, record=row.id)

    def check_unsealed(self, rows: list[RecordRow]) -> None:
        """Check records that have no seal yet, by their MACs alone."""
        self._check_macs(rows, [row.told()[1] for row in rows], None)

    def _name(self, seal: AuditSeal, ids: list[int], rows: list[RecordRow], leaves: Mapping[int, bytes]) -> None:
        """Say which records are bad, by the marks that the seal keeps of each."""
        marks = bytes(seal.marks)
        wanted = {number: marks[at * MARK_BYTES :][:MARK_BYTES] for at, number in enumerate(ids)}
        bad = {number for number in ids if number in leaves and leaves[number][:MARK_BYTES] != wanted[number]}
        for row in rows:
            if row.id in bad:
                others = {number: wanted[number] for number in sorted(bad - {row.id})[:_COMPARED]}
                kind, detail = self._kind_of(row, others)
                self._result.add(kind, detail, seal=seal.number, record=row.id)
        if not bad and len(leaves) == len(ids):
            self._result.add(FaultKind.CHANGED, "some record of the seal is not what was sealed", seal=seal.number)

    def _kind_of(self, row: RecordRow, others: Mapping[int, bytes]) -> tuple[FaultKind, str]:
        try:
            text = row.canonical()
        except AuditFormError as error:
            return FaultKind.CHANGED, f"the record is not what was sealed: {error}"
        for number, mark in others.items():
            if leaf_digest(text.line(number))[:MARK_BYTES] == mark:
                return FaultKind.MOVED, f"the record has the content that was sealed as record {number}"
        if self._keys.check(text.content(), row.mac) is MacCheck.RIGHT:
            return FaultKind.MOVED, "the record is a genuine one, but not the one that was sealed in this place"
        return FaultKind.CHANGED, "the record is not what was sealed"
