"""A worker is killed with SIGKILL at every place of every step: the next ones go on, and nothing is ever half there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.marketplace.client.market import open_market
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.trust.markets import Market as Signed
from tests.routes.board import parsed
from tests.routes.market.pair import set_up
from tests.routes.shell import Shell, standing_shell
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

ASKED = ["methods:register"]
MORE = "rows:read"
DEATHS_MAX = 300
DEATHS_GIVEN_UP = 4
"""So many workers lost over one step, and the operation is undone."""
BROKEN = "3.0.0"
RELEASES: dict[str, dict[str, Any]] = {
    "1.0.0": {"word": "one", "permissions": tuple(ASKED)},
    "2.0.0": {"word": "two", "permissions": (*ASKED, MORE)},
    BROKEN: {"word": "three", "permissions": (*ASKED, MORE), "start": "raise ValueError('no')"},
}
"""What the marketplace lists: the second asks for more, the third can't start."""

_SERVED = f"""
import sys
manager.follow()
live = manager.runtime.live.get({PLUGIN!r})
answer = sys.modules[type(live.plugin).__module__].WORD if live is not None else ""
"""
_EMPTY = f"""
from gridkit_django.marketplace.client import recipes, refresh_catalogue
from gridkit_django.models import PluginCrash, PluginOperation, PluginPackage
from gridkit_django.plugins import request_operation
recipes.probe = lambda files: None
manager.follow()
if InstalledPlugin.objects.exists():
    manager.uninstall_plugin({PLUGIN!r})
for model in (PluginOperation, PluginCrash, PluginPackage):
    model.objects.all().delete()
refresh_catalogue(now=True)
"""
_FETCH = """
from gridkit_django.marketplace.client import remote_named
from gridkit_django.marketplace.client.trusting import trusted_fetcher
with trusted_fetcher(remote_named("main")) as trusted:
    trusted.refresh()
"""
_REQUEST = """
from gridkit_django.plugins import request_operation
answer = request_operation({kind!r}, {plugin!r}, {arguments!r}, user=None).pk
"""


class Site:
    """A site of no process but one that serves, and of workers that die.

    Args:
        stack: its database and files.
        acme: the publisher.
        shell: the process that serves.
        mother: the process that workers are born of.
    """

    def __init__(self, stack: Stack, acme: Acme, shell: Shell, mother: Shell) -> None:
        self.stack = stack
        self.acme = acme
        self.shell = shell
        self._mother = mother
        self.deaths: list[str] = []
        self.told: list[str] = []
        self.first = ""
        self._newest = 0

    def begin(self, *versions: str) -> None:
        """Begin anew with nothing installed, then install versions, one after the other."""
        self.deaths, self.told = [], []
        self.shell(_EMPTY)
        for number, version in enumerate(versions):
            if number:
                self.shell(f"manager.update_plugin({PLUGIN!r}, {version!r}, grants=[{MORE!r}])")
            else:
                self.shell(f"manager.install_plugin('marketplace:{PLUGIN}=={version}', grants='all')")
        self.first = RELEASES[versions[-1]]["word"] if versions else ""
        self._newest = self.stack.rows("SELECT COALESCE(MAX(id), 0) FROM gridkit_django_auditrecord")[0][0]

    def request(self, kind: str, **arguments: Any) -> str:
        """Ask for an operation, and return its id."""
        return self.shell(_REQUEST.format(kind=kind, plugin=PLUGIN, arguments=arguments))

    def work(self, operation: str, *, counting: bool = False, **how: Any) -> bool:
        """Let a new worker carry out the operation; whether it was killed over that.

        Args:
            operation: its id.
            counting: leave it at the number of lost workers, after which it is given up.
            how: more for `Trap`.
        """
        plain = {"deadly": True, "starting": 0, "since": "", "probe": False}
        order = {**plain, "operation": operation, "spent": self.deaths, **how}
        found = json.loads(self._mother.ask(json.dumps(order)))
        assert found["killed"] == bool(found["place"]), found
        assert found["killed"] or found["code"] == 0, found
        if found["killed"]:
            self.deaths.append(found["place"])
            lease = f"lease_until = now() - interval '1 second'{'' if counting else ', deaths = 0'}"
            self.stack.rows(
                f"UPDATE gridkit_django_pluginoperation SET {lease} WHERE id = '{operation}' AND state = 'running'"
                " RETURNING 1"
            )
        return bool(found["killed"])

    def work_to_the_end(self, operation: str, **how: Any) -> dict[str, Any]:
        """Let workers die until none does, look at the site after each death, and return how the operation ended."""
        while self.work(operation, **how):
            assert len(self.deaths) < DEATHS_MAX, self.deaths[-20:]
            self.told.append(self.look())
        self.told.append(self.look())
        ((state, code, results),) = self.stack.rows(
            f"SELECT state, error_code, results FROM gridkit_django_pluginoperation WHERE id = '{operation}'"
        )
        return {"state": state, "code": code, "steps": list(parsed(results))}

    def look(self) -> str:
        """See that what is there is whole, and return what the process that serves runs."""
        rows = self.stack.rows(
            "SELECT p.desired_state, v.version, v.origin ->> 'digest', k.digest FROM gridkit_django_installedplugin p"
            " LEFT JOIN gridkit_django_pluginversion v ON v.id = p.current_version_id"
            " LEFT JOIN gridkit_django_pluginpackage k ON k.digest = v.digest"
        )
        for row in rows:
            assert None not in row, f"{row} after {self.deaths[-1:]}"
        version = rows[0][1] if rows else ""
        served = self.shell(_SERVED)
        if version == BROKEN:
            wanted = self.first
        else:
            wanted = RELEASES[version]["word"] if rows and rows[0][0] == "active" else ""
        assert served == wanted, f"{served!r} is served, {rows} are wanted, after {self.deaths[-1:]}"
        assert self.grants() == (sorted(RELEASES[version]["permissions"]) if rows else [])
        return served

    def acts(self) -> list[str]:
        """Return what the audit log holds of the plugin since `begin`."""
        rows = self.stack.rows(
            "SELECT action FROM gridkit_django_auditrecord WHERE target_type = 'plugin'"
            f" AND id > {self._newest} ORDER BY id"
        )
        return [row[0] for row in rows]

    def is_tidy(self, versions: int) -> None:
        """See that nothing is left of the dead but what so many versions are made of.

        Args:
            versions: how many the site has.
        """
        assert self.count("pluginversion") == self.count("pluginpackage") == versions
        assert self.count("pluginversion", "origin ->> 'marketplace' = 'main'") == versions
        assert self.count("pluginoperation", "state = 'running'") == 0
        for path in (self.stack.folder / "tmp").iterdir():
            assert path.name.startswith("gridkit-trust-")
            os.utime(path, (0, 0))  # as old as the next fetch finds it some time later
        self.shell(_FETCH)
        left = [path for path in self.stack.folder.glob("state/**/*") if path.name.startswith(".")]
        assert left == [], "staging folders"
        assert list(self.stack.folder.glob("state/**/*.step")) == [], "boot records"
        assert list((self.stack.folder / "tmp").iterdir()) == []

    def grants(self) -> list[str]:
        """Return what is granted."""
        rows = self.stack.rows(
            "SELECT permission FROM gridkit_django_pluginpermissiongrant WHERE decision = 'granted' ORDER BY 1"
        )
        return [row[0] for row in rows]

    def count(self, table: str, where: str = "TRUE") -> int:
        """Count rows."""
        return int(self.stack.rows(f"SELECT COUNT(*) FROM gridkit_django_{table} WHERE {where}")[0][0])


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Site]:
    signed = Signed()
    signed.hold_ceremony()
    with open_market() as market:
        acme = Acme(market, stack.folder, signed)
        market.answers[f"api/v1/plugins/{PLUGIN}/events/"] = {}
        for version, facts in RELEASES.items():
            acme.publish(version, **facts)
        place = {"url": market.url, "root": str(acme.root), "timeout": 30.0}
        more = {
            "MARKET": {"serve": False},
            "STATE_DIR": str(stack.folder / "state"),
            "MARKETPLACES": {"main": place},
            "HINT_URL": None,
        }
        set_up(stack, {**more, "MARKETPLACE_TRUSTED": ["@acme"]})
        (stack.folder / "tmp").mkdir()
        stack.env["TMPDIR"] = str(stack.folder / "tmp")
        code = "from tests.routes.market.mortal import serve; serve()"
        with standing_shell(stack, code) as mother, standing_shell(stack) as shell:
            yield Site(stack, acme, shell, mother)


def _install(version: str) -> dict[str, Any]:
    grants = list(RELEASES[version]["permissions"])
    return {"source": f"marketplace:{PLUGIN}", "version": version, "grants": grants}


def _died_everywhere(site: Site, steps: list[str]) -> None:
    """See that workers died in every step that the operation has, whatever steps those are."""
    assert {place.partition(":")[0] for place in site.deaths} >= set(steps)


def test_killed_installation_is_finished_by_the_next_workers(site: Site) -> None:
    site.begin()

    done = site.work_to_the_end(site.request("install", **_install("1.0.0")), probe=True)

    assert (done["state"], done["code"]) == ("finished", "")
    _died_everywhere(site, done["steps"])
    assert site.told == sorted(site.told), "it was there, and gone again"
    assert site.told[-1] == "one"
    assert site.acts() == ["plugin.install", "plugin.activate"]
    site.is_tidy(versions=1)


def test_killed_update_is_finished_while_one_of_two_versions_serves_at_each_moment(site: Site) -> None:
    site.begin("1.0.0")

    done = site.work_to_the_end(site.request("update", version="2.0.0", grants=[MORE]), since="resolve")

    assert (done["state"], done["code"]) == ("finished", "")
    _died_everywhere(site, done["steps"])
    assert (site.told[0], site.told[-1]) == ("one", "two")
    assert site.told == sorted(site.told), "the new version served, and then the old one again"
    assert site.acts() == ["plugin.grant", "plugin.update"]
    site.is_tidy(versions=2)


def test_killed_roll_back_is_finished(site: Site) -> None:
    site.begin("1.0.0", "2.0.0")

    done = site.work_to_the_end(site.request("roll_back"))

    assert (done["state"], done["code"]) == ("finished", "")
    _died_everywhere(site, done["steps"])
    assert (site.told[0], site.told[-1]) == ("two", "one")
    assert site.told == sorted(site.told, reverse=True)
    assert site.acts() == ["plugin.revoke", "plugin.rollback"]
    site.is_tidy(versions=2)


def test_killed_undoing_of_an_installation_is_finished(site: Site) -> None:
    site.begin()

    done = site.work_to_the_end(site.request("install", **_install(BROKEN)), since="switch")

    assert (done["state"], done["steps"]) == ("failed", [])
    assert done["code"] in {"plugin-initialize-failed", "plugin-error"}, "so many could not start it: it is put aside"
    assert any(place.startswith("undo") for place in site.deaths)
    assert set(site.told) == {""}
    assert site.count("installedplugin") == 0
    site.is_tidy(versions=0)


def test_killed_update_to_a_version_that_can_not_start_is_undone(site: Site) -> None:
    site.begin("2.0.0")

    done = site.work_to_the_end(site.request("update", version=BROKEN), since="switch")

    assert (done["state"], done["code"]) == ("failed", "plugin-initialize-failed")
    assert set(site.told) == {"two"}
    assert (site.acts()[0], site.acts()[-1], site.acts().count("plugin.rollback")) == (
        "plugin.update",
        "plugin.rollback",
        1,
    )
    site.is_tidy(versions=2)


@pytest.mark.parametrize(("kind", "versions"), [("update", ["1.0.0"]), ("roll_back", ["1.0.0", "2.0.0"])])
def test_swap_whose_every_worker_is_killed_before_it_is_seen_to_start_is_undone(
    site: Site, kind: str, versions: list[str]
) -> None:
    site.begin(*versions)
    arguments = {"version": "2.0.0", "grants": [MORE]} if kind == "update" else {}
    operation = site.request(kind, **arguments)
    for _ in range(DEATHS_GIVEN_UP):
        assert site.work(operation, since="start", spent=[], counting=True)
        assert site.look() != site.first, "it was swapped"
    assert site.work(operation, since="undo", spent=[], counting=True)

    assert not site.work(operation, deadly=False)

    assert site.look() == site.first
    ((state, code),) = site.stack.rows(
        f"SELECT state, error_code FROM gridkit_django_pluginoperation WHERE id = '{operation}'"
    )
    assert (state, code) == ("failed", "operation-lost")
    assert site.acts().count("plugin.rollback") == {"update": 1, "roll_back": 2}[kind]
    assert site.count("pluginversion", "refused_at IS NOT NULL") == 0, "it may not be to blame"
    site.is_tidy(versions=2)


@pytest.mark.parametrize("kind", ["install", "update"])
def test_worker_killed_while_the_plugin_starts_leaves_all_or_nothing(site: Site, kind: str) -> None:
    for place in range(1, 30):
        site.begin(*(["1.0.0"] if kind == "update" else []))
        arguments = _install("1.0.0") if kind == "install" else {"version": "2.0.0", "grants": [MORE]}
        operation = site.request(kind, **arguments)
        if not site.work(operation, starting=place):
            break
        assert not site.work(operation, deadly=False)
        ((state, code),) = site.stack.rows(
            f"SELECT state, error_code FROM gridkit_django_pluginoperation WHERE id = '{operation}'"
        )
        served = site.look()
        if state == "finished":
            assert served == {"install": "one", "update": "two"}[kind]
        else:
            assert (code, served) == ("plugin-killed-process", site.first)
        site.is_tidy(versions=0 if not served else 2 if kind == "update" else 1)
    assert place > 3
