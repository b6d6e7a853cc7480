"""The example project as it runs in production: real database, real Redis, web and Celery processes of their own.

A route test asks for `stack`; it then runs once on SQLite and once on PostgreSQL. The stack belongs to the test's
module: its database starts empty and migrated, and all processes are gone after the module's last test.

Web processes, workers and commands are forked from one that has loaded the project (`tests/servers/forking.py`). What
`start_web`, `start_uvicorn`, `start_runserver` and workers with ``own_program`` start are programs that load it
themselves, for tests of how a process starts and forks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
import psycopg
import pytest
import redis

from tests.servers.forking import Fork, end_forking, fork_server
from tests.servers.postgres import PostgresServer
from tests.servers.processes import (
    ServerError,
    ServerProcess,
    free_port,
    installed_environment,
    scratch_folder,
)

DATABASES = ("sqlite", "postgres")
FILE = "stack.sqlite3"


class Stack:
    """One running example project.

    Args:
        database: `sqlite` or `postgres`.
        database_url: The address of its database.
        redis_url: The address of its broker and cache.
        folder: Where its files and logs go.
        templates: Where `fill` finds databases in which the code has run already.

    Attributes:
        database: `sqlite` or `postgres`.
        env: The environment of all its processes.
    """

    def __init__(
        self, database: str, database_url: str, redis_url: str, folder: Path, templates: Templates | None = None
    ) -> None:
        self.database = database
        self.folder = folder
        self._templates = templates
        self.env = {
            **installed_environment(),
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "GRIDKIT_DEMO_VAR": str(folder),
            "PYTHONUNBUFFERED": "1",
        }
        self._web: list[tuple[str, ServerProcess]] = []
        self._workers: list[ServerProcess] = []
        self._forks: list[Fork] = []
        self._asking: tuple[str, psycopg.Connection[tuple[Any, ...]]] | None = None

    def manage(self, *words: str) -> str:
        """Run a management command to its end and return what it printed.

        Args:
            words: The command and its arguments.

        Raises:
            ServerError: It exited non-zero; the message holds its output.
        """
        with Path(os.devnull).open() as nothing, tempfile.TemporaryFile("w+") as printed:
            status = self.fork("manage.py", *words, streams=(nothing, printed, printed)).wait(300)
            printed.seek(0)
            output = printed.read()
        if status:
            raise ServerError(f"manage.py {' '.join(words[:2])} exited with {status}:\n{output}")
        return output

    def fork(self, *words: str, streams: Sequence[IO[Any]]) -> Fork:
        """Start a process of the project, which is forked from one that has loaded the project.

        Args:
            words: What Python is to run: `-m`, a module and its arguments, or a file and its arguments.
            streams: Open files that become its standard streams.
        """
        forked = fork_server().fork(words, self.env, [stream.fileno() for stream in streams])
        self._forks.append(forked)
        return forked

    def serve(self, name: str, log: Path, *words: str) -> ServerProcess:
        """Start a server of the project, which is forked as `fork` does it.

        Args:
            name: What it is called in messages.
            log: Where its output goes.
            words: What Python is to run.
        """
        with Path(os.devnull).open() as nothing, log.open("ab") as output:
            return ServerProcess(name, (), log, started=self.fork(*words, streams=(nothing, output, output)))

    def python(self, code: str) -> str:
        """Run Python code inside the project, in a process of its own, and return what it printed."""
        return self.manage("shell", "--no-imports", "-c", code)

    def fill(self, *codes: str) -> None:
        """Fill the empty database by code of the project, all pieces in one process.

        Code that another stack of this test process ran is not run again: its database is copied.
        """
        if self._templates is not None and not self._web and not self._workers:
            self.env["DATABASE_URL"] = self._templates.copy(self.database, self.folder, codes)
            return
        if codes:
            self.python("\n".join(codes))

    def web(self, processes: int = 1) -> list[str]:
        """See to it that so many web processes run, each with a port of its own, and return their addresses."""
        started = [self._start_web() for _ in range(processes - len(self._web))]
        for url, server in started:
            server.wait_ready(partial(_answers, url))
        self._web.extend(started)
        return [url for url, _ in self._web[:processes]]

    def url(self, index: int = 0) -> str:
        """Return the address of one of the web processes; it is started when it does not run yet."""
        return self.web(index + 1)[index]

    def start_web(self, *options: str) -> str:
        """Start one more web server with further options of gunicorn (the last word counts), and return its address.

        It is a program of its own, as are those of `start_uvicorn` and `start_runserver`: it loads the project itself.
        """
        port = free_port()
        return self._start_program(f"web {port}", port, *self._gunicorn(port), *options)

    def start_uvicorn(self) -> str:
        """Start one more web server of one process, over ASGI, and return its address."""
        return self._start_other("uvicorn", "example_project.asgi:application", "--port", "{port}")

    def start_runserver(self) -> str:
        """Start Django's own web server, which a developer has, with its reloader, and return its address."""
        return self._start_other("django", "runserver", "{port}")

    def _start_other(self, module: str, *words: str) -> str:
        port = free_port()
        return self._start_program(f"{module} {port}", port, "-m", module, *(word.format(port=port) for word in words))

    def _start_program(self, name: str, port: int, *words: str) -> str:
        server = ServerProcess(name, [sys.executable, *words], self.folder / f"web-{port}.log", env=self.env)
        url = f"http://127.0.0.1:{port}"
        server.wait_ready(lambda: _answers(url))
        self._web.append((url, server))
        return url

    def worker(self) -> ServerProcess:
        """See to it that a Celery worker process runs, and return it."""
        return self._workers[0] if self._workers else self.start_worker()

    def start_worker(self, *options: str, own_program: bool = False) -> ServerProcess:
        """Start a further Celery worker process and return it once it takes tasks.

        Args:
            options: Further options of `celery worker`.
            own_program: Whether it loads the project itself, instead of being forked.
        """
        node = f"gk-{uuid.uuid4().hex[:8]}@localhost"
        lone = ["--without-mingle", "--without-gossip"]  # to look for other workers takes a second
        command = ["-m", "celery", "-A", "example_project", "worker", "-n", node, "-c", "1", "-l", "INFO"]
        worker = [*command, *lone, *options]
        log = self.folder / f"worker-{len(self._workers)}.log"
        if own_program:
            server = ServerProcess("Celery worker", [sys.executable, *worker], log, env=self.env)
        else:
            server = self.serve("Celery worker", log, *worker)
        self._workers.append(server)
        server.wait_ready(lambda: f"{node} ready." in log.read_text(errors="replace"))
        return server

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database itself, past the project, and return all rows."""
        if self.database == "postgres":
            try:
                return self._connected().execute(query.encode()).fetchall()
            except psycopg.OperationalError:  # the server was away meanwhile
                self._disconnect()
                return self._connected().execute(query.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(self.env["DATABASE_URL"].removeprefix("sqlite:///"))) as file:
            return file.execute(query).fetchall()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return the connection of `rows`, which stays: to make one costs more than most questions, and many wait."""
        url = self.env["DATABASE_URL"]
        if self._asking is not None and (self._asking[0] != url or self._asking[1].closed):
            self._disconnect()
        if self._asking is None:
            self._asking = url, psycopg.connect(url, autocommit=True)
        return self._asking[1]

    def _disconnect(self) -> None:
        if self._asking is not None:
            self._asking[1].close()
        self._asking = None

    def pids(self) -> set[int]:
        """Return the process ids of its servers and of their living children."""
        servers = [*(server for _, server in self._web), *self._workers]
        found = [psutil.Process(server.pid) for server in servers if server.alive()]
        return {process.pid for parent in found for process in (parent, *parent.children(recursive=True))}

    def logs(self) -> str:
        """Return the end of every process's output, for a failing test's message."""
        servers = [*(server for _, server in self._web), *self._workers]
        return "\n".join(f"--- {server.name} {server.pid}\n{server.read_log()}" for server in servers)

    def stop(self) -> None:
        """End all its processes."""
        self._disconnect()
        servers = [*(server for _, server in self._web), *self._workers]
        for server in servers:
            server.ask_to_stop()  # each takes seconds, which pass for all of them at once
        for server in servers:
            server.stop()
        self._web.clear()
        self._workers.clear()

    def close(self) -> None:
        """Kill all that was started for it: nobody looks at how it ends, and to end in order takes seconds."""
        self._disconnect()
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for forked in self._forks:
            forked.kill()
        self.stop()
        self._forks.clear()

    def _gunicorn(self, port: int) -> list[str]:
        """Return what Python runs for one gunicorn of one worker process, as a host behind a load balancer runs it."""
        options = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--no-control-socket"]
        return ["-m", "gunicorn", "example_project.wsgi:application", *options]

    def _start_web(self) -> tuple[str, ServerProcess]:
        port = free_port()
        log = self.folder / f"web-{port}.log"
        return f"http://127.0.0.1:{port}", self.serve(f"web {port}", log, *self._gunicorn(port))


def _answers(url: str) -> bool:
    """Say whether a web server answers at all, be it with an error."""
    try:
        urlopen(f"{url}/login/", timeout=5).close()  # noqa: S310 - our own server on loopback
    except HTTPError:
        return True
    except (URLError, ConnectionError, TimeoutError):
        return False
    return True


class Templates:
    """Databases that stacks are copied from, migrated and filled: that takes seconds, copying does not.

    Args:
        server: Where PostgreSQL databases are made.
        redis_url: Where the processes that make them find Redis.
        folder: Where their files go.
    """

    def __init__(self, server: PostgresServer, redis_url: str, folder: Path) -> None:
        self._server = server
        self._redis_url = redis_url
        self._folder = folder
        self._made: dict[tuple[str, ...], Stack] = {}
        self._databases: list[str] = []

    def copy(self, database: str, folder: Path, codes: tuple[str, ...] = ()) -> str:
        """Make a database of a kind for a stack and return its address.

        Args:
            database: `sqlite` (a file in `folder`) or `postgres`.
            folder: The stack's folder. It gets the secret key of the one that the database was filled with.
            codes: What has run in it, see `Stack.fill`; nothing leaves it empty and migrated.
        """
        template = self._template(database, codes)
        if codes:
            shutil.copy(template.folder / "secret-key", folder / "secret-key")
        if database == "postgres":
            return self._clone(template, folder.name.replace("-", "_"))
        return _copied(template.folder, folder)

    def drop(self) -> None:
        """Drop the databases that were made on a server that somebody lent; our own goes as a whole."""
        for name in self._databases if "DATABASE_URL" in os.environ else ():
            self._server.drop(name)

    def _template(self, database: str, codes: tuple[str, ...]) -> Stack:
        """Return the stack, of no processes, that is copied; it is made when it is first asked for."""
        key = (database, *codes)
        if key not in self._made:
            folder = self._folder / f"gk_template_{os.getpid()}_{len(self._made)}"
            folder.mkdir()
            with contextlib.closing(Stack(database, self._empty(database, folder), self._redis_url, folder)) as made:
                if codes:
                    made.env["DATABASE_URL"] = self.copy(database, folder)
                else:
                    made.manage("migrate", "--verbosity", "0")
                made.fill(*codes)
            self._made[key] = made
        return self._made[key]

    def _empty(self, database: str, folder: Path) -> str:
        if database == "sqlite":
            return f"sqlite:///{folder / FILE}"
        self._databases.append(folder.name)
        return self._server.create(folder.name)

    def _clone(self, template: Stack, name: str) -> str:
        self._databases.append(name)
        return self._server.create(name, template=template.env["DATABASE_URL"].rpartition("/")[2])


def _copied(source: Path, folder: Path) -> str:
    """Copy an SQLite database, with what belongs to it, into a folder and return its address."""
    for path in source.glob(f"{FILE}*"):
        shutil.copy(path, folder / path.name)
    return f"sqlite:///{folder / FILE}"


@pytest.fixture(scope="session")
def stack_templates(postgres_server: PostgresServer, redis_url: str) -> Iterator[Templates]:
    """The migrated databases of this test process."""
    with scratch_folder("templates") as folder:
        templates = Templates(postgres_server, redis_url, folder)
        yield templates
        templates.drop()


@pytest.fixture(scope="module", params=DATABASES)
def stack(request: pytest.FixtureRequest, stack_templates: Templates, redis_url: str) -> Iterator[Stack]:
    """The example project on a database that starts empty and migrated; `web()` and `worker()` start the rest."""
    with scratch_folder("stack") as folder:
        url = stack_templates.copy(request.param, folder)
        running = Stack(request.param, url, redis_url, folder, stack_templates)
        try:
            yield running
        finally:
            running.close()
            empty_queue(redis_url)


def empty_queue(redis_url: str) -> None:
    """Drop what a stack left in its broker; a server that somebody lent keeps everything else."""
    with redis.Redis.from_url(redis_url) as client:
        if "REDIS_URL" in os.environ:
            client.delete("celery", "unacked", "unacked_index")
        else:
            client.flushdb()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of a stack as routes; a module that names its `STACKS` runs on these databases only."""
    elsewhere = []
    for item in items:
        if isinstance(item, pytest.Function) and "stack" in item.fixturenames:
            database = item.callspec.params["stack"]
            item.add_marker("route")
            if database not in getattr(item.module, "STACKS", DATABASES):
                elsewhere.append(item)
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


def pytest_unconfigure() -> None:
    """End what the processes of all stacks were forked from."""
    end_forking()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the stack's processes wrote when a test with a stack fails."""
    report = yield
    running = item.funcargs.get("stack") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(running, Stack):
        report.sections.append(("Output of the stack's processes", running.logs()))
    return report
