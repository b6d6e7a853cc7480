"""What the audit trail holds of one person, for whoever must answer them; reading it is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import router, transaction

from gridkit_django.audit import Target, audit_policies
from gridkit_django.audit.privacy import DECRYPT, Mentions, Revealer, Subject
from gridkit_django.audit.searching import READ
from gridkit_django.exceptions import AuditKeyError, AuditSearchError
from gridkit_django.grids.audit_export import EXPORT, EXPORTED, written
from gridkit_django.grids.audit_reading import AuditReader, SeenRecord, note
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import AuditRecord
from gridkit_django.typing import User

FORMS = ("ndjson", "csv")
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """A page of a report, newest first.

    Attributes:
        records: what is on it.
        older: the key before which the next page begins, None at the end.
        is_complete: whether the page is full or the trail at its end; otherwise time was up.
    """

    records: tuple[SeenRecord, ...]
    older: int | None
    is_complete: bool


class SubjectReport:
    """All records of and about a person, as one reader may see them.

    Args:
        user: the reader.
        subject: the person.
        acts: with what the person did as a user, too.
        looks: with who looked at them, too.
        clear: open encrypted values; each record that is opened leaves a record of that.

    Raises:
        AccessDeniedError: without ``gridkit_django.view_auditrecord``, or ``decrypt_audit`` where values are opened.
    """

    def __init__(
        self, user: User, subject: Subject, *, acts: bool = False, looks: bool = False, clear: bool = False
    ) -> None:
        self._reader = AuditReader(user)
        self._revealer = Revealer(user) if clear else None
        self._mentions = Mentions(subject, self._reader.alias, acts=acts, looks=looks)
        self._target = Target(subject.type, subject.id)
        asked = {"acts": acts, "looks": looks, "clear": clear}
        self._told = {"subject": [subject.type, subject.id], **{name: True for name, value in asked.items() if value}}

    def page(self, size: int, *, before: int | None = None, seconds: float | None = None) -> SubjectPage:
        """Return one page, and record that it was read.

        Args:
            size: records at most.
            before: only records older than the one with this key.
            seconds: look no further after this.
        """
        ids: list[int] = []
        rest, end, is_complete = None, time.monotonic() + (seconds or 0), True
        for found, lowest in self._mentions.stretches(before):
            ids += found
            if len(ids) > size:
                break
            if seconds is not None and time.monotonic() > end:
                rest, is_complete = lowest, False
                break
        shown = self._seen(ids[:size])
        note(READ, {**self._told, "records": [str(item.record.uuid) for item in shown]}, self._target)
        return SubjectPage(tuple(shown), ids[size - 1] if len(ids) > size else rest, is_complete)

    def everything(self) -> Iterator[list[SeenRecord]]:
        """Yield all records in batches, newest first; who exports them records that himself."""
        for found, _lowest in self._mentions.stretches():
            for start in range(0, len(found), _AT_ONCE):
                yield self._seen(found[start : start + _AT_ONCE])

    def export(self, form: str) -> Iterator[str]:
        """Return the text of the report, piece by piece; it is recorded when it begins and when it ends.

        Args:
            form: ``ndjson`` or ``csv``.

        Raises:
            AuditSearchError: for another form.
        """
        if form not in FORMS:
            raise AuditSearchError.at("?format", f"The format is one of {', '.join(FORMS)}.")
        told = {**self._told, "format": form}
        note(EXPORT, told, self._target)
        return self._noted(form, told)

    def _noted(self, form: str, told: dict[str, Any]) -> Iterator[str]:
        count, complete = 0, False

        def records() -> Iterator[SeenRecord]:
            nonlocal count
            for batch in self.everything():
                count += len(batch)
                yield from batch

        try:
            yield from written(form, told, records())
            complete = True
        finally:
            note(EXPORTED, {**told, "rows": count, "complete": complete}, self._target)

    def _seen(self, ids: Sequence[int]) -> list[SeenRecord]:
        rows = AuditRecord.objects.using(self._reader.alias).in_bulk(ids)
        seen = self._fitting(self._reader.as_seen([rows[pk] for pk in ids if pk in rows]))
        return seen if self._revealer is None else _opened(self._revealer, seen)

    def _fitting(self, seen: Sequence[SeenRecord]) -> list[SeenRecord]:
        """Leave out what fits by closed values only: that it is in the report would tell the reader whose row it is.

        A record of another row tells it by an encrypted value, and by the field that says whom the row speaks of.
        """
        others = {item.record.pk: item for item in seen if not self._mentions.is_plain(item.record)}
        open_values = [item.record for item in others.values() if self._mentions.opens(item.changes)]
        probes = {record.pk: _probe(record) for record in open_values}
        shown = self._reader.as_seen([probe for probe in probes.values() if probe.changes])
        open_fields = {item.record.pk for item in shown if item.changes}
        fit = {pk for pk, probe in probes.items() if not probe.changes or pk in open_fields}
        return [item for item in seen if item.record.pk not in others or item.record.pk in fit]


def _opened(revealer: Revealer, seen: Sequence[SeenRecord]) -> list[SeenRecord]:
    """Open what can be opened. A value that was changed since stays closed, and the others do not."""
    try:
        with transaction.atomic(using=router.db_for_write(AuditRecord)):
            opened = revealer.reveal([item.record for item in seen])
    except AuditKeyError:
        return [_opened(revealer, [item])[0] for item in seen] if len(seen) > 1 else list(seen)
    return [
        replace(item, changes={name: told.get(name, pair) for name, pair in item.changes.items()})
        for item, told in zip(seen, opened, strict=True)
    ]


def _probe(record: AuditRecord) -> AuditRecord:
    """Return a record of the same row that changes nothing but the field which says whom the row speaks of."""
    policy = audit_policies().table.effective(record.target_type, record.grid)
    changes = {policy.subject: [None, None]} if policy is not None and policy.subject else {}
    return AuditRecord(
        pk=record.pk,
        operation=record.operation,
        target_type=record.target_type,
        target_id=record.target_id,
        grid=record.grid,
        changes=changes,
    )


def may_open(user: User) -> bool:
    """Whether a reader may have encrypted values opened."""
    return has_permission(user, DECRYPT)
