"""A site without a network installs from a bundle, and refuses one that was changed or can't be read."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridkit_django.exceptions import MarketplaceOfflineError, SettingsError
from gridkit_django.marketplace.client import PluginMarketplace, refresh_catalogue
from gridkit_django.marketplace.trust import HttpChannel, HttpPlace
from gridkit_django.marketplace.trust.bundles import make_bundle
from gridkit_django.models import CatalogEntry, OperationState, PluginPackage
from gridkit_django.plugins import PluginManager
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_install import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bundle(acme: Acme, site: Callable[..., None], tmp_path: Path, manager: PluginManager) -> Callable[..., Path]:
    """Gather a bundle of releases over HTTP, then cut the site off and give it the bundle."""

    def gather(*versions: str, name: str = "plugins.zip") -> Path:
        path = f"api/v1/plugins/{PLUGIN}/"
        acme.market.answers[path] = acme.market.listings[PLUGIN][1]
        channel = HttpChannel(HttpPlace(acme.market.url))
        wheels = [f"acme_colours-{version}-py3-none-any.whl" for version in versions]
        made = make_bundle(channel, acme.root.read_bytes(), wheels, listings=[PLUGIN])
        channel.close()
        file = tmp_path / name
        file.write_bytes(made.content)
        options: dict[str, Any] = {"root": str(acme.root), "bundle": str(file), "url": "http://127.0.0.1:9/"}
        site(options, MARKETPLACE_TRUSTED=["@acme"], MARKETPLACE_OFFLINE=True)
        return file

    return gather


def test_plugin_is_installed_and_updated_from_bundles_and_nobody_is_asked(
    acme: Acme, bundle: Callable[..., Path], manager: PluginManager, no_probe: None
) -> None:
    acme.publish()
    bundle("1.0.0")
    asked = len(acme.market.asked)
    assert refresh_catalogue() == {"main": ""}

    done = run("install")

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert manager.get_plugin(PLUGIN).effective_state == "active"
    assert len(acme.market.asked) == asked
    with pytest.raises(MarketplaceOfflineError, match="is a bundle"):
        PluginMarketplace().track_rating(PLUGIN, 5)
    acme.publish("1.1.0", word="two")
    bundle("1.1.0")
    refresh_catalogue()
    assert manager.update_plugin(PLUGIN).version == "1.1.0"


def test_bundle_that_was_changed_is_refused(acme: Acme, bundle: Callable[..., Path]) -> None:
    acme.publish()
    file = bundle("1.0.0")
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content[:-1] + b"x" if name.endswith(".whl") else content)
    refresh_catalogue()

    failed = run("install")

    assert (failed.state, failed.error_code) == (OperationState.FAILED, "trust-digest")
    assert not PluginPackage.objects.exists()


def test_bundle_that_can_not_be_read_leaves_the_list_as_it_was(acme: Acme, bundle: Callable[..., Path]) -> None:
    acme.publish()
    file = bundle("1.0.0")
    refresh_catalogue()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"api/v1/plugins/{PLUGIN}/", "<html>")
    assert "no JSON" in refresh_catalogue(now=True)["main"]
    file.write_bytes(b"no zip")
    assert "can't be read" in refresh_catalogue(now=True)["main"]
    assert CatalogEntry.objects.filter(plugin_id=PLUGIN).exists()


def test_bundle_without_a_root_is_a_mistake_in_the_settings(site: Callable[..., None]) -> None:
    site({"bundle": "x.zip"})
    with pytest.raises(SettingsError, match="has a bundle and no root"):
        refresh_catalogue()
