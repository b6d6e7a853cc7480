"""The author's commands: begin, check, pack, key, publish."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gridkit_django.management.commands import gridkit_publish
from gridkit_django.marketplace.packaging import inspect_package, start_plugin_repository
from gridkit_django.marketplace.trust import make_author_key, verify_release
from tests.marketplace.wheels import FILENAME, wheel


def run(name: str, *words: str, **options: Any) -> str:
    """Run a command and return what it printed."""
    out = StringIO()
    call_command(name, *words, stdout=out, **options)
    return out.getvalue()


class Shelf(ThreadingHTTPServer):
    """A marketplace that takes releases, as far as an author sees it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.states = ["checking", "checking", "quarantined"]
        self.taken: dict[str, bytes] = {}
        self.headers_seen: list[str] = []
        self.answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/market/"


class Answers(BaseHTTPRequestHandler):
    """Answers as the wire says."""

    server: Shelf

    def do_POST(self) -> None:
        """Take a release."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        form = message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + raw)
        for part in form.get_payload():
            self.server.taken[str(part.get_param("name", header="content-disposition"))] = part.get_payload(decode=True)
        self._answer()

    def do_GET(self) -> None:
        """Say how far it is."""
        assert self.path == "/market/api/v1/releases/@acme/colours/1.0.0/"
        self._answer()

    def _answer(self) -> None:
        self.server.headers_seen.append(self.headers["Authorization"])
        facts = {"id": "@acme/colours", "version": "1.0.0", "state": self.server.states.pop(0), "url": "/x/"}
        if not self.server.states:
            facts["checks"] = [{"name": "gate", "result": "pass"}]
        status, raw = self.server.answer or (202, json.dumps(facts).encode())
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A marketplace over HTTP."""
    with Shelf() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A wheel on disk."""
    path = tmp_path / FILENAME
    path.write_bytes(wheel())
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key on disk."""
    path = tmp_path / "key.pem"
    path.write_bytes(make_author_key()[0])
    return path


def test_new_plugin_is_begun_and_packed(tmp_path: Path) -> None:
    told = run("gridkit_startplugin", "@acme/colours", folder=str(tmp_path))
    assert "is a plugin that works" in told

    told = run("gridkit_pack", str(tmp_path / "colours"))
    assert "@acme/colours 0.1.0" in told
    (path,) = (tmp_path / "colours" / "dist").iterdir()
    assert inspect_package(path.read_bytes(), filename=path.name).digest in told


def test_name_that_cannot_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be a name"):
        run("gridkit_startplugin", "Colours", folder=str(tmp_path))
    with pytest.raises(CommandError, match=r"\[package-not-buildable\]"):
        run("gridkit_pack", str(tmp_path))


def test_package_is_checked_by_the_gate(package: Path, tmp_path: Path) -> None:
    told = run("gridkit_check", str(package))
    assert told.startswith(f"GOOD {package}: @acme/colours 1.0.0, 5 files")
    assert "asks for events:subscribe" in told

    bad = tmp_path / "acme_colours-1.0.1-py3-none-any.whl"
    bad.write_bytes(wheel())
    out = StringIO()
    with pytest.raises(CommandError, match="2 of 3 refused"):
        call_command("gridkit_check", str(package), str(bad), str(tmp_path / "none.whl"), as_json=True, stdout=out)
    codes = [item.get("code") for item in json.loads(out.getvalue())["packages"]]
    assert codes == [None, "package-version", "package-unreadable"]
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("gridkit_check", str(bad), stdout=out)
    assert out.getvalue().startswith(f"REFUSED {bad} [package-version]")


def test_folder_is_packed_to_be_checked(tmp_path: Path) -> None:
    target = start_plugin_repository("colours", "acme", tmp_path)

    assert "GOOD" in run("gridkit_check", str(target))
    assert not (target / "dist").exists()


def test_private_key_is_for_its_owner_only_and_never_printed(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    told = run("gridkit_keygen", str(path))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in path.read_bytes()
    assert "PRIVATE" not in told
    assert path.read_text().splitlines()[1] not in told
    with pytest.raises(CommandError, match="exists"):
        run("gridkit_keygen", str(path))


def test_release_is_signed_uploaded_and_followed(
    shelf: Shelf, package: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gridkit_publish, "_PAUSE", 0.01)
    monkeypatch.setenv(gridkit_publish.TOKEN, "gkp_token")

    told = run("gridkit_publish", str(package), to=shelf.url, key=str(key), wait=30)

    assert [line for line in told.splitlines() if not line.startswith(" ")] == [
        "@acme/colours 1.0.0: checking (the marketplace is looking it over)",
        "@acme/colours 1.0.0: quarantined (it waits for a person, or a check failed; it is not public)",
    ]
    assert "  gate: pass" in told
    assert shelf.taken["package"] == package.read_bytes()
    assert shelf.taken["notes"] == b"# Changes\n"
    digest = inspect_package(wheel()).digest
    public, signature = (shelf.taken[name].decode() for name in ("public_key", "signature"))
    verify_release(public, "@acme/colours", "1.0.0", digest, signature)
    assert set(shelf.headers_seen) == {"Bearer gkp_token"}
    assert b"PRIVATE" not in b"".join(shelf.taken.values())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, b'{"code": "token-expired", "detail": "The token has expired."}'), r"\[token-expired\] The token has"),
        ((502, b"<html>"), r"\[publish-refused\] .* status 502 and no JSON"),
        ((202, b"{}"), r"answer lacks 'id'"),
        ((302, b"{}"), r"\[publish-refused\] status 302"),
    ],
)
def test_what_the_marketplace_says_is_told(
    shelf: Shelf, package: Path, key: Path, tmp_path: Path, answer: tuple[int, bytes], told: str
) -> None:
    shelf.answer = answer
    token = tmp_path / "token"
    token.write_text("gkp_token\n")

    with pytest.raises(CommandError, match=told):
        run("gridkit_publish", str(package), to=shelf.url, key=str(key), token_file=str(token))
    assert shelf.headers_seen == ["Bearer gkp_token"]


def test_marketplace_that_does_not_answer_is_told(package: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gridkit_publish.TOKEN, "gkp_token")

    with pytest.raises(CommandError, match="did not answer"):
        run("gridkit_publish", str(package), to="http://127.0.0.1:9/", key=str(key))


def test_secrets_come_from_files_and_variables_only(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(gridkit_publish.TOKEN, raising=False)
    with pytest.raises(CommandError, match="never given on the command line"):
        run("gridkit_publish", str(package), to="http://127.0.0.1:9/")
    with pytest.raises(CommandError, match="No such file"):
        run("gridkit_publish", str(package), to="http://127.0.0.1:9/", token_file=str(tmp_path / "none"))
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("gridkit_publish", str(package), "--to", "http://127.0.0.1:9/", "--token", "gkp_x")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "needs --to"),
        ({"to": "http://127.0.0.1:9/", "publisher": "acme"}, "never given on the command line"),
        ({"to": "http://127.0.0.1:9/", "publisher": "acme", "stolen_since": "soon"}, "no time"),
        ({"to": "http://127.0.0.1:9/", "publisher": "acme", "stolen_since": "2026-13-01T10:00"}, "no time"),
        ({"to": "http://127.0.0.1:9/", "publisher": "acme", "token_file": "/nowhere"}, "No such file"),
    ],
)
def test_rotation_that_lacks_something_makes_no_key(
    key: Path, tmp_path: Path, options: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(gridkit_publish.TOKEN, raising=False)

    with pytest.raises(CommandError, match=told):
        run("gridkit_keygen", str(tmp_path / "new.pem"), rotate=str(key), **options)
    assert not (tmp_path / "new.pem").exists()
