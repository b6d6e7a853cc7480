"""``manage.py flush``: Django's own, let through the barrier around the audit tables.

It empties every table, as tests do between each other, and asks first where a person types it. Who may not do that to
the audit tables is refused by the database as before.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections

from gridkit_django.audit.barrier import Barrier


class Command(flush.Command):
    """Django's command with the barrier lowered as long as it runs."""

    def handle(self, **options: Any) -> None:
        """Empty all tables of the database."""
        with Barrier(connections[options["database"]]).lowered():
            super().handle(**options)
