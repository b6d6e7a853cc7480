"""Whether the writes to a model are recorded where Django writes them."""

from __future__ import annotations

from django.apps import apps
from django.db import connections

from gridkit_django.audit.targets import ModelClass


def is_captured(model: ModelClass, alias: str) -> bool:
    """Whether a write to rows of a model that is about to happen must go Django's own way, to be recorded.

    Whoever writes by a statement of his own asks this before each write: those who wait for one are told of it here.

    Args:
        model: the model.
        alias: the database.

    Raises:
        AuditUnavailableError: when it is followed in a database that capture does not know.
    """
    capture = apps.get_app_config("gridkit_django").audit_capture  # type: ignore[attr-defined]
    return capture.watches(model, connections[alias]) is not None
