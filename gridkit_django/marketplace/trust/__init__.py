"""Trust: whose package it is, and that the marketplace shows what its keys stand for."""

from __future__ import annotations

from gridkit_django.marketplace.trust.author import (
    author_key_id,
    make_author_key,
    public_key_of,
    sign_release,
    verify_release,
)

__all__ = ["author_key_id", "make_author_key", "public_key_of", "sign_release", "verify_release"]
