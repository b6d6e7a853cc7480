"""Our client and our marketplace, over HTTP: published, signed, listed, found, installed, counted, rated, yanked."""

from __future__ import annotations

from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command

from gridkit_django.marketplace.client import (
    PluginMarketplace,
    make_install_plan,
    refresh_catalogue,
    remote_named,
    search,
)
from gridkit_django.marketplace.shelf.review import approve_release
from gridkit_django.marketplace.shelf.taking_back import yank_release
from gridkit_django.marketplace.trust import TrustRepository, public_key_of
from gridkit_django.models import CatalogSource, Listing, MarketEvent, MarketSite
from gridkit_django.plugins import PluginManager, PluginSearchQuery
from gridkit_django.tasks import market as market_tasks
from tests.marketplace.shelf.goods import Seller, package, release
from tests.marketplace.trust.markets import Market as Signed

pytestmark = pytest.mark.django_db(transaction=True)

PLUGIN = "@acme/colours"


@pytest.fixture
def seller(
    db: None, live_server: Any, ceremony: Signed, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Seller:
    """A publisher of a marketplace that this very site serves, and installs from."""
    (tmp_path / "root.json").write_bytes(ceremony.root)
    place = {"url": f"{live_server.url}/market/", "root": str(tmp_path / "root.json"), "timeout": 30.0}
    rates = {"market-read": None, "market-publish": None, "market-events": None}
    settings.GRIDKIT = {
        "HOT_RELOAD": False,
        "STATE_DIR": str(tmp_path),
        "MARKET": {"serve": True, "name": "Ours"},
        "MARKET_TRUST_STORE": "storage:default",
        "THROTTLE_RATES": rates,
        "MARKETPLACES": {"main": place},
        "MARKETPLACE_TRUSTED": ["@acme"],
    }
    cache.clear()
    repository = ceremony.copy().repository
    monkeypatch.setattr(TrustRepository, "of_site", lambda: repository)
    monkeypatch.setattr(market_tasks, "send", lambda task, arguments: task(*arguments))
    return Seller.make()


def put(seller: Seller, version: str, reviewer: User) -> None:
    answer = seller.publish(version=version)
    assert answer.status_code == 202, answer.content
    found = release(version=version)
    if found.state != "published":
        approve_release(found, reviewer, "read")
    market_tasks.sign_market()
    cache.clear()


def test_plugin_goes_from_its_publisher_into_this_process(
    seller: Seller, manager: PluginManager, admin: User, no_probe: None
) -> None:
    put(seller, "1.0.0", admin)
    assert refresh_catalogue() == {"main": ""}, CatalogSource.objects.get().error
    (found,) = search(PluginSearchQuery(query="colours", sort_by="relevance")).plugins
    assert (found.id, found.publisher.name, CatalogSource.objects.get().name) == (PLUGIN, "acme", "Ours")
    assert dict(CatalogSource.objects.get().skipped) == {}
    shop = PluginMarketplace(admin)

    assert shop.install(PLUGIN).version == "1.0.0"

    assert manager.get_plugin(PLUGIN).effective_state == "active"
    assert sorted(MarketEvent.objects.values_list("kind", "version")) == [("download", "1.0.0"), ("install", "1.0.0")]
    market_tasks.roll_up_market()
    shop.track_rating(PLUGIN, 5)
    assert MarketSite.objects.get().rating == 5
    put(seller, "1.1.0", admin)
    refresh_catalogue()
    assert [item.available for item in manager.check_updates()] == ["1.1.0"]
    assert shop.update(PLUGIN).version == "1.1.0"
    manager.roll_back_plugin(PLUGIN, user=admin)
    yank_release(release(version="1.1.0"), "it leaks")
    cache.clear()
    refresh_catalogue()
    assert "it leaks" in make_install_plan(PLUGIN).verdicts[0].reasons[1], "beside the pin"


def test_publishing_by_the_clients_class_reaches_the_marketplace(seller: Seller, settings: Any, admin: User) -> None:
    given = settings.GRIDKIT
    given = {**given, "MARKETPLACES": {"main": {**given["MARKETPLACES"]["main"], "token": seller.token}}}
    settings.GRIDKIT = given
    name, content = package()
    form = seller.form(name, content)
    ask = partial(PluginMarketplace(admin).publish, remote_named("main"), (name, content))

    told = ask({"signature": form["signature"], "public_key": form["public_key"]})

    assert (told["id"], told["version"]) == (PLUGIN, "1.0.0")
    assert Listing.objects.get().plugin_id == PLUGIN


def test_new_key_of_a_publisher_reaches_the_site_by_the_old_one(
    seller: Seller, manager: PluginManager, admin: User, no_probe: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(seller, "1.0.0", admin)
    refresh_catalogue()
    shop = PluginMarketplace(admin)
    shop.install(PLUGIN)
    (tmp_path / "old.pem").write_bytes(seller.private)
    monkeypatch.setenv("GRIDKIT_PUBLISH_TOKEN", seller.token)
    out, new = StringIO(), tmp_path / "new.pem"
    place = {"to": remote_named("main").url, "publisher": "@acme"}

    call_command("gridkit_keygen", str(new), rotate=str(tmp_path / "old.pem"), **place, stdout=out)

    assert [line.rsplit(": ", 1)[1].split()[0] for line in out.getvalue().splitlines()[-2:]] == ["retired", "signs"]
    seller.private, seller.public = new.read_bytes(), public_key_of(new.read_bytes())
    put(seller, "1.1.0", admin)
    refresh_catalogue()
    assert shop.update(PLUGIN).version == "1.1.0"
    with pytest.raises(CommandError, match=r"\[key-statement-invalid\] .* not signed by one of their keys"):
        call_command("gridkit_keygen", str(tmp_path / "x.pem"), rotate=str(tmp_path / "old.pem"), **place)
    call_command(
        "gridkit_keygen", str(tmp_path / "y.pem"), rotate=str(new), stolen_since="2026-01-01T00:00", **place, stdout=out
    )
    assert "revoked as of 2026-01-01T00:00" in out.getvalue()
    assert release(version="1.1.0").state == "quarantined"
