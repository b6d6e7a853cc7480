"""A channel without a plugin, to try the room alone with."""

from __future__ import annotations

from gridkit_django.outbox.channels import ChannelLimits
from gridkit_django.outbox.messages import OutgoingMessage, OutgoingRequest, OutgoingResponse
from gridkit_django.outbox.verdicts import Verdict, default_judge


class PlainCarrier:
    """Posts the keys of a batch.

    Args:
        url: where.
        batch_max: how many at once.
    """

    revision = 1
    is_local = False

    def __init__(self, url: str, batch_max: int) -> None:
        self._url = url
        self.limits = ChannelLimits(batch_max=batch_max)

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request."""
        return OutgoingRequest("POST", self._url, {}, [message.key for message in messages])

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Go by the status."""
        return default_judge(messages, response)

    def deliver(self, messages: tuple[OutgoingMessage, ...]) -> None:
        """Nothing is local here."""
        raise NotImplementedError

    def may_reach(self, host: str) -> bool:
        """Everything may be reached."""
        return bool(host)

    def clean(self, text: str) -> str:
        """There is no secret."""
        return text
