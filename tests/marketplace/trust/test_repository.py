"""The server's side of trust: what is signed, by whom, for how long."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from securesystemslib.signer import CryptoSigner

from gridkit_django.exceptions import MarketplaceError, SignatureError
from gridkit_django.marketplace.trust.ceremony import Draft, plan_of
from gridkit_django.marketplace.trust.keys import new_private_key, public_key, public_text, read_signer
from gridkit_django.marketplace.trust.metadata import BINS, Target, bin_of
from gridkit_django.marketplace.trust.repository import TrustRepository
from gridkit_django.marketplace.trust.stores import FolderStore, StorageStore, store_at
from tests.marketplace.trust.markets import CONTENT, WHEEL, DictStore, Market, Site, later, target_of


def versions(market: Market) -> dict[str, int]:
    """Return the version of each part of the newest state."""
    newest = json.loads(market.store.files["timestamp.json"])["signed"]["version"]
    parts = json.loads(market.store.files[f"{newest}.snapshot.json"])["signed"]["meta"]
    return {name: part["version"] for name, part in parts.items()}


def test_first_state_has_all_bins_from_the_first_day(market: Market) -> None:
    assert len(versions(market)) == BINS + 1 == 1025
    assert market.repository.stands()


def test_publishing_signs_one_bin_only(market: Market) -> None:
    before = versions(market)

    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    changed = {name for name, version in versions(market).items() if before[name] != version}
    assert changed == {f"{bin_of('acme_colours-1.0.1-py3-none-any.whl')}.json"}


def test_what_is_signed_about_a_file_can_be_asked(market: Market) -> None:
    assert market.repository.target(WHEEL) == target_of(CONTENT, id="@acme/colours")
    assert market.repository.target("other.whl") is None
    market.repository.remove([WHEEL])
    assert market.repository.target(WHEEL) is None
    assert Market().repository.target(WHEEL) is None


def test_file_that_is_kept_beside_the_metadata_is_fetched_from_there(market: Market, site: Site) -> None:
    market.repository.publish({"advisories.json": target_of(b"{}", kept=True)})

    assert site.fetch("advisories.json") == b"{}"


@pytest.mark.parametrize("name", ["../x", "a/b.whl", "", ".hidden", "x" * 201])
def test_name_that_is_none_is_refused(market: Market, name: str) -> None:
    with pytest.raises(MarketplaceError, match="no name of a file"):
        market.repository.publish({name: target_of(b"")})


def test_content_that_is_not_what_was_said_is_refused(market: Market) -> None:
    wrong = target_of(b"other")
    with pytest.raises(MarketplaceError, match="another digest"):
        market.repository.publish({"a.json": Target(2, wrong.digest, content=b"{}")})


def test_state_that_was_cut_off_before_its_timestamp_is_as_if_nothing_was(market: Market, site: Site) -> None:
    before = market.store.files["timestamp.json"]
    market.publish("acme_colours-1.0.1-py3-none-any.whl")
    market.store.files["timestamp.json"] = before

    assert site.fetch() == CONTENT
    market.publish("acme_colours-1.0.2-py3-none-any.whl")
    assert site.fetch("acme_colours-1.0.2-py3-none-any.whl") == CONTENT


def test_publishing_before_the_ceremony_is_refused() -> None:
    with pytest.raises(MarketplaceError, match="key ceremony first"):
        Market().publish()


def test_refreshing_signs_what_is_over_half_of_its_term(market: Market) -> None:
    assert not market.repository.refresh()
    market.now += timedelta(hours=13)
    assert market.repository.refresh()
    assert not market.repository.refresh()


def test_all_bins_are_signed_anew_in_the_course_of_a_day(market: Market) -> None:
    market.now = market.now.replace(hour=0) + timedelta(days=46)
    before = versions(market)
    for _ in range(24):
        market.repository.refresh()
        market.now += timedelta(hours=1)
    after = versions(market)
    assert all(after[name] == before[name] + 1 for name in before if name.startswith("bin"))


def test_administrator_sees_until_when_it_holds(market: Market) -> None:
    days = {name: (moment - market.now).days for name, moment in market.repository.expires().items()}

    assert days == {"root": 365, "targets": 90, "timestamp": 1}
    assert Market().repository.expires() == {}


def test_root_signed_by_one_of_two_is_refused() -> None:
    market = Market()
    draft = Draft.make(market.plan, now=market.now)
    for signer in (market.roots[0], *market.targets):
        draft.sign(signer)

    assert [state.missing for state in draft.states()] == [1, 0]
    with pytest.raises(MarketplaceError, match="root is not signed by enough keys: 1 more"):
        market.take(draft)
    assert not market.store.files


def test_targets_signed_by_too_few_are_refused() -> None:
    market = Market()
    draft = Draft.make(market.plan, now=market.now)
    for signer in market.roots:
        draft.sign(signer)

    with pytest.raises(MarketplaceError, match="targets is not signed by enough keys: 2 more"):
        market.take(draft)


def test_root_of_another_online_key_is_refused() -> None:
    market = Market()
    draft = Draft.make(market.plan, now=market.now)
    for signer in (*market.roots, *market.targets):
        draft.sign(signer)
    market.online = CryptoSigner.generate_ed25519()

    with pytest.raises(MarketplaceError, match="does not name this site's online key"):
        market.take(draft)


def test_stranger_signs_nothing(market: Market) -> None:
    with pytest.raises(MarketplaceError, match="neither one of"):
        Draft.make(market.plan).sign(CryptoSigner.generate_ed25519())


def test_threshold_that_cannot_be_met_is_refused(market: Market) -> None:
    with pytest.raises(MarketplaceError, match="threshold of 9 with 3 keys"):
        Draft.make(plan_of(market.root, root_threshold=9))


def rotated(market: Market, *signers: CryptoSigner, **changes: object) -> Draft:
    """Draft the next root and let these sign."""
    before = market.store.files["root.json"]
    draft = Draft.make(plan_of(before, **changes), before=before, targets_version=1, now=market.now)
    for signer in signers:
        draft.sign(signer)
    return draft


def test_client_follows_a_rotation_of_root_keys(market: Market, site: Site) -> None:
    site.refresh()
    fresh = [CryptoSigner.generate_ed25519() for _ in range(2)]
    keys = tuple(map(public_text, fresh))
    market.take(rotated(market, *market.roots[:2], *fresh, *market.targets, root=keys))

    assert site.fetch() == CONTENT
    assert "2.root.json" in site.memory.load()


def test_new_root_that_the_old_keys_did_not_sign_is_refused(market: Market) -> None:
    fresh = [CryptoSigner.generate_ed25519() for _ in range(2)]
    keys = tuple(map(public_text, fresh))

    with pytest.raises(MarketplaceError, match="root is not signed by enough"):
        market.take(rotated(market, *fresh, *market.targets, root=keys))


def test_client_follows_a_new_online_key(market: Market, site: Site) -> None:
    site.refresh()
    market.online, old = CryptoSigner.generate_ed25519(), market.online
    market.take(rotated(market, *market.roots, *market.targets, online=public_text(market.online)))

    assert site.fetch() == CONTENT
    site.channel.market = stolen = later(market, seconds=1)
    stolen.online = old
    stolen.publish(content=b"evil")
    with pytest.raises(Exception, match="not signed by enough of the trusted keys"):
        site.fetch()


def test_renewal_of_targets_alone_keeps_the_root(market: Market, site: Site) -> None:
    draft = Draft.make(market.plan, targets_version=1, now=market.now)
    draft.sign(market.targets[0])
    draft.sign(market.targets[1])

    market.repository.install(market.root, draft.targets.to_bytes())
    assert versions(market)["targets.json"] == 2
    assert site.fetch() == CONTENT
    old = Draft.make(market.plan, now=market.now)
    for signer in market.targets:
        old.sign(signer)
    with pytest.raises(MarketplaceError, match="newer ones are in use"):
        market.repository.install(market.root, old.targets.to_bytes())


@pytest.mark.parametrize("raw", [b"", b"{}", b"<html>"])
def test_what_is_no_metadata_is_not_installed(market: Market, raw: bytes) -> None:
    with pytest.raises(MarketplaceError, match="no signed metadata"):
        market.repository.install(raw, raw)


def test_metadata_of_another_kind_is_not_installed(market: Market) -> None:
    with pytest.raises(MarketplaceError, match="Expected signed metadata of the kind root, found timestamp"):
        market.repository.install(market.store.files["timestamp.json"], b"{}")


def test_folder_keeps_files_whole(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "trust")

    assert store.read("a.json") is None
    store.write("a.json", b"1")
    store.write("a.json", b"2")
    assert (store.read("a.json"), store.read("../a.json")) == (b"2", None)
    assert [path.name for path in (tmp_path / "trust").iterdir()] == ["a.json"]
    (tmp_path / "trust" / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        store.write("folder", b"")
    assert sorted(path.name for path in (tmp_path / "trust").iterdir()) == ["a.json", "folder"]


def test_storage_keeps_files_by_their_name(tmp_path: Path) -> None:
    overwriting = FileSystemStorage(tmp_path / "b", allow_overwrite=True)
    for storage in (InMemoryStorage(), FileSystemStorage(tmp_path / "a"), overwriting):
        store = StorageStore(storage)
        assert store.read("a.json") is None
        store.write("a.json", b"1")
        store.write("a.json", b"2")
        assert (store.read("a.json"), store.read("../a.json")) == (b"2", None)
        assert storage.listdir("tuf") == ([], ["a.json"])


def test_storage_that_overwrites_is_never_without_the_file(tmp_path: Path) -> None:
    class Watched(FileSystemStorage):
        deleted: list[str] = []

        def delete(self, name: str) -> None:
            self.deleted.append(name)

    store = StorageStore(Watched(tmp_path, allow_overwrite=True))
    store.write("timestamp.json", b"1")
    store.write("timestamp.json", b"2")
    assert store.read("timestamp.json") == b"2"
    assert Watched.deleted == []


def test_storage_that_renames_is_refused() -> None:
    class Renaming(InMemoryStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return f"{name}_2"

    with pytest.raises(MarketplaceError, match="storage that keeps names"):
        StorageStore(Renaming()).write("a.json", b"1")


def test_setting_names_a_folder_or_a_storage(tmp_path: Path) -> None:
    assert isinstance(store_at(str(tmp_path)), FolderStore)
    assert isinstance(store_at("storage:default"), StorageStore)


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_repository_of_the_site_signs_with_the_key_of_the_settings(
    first_market: Market, tmp_path: Path, settings: object
) -> None:
    key = tmp_path / "online.pem"
    key.write_bytes(new_private_key())
    signer = read_signer(str(key))
    market = Market(DictStore(), {}, first_market.roots, first_market.targets, signer)
    draft = Draft.make(market.plan)
    for item in (*market.roots, *market.targets):
        draft.sign(item)
    settings.GRIDKIT = {"MARKET_TRUST_STORE": str(tmp_path / "tuf"), "MARKET_TRUST_KEY": str(key)}  # type: ignore[attr-defined]

    repository = TrustRepository.of_site()
    repository.install(draft.root.to_bytes(), draft.targets.to_bytes())
    repository.publish({WHEEL: target_of(CONTENT)})
    again = TrustRepository.of_site().target(WHEEL)
    assert again is not None
    assert again.digest == target_of(CONTENT).digest


def test_site_without_a_store_serves_no_marketplace(settings: object) -> None:
    settings.GRIDKIT = {}  # type: ignore[attr-defined]

    with pytest.raises(MarketplaceError, match="MARKET_TRUST_STORE"):
        TrustRepository.of_site()


def test_keys_are_read_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = new_private_key("pass phrase")
    (tmp_path / "a.pem").write_bytes(raw)
    monkeypatch.setenv("ONLINE_KEY", raw.decode())

    texts = {public_text(read_signer(place, "pass phrase")) for place in (str(tmp_path / "a.pem"), "env:ONLINE_KEY")}
    assert len(texts) == 1
    assert public_key(texts.pop()).keytype == "ed25519"


@pytest.mark.parametrize("place", ["/nowhere/x.pem", "env:NOT_THERE"])
def test_key_that_is_not_there_is_told(place: str) -> None:
    with pytest.raises(SignatureError, match="can't be read"):
        read_signer(place)


def test_encrypted_key_needs_its_passphrase(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(new_private_key("right"))

    for wrong in (None, "wrong"):
        with pytest.raises(SignatureError, match="needs its passphrase"):
            read_signer(str(tmp_path / "a.pem"), wrong)
    with pytest.raises(SignatureError, match="no public key"):
        public_key("AAAA")
