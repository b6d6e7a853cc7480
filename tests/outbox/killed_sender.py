"""A worker that sends for one channel, in a process of its own, so that a test can kill it in the middle."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Set Django up on the database of the tests, and send."""
    import django  # noqa: PLC0415 - the settings are completed first
    from django.conf import settings  # noqa: PLC0415

    settings.DATABASES["default"].update(json.loads(os.environ["KILLED_DATABASE"]))
    settings.GRIDKIT = json.loads(os.environ["KILLED_GRIDKIT"])
    django.setup()
    from gridkit_django.outbox import Place, send_waiting  # noqa: PLC0415
    from tests.outbox.plain_carrier import PlainCarrier  # noqa: PLC0415

    url, plugin, batch = sys.argv[1:]
    send_waiting(Place(int(plugin), "vendor"), PlainCarrier(url, int(batch)), 60)


if __name__ == "__main__":
    main()
