"""A marketplace over HTTP, and a site whose settings name it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.marketplace.client import recipes
from gridkit_django.marketplace.trust import metadata
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.marketplace.client.market import Market, open_market
from tests.marketplace.client.packages import Acme
from tests.marketplace.client.trials import between, tried, younger
from tests.marketplace.trust.markets import Market as Signed

__all__ = ["between", "tried", "younger"]


@pytest.fixture
def market() -> Iterator[Market]:
    with open_market() as found:
        yield found


@pytest.fixture
def site(market: Market, settings: Any, tmp_path: Any) -> Callable[..., None]:
    """Set the settings of the site, with the marketplace in them; further keys may be given."""

    def configure(options: dict[str, Any] | None = None, **values: Any) -> None:
        settings.GRIDKIT = {
            "HOT_RELOAD": False,
            "STATE_DIR": str(tmp_path),
            "MARKETPLACES": {"main": {"url": market.url, "timeout": 1.0, **(options or {})}},
            **values,
        }

    configure()
    return configure


@pytest.fixture(scope="module", autouse=True)
def few_bins() -> Iterator[None]:
    """Let a marketplace have few bins: each refresh reads a list of them. The tests of trust have all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata, "BITS", 3)
        yield


@pytest.fixture(scope="module")
def ceremony(few_bins: None) -> Signed:
    """A marketplace that has signed its first state; each test goes on from a copy."""
    found = Signed()
    found.hold_ceremony()
    return found


@pytest.fixture
def acme(market: Market, site: Callable[..., None], tmp_path: Path, ceremony: Signed) -> Acme:
    """A publisher that the site trusts, with a marketplace whose root the site knows."""
    found = Acme(market, tmp_path, ceremony.copy())
    site({"root": str(found.root)}, MARKETPLACE_TRUSTED=["@acme"])
    return found


@pytest.fixture
def manager(db: None) -> Iterator[PluginManager]:
    """This process's manager, with nothing at work before and after."""
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password="root-of-all")


@pytest.fixture
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the child process, for tests that are about something else."""
    monkeypatch.setattr(recipes, "probe", lambda files: None)
