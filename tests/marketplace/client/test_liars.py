"""A marketplace that lies about its signed state, or fails at the package itself: an operation ends with its reason.

The old version serves on, nothing is half there, and the log says what happened and what to do.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from securesystemslib.signer import CryptoSigner

from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.marketplace.trust import sign_release
from gridkit_django.marketplace.trust.metadata import bin_of
from gridkit_django.models import InstalledPlugin, OperationState, PluginPackage, PluginVersion
from gridkit_django.plugins import PluginManager, request_operation, run_operation
from tests.marketplace.client.market import HTML, Market, reply
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.shop import Shop
from tests.marketplace.client.test_install import nothing_is_left, run, word

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_probe")]

Answer = Callable[[BaseHTTPRequestHandler, bytes], object]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process puts its temporary folders."""
    found = tmp_path / "tmp"
    found.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    return found


@pytest.fixture
def over(market: Market) -> Iterator[threading.Event]:
    """Ends what a handler waits for."""
    found = threading.Event()
    yield found
    found.set()


def path_of(handler: BaseHTTPRequestHandler) -> str:
    """Return what is asked for, below the marketplace's address."""
    return urlsplit(handler.path).path.removeprefix("/market/")


class Lied:
    """A site with version 1.0.0 at work, whose marketplace lists 1.1.0 and lies from then on.

    Args:
        acme: the publisher.
        manager: what runs the plugin.
        folders: where temporary folders are.
        over: ends what a handler waits for.
        be_patient: sets for how many seconds the site waits for the marketplace.
    """

    def __init__(
        self,
        acme: Acme,
        manager: PluginManager,
        folders: Path,
        over: threading.Event,
        be_patient: Callable[[float], None],
    ) -> None:
        self.acme = acme
        self.manager = manager
        self.folders = folders
        self.over = over
        self.be_patient = be_patient
        self.old = dict(acme.market.files)
        self._key = acme.signed.online
        self._now = acme.signed.now

    @property
    def wheel(self) -> str:
        """Path of the new wheel."""
        return str(self.acme.releases["1.1.0"]["url"])

    def answer(self, name: str, act: Answer) -> None:
        """Answer in the place of one file; all others are served."""

        def acting(market: Market, handler: BaseHTTPRequestHandler) -> None:
            path = path_of(handler)
            if path == name:
                act(handler, market.files.get(path, b""))
            elif path in market.files:
                reply(handler, market.files[path], "application/octet-stream")
            else:
                reply(handler, b'{"detail": "none"}', "application/json", 404)

        self.acme.market.act = acting

    def hang_up(self) -> None:
        """Answer nothing any more."""

        def act(_market: Market, handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True

        self.acme.market.act = act

    def tell_the_truth(self) -> None:
        """Answer what is there."""
        self.acme.market.act = None
        self.be_patient(30.0)

    def repent(self) -> None:
        """Publish the new version once more, and tell nothing but the truth."""
        self.tell_the_truth()
        self.acme.signed.online, self.acme.signed.now = self._key, self._now
        self.acme.publish("1.1.0", word="two")
        refresh_catalogue(now=True)

    def state(self) -> Any:
        """Return what must not change: rows, kept files, what serves, folders."""
        rows = InstalledPlugin.objects.values_list("plugin_id", "current_version__version", "desired_state")
        return (
            list(rows),
            sorted(PluginPackage.objects.values_list("digest", flat=True)),
            sorted(PluginVersion.objects.values_list("version", "digest")),
            word(self.manager),
            sorted(str(path) for path in self.folders.rglob("*")),
        )


@pytest.fixture
def be_patient(acme: Acme, site: Callable[..., None]) -> Callable[[float], None]:
    """Set for how many seconds the site waits for the marketplace: long, so that no slow machine looks like a liar."""

    def wait(seconds: float) -> None:
        site({"root": str(acme.root), "timeout": seconds}, MARKETPLACE_TRUSTED=["@acme"])

    wait(30.0)
    return wait


@pytest.fixture
def lied(
    acme: Acme,
    manager: PluginManager,
    admin: User,
    folders: Path,
    over: threading.Event,
    be_patient: Callable[[float], None],
) -> Lied:
    """The old version serves; the new one is published and known to the catalogue."""
    acme.publish()
    refresh_catalogue()
    assert run("install", admin).error_detail == ""
    found = Lied(acme, manager, folders, over, be_patient)
    acme.publish("1.1.0", word="two", top="# So the wheel is longer than the other one, however well each is packed.")
    refresh_catalogue()
    return found


def rolled_back(lied: Lied) -> None:
    """The signed state of before the new release, which was true once."""
    lied.acme.market.files |= {name: raw for name, raw in lied.old.items() if name.startswith("tuf/")}


def frozen(lied: Lied) -> None:
    """A state that nobody signed anew in time."""
    lied.acme.signed.now -= timedelta(days=2)
    sign_again(lied)


def frozen_for_bundles(lied: Lied) -> None:
    """The timestamp with the long term, which is meant for sites without a network."""
    files = lied.acme.market.files
    files["tuf/timestamp.json"] = files["tuf/offline.timestamp.json"]


def sign_again(lied: Lied) -> None:
    """Sign a newer state."""
    lied.acme.signed.publish("acme_other-1.0.0-py3-none-any.whl", b"x")
    lied.acme._serve()


def mixed_snapshot(lied: Lied) -> None:
    """A newer timestamp beside the older list of parts."""
    newest = newest_of(lied, "snapshot")
    sign_again(lied)
    lied.acme.market.files[f"tuf/{newest + 1}.snapshot.json"] = lied.acme.market.files[f"tuf/{newest}.snapshot.json"]


def mixed_bin(lied: Lied) -> None:
    """A newer list of parts beside an older part."""
    part = bin_of("acme_colours-1.1.0-py3-none-any.whl")
    files = lied.acme.market.files
    files[f"tuf/{newest_of(lied, part)}.{part}.json"] = files[f"tuf/1.{part}.json"]


def newest_of(lied: Lied, part: str) -> int:
    names = (Path(name).name.split(".") for name in lied.acme.market.files if name.startswith("tuf/"))
    return max(int(words[0]) for words in names if words[0].isdecimal() and words[1] == part)


def html_for_metadata(lied: Lied) -> None:
    lied.acme.market.files["tuf/timestamp.json"] = HTML


def other_keys(lied: Lied) -> None:
    """A state that keys signed which the site does not know."""
    lied.acme.signed.online = CryptoSigner.generate_ed25519()
    sign_again(lied)


def html_for_the_wheel(lied: Lied) -> None:
    lied.answer(lied.wheel, lambda handler, _content: reply(handler, HTML, "text/html"))


def html_as_long_as_the_wheel(lied: Lied) -> None:
    lied.answer(lied.wheel, lambda handler, content: reply(handler, HTML.ljust(len(content)), "text/html"))


def cut_wheel(lied: Lied) -> None:
    lied.answer(lied.wheel, half)


def half(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Promise all of a file and send a half."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    handler.close_connection = True


def stalled_wheel(lied: Lied) -> None:
    def stall(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        half(handler, content)
        lied.over.wait(30)

    lied.be_patient(0.3)
    lied.answer(lied.wheel, stall)


def ill_at_the_wheel(lied: Lied) -> None:
    lied.answer(lied.wheel, lambda handler, _content: reply(handler, HTML, "text/html", 502))


def elsewhere_at_the_wheel(lied: Lied) -> None:
    def move(handler: BaseHTTPRequestHandler, _content: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://169.254.169.254/latest/")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    lied.answer(lied.wheel, move)


def login_at_the_wheel(lied: Lied) -> None:
    lied.answer(lied.wheel, lambda handler, _content: reply(handler, HTML, "text/html", 403))


def other_version_at_the_place(lied: Lied) -> None:
    """Under the name of the right digest lies the older wheel, made as long as the newer one."""
    files = lied.acme.market.files
    files[lied.wheel] = files[lied.acme.releases["1.0.0"]["url"]].ljust(len(files[lied.wheel]), b"\0")


def other_version_signed(lied: Lied) -> None:
    """Marketplace and author stand for the older wheel under the number of the newer one."""
    stand_for(lied, lied.acme.market.files[lied.acme.releases["1.0.0"]["url"]])


def other_plugin_signed(lied: Lied) -> None:
    """Marketplace and author stand for the wheel of another plugin."""
    shop, acme = Shop(lied.acme), lied.acme
    shop.publish("shapes", "1.1.0")
    stand_for(lied, acme.market.files[acme.market.listings["@acme/shapes"][1]["versions"][0]["url"]])


def stand_for(lied: Lied, wheel: bytes) -> None:
    acme, name = lied.acme, "acme_colours-1.1.0-py3-none-any.whl"
    digest = hashlib.sha256(wheel).hexdigest()
    signature = sign_release(acme.private, PLUGIN, "1.1.0", f"sha256:{digest}")
    path = f"files/{digest}/{name}"
    acme.market.files[path] = wheel
    acme.signed.publish(name, wheel)
    acme._serve()
    acme.change("1.1.0", digest=f"sha256:{digest}", size=len(wheel), url=path, signature=signature)
    refresh_catalogue(now=True)


def older_than_it_is(lied: Lied) -> None:
    """The list says that the release has been public for long; what is signed says since when."""
    lied.acme.change("1.1.0", released_at="2020-01-01T00:00:00Z")
    refresh_catalogue(now=True)


def down(lied: Lied) -> None:
    """It answers the first question, and then nothing at all."""

    def last_answer(_market: Market, handler: BaseHTTPRequestHandler) -> None:
        reply(handler, b"{}", "application/json", 404)
        lied.hang_up()

    lied.acme.market.act = last_answer


LIES: dict[str, tuple[Callable[[Lied], None], str, str]] = {
    "rolled back": (rolled_back, "trust-rollback", "older than what this site has believed"),
    "frozen": (frozen, "trust-expired", "try again later"),
    "frozen for bundles": (frozen_for_bundles, "trust-expired", "meant for bundles"),
    "mixed snapshot": (mixed_snapshot, "trust-mix", "4.snapshot.json is of another moment"),
    "mixed bin": (mixed_bin, "trust-mix", "is of another moment"),
    "other keys": (other_keys, "trust-key", "not signed by enough"),
    "html for metadata": (html_for_metadata, "trust-metadata-broken", "a login page"),
    "html for the wheel": (html_for_the_wheel, "trust-length", "a login page"),
    "html as long as the wheel": (html_as_long_as_the_wheel, "trust-digest", "a login page"),
    "cut": (cut_wheel, "trust-cut", "The connection ended before it"),
    "stalled": (stalled_wheel, "trust-timeout", "Look at the network and at the marketplace's timeout"),
    "ill": (ill_at_the_wheel, "trust-status", "Try again later"),
    "elsewhere": (elsewhere_at_the_wheel, "trust-redirected", "No redirect is followed"),
    "login": (login_at_the_wheel, "trust-denied", "Look at the token"),
    "other version at the place": (other_version_at_the_place, "trust-digest", "It was not used"),
    "other version signed": (other_version_signed, "package-version", "holds version 1.0.0"),
    "other plugin signed": (other_plugin_signed, "package-filename", "holds acme-shapes"),
    "older than it is": (older_than_it_is, "trust-times", "look older or younger than it is"),
    "down": (down, "trust-cut", "timestamp.json did not come"),
}


ANSWERED = (
    "html for the wheel",
    "html as long as the wheel",
    "cut",
    "stalled",
    "ill",
    "elsewhere",
    "login",
)
"""Lies that are told in an answer, and leave what is signed and listed as it is."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.both_databases] * (name == "rolled back"))
        for name in LIES
        if name not in ANSWERED
    ],
)
def test_update_from_a_liar_ends_with_its_reason_and_the_old_version_serves(lied: Lied, admin: User, name: str) -> None:
    fails(lied, admin, name)
    lied.repent()
    done = run("update", admin)
    assert (done.state, done.error_detail, word(lied.manager)) == (OperationState.FINISHED, "", "two")


def test_update_whose_wheel_does_not_come_ends_with_its_reason_and_the_old_version_serves(
    lied: Lied, admin: User
) -> None:
    for name in ANSWERED:
        fails(lied, admin, name)
        lied.tell_the_truth()
    done = run("update", admin)
    assert (done.state, done.error_detail, word(lied.manager)) == (OperationState.FINISHED, "", "two")


def fails(lied: Lied, admin: User, name: str) -> None:
    """Let the marketplace lie and an update fail by that; all else is as it was."""
    lie, code, told = LIES[name]
    lie(lied)
    before = lied.state()

    failed = run("update", admin)

    assert (failed.state, failed.error_code) == (OperationState.FAILED, code), (name, failed.error_detail)
    assert told in failed.log[-1]["text"] == failed.error_detail, name
    assert lied.state() == before, name
    assert (word(lied.manager), lied.manager.get_plugin(PLUGIN).effective_state) == ("one", "active"), name


@pytest.mark.parametrize(
    "name",
    [
        "rolled back",
        "mixed bin",
        "html for the wheel",
        "stalled",
        pytest.param("down", marks=pytest.mark.both_databases),
    ],
)
def test_installation_from_a_liar_leaves_nothing(lied: Lied, admin: User, name: str) -> None:
    lied.manager.uninstall_plugin(PLUGIN)
    lie, code, _ = LIES[name]
    lie(lied)

    failed = run("install", admin)

    assert (failed.state, failed.error_code) == (OperationState.FAILED, code), failed.error_detail
    assert nothing_is_left()
    assert list(lied.folders.iterdir()) == []


@pytest.mark.both_databases
def test_marketplace_that_goes_down_between_two_packages_leaves_neither(
    acme: Acme, manager: PluginManager, admin: User, folders: Path, be_patient: Callable[[float], None]
) -> None:
    shop = Shop(acme)
    shop.publish("shapes")
    shop.publish("tints", needs=("@acme/shapes >=1",))
    refresh_catalogue()
    peers = [{"id": "@acme/shapes", "version": "1.0.0", "grants": ["methods:register"]}]
    fetched: list[str] = []

    def last_answer(market: Market, handler: BaseHTTPRequestHandler) -> None:
        path = path_of(handler)
        if not fetched and path in market.files:
            reply(handler, market.files[path], "application/octet-stream")
            fetched.extend([path] if path.endswith(".whl") else [])
        elif not fetched:
            reply(handler, b"{}", "application/json", 404)
        handler.close_connection = True

    acme.market.act = last_answer
    arguments = {"source": "marketplace:@acme/tints", "peers": peers}
    operation = run_operation(request_operation("install", "@acme/tints", arguments, user=admin).pk)

    assert operation is not None
    assert (operation.state, operation.error_code) == (OperationState.FAILED, "trust-cut")
    assert len(fetched) == 1
    assert nothing_is_left()
    assert list(folders.iterdir()) == []


def test_marketplace_that_goes_down_after_the_download_is_not_missed(lied: Lied, admin: User) -> None:
    lied.answer(lied.wheel, lambda handler, content: (reply(handler, content, "application/zip"), lied.hang_up()))

    done = run("update", admin)

    assert (done.state, done.error_detail, word(lied.manager)) == (OperationState.FINISHED, "", "two")
