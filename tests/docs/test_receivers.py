"""The receivers of the page *Listen to events*, connected as the page connects them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.mail import EmailMessage

from gridkit_django.events import Moment, event_bus, make_event, signal_for
from gridkit_django.exceptions import EventRejected
from tests.docs.pages import blocks

pytestmark = pytest.mark.django_db(transaction=True)

SIGNALS = (signal_for("row:update", Moment.COMMITTED), signal_for("cell:edit", Moment.BEFORE))


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    """Run the two blocks that need no model, and take their receivers away again."""
    names: dict[str, Any] = {}
    for function in ("tell_managers", "keep_sent_orders"):
        exec(next(block.text for block in blocks("python") if f"def {function}(" in block.text), names)  # noqa: S102
    yield
    gone = [
        signal.disconnect(names[name])
        for signal, name in zip(SIGNALS, ("tell_managers", "keep_sent_orders"), strict=True)
    ]
    assert all(gone)


def test_committed_receiver_sends_mail_for_its_grid_only(settings: Any, mailoutbox: list[EmailMessage]) -> None:
    settings.MANAGERS = [("Boss", "boss@example.org")]
    changes = {"quantity": [1, 2]}
    for grid in ("orders", "flights"):
        event_bus().emit(make_event("row:update", {"rowId": "1", "changes": changes}, grid=grid))
    assert [mail.body for mail in mailoutbox] == ["code: 1 to 2"]


def test_before_receiver_vetoes_with_its_text() -> None:
    payload = {"rowId": "1", "column": "state", "old": "sent", "new": "new"}
    with pytest.raises(EventRejected, match="sent already"):
        event_bus().emit(make_event("cell:edit", payload, grid="orders"))
    event_bus().emit(make_event("cell:edit", {**payload, "old": "paid"}, grid="orders"))
