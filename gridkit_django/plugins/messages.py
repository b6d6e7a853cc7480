"""Messages between plugins: a copy of plain data, handed over at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Protocol

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginMessageError
from gridkit_django.plugins.breaker import Breaker
from gridkit_django.plugins.depth import come_back, go_deeper
from gridkit_django.plugins.live import LivePlugin, MessageSubscription
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.plain_data import plain_copy
from gridkit_django.typing import JSONValue

logger = logging.getLogger("gridkit_django.plugins")


class MessageJudge(Protocol):
    """Decides what follows from what happened to a message."""

    def message_failed(self, owner: LivePlugin, error: BaseException) -> None:
        """A message handler raised."""
        ...

    def tell_pause(self, owner: LivePlugin, name: str, breaker: Breaker) -> None:
        """A message handler is left out from now on, or called again."""
        ...


def deliver(sender: str, target: str, message: JSONValue, live: Mapping[str, LivePlugin], judge: MessageJudge) -> None:
    """Hand a copy of ``message`` to every message handler of ``target``.

    Args:
        sender: id of the sending plugin.
        target: id of the receiving plugin.
        message: a JSON value.
        live: the plugins at work in this process.
        judge: told of each handler that raised; the sender is not.

    Raises:
        PluginMessageError: when the message is no JSON or too large, or the target is not active, may not receive
            or does not listen.
        PluginLoopError: when messages call forth each other too deeply.
    """
    receiver = _receiver(target, live)
    # All copies are made before the first handler runs: it might reach what the sender holds.
    copies = [(item, _copied(sender, message)) for item in receiver.message_handlers]
    token = go_deeper(sender)
    try:
        for item, copied in copies:
            _hand_over(receiver, item, sender, copied, judge)
    finally:
        come_back(token)


def _hand_over(
    receiver: LivePlugin, item: MessageSubscription, sender: str, message: JSONValue, judge: MessageJudge
) -> None:
    breaker = item.breaker
    if breaker.is_open and breaker.refuses(time.monotonic()):
        item.stats.skip()
        return
    try:
        receiver.call(item.handler, item.stats, sender, message, entry=item)
    except (Exception, SystemExit) as error:
        logger.exception("%s failed on a message of %s", receiver.plugin_id, sender)
        judge.message_failed(receiver, error)
    if breaker.news is not None:
        judge.tell_pause(receiver, item.stats.name, breaker)


def _receiver(target: str, live: Mapping[str, LivePlugin]) -> LivePlugin:
    receiver = live.get(target)
    if receiver is None:
        raise PluginMessageError(f"{target} is not active, so it gets no messages.")
    if not receiver.grants.allows(Permission.MESSAGES_RECEIVE):
        raise PluginMessageError(f"{target} was not granted {Permission.MESSAGES_RECEIVE.value!r}.")
    if not receiver.message_handlers:
        raise PluginMessageError(f"{target} listens to no messages.")
    return receiver


def _copied(sender: str, message: JSONValue) -> JSONValue:
    try:
        return plain_copy(message, settings().MESSAGE_BYTES_MAX)
    except ValueError as error:
        raise PluginMessageError(f"A message of {sender} is no JSON: {error}.") from error
    except OverflowError as error:
        raise PluginMessageError(f"A message of {sender} has {error} (MESSAGE_BYTES_MAX).") from error
