"""Stocking the demo's marketplace: what an author does with `gridkit_publish`, and a reviewer in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from django.contrib.auth.models import User

from example_project.market.goods import GOODS, Goods, pack
from example_project.market.trust import author_key, ensure_trust
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.marketplace.shelf.identity import vouch
from gridkit_django.marketplace.shelf.pictures import add_screenshot, set_icon
from gridkit_django.marketplace.shelf.publishers import make_publisher
from gridkit_django.marketplace.shelf.publishing import Upload, publish_release
from gridkit_django.marketplace.shelf.review import approve_release, judge_release
from gridkit_django.marketplace.shelf.signing import follow_shelf
from gridkit_django.marketplace.shelf.taking_back import yank_release
from gridkit_django.marketplace.shelf.tokens import make_token
from gridkit_django.marketplace.trust import sign_release
from gridkit_django.models import Listing, Publisher, PublisherToken, Release, ReleaseState

PICTURES = Path(__file__).parent / "pictures"
_PUBLISHERS = {"demo": "Demo Works", "stranger": "A stranger"}
_TOKEN_DAYS = 30
_CAPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "demo_edit_counter.shot1": "The report: how often each grid was edited",
        "demo_edit_counter.shot2": "The configuration: where counting ends, for all grids or for one",
        "demo_edit_digest.shot1": "The plan: the Edit counter can't be stopped while the Edit digest needs it",
        "demo_know_it_all.shot1": "What it asks for, and that it has used nothing of it",
        "demo_wheels_up.shot1": "How often it was asked, and how long its answers took",
    }
)


def ensure_market(reviewer: User) -> list[str]:
    """Publish what was never published here, and let the signatures follow.

    What is there stays as the administrator left it, also when that is removed.

    Args:
        reviewer: who looks at the releases.

    Returns:
        The releases that were published just now.
    """
    ensure_trust()
    known = set(Release.objects.values_list("listing__plugin_id", "version"))
    missing = [goods for goods in GOODS if (goods.plugin_id, goods.version) not in known]
    with acting(Actor.system("demo"), EventSource.SYSTEM):
        tokens = {name: _token(name) for name in sorted({goods.publisher for goods in missing})}
        for goods in missing:
            _publish(goods, tokens[goods.publisher], reviewer)
        follow_shelf()
    return [f"{goods.plugin_id} {goods.version}" for goods in missing]


def _token(name: str) -> PublisherToken:
    """Return a new token of a publisher, who is made when there is none; its text is forgotten at once."""
    publisher = Publisher.objects.filter(name=name).first()
    if publisher is None:
        publisher = make_publisher(name, _PUBLISHERS[name])
        if name == "demo":
            vouch(publisher, "They are the demo itself.")
    token, _text = make_token(publisher, "the demo's first stock", days=_TOKEN_DAYS)
    return token


def _publish(goods: Goods, token: PublisherToken, reviewer: User) -> None:
    built = pack(goods)
    found, (private, public) = built.inspected, author_key(goods.publisher)
    signature = sign_release(private, found.plugin_id, found.version, found.digest)
    release = publish_release(token, Upload(built.content, built.filename, signature, public))
    _draw(release.listing, goods.folder)
    release = judge_release(release.pk) or release
    if goods.waits:
        return
    if release.state == ReleaseState.QUARANTINED:
        release = approve_release(release, reviewer, "Looked over when the demo was made.")
    if goods.yanked:
        yank_release(release, goods.yanked)


def _draw(listing: Listing, name: str) -> None:
    """Give a plugin its pictures, the first time."""
    icon = PICTURES / f"{name}.icon.png"
    if not icon.exists() or listing.icon:
        return
    set_icon(listing, icon.read_bytes())
    for shot in sorted(PICTURES.glob(f"{name}.shot*.png")):
        add_screenshot(listing, shot.read_bytes(), _CAPTIONS[shot.stem])
    listing.refresh_from_db()
