"""Trust: whose package it is, and that the marketplace shows what its keys stand for.

What reads and writes signed metadata (TUF) is imported at its first use: its library takes a tenth of a start, and only
what installs, follows or signs needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridkit_django.doors import late_door

if TYPE_CHECKING:
    from gridkit_django.marketplace.trust import bundles
    from gridkit_django.marketplace.trust.advisories import Advisory, AdvisoryAction, AdvisoryFeed
    from gridkit_django.marketplace.trust.author import (
        author_key_id,
        make_author_key,
        public_key_of,
        sign_release,
        verify_release,
    )
    from gridkit_django.marketplace.trust.channels import BundleChannel, Channel, HttpChannel, HttpPlace
    from gridkit_django.marketplace.trust.feed import fetch_advisories, publish_advisories, published_feed
    from gridkit_django.marketplace.trust.fetching import NOT_USED, TrustedFetcher, TrustedTarget
    from gridkit_django.marketplace.trust.memory import DatabaseMemory, TrustMemory
    from gridkit_django.marketplace.trust.metadata import Target
    from gridkit_django.marketplace.trust.repository import TrustRepository
else:
    __getattr__ = late_door(
        __name__,
        {
            "advisories": ("Advisory", "AdvisoryAction", "AdvisoryFeed"),
            "author": ("author_key_id", "make_author_key", "public_key_of", "sign_release", "verify_release"),
            "bundles": (),
            "channels": ("BundleChannel", "Channel", "HttpChannel", "HttpPlace"),
            "feed": ("fetch_advisories", "publish_advisories", "published_feed"),
            "fetching": ("NOT_USED", "TrustedFetcher", "TrustedTarget"),
            "memory": ("DatabaseMemory", "TrustMemory"),
            "metadata": ("Target",),
            "repository": ("TrustRepository",),
        },
    )

__all__ = [
    "NOT_USED",
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
    "bundles",
    "fetch_advisories",
    "make_author_key",
    "public_key_of",
    "publish_advisories",
    "published_feed",
    "sign_release",
    "verify_release",
]
