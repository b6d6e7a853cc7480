"""Bundles: a site without a network installs from one file, and believes it no more than a server."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from gridkit_django.exceptions import TrustDigestError, TrustExpiredError, TrustRollbackError, TrustTargetError
from gridkit_django.marketplace.trust import BundleChannel, TrustedFetcher, fetch_advisories
from gridkit_django.marketplace.trust.bundles import make_bundle
from gridkit_django.marketplace.trust.ceremony import Draft, plan_of
from gridkit_django.marketplace.trust.feed import publish_advisories
from gridkit_django.marketplace.trust.keys import public_text
from gridkit_django.marketplace.trust.memory import ProcessMemory
from tests.marketplace.trust.markets import CONTENT, WHEEL, Market, MarketChannel, Site, later
from tests.marketplace.trust.test_advisories import WARNING


def bundle_of(market: Market, path: Path, *names: str) -> Path:
    """Make a bundle on disk."""
    path.write_bytes(make_bundle(MarketChannel(market), market.root, names or (WHEEL,)).content)
    return path


def trusting(path: Path, market: Market, memory: ProcessMemory | None = None) -> TrustedFetcher:
    """What believes a bundle."""
    return TrustedFetcher(BundleChannel(path), memory or ProcessMemory(), market.root)


def changed(path: Path, name: str, content: bytes) -> Path:
    """Write the bundle again, with another content of one file."""
    raw = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            new.writestr(item, content if item == name else old.read(item))
    return path


def test_site_without_a_network_gets_what_the_bundle_holds(market: Market, tmp_path: Path) -> None:
    publish_advisories(market.repository, [WARNING])

    path = bundle_of(market, tmp_path / "bundle.zip")
    with trusting(path, market) as trusted:
        assert trusted.fetch(WHEEL) == CONTENT
        assert fetch_advisories(trusted).advisories == (WARNING,)


def test_bundle_holds_for_a_month_and_no_longer(first_market: Market, tmp_path: Path) -> None:
    for days, held in ((-25, True), (-31, False)):
        market = later(first_market, days=days)
        market.store.files |= later(first_market, days=0).store.files
        market.repository.publish({})
        path = tmp_path / f"{days}.zip"
        fresh = _as_if_today(market, path, first_market)
        with trusting(fresh, market) as trusted:
            if held:
                trusted.refresh()
            else:
                with pytest.raises(TrustExpiredError, match="Make a new bundle"):
                    trusted.refresh()


def _as_if_today(market: Market, path: Path, first: Market) -> Path:
    """Gather the files of an old state without judging them, as they were gathered then."""
    version = max(
        int(name.split(".")[1]) for name in market.store.files if name.startswith("offline.") and name[8].isdigit()
    )
    names = {"timestamp.json": "offline.timestamp.json", f"{version}.snapshot.json": f"offline.{version}.snapshot.json"}
    names |= {name: name for name in ("1.root.json", "1.targets.json")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, kept in names.items():
            archive.writestr(f"tuf/{name}", market.store.files[kept])
    assert first.root == market.root
    return path


def test_changed_wheel_in_a_bundle_is_refused(market: Market, tmp_path: Path) -> None:
    path = bundle_of(market, tmp_path / "bundle.zip")
    (name,) = market.wheels

    with trusting(changed(path, name, b"X" + CONTENT[1:]), market) as trusted, pytest.raises(TrustDigestError):
        trusted.fetch(WHEEL)


def test_older_bundle_is_refused_after_a_newer_one(market: Market, tmp_path: Path) -> None:
    old = bundle_of(market, tmp_path / "old.zip")
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    new = bundle_of(market, tmp_path / "new.zip")
    memory = ProcessMemory()
    with trusting(new, market, memory) as trusted:
        trusted.refresh()

    with trusting(old, market, memory) as trusted, pytest.raises(TrustRollbackError):
        trusted.refresh()


def test_what_the_bundle_does_not_hold_is_told(market: Market, tmp_path: Path) -> None:
    market.publish("acme_colours-1.0.1-py3-none-any.whl", CONTENT + b"2")
    path = bundle_of(market, tmp_path / "bundle.zip", WHEEL)

    with trusting(path, market) as trusted, pytest.raises(TrustTargetError, match="does not hold"):
        trusted.fetch("acme_colours-1.0.1-py3-none-any.whl")


def test_bundle_leads_from_the_first_root_to_the_newest(market: Market, tmp_path: Path) -> None:
    before = market.store.files["root.json"]
    market.online = CryptoSigner.generate_ed25519()
    plan = plan_of(before, online=public_text(market.online))
    draft = Draft.make(plan, before=before, targets_version=1, now=market.now)
    for signer in (*market.roots, *market.targets):
        draft.sign(signer)
    market.take(draft)

    newest = market.store.files["2.root.json"]
    content = make_bundle(MarketChannel(market), newest, [WHEEL]).content
    (tmp_path / "bundle.zip").write_bytes(content)
    with trusting(tmp_path / "bundle.zip", market) as trusted:
        assert trusted.fetch(WHEEL) == CONTENT


def test_listing_comes_along(market: Market) -> None:
    channel = MarketChannel(market)
    channel.lies["api/v1/plugins/@acme/colours/"] = b'{"id": "@acme/colours"}'

    bundle = make_bundle(channel, market.root, [WHEEL], listings=["@acme/colours"])
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
        assert archive.read("api/v1/plugins/@acme/colours/") == b'{"id": "@acme/colours"}'
    assert [target.name for target in bundle.targets] == [WHEEL]


def test_same_marketplace_gives_the_same_bundle(market: Market) -> None:
    first, second = (make_bundle(MarketChannel(market), market.root, [WHEEL]).content for _ in range(2))

    assert first == second
    assert timedelta(0) == market.now - market.copy().now
    assert Site.of(market).fetch() == CONTENT
