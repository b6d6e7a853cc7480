"""The channels of all plugins with what waits in them and why, as plain values for faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from gridkit_django.models import ChannelState, DesiredState, EffectiveState, InstalledPlugin, OutboxChannel
from gridkit_django.outbox import Place
from gridkit_django.outbox.backlog import Backlog, backlogs
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.savepoints import database

LATE = timedelta(minutes=5)
"""A message that has waited so long in a channel that is ready: no worker comes."""

PAUSED = "paused"
STOPPED = "stopped"
CLOSED = "closed"
STATES = (*(state.value for state in ChannelState), PAUSED, STOPPED, CLOSED)

_AT_WORK = (EffectiveState.ACTIVE, EffectiveState.DEGRADED)


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One channel at one moment.

    Attributes:
        row: what is stored of it.
        state: one of ``STATES``: how it is, all things considered.
        code: stable code of the reason, empty for none.
        reason: the reason for people.
        backlog: what waits in it.
    """

    row: OutboxChannel
    state: str
    code: str
    reason: str
    backlog: Backlog

    @property
    def is_late(self) -> bool:
        """Whether messages wait for a worker that does not come."""
        return self.state == ChannelState.READY and self.backlog.age > LATE


def list_channels(live: Mapping[str, LivePlugin]) -> tuple[ChannelInfo, ...]:
    """Return all channels, by plugin and name.

    Args:
        live: the plugins at work in this process.
    """
    waiting = backlogs()
    rows = OutboxChannel.objects.using(database()).select_related("plugin").order_by("plugin__plugin_id", "name")
    return tuple(describe_channel(row, live, waiting.get(Place(row.plugin_id, row.name), Backlog())) for row in rows)


def describe_channel(row: OutboxChannel, live: Mapping[str, LivePlugin], backlog: Backlog) -> ChannelInfo:
    """Return how a channel is.

    An administrator's wish comes first, then whether its plugin is at work, then what its worker has seen.

    Args:
        row: what is stored of it, with its plugin.
        live: the plugins at work in this process.
        backlog: what waits in it.
    """
    plugin: InstalledPlugin = row.plugin
    if row.paused:
        return ChannelInfo(row, PAUSED, "paused", _("An administrator has paused it."), backlog)
    if plugin.desired_state != DesiredState.ACTIVE or plugin.effective_state not in _AT_WORK:
        reason = _("The plugin is not at work (%(state)s). Its messages wait.")
        state = plugin.get_effective_state_display()
        return ChannelInfo(row, STOPPED, "plugin-not-at-work", reason % {"state": state}, backlog)
    found = live.get(plugin.plugin_id)
    if found is not None and row.name not in found.channels:
        reason = _("The version of the plugin that is at work does not open it. Its messages wait, or expire.")
        return ChannelInfo(row, CLOSED, "channel-not-open", reason, backlog)
    info = ChannelInfo(row, str(row.state), row.state_code, row.state_reason, backlog)
    if info.is_late:
        reason = _("No worker has come for a while. Does a Celery worker run, and beat?")
        return ChannelInfo(row, info.state, "no-worker", reason, backlog)
    return info
