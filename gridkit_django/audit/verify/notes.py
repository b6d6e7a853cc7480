"""Checkpoints against the chain: a chain that is shorter than one of them was cut, another one was made up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gridkit_django.audit.signing import HMAC, SignatureCheck, TrustedKeys, check_signature
from gridkit_django.audit.verifier import Note
from gridkit_django.audit.verify.chain import known_keys
from gridkit_django.audit.verify.faults import FaultKind, Verification
from gridkit_django.models import AuditCheckpoint, AuditSeal


def check_notes(result: Verification, trusted: TrustedKeys, kept: Sequence[Note]) -> None:
    """Compare the chain with the checkpoints of the database and with those that were kept elsewhere."""
    newest = AuditSeal.objects.using(result.alias).order_by("-number").first()
    reached = 0 if newest is None else newest.number
    public = {**known_keys(result.alias), **trusted.public_keys}
    for note, key_id in (*_stored(result), *((note, "") for note in kept)):
        said = f"the checkpoint of seal {note.seal} ({note.total} records)"
        check = _signed(note, key_id, trusted, public.values())
        if check is not SignatureCheck.RIGHT:
            kind = FaultKind.BAD_SIGNATURE if check is SignatureCheck.WRONG else FaultKind.UNKNOWN_KEY
            result.add(kind, f"{said} is not signed with a known key", seal=note.seal)
        elif note.seal > reached:
            result.add(FaultKind.TRUNCATED, f"{said} was made, but the chain ends at seal {reached}", seal=note.seal)
        elif not _is_of(result.alias, note):
            result.add(FaultKind.CHANGED, f"{said} was made of another chain", seal=note.seal)


def _stored(result: Verification) -> Iterator[tuple[Note, str]]:
    names = ("seal_number", "total", "text", "key_id")
    for number, total, text, key_id in AuditCheckpoint.objects.using(result.alias).order_by("pk").values_list(*names):
        try:
            note = Note.parse(text)
        except (ValueError, IndexError):
            result.add(FaultKind.CHANGED, f"a checkpoint of seal {number} can't be read", seal=number)
            continue
        if (note.seal, note.total) != (number, total):
            result.add(FaultKind.CHANGED, f"a checkpoint of seal {note.seal} is filed as another's", seal=note.seal)
        yield note, key_id


def _signed(note: Note, key_id: str, trusted: TrustedKeys, public: Iterable[bytes]) -> SignatureCheck:
    """Check the signature of a note: by a trusted key, or by one that the database names."""
    if key_id.startswith(HMAC):
        return trusted.check(key_id, note.text, note.signature)
    for key in public:
        if note.names(key):
            return check_signature(key, note.text, note.signature)
    checks = [trusted.check(name, note.text, note.signature) for name in trusted.site_keys]
    return SignatureCheck.RIGHT if SignatureCheck.RIGHT in checks else SignatureCheck.UNKNOWN_KEY


def _is_of(alias: str, note: Note) -> bool:
    seal = AuditSeal.objects.using(alias).filter(number=note.seal).first()
    return seal is not None and (bytes(seal.digest), seal.total) == (note.digest, note.total)
