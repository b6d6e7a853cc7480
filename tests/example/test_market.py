"""The demo's own marketplace: what it lists, in which state, and that a second start does nothing again."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from PIL import Image
from pytest_django import Settings

from example_project.environment import is_news, own_marketplace
from example_project.market import trust
from example_project.market.goods import GOODS, pack
from example_project.market.stocking import PICTURES, ensure_market
from gridkit_django.marketplace.shelf.taking_back import remove_release
from gridkit_django.marketplace.trust import TrustRepository
from gridkit_django.models import Listing, ListingPicture, Release
from gridkit_django.tasks import market as market_tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def served(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve a marketplace with its files in a folder of the test; no worker is told."""
    monkeypatch.setattr(market_tasks, "send", lambda *_args, **_options: None)
    settings.MARKET_DIR = tmp_path
    settings.GRIDKIT = {
        "MARKET": {"serve": True},
        "MARKET_TRUST_STORE": str(tmp_path / "tuf"),
        "MARKET_TRUST_KEY": str(tmp_path / "online.pem"),
    }


def test_first_start_lists_all_and_a_second_one_nothing_that_was_taken_away():
    reviewer = User.objects.create_superuser("root")

    assert len(ensure_market(reviewer)) == len(GOODS)

    states = {(row.listing.plugin_id, row.version): row.state for row in Release.objects.select_related("listing")}
    assert states.pop(("@demo/edit-counter", "2.0.0")) == "quarantined"
    assert states.pop(("@demo/wheels-up", "1.1.0")) == "yanked"
    assert set(states.values()) == {"published"}
    assert Release.objects.get(version="2.0.0").held_for == ["asks for new permissions: rows:read"]
    assert Listing.objects.exclude(icon="").count() == 4
    pictures = ListingPicture.objects.filter(listing__plugin_id="@demo/edit-counter").order_by("position")
    assert [item.caption.partition(":")[0] for item in pictures] == ["The report", "The configuration"]
    assert not ListingPicture.objects.filter(caption="").exists()
    assert TrustRepository.of_site().target("demo_edit_counter-1.1.0-py3-none-any.whl") is not None
    remove_release(Release.objects.get(listing__plugin_id="@stranger/lucky-dip"), "not wanted")
    assert ensure_market(reviewer) == []


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.png")), ids=lambda path: path.name)
def test_picture_is_small_and_tells_nothing_of_where_it_was_made(path: Path):
    with Image.open(path) as image:
        assert (image.format, dict(image.info).keys() & {"exif", "Software", "Comment"}) == ("PNG", set())
        assert image.text == {}
    assert path.stat().st_size < 60_000


def test_older_version_is_packed_as_it_was():
    first, second = (pack(goods).inspected for goods in GOODS[:2])

    assert set(second.manifest.required_permissions) - set(first.manifest.required_permissions) == {"reports:register"}
    assert "1.1.0" in second.changelog
    assert "1.1.0" not in first.changelog


def test_ceremony_is_held_again_before_its_signatures_end_and_the_first_root_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trust.ensure_trust()
    assert TrustRepository.of_site().read("2.targets.json") is None
    root = (tmp_path / "root.json").read_bytes()
    monkeypatch.setattr(trust, "_SOON", timedelta(days=100))  # targets hold for ninety

    trust.ensure_trust()

    assert TrustRepository.of_site().read("2.targets.json") is not None
    assert (tmp_path / "root.json").read_bytes() == root
    assert TrustRepository.of_site().read("2.root.json") is not None


def test_site_installs_from_itself_once_it_knows_where_it_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GRIDKIT_DEMO_ADDRESS", raising=False)
    assert own_marketplace(Path("market")) == {}
    monkeypatch.setenv("GRIDKIT_DEMO_ADDRESS", "http://127.0.0.1:8123")
    assert own_marketplace(Path("market"))["demo"]["url"] == "http://127.0.0.1:8123/market/"


@pytest.mark.parametrize(("text", "told"), [("Not Found: /market/tuf/2.root.json", False), ("Not Found: /x/", True)])
def test_only_news_is_logged(text: str, told: bool):
    assert is_news(logging.makeLogRecord({"msg": text})) is told
