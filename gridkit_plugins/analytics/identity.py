"""Pseudonyms: the same person is the same at every vendor and in every process, and nobody can turn it back."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

from gridkit_plugins.analytics.config import AnalyticsConfig

_SALT = "gridkit_plugins.analytics"
_LENGTH = 32


def user_of(config: AnalyticsConfig, user: str) -> str:
    """Return how a user is told; empty for nobody."""
    return user if config.identity == "plain" or not user else pseudonym(config, "user", user)


def row_of(config: AnalyticsConfig, grid: str, row: str) -> str | None:
    """Return how a row is told; None when it is not."""
    if config.row_ids == "none" or not row:
        return None
    return row if config.row_ids == "plain" else pseudonym(config, f"row {grid}", row)


def pseudonym(config: AnalyticsConfig, kind: str, value: str) -> str:
    """Return a pseudonym: an HMAC-SHA256 with the key of the configuration, else with the site's secret key.

    Args:
        config: holds the key.
        kind: what is named; the same id names another thing elsewhere.
        value: its id.
    """
    key = config.identity_key.get_secret_value() or None
    return salted_hmac(f"{_SALT} {kind}", value, secret=key, algorithm="sha256").hexdigest()[:_LENGTH]
