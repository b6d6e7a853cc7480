"""The keys of subjects: made at first use, wrapped at rest, held open in memory for a moment."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.db import transaction

from gridkit_django.audit.privacy.providers import KeyProvider, key_provider
from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.exceptions import AuditKeyError
from gridkit_django.models import AuditSubjectKey

KEY_BYTES = 32
HELD_SECONDS = 60
"""How long a process may go on with a key that another one has destroyed. What it encrypts then is lost with it."""

_HELD_MAX = 10_000


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A subject's key, unwrapped.

    Attributes:
        id: of its row.
        key: 32 bytes.
    """

    id: UUID
    key: bytes


class SubjectKeys:
    """Gives the keys of subjects. One for the process; it holds the open ones for a minute at most."""

    def __init__(self, provider: Callable[[], KeyProvider] = key_provider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, Subject], tuple[float, OpenKey]] = OrderedDict()

    def of(self, subject: Subject, using: str) -> OpenKey:
        """Return the key that values of a subject are encrypted with; it is made when there is none.

        Args:
            subject: whom the values speak of.
            using: alias of the database of the records; the key is stored beside them, in the same transaction.

        Raises:
            AuditKeyError: when the stored key can't be unwrapped.
        """
        held = self._held_now(using, subject)
        if held is not None:
            return held
        names = subject.names()
        row = self._stored(names, using) or self._made(names[0], using)
        opened = self.opened(row)
        # A key that was made in a transaction which is rolled back must not outlive it.
        transaction.on_commit(partial(self._hold, using, subject, opened), using=using)
        return opened

    def opened(self, row: AuditSubjectKey) -> OpenKey:
        """Unwrap a stored key.

        Raises:
            AuditKeyError: when it was destroyed, or can't be unwrapped.
        """
        if row.wrapped is None:
            raise AuditKeyError("The key of this subject was destroyed: what it encrypted is gone for ever.")
        return OpenKey(row.pk, self._provider().unwrap(row.master_id, bytes(row.wrapped), row.pk.bytes))

    def forget(self) -> None:
        """Let go of every open key, for example after one was destroyed."""
        with self._lock:
            self._held.clear()

    def _stored(self, names: tuple[str, ...], using: str) -> AuditSubjectKey | None:
        rows = AuditSubjectKey.objects.using(using).filter(subject__in=names, erased_at=None)
        found = {row.subject: row for row in rows}
        return next((found[name] for name in names if name in found), None)

    def _made(self, name: str, using: str) -> AuditSubjectKey:
        """Store a new key, unless somebody else is just doing so: then theirs is waited for and taken."""
        provider, key_id = self._provider(), uuid4()
        wrapped = provider.wrap(os.urandom(KEY_BYTES), key_id.bytes)
        row = AuditSubjectKey(id=key_id, subject=name, wrapped=wrapped, master_id=provider.master_id)
        AuditSubjectKey.objects.using(using).bulk_create([row], ignore_conflicts=True)
        found = self._stored((name,), using)
        if found is None:
            raise AuditKeyError(
                "Another transaction made the key of this subject at the same time and can't be seen by this one. "
                "Try again."
            )
        return found

    def _held_now(self, using: str, subject: Subject) -> OpenKey | None:
        with self._lock:
            until, opened = self._held.get((using, subject), (0.0, None))
            return opened if until > time.monotonic() else None

    def _hold(self, using: str, subject: Subject, opened: OpenKey) -> None:
        with self._lock:
            self._held[using, subject] = (time.monotonic() + HELD_SECONDS, opened)
            self._held.move_to_end((using, subject))
            while len(self._held) > _HELD_MAX:
                self._held.popitem(last=False)


def subject_keys() -> SubjectKeys:
    """Return the keys of this process."""
    config: Any = apps.get_app_config("gridkit_django")
    found: SubjectKeys = config.audit_subject_keys
    return found
