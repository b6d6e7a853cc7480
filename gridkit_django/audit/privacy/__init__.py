"""Personal data in the audit trail: masked or encrypted before anything is stored, and forgotten by losing a key."""

from __future__ import annotations

from gridkit_django.audit.masks import MASK, MASK_FORMS
from gridkit_django.audit.privacy.ciphers import is_sealed
from gridkit_django.audit.privacy.erasing import ERASE, ERASE_SUBJECT, Erasure, erase_subject
from gridkit_django.audit.privacy.mentions import Mentions
from gridkit_django.audit.privacy.protection import Protection
from gridkit_django.audit.privacy.providers import KeyProvider, SiteKeyProvider
from gridkit_django.audit.privacy.reach import Reach, keys_of, reach_of
from gridkit_django.audit.privacy.revealing import DECRYPT, ERASED, Revealer
from gridkit_django.audit.privacy.rewrapping import RewrapReport, rewrap_keys
from gridkit_django.audit.privacy.subjects import Subject, subject_kinds

__all__ = [
    "DECRYPT",
    "ERASE",
    "ERASED",
    "ERASE_SUBJECT",
    "MASK",
    "MASK_FORMS",
    "Erasure",
    "KeyProvider",
    "Mentions",
    "Protection",
    "Reach",
    "Revealer",
    "RewrapReport",
    "SiteKeyProvider",
    "Subject",
    "erase_subject",
    "is_sealed",
    "keys_of",
    "reach_of",
    "rewrap_keys",
    "subject_kinds",
]
