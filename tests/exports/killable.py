"""A program: a worker that carries out one export and says where it is, so that it can be killed there.

It prints a line at each place (``rows N``, ``stored N``, ``taken N``, ``join``) and waits for a line before it goes on.
Usage: ``python -m tests.exports.killable SETTINGS JOB``, with the settings of the database as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def pause(place: str) -> None:
    """Say where we are, and wait."""
    sys.stdout.write(f"{place}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main() -> None:
    """Carry out the job."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    settings.DATABASES["default"].update(given["database"])
    settings.STORAGES["default"] = given["storage"]
    settings.MIDDLEWARE = []
    django.setup()
    from django.apps import apps  # noqa: PLC0415 - only after the set-up

    from gridkit_django.exports import run_export  # noqa: PLC0415
    from gridkit_django.exports.growing import GrowingFile  # noqa: PLC0415
    from gridkit_django.exports.scratch import ScratchFile  # noqa: PLC0415
    from gridkit_django.exports.segments import KeptSegment  # noqa: PLC0415
    from gridkit_django.grids import grid_registry  # noqa: PLC0415
    from tests.exports.conftest import RememberingQueue  # noqa: PLC0415
    from tests.exports.segmented import Pieces, Strips  # noqa: PLC0415
    from tests.exports.shop import ExportGrid  # noqa: PLC0415

    store = ScratchFile.store

    def store_and_say(file: ScratchFile, name: str) -> str:
        stored = store(file, name)
        pause(f"stored {len(Pieces.written) - 1}")
        return stored

    take_over = GrowingFile.take_over

    def take_over_and_say(file: GrowingFile, segment: KeptSegment) -> None:
        take_over(file, segment)
        pause(f"taken {segment.place.number}")

    ScratchFile.store = store_and_say  # type: ignore[method-assign]
    GrowingFile.take_over = take_over_and_say  # type: ignore[method-assign]
    Pieces.act_in = staticmethod(lambda rows: pause(f"rows {len(Pieces.written)}"))
    Pieces.act_join = staticmethod(lambda: pause("join"))
    config = apps.get_app_config("gridkit_django")
    config.job_queue = RememberingQueue()
    config.exporters.register("pieces", Pieces)
    config.exporters.register("strips", Strips)
    grid_registry().register(ExportGrid)
    run_export(sys.argv[2])


if __name__ == "__main__":
    main()
