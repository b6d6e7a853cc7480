"""Checkpoints: how long the chain was and what it ended with, signed, and told where this machine can't take it back.

A chain can't tell by itself that its end was cut off. A checkpoint that somebody else keeps does. It is a signed note,
as transparency logs use them: the name of the chain, the number of records, the digest of the seal, its number and the
time, and a signature. It leaves by a line of the log ``gridkit_django.audit.checkpoint`` and by the hook of the
settings; destinations of the audit trail send it along, too.
"""

from __future__ import annotations

import base64
import json
import logging
from datetime import datetime, timedelta
from hashlib import sha256

from django.utils import timezone
from django.utils.module_loading import import_string

from gridkit_django.audit.canonical import moment
from gridkit_django.audit.signing import Signer
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditChainError
from gridkit_django.models import AuditCheckpoint, AuditSeal

logger = logging.getLogger("gridkit_django.audit")
told = logging.getLogger("gridkit_django.audit.checkpoint")

_ED25519 = b"\x01"
_OTHER = b"\xff"
_LATEST = 100


def origin_of(alias: str) -> str:
    """Return the name of a chain: its first seal drew it at random, so no other chain has it; empty without one."""
    first = AuditSeal.objects.using(alias).filter(number=1).only("previous").first()
    return "" if first is None else f"gridkit/{bytes(first.previous)[:8].hex()}"


def note_of(origin: str, seal: AuditSeal, signer: Signer, made_at: datetime) -> tuple[str, bytes]:
    """Return the signed note about a seal, and its bare signature.

    Args:
        origin: name of the chain.
        seal: what the chain ends with.
        signer: signs.
        made_at: when.
    """
    digest = base64.b64encode(bytes(seal.digest)).decode()
    text = f"{origin}\n{seal.total}\n{digest}\nseal {seal.number}\ntime {moment(made_at)}\n"
    signature = signer.sign(text.encode())
    key = _ED25519 + signer.public_key if signer.public_key else _OTHER + signer.key_id.encode()
    named = sha256(origin.encode() + b"\n" + key).digest()[:4]
    return f"{text}\n\u2014 {origin} {base64.b64encode(named + signature).decode()}\n", signature


def keep_up(alias: str, signer: Signer) -> AuditCheckpoint | None:
    """Make a checkpoint when one is due, and tell those that were not told.

    Args:
        alias: of the database.
        signer: signs.

    Returns:
        The new one, None when none was due.

    Raises:
        AuditChainError: when the chain has no beginning any more.
    """
    made = _make(alias, signer) if _is_due(alias) else None
    tell(alias)
    return made


def tell(alias: str) -> None:
    """Let the checkpoints that were not told leave the machine, the oldest first; what fails is tried again later."""
    waiting = AuditCheckpoint.objects.using(alias).filter(told_at=None).order_by("pk")[:_LATEST]
    path = settings().AUDIT_CHECKPOINT_HOOK
    for checkpoint in waiting:
        told.info("%s", json.dumps({"checkpoint": checkpoint.text, "database": alias}))
        try:
            if path:
                import_string(path)(alias, checkpoint.text)
        except Exception:
            logger.exception("The checkpoint of seal %s could not be given to %s", checkpoint.seal_number, path)
            return
        checkpoint.told_at = timezone.now()
        checkpoint.save(update_fields=["told_at"])


def _is_due(alias: str) -> bool:
    newest = AuditSeal.objects.using(alias).order_by("-number").first()
    if newest is None:
        return False
    last = AuditCheckpoint.objects.using(alias).order_by("-seal_number", "-pk").first()
    if last is None:
        return True
    new = newest.number - last.seal_number
    age = abs(timezone.now() - last.made_at)  # a clock that went back must not keep checkpoints from being made
    return new >= settings().AUDIT_CHECKPOINT_SEALS or (
        new > 0 and age >= timedelta(minutes=settings().AUDIT_CHECKPOINT_MINUTES)
    )


def _make(alias: str, signer: Signer) -> AuditCheckpoint:
    seal = AuditSeal.objects.using(alias).latest("number")
    made_at, origin = timezone.now(), origin_of(alias)
    if not origin:
        raise AuditChainError(f"Seal 1 of {alias!r} is not there, so no checkpoint can be made. Verify the trail.")
    text, signature = note_of(origin, seal, signer, made_at)
    return AuditCheckpoint.objects.using(alias).create(
        seal_number=seal.number,
        total=seal.total,
        digest=bytes(seal.digest),
        text=text,
        key_id=signer.key_id,
        signature=signature,
        made_at=made_at,
    )
