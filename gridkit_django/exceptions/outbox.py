"""Errors about the outbox."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = ["OutboxChannelError", "OutboxError", "OutboxLeaseError", "OutboxMessageError", "OutboxRequestError"]


class OutboxError(GridKitError):
    """Something about the outbox is wrong."""

    code = "outbox-error"


class OutboxChannelError(OutboxError):
    """There is no such channel, or it can't be what was asked for."""

    code = "outbox-channel-invalid"


class OutboxMessageError(OutboxError):
    """A message can't be put into the outbox: no JSON object, too large, or with a key that is none."""

    code = "outbox-message-invalid"


class OutboxRequestError(OutboxError):
    """What ``prepare`` of a channel returned can't be sent."""

    code = "outbox-request-invalid"


class OutboxLeaseError(OutboxError):
    """Another worker has taken the channel over, because this one did not say in time that it lives."""

    code = "outbox-lease-lost"
