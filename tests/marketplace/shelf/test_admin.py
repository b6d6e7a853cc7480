"""The marketplace in the admin: review with its diff, publishers with their proof, tokens shown once, figures."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gridkit_django.marketplace.shelf.counting import report_event, report_listing
from gridkit_django.marketplace.shelf.tokens import find_token
from gridkit_django.models import (
    IdentityState,
    KeyState,
    Listing,
    ListingReport,
    MarketEventKind,
    Publisher,
    PublisherKey,
    PublisherToken,
    ReleaseFile,
    ReleaseState,
)
from gridkit_django.tasks.market import roll_up_market
from tests.marketplace.shelf.goods import Seller, release

pytestmark = [pytest.mark.django_db]

ADMIN = "/admin/gridkit_django/"
Work = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def staff(*rights: str) -> Client:
    """Return a client of somebody with a few rights."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def decide(client: Client, act: str, note: str = "", version: str = "1.0.0") -> Any:
    address = f"{ADMIN}release/{release(version=version).pk}/do/{act}/"
    return client.post(address, {"note": note}, follow=True)


def test_review_shows_what_is_new_and_publishes(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    page = root.get(f"{ADMIN}release/{release().pk}/change/").content.decode()
    assert "All of it is new" in page
    assert "the first release of this publisher" in page
    assert 'gridkit-added">events:subscribe' in page
    assert decide(root, "approve", "read it").status_code == 200
    assert (release().state, release().reviewed_by.username) == (ReleaseState.PUBLISHED, "root")

    more = {"evil.py": b"import socket\nx = '<script>alert(1)</script>'\n"}
    work(lambda: acme.publish(version="1.1.0", more=more, required_permissions=["storage:use"]))
    page = root.get(f"{ADMIN}release/{release(version='1.1.0').pk}/change/").content.decode()
    assert "What changed since 1.0.0" in page
    for line in ('gridkit-added">socket', 'gridkit-added">evil.py', 'gridkit-removed">events:subscribe'):
        assert line in page
    assert "<script>alert" not in page
    assert "+import socket" in page

    decide(root, "refuse", "opens a socket", version="1.1.0")
    assert release(version="1.1.0").state == ReleaseState.REMOVED


def test_package_is_handed_to_reviewers_before_it_is_public(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    file = release().file
    address = f"{ADMIN}release/{release().pk}/package/"
    assert f'href="{address}"' in root.get(f"{ADMIN}release/{release().pk}/change/").content.decode()
    answer = root.get(address)
    assert hashlib.sha256(b"".join(answer.streaming_content)).hexdigest() == file.sha256
    assert answer["Content-Disposition"] == f'attachment; filename="{file.filename}"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert "no-store" in answer["Cache-Control"]
    assert root.get(address.replace(str(release().pk), "99")).status_code == 404
    assert staff("view_listing").get(address).status_code == 403
    ReleaseFile.objects.update(stored_as="gridkit-market/nowhere")
    assert "could not be read" in root.get(address, follow=True).content.decode()


def test_refusal_without_a_note_is_told(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    assert "Say why" in decide(root, "refuse").content.decode()
    assert release().state == ReleaseState.QUARANTINED


def test_taking_down_goes_through_its_states(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    for act, state in (
        ("approve", "published"),
        ("yank", "yanked"),
        ("unyank", "published"),
        ("quarantine", "quarantined"),
        ("check", "checking"),
        ("remove", "removed"),
    ):
        decide(root, act, "why")
        assert release().state == state, act
    assert root.get(f"{ADMIN}release/{release().pk}/change/").status_code == 200


def test_only_the_right_people_decide(acme: Seller, work: Work) -> None:
    work(acme.publish)
    viewer = staff("view_release")
    assert "Decide" not in viewer.get(f"{ADMIN}release/{release().pk}/change/").content.decode()
    assert decide(viewer, "approve", "x").status_code == 403
    assert decide(viewer, "dance", "x").status_code == 404
    assert release().state == ReleaseState.QUARANTINED


def test_token_is_shown_once_and_revoked(acme: Seller, root: Client) -> None:
    form = {"publisher": acme.publisher.pk, "name": "CI", "scopes": ["publish"], "plugins": "@acme/colours", "days": 5}
    page = root.post(f"{ADMIN}publishertoken/add/", form, follow=True).content.decode()
    text = page.partition("<code>gkp_")[2].partition("</code>")[0]
    token = find_token(f"gkp_{text}")
    assert token is not None
    assert (token.plugins, token.created_by.username) == (["@acme/colours"], "root")
    assert text not in root.get(f"{ADMIN}publishertoken/{token.pk}/change/").content.decode()
    wrong = root.post(f"{ADMIN}publishertoken/add/", {**form, "plugins": "@other/x", "name": "two"})
    assert "Not of this publisher" in wrong.content.decode()

    root.post(f"{ADMIN}publishertoken/", {"action": "revoke_them", "_selected_action": [token.pk]})
    assert find_token(f"gkp_{text}") is None
    assert PublisherToken.objects.filter(revoked_at=None).count() == 1


def test_publisher_is_made_proved_and_kept(acme: Seller, root: Client) -> None:
    taken = root.post(f"{ADMIN}publisher/add/", {"name": "acrne", "display_name": "X"})
    assert "looks like acme" in taken.content.decode()
    root.post(f"{ADMIN}publisher/add/", {"name": "umbrella", "display_name": "Umbrella"})
    made = Publisher.objects.get(name="umbrella")
    address = f"{ADMIN}publisher/{made.pk}/change/"
    asked = {"display_name": "Umbrella", "prove_domain": "example.org", "prove_way": "dns"}
    page = root.post(address, asked, follow=True).content.decode()
    made.refresh_from_db()
    assert made.identity_state == IdentityState.WAITING
    assert made.identity_token in page

    root.post(address, {"display_name": "Umbrella", "prove_way": "dns", "vouch_note": "met them"})
    made.refresh_from_db()
    assert (made.identity_state, made.identity_note) == (IdentityState.PROVED, "met them")


def test_keys_are_trusted_and_revoked(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    key = PublisherKey.objects.get()
    for action, state in (("trust_them", KeyState.TRUSTED), ("revoke_them", KeyState.REVOKED)):
        root.post(f"{ADMIN}publisherkey/", {"action": action, "_selected_action": [key.pk]})
        key.refresh_from_db()
        assert key.state == state
    assert acme.publish(version="2.0").json()["code"] == "market-key-revoked"


def test_key_is_retired_or_revoked_as_of_a_time(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    key = PublisherKey.objects.get()
    act = {"_selected_action": [key.pk]}
    for since, told in (("soon", "Enter a valid date/time"), ("2999-01-01 10:00", "yet to come")):
        sent = {**act, "action": "revoke_them", "since": since}
        assert told in root.post(f"{ADMIN}publisherkey/", sent, follow=True).content.decode()
    root.post(f"{ADMIN}publisherkey/", {**act, "action": "retire_them"})
    key.refresh_from_db()
    assert (key.state, key.revoked_at) == (KeyState.RETIRED, None)
    root.post(f"{ADMIN}publisherkey/", {**act, "action": "revoke_them", "since": "2026-01-02 10:00"})
    key.refresh_from_db()
    assert (key.state, f"{key.revoked_at:%Y-%m-%d}") == (KeyState.REVOKED, "2026-01-02")


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> SimpleUploadedFile:
    drawn = io.BytesIO()
    Image.new("RGB", size, "red").save(drawn, kind, comment=b"secret place")
    return SimpleUploadedFile(f"x.{kind.lower()}", drawn.getvalue())


def test_front_of_a_listing_is_changed_with_pictures_drawn_anew(
    acme: Seller, work: Work, root: Client, client: Client
) -> None:
    work(acme.publish)
    decide(root, "approve")
    listing = Listing.objects.get()
    address = f"{ADMIN}listing/{listing.pk}/change/"
    form = {"demo": "https://example.org/", "featured": "1", "state": "active", "state_reason": ""}
    refused = root.post(address, {**form, "icon_file": SimpleUploadedFile("x.svg", b"<svg onload='alert(1)'/>")})
    assert "SVG is not" in refused.content.decode()

    told = {"caption": "Rows <b>in</b> colours"}
    root.post(address, {**form, **told, "icon_file": picture(), "screenshot": picture("JPEG", (4000, 30))})

    found = client.get("/market/api/v1/plugins/@acme/colours/").json()
    assert (found["demo"], found["featured"]) == ("https://example.org/", True)
    assert found["screenshots"][0]["width"] == 1920
    for url in (found["icon"], found["screenshots"][0]["url"]):
        answer = client.get(f"/market/{url}")
        content = b"".join(answer.streaming_content)
        assert content.startswith(b"\x89PNG")
        assert b"secret" not in content
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
        assert "default-src 'none'" in answer["Content-Security-Policy"]

    page = root.get(f"{ADMIN}release/{release().pk}/change/").content.decode()
    shown = f"/admin/gridkit_django/listing/{listing.pk}/pictures/{listing.pictures.get().sha256}.png"
    for seen in (page, root.get(address).content.decode()):
        assert f'<img src="{shown}" alt="Rows &lt;b&gt;in&lt;/b&gt; colours"' in seen
    assert root.get(address).content.decode().count('class="vURLField"') == 4
    assert b"".join(root.get(shown).streaming_content).startswith(b"\x89PNG")
    assert root.get(shown.replace("pictures/", "pictures/0")).status_code == 404
    client.force_login(User.objects.create_user("nosy", is_staff=True))
    assert client.get(shown).status_code == 403
    client.logout()

    root.post(
        address, {**form, "state": "deprecated", "state_reason": "use another", "drop": [listing.pictures.get().pk]}
    )
    listing.refresh_from_db()
    assert (listing.state, listing.pictures.count()) == ("deprecated", 0)
    root.post(address, {**form, "state": "removed", "state_reason": "gone"})
    assert client.get("/market/api/v1/plugins/@acme/colours/").status_code == 404
    assert release().state == ReleaseState.REMOVED


def test_figures_are_for_administrators_and_members(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    decide(root, "approve")
    report_event("@acme/colours", MarketEventKind.INSTALL, "s" * 32, version="1.0.0", core_version="0.9")
    roll_up_market()
    address = f"{ADMIN}listing/{Listing.objects.get().pk}/figures/"
    page = root.get(address, {"days": 7}).content.decode()
    assert "<svg" in page
    ranks = page.partition("Installs and updates of this time")[2]
    assert '<th scope="row">0.9</th><td class="gridkit-number">1</td>' in ranks
    assert 'height="10" width="100.0"' in ranks
    assert f'href="{ADMIN}">' in page
    member = staff()
    assert member.get(address).status_code == 403
    acme.publisher.members.add(User.objects.get(username="staff"))
    assert member.get(address).status_code == 200


def test_list_shows_numbers_beside_the_largest_of_all(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    listing = Listing.objects.get()
    Listing.objects.filter(pk=listing.pk).update(downloads=400, installs=5)
    more = {"publisher": acme.publisher, "category": "data", "pricing": "free", "downloads": 100}
    Listing.objects.create(plugin_id="@acme/b", distribution="acme-b", import_package="acme_b", name="<b>", **more)
    page = root.get(f"{ADMIN}listing/", {"q": "acme"}).content.decode()
    downloads = re.findall(r'field-download_count">(\d+) <svg [^>]*><rect class="gridkit-bar" width="([\d.]+)"', page)
    assert sorted(downloads) == [("100", "25.0"), ("400", "100.0")]
    assert "&lt;b&gt;<br>" in page
    only = root.get(f"{ADMIN}listing/", {"q": "@acme/b"}).content.decode()
    assert 'width="25.0"' in only, "the largest of all, not of what is shown"


def test_pages_follow_a_release_while_it_is_checked(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    pages = [f"{ADMIN}release/", f"{ADMIN}release/{release().pk}/change/"]
    assert [("data-open>" in root.get(page).content.decode()) for page in pages] == [False, False]
    decide(root, "check")
    for page in pages:
        text = root.get(page).content.decode()
        assert ("data-open>" in text, "gridkit/admin-live.js" in text) == (True, True)


def test_reports_are_answered(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    row = report_listing(Listing.objects.get(), "malware", "It does harm.")
    root.post(f"{ADMIN}listingreport/{row.pk}/change/", {"closed": "on", "answer": "Removed."})
    row.refresh_from_db()
    assert (row.closed, row.answer) == (True, "Removed.")
    root.post(f"{ADMIN}listingreport/", {"action": "close_them", "_selected_action": [row.pk]})
    assert ListingReport.objects.get().closed


@pytest.mark.parametrize("name", ["publisher", "publisherkey", "publishertoken", "listing", "release", "listingreport"])
def test_every_list_is_searched_and_filtered(acme: Seller, work: Work, root: Client, name: str) -> None:
    work(acme.publish)
    assert root.get(f"{ADMIN}{name}/", {"q": "acme"}).status_code == 200
    page = root.get(f"{ADMIN}{name}/").content.decode()
    assert 'id="changelist-filter"' in page
    assert 'id="searchbar"' in page


def test_release_filter_finds_what_waits(acme: Seller, work: Work, root: Client) -> None:
    work(acme.publish)
    assert "1 release" in root.get(f"{ADMIN}release/", {"waits": "review"}).content.decode()
    assert "0 releases" in root.get(f"{ADMIN}release/", {"waits": "check"}).content.decode()


@pytest.mark.parametrize("serve", [True, False])
def test_admin_lists_what_belongs_to_a_marketplace_only_where_one_is_served(
    settings: Any, root: Client, serve: bool
) -> None:
    settings.GRIDKIT = {"MARKET": {"serve": serve}}

    page = root.get("/admin/").content.decode()

    names = ("listing", "listingreport", "marketadvisory", "publisher", "publisherkey", "publishertoken", "release")
    assert {f"{ADMIN}{name}/" in page for name in names} == {serve}
    assert root.get(f"{ADMIN}release/").status_code == 200
