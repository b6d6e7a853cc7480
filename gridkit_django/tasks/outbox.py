"""The outbox in the worker: one task that sends for a channel, and one that finds what was left waiting."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.plugins import plugin_manager
from gridkit_django.tasks.sending import send

TURN_SECONDS = 30.0
"""After so long a worker looks after other things, and the channel comes again behind them."""


@shared_task(
    name="gridkit.send_outbox",
    ignore_result=True,
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=5,
)
def send_outbox(plugin_id: str, channel: str) -> None:
    """Send what waits in one channel of a plugin; its row tells how it went.

    Args:
        plugin_id: the plugin.
        channel: the channel's name.
    """
    plugin_manager().ensure_current()
    with acting(Actor.system("outbox"), EventSource.SYSTEM, metadata={"plugin": plugin_id, "channel": channel}):
        goes_on = plugin_manager().send_outbox(plugin_id, channel, TURN_SECONDS)
    if goes_on:
        send(send_outbox, [plugin_id, channel])


@shared_task(name="gridkit.deliver_outbox", ignore_result=True)
def deliver_outbox() -> int:
    """Hand every channel to a worker in which something is due, and remove what waited too long.

    Returns:
        How many channels were handed over. Let Celery beat call it every few seconds.
    """
    plugin_manager().ensure_current()
    with acting(Actor.system("outbox"), EventSource.SYSTEM):
        due = plugin_manager().due_outbox_channels()
    for plugin_id, channel in due:
        send(send_outbox, [plugin_id, channel])
    return len(due)
