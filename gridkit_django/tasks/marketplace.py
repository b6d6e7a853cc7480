"""Following marketplaces in the worker."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from celery import shared_task

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import MarketplaceError
from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.marketplace.client.auto_update import request_auto_updates
from gridkit_django.marketplace.client.counting import count
from gridkit_django.marketplace.client.remotes import remote_named
from gridkit_django.models import InstalledPlugin
from gridkit_django.tasks.plugins import enqueue_operation
from gridkit_django.tasks.sending import send

logger = logging.getLogger("gridkit_django.tasks")


@shared_task(name="gridkit.refresh_catalogue", ignore_result=True)
def refresh_catalogues(*, now: bool = False) -> dict[str, str]:
    """Follow the lists of all marketplaces of the settings. Let Celery beat call it every few minutes.

    Args:
        now: ask also those that are left in peace for a while after failures.

    Returns:
        The error by marketplace, empty for what went well.
    """
    with acting(Actor.system("marketplace"), EventSource.SYSTEM):
        return refresh_catalogue(now=now)


@shared_task(name="gridkit.auto_update", ignore_result=True)
def auto_update() -> list[str]:
    """Ask for the updates that come by themselves, and hand them to workers. Let Celery beat call it every hour or so.

    Returns:
        The ids of the operations.
    """
    with acting(Actor.system("auto-update"), EventSource.SYSTEM):
        operations = request_auto_updates()
    for operation in operations:
        enqueue_operation(operation.pk)
    return [str(operation.pk) for operation in operations]


@shared_task(name="gridkit.count_removal", ignore_result=True)
def count_removal(marketplace: str, plugin_id: str, version: str) -> None:
    """Tell a marketplace that a plugin of it was uninstalled; one that can't be told is left in peace.

    Args:
        marketplace: its name in the settings.
        plugin_id: which plugin.
        version: the version that was in use.
    """
    try:
        count(remote_named(marketplace), plugin_id, "uninstall", version)
    except MarketplaceError as error:
        logger.info("The marketplace was not told that %s is gone: %s", plugin_id, error.detail)


@contextmanager
def counting_removal(plugin: InstalledPlugin) -> Iterator[None]:
    """Let a worker tell the marketplace, when the plugin came from one and the block has removed it."""
    version = plugin.current_version
    alias = version.origin.get("marketplace", "") if version is not None else ""
    yield
    if version is None or not alias:
        return
    try:
        send(count_removal, [alias, plugin.plugin_id, version.version])
    except Exception:  # whatever the queue's client raises: a count is not worth failing what is done
        logger.info("No worker could be asked to count that %s is gone", plugin.plugin_id, exc_info=True)
