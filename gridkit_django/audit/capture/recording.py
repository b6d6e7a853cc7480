"""From what happened to rows to records in the trail: who, through what, and what of it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.gaps import AuditGaps
from gridkit_django.audit.capture.plans import Policied
from gridkit_django.audit.capture.reasons import require_reason
from gridkit_django.audit.capture.rows import Told
from gridkit_django.audit.capture.withheld import VALUES
from gridkit_django.audit.lone_record import LoneAct, write_lone
from gridkit_django.audit.policies import CREATE, DELETE, AuditPolicy
from gridkit_django.audit.privacy.protection import Protection
from gridkit_django.audit.writer import Circumstances, Draft, actor_columns, write, write_one
from gridkit_django.events import Act, current_act
from gridkit_django.exceptions import AuditUnavailableError
from gridkit_django.typing import JSONObject

_Item = TypeVar("_Item")

_CHUNK = 1000


class Recording:
    """Writes the records of rows. One for the process; it remembers gaps until the trail can hold them."""

    def __init__(self) -> None:
        self.gaps = AuditGaps()
        nobody = Act()
        self._last = (nobody, True, Circumstances.of(nobody), actor_columns(nobody.actor))
        self._lone = LoneAct(nobody, metadata=True)

    def write(
        self,
        connection: BaseDatabaseWrapper,
        policy: AuditPolicy,
        policies: Policied,
        grid: str,
        changes: Iterable[Told],
    ) -> None:
        """Write the records of what happened to rows of one model.

        Args:
            connection: the database, in a transaction.
            policy: the policy that holds.
            policies: those of the model.
            grid: the grid at work, empty for none.
            changes: the rows.

        Raises:
            AuditUnavailableError: when they can't be written, unless the policy fails open.
            ReasonRequiredError: when a person gave no reason for it and must.
        """
        act = current_act()
        label = policies.label
        circumstances, who = self._told_of(act, metadata=policy.include_metadata)

        def drafts() -> Iterator[Draft]:
            for record, (action, key, _, name), shown in _shown(policy, connection, changes, beside=policies.beside):
                if policy.reason_required:
                    require_reason(policy, act, label)
                if not policies.beside:
                    yield Draft(circumstances, action, *who, label, key, name, grid, shown, uuid=record)
                    continue
                hidden = {field: pair for field, pair in shown.items() if field in policy.encrypt}
                told: JSONObject = {"of": action}
                yield Draft(circumstances, VALUES, *who, label, key, name, grid, hidden, told, uuid=record)

        if not policy.fail_open:
            self.gaps.tell(connection)
            # Keys of people are read from the same connection, which answers nothing while it copies records.
            for part in _parts(drafts()) if policy.encrypt else [drafts()]:
                write(connection, circumstances, part)
            return
        found = list(drafts())
        if found:
            self._write_or_leave_a_gap(connection, circumstances, found)

    def write_one(
        self,
        connection: BaseDatabaseWrapper,
        policy: AuditPolicy,
        told: tuple[str, str, str, str],
        name: str,
        changes: str,
    ) -> None:
        """Write the record of a lone row under a policy that hides nothing, asks for no reason and fails closed.

        Args:
            connection: the database, in a transaction.
            policy: the policy that holds.
            told: the model, the grid at work, what was done, and the key of the row.
            name: the label of the row.
            changes: the text of its entries, in braces.

        Raises:
            AuditUnavailableError: when it can't be written.
        """
        act, metadata = current_act(), policy.include_metadata
        lone = self._lone
        if lone.act is not act or lone.metadata != metadata:
            self._lone = lone = LoneAct(act, metadata=metadata)
        self.gaps.tell(connection)
        if write_lone(connection, lone, told, name, changes):
            return
        circumstances, who = self._told_of(act, metadata=metadata)
        label, grid, action, key = told
        write_one(connection, Draft(circumstances, action, *who, label, key, name, grid, changes))

    def _told_of(self, act: Act, *, metadata: bool) -> tuple[Circumstances, tuple[str, str, str]]:
        """Return what the records of an act share; one act often makes several."""
        known, with_metadata, circumstances, who = self._last
        if known is not act or with_metadata != metadata:
            circumstances, who = Circumstances.of(act, metadata=metadata), actor_columns(act.actor)
            self._last = (act, metadata, circumstances, who)
        return circumstances, who

    def _write_or_leave_a_gap(
        self, connection: BaseDatabaseWrapper, circumstances: Circumstances, drafts: list[Draft]
    ) -> None:
        try:
            with transaction.atomic(using=connection.alias):
                self.gaps.tell(connection)
                write(connection, circumstances, drafts)
        except AuditUnavailableError as error:
            self.gaps.add(connection.alias, drafts, error)


def _parts(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield so many at a time that memory does not grow with their number."""
    waiting = iter(items)
    while part := list(islice(waiting, _CHUNK)):
        yield part


def _shown(
    policy: AuditPolicy, connection: BaseDatabaseWrapper, changes: Iterable[Told], *, beside: bool
) -> Iterator[tuple[UUID, Told, dict[str, Any]]]:
    """Yield what is told, each with the uuid of its record and with what the record may hold of the values."""
    told = _told(policy, changes, beside=beside)
    if not policy.mask and not policy.encrypt:
        yield from ((uuid4(), row, row[2]) for row in told)
        return
    for part in _parts(told):
        protection = Protection(policy, [row[:3] for row in part], connection.alias)
        for row in part:
            record = uuid4()
            yield record, row, protection.shown(row[:3], record)


def _told(policy: AuditPolicy, changes: Iterable[Told], *, beside: bool) -> Iterator[Told]:
    """Yield what a policy lets be told: actions, fields and values; only what has encrypted ones, ``beside`` others."""
    follows_all = policy.fields is None and not policy.exclude
    for action, key, values, label in changes:
        if action not in policy.actions:
            continue
        told = values if follows_all else {name: pair for name, pair in values.items() if policy.follows(name)}
        if policy.encrypt.intersection(told) if beside else told or action in (CREATE, DELETE):
            yield action, key, told, label
