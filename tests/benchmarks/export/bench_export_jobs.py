"""How long it takes until an export that was asked for is under way, and until one that was stopped has ended.

On 3,000,000 rows; ``GRIDKIT_BENCH_JOB_ROWS`` takes another number. The memory is that of jobs of fewer rows, each in a
process of its own that has made no export before.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import connections
from django.test import Client

from gridkit_django.exports import cancel_export, create_export, run_export
from gridkit_django.models import ExportJob, JobState
from gridkit_django.plugins import plugin_manager
from tests.benchmarks.database import server_version
from tests.benchmarks.export.costs import peak_of
from tests.benchmarks.export.records import RecordGrid, make_records
from tests.benchmarks.export.worker import PLUGIN, worker_of

ROWS = int(os.environ.get("GRIDKIT_BENCH_JOB_ROWS", "3000000"))
REQUESTS = 11
STOPS = 8
MEMORY_ROWS = {"csv": (100_000, 1_000_000), "json": (100_000,), "xlsx": (100_000, 300_000), "pdf": (10_000, 50_000)}
LONGEST_WAIT = 2.5
QUERIES: dict[str, dict[str, Any]] = {
    "all rows": {},
    "another order, by an index that there is not": {"sort": [{"col": "note", "dir": "asc"}]},
    "a filter that every third row passes": {"filter": {"col": "flag", "op": "eq", "value": True}},
    "a filter that no index serves": {"filter": {"col": "remark", "op": "contains", "value": "777"}},
}


def run() -> Iterator[str]:
    """Make the table, then measure requests and stops."""
    make_records(ROWS)
    user = worker_of()
    manager = plugin_manager()
    manager.install_plugin(PLUGIN)
    try:
        yield _requests(user)
        yield _memory(user)
        yield _stops(user)
    finally:
        manager.uninstall_plugin(PLUGIN)


def _requests(user: Any) -> str:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    lines = []
    for form in ("csv", "json", "xlsx"):
        for name, query in QUERIES.items():
            _request(client, form, query)
            spent = [_request(client, form, query) for _ in range(REQUESTS)]
            told = f"{statistics.median(spent) * 1e3:>9.1f} ms{max(spent) * 1e3:>9.1f} ms"
            lines.append(f"{f'{form}, {name}':<64}{told}")
    return _printed("A request that starts an export, by HTTP: median and longest", lines)


def _request(client: Client, form: str, query: dict[str, Any]) -> float:
    body = {"query": query, "arguments": {"format": form}}
    started = time.perf_counter()
    answer = client.post(f"/gridkit/api/grids/{RecordGrid.options.id}/methods/export/", body, "application/json")
    spent = time.perf_counter() - started
    if answer.status_code != 202:
        raise RuntimeError(f"The request was refused: {answer.status_code} {answer.content[:500]!r}")
    ExportJob.objects.all().delete()
    return spent


def _stops(user: Any) -> str:
    random.seed(6)
    lines = []
    for form in ("csv", "json", "xlsx"):
        spent = sorted(_stop(user, form) for _ in range(STOPS))
        told = f"{statistics.median(spent) * 1e3:>9.1f} ms{spent[-1] * 1e3:>9.1f} ms"
        lines.append(f"{form:<64}{told}")
    return _printed("From cancelling a running export to its end: median and longest", lines)


def _stop(user: Any, form: str) -> float:
    """Let another process carry out a job, stop it at some moment, and return the seconds until it has ended."""
    job = create_export(RecordGrid.options.id, {}, form, user)
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            run_export(job.pk)
        finally:
            os._exit(0)
    try:
        _await(job, JobState.RUNNING)
        time.sleep(random.uniform(0.05, LONGEST_WAIT))
        started = time.perf_counter()
        cancel_export(job, user)
        _await(job, JobState.CANCELLED)
        return time.perf_counter() - started
    finally:
        os.waitpid(child, 0)
        ExportJob.objects.filter(pk=job.pk).delete()


def _memory(user: Any) -> str:
    lines = []
    for form, sizes in MEMORY_ROWS.items():
        for rows in sizes:
            if rows <= ROWS:
                megabytes = peak_of(partial(_job, user, form, rows))
                lines.append(f"{f'{form}, {rows:,} rows':<64}{megabytes:>9.1f} MB")
    loaded = "with" if "weasyprint" in sys.modules else "without"
    told = f"  above an idle process that is connected, {loaded} WeasyPrint loaded; by the operating system"
    return f"{_printed('The most memory that a job takes', lines)}\n{told}"


def _job(user: Any, form: str, rows: int) -> None:
    query = {"filter": {"col": "id", "op": "lte", "value": rows}}
    job = create_export(RecordGrid.options.id, query, form, user)
    run_export(job.pk)
    job.refresh_from_db()
    if (job.state, job.rows_done) != (JobState.FINISHED, rows):
        raise RuntimeError(f"The job is {job.state} after {job.rows_done} rows: {job.error_detail}")
    job.delete()


def _await(job: ExportJob, state: str) -> None:
    ends = time.monotonic() + 60
    while (found := ExportJob.objects.values_list("state", flat=True).get(pk=job.pk)) != state:
        if time.monotonic() > ends or found in (JobState.FINISHED, JobState.FAILED):
            raise RuntimeError(f"The job is {found} instead of {state}.")
        time.sleep(0.005)


def _printed(title: str, lines: list[str]) -> str:
    conditions = [f"  rows: {ROWS:,} of 12 columns", f"  database: {server_version()}"]
    return "\n".join([title, "-" * len(title), *lines, *conditions])
