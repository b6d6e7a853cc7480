"""Messages between plugins: a copy of plain data, handed over at once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginMessageError
from gridkit_django.plugins.depth import one_deeper
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.permissions import Permission
from gridkit_django.typing import JSONValue

logger = logging.getLogger("gridkit_django.plugins")


def deliver(
    sender: str,
    target: str,
    message: JSONValue,
    live: Mapping[str, LivePlugin],
    on_failure: Callable[[LivePlugin, BaseException], None],
) -> None:
    """Hand a copy of ``message`` to every message handler of ``target``.

    Args:
        sender: id of the sending plugin.
        target: id of the receiving plugin.
        message: a JSON value.
        live: the plugins at work in this process.
        on_failure: told of each handler that raised; the sender is not.

    Raises:
        PluginMessageError: when the message is no JSON or too large, or the target is not active, may not receive
            or does not listen.
        PluginLimitError: when messages call forth each other too deeply.
    """
    text = _as_text(sender, message)
    receiver = _receiver(target, live)
    with one_deeper(sender):
        for item in receiver.message_handlers:
            try:
                receiver.call(item.handler, item.stats, sender, json.loads(text), tally=item.tally)
            except (Exception, SystemExit) as error:
                logger.exception("%s failed on a message of %s", target, sender)
                on_failure(receiver, error)


def _receiver(target: str, live: Mapping[str, LivePlugin]) -> LivePlugin:
    receiver = live.get(target)
    if receiver is None:
        raise PluginMessageError(f"{target} is not active, so it gets no messages.")
    if not receiver.grants.allows(Permission.MESSAGES_RECEIVE):
        raise PluginMessageError(f"{target} was not granted {Permission.MESSAGES_RECEIVE.value!r}.")
    if not receiver.message_handlers:
        raise PluginMessageError(f"{target} listens to no messages.")
    return receiver


def _as_text(sender: str, message: JSONValue) -> str:
    try:
        text = json.dumps(message, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginMessageError(f"A message of {sender} is no JSON: {error}.") from error
    if len(text) > settings().MESSAGE_BYTES_MAX:
        raise PluginMessageError(
            f"A message of {sender} has {len(text)} bytes; {settings().MESSAGE_BYTES_MAX} are the most "
            "(MESSAGE_BYTES_MAX)."
        )
    return text
