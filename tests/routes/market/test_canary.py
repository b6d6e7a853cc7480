"""Three web processes, and an update that one of them tries first: it goes to all, or back, whoever is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.marketplace.client.market import open_market
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.trust.markets import Market as Signed
from tests.routes.board import parsed
from tests.routes.market.pair import set_up
from tests.routes.shell import Shell, standing_shell
from tests.routes.world import awaited, furnish, swift
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

METHODS = "/gridkit/api/grids/flights/methods"
WORK = "context.register_method('work', work, schema={}, label='Work')"
RELEASES = {
    "1.0.0": ("one", "def work(call):\n    return WORD\n"),
    "2.0.0": ("two", "def work(call):\n    return WORD\n"),
    "3.0.0": ("raises", "def work(call):\n    raise ValueError(WORD)\n"),
    "4.0.0": ("slow", "import time\n\ndef work(call):\n    time.sleep(0.05)\n    return WORD\n"),
}
"""What the marketplace lists: the word that a version answers, and what it does when it is called."""

_BEGIN = f"""
from gridkit_django.marketplace.client import recipes, refresh_catalogue
recipes.probe = lambda files: None
refresh_catalogue(now=True)
manager.follow()
plugin = InstalledPlugin.objects.select_related("current_version").first()
if plugin is None or plugin.current_version.version != "1.0.0":
    if plugin is not None:
        manager.uninstall_plugin({PLUGIN!r})
    manager.install_plugin('marketplace:{PLUGIN}==1.0.0', grants='all')
"""
_LEAD = """
import threading
from gridkit_django.marketplace.client import recipes
from gridkit_django.plugins import run_operation
recipes.probe = lambda files: None
threading.Thread(target=run_operation, args=({operation!r},), daemon=True).start()
"""
_ASK = f"""
from gridkit_django.plugins import request_operation
answer = request_operation("update", {PLUGIN!r}, {{arguments!r}}, user=None).pk
"""
_LAPSE = (
    "UPDATE gridkit_django_pluginoperation SET lease_until = now() - interval '1 second' WHERE id = '{}' RETURNING 1"
)


class Site:
    """Three web processes, and a process that leads operations.

    Args:
        stack: the processes.
        shell: the one that leads.
    """

    def __init__(self, stack: Stack, shell: Shell) -> None:
        self.stack = stack
        self.shell = shell
        self._editors = [swift(stack, "editor", index=index) for index in range(3)]

    def begin(self) -> None:
        """Install the first version, where another one is in use, and see it serve everywhere."""
        self.shell(_BEGIN)
        self.await_words("one", "one", "one")

    def update(self, version: str, seconds: int) -> str:
        """Ask for an update, let the shell lead it, and return its id."""
        operation = self.shell(_ASK.format(arguments={"version": version, "canary_seconds": seconds}))
        self.shell(_LEAD.format(operation=operation))
        return operation

    def words(self) -> list[str]:
        """Ask each process which version it runs: its word, or the code of the error where none runs."""
        answers = [self._call(index, "word").json() for index in range(3)]
        return [str(answer["result"] if "result" in answer else answer["code"]) for answer in answers]

    def await_words(self, *words: str) -> None:
        """Wait until the processes run these, one each, whichever it is."""
        wait_until(lambda: sorted(self.words()) == sorted(words), f"the processes to serve {words}")

    def work_until_it_ends(self, operation: str) -> tuple[dict[str, Any], list[list[str]]]:
        """Call the plugin everywhere until the operation ends; return it, and what served at each moment before."""
        seen: list[list[str]] = []

        def ended() -> bool:
            found = self.words()
            for index in range(3):
                self._call(index, "work")
            is_open = self.state(operation)["state"] in {"queued", "running"}
            if self.state(operation)["step"] == "canary":
                seen.append(sorted(found))
            return not is_open

        wait_until(ended, "the operation to end")
        return self.state(operation), seen

    def state(self, operation: str) -> dict[str, Any]:
        """Return an operation."""
        names = ("state", "step", "error_code", "error_detail", "canary")
        (row,) = self.stack.rows(
            f"SELECT {', '.join(names)} FROM gridkit_django_pluginoperation WHERE id = '{operation}'"
        )
        found = dict(zip(names, row, strict=True))
        return {**found, "canary": parsed(found["canary"])}

    def canary(self, operation: str, *, other_than: int = 0) -> int:
        """Wait until a process runs the new version on trial, and return its process id."""
        query = f"SELECT pid FROM gridkit_django_runtimeprocess WHERE figures #>> '{{{PLUGIN},version}}' = '2.0.0'"

        def ask() -> int:
            pid = int(self.state(operation)["canary"].get("pid", 0))
            return pid if pid != other_than and self.stack.rows(f"{query} AND pid = {pid}") else 0

        return awaited(ask, "a process to try it")

    def _call(self, index: int, method: str) -> Any:
        return self._editors[index].post(f"{METHODS}/{method}/", {"arguments": {}})


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Site]:
    signed = Signed()
    signed.hold_ceremony()
    with open_market() as market:
        acme = Acme(market, stack.folder, signed)
        market.answers[f"api/v1/plugins/{PLUGIN}/events/"] = {}
        for version, (word, work) in RELEASES.items():
            acme.publish(version, word=word, top=work, start=WORK)
        more = {
            "MARKET": {"serve": False},
            "STATE_DIR": str(stack.folder / "state"),
            "MARKETPLACES": {"main": {"url": market.url, "root": str(acme.root), "timeout": 30.0}},
            "MARKETPLACE_TRUSTED": ["@acme"],
            "CANARY_CALLS_MIN": 6,
            "HEARTBEAT_SECONDS": 1,
            "POLL_SECONDS": 1,
        }
        set_up(stack, more)
        furnish(stack, plugins=False)
        stack.web(3)
        with standing_shell(stack) as shell:
            yield Site(stack, shell)


def test_good_version_serves_in_exactly_one_process_first_and_then_in_all(site: Site) -> None:
    site.begin()

    done, seen = site.work_until_it_ends(site.update("2.0.0", 3))

    assert (done["state"], done["error_detail"]) == ("finished", "")
    assert ["one", "one", "two"] in seen
    assert {word for words in seen for word in words} == {"one", "two"}, "a call was refused"
    assert all(words.count("two") <= 1 for words in seen[:-1]), "another one switched before the trial was over"
    assert (done["canary"]["state"], done["canary"]["old"]["processes"]) == ("good", 2)
    site.await_words("two", "two", "two")


@pytest.mark.parametrize(("version", "reason"), [("3.0.0", "calls raised"), ("4.0.0", "95 of 100 calls took")])
def test_bad_version_goes_back_by_itself_and_the_others_never_run_it(site: Site, version: str, reason: str) -> None:
    site.begin()
    word = RELEASES[version][0]

    failed, seen = site.work_until_it_ends(site.update(version, 600))

    assert (failed["state"], failed["error_code"]) == ("failed", "canary-failed")
    assert reason in failed["canary"]["reason"]
    assert sorted(["one", "one", word]) in seen
    assert {word for words in seen for word in words} == {"one", word}, "a call was refused"
    assert all(words.count(word) <= 1 for words in seen)
    site.await_words("one", "one", "one")


def test_killed_leader_and_killed_canary_leave_the_trial_to_others_and_a_stop_ends_it_everywhere(site: Site) -> None:
    site.begin()
    with standing_shell(site.stack) as first:
        operation = Site(site.stack, first).update("2.0.0", 600)
        site.canary(operation)
        site.await_words("one", "one", "two")
        first.kill()
    site.stack.rows(_LAPSE.format(operation))
    site.await_words("one", "one", "one")

    site.shell(_LEAD.format(operation=operation))
    tried = site.canary(operation)
    site.await_words("one", "one", "two")
    os.kill(tried, signal.SIGKILL)
    site.canary(operation, other_than=tried)
    site.await_words("one", "one", "two")

    canary = site.state(operation)["canary"]
    assert (canary["state"], [name.rpartition(":")[2] for name in canary["lost"]]) == ("running", [str(tried)])
    site.shell(f"from gridkit_django.plugins import cancel_operation\ncancel_operation({operation!r})")
    ended, _ = site.work_until_it_ends(operation)
    assert (ended["state"], ended["canary"]["state"]) == ("cancelled", "stopped")
    site.await_words("one", "one", "one")
