"""Route: from an author's folder through a marketplace into every process of another site, and back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.routes.board import await_agreement
from tests.routes.market.colours import ASKED, FIRST, MORE, PLUGIN, SECOND, write_release
from tests.routes.market.pair import Author, approve, ask_worker, follow_market, serve_market, standing_author
from tests.routes.world import awaited, method_names, swift
from tests.servers.processes import scratch_folder
from tests.servers.stack import Stack, Templates, empty_queue

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

GRID = "/gridkit/api/grids/flights/"
PLUGINS = f"/gridkit/api/plugins/{PLUGIN}/"
SHOP = f"/gridkit/api/marketplace/plugins/{PLUGIN}/"


@pytest.fixture(scope="module")
def market(stack_templates: Templates, redis_url: str) -> Iterator[Stack]:
    """A site that serves a marketplace, with a database, a broker and a worker of its own."""
    place, _, number = redis_url.rpartition("/")
    broker = f"{place}/{int(number or 0) + 1}"
    with scratch_folder("market") as folder:
        url = stack_templates.copy("postgres", folder)
        site = Stack("postgres", url, broker, folder, stack_templates)
        try:
            yield site
        finally:
            site.close()
            empty_queue(broker)


class Site:
    """The site that installs: its administrator, and its three processes.

    Args:
        stack: its processes.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.admin = swift(stack, "admin")
        self.editors = [swift(stack, "editor", index=index) for index in range(2)]
        self.born = stack.pids()

    def follow(self, version: str) -> dict[str, Any]:
        """Let the worker follow the marketplace until it lists a release, and return the plan for it."""
        ask_worker(self.stack, "gridkit.refresh_catalogue", now=True)

        def planned() -> dict[str, Any] | None:
            answer = self.admin.get(f"{SHOP}plan/")
            found: dict[str, Any] = answer.json()
            listed = [item["version"] for item in found.get("releases", ())]
            return found if version in listed else None

        found = awaited(planned, f"{version} in the catalogue")
        assert found is not None
        return found

    def order(self, **body: Any) -> dict[str, Any]:
        """Ask for the plugin from the marketplace, and return the operation when it has ended."""
        answer = self.admin.post(f"{SHOP}install/", body)
        assert answer.status == 202, answer.text

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.admin.get(answer.headers["Location"]).json()
            return found if found["state"] in {"finished", "failed", "cancelled", "waiting"} else None

        found = awaited(ended, "the operation to end")
        assert found is not None
        return found

    def act(self, verb: str, **body: Any) -> dict[str, Any]:
        """Do something with the installed plugin, and return it as it is then."""
        answer = self.admin.post(f"{PLUGINS}{verb}/", body)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seen(self, index: int = 0) -> dict[str, Any]:
        """Ask the plugin in one of the web processes what it is and what it has seen."""
        answer = self.editors[index].post(f"{GRID}methods/seen/", {"arguments": {}})
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    def edit_everywhere(self, rows: int) -> None:
        """Change one row in each web process, and three rows in the worker.

        Args:
            rows: the first of them.
        """
        for index, editor in enumerate(self.editors):
            address = f"{GRID}records/{rows + index}/"
            version = editor.get(address).json()["row"]["v"]
            answer = editor.patch(address, {"changes": {"note": f"of {rows}"}}, version=version)
            assert answer.status == 200, answer.text
        selection = {"query": None, "include": [rows + number for number in (2, 3, 4)]}
        body = {"action": "update", "selection": selection, "expectedCount": 3, "changes": {"note": f"of {rows}"}}
        answer = self.editors[0].post(f"{GRID}bulk/", body)
        assert answer.status == 202, answer.text
        job = answer.headers["Location"]
        awaited(lambda: self.editors[0].get(job).json()["state"] == "finished", "the worker's edits")

    def runs(self, version: str, config: str, rows: int) -> None:
        """Let three processes say which version they run, and see it handle an event in each of them."""
        await_agreement(self.stack, PLUGIN, 3)
        told = [self.seen(index) for index in range(2)]
        assert [(item["version"], item["config"]) for item in told] == [(version, config)] * 2
        self.edit_everywhere(rows)
        found = [self.seen()["rows"][f"row-{rows + number}"] for number in range(5)]
        assert [item[0] for item in found] == [version] * 5, "an event was handled by another version"
        pids = {item[1] for item in found}
        assert len(pids) == 3
        assert {item["pid"] for item in told} < pids
        assert self.stack.pids() == self.born, "no process was started or ended"


@pytest.fixture
def author(stack: Stack, market: Stack) -> Iterator[Author]:
    """An author, beside both sites at work."""
    token = serve_market(market)
    market.worker()
    follow_market(stack, market)
    stack.worker()
    stack.web(2)
    with standing_author(market, token) as author:
        yield author


def test_plugin_goes_from_a_folder_into_every_process_and_back(stack: Stack, market: Stack, author: Author) -> None:
    site = Site(stack)
    _begin(author)
    _release(author, market, FIRST)
    _install(site)
    _install_with_python(author, market)
    _release(author, market, SECOND)
    _update(site)
    _roll_back(site)
    _uninstall(site, market)


def _begin(author: Author) -> None:
    """A folder from the scaffold, a key."""
    assert "is a plugin that works" in author("gridkit_startplugin", PLUGIN, "--folder", str(author.folder))
    assert "PRIVATE" not in author("gridkit_keygen", str(author.folder / "key.pem"))


def _release(author: Author, market: Stack, facts: dict[str, object]) -> None:
    """From the folder to the shelf: written, packed, published, checked by a worker, read by a person, signed."""
    folder = author.folder / "colours"
    write_release(folder, facts)
    assert f"{PLUGIN} {facts['version']}" in author("gridkit_pack", str(folder))
    told = author.publish()
    assert "quarantined" in told, told
    approve(market, str(facts["version"]))


def _install(site: Site) -> None:
    plan = site.follow("1.0.0")
    assert (plan["version"], sorted(plan["asksFor"]), plan["installed"]) == ("1.0.0", ASKED, "")
    assert method_names(site.editors[0].get(f"{GRID}schema/")) == []

    done = site.order(grants=ASKED, config={"word": "first"}, activate=True)

    assert (done["state"], done["error"]) == ("finished", None), done
    site.runs("1.0.0", "first", rows=1)


def _install_with_python(author: Author, market: Stack) -> None:
    """What the marketplace lists is an index to Python's installers, too."""
    target = author.folder / "installed"
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--no-deps", "--no-cache", "--no-config"]
    place = ["--default-index", f"{market.url()}/market/simple/", "--target", str(target), "--python", sys.executable]
    env = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}

    told = subprocess.run([*uv, *place, "acme-colours==1.0.0"], capture_output=True, text=True, check=False, env=env)

    assert told.returncode == 0, told.stderr
    assert (target / "acme_colours" / "plugin.toml").is_file()
    assert (target / "acme_colours-1.0.0.dist-info" / "METADATA").is_file()


def _update(site: Site) -> None:
    """It asks for more, so it waits; with consent it comes."""
    assert site.follow("2.0.0")["asksFor"] == [MORE]

    waits = site.order()

    assert (waits["state"], waits["error"]["code"]) == ("waiting", "plugin-consent-required")
    site.runs("1.0.0", "first", rows=11)
    done = site.order(grants=[MORE])
    assert done["state"] == "finished", done
    site.act("configure", config={"colour": "second"})
    site.runs("2.0.0", "second", rows=21)


def _grants(site: Site) -> list[str]:
    rows = site.stack.rows(
        "SELECT permission FROM gridkit_django_pluginpermissiongrant WHERE decision = 'granted' ORDER BY permission"
    )
    return [row[0] for row in rows]


def _roll_back(site: Site) -> None:
    """Code, configuration and grants come back together."""
    assert _grants(site) == sorted([*ASKED, MORE])
    before = site.seen()["rows"]

    plugin = site.act("roll-back")

    assert (plugin["version"], _grants(site)) == ("1.0.0", ASKED)
    site.runs("1.0.0", "first", rows=31)
    assert before.items() <= site.seen()["rows"].items(), "what it had stored stays"


def _uninstall(site: Site, market: Stack) -> None:
    """Its data is taken away first; then no process has it, and the marketplace has heard of all."""
    data = site.admin.get(f"{PLUGINS}data/")
    assert (data.status, PLUGIN in data.text) == (200, True)
    assert "row-31" in data.text

    gone = site.admin.send("POST", f"{PLUGINS}uninstall/", {"data": "purge"})

    assert gone.status == 204, gone.text
    for editor in site.editors:
        awaited(lambda editor=editor: method_names(editor.get(f"{GRID}schema/")) == [], "the method to be gone")
    site_rows = partial(site.stack.rows, "SELECT COUNT(*) FROM gridkit_django_installedplugin")
    assert site_rows() == [(0,)]
    heard = "SELECT DISTINCT kind FROM gridkit_django_marketevent ORDER BY kind"
    told = [("download",), ("install",), ("uninstall",), ("update",)]
    awaited(lambda: market.rows(heard) == told, "the marketplace to hear")
    assert site.stack.pids() == site.born
