"""Two sites with databases, brokers and workers of their own: one serves a marketplace, one installs from it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

from tests.routes.shell import Shell, standing_shell
from tests.routes.world import PASSWORD, awaited, furnish
from tests.servers.http import Client
from tests.servers.processes import ROOT
from tests.servers.stack import Stack

_RATES = {"market-read": None, "market-publish": None, "market-events": None}
_RUN = """
from io import StringIO
from django.core.management import CommandError, call_command
out = StringIO()
try:
    call_command({words}, stdout=out)
except CommandError as error:
    out.write(f"refused: {{error}}")
answer = out.getvalue()
"""
_PUBLISHER = """
from gridkit_django.marketplace.shelf.publishers import make_publisher
from gridkit_django.marketplace.shelf.tokens import make_token
answer = make_token(make_publisher("acme"), "laptop")[1]
"""


class Author:
    """Somebody with a key, a token and no site: the commands run in a process that belongs to neither of the two.

    Args:
        shell: that process.
        folder: where the author works.
        market: address of the marketplace.
        token: what lets them publish.
    """

    def __init__(self, shell: Shell, folder: Path, market: str, token: str) -> None:
        self._shell = shell
        self._market = market
        self.folder = folder
        (folder / "token").write_text(token)

    def __call__(self, *words: str) -> str:
        """Run a management command in the author's folder, and return what it said."""
        return command(self._shell, *words)

    def publish(self) -> str:
        """Sign and upload what is in the folder."""
        secrets = ("--key", str(self.folder / "key.pem"), "--token-file", str(self.folder / "token"))
        return self("gridkit_publish", str(self.folder / "colours"), "--to", self._market, *secrets)


def command(shell: Shell, *words: str) -> str:
    """Run a management command in a standing process, and return what it said."""
    return shell(_RUN.format(words=", ".join(map(repr, words))))


def serve_market(market: Stack) -> str:
    """Let a site serve a marketplace whose keys are in use, and return the token of its publisher."""
    keys = market.folder / "keys"
    keys.mkdir()
    given = {
        "STATE_DIR": str(market.folder / "state"),
        "MARKET": {"serve": True, "name": "The market"},
        "MARKET_TRUST_STORE": "storage:default",
        "MARKET_TRUST_KEY": str(keys / "online.pem"),
        "THROTTLE_RATES": _RATES,
    }
    set_up(market, given)
    furnish(market, plugins=False)
    with standing_shell(market) as shell:
        _hold_ceremony(shell, keys)
        return shell(_PUBLISHER)


def _hold_ceremony(shell: Shell, keys: Path) -> None:
    public = {}
    for holder in ("anna", "ben", "online"):
        public[holder] = command(shell, "gridkit_market_keys", "key", str(keys / f"{holder}.pem")).split()[-1]
    people = [
        word for name in ("root", "targets") for who in ("anna", "ben") for word in (f"--{name}-key", public[who])
    ]
    counts = ["--root-threshold", "2", "--targets-threshold", "2", "--online-key", public["online"]]
    draft = str(keys / "draft")
    command(shell, "gridkit_market_keys", "draft", draft, *people, *counts)
    for holder in ("anna", "ben"):
        command(shell, "gridkit_market_keys", "sign", draft, "--key", str(keys / f"{holder}.pem"))
    told = command(shell, "gridkit_market_keys", "install", draft)
    assert told.startswith("In use, as version 1"), told


def follow_market(client: Stack, market: Stack) -> None:
    """Let a site install from the marketplace; its worker carries out changes of more than two rows."""
    place = {
        "url": f"{market.url()}/market/",
        "root": str(market.folder / "keys" / "draft" / "root.json"),
        "prefixes": ["@acme/"],
        "timeout": 30.0,
    }
    given = {
        "MARKET": {"serve": False},
        "MARKET_TRUST_STORE": None,
        "STATE_DIR": str(client.folder / "state"),
        "MARKETPLACES": {"main": place},
        "MARKETPLACE_TRUSTED": ["@acme"],
        "BULK_ROWS_INLINE": 2,
    }
    set_up(client, given)
    furnish(client, plugins=False)


def set_up(site: Stack, given: dict[str, Any]) -> None:
    """Set the settings of a site, before any of its processes runs."""
    site.env |= {"DJANGO_SETTINGS_MODULE": "tests.routes.market.site", "GRIDKIT_MORE": json.dumps(given)}
    site.env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [site.env.get("PYTHONPATH")])])


@contextmanager
def standing_author(market: Stack, token: str) -> Iterator[Author]:
    """Give an author, who has a project without a database of either site."""
    folder = market.folder / "author"
    folder.mkdir()
    nowhere = Stack("sqlite", f"sqlite:///{folder / 'none.sqlite3'}", "", folder)
    set_up(nowhere, {})
    with closing(nowhere), standing_shell(nowhere) as shell:
        yield Author(shell, folder, f"{market.url()}/market/", token)


def ask_worker(site: Stack, task: str, **arguments: Any) -> None:
    """Let the worker of a site carry out a task, as its Celery beat does."""
    with Celery("asker", broker=site.env["REDIS_URL"], set_as_current=False) as app:
        app.send_task(task, kwargs=arguments, ignore_result=True)


def approve(market: Stack, version: str) -> None:
    """Publish a release as a person of the marketplace does, in the admin, once the checks are made."""
    release = f"SELECT id, state, signed FROM gridkit_django_release WHERE version = '{version}'"
    awaited(lambda: market.rows(release)[0][1] == "quarantined", "the checks of the release")
    ((key, _, _),) = market.rows(release)
    page = f"/admin/gridkit_django/release/{key}/change/"
    staff = Client(market.url())
    staff.log_in("/admin/login/", "admin", PASSWORD)
    shown = staff.get(page).text
    assert "Decide" in shown, shown
    answer = staff.submit(page, {"note": "read it all"}, to=f"/admin/gridkit_django/release/{key}/do/approve/")
    assert answer.status == 200, answer.text
    awaited(lambda: market.rows(release) == [(key, "published", True)], "the signatures for the release")
