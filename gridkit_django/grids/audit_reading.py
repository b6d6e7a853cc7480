"""Reading the audit trail as somebody: what the gate closes is not there, and that somebody read is recorded."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import router, transaction

from gridkit_django.audit import Target, record
from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.privacy import Revealer
from gridkit_django.audit.rows import RecordRow
from gridkit_django.audit.searching import READ, AuditSearch, estimated_count, page_of
from gridkit_django.audit.state import RowState, row_values, state_of, with_parents
from gridkit_django.conf import settings
from gridkit_django.exceptions import AccessDeniedError, AuditRecordNotFoundError
from gridkit_django.grids.access import GridAccess, model_permission
from gridkit_django.grids.disclosure import RecordGate
from gridkit_django.grids.registry import grid_registry
from gridkit_django.grids.rights import GridRights, has_permission
from gridkit_django.models import AuditOperation, AuditRecord
from gridkit_django.typing import User

VIEW_AUDIT = "gridkit_django.view_auditrecord"
TRAIL = Target("audit", "trail", "audit trail")
"""The trail itself, as what reading and exporting are done to."""

_BATCHES_MAX = 20
"""Batches that one page may look through for records whose field the reader may see."""


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """A record as its reader may see it.

    Attributes:
        record: the record; only its plain columns may be shown.
        changes: field to ``[before, after]``.
        label: the target's label, empty when the target is closed.
        context: the circumstances.
    """

    record: AuditRecord
    changes: Mapping[str, Any]
    label: str
    context: Mapping[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether the reader sees all of the record."""
        record = self.record
        seen = (dict(self.changes), self.label, dict(self.context))
        return seen == (record.changes, record.target_label, record.context)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the trail, newest first.

    Attributes:
        records: what is on it.
        older: the key before which the next page ends, None at the end.
        newer: the key after which the page of newer records begins, None on the first page.
    """

    records: tuple[SeenRecord, ...]
    older: int | None
    newer: int | None


class AuditReader:
    """The trail in the hands of a reader.

    Args:
        user: the reader.

    Attributes:
        alias: of the database of the records.

    Raises:
        AccessDeniedError: when the user lacks ``gridkit_django.view_auditrecord``.
    """

    def __init__(self, user: User) -> None:
        if not has_permission(user, VIEW_AUDIT):
            raise AccessDeniedError(f"You need the right {VIEW_AUDIT} for this. Ask an administrator for it.")
        self._user = user
        self.alias = router.db_for_read(AuditRecord)

    def page(self, search: AuditSearch, size: int, *, before: int | None = None, after: int | None = None) -> AuditPage:
        """Return one page, and record that it was read.

        Args:
            search: what is looked for.
            size: records at most.
            before: only records older than the one with this key.
            after: only records newer than the one with this key.

        Raises:
            AuditSearchError: when no index would help to answer.
        """
        search.require_sense()
        page = self._page(search, size, before, after)
        self._note_read({"search": search.told()}, page.records)
        return page

    def one(self, record_id: uuid.UUID) -> SeenRecord:
        """Return one record by its ``uuid``, and record that it was read.

        Raises:
            AuditRecordNotFoundError: when there is none.
        """
        found = AuditRecord.objects.using(self.alias).filter(uuid=record_id).first()
        if found is None:
            raise AuditRecordNotFoundError("There is no such audit record.")
        (seen,) = self.as_seen([found])
        self._note_read({}, [seen])
        return seen

    def reveal(self, record_id: uuid.UUID) -> SeenRecord:
        """Return one record with its encrypted values in the clear, and record who read them.

        Fields that the gate closes stay closed.

        Raises:
            AccessDeniedError: when the user lacks ``gridkit_django.decrypt_audit``.
            AuditRecordNotFoundError: when there is no such record.
            AuditKeyError: when a value or a key was changed; nothing is told then.
        """
        revealer = Revealer(self._user)
        seen = self.one(record_id)
        with transaction.atomic(using=router.db_for_write(AuditRecord)):
            (opened,) = revealer.reveal([seen.record])
        told = {name: opened.get(name, pair) for name, pair in seen.changes.items()}
        return replace(seen, changes=told)

    def act(self, operation: uuid.UUID) -> AuditOperation | None:
        """Return the circumstances of an act, or None."""
        return AuditOperation.objects.using(self.alias).filter(pk=operation).first()

    def state(self, target_type: str, target_id: str, moment: datetime) -> RowState:
        """Return a row as it was, as far as the reader may see it, and record that it was read.

        Args:
            target_type: the row's model as ``app_label.model``.
            target_id: its primary key.
            moment: when, aware.

        Raises:
            AuditRecordNotFoundError: when no change of such a row has been recorded.
        """
        history = AuditSearch(target_type=target_type, target_id=target_id, action="row.*", reads=False)
        history.require_sense()
        records = list(history.records(self.alias).order_by("pk"))
        if not records:
            raise AuditRecordNotFoundError("No change of such a row has been recorded.")
        gate = RecordGate(self._user, records)
        now = self._today(target_type, target_id)
        self._note_read({"state": {"of": [target_type, target_id], "at": moment.isoformat()}}, [])
        return with_parents(target_type, state_of(records, moment, now, gate.changes_of))

    def everything(self, search: AuditSearch, batch: int = 500) -> Iterator[Sequence[SeenRecord]]:
        """Yield all records that fit, in batches, newest first; who exports records that himself.

        Raises:
            AuditSearchError: when no index would help to answer.
        """
        search.require_sense()
        before: int | None = None
        while found := page_of(search, batch, before=before, using=self.alias):
            before = found[-1].pk
            yield self._fitting(search, found)

    def evidence(self, search: AuditSearch) -> EvidenceWriter:
        """Return the writer of an export that proves itself: sealed records, their seals, signatures and keys.

        A record of which the gate closes anything is told by its digest only: its text would not fit its seal.

        Raises:
            AuditSearchError: when no index would help to answer.
        """
        search.require_sense()

        def whole(rows: Sequence[RecordRow]) -> set[int]:
            fitting = search.records(self.alias).filter(pk__in=[row.id for row in rows])
            return {seen.record.pk for seen in self._fitting(search, list(fitting)) if seen.is_whole}

        return EvidenceWriter(self.alias, choice=whole)

    def estimate(self) -> int | None:
        """Return about how many records there are, or None when nobody knows without counting."""
        return estimated_count(self.alias)

    def _page(self, search: AuditSearch, size: int, before: int | None, after: int | None) -> AuditPage:
        seen: list[SeenRecord] = []
        started, forward = before, after is not None
        place = after if forward else before
        ended = self._is_hidden(search)
        for _ in range(_BATCHES_MAX):
            if ended or len(seen) > size:
                break
            span = {"after": place} if forward else {"before": place}
            found = page_of(search, size + 1, using=self.alias, **span)
            ended = len(found) <= size
            fitting = self._fitting(search, found)
            seen = [*fitting, *seen] if forward else [*seen, *fitting]
            place = place if not found else found[0 if forward else -1].pk
        rest = None if ended and len(seen) <= size else place
        return _newer_page(seen, size, after, rest) if forward else _older_page(seen, size, started, rest)

    def _is_hidden(self, search: AuditSearch) -> bool:
        """Whether the field that is looked for does not exist for the reader, whoever's row it is."""
        if not search.field:
            return False
        rights = GridRights(self._user)
        label = search.target_type
        for grid in grid_registry().all():
            access = GridAccess(grid, self._user, rights)
            fits = search.grid == access.grid_id or access.options.model._meta.label_lower == label
            if fits and access.can_open and any(search.field in (item.id, item.path) for item in access.columns):
                return False
        probe = AuditRecord(target_type=label, changes={search.field: [None, None]})
        return not (label and RecordGate(self._user, [probe]).changes_of(probe))

    def _fitting(self, search: AuditSearch, found: Sequence[AuditRecord]) -> list[SeenRecord]:
        """Return the records as they are seen; what would fit by a closed field only does not fit."""
        return [seen for seen in self.as_seen(found) if not search.field or search.field in seen.changes]

    def as_seen(self, found: Sequence[AuditRecord]) -> list[SeenRecord]:
        """Return records as the reader sees them; who shows them records that they were read."""
        gate = RecordGate(self._user, found)
        return [SeenRecord(item, gate.changes_of(item), gate.label_of(item), gate.context_of(item)) for item in found]

    def _today(self, target_type: str, target_id: str) -> dict[str, Any] | None:
        """Return the values of the row as it is now, as far as the reader may see the row itself; None when it is gone.

        The trail must not become a window on rows: the right to view the model opens it, or a grid that shows the row.
        """
        try:
            model = apps.get_model(target_type)
            row = model._base_manager.filter(pk=target_id).first()
        except (LookupError, ValueError, ValidationError):
            return None
        if row is None:
            return None
        values = {name: [None, value] for name, value in row_values(row).items()}
        grids = [""] if has_permission(self._user, model_permission(model, "view")) else self._grids_over(target_type)
        told: dict[str, Any] = {}
        for grid in grids:
            now = AuditRecord(target_type=target_type, target_id=target_id, grid=grid, changes=values)
            told |= {name: pair[1] for name, pair in RecordGate(self._user, [now]).changes_of(now).items()}
        return told

    def _grids_over(self, target_type: str) -> list[str]:
        grids = (grid.options for grid in grid_registry().all())
        return [options.id for options in grids if options.model._meta.label_lower == target_type]

    def _note_read(self, told: Mapping[str, Any], seen: Iterable[SeenRecord]) -> None:
        keys = [str(item.record.uuid) for item in seen]
        note(READ, {**told, "records": keys})


def note(action: str, evidence: Mapping[str, Any], target: Target = TRAIL) -> None:
    """Record that the trail was read or exported, unless ``AUDIT_READS`` says no.

    Args:
        action: what was done.
        evidence: what was asked for, and what was given.
        target: of whom all was read, where it was all of one.
    """
    if settings().AUDIT_READS:
        with transaction.atomic(using=router.db_for_write(AuditRecord)):
            record(action, target=target, evidence=evidence)


def _older_page(seen: Sequence[SeenRecord], size: int, started: int | None, rest: int | None) -> AuditPage:
    """Return a page that was read towards the past: from ``started`` on, and ``rest`` is how far was looked."""
    shown = tuple(seen[:size])
    older = shown[-1].record.pk if len(seen) > size else rest
    newer = None if started is None else (shown[0].record.pk if shown else started)
    return AuditPage(shown, older, newer)


def _newer_page(seen: Sequence[SeenRecord], size: int, started: int | None, rest: int | None) -> AuditPage:
    """Return a page that was read towards the present."""
    shown = tuple(seen[-size:])
    newer = shown[0].record.pk if len(seen) > size else rest
    return AuditPage(shown, shown[-1].record.pk if shown else started, newer)
