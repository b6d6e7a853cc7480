"""The client's side of trust: each way of lying is refused with an error of its own."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile

from gridkit_django.exceptions import (
    TrustClockError,
    TrustDigestError,
    TrustError,
    TrustExpiredError,
    TrustKeyError,
    TrustLengthError,
    TrustMetadataError,
    TrustMissingError,
    TrustMixError,
    TrustRollbackError,
    TrustTargetError,
)
from gridkit_django.marketplace.trust.metadata import TERMS, bin_of, new_timestamp, signed_bytes
from gridkit_django.marketplace.trust.state import Desk, SignedState
from tests.marketplace.trust.markets import CONTENT, WHEEL, DictStore, Market, Site, later


def wheel_path(market: Market) -> str:
    """Where the wheel is served."""
    (path,) = market.wheels
    return path


def test_file_that_the_marketplace_stands_for_is_fetched(site: Site) -> None:
    with site.trusting() as trusted:
        target = trusted.find(WHEEL)
        assert trusted.fetch(WHEEL) == CONTENT
    assert (target.length, target.custom, target.path) == (
        len(CONTENT),
        {"id": "@acme/colours"},
        wheel_path(site.channel.market),
    )


def test_folder_of_a_killed_fetch_is_cleared_away(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = tmp_path / "gridkit-trust-old", tmp_path / "gridkit-trust-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "timestamp.json").write_bytes(b"{}")
    os.utime(old, (0, 0))

    site.refresh()

    assert list(tmp_path.iterdir()) == [young]


def test_second_look_asks_for_the_timestamp_only(site: Site) -> None:
    site.refresh()
    site.channel.asked.clear()

    site.fetch()
    assert site.channel.asked == [
        "tuf/2.root.json",
        "tuf/timestamp.json",
        f"tuf/2.{bin_of(WHEEL)}.json",
        wheel_path(site.channel.market),
    ]
    site.channel.asked.clear()
    site.fetch()
    assert site.channel.asked == ["tuf/2.root.json", "tuf/timestamp.json", wheel_path(site.channel.market)]


def test_unknown_file_is_refused(site: Site) -> None:
    with pytest.raises(TrustTargetError, match="does not stand for a file"):
        site.fetch("evil-1.0-py3-none-any.whl")


def test_changed_file_is_refused(site: Site) -> None:
    site.channel.lies[wheel_path(site.channel.market)] = b"X" + CONTENT[1:]

    with pytest.raises(TrustDigestError, match="not the file whose digest is signed"):
        site.fetch()


@pytest.mark.parametrize("content", [CONTENT + b"X", CONTENT * 50, CONTENT[:-1]])
def test_longer_and_shorter_file_is_refused(site: Site, content: bytes) -> None:
    site.channel.lies[wheel_path(site.channel.market)] = content

    with pytest.raises(TrustLengthError):
        site.fetch()


def test_older_state_is_refused_as_a_rollback(site: Site, market: Market) -> None:
    old = market.copy()
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    site.refresh()
    site.channel.market = old

    with pytest.raises(TrustRollbackError, match="older than what this site has believed"):
        site.refresh()


def test_older_state_is_refused_after_a_failed_look_too(site: Site, market: Market) -> None:
    old = market.copy()
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    site.channel.lies["tuf/3.snapshot.json"] = b"{}"
    with pytest.raises(TrustError):
        site.refresh()
    site.channel.market, site.channel.lies = old, {}

    with pytest.raises(TrustRollbackError):
        site.refresh()


def test_bin_that_went_back_is_refused_as_a_rollback(site: Site, market: Market) -> None:
    site.refresh()
    behind = market.copy()
    name = f"{bin_of(WHEEL)}.json"
    snapshot = json.loads(market.store.files["2.snapshot.json"])
    assert snapshot["signed"]["meta"][name]["version"] == 2
    forked = Market(market.store.__class__(dict(market.store.files)), {}, market.roots, market.targets, market.online)
    forked.store.files["1." + name] = market.store.files["1." + name]
    parts = {**snapshot["signed"]["meta"], name: {"version": 1}}
    behind.store = _with_snapshot(forked, parts)
    site.channel.market = behind

    with pytest.raises(TrustRollbackError, match="snapshot"):
        site.refresh()


def _with_snapshot(market: Market, parts: dict[str, dict[str, int]]) -> DictStore:
    """Sign a state whose snapshot lists these parts, with the true online key."""
    state = SignedState(Desk(market.store, lambda: market.online, TERMS, lambda: market.now))
    state.parts = {name: MetaFile(part["version"]) for name, part in parts.items()}
    state.write()
    return market.store


def test_withheld_update_is_refused_when_the_timestamp_is_too_old(first_market: Market) -> None:
    market = later(first_market, days=-2)
    market.repository.publish({})

    with pytest.raises(TrustExpiredError, match="Somebody may hold newer metadata back"):
        Site.of(market).refresh()


def test_old_snapshot_is_refused_as_too_old(first_market: Market) -> None:
    market = later(first_market, days=-8)
    market.repository.publish({})
    stale = dict(market.store.files)
    market.now = first_market.now
    timestamp = _timestamp_of(market, stale)
    market.store.files = {**stale, "timestamp.json": timestamp}

    with pytest.raises(TrustExpiredError, match="snapshot"):
        Site.of(market).refresh()


def _timestamp_of(market: Market, files: dict[str, bytes]) -> bytes:
    version = json.loads(files["timestamp.json"])["signed"]["version"]
    snapshot = MetaFile.from_data(version, files[f"{version}.snapshot.json"], ["sha256"])
    return signed_bytes(new_timestamp(version, market.now, snapshot, TERMS.timestamp, offline=False), market.online)


def test_timestamp_of_a_bundle_is_refused_over_the_network(site: Site, market: Market) -> None:
    site.channel.lies["tuf/timestamp.json"] = market.store.files["offline.timestamp.json"]

    with pytest.raises(TrustExpiredError, match="meant for bundles"):
        site.refresh()


def test_metadata_of_another_key_is_refused(site: Site, market: Market) -> None:
    other = market.copy()
    other.online = CryptoSigner.generate_ed25519()
    other.repository.publish({})
    site.channel.market = other

    with pytest.raises(TrustKeyError, match=r"timestamp\.json is not signed by enough"):
        site.refresh()


def test_bin_of_another_key_is_refused(site: Site, market: Market) -> None:
    other = market.copy()
    other.online = CryptoSigner.generate_ed25519()
    other.publish(content=b"evil")
    name = f"{bin_of(WHEEL)}.json"
    market.publish(content=CONTENT + b"2")
    site.channel.lies[f"tuf/3.{name}"] = other.store.files[f"3.{name}"]

    with pytest.raises(TrustKeyError, match="bin"):
        site.fetch()


def test_root_signed_by_too_few_is_refused(site: Site, market: Market) -> None:
    root = json.loads(market.root)
    root["signed"]["version"] = 2
    site.channel.lies["tuf/2.root.json"] = json.dumps(root).encode()

    with pytest.raises(TrustKeyError, match=r"2\.root\.json"):
        site.refresh()


def test_parts_of_different_moments_are_refused(site: Site, market: Market) -> None:
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    site.channel.lies["tuf/3.snapshot.json"] = market.store.files["2.snapshot.json"]

    with pytest.raises(TrustMixError, match="another moment"):
        site.refresh()


def test_old_bin_under_the_name_of_a_new_one_is_refused(site: Site, market: Market) -> None:
    name = f"{bin_of(WHEEL)}.json"
    market.publish(content=CONTENT + b"2")
    site.channel.lies[f"tuf/3.{name}"] = market.store.files[f"2.{name}"]

    with pytest.raises(TrustMixError, match="bin"):
        site.fetch()


def test_changed_snapshot_is_refused_by_its_digest(site: Site, market: Market) -> None:
    site.channel.lies["tuf/2.snapshot.json"] = market.store.files["2.snapshot.json"].replace(
        b'"version":1', b'"version":7', 1
    )

    with pytest.raises(TrustDigestError, match="snapshot"):
        site.refresh()


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", b"{}", b"[]", b'{"signed": 1}', b"\xff"])
def test_answer_that_is_no_metadata_is_refused(site: Site, content: bytes) -> None:
    site.channel.lies["tuf/timestamp.json"] = content

    with pytest.raises(TrustMetadataError, match="no signed metadata"):
        site.refresh()


def test_endless_metadata_is_refused(site: Site) -> None:
    site.channel.lies["tuf/timestamp.json"] = b" " * 20_000

    with pytest.raises(TrustLengthError, match="longer than such metadata may be"):
        site.refresh()


def test_marketplace_without_metadata_is_unreachable(site: Site) -> None:
    site.channel.market = Market()

    with pytest.raises(TrustMissingError, match="No metadata, no trust"):
        site.refresh()


def test_clock_that_went_back_is_told(site: Site, market: Market) -> None:
    site.refresh()
    site.clock = lambda: market.now - timedelta(days=30)

    with pytest.raises(TrustClockError, match="Set the clock"):
        site.refresh()


def test_clock_that_is_ahead_is_told_where_the_server_says_the_time(first_market: Market) -> None:
    market = later(first_market, days=-2)
    market.repository.publish({})
    site = Site.of(market)
    site.channel.server_time = market.now

    with pytest.raises(TrustClockError, match="the server says"):
        site.refresh()
