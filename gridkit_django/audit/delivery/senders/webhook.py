"""Webhooks: lines of JSON in one gzipped POST, signed."""

from __future__ import annotations

import gzip
import hmac
import time

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.http import post_bytes


def post(place: Place, batch: Batch, secret: str) -> None:
    """Post a batch, see ``docs/how-to/audit-deliver.md``.

    ``GridKit-Signature`` is ``t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hex>`` with the secret, over the
    body as it travels. ``GridKit-Batch`` is the same when a batch is sent again.

    Raises:
        DeliveryLaterError: when it may work later.
        DeliveryRefusedError: when somebody must look first.
    """
    body = gzip.compress(b"\n".join(batch.proven_lines()) + b"\n", mtime=0)
    headers = {
        "Content-Type": "text/plain; charset=utf-8" if batch.form == "cef" else "application/x-ndjson",
        "Content-Encoding": "gzip",
        "User-Agent": "GridKit",
        "GridKit-Batch": batch.id,
        "GridKit-Records": str(len(batch.rows)),
        "GridKit-Seal": f"{batch.seal.number} {bytes(batch.seal.digest).hex()}",
    }
    if secret:
        headers["GridKit-Signature"] = signature(secret, int(time.time()), body)
    post_bytes(place, body, headers)


def signature(secret: str, seconds: int, body: bytes) -> str:
    """Return the value of the header ``GridKit-Signature``."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, "sha256").hexdigest()
    return f"t={seconds},v1={digest}"
