"""Which keys sign for a publisher: a list of statements that only grows, each signed by a key of the list before it.

Who remembers how far they followed the list sees whether it goes on from there. A statement without a signature is the
marketplace's own: its people looked. It may always take a key away; whether it may bring one is the reader's to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gridkit_django.exceptions import KeyStatementError, SignatureError
from gridkit_django.marketplace.trust.author import author_key_id, public_key_of, sign_bytes, verify_bytes

STATEMENTS_MAX = 500
_PURPOSE = b"gridkit: keys of a publisher, 1\n"
_TEXT_MAX = 200


class KeyAct(StrEnum):
    """What a statement says of a key."""

    ADD = "add"
    RETIRE = "retire"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class KeyStatement:
    """One statement.

    Attributes:
        publisher: whose keys, without the ``@``.
        serial: 1, 2, 3 …
        previous: the digest of the statement before; empty for the first.
        act: what it says.
        key: of which public key, in base64.
        at: from when on, ISO 8601 in UTC.
        signed_by: the public key that signed; empty for the marketplace.
        signature: in base64; empty for the marketplace.
    """

    publisher: str
    serial: int
    previous: str
    act: KeyAct
    key: str
    at: str
    signed_by: str = ""
    signature: str = ""

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> KeyStatement:
        """Return a statement from plain values.

        Raises:
            KeyStatementError: when they are none.
        """
        names = ("publisher", "previous", "act", "key", "at", "signed_by", "signature")
        texts = {name: raw.get(name) for name in names}
        serial = raw.get("serial")
        if not all(isinstance(text, str) and len(text) <= _TEXT_MAX for text in texts.values()):
            raise KeyStatementError(f"A statement about a key has the texts {', '.join(names)}.")
        if not isinstance(serial, int) or isinstance(serial, bool) or texts["act"] not in list(KeyAct):
            raise KeyStatementError("A statement about a key has a serial, and adds, retires or revokes.")
        made = cls(**{**texts, "serial": serial, "act": KeyAct(str(texts["act"]))})  # type: ignore[arg-type]
        made.moment()
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "act": self.act.value}

    def moment(self) -> datetime:
        """Return from when on it holds.

        Raises:
            KeyStatementError: when that is no time with its zone.
        """
        try:
            found = datetime.fromisoformat(self.at)
        except ValueError as error:
            raise KeyStatementError(f"{self.at[:40]!r} is no time; it is like 2026-11-27T10:00:00+00:00.") from error
        if found.tzinfo is None:
            raise KeyStatementError(f"{self.at!r} has no time zone.")
        return found

    def message(self) -> bytes:
        """Return what is signed."""
        fields = {name: value for name, value in self.to_dict().items() if name not in ("signed_by", "signature")}
        return _PURPOSE + _canonical(fields)

    def digest(self) -> str:
        """Return what the next statement names it by."""
        return f"sha256:{hashlib.sha256(_canonical(self.to_dict())).hexdigest()}"

    def signed(self, private: bytes) -> KeyStatement:
        """Return it signed.

        Raises:
            SignatureError: when the key is none.
        """
        return replace(self, signed_by=public_key_of(private), signature=sign_bytes(private, self.message()))


@dataclass(frozen=True, slots=True)
class ListedKey:
    """How a key stands in a list.

    Attributes:
        ended: what ended it, ``retire`` or ``revoke``; empty while it signs.
        ended_at: from when on it signs for nothing, ISO 8601; empty while it signs.
        proved: whether somebody vouches for it whom the reader believes.
    """

    ended: str = ""
    ended_at: str = ""
    proved: bool = True

    def covers(self, moment: datetime | None) -> bool:
        """Whether what it signed counts when it came in at a moment; None for nobody knows when."""
        if not self.ended:
            return True
        return moment is not None and moment < datetime.fromisoformat(self.ended_at)


@dataclass(frozen=True, slots=True)
class KeyList:
    """The keys of a publisher, as far as a list of statements was followed.

    Attributes:
        publisher: whose, without the ``@``.
        serial: of the last statement.
        head: digest of the last statement.
        keys: by public key.
    """

    publisher: str
    serial: int = 0
    head: str = ""
    keys: Mapping[str, ListedKey] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> KeyList:
        """Return a list that was stored."""
        keys = {key: ListedKey(**facts) for key, facts in raw["keys"].items()}
        return cls(raw["publisher"], raw["serial"], raw["head"], keys)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, to be stored."""
        return asdict(self)

    def next(self, act: KeyAct, key: str, at: datetime) -> KeyStatement:
        """Return the statement that would come next, not signed.

        Args:
            act: what it says.
            key: of which public key.
            at: from when on.
        """
        moment = at.astimezone(UTC).isoformat(timespec="microseconds")
        return KeyStatement(self.publisher, self.serial + 1, self.head, act, key, moment)

    def follow_all(self, statements: Iterable[KeyStatement], *, believe: Iterable[str] | None = None) -> KeyList:
        """Return the list after some statements.

        Raises:
            KeyStatementError: when one does not follow from those before it.
        """
        found = self
        for statement in statements:
            found = found.follow(statement, believe=believe)
        return found

    def follow(self, statement: KeyStatement, *, believe: Iterable[str] | None = None) -> KeyList:
        """Return the list after one more statement.

        Args:
            statement: the next.
            believe: keys that are believed when the marketplace alone brings them; None for all.

        Raises:
            KeyStatementError: when it does not follow from those before it.
        """
        expected = (self.publisher, self.serial + 1, self.head)
        if (statement.publisher, statement.serial, statement.previous) != expected:
            raise KeyStatementError(
                f"Statement {statement.serial} about the keys of @{self.publisher} does not go on from statement "
                f"{self.serial}. Read the list again."
            )
        proved = self._check_signer(statement)
        if not statement.signed_by:
            proved = believe is None or statement.key in tuple(believe)
        keys = {**self.keys, statement.key: self._changed(statement, proved)}
        return replace(self, serial=statement.serial, head=statement.digest(), keys=keys)

    def _changed(self, statement: KeyStatement, proved: bool) -> ListedKey:
        known = self.keys.get(statement.key)
        if statement.act == KeyAct.ADD:
            if known is not None:
                raise KeyStatementError("A key is added once. Make a new one: manage.py gridkit_keygen.")
            _refuse_no_key(statement.key)
            return ListedKey(proved=proved)
        if known is None or known.ended in ("revoke", statement.act.value):
            raise KeyStatementError(f"@{self.publisher} has no such key that could be {statement.act}d.")
        return replace(known, ended=statement.act.value, ended_at=statement.at)

    def _check_signer(self, statement: KeyStatement) -> bool:
        """Refuse a signature that does not count; return whether who signed is believed."""
        if not statement.signed_by:
            return False
        signer = self.keys.get(statement.signed_by)
        if signer is None or signer.ended:
            raise KeyStatementError(
                f"Statement {statement.serial} about the keys of @{self.publisher} is not signed by one of their keys."
            )
        try:
            verify_bytes(statement.signed_by, statement.message(), statement.signature, f"statement {statement.serial}")
        except SignatureError as error:
            raise KeyStatementError(error.detail) from error
        return signer.proved


def _refuse_no_key(text: str) -> None:
    try:
        author_key_id(text)
    except SignatureError as error:
        raise KeyStatementError(error.detail) from error


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
