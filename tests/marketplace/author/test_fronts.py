"""The folder ``market``: read, refused, sent to a real marketplace, and sent again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from PIL import Image

from gridkit_django.exceptions import PackageBuildError
from gridkit_django.management.commands import gridkit_publish
from gridkit_django.marketplace.author import read_front
from gridkit_django.marketplace.packaging import start_plugin_repository
from gridkit_django.marketplace.shelf.tokens import TokenScope, make_token
from gridkit_django.models import Listing
from tests.marketplace.shelf.goods import Seller

FRONT = """
demo = "https://demo.example/"
pricing_text = "5 euros a month"

[captions]
"1-board.png" = "The board"
"""


def draw(path: Path, colour: str) -> None:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), colour).save(path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A plugin with a folder ``market``."""
    folder = start_plugin_repository("colours", "acme", tmp_path)
    draw(folder / "market/icon.png", "red")
    draw(folder / "market/screenshots/1-board.png", "green")
    draw(folder / "market/screenshots/2-list.jpg", "blue")
    (folder / "market/front.toml").write_text(FRONT)
    return folder


@pytest.fixture
def seller(live_server: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seller:
    """A publisher of a marketplace over HTTP."""
    rates = dict.fromkeys(("market-read", "market-publish", "market-front", "market-events"))
    settings.GRIDKIT = {"MARKET": {"serve": True}, "THROTTLE_RATES": rates}
    cache.clear()
    monkeypatch.setattr("gridkit_django.tasks.market.send", lambda *_args: None)
    found = Seller.make()
    (tmp_path / "key.pem").write_bytes(found.private)
    monkeypatch.setenv(gridkit_publish.TOKEN, found.token)
    return found


def publish(folder: Path, url: str) -> list[str]:
    """Publish, and return what was said about the page."""
    out = io.StringIO()
    key = str(folder.parent / "key.pem")
    call_command("gridkit_publish", str(folder), to=f"{url}/market/", key=key, wait=0, stdout=out)
    return [line.strip() for line in out.getvalue().splitlines() if "page:" in line]


@pytest.mark.django_db(transaction=True)
def test_page_is_sent_once_and_follows_the_folder(
    repository: Path, seller: Seller, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish(repository, live_server.url) == [
        "page: changed demo, pricing_text",
        "page: icon sent",
        "page: screenshot 1-board.png sent",
        "page: screenshot 2-list.jpg sent",
    ]
    assert publish(repository, live_server.url) == []

    shots = repository / "market/screenshots"
    (shots / "1-board.png").rename(shots / "3-board.png")
    (shots / "2-list.jpg").unlink()
    draw(shots / "2-new.png", "white")
    (repository / "market/front.toml").write_text('demo = ""\n')

    done = publish(repository, live_server.url)
    assert [line.split()[-1] for line in done] == ["demo", "removed", "sent", "sent", "order"]
    listing = Listing.objects.get()
    assert (listing.demo, listing.pricing_text) == ("", "5 euros a month")
    assert [(item.position, item.caption) for item in listing.pictures.order_by("position")] == [(0, ""), (1, "")]
    assert publish(repository, live_server.url) == []
    _row, token = make_token(seller.publisher, "ci", scopes=(TokenScope.PUBLISH,))
    monkeypatch.setenv(gridkit_publish.TOKEN, token)
    with pytest.raises(CommandError, match=r"\[market-token-scope\]"):
        publish(repository, live_server.url)


def test_repository_without_the_folder_has_no_front(tmp_path: Path) -> None:
    assert read_front(tmp_path) is None
    (tmp_path / "market").mkdir()
    front = read_front(tmp_path)
    assert front is not None
    assert (front.told, front.icon, front.screenshots) == ({}, None, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("demo =", "no valid TOML"),
        ("demo = 3", "may have these texts"),
        ('name = "Mine"', "may have these texts"),
        ('captions = "all"', "captions of pictures"),
        ('[captions]\n"gone.png" = "x"', "captions of pictures"),
    ],
)
def test_file_that_says_what_nobody_knows_is_refused(repository: Path, text: str, told: str) -> None:
    (repository / "market/front.toml").write_text(text)

    with pytest.raises(PackageBuildError, match=told):
        read_front(repository)


def test_picture_that_is_too_large_is_refused_before_it_is_sent(repository: Path) -> None:
    (repository / "market/icon.png").write_bytes(bytes(5_000_001))

    with pytest.raises(PackageBuildError, match="5000001 bytes"):
        read_front(repository)
