"""The keys of subjects: made at first use, wrapped at rest, held open in memory for a moment."""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction

from gridkit_django.audit.privacy.providers import KeyProvider, key_provider
from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.exceptions import AuditKeyError
from gridkit_django.models import AuditSubjectKey

KEY_BYTES = 32
_NAMING = b"gridkit_django: id of an audit subject's key, 1"
_NAMED = 8
"""Version of the ids that are made from their keys (RFC 9562, 5.8); older keys have random ones."""

HELD_SECONDS = 60
"""How long a process may go on with a key that another one has destroyed. What it encrypts then is lost with it."""

_HELD_MAX = 10_000
_CHUNK = 500


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
        return self.of_all([subject], using)[subject]

    def of_all(self, subjects: Iterable[Subject], using: str) -> dict[Subject, OpenKey]:
        """Return the keys of many subjects, see ``of``: a few statements, however many there are.

        Raises:
            AuditKeyError: when a stored key can't be unwrapped.
        """
        found, wanted = self._held_now(using, subjects)
        names = {subject: subject.names() for subject in wanted}
        rows = self._stored([name for each in names.values() for name in each], using)
        missing = sorted(each[0] for each in names.values() if not any(name in rows for name in each))
        provider = self._provider()
        rows.update(self._made(provider, missing, using))
        opened = {
            subject: open_key(provider, next(rows[name] for name in each if name in rows))
            for subject, each in names.items()
        }
        if opened:
            # A key that was made in a transaction which is rolled back must not outlive it.
            transaction.on_commit(partial(self._hold, using, opened), using=using)
        return found | opened

    def opened(self, row: AuditSubjectKey) -> OpenKey:
        """Unwrap a stored key.

        Raises:
            AuditKeyError: when it was destroyed, or can't be unwrapped.
        """
        return open_key(self._provider(), row)

    def forget(self) -> None:
        """Let go of every open key, for example after one was destroyed."""
        with self._lock:
            self._held.clear()

    def _stored(self, names: Sequence[str], using: str) -> dict[str, AuditSubjectKey]:
        rows = AuditSubjectKey.objects.using(using).order_by()
        found: dict[str, AuditSubjectKey] = {}
        for start in range(0, len(names), _CHUNK):
            chosen = rows.filter(subject__in=names[start : start + _CHUNK], erased_at=None)
            found.update((row.subject, row) for row in chosen)
        return found

    def _made(self, provider: KeyProvider, names: Sequence[str], using: str) -> dict[str, AuditSubjectKey]:
        """Store new keys, unless somebody else is just doing so: then theirs are waited for and taken.

        Args:
            provider: wraps them.
            names: in ascending order, so that two who make the same keys never wait for each other.
            using: alias of the database.
        """
        if not names:
            return {}
        rows = []
        for name in names:
            key = os.urandom(KEY_BYTES)
            key_id = id_of(key)
            wrapped = provider.wrap(key, key_id.bytes)
            rows.append(AuditSubjectKey(id=key_id, subject=name, wrapped=wrapped, master_id=provider.master_id))
        AuditSubjectKey.objects.using(using).bulk_create(rows, ignore_conflicts=True)
        found = self._stored(names, using)
        if len(found) < len(names):
            raise AuditKeyError(
                "Another transaction made the key of this subject at the same time and can't be seen by this one. "
                "Try again."
            )
        return found

    def _held_now(self, using: str, subjects: Iterable[Subject]) -> tuple[dict[Subject, OpenKey], list[Subject]]:
        """Return the keys that are held, and the subjects whose keys are not."""
        found, now = dict[Subject, OpenKey](), time.monotonic()
        wanted = dict.fromkeys(subjects)
        with self._lock:
            for subject in wanted:
                until, opened = self._held.get((using, subject), (0.0, None))
                if opened is not None and until > now:
                    found[subject] = opened
        return found, [subject for subject in wanted if subject not in found]

    def _hold(self, using: str, opened: Mapping[Subject, OpenKey]) -> None:
        until = time.monotonic() + HELD_SECONDS
        with self._lock:
            for subject, key in opened.items():
                self._held[using, subject] = (until, key)
                self._held.move_to_end((using, subject))
            while len(self._held) > _HELD_MAX:
                self._held.popitem(last=False)


def open_key(provider: KeyProvider, row: AuditSubjectKey) -> OpenKey:
    """Unwrap a stored key, and see that it is the one that was wrapped.

    With another one values would be encrypted that nobody could ever read again.

    Raises:
        AuditKeyError: when it was destroyed, can't be unwrapped, or is another one.
    """
    if row.wrapped is None:
        raise AuditKeyError("The key of this subject was destroyed: what it encrypted is gone for ever.")
    key = provider.unwrap(row.master_id, bytes(row.wrapped), row.pk.bytes)
    if len(key) != KEY_BYTES or (row.pk.version == _NAMED and row.pk != id_of(key)):
        raise AuditKeyError(
            f"What AUDIT_KEY_PROVIDER unwrapped with {row.master_id} is not the key that was wrapped ({row.pk}). "
            "Nothing was written or opened with it. Look at the provider, or at the service behind it."
        )
    return OpenKey(row.pk, key)


def id_of(key: bytes) -> UUID:
    """Return the id of a new key: it is made from the key and tells nothing of it."""
    number = int.from_bytes(hmac.digest(key, _NAMING, "sha256")[:16], "big")
    number = number & ~(0xF000 << 64) & ~(0xC000 << 48)
    return UUID(int=number | _NAMED << 76 | 0x8000 << 48)


def subject_keys() -> SubjectKeys:
    """Return the keys of this process."""
    config: Any = apps.get_app_config("gridkit_django")
    found: SubjectKeys = config.audit_subject_keys
    return found
