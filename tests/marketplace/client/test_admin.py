"""The marketplace in the admin: cards, filters, states of the list, detail with the plan, consent, and who may what."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils.html import escape

from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.models import InstalledPlugin, OperationKind, PluginOperation
from gridkit_django.plugins import PluginManager, run_operation
from tests.marketplace.client.market import HTML, Market, listing, release, reply
from tests.marketplace.client.packages import PLUGIN, Acme

pytestmark = pytest.mark.django_db(transaction=True)

BROWSE = "/admin/gridkit_django/installedplugin/marketplace/"
DETAIL = f"{BROWSE}plugin/"
OPERATIONS = "/admin/gridkit_django/pluginoperation/"
CONSENT = {"grants": ["methods:register"], "activate": "on", "password": "root-of-all"}


@pytest.fixture
def client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was handed to Celery; the broker is out of reach of this test."""
    found: list[Any] = []
    for place in ("marketplace_detail", "plugin_verbs"):
        monkeypatch.setattr(f"gridkit_django.admin.{place}.enqueue_operation", found.append)
    return found


def staff(*codenames: str) -> Client:
    user = User.objects.create_user("staff", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def names(text: str) -> list[str]:
    """Return the names of the cards below the shelf of what is featured."""
    return re.findall(r"<h3><a [^>]*>([^<]*)</a>", text.partition("All plugins</h2>")[2] or text)


def test_browser_shows_cards_with_badges_and_filters_them(market: Market, site: Callable[..., None], client: Client):
    market.put(listing("@acme/colours", verified=True, featured=True, icon="pictures/a.png"))
    market.put(listing("@acme/charts", category="analytics", downloads=12900, publisher={"name": "acme"}, tags=["x"]))
    market.put(listing("@acme/evil", name="<b>Evil</b>", summary="<script>alert(1)</script>", downloads=1))
    refresh_catalogue()

    text = page(client, BROWSE)

    assert names(text) == ["Charts", "Colours", "&lt;b&gt;Evil&lt;/b&gt;"]
    assert "<script>alert" not in text
    for part in (
        "identity proved",
        "identity unknown",
        "version reviewed",
        "★★★★☆</span> 4.0",
        "(3 ratings)",
        "12,900 downloads",
        "Featured",
    ):
        assert part in text
    assert "★★★★☆</span> 4.0" in text
    assert "(3 ratings)" in text
    assert f'src="{market.url}pictures/a.png"' in text
    assert 'referrerpolicy="no-referrer"' in text
    assert names(page(client, BROWSE, q="charts")) == ["Charts"]
    assert names(page(client, BROWSE, category="analytics")) == ["Charts"]
    assert names(page(client, BROWSE, tag="x")) == ["Charts"]
    assert names(page(client, BROWSE, verified="on")) == ["Colours"]
    market.put(listing("@acme/charts", rating={"value": 2.4, "count": 1}))
    refresh_catalogue()
    assert sorted(names(page(client, BROWSE, rating="4"))) == ["&lt;b&gt;Evil&lt;/b&gt;", "Colours"]
    assert "★★☆☆☆</span> 2.4" in page(client, BROWSE, rating="2")
    assert len(names(page(client, BROWSE, rating="9"))) == 3, "what makes no sense counts as not asked"
    assert names(page(client, BROWSE, sort="name"))[-1] == "Colours"
    assert "No plugin matches" in page(client, BROWSE, q="zzz")
    asked = len(market.asked)
    page(client, BROWSE)
    assert len(market.asked) == asked, "no page asks a marketplace"


def test_pages_of_many_plugins(market: Market, site: Callable[..., None], client: Client) -> None:
    for number in range(26):
        market.put(listing(f"@acme/p{number:02}"))
    refresh_catalogue()
    first = page(client, BROWSE, sort="name")
    assert (len(names(first)), "Page 1 of 2" in first) == (24, True)
    assert names(page(client, BROWSE, sort="name", page=2)) == ["P24", "P25"]


def test_states_of_the_list(market: Market, site: Callable[..., None], client: Client, settings: Any) -> None:
    assert "The list is empty" in page(client, BROWSE)
    assert "never followed yet" in page(client, BROWSE)
    market.put(listing())
    market.put(listing("@acme/<bad>"))
    market.put(listing("@acme/bad", icon="https://evil.example/<x>"))
    refresh_catalogue()
    assert "2 entries left out" in page(client, BROWSE)
    assert "<code>@acme/&lt;bad&gt;</code>: id: " in page(client, BROWSE)
    market.act = lambda _market, handler: reply(handler, HTML, "text/html")
    refresh_catalogue(now=True)
    text = page(client, BROWSE)
    assert "could not be followed" in text
    assert "The list is 0" in text
    assert names(text) == ["Colours"]
    site(MARKETPLACE_OFFLINE=True)
    text = page(client, BROWSE)
    assert ("MARKETPLACE_OFFLINE" in text, "Refresh now" in text) == (True, False)
    settings.GRIDKIT = {}
    assert "installs from no marketplace" in page(client, BROWSE)
    settings.GRIDKIT = {"MARKETPLACES": {name: {"url": "https://x.example"} for name in ("a", "b")}}
    assert "more than one marketplace" in page(client, BROWSE)


def test_detail_shows_the_plan_and_every_version_with_its_reason(acme: Acme, client: Client) -> None:
    acme.publish("1.0.0", changelog="# Changes <b>")
    acme.publish("1.1.0", core_version=">=99")
    refresh_catalogue()

    text = page(client, DETAIL, id=PLUGIN)

    for part in (
        "1.0.0 would be installed",
        "works with GridKit &gt;=99",
        "Colours asks to add methods to grids that users can call. It runs inside",
        "could read and change everything",
        "methods:register",
        "version reviewed",
    ):
        assert part in text
    assert "<b>" not in text.partition("Changes up to")[2].partition("</pre>")[0]
    assert "No release can be installed here" in page(client, DETAIL, id=PLUGIN, version="1.1.0")
    assert client.get(DETAIL, {"id": "@acme/none"}).status_code == 404
    assert client.get(DETAIL, {"id": PLUGIN, "version": "9"}).status_code == 404
    assert client.get(DETAIL).status_code == 404


def test_old_versions_of_many_are_folded_away(market: Market, site: Callable[..., None], client: Client) -> None:
    market.put(listing(versions=[release(f"1.{number}.0") for number in range(14, 0, -1)]))
    refresh_catalogue()
    shown, _, older = page(client, DETAIL, id=PLUGIN).partition("2 older versions</summary>")
    versions = [re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', part) for part in (shown, older)]
    assert (len(versions[0]), versions[0][0], versions[1]) == (12, "1.14.0", ["1.2.0", "1.1.0"])
    market.put(listing())
    refresh_catalogue()
    assert "older version" not in page(client, DETAIL, id=PLUGIN)


def test_detail_shows_what_the_publisher_says_beside_the_package(
    market: Market, site: Callable[..., None], client: Client
) -> None:
    pictures = [
        {"url": "pictures/a.png", "width": 640, "height": 400, "caption": 'A "chart" <b>of</b> edits'},
        {"url": "pictures/b.png"},
    ]
    addresses = {
        "documentation": "HTTPS://docs.acme.example/?a=1&b=<2>",
        "demo": "https://demo.acme.example/",
        "homepage": "https://acme.example/",
        "repository": "http://code.acme.example/colours",
        "pricing_page": "https://acme.example/prices",
        "license_page": "https://acme.example/license",
    }
    said = {"pricing": "freemium", "pricing_text": "5 € <a month>", "state": "deprecated", "state_reason": "Use <x>."}
    market.put(listing(screenshots=pictures, **addresses, **said))
    refresh_catalogue()

    text = page(client, DETAIL, id=PLUGIN)

    for address in addresses.values():
        assert f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">' in text
    for part in ("free, more for money, 5 € &lt;a month&gt;", ">MIT</a>", "Use &lt;x&gt;.", "Documentation</dt>"):
        assert part in text
    assert 'alt="Screenshot 1 of 2" loading="lazy" referrerpolicy="no-referrer" width="640" height="400"' in text
    assert "<span>A &quot;chart&quot; &lt;b&gt;of&lt;/b&gt; edits</span>" in text
    assert f'href="{market.url}pictures/b.png" target="_blank" rel="noopener noreferrer nofollow"' in text
    told = client.get(f"/gridkit/api/marketplace/plugins/{PLUGIN}/").json()
    assert {name: told[name] for name in ("documentation", "demo")} == {
        name: addresses[name] for name in ("documentation", "demo")
    }
    assert told["screenshots"][0] == {
        "url": f"{market.url}pictures/a.png",
        "width": 640,
        "height": 400,
        "caption": pictures[0]["caption"],
    }
    market.put(listing())
    refresh_catalogue()
    bare = page(client, DETAIL, id=PLUGIN)
    assert ("gridkit-pictures" in bare, "Documentation</dt>" in bare, "Price</dt><dd>free</dd>" in bare) == (
        False,
        False,
        True,
    )


def test_installation_takes_the_password_again_and_is_carried_out_by_a_worker(
    acme: Acme, client: Client, queued: list[Any], manager: PluginManager, no_probe: None
) -> None:
    acme.publish()
    refresh_catalogue()
    address = f"{DETAIL}?id={PLUGIN.replace('@', '%40').replace('/', '%2F')}"
    wrong = client.post(address, {**CONSENT, "password": "guess"})
    assert (wrong.status_code, PluginOperation.objects.count()) == (200, 0)
    assert "This is not your password" in wrong.content.decode()

    answer = client.post(address, CONSENT)

    operation = PluginOperation.objects.get()
    assert (answer.status_code, queued) == (302, [operation.pk])
    assert str(operation.pk) in answer["Location"]
    assert "root-of-all" not in str(operation.arguments)
    run_operation(operation.pk)
    text = page(client, answer["Location"])
    assert ("passed the gate" in text, "100%" in text, "field-error" in text) == (True, True, False)
    PluginOperation.objects.update(state="failed", error_code="hosts-not-ready", error_detail="<one> is late.")
    failed = page(client, answer["Location"])
    assert "&lt;one&gt; is late. (hosts-not-ready)" in failed.partition("field-log_lines")[0], "the reason stands first"
    assert manager.get_plugin(PLUGIN).effective_state == "active"
    assert "What is installed is the newest release" in page(client, DETAIL, id=PLUGIN)


def test_update_and_consent_go_to_a_worker(
    acme: Acme, client: Client, queued: list[Any], manager: PluginManager, no_probe: None
) -> None:
    acme.publish()
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{PLUGIN}")
    acme.publish("2.0.0", permissions=("methods:register", "rows:read"))
    refresh_catalogue()
    assert "2.0.0 would take the place of 1.0.0" in page(client, DETAIL, id=PLUGIN)
    row = InstalledPlugin.objects.get()
    update = f"/admin/gridkit_django/installedplugin/{row.pk}/update/"
    client.post(update)
    first = PluginOperation.objects.get(pk=queued[-1])
    run_operation(first.pk)
    assert manager.get_plugin(PLUGIN).pending is not None
    versions = page(client, f"/admin/gridkit_django/installedplugin/{row.pk}/versions/")
    assert "waits for consent" in versions
    decide = f'<a href="/admin/gridkit_django/installedplugin/{row.pk}/versions/">Decide</a>'
    for address in (OPERATIONS, f"{OPERATIONS}{first.pk}/change/"):
        assert f"waits for consent</span> {decide}" in page(client, address)
    told = client.get(f"/gridkit/api/operations/{first.pk}/").json()
    assert (told["state"], told["error"]["code"]) == ("waiting", "plugin-consent-required")
    assert client.get(told["decide"]).json()["pending"]["version"] == "2.0.0"

    client.post(update, {"grants": ["rows:read"]})

    second = PluginOperation.objects.get(pk=queued[-1])
    assert (second.kind, second.arguments) == (OperationKind.UPDATE, {"grants": ["rows:read"], "version": "2.0.0"})
    run_operation(second.pk)
    assert manager.get_plugin(PLUGIN).version == "2.0.0"
    assert "Bring back" in page(client, f"/admin/gridkit_django/installedplugin/{row.pk}/versions/")
    decided = page(client, f"{OPERATIONS}{first.pk}/change/")
    assert "asked for consent, which was decided" in decided
    assert decide not in decided


def test_who_may_what(acme: Acme, queued: list[Any]) -> None:
    acme.publish()
    refresh_catalogue()
    browser = staff("browse_marketplace")
    assert "Installing takes the right" in page(browser, DETAIL, id=PLUGIN)
    assert "Refresh now" not in page(browser, BROWSE)
    assert browser.post(f"{DETAIL}?id={PLUGIN}", CONSENT).status_code == 403
    assert browser.post(f"{BROWSE}refresh/").status_code == 403
    User.objects.filter(username="staff").delete()
    nobody = staff("view_installedplugin")
    assert [nobody.get(address).status_code for address in (BROWSE, f"{DETAIL}?id={PLUGIN}")] == [403, 403]
    assert queued == []


def test_who_may_only_install_neither_grants_nor_activates(acme: Acme, queued: list[Any]) -> None:
    acme.publish()
    refresh_catalogue()
    installer = staff("install_plugin")
    assert 'name="grants"' not in page(installer, DETAIL, id=PLUGIN)

    address = f"{DETAIL}?id={PLUGIN.replace('@', '%40').replace('/', '%2F')}"
    assert installer.post(address, {**CONSENT, "password": "x"}).status_code == 302

    arguments = PluginOperation.objects.get().arguments
    assert (arguments["grants"], arguments["activate"]) == ([], False)


def test_page_tells_whoever_may_only_install_what_is_left_to_others(acme: Acme) -> None:
    acme.publish()
    refresh_catalogue()

    text = page(staff("install_plugin"), DETAIL, id=PLUGIN)

    assert "You may not grant permissions: it is granted none until somebody else does so." in text
    assert "You may not start plugins: it stays off until somebody else starts it." in text


def test_cross_site_request_is_refused(acme: Acme, admin: User) -> None:
    acme.publish()
    refresh_catalogue()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    assert strict.post(f"{DETAIL}?id={PLUGIN}", CONSENT).status_code == 403
    assert strict.post(f"{BROWSE}refresh/").status_code == 403
