"""The commands of a marketplace: the ceremony from the first key to a rotation, advisories, bundles."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gridkit_django.exceptions import TrustUnreachableError
from gridkit_django.management.commands import gridkit_market_keys
from gridkit_django.marketplace.trust import BundleChannel, HttpChannel, TrustedFetcher, TrustRepository, metadata
from gridkit_django.marketplace.trust.memory import ProcessMemory
from tests.marketplace.trust.markets import CONTENT, WHEEL, Market, target_of
from tests.marketplace.trust.test_channels import MarketServer, server

__all__ = ["server"]


def run(*words: str, **options: Any) -> str:
    """Run a command and return what it printed."""
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def keys(*words: str) -> str:
    """Run one step of the ceremony."""
    return run("gridkit_market_keys", *words)


@pytest.fixture
def made(tmp_path: Path, settings: Any) -> dict[str, str]:
    """Keys on disk, by name, with the settings of a marketplace."""
    found = {}
    for name in ("anna", "ben", "carl", "online"):
        found[name] = keys("key", str(tmp_path / f"{name}.pem")).partition(": ")[2].strip()
    settings.GRIDKIT = {
        "MARKET_TRUST_STORE": str(tmp_path / "tuf"),
        "MARKET_TRUST_KEY": str(tmp_path / "online.pem"),
    }
    return found


@pytest.fixture
def draft(made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A first draft: two of three sign the root, one of one the targets; of few bins, each of which is signed."""
    monkeypatch.setattr(metadata, "BITS", 3)
    words = ["draft", str(tmp_path / "draft"), "--root-threshold", "2", "--targets-threshold", "1"]
    for name in ("anna", "ben", "carl"):
        words += ["--root-key", made[name]]
    told = keys(*words, "--targets-key", made["carl"], "--online-key", made["online"])
    assert "root.json, version 1" in told
    assert "2 more must sign" in told
    return tmp_path / "draft"


def signed(draft: Path, *names: str) -> str:
    """Let some sign."""
    told = ""
    for name in names:
        told = keys("sign", str(draft), "--key", str(draft.parent / f"{name}.pem"))
    return told


@pytest.mark.django_db(transaction=True)
def test_ceremony_leads_to_a_marketplace_and_to_a_rotation(draft: Path, made: dict[str, str], tmp_path: Path) -> None:
    told = signed(draft, "anna")
    assert "Signed: root.json" in told
    assert "1 more must sign" in told
    with pytest.raises(CommandError, match="not signed by enough keys"):
        keys("install", str(draft))
    with pytest.raises(CommandError, match="no key ceremony yet"):
        keys("status")

    assert "Signed: root.json, targets.json" in signed(draft, "carl")
    assert "In use, as version 1" in keys("install", str(draft))
    assert keys("status").count("until") == 3
    assert "Nothing was over half" in keys("refresh")

    keys("export", str(tmp_path / "now"))
    fresh = keys("key", str(tmp_path / "dora.pem")).partition(": ")[2].strip()
    words = ["--root-key", fresh, "--root-key", made["carl"]]
    told = keys("draft", str(tmp_path / "next"), "--from", str(tmp_path / "now"), *words)
    assert "root.json, version 2" in told
    assert "targets.json, version 2" in told
    signed(tmp_path / "next", "anna", "dora", "carl")
    assert "In use, as version 2" in keys("install", str(tmp_path / "next"))
    assert TrustRepository.of_site().expires()["root"] > datetime.now(UTC)


def test_private_keys_are_for_their_owner_and_encrypted_with_a_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gridkit_market_keys.PASSPHRASE, "correct horse")
    told = keys("key", str(tmp_path / "a.pem"))

    assert stat.S_IMODE((tmp_path / "a.pem").stat().st_mode) == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "a.pem").read_bytes()
    assert "PRIVATE" not in told
    with pytest.raises(CommandError, match="exists"):
        keys("key", str(tmp_path / "a.pem"))


def test_first_draft_needs_all_keys(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="missing: root, root_threshold, targets, targets_threshold, online"):
        keys("draft", str(tmp_path / "draft"))
    with pytest.raises(CommandError, match="Make a draft first"):
        keys("show", str(tmp_path / "draft"))


@pytest.mark.django_db(transaction=True)
def test_advisories_are_published_listed_and_withdrawn(draft: Path) -> None:
    signed(draft, "anna", "carl")
    keys("install", str(draft))
    words = ("GKA-1", "@acme/colours", "<1.2", "block", "Sends data away.")

    told = run("gridkit_market_advisory", "publish", *words)
    assert told == "GKA-1 block @acme/colours <1.2: Sends data away.\n1 advisories.\n"
    assert run("gridkit_market_advisory", "list") == told
    with pytest.raises(CommandError, match="This is no advisory"):
        run("gridkit_market_advisory", "publish", "GKA-2", "@acme/colours", "banana", "warn", "x")
    assert run("gridkit_market_advisory", "withdraw", "GKA-1") == "0 advisories.\n"
    with pytest.raises(CommandError, match="no advisory 'GKA-1'"):
        run("gridkit_market_advisory", "withdraw", "GKA-1")


def test_bundle_is_gathered_over_http(server: MarketServer, tmp_path: Path, settings: Any) -> None:
    market: Market = server.market
    market.store.files["api/v1/plugins/@acme/colours/"] = b"{}"
    (tmp_path / "root.json").write_bytes(market.root)
    settings.GRIDKIT = {
        "MARKETPLACES": {
            "main": {"url": server.url, "root": str(tmp_path / "root.json"), "timeout": 30.0},
            "bare": {"url": server.url, "prefixes": ["@x/"]},
        }
    }
    path = tmp_path / "bundle.zip"

    told = run("gridkit_market_bundle", str(path), "@acme/colours==1.0.0", marketplace="main")
    assert f"{WHEEL} {target_of(CONTENT).digest}" in told
    with TrustedFetcher(BundleChannel(path), ProcessMemory(), market.root) as trusted:
        assert trusted.fetch(WHEEL) == CONTENT
    for words, why in (
        (["@acme/colours"], "names no version"),
        (["colours==1.0"], "names no publisher"),
        (["@acme/colours==9.9"], "trust-target-unknown"),
    ):
        with pytest.raises(CommandError, match=why):
            run("gridkit_market_bundle", str(path), *words, marketplace="main")
    with pytest.raises(CommandError, match="has no root"):
        run("gridkit_market_bundle", str(path), "@acme/colours==1.0.0", marketplace="bare")


@pytest.mark.parametrize("options", [{}, {"bundle": "old.zip"}])
def test_bundle_is_not_gathered_where_others_can_read_the_token(
    first_market: Market, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    (tmp_path / "root.json").write_bytes(first_market.root)
    place = {"url": "http://market.example/", "token": "gkp_secret", "root": str(tmp_path / "root.json"), **options}
    settings.GRIDKIT = {"MARKETPLACES": {"main": place}}
    asked: list[str] = []

    def read(_channel: HttpChannel, path: str, _most: int) -> Iterator[bytes]:
        asked.append(path)
        raise TrustUnreachableError("Nobody is there.")

    monkeypatch.setattr(HttpChannel, "read", read)
    with pytest.raises(CommandError, match="plain_http"):
        run("gridkit_market_bundle", str(tmp_path / "new.zip"), "@acme/colours==1.0.0", marketplace="main")
    assert asked == []
    settings.GRIDKIT = {"MARKETPLACES": {"main": {**place, "plain_http": True}}}
    with pytest.raises(CommandError, match="trust-unreachable"):
        run("gridkit_market_bundle", str(tmp_path / "new.zip"), "@acme/colours==1.0.0", marketplace="main")
    assert asked, "where the settings say so, it is"
