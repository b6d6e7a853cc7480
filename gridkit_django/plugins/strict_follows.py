"""Whether triggers of strict mode record a model as a plugin wants it followed: their code is older than its wishes."""

from __future__ import annotations

from django.apps import apps
from django.db import Error, connections, router

from gridkit_django.audit import audit_policies
from gridkit_django.audit.triggers import Triggers, strict_labels
from gridkit_django.exceptions import AuditTriggerError
from gridkit_django.plugins.follows import Follows


def tables_behind(follows: Follows) -> list[str]:
    """Return the tables whose triggers are not as the policies of a plugin (and of all others) say.

    Args:
        follows: what the plugin lets the trail follow.
    """
    table = audit_policies().table
    models = [apps.get_model(label) for label in sorted(follows.models & strict_labels(table))]
    found: list[str] = []
    for alias in sorted({router.db_for_write(model) for model in models}):
        if connections[alias].vendor == "postgresql":
            found += _drifted(alias)
    ours = {model._meta.db_table for model in models}
    return sorted(ours.intersection(found))


def _drifted(alias: str) -> list[str]:
    try:
        return [fault.table for fault in Triggers(connections[alias], audit_policies().table).drift()]
    except (AuditTriggerError, Error):  # the tables are not there, or the database is not: others tell of that
        return []
