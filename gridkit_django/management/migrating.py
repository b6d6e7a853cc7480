"""What is told at the command line when a migration must not be carried out."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from gridkit_django.audit.leaving import lower_before_migrations
from gridkit_django.exceptions import AuditTriggerError


def before_migrations(**told: Any) -> None:
    """Receiver of ``pre_migrate``: ready the audit tables for their migrations.

    Raises:
        CommandError: when the tables would go and their triggers would stay, see ``gridkit_uninstall``.
    """
    try:
        lower_before_migrations(**told)
    except AuditTriggerError as error:
        raise CommandError(error.detail) from error
