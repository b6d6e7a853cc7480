"""The outbox for programs that watch: states, backlogs, figures, and nothing of a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from gridkit_django.models import ChannelState, InstalledPlugin, OutboxChannel, OutboxDeadLetter, OutboxMessage
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem
from tests.api.test_metrics import METRICS, TOKEN, samples
from tests.outbox.senders import Sender

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

URL = "/gridkit/api/outbox/"


@pytest.fixture(autouse=True)
def manager(db: None) -> Iterator[PluginManager]:
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


@pytest.fixture
def channel() -> OutboxChannel:
    plugin = InstalledPlugin.objects.create(
        plugin_id="@acme/sender", source="object", source_ref="x", desired_state="active", effective_state="active"
    )
    OutboxMessage.objects.create(plugin=plugin, channel="vendor", key="k", payload='{"name":"Ada"}', size=14)
    OutboxDeadLetter.objects.create(
        plugin=plugin, channel="vendor", key="d", payload='{"name":"Ada"}', size=14, put_at=timezone.now(), reason="no"
    )
    return OutboxChannel.objects.create(
        plugin=plugin,
        name="vendor",
        state=ChannelState.HELD,
        state_code="refused",
        state_reason="The server answered 401.",
        state_response="Ada",
        delivered=7,
        dropped=2,
    )


def test_channels_are_told_to_who_looks_after_them_and_nothing_of_a_message(
    channel: OutboxChannel, make_user: Callable[..., User], anonymous: APIClient
) -> None:
    of_one, of_none = make_user("one"), make_user("none")
    assign_perm("gridkit_django.view_outbox", of_one, channel.plugin)

    assert_problem(anonymous.get(URL), 401, "not-authenticated")
    assert client_of(of_none).get(URL).json() == {"channels": []}
    answer = client_of(of_one).get(URL)
    assert answer.json() == client_of(make_user("all", "gridkit_django.view_outboxchannel")).get(URL).json()
    (told,) = answer.json()["channels"]
    assert (told["plugin"], told["channel"], told["isLocal"]) == ("@acme/sender", "vendor", False)
    assert (told["state"], told["stateCode"], told["reason"]) == ("held", "refused", "The server answered 401.")
    assert (told["waiting"], told["waitingBytes"], told["deadLetters"]) == (1, 14, 1)
    assert (told["delivered"], told["dropped"]) == (7, 2)
    assert "Ada" not in answer.content.decode()


def test_metrics_tell_of_the_outbox(channel: OutboxChannel, settings: Any) -> None:
    settings.GRIDKIT = {"METRICS_TOKEN": TOKEN}
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    found = samples(client.get(METRICS))

    of = ("vendor", "@acme/sender")
    assert found["gridkit_outbox_waiting_messages", *of] == 1
    assert found["gridkit_outbox_waiting_bytes", *of] == 14
    assert found["gridkit_outbox_dead_letters", *of] == 1
    assert found["gridkit_outbox_delivered_total", *of] == 7
    assert found["gridkit_outbox_dropped_total", *of] == 2
    states = {key[2]: value for key, value in found.items() if key[0] == "gridkit_outbox_channel"}
    assert {name for name, value in states.items() if value} == {"held"}


def test_health_of_a_plugin_tells_of_channels_that_can_not_send(channel: OutboxChannel, manager: PluginManager) -> None:
    channel.plugin.delete()
    manager.install_plugin(Sender, grants=["storage:use"])
    try:
        owner = InstalledPlugin.objects.get(plugin_id="sender")
        OutboxChannel.objects.create(plugin=owner, name="other", state=ChannelState.HELD)
        health = manager.check_plugin_health("sender")
    finally:
        manager.stop_all()
        manager.runtime.catalog.remove_object("sender")
    assert "A channel of the outbox can't send" in health.message
