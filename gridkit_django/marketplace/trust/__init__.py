"""Trust: whose package it is, and that the marketplace shows what its keys stand for."""

from __future__ import annotations

from gridkit_django.marketplace.trust.advisories import Advisory, AdvisoryAction, AdvisoryFeed, fetch_advisories
from gridkit_django.marketplace.trust.author import (
    author_key_id,
    make_author_key,
    public_key_of,
    sign_release,
    verify_release,
)
from gridkit_django.marketplace.trust.channels import BundleChannel, Channel, HttpChannel, HttpPlace
from gridkit_django.marketplace.trust.fetching import TrustedFetcher, TrustedTarget
from gridkit_django.marketplace.trust.memory import DatabaseMemory, TrustMemory
from gridkit_django.marketplace.trust.metadata import Target
from gridkit_django.marketplace.trust.repository import TrustRepository

__all__ = [
    "Advisory",
    "AdvisoryAction",
    "AdvisoryFeed",
    "BundleChannel",
    "Channel",
    "DatabaseMemory",
    "HttpChannel",
    "HttpPlace",
    "Target",
    "TrustMemory",
    "TrustRepository",
    "TrustedFetcher",
    "TrustedTarget",
    "author_key_id",
    "fetch_advisories",
    "make_author_key",
    "public_key_of",
    "sign_release",
    "verify_release",
]
