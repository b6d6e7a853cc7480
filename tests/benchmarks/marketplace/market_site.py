"""Settings and addresses of the site that the search benchmark asks: the marketplace, and the naive search."""

from __future__ import annotations

from typing import Any

from example_project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.marketplace.naive"
GRIDKIT: dict[str, Any] = {"MARKET": {"serve": True}, "THROTTLE_RATES": {"market-read": None}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
ALLOWED_HOSTS = ["*"]
