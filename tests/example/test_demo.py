"""`manage.py demo` as a person runs it: in a process of its own, from nothing, on all flights."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from example_project.flights.dataset import FILES
from example_project.flights.loader import MODELS
from tests.example.conftest import source_rows
from tests.servers.http import Client
from tests.servers.postgres import PostgresServer
from tests.servers.processes import ROOT, free_port, installed_environment, scratch_folder, wait_until

READY = "GridKit is running. Ctrl-C stops it."
FLIGHTS = "/gridkit/api/grids/flights"


class Demo:
    """One run of the command; ended with the block at the latest.

    Args:
        folder: the demo's folder, also of its log.
        env: what the environment says beyond this process's.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self._clients: dict[str, Client] = {}
        self.log = folder / f"demo-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "manage.py", "demo", "--port", str(self.port)],
                cwd=ROOT,
                env=environment(folder, env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Demo:
        wait_until(self._announced, f"the demo to run:\n{self.output}", seconds=240)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.is_running():
            self.end(signal.SIGTERM)

    def _announced(self) -> bool:
        assert self.process.poll() is None, self.output
        return READY in self.output and "\n  editor" in self.output

    @property
    def output(self) -> str:
        """Everything it printed."""
        return self.log.read_text(errors="replace")

    def password(self, user: str) -> str:
        """Return the password that it printed."""
        found = re.search(rf"^  {user} +(\S.*?)  ", self.output, re.MULTILINE)
        assert found is not None, self.output
        return found[1]

    def client(self, user: str, password: str = "") -> Client:
        """Return an HTTP client that is logged in, by default with the password that it printed.

        Users log in once: a password is hashed for half a second, and Basic authentication does so at each request.
        """
        if user not in self._clients:
            client = self._clients[user] = Client(f"http://127.0.0.1:{self.port}")
            client.log_in("/login/", user, password or self.password(user))
        return self._clients[user]

    def end(self, how: signal.Signals) -> int:
        """Send a signal and return the exit code; nothing that it started may be left."""
        children = self.process.children(recursive=True)
        self.process.send_signal(how)
        code = self.process.wait(60)
        wait_until(lambda: not any(child.is_running() for child in children), f"{children} to end", seconds=10)
        return int(code)


def environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what it says about the demo, with the demo's folder, and with more."""
    silent = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "GRIDKIT_DEMO_PASSWORD"}
    told = {key: value for key, value in installed_environment().items() if key not in silent}
    return {**told, **more, "DJANGO_SETTINGS_MODULE": "example_project.settings", "GRIDKIT_DEMO_VAR": str(folder)}


def loaded(url: str) -> tuple[list[int], tuple[int, ...]]:
    """Return how many rows each table of a PostgreSQL database holds, and figures of the delays of its flights."""
    tables = [model._meta.db_table for model in MODELS]
    with psycopg.connect(url) as link:
        counts = [count for table in tables for (count,) in link.execute(f"SELECT COUNT(*) FROM {table}".encode())]
        (delays,) = link.execute(
            "SELECT COUNT(dep_delay), SUM(dep_delay), MIN(dep_delay), MAX(dep_delay) FROM flights_flight"
        )
    return counts, delays


def export(client: Client, query: dict[str, Any]) -> list[str]:
    """Export flights to CSV through the API and return the file's lines."""
    asked = client.post(f"{FLIGHTS}/methods/export/", {"arguments": {"format": "csv"}, "query": query})
    assert asked.status == 202, asked.text
    job = f"{FLIGHTS}/jobs/{asked.json()['job']['id']}/"
    wait_until(lambda: client.get(job).json()["state"] not in {"queued", "running"}, "the export to end")
    assert client.get(job).json()["state"] == "finished", client.get(job).text
    return client.get(f"{job}result/").text.splitlines()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The folder of the demos of this module."""
    with scratch_folder("demo") as path:
        yield path


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    """The demo after its very first start."""
    with Demo(folder) as running:
        yield running


@pytest.fixture
def again(demo: Demo, folder: Path, how: signal.Signals) -> Iterator[Demo]:
    """A second start on what the first one left (which still runs, on another port); coverage.py measures one."""
    measured = ("COVERAGE_PROCESS_CONFIG",) if how is signal.SIGINT else ()
    with Demo(folder, {name: value for name, value in os.environ.items() if name in measured}) as running:
        yield running


def test_first_start_loads_all_flights_and_installs_the_official_plugins(demo: Demo):
    assert "336776/336776" in demo.output
    assert "Installed and activated @gridkit/plugin-audit-log." in demo.output
    assert "Installed and activated @gridkit/plugin-export." in demo.output
    assert "Listed 8 releases in the demo's own marketplace." in demo.output


def test_demo_installs_from_the_marketplace_that_it_serves(demo: Demo):
    admin, plugin = demo.client("admin"), "/gridkit/api/marketplace/plugins/@demo/edit-counter"
    wait_until(lambda: admin.get("/gridkit/api/marketplace/plugins/").json()["count"] == 5, "the list of the market")

    grants = admin.get(f"{plugin}/plan/?version=1.0.0").json()["asksFor"]

    asked = admin.post(f"{plugin}/install/", {"version": "1.0.0", "activate": True, "grants": grants})

    assert asked.status == 202, asked.text
    installed = "/gridkit/api/plugins/@demo/edit-counter/"
    wait_until(lambda: admin.get(installed).status == 200, f"the plugin to be installed:\n{demo.output}")
    assert admin.get(installed).json()["version"] == "1.0.0"
    assert admin.get(f"{plugin}/plan/").json()["asksFor"] == ["reports:register"]


def test_every_address_that_is_printed_answers_the_admin(demo: Demo):
    browser = demo.client("admin")

    addresses = re.findall(r"http://127\.0\.0\.1:\d+(/\S*)", demo.output)

    assert len(addresses) == 6
    for path in addresses:
        answer = browser.get(path)
        assert (answer.status, answer.url) == (200, f"{browser.base}{path}")
    assert browser.get("/favicon.ico").status == 204
    assert browser.get("/").url == f"{browser.base}/gridkit/grids/flights/"


def test_analyst_reads_flights_without_tail_numbers(demo: Demo):
    analyst = demo.client("analyst")

    answer = analyst.post(f"{FLIGHTS}/rows/", {"sort": [{"col": "dep_delay", "dir": "desc"}], "count": "exact"}).json()

    first = answer["rows"][0]["d"]
    assert (first["dep_delay"], first["carrier"], first["airline"]) == (1301, "HA", "Hawaiian Airlines Inc.")
    assert (first["origin_name"], first["dest_name"]) == ("John F Kennedy Intl", "Honolulu Intl")
    assert answer["count"] == {"value": 336_776, "is": "exact"}
    assert not {"tailnum", "plane_model"} & set(first)


@pytest.mark.unmeasured  # it reads all flights row by row
def test_analyst_exports_what_an_independent_count_finds(demo: Demo):
    wanted = {"and": [{"col": "carrier", "op": "eq", "value": "HA"}, {"col": "month", "op": "eq", "value": 2}]}

    lines = export(demo.client("analyst"), {"filter": wanted})

    counted = sum(row["carrier"] == "HA" and row["month"] == "2" for row in source_rows("flights.csv.zip"))
    assert len(lines) - 1 == counted > 0


def test_editor_changes_a_note_and_analyst_may_not(demo: Demo):
    editor, analyst = demo.client("editor"), demo.client("analyst")
    row = editor.get(f"{FLIGHTS}/records/1/").json()["row"]

    refused = analyst.patch(f"{FLIGHTS}/records/1/", {"changes": {"note": "no"}}, version=row["v"])
    changed = editor.patch(f"{FLIGHTS}/records/1/", {"changes": {"note": "seen"}}, version=row["v"])

    assert (refused.status, changed.status) == (403, 200)
    assert changed.json()["row"]["d"]["note"] == "seen"
    assert changed.json()["row"]["d"]["tailnum"] == "N14228"


@pytest.mark.parametrize("grid", ["airlines", "airports", "planes", "weather"])
def test_every_other_table_is_a_grid_for_the_analyst(demo: Demo, grid: str):
    answer = demo.client("analyst").post(f"/gridkit/api/grids/{grid}/rows/", {"window": {"kind": "cursor", "size": 5}})

    assert (answer.status, len(answer.json()["rows"])) == (200, 5)


def test_second_start_does_nothing_again_keeps_what_the_admin_decided_and_stops_at_a_signal(demo: Demo, folder: Path):
    admin = demo.client("admin")
    export_plugin = "/gridkit/api/plugins/@gridkit/plugin-export"
    assert admin.post(f"{export_plugin}/deactivate/").status == 200

    with Demo(folder) as again:
        names = [
            item["name"]
            for item in again.client("admin", demo.password("admin")).get(f"{FLIGHTS}/schema/").json()["methods"]
        ]
        assert "export" not in names
        assert "Loading" not in again.output
        assert "Installed" not in again.output
        assert "Listed" not in again.output
        assert again.password("admin") == "(see below)"
        assert "changepassword admin" in again.output
        assert_stops(again, signal.SIGTERM)

    assert admin.post(f"{export_plugin}/activate/").status == 200


def assert_stops(demo: Demo, how: signal.Signals) -> None:
    """See that a signal stops the demo in order, with everything that it started."""
    assert demo.end(how) == 0
    assert "The demo has stopped." in demo.output
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", demo.port), timeout=2)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_signal_stops_the_demo_with_everything_that_it_started(again: Demo, how: signal.Signals):
    assert_stops(again, how)


def test_taken_port_is_reported_before_any_work(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        done = subprocess.run(
            [sys.executable, "manage.py", "demo", "--port", port],
            cwd=ROOT,
            env=environment(tmp_path, {}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert f"Can't listen on 127.0.0.1 port {port}: Address already in use" in done.stderr
    assert not (tmp_path / "demo.sqlite3").exists()


@pytest.mark.unmeasured  # it reads all flights row by row
def test_with_servers_all_is_loaded_and_web_and_worker_run_beside_and_stop_with_the_demo(
    tmp_path: Path, postgres_server: PostgresServer, redis_url: str
):
    name = f"demo_{os.getpid()}"
    servers = {"DATABASE_URL": postgres_server.create(name), "REDIS_URL": redis_url, "GRIDKIT_DEMO_PASSWORD": "for all"}
    try:
        with Demo(tmp_path, servers) as running:
            commands = {" ".join(child.cmdline()[1:3]) for child in running.process.children()}
            lines = export(
                running.client("analyst", "for all"), {"filter": {"col": "carrier", "op": "eq", "value": "OO"}}
            )
            counts, delays = loaded(servers["DATABASE_URL"])
            code = running.end(signal.SIGINT)
    finally:
        postgres_server.drop(name)
    flown = [row["dep_delay"] for row in source_rows(FILES[-1])]
    late = [int(delay) for delay in flown if delay != "NA"]

    assert [*(sum(1 for _ in source_rows(file)) for file in FILES[:-1]), len(flown)] == counts
    assert counts == [16, 1458, 3322, 26115, 336_776]
    assert delays == (len(late), sum(late), min(late), max(late))
    assert commands == {"-m gunicorn", "-m celery"}
    assert len(lines) - 1 == 32
    assert code == 0
