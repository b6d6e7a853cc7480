"""For how long a job belongs to its worker without a sign of life."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections

from gridkit_django.exports.jobs import database

SHORT = timedelta(seconds=20)
"""Where a thread of its own gives the signs of life, whatever the worker is busy with."""

LONG = timedelta(minutes=10)
"""Where the worker itself gives them, between two chunks of rows: the longest wait for a chunk."""


def has_follower() -> bool:
    """Whether a thread can follow the job beside its worker.

    It needs a connection of its own that sees the job: not where tests hold everything in one transaction, and not on
    SQLite, where two connections of one process are in each other's way.
    """
    connection = connections[database()]
    return connection.vendor == "postgresql" and not connection.in_atomic_block


def lease_time() -> timedelta:
    """Return for how long a job belongs to its worker from a sign of life on."""
    return SHORT if has_follower() else LONG
