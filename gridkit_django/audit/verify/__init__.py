"""Verifying the audit trail where it is stored: every seal, every record, and what should be sealed but is not."""

from __future__ import annotations

from gridkit_django.audit.verify.database import DatabaseVerifier
from gridkit_django.audit.verify.faults import Fault, FaultKind, Verification
from gridkit_django.audit.verify.noted import request_verification, run_verification
from gridkit_django.audit.verify.single import verify_seals_of

__all__ = [
    "DatabaseVerifier",
    "Fault",
    "FaultKind",
    "Verification",
    "request_verification",
    "run_verification",
    "verify_seals_of",
]
