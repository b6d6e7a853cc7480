"""Checks of the outbox: what waits for a person or a worker, and what may leave the house unprotected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.db import Error

from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError
from gridkit_django.models import ChannelState
from gridkit_django.outbox.channels import database
from gridkit_django.plugins.outbox_list import ChannelInfo, list_channels

_HINT = "See Outbox channels in the admin. A Celery worker and beat with gridkit.deliver_outbox are needed."
_OPEN = ("OUTBOX_ALLOW_CLEAR", "OUTBOX_ALLOW_PRIVATE")


def check_outbox(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report channels that wait for a person, or for a worker that does not come (``gridkit.W204``)."""
    try:
        if database() not in (databases or ()):
            return []
        channels = list_channels({})
    except (Error, SettingsError):  # the database or the tables are not there yet, or E001 has told it
        return []
    return [Advice(text, hint=_HINT, id="gridkit.W204") for info in channels for text in _faults(info)]


def check_outbox_protection(**_kwargs: Any) -> list[CheckMessage]:
    """Say that messages may leave in the clear or into private networks (``gridkit.W008``); ``check --deploy`` only."""
    try:
        found = [name for name in _OPEN if getattr(settings(), name)]
    except SettingsError:
        return []
    return [
        Advice(
            f"GRIDKIT[{name!r}] is on: plugins may send where a site on the Internet rarely means to.",
            hint="Take it away, or silence this where it is meant.",
            id="gridkit.W008",
        )
        for name in found
    ]


def _faults(info: ChannelInfo) -> Iterator[str]:
    name = f"The channel {info.row.name} of {info.row.plugin.plugin_id}"
    if info.state == ChannelState.HELD:
        yield f"{name} is held: {info.reason}"
    elif info.is_late:
        yield f"{name} has messages that wait for a worker."
