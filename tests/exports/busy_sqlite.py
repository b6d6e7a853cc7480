"""A program: two workers get the same export on a SQLite file that a third thread writes to all the time.

Prints one JSON object: how the job ended, how often it was run, how many writes the third thread made, what it met.
Usage: ``python -m tests.exports.busy_sqlite FILE``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
ROWS = 3000


def configure(path: str) -> None:
    """Set Django up on a database file in WAL mode, where every transaction begins as a writer's."""
    options = {"init_command": "PRAGMA journal_mode=wal;", "transaction_mode": "IMMEDIATE"}
    settings.DATABASES["default"].update(ENGINE="django.db.backends.sqlite3", NAME=path, OPTIONS=options)
    settings.MIDDLEWARE = []
    django.setup()


def in_thread(act: Callable[[], None], faults: list[str]) -> threading.Thread:
    """Run ``act`` in a thread with a database connection of its own; what it raises is kept."""
    from django.db import connection  # noqa: PLC0415 - only after the set-up

    def run() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - shown to the test
            faults.append(repr(error))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def main() -> None:
    """Make the database, ask for an export, let the threads loose and print what came of it."""
    configure(sys.argv[1])
    from django.apps import apps  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    from gridkit_django.exports import run_export, watching  # noqa: PLC0415
    from gridkit_django.grids import grid_registry  # noqa: PLC0415
    from gridkit_django.models import AuditRecord, ExportJob  # noqa: PLC0415
    from tests.exports import shop  # noqa: PLC0415
    from tests.exports.conftest import RememberingQueue  # noqa: PLC0415
    from tests.shop.models import Customer  # noqa: PLC0415

    call_command("migrate", verbosity=0, run_syncdb=True)
    config = apps.get_app_config("gridkit_django")
    config.job_queue = RememberingQueue()
    shop.Recorder.chunk_rows = 50
    # Each chunk is told of, so that a worker that reads and tells in each other's way is found out.
    watching.SECONDS_BETWEEN_UPDATES = 0
    config.exporters.register("lines", shop.Recorder)
    grid_registry().register(shop.ExportGrid)
    shop.products(ROWS)
    job = shop.ask(shop.person(), "lines")

    faults: list[str] = []
    writes: list[int] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            number = len(writes)
            Customer.objects.create(name=str(number), email=f"{number}@example.test")
            writes.append(number)

    writer = in_thread(write, faults)
    workers = [in_thread(lambda: run_export(job.pk), faults) for _ in range(2)]
    for worker in workers:
        worker.join()
    over.set()
    writer.join()
    found = ExportJob.objects.get(pk=job.pk)
    ends = AuditRecord.objects.filter(action="export.finish").count()
    answer = {"state": found.state, "rows": found.rows_done, "ends": ends, "writes": len(writes), "faults": faults}
    sys.stdout.write(json.dumps({**answer, "error": found.error_detail}))


if __name__ == "__main__":
    main()
