"""The marketplace that lists and serves: publishers, releases and their states, review, search, and what sites report.

Everything that is public went through here; the faces (API, admin) only translate. Its modules are imported at their
first use (``shelf.review``): most processes of most sites serve no marketplace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridkit_django.doors import late_door

__all__ = [
    "advisories",
    "analytics",
    "database",
    "diffs",
    "fronts",
    "identity",
    "keys",
    "mails",
    "names",
    "pictures",
    "publishers",
    "review",
    "signing",
    "storing",
    "sums",
    "taking_back",
    "texts",
    "tokens",
]

if TYPE_CHECKING:
    from gridkit_django.marketplace.shelf import (
        advisories,
        analytics,
        database,
        diffs,
        fronts,
        identity,
        keys,
        mails,
        names,
        pictures,
        publishers,
        review,
        signing,
        storing,
        sums,
        taking_back,
        texts,
        tokens,
    )
else:
    __getattr__ = late_door(__name__, dict.fromkeys(__all__, ()))
