"""Following marketplaces in the worker."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import MarketplaceError, RefreshNotQueuedError, TaskQueueUnsetError
from gridkit_django.marketplace import client
from gridkit_django.models import CatalogRefresh, InstalledPlugin
from gridkit_django.tasks.plugins import enqueue_operation
from gridkit_django.tasks.sending import send
from gridkit_django.typing import User

logger = logging.getLogger("gridkit_django.tasks")


SOON = timedelta(minutes=5)
"""A marketplace that failed is asked again by itself after up to that time; a longer wait is left to Celery beat."""


@shared_task(
    name="gridkit.refresh_catalogue",
    ignore_result=True,
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=5,
)
def refresh_catalogues(*, now: bool = False, refresh: str | None = None) -> dict[str, str]:
    """Follow the lists of all marketplaces of the settings. Let Celery beat call it every few minutes.

    One that fails is asked again when its first, short waits are over, however seldom beat calls.

    Args:
        now: ask also those that are left in peace for a while after failures.
        refresh: the id of what somebody asked for.

    Returns:
        The error by marketplace, empty for what went well.
    """
    with acting(Actor.system("marketplace"), EventSource.SYSTEM):
        told = client.refreshing.run_refresh(refresh, now=now)
    _ask_again(alias for alias, error in told.items() if error)
    return told


def refresh_now(user: User | None) -> CatalogRefresh:
    """Let a worker follow all marketplaces now, unless one is at it already because somebody asked for that.

    Args:
        user: who asks.

    Raises:
        RefreshNotQueuedError: when the task queue can't be reached.
    """
    refresh, is_new = client.refreshing.request_refresh(user)
    if is_new:
        try:
            send(refresh_catalogues, [], kwargs={"now": True, "refresh": str(refresh.pk)})
        except Exception as error:  # whatever the queue's client raises
            logger.exception("Following the marketplaces could not be queued")
            text = TaskQueueUnsetError.tell(error)
            client.refreshing.fail_refresh(refresh, text)
            raise RefreshNotQueuedError(text) from error
    return refresh


def _ask_again(failed: Iterable[str]) -> None:
    """Let a worker come back to marketplaces that failed just now, unless the wait is long."""
    at = client.catalogue.next_try(failed)
    wait = at - timezone.now() if at is not None else SOON + timedelta(1)
    if wait <= SOON:
        send(refresh_catalogues, [], countdown=max(wait.total_seconds(), 0.0) + 1.0)


@shared_task(name="gridkit.auto_update", ignore_result=True)
def auto_update() -> list[str]:
    """Ask for the updates that come by themselves, and hand them to workers. Let Celery beat call it every hour or so.

    Returns:
        The ids of the operations.
    """
    with acting(Actor.system("auto-update"), EventSource.SYSTEM):
        operations = client.auto_update.request_auto_updates()
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
        client.counting.count(client.remotes.remote_named(marketplace), plugin_id, "uninstall", version)
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
