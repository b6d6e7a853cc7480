"""What is put during one act is stored at its end, and only what still stands."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import transaction

from gridkit_django.models import OutboxMessage
from gridkit_django.outbox import gathered
from gridkit_django.plugins import PluginContext

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def keys() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("key", flat=True))


def test_messages_are_stored_when_the_act_ends(context: PluginContext) -> None:
    with gathered(), gathered():
        context.outbox.put("vendor", {}, key="a")
        context.outbox.put("vendor", {}, key="b")
        assert keys() == []
    assert keys() == ["a", "b"]
    with gathered():
        context.outbox.put("vendor", {}, key="c")
    assert keys() == ["a", "b", "c"]


def test_message_of_a_part_that_is_rolled_back_was_never_there(context: PluginContext) -> None:
    with gathered():
        context.outbox.put("vendor", {}, key="a")
        with suppress(ValueError), transaction.atomic():
            context.outbox.put("vendor", {}, key="b")
            raise ValueError("no")
        context.outbox.put("vendor", {}, key="c")
    assert keys() == ["a", "c"]


def test_act_that_fails_stores_nothing_also_when_it_is_forgiven(context: PluginContext) -> None:
    with transaction.atomic():
        with suppress(ValueError), gathered():
            context.outbox.put("vendor", {}, key="a")
            raise ValueError("no")
        context.outbox.put("vendor", {}, key="b")
    assert keys() == ["b"]
