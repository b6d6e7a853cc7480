"""Whether a chain may be gone on with: whoever signs a seal vouches for all that came before it."""

from __future__ import annotations

from django.db.models.functions import Now

from gridkit_django.audit.sealing.statement import digest_of, signed_bytes, statement_of
from gridkit_django.audit.signing import HMAC, SignatureCheck, Signer, TrustedKeys
from gridkit_django.exceptions import AuditChainError, AuditKeyError
from gridkit_django.models import AuditCheckpoint, AuditSeal, AuditSigningKey

_ADVICE = (
    "Run manage.py gridkit_audit_verify and find out what happened. When you know, manage.py gridkit_audit_seal "
    "--despite-break seals on behind the break, which stays visible."
)


def check_extendable(alias: str, last: AuditSeal | None, signer: Signer, trusted: TrustedKeys) -> None:
    """Refuse to go on with a chain that is not ours.

    Somebody who has the database, but not the keys, can remove seals and make up others. Signing a seal on top of them
    would make them true, so the last one must be signed with a key that is known from outside the database, and it must
    not stand before the last checkpoint.

    Args:
        alias: of the database.
        last: the newest seal.
        signer: signs the next one.
        trusted: keys that are believed.

    Raises:
        AuditChainError: when it is not.
        AuditKeyError: when it is signed and this process would go on without a signing key.
    """
    _compare_with_checkpoint(alias, last)
    if last is None:
        return
    if signer.key_id.startswith(HMAC) and not last.key_id.startswith(HMAC):
        raise AuditKeyError(
            f"Seal {last.number} of {alias!r} is signed with a key, but this process has none. Set GRIDKIT's "
            "AUDIT_SIGNING_KEY where the sealer runs."
        )
    try:
        statement = statement_of(last)
    except (TypeError, ValueError) as error:
        raise AuditChainError(f"Seal {last.number} of {alias!r} is damaged: {error}. {_ADVICE}") from error
    if digest_of(statement) != bytes(last.digest):
        raise AuditChainError(f"Seal {last.number} of {alias!r} was changed. {_ADVICE}")
    if trusted.check(last.key_id, signed_bytes(statement), bytes(last.signature)) is not SignatureCheck.RIGHT:
        raise AuditChainError(
            f"Seal {last.number} of {alias!r} is not signed with a key of this site ({last.key_id}). If you have "
            "retired that key, add its public half to GRIDKIT's AUDIT_PUBLIC_KEYS; if it is a secret of the site "
            f"(hmac), put it behind the new one in AUDIT_MAC_KEYS or SECRET_KEY_FALLBACKS. {_ADVICE}"
        )


def _compare_with_checkpoint(alias: str, last: AuditSeal | None) -> None:
    told = AuditCheckpoint.objects.using(alias).order_by("-seal_number", "-pk").first()
    if told is None:
        return
    if last is None or last.number < told.seal_number:
        reached = 0 if last is None else last.number
        raise AuditChainError(
            f"The chain of {alias!r} ends at seal {reached}, but a checkpoint was made of seal {told.seal_number}. "
            f"{_ADVICE}"
        )


def note_key(alias: str, signer: Signer) -> None:
    """Note the public key of a signer for those who verify later; the ones before it are retired."""
    if not signer.public_key:
        return
    keys = AuditSigningKey.objects.using(alias)
    if keys.filter(key_id=signer.key_id, retired_at=None).exists():
        return
    keys.exclude(key_id=signer.key_id).filter(retired_at=None).update(retired_at=Now())
    keys.get_or_create(key_id=signer.key_id, defaults={"public_key": signer.public_key})
