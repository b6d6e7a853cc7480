"""How long it takes until four idle web processes run what one of them was told, with a hint over Redis and without.

The clock runs from sending the request that changes a configuration to the moment at which every process has written
into the database that it runs the new revision. Each of them builds the plugin anew for that.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.database import server_version
from tests.benchmarks.harness import compare, table
from tests.routes.world import furnish, swift
from tests.servers.postgres import PostgresServer, own_postgres
from tests.servers.processes import scratch_folder, wait_until
from tests.servers.redis import redis_on
from tests.servers.stack import Stack, Templates

PROCESSES = 4
PLUGIN = "@gridkit/plugin-export"
SCHEMA = "/gridkit/api/grids/flights/schema/"

_BEHIND = """
SELECT count(*) FILTER (WHERE CAST(process.plugins ->> %(id)s AS integer) = plugin.revision)
FROM gridkit_django_runtimeprocess AS process, gridkit_django_installedplugin AS plugin
WHERE process.kind = 'web' AND plugin.plugin_id = %(id)s
"""

_SPREAD = """
SELECT extract(epoch FROM max(process.seen_at) - plugin.changed_at)
FROM gridkit_django_runtimeprocess AS process, gridkit_django_installedplugin AS plugin
WHERE process.kind = 'web' AND plugin.plugin_id = %(id)s GROUP BY plugin.changed_at
"""


class Site:
    """Four web processes on a database of their own.

    Args:
        stack: where they run.

    Attributes:
        spreads: seconds from the change of the plugin's row, just before the commit, to the last process's report.
    """

    def __init__(self, stack: Stack) -> None:
        self.spreads: list[float] = []
        furnish(stack)
        stack.web(PROCESSES)
        for index in range(PROCESSES):
            swift(stack, "analyst", index=index).get(SCHEMA)
        self._admin = swift(stack, "admin")
        self._link = psycopg.connect(stack.env["DATABASE_URL"], autocommit=True)
        self._formats = cycle((["csv"], ["csv", "json"]))
        self._await_agreement()

    def change(self) -> None:
        """Change the configuration; the answer comes when the process that is asked runs it."""
        body: dict[str, Any] = {"config": {"formats": next(self._formats)}}
        answer = self._admin.post(f"/gridkit/api/plugins/{PLUGIN}/configure/", body)
        if answer.status != 200:
            raise RuntimeError(answer.text)

    def change_everywhere(self) -> None:
        """Change the configuration, and wait until all four processes run it."""
        self.change()
        self._await_agreement()
        row = self._link.execute(_SPREAD, {"id": PLUGIN}).fetchone()
        self.spreads.append(float(row[0]) if row else 0.0)

    def close(self) -> None:
        """Let go of the database."""
        self._link.close()

    def _await_agreement(self) -> None:
        wait_until(lambda: self._agreeing() == PROCESSES, "the processes to agree")

    def _agreeing(self) -> int:
        row = self._link.execute(_BEHIND, {"id": PLUGIN}).fetchone()
        return int(row[0]) if row else 0


def run() -> Iterator[str]:
    """Compare the change alone with the agreement of all, told and untold."""
    with ExitStack() as ends:
        postgres = ends.enter_context(own_postgres())
        port, _ = ends.enter_context(redis_on())
        url = f"redis://127.0.0.1:{port}/0"
        folder = ends.enter_context(scratch_folder("own"))
        templates = Templates(PostgresServer(postgres.url), url, folder)
        told = _site(ends, templates, url)
        untold = _site(ends, templates, "")
        measured = compare(
            {
                "the change itself, in one process": told.change,
                "all four, told over Redis": told.change_everywhere,
                "all four, looking every 2 s": untold.change_everywhere,
            }
        )
        yield table(
            "Until all processes agree",
            measured,
            conditions={
                "web processes": f"{PROCESSES}, idle",
                "database": server_version(),
                "from the change of the row to the last report, told": _median(told.spreads),
                "the same, looking every 2 s": _median(untold.spreads),
            },
        )


def _median(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds) * 1e3:.0f} ms, at most {max(seconds) * 1e3:.0f} ms"


def _site(ends: ExitStack, templates: Templates, redis_url: str) -> Site:
    folder: Path = ends.enter_context(scratch_folder("stack"))
    stack = Stack("postgres", templates.copy("postgres", folder), redis_url, folder)
    ends.callback(stack.close)
    site = Site(stack)
    ends.callback(site.close)
    return site
