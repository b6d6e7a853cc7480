"""The sealer: closes batches of finished records, one after the other, while others write on.

It takes what is committed and not sealed, makes one seal for it and touches no record. One works at a time for each
database: on PostgreSQL an advisory lock lets the first one in, and the number of a seal is its key, so that two can
never make the same one. Writers are not asked to wait.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from gridkit_django.audit.mac import MacCheck, mac_keys
from gridkit_django.audit.merkle import leaf_digest, marks_of, root_of
from gridkit_django.audit.rows import RecordRow, require_known_forms
from gridkit_django.audit.runs import runs_of
from gridkit_django.audit.sealing.extending import check_extendable, note_key
from gridkit_django.audit.sealing.statement import DIGEST_BYTES, digest_of, signed_bytes, statement_of
from gridkit_django.audit.sealing.window import Window, next_window
from gridkit_django.audit.signing import Signer, TrustedKeys, site_signer
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditSeal

logger = logging.getLogger("gridkit_django.audit")

_LOCK = "SELECT pg_try_advisory_xact_lock(1735081331, hashtext(current_schema()))"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one run of the sealer did.

    Attributes:
        seals: how many it made.
        records: how many records are in them.
        is_done: nothing was left to seal at the end.
    """

    seals: int
    records: int
    is_done: bool


class Sealer:
    """Seals the records of one database.

    Args:
        alias: of the database.
        signer: signs; the site's key when None.
        trusted: keys that may have signed the seals before; the site's when None.
        limit: records in one seal at most; ``AUDIT_SEAL_RECORDS`` when None.
        despite: go on although the chain is broken; verification will still find the break.
    """

    def __init__(
        self,
        alias: str,
        *,
        signer: Signer | None = None,
        trusted: TrustedKeys | None = None,
        limit: int | None = None,
        despite: bool = False,
    ) -> None:
        self.alias = alias
        self.signer = signer or site_signer()
        self._trusted = trusted or TrustedKeys.of_site(with_signing_key=True)
        self._limit = limit or settings().AUDIT_SEAL_RECORDS
        self._despite = despite

    def run(self, seconds: float = 20.0) -> Sealed:
        """Seal until nothing is left, but begin no seal after some seconds.

        Raises:
            AuditChainError: when the chain is broken.
            AuditKeyError: when the chain is signed and this process has no signing key.
        """
        end = time.monotonic() + seconds
        seals, records = 0, 0
        for seal in self._seals():
            seals, records = seals + 1, records + seal.count
            if seal.count < self._limit:
                break
            if time.monotonic() > end:
                return Sealed(seals, records, is_done=False)
        return Sealed(seals, records, is_done=True)

    def seal_next(self) -> AuditSeal | None:
        """Make the next seal; None when nothing is left to seal, or another one is sealing.

        Raises:
            AuditChainError, AuditKeyError: see ``run``.
        """
        vendor = connections[self.alias].vendor
        if vendor == "postgresql":
            with transaction.atomic(using=self.alias):
                return self._make() if self._may_enter() else None
        if vendor != "sqlite":
            raise AuditError(f"Seals are made on PostgreSQL and SQLite; {self.alias!r} is {vendor}.")
        # SQLite has one writer at a time: reading and hashing must not keep the others out.
        try:
            return self._make()
        except IntegrityError:
            return None

    def _seals(self) -> Iterator[AuditSeal]:
        while seal := self.seal_next():
            yield seal

    def _may_enter(self) -> bool:
        """Enter if nobody else is sealing, and see in each statement what was committed before it."""
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            if not connection.savepoint_ids:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(_LOCK)
            return bool(cursor.fetchone()[0])

    def _make(self) -> AuditSeal | None:
        last = AuditSeal.objects.using(self.alias).order_by("-number").first()
        if not self._despite:
            check_extendable(self.alias, last, self.signer, self._trusted)
        window = next_window(self.alias, last, self._limit)
        if not window.rows:
            return None
        seal = self._seal_of(window, last)
        with transaction.atomic(using=self.alias):
            seal.save(using=self.alias)
            note_key(self.alias, self.signer)
        return seal

    def _seal_of(self, window: Window, last: AuditSeal | None) -> AuditSeal:
        rows = window.rows
        require_known_forms(rows)
        told = [row.told() for row in rows]
        self._look_at_macs(rows, [content for _, content in told])
        leaves = [leaf_digest(line) for line, _ in told]
        seal = AuditSeal(
            number=1 if last is None else last.number + 1,
            spans=runs_of(row.id for row in rows),
            count=len(rows),
            first_id=rows[0].id,
            last_id=rows[-1].id,
            total=len(rows) + (0 if last is None else last.total),
            low=window.low,
            root=root_of(leaves),
            marks=marks_of(leaves),
            # The first has no seal before it: its chain gets a name of its own instead.
            previous=os.urandom(DIGEST_BYTES) if last is None else bytes(last.digest),
            key_id=self.signer.key_id,
            sealed_at=timezone.now(),
            waiting=window.waiting,
        )
        statement = statement_of(seal)
        seal.digest = digest_of(statement)
        seal.signature = self.signer.sign(signed_bytes(statement))
        return seal

    def _look_at_macs(self, rows: Sequence[RecordRow], contents: Sequence[bytes]) -> None:
        """Say in the log which records were changed before they could be sealed; verification finds them, too."""
        keys, fine = mac_keys(), (MacCheck.RIGHT, MacCheck.ABSENT)
        pairs = zip(rows, contents, strict=True)
        bad = [row.id for row, content in pairs if keys.check(content, row.mac) not in fine]
        if bad:
            logger.error("Audit records of %r whose MAC is wrong before they were sealed: %s", self.alias, bad[:20])
