"""Two real hosts of one site: nothing switches before both have the files, and a host that can't is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.marketplace.client.market import open_market
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.trust.markets import Market as Signed
from tests.routes.market.hosts import Hosts, own_folders, tamper
from tests.routes.market.pair import set_up
from tests.routes.shell import standing_shell
from tests.routes.world import awaited
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""


@pytest.fixture(scope="module")
def site(stack: Stack, redis_url: str) -> Iterator[Hosts]:
    signed = Signed()
    signed.hold_ceremony()
    with open_market() as market:
        acme = Acme(market, stack.folder, signed)
        market.answers[f"api/v1/plugins/{PLUGIN}/events/"] = {}
        acme.publish()
        place = {"url": market.url, "root": str(acme.root), "timeout": 30.0}
        more = {
            "MARKET": {"serve": False},
            "MARKETPLACES": {"main": place},
            "MARKETPLACE_TRUSTED": ["@acme"],
            "PACKAGE_STORAGE": "default",
            "PACKAGE_BYTES_MAX": 1,
            "POLL_SECONDS": 1,
        }
        set_up(stack, {**more, **own_folders(stack.folder / "one")})
        stack.env["GRIDKIT_HOST_NAME"] = "one"
        with standing_shell(stack) as shell:
            hosts = Hosts(stack, shell, redis_url, more)
            try:
                yield hosts
            finally:
                hosts.two.close()


@pytest.fixture(autouse=True)
def anew(site: Hosts) -> None:
    site.begin()


def test_both_hosts_have_fetched_and_verified_the_files_before_anything_switches(site: Hosts) -> None:
    with site.installing(pauses=True) as ended:
        digest = site.paused()
        with site.locked(digest):
            site.go_on()
            awaited(lambda: "Waiting for two (web " in site.log(), "the operation to wait for the second host")
            assert not site.folder(digest).exists(), "another process of that host is at it"
            assert (site.installed(), ended.done()) == (0, False)
        done = ended.result()

    assert (done["state"], done["prepare"]) == ("finished", {"without": []}), done
    assert done["log"].index("Every host of the site has the files.") < done["log"].index("Installed.")
    assert (site.folder(digest) / "files" / "plugin.toml").is_file()
    awaited(site.runs, "the second host to serve the plugin")


def test_host_whose_copy_was_tampered_with_refuses_it_and_nothing_switches(site: Hosts) -> None:
    with site.installing(pauses=True) as ended:
        digest = site.paused()
        tamper(site.stored(digest))
        site.go_on()
        awaited(lambda: any(unready for *_, unready in site.board()), "the second host to refuse")
        site.time_is_up()
        done = ended.result()

    assert (done["state"], done["code"]) == ("failed", "hosts-not-ready")
    assert "two (web " in done["detail"]
    assert "not those that were kept: their digest is another one" in done["detail"]
    assert site.installed() == 0
    assert not site.folder(digest).exists()


def test_dead_host_is_named_and_holds_the_switch_for_some_heartbeats_only(site: Hosts) -> None:
    pid = site.kill()
    with site.installing() as ended:
        awaited(lambda: f"Waiting for two (web {pid})" in site.log(), "the operation to wait for the dead host")
        site.time_is_up()
        done = ended.result()
    assert (done["code"], f"two (web {pid})" in done["detail"]) == ("hosts-not-ready", True)
    assert site.installed() == 0
    site.begin_dead()

    with site.installing(HEARTBEAT_SECONDS=1) as ended:
        assert ended.result()["state"] == "finished", "four heartbeats are over"


def test_host_that_was_not_waited_for_follows_when_it_can(site: Hosts) -> None:
    with site.installing(pauses=True, anyway=True) as ended:
        digest = site.paused()
        with site.locked(digest):
            site.go_on()
            done = ended.result()
            assert (done["state"], done["prepare"]) == ("finished", {"without": ["two"]})
            assert not site.folder(digest).exists()

    awaited(site.runs, "the second host to serve the plugin")


def test_synced_host_serves_at_its_start_without_the_storage(site: Hosts) -> None:
    site.kill()
    with site.installing(anyway=True) as ended:
        assert ended.result()["state"] == "finished"
    digest = site.digest()
    assert not site.folder(digest).exists()

    assert site.two.manage("gridkit_sync").splitlines() == [f"{PLUGIN} 1.0.0", "1 plugins are on this host."]

    site.stored(digest).unlink()
    site.serve()
    awaited(site.runs, "the second host to serve the plugin")
