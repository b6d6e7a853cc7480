"""Verifying the trail of one database, from its first seal or from a later one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connections
from django.utils import timezone

from gridkit_django.audit.mac import MacKeys, mac_keys
from gridkit_django.audit.receipts import Removed, checked_receipts
from gridkit_django.audit.rows import RecordRow, RecordRows
from gridkit_django.audit.runs import HIGHEST, LOWEST, Run, gaps, merged
from gridkit_django.audit.sealing.statement import digest_of, statement_of
from gridkit_django.audit.sealing.window import sealed_above
from gridkit_django.audit.signing import SignatureCheck, TrustedKeys
from gridkit_django.audit.verifier import Note
from gridkit_django.audit.verify.batches import BatchCheck
from gridkit_django.audit.verify.chain import ChainCheck, Link
from gridkit_django.audit.verify.faults import FaultKind, Verification
from gridkit_django.audit.verify.notes import check_notes
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditChainError
from gridkit_django.models import AuditSeal

_SEALS = 100
_ROWS = 1000


class DatabaseVerifier:
    """Verifies the trail of one database. It changes nothing, and holds one batch in memory at a time.

    Args:
        alias: of the database.
        trusted: keys that are believed; the site's when None.
        keys: keys of MACs; the site's when None.
        notes: checkpoints that were kept elsewhere.
        first: number of the seal to begin with; what is before it is taken as true.
        with_repeats: look for records that were copied, too, which reads all uuids once.

    Attributes:
        result: what was found so far.
        on_seal: is given that after each seal.
    """

    def __init__(
        self,
        alias: str,
        *,
        trusted: TrustedKeys | None = None,
        keys: MacKeys | None = None,
        notes: Sequence[Note] = (),
        first: int = 1,
        with_repeats: bool = True,
    ) -> None:
        self.result = Verification(alias)
        self.on_seal: Callable[[Verification], None] = _nothing
        self._alias = alias
        self._trusted = trusted or TrustedKeys.of_site()
        self._keys = keys or mac_keys()
        self._notes = notes
        self._first = first
        self._with_repeats = with_repeats
        self._rows = RecordRows(alias)
        self._low = LOWEST
        self._sealed: list[Run] = []

    def run(self) -> Verification:
        """Verify and return what was found.

        Raises:
            AuditChainError: when there is no seal before the first one that is asked for.
        """
        chain = ChainCheck(self.result, self._trusted, self._start())
        self._tell_bad_receipts()
        # Never all of them: after years of purges their digests fill the memory.
        batches = BatchCheck(self.result, self._keys, lambda around: Removed.of(self._alias, self._trusted, around))
        for seal in self._seals():
            if chain.follow(seal):
                batches.check(seal)
                self._check_added(seal)
            self.on_seal(self.result)
        self._check_unsealed(batches)
        chain.finish()
        check_notes(self.result, self._trusted, self._notes)
        if self._with_repeats:
            self._check_repeats()
        return self.result

    def _start(self) -> Link:
        """Return what is taken as true, and know what is sealed before."""
        if self._first <= 1:
            return Link()
        before = AuditSeal.objects.using(self._alias).filter(number=self._first - 1).first()
        if before is None:
            raise AuditChainError(f"There is no seal {self._first - 1} to go on from. Begin earlier.")
        self._low = before.low
        self._sealed = sealed_above(self._alias, before.low, before=self._first)
        self.result.last_seal, self.result.last_digest = before.number, bytes(before.digest)
        return Link(before.number, digest_of(statement_of(before)), before.total)

    def _seals(self) -> Iterator[AuditSeal]:
        """Yield the seals in order; those that are made meanwhile come, too."""
        number = self._first - 1
        while chunk := list(
            AuditSeal.objects.using(self._alias).filter(number__gt=number).order_by("number").defer("waiting")[:_SEALS]
        ):
            yield from chunk
            number = chunk[-1].number

    def _check_added(self, seal: AuditSeal) -> None:
        """A seal says up to which id everything is sealed: what else is there was added afterwards."""
        self._sealed = merged([*self._sealed, *((first, last) for first, last in seal.spans)])
        if seal.low <= self._low:
            return
        between = gaps(self._sealed, self._low + 1, seal.low)
        for number in self._rows.ids(between, _ROWS):
            detail = "there is a record more than was sealed"
            self.result.add(FaultKind.ADDED, detail, seal=seal.number, record=number)
        self._low = seal.low
        self._sealed = [run for run in self._sealed if run[1] > seal.low]

    def _check_unsealed(self, batches: BatchCheck) -> None:
        """Look at the records without a seal: by their MACs, and whether they wait too long."""
        limit = timezone.now() - timedelta(seconds=settings().AUDIT_UNSEALED_SECONDS)
        late: list[int] = []
        open_runs = gaps(self._sealed, self._low + 1, HIGHEST)
        while rows := self._rows.of(open_runs, _ROWS):
            batches.check_unsealed(rows)
            self.result.unsealed += len(rows)
            late += [row.id for row in rows if _written_at(row) < limit]
            open_runs = gaps(self._sealed, rows[-1].id + 1, HIGHEST)
        if late:
            detail = f"{len(late)} records have waited for a seal too long; the sealer may not run"
            self.result.add(FaultKind.UNSEALED, detail, record=late[0])

    def _tell_bad_receipts(self) -> None:
        for receipt, check in checked_receipts(self._alias, self._trusted):
            if check is SignatureCheck.RIGHT:
                continue
            is_wrong = check is SignatureCheck.WRONG
            kind = FaultKind.BAD_SIGNATURE if is_wrong else FaultKind.UNKNOWN_KEY
            self.result.add(kind, f"the receipt of purge {receipt.pk} is not signed with a key that is trusted")

    def _check_repeats(self) -> None:
        """Find records that were copied: their MACs are right, but no two records have one uuid."""
        connection = connections[self._alias]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT max(id), count(*) FROM {self._rows.table} GROUP BY uuid HAVING count(*) > 1 LIMIT 100"  # noqa: S608
            )
            for number, count in cursor.fetchall():
                detail = f"{count} records have the uuid of this one"
                self.result.add(FaultKind.REPEATED, detail, record=number)


def _nothing(_result: Verification) -> None:
    """Tell nobody."""


def _written_at(row: RecordRow) -> datetime:
    value = datetime.fromisoformat(row.occurred_at) if isinstance(row.occurred_at, str) else row.occurred_at
    return value if value.tzinfo else value.replace(tzinfo=UTC)
