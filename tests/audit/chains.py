"""What the tests of proofs share: records, a sealer with a key of its own, and a look at the chain."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DEFAULT_DB_ALIAS, connection

from gridkit_django.audit import Target, record
from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.runs import ids_in
from gridkit_django.audit.sealing import Sealer
from gridkit_django.audit.signing import Ed25519Signer, Signer, TrustedKeys
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.models import AuditRecord, AuditSeal


def key() -> Ed25519Signer:
    """Return a signer with a new key."""
    return Ed25519Signer(Ed25519PrivateKey.generate())


def trusting(*signers: Signer) -> TrustedKeys:
    """Return the keys of some signers as believed."""
    return TrustedKeys([signer.public_key for signer in signers])


def write(count: int = 1, **changes: Any) -> list[AuditRecord]:
    """Write some records, each an act of its own."""
    made = []
    for number in range(count):
        with acting(Actor.system("tests"), EventSource.API, reason="because"):
            target = Target("shop.product", str(number), f"Product {number}")
            made.append(record("row.update", target=target, changes=changes or {"price": ["1.10", str(number)]}))
    return made


def sealer(signer: Signer, limit: int = 3, **options: Any) -> Sealer:
    """Return a sealer of small batches."""
    return Sealer(DEFAULT_DB_ALIAS, signer=signer, limit=limit, **{"trusted": trusting(signer), **options})


def sealed_ids() -> list[int]:
    """Return the ids under all seals, seal by seal."""
    spans = AuditSeal.objects.order_by("number").values_list("spans", flat=True)
    return [number for runs in spans for number in ids_in(runs)]


def run_sql(statement: str, *values: Any) -> None:
    """Do what the owner of the database can do, who lowers the barrier first."""
    with Barrier(connection).lowered(), connection.cursor() as cursor:
        cursor.execute(statement, values)
