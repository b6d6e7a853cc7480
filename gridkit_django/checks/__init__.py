"""System checks: what is declared wrongly is told by number before it can fail at run time.

``gridkit.E0xx`` are about settings, ``gridkit.E1xx`` about grids, ``gridkit.Wxxx`` are advice. ``AppConfig.ready``
registers ``CHECKS`` under the tag ``gridkit``: ``manage.py check --tag gridkit``.
"""

from __future__ import annotations

from gridkit_django.checks.audit import check_audited_keys, check_sealing, check_signing_key
from gridkit_django.checks.exports import check_export_privacy, check_export_storage
from gridkit_django.checks.grids import check_grids
from gridkit_django.checks.market import check_market
from gridkit_django.checks.outbox import check_outbox, check_outbox_protection
from gridkit_django.checks.partitions import check_audit_partitions
from gridkit_django.checks.plugins import check_plugin_sources
from gridkit_django.checks.production import (
    check_audit_middleware,
    check_client_addresses,
    check_keys,
    check_shared_cache,
    check_state_folder,
)
from gridkit_django.checks.queue import check_broker, check_celery_app
from gridkit_django.checks.settings import check_libraries, check_object_rights, check_settings
from gridkit_django.checks.triggers import check_audit_triggers

TAG = "gridkit"
CHECKS = (
    check_settings,
    check_libraries,
    check_object_rights,
    check_grids,
    check_plugin_sources,
    check_export_storage,
    check_market,
    check_audited_keys,
    check_celery_app,
)
DEPLOY_CHECKS = (
    check_signing_key,
    check_export_privacy,
    check_outbox_protection,
    check_broker,
    check_keys,
    check_shared_cache,
    check_audit_middleware,
    check_client_addresses,
    check_state_folder,
)
"""Run with ``manage.py check --deploy`` only."""

DATABASE_CHECKS = (check_audit_triggers, check_audit_partitions, check_sealing, check_outbox)
"""Checks that ask a database; Django runs them for ``check --database`` and before ``migrate``."""

__all__ = [
    "CHECKS",
    "DATABASE_CHECKS",
    "DEPLOY_CHECKS",
    "TAG",
    "check_audit_middleware",
    "check_audit_partitions",
    "check_audit_triggers",
    "check_audited_keys",
    "check_broker",
    "check_celery_app",
    "check_client_addresses",
    "check_export_privacy",
    "check_export_storage",
    "check_grids",
    "check_keys",
    "check_libraries",
    "check_market",
    "check_object_rights",
    "check_outbox",
    "check_outbox_protection",
    "check_plugin_sources",
    "check_sealing",
    "check_settings",
    "check_shared_cache",
    "check_signing_key",
    "check_state_folder",
]
