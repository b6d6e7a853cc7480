"""In which database the marketplace is."""

from __future__ import annotations

from django.db import router

from gridkit_django.models import Listing


def database() -> str:
    """Return the alias of the database that holds the marketplace."""
    return router.db_for_write(Listing)
