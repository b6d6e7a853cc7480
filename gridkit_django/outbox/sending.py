"""One worker's turn at a channel: batch after batch, until nothing is due or the channel has to wait."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from django.db import connections, transaction
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    AddressRefusedError,
    GridKitError,
    OutboxLeaseError,
    OutboxRequestError,
    UnreachableError,
)
from gridkit_django.models import ChannelState, OutboxChannel
from gridkit_django.network import Address, Rules, read_address, send_request
from gridkit_django.outbox.channels import Carrier, Place, database
from gridkit_django.outbox.endings import Ending, Refusal, back_off, cut_reason, cut_response, end_batch, end_batch_here
from gridkit_django.outbox.leases import DEATHS_MAX, channel_row, claim, hold_lease, release
from gridkit_django.outbox.messages import OutgoingMessage, OutgoingRequest, OutgoingResponse
from gridkit_django.outbox.verdicts import Fate, Verdict
from gridkit_django.outbox.waiting import Waiting, due_messages, old_messages, outgoing

logger = logging.getLogger("gridkit_django.outbox")

DEAD_IN_ROW_MAX = 20
"""Dead letters one after the other, with nothing delivered in between: then the fault is hardly theirs."""

ANSWER_BYTES_MAX = 1_000_000
NOT_GRANTED = "network-not-granted"

_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE", "GET"})
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding"})


class _StopError(Exception):
    """The turn ends here."""


@dataclass(frozen=True, slots=True)
class TurnReport:
    """What one turn did.

    Attributes:
        delivered: messages that were delivered.
        is_over: whether nothing that is due was left.
        reason: why it stopped before, empty when it did not.
    """

    delivered: int = 0
    is_over: bool = True
    reason: str = ""


def send_waiting(place: Place, carrier: Carrier, seconds: float) -> TurnReport | None:
    """Send what is due in a channel; None when it is not its time, or another worker is at it.

    Args:
        place: the channel.
        carrier: its code.
        seconds: after so many no new batch is begun.
    """
    row = claim(channel_row(place, carrier), carrier.revision)
    if row is None:
        return None
    turn = _Turn(row, carrier)
    try:
        return turn.take(time.monotonic() + seconds)
    except OutboxLeaseError as error:
        logger.warning("%s What was sent meanwhile is sent again.", error.detail)
        return TurnReport(turn.delivered, is_over=False, reason=error.detail)
    finally:
        release(row)


class _Turn:
    """One turn at a channel that is leased.

    Args:
        row: the channel.
        carrier: its code.
    """

    def __init__(self, row: OutboxChannel, carrier: Carrier) -> None:
        self._row = row
        self._carrier = carrier
        self._halves: list[list[Waiting]] = []
        self.delivered = 0

    def take(self, until: float) -> TurnReport:
        """Send batch after batch until a moment of ``time.monotonic``."""
        try:
            if self._row.deaths >= DEATHS_MAX:
                self._hold("workers-lost", f"{self._row.deaths} workers were lost one after the other while they sent.")
            self._expire()
            while time.monotonic() < until:
                batch = self._halves.pop() if self._halves else self._next_batch()
                if not batch:
                    return TurnReport(self.delivered)
                self._send(batch)
        except _StopError as stop:
            return TurnReport(self.delivered, is_over=False, reason=str(stop))
        return TurnReport(self.delivered, is_over=False)

    def _next_batch(self) -> list[Waiting]:
        """Return the oldest messages that are due, as many as fit into a batch."""
        batch: list[Waiting] = []
        size = 0
        for item in due_messages(self._row, self._row.batch_now):
            size += item.size
            if batch and size > self._row.bytes_max:
                break
            batch.append(item)
        return batch

    def _expire(self) -> None:
        """Remove what waited too long."""
        while old := old_messages(self._row, 1000):
            self._end(Ending(expired=old))

    def _send(self, batch: list[Waiting]) -> None:
        messages = outgoing(batch)
        if self._carrier.is_local:
            self._deliver_here(batch, messages)
            return
        try:
            request = self._carrier.prepare(messages)
            address, headers, body = _read_request(request)
        except (OutboxRequestError, AddressRefusedError) as error:
            self._hold(error.code, error.detail)
        except Exception as error:  # noqa: BLE001 - the plugin's own code, judged here
            self._split(batch, self._raised("prepare", error), smaller=False)
        else:
            self._exchange(batch, messages, request.method.upper(), address, headers, body)

    def _deliver_here(self, batch: list[Waiting], messages: tuple[OutgoingMessage, ...]) -> None:
        """Hand messages to the plugin, in one transaction with their removal."""
        try:
            with transaction.atomic(using=database()):
                if not connections[database()].features.has_select_for_update:
                    hold_lease(self._row)  # locks the database as a whole before the plugin reads from it
                self._carrier.deliver(messages)
                seen = end_batch_here(self._row, Ending(delivered=batch))
        except OutboxLeaseError:
            raise
        except Exception as error:  # noqa: BLE001 - the plugin's own code, judged here
            self._split(batch, self._raised("deliver", error), smaller=False)
        else:
            self._ended(seen, len(batch), 0)

    def _exchange(
        self,
        batch: list[Waiting],
        messages: tuple[OutgoingMessage, ...],
        method: str,
        address: Address,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        if not self._carrier.may_reach(address.authority):
            self._hold(NOT_GRANTED, f"The plugin was not granted network:{address.authority}.")
        try:
            answer = send_request(address, method, headers, body, _rules())
        except UnreachableError as error:
            self._try_later(error.detail)
        except AddressRefusedError as error:
            self._hold(error.code, error.detail)
        response = OutgoingResponse(answer.status, answer.headers, answer.body)
        try:
            verdict = self._carrier.judge(messages, response)
        except Exception as error:  # noqa: BLE001 - the plugin's own code; what was delivered goes again, by its key
            raised = self._raised("judge", error)
            self._try_later(raised.reason, response=raised.response)
        self._apply(batch, verdict, response)

    def _apply(self, batch: list[Waiting], verdict: Verdict, response: OutgoingResponse) -> None:
        reason = self._carrier.clean(verdict.reason)
        if verdict.fate == Fate.LATER:
            self._try_later(reason, verdict.after, response.text)
        if verdict.fate == Fate.HOLD:
            self._hold("refused", reason, response.text)
        refusal = Refusal(reason, response.status, self._carrier.clean(response.text))
        if verdict.fate == Fate.SPLIT:
            self._split(batch, refusal, smaller=verdict.smaller)
            return
        named = {*verdict.again, *verdict.refused, *verdict.left}
        if strange := sorted(named - set(range(len(batch)))):
            self._try_later(f"judge named the message {strange[0]} of a batch of {len(batch)}.")
        if len(verdict.left) == len(batch):
            self._try_later("judge left every message of a batch where it was.")
        again = [(batch[index], seconds) for index, seconds in verdict.again.items()]
        refused = [
            (batch[index], Refusal(self._carrier.clean(why), refusal.status, refusal.response))
            for index, why in verdict.refused.items()
            if index not in verdict.again
        ]
        delivered = [item for index, item in enumerate(batch) if index not in named]
        grown = min(self._row.batch_max, self._row.batch_now * 2)
        self._row.batch_now = grown
        self._end(Ending(delivered, again, refused, values={"batch_now": grown}))

    def _split(self, batch: list[Waiting], refusal: Refusal, *, smaller: bool) -> None:
        """Try the halves of a batch, the first one first; a message that is alone becomes a dead letter."""
        if len(batch) == 1:
            self._end(Ending(refused=[(batch[0], refusal)]))
            return
        middle = len(batch) // 2
        if smaller:
            self._row.batch_now = max(1, middle)
            self._end(Ending(values={"batch_now": self._row.batch_now}))
        self._halves += [batch[middle:], batch[:middle]]

    def _raised(self, name: str, error: Exception) -> Refusal:
        told = error.detail if isinstance(error, GridKitError) else str(error)
        return Refusal(f"{name} raised {type(error).__name__}.", response=self._carrier.clean(told))

    def _end(self, ending: Ending) -> None:
        seen = end_batch(self._row, ending)
        self._ended(seen, len(ending.delivered), len(ending.refused))

    def _ended(self, seen: OutboxChannel, delivered: int, dead: int) -> None:
        """Go on, unless somebody paused the channel, or it makes nothing but dead letters."""
        self.delivered += delivered
        if dead and seen.dead_in_row >= DEAD_IN_ROW_MAX:
            self._hold(
                "dead-in-row",
                f"{seen.dead_in_row} messages became dead letters one after the other; see their reasons.",
            )
        if seen.paused:
            raise _StopError("An administrator has paused the channel.")

    def _try_later(self, reason: str, after: float | None = None, response: str = "") -> NoReturn:
        """Let the channel wait.

        Raises:
            _StopError: always.
        """
        failures = self._row.failures + 1
        pause = back_off(failures, after)
        told = cut_reason(self._carrier.clean(reason))
        self._note(
            state=ChannelState.WAITING,
            state_code="later",
            state_reason=told,
            state_response=cut_response(self._carrier.clean(response)),
            failures=failures,
            deaths=0,
            next_try_at=timezone.now() + timedelta(seconds=pause),
        )
        logger.warning("The channel %s waits %.0f s, %d failures in a row: %s", self._row, pause, failures, told)
        raise _StopError(told)

    def _hold(self, code: str, reason: str, response: str = "") -> NoReturn:
        """Let the channel wait for a person.

        Raises:
            _StopError: always.
        """
        told = cut_reason(self._carrier.clean(reason))
        self._note(
            state=ChannelState.HELD,
            state_code=code,
            state_reason=told,
            state_response=cut_response(self._carrier.clean(response)),
            state_revision=self._carrier.revision,
            deaths=0,
            next_try_at=None,
        )
        if (self._row.state, self._row.state_code) != (ChannelState.HELD, code):
            logger.error("The channel %s is held until somebody looks: %s", self._row, told)
        raise _StopError(told)

    def _note(self, **values: Any) -> None:
        with transaction.atomic(using=database()):
            hold_lease(self._row, **values)


def _read_request(request: OutgoingRequest) -> tuple[Address, dict[str, str], bytes]:
    """Return where a request goes, and with what.

    Raises:
        OutboxRequestError: when it is none that can be sent.
        AddressRefusedError: when its address is none.
    """
    if request.method.upper() not in _METHODS:
        raise OutboxRequestError(f"prepare returned a request with the method {request.method!r}.")
    address = read_address(request.url, allow_clear=settings().OUTBOX_ALLOW_CLEAR)
    headers = _headers(request)
    known = {name.lower() for name in headers}
    if "user-agent" not in known:
        headers["User-Agent"] = "GridKit"
    if isinstance(request.body, bytes):
        return address, headers, request.body
    if "content-type" not in known:
        headers["Content-Type"] = "application/json"
    try:
        body = json.dumps(request.body, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise OutboxRequestError(f"prepare returned a body that is neither bytes nor JSON: {error}.") from error
    return address, headers, body


def _headers(request: OutgoingRequest) -> dict[str, str]:
    """Return the headers of a request that are the plugin's to choose.

    Raises:
        OutboxRequestError: when one is none.
    """
    headers = {str(name): str(value) for name, value in request.headers.items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value):
            raise OutboxRequestError(f"prepare returned a header that is none: {name[:50]!r}.")
    return {name: value for name, value in headers.items() if name.lower() not in _OURS}


def _rules() -> Rules:
    limits = settings()
    return Rules(
        allow_private=limits.OUTBOX_ALLOW_PRIVATE,
        private_setting="OUTBOX_ALLOW_PRIVATE",
        connect_seconds=limits.OUTBOX_CONNECT_SECONDS,
        read_seconds=limits.OUTBOX_READ_SECONDS,
        total_seconds=2 * limits.OUTBOX_READ_SECONDS,
        answer_bytes=ANSWER_BYTES_MAX,
    )
