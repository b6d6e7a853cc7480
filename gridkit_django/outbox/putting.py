"""Putting messages in: one statement, in the transaction of what they tell of."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import OutboxMessageError
from gridkit_django.models import OutboxMessage
from gridkit_django.models.outbox import KEY_LENGTH
from gridkit_django.outbox.channels import Place, database
from gridkit_django.typing import JSONObject

PUT_MAX = 10_000
"""Messages that are put at once, at most."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that was judged and can be stored.

    Attributes:
        key: the deduplication id.
        text: the payload as JSON text, in ASCII.
    """

    key: str
    text: str


def read_messages(payloads: Sequence[JSONObject], keys: Sequence[str | None] | None) -> list[NewMessage]:
    """Judge messages before anything of them is stored.

    Args:
        payloads: JSON objects.
        keys: the deduplication id of each, None for one that is made up; None for all of them made up.

    Raises:
        OutboxMessageError: when one is no JSON object, too large or has a key that is none, or there are too many.
    """
    if keys is not None and len(keys) != len(payloads):
        raise OutboxMessageError(f"There are {len(payloads)} messages and {len(keys)} keys. Give one key for each.")
    if len(payloads) > PUT_MAX:
        raise OutboxMessageError(f"{len(payloads)} messages are too many at once; put at most {PUT_MAX}.")
    most = settings().MESSAGE_BYTES_MAX
    chosen: Iterable[str | None] = keys if keys is not None else [None] * len(payloads)
    return [NewMessage(_key(key), _text(payload, most)) for payload, key in zip(payloads, chosen, strict=True)]


def store(messages: Sequence[tuple[Place, NewMessage]]) -> None:
    """Write messages down, each where it belongs, in the transaction under way, in one statement."""
    connection = connections[database()]
    if not messages:
        return
    if connection.vendor == "postgresql":
        _store_arrays(connection, messages)
        return
    now = timezone.now()
    OutboxMessage.objects.using(database()).bulk_create(
        OutboxMessage(
            plugin_id=place.plugin,
            channel=place.channel,
            key=message.key,
            payload=message.text,
            size=len(message.text),
            put_at=now,
        )
        for place, message in messages
    )


def _store_arrays(connection: BaseDatabaseWrapper, messages: Sequence[tuple[Place, NewMessage]]) -> None:
    """Hand payloads over as one JSON text, which the database takes apart: cheaper than values for each row.

    The type ``json`` gives each element back letter by letter.
    """
    plugins, channels = [place.plugin for place, _ in messages], [place.channel for place, _ in messages]
    keys, texts = [message.key for _, message in messages], ",".join([message.text for _, message in messages])
    with connection.cursor() as cursor:
        cursor.execute(_ARRAYS, [timezone.now(), plugins, channels, keys, f"[{texts}]"])


_ARRAYS = f"""
INSERT INTO "{OutboxMessage._meta.db_table}" (put_at, attempts, plugin_id, channel, key, payload, size)
SELECT %s, 0, given.plugin, given.channel, given.key, given.payload::text, length(given.payload::text)
FROM ROWS FROM (unnest(%s::bigint[]), unnest(%s::text[]), unnest(%s::text[]), json_array_elements(%s::json))
    AS given (plugin, channel, key, payload)
"""  # noqa: S608 - a table of ours


def _key(key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    if not 1 <= len(key) <= KEY_LENGTH or not key.isprintable():
        raise OutboxMessageError(f"The key of a message has 1 to {KEY_LENGTH} printable characters.")
    return key


def _text(payload: Any, most: int) -> str:
    """Return the JSON text of a payload.

    Raises:
        OutboxMessageError: when it is no JSON object, or too large.
    """
    if not isinstance(payload, dict):
        raise OutboxMessageError(f"The payload of a message is a dict of JSON values, not a {type(payload).__name__}.")
    try:
        text = json.dumps(payload, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise OutboxMessageError(f"The payload of a message holds what JSON does not know: {error}.") from error
    if len(text) > most:
        raise OutboxMessageError(
            f"The payload of a message has {len(text)} bytes; {most} are the most (MESSAGE_BYTES_MAX)."
        )
    return text
