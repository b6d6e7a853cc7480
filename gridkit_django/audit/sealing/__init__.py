"""Sealing: batches of finished records, each under one signed seal that is chained to the one before."""

from __future__ import annotations

from gridkit_django.audit.sealing.aliases import seal_all, sealed_aliases
from gridkit_django.audit.sealing.sealer import Sealed, Sealer

__all__ = ["Sealed", "Sealer", "seal_all", "sealed_aliases"]
