"""The outbox of plugins, as administrators and the worker see it."""

from __future__ import annotations

from gridkit_django.outbox.tending import due_places, expire_waiting, keep_figures
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.plugins.outbox import send_channel, store_dropped


class Post(ManagerPart):
    """What plugins send out of the house."""

    def send_outbox(self, plugin_id: str, channel: str, seconds: float) -> bool:
        """Send what is due in a channel; whether to go on soon, because time was over before the messages were.

        Args:
            plugin_id: the plugin; nothing is sent when it is not at work in this process.
            channel: the channel's name.
            seconds: after so many no new batch is begun.
        """
        report = send_channel(self.runtime.live.get(plugin_id), channel, seconds)
        return report is not None and not report.is_over and not report.reason

    def due_outbox_channels(self) -> list[tuple[str, str]]:
        """Return plugin id and channel of all that may be sent now, after removing what waited too long."""
        for live in self.runtime.live.values():
            store_dropped(live)
        keep_figures()
        expire_waiting()
        open_here = {
            entry.place: (live, name) for live in self.runtime.live.values() for name, entry in live.channels.items()
        }
        revisions = {place: live.spec.revision for place, (live, _) in open_here.items()}
        return [(open_here[place][0].plugin_id, open_here[place][1]) for place in due_places(revisions)]
