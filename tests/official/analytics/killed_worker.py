"""A worker that sends for one provider, in a process of its own, so that a test can kill it in the middle."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Set Django up on the database of the tests, let the plugin run, and send."""
    import django  # noqa: PLC0415 - the settings are completed first
    from django.conf import settings  # noqa: PLC0415

    settings.DATABASES["default"].update(json.loads(os.environ["KILLED_DATABASE"]))
    settings.GRIDKIT = json.loads(os.environ["KILLED_GRIDKIT"])
    django.setup()
    from gridkit_django.plugins import plugin_manager  # noqa: PLC0415
    from gridkit_plugins.analytics.providers.base import Limits  # noqa: PLC0415
    from gridkit_plugins.analytics.providers.segment import Segment  # noqa: PLC0415
    from gridkit_plugins.analytics.store import CountStore  # noqa: PLC0415

    Segment.limits = Limits(5, 220_000)
    add = CountStore._add

    def add_and_die(store: CountStore, *arguments: Any) -> None:
        add(store, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    CountStore._add = add_and_die  # type: ignore[method-assign]
    plugin_manager().follow()
    plugin_manager().send_outbox("@gridkit/plugin-analytics", sys.argv[1], 60)


if __name__ == "__main__":
    main()
