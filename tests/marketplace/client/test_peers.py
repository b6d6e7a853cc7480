"""A plugin that needs others brings them along: planned with reasons, agreed to, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from gridkit_django.exceptions import PeersNotAgreedError, ReleaseUnfitError
from gridkit_django.marketplace.client import make_install_plan, parts, placing, refresh_catalogue
from gridkit_django.marketplace.client.auto_update import plan_auto_update
from gridkit_django.models import CatalogEntry, InstalledPlugin, OperationState, PluginOperation, PluginPackage
from gridkit_django.plugins import PluginManager, plugin_manager, request_operation, run_operation
from gridkit_django.plugins import operations as operations_module
from gridkit_django.plugins.operation_run import OperationRun, Step
from tests.marketplace.client.packages import Acme
from tests.marketplace.client.shop import Shop
from tests.marketplace.client.test_api import client_of
from tests.plugins.test_operation_deaths import Killed, lose

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_probe", "manager")]

COLOURS = "@acme/colours"


@pytest.fixture
def shop(acme: Acme) -> Shop:
    return Shop(acme)


@pytest.fixture
def chain(shop: Shop) -> None:
    """Colours needs words, which needs letters."""
    shop.publish("letters")
    shop.publish("letters", "2.0.0", state="yanked", yanked_reason="it lost some")
    shop.publish("words", needs=("@acme/letters ^1",))
    shop.publish("colours", needs=("@acme/words",))
    refresh_catalogue()


def ask(**more: Any) -> PluginOperation:
    plan = make_install_plan(COLOURS)
    arguments = {"source": f"marketplace:{COLOURS}", "peers": parts.agreeing(plan, "all"), **more}
    return request_operation("install", COLOURS, arguments, user=None)


def run(operation: PluginOperation) -> PluginOperation:
    run_operation(operation.pk)
    operation.refresh_from_db()
    return operation


def installed() -> list[str]:
    return sorted(InstalledPlugin.objects.values_list("plugin_id", flat=True))


def test_plan_lists_what_comes_along_in_order_with_reason_and_permissions(chain: None) -> None:
    plan = make_install_plan(COLOURS)

    told = [(item.plugin_id, item.release.version, item.needed_by, item.asks_for) for item in plan.peers]
    assert told == [
        ("@acme/letters", "1.0.0", "@acme/words", ("methods:register",)),
        ("@acme/words", "1.0.0", COLOURS, ("methods:register",)),
    ]
    assert "read and change everything" in plan.peers[0].sentence
    assert plan.chosen().version == "1.0.0"


def test_page_leads_to_the_plugins_that_it_needs_whether_installed_or_not(
    chain: None, manager: PluginManager, admin_client: Client
) -> None:
    page = "/admin/gridkit_django/installedplugin/marketplace/plugin/"
    needed = f'<dd><a href="{page}?id=%40acme%2Fletters">@acme/letters</a> ^1'

    assert f'{needed} <span class="gridkit-quiet">(not installed)' in _page(admin_client, page, "@acme/words")
    manager.install_plugin("marketplace:@acme/letters")
    assert f'{needed} <span class="gridkit-quiet">(1.0.0 is installed)' in _page(admin_client, page, "@acme/words")
    CatalogEntry.objects.filter(plugin_id="@acme/letters").delete()
    row = InstalledPlugin.objects.get()
    own = f'<a href="/admin/gridkit_django/installedplugin/{row.pk}/change/">@acme/letters</a>'
    assert own in _page(admin_client, page, "@acme/words")


def _page(client: Client, address: str, plugin_id: str) -> str:
    return client.get(address, {"id": plugin_id}).content.decode()


def test_installation_brings_them_first_and_counts_each(chain: None, manager: PluginManager, acme: Acme) -> None:
    done = run(ask())

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert installed() == [COLOURS, "@acme/letters", "@acme/words"]
    assert {manager.get_plugin(name).effective_state for name in installed()} == {"active"}
    text = "\n".join(line["text"] for line in done.log)
    assert text.index("@acme/letters is active") < text.index("@acme/words is active") < text.index("Installed.")
    assert "@acme/words 1.0.0 comes along from main: @acme/colours needs it." in text
    events = [path for path in acme.market.asked if path.endswith("/events/")]
    assert [path.removeprefix("POST api/v1/plugins/") for path in events] == [
        f"{name}/events/" for name in ("@acme/letters", "@acme/words", COLOURS) * 2
    ], "each is told twice: its package came, and it is installed"
    origins = InstalledPlugin.objects.values_list("current_version__origin__marketplace", flat=True)
    assert set(origins) == {"main"}


def test_nobody_is_brought_along_without_consent(chain: None) -> None:
    done = run(ask(peers=[{"id": "@acme/words", "grants": []}]))

    assert (done.state, done.error_code) == (OperationState.WAITING, "peers-not-agreed")
    assert "@acme/letters 1.0.0" in done.error_detail
    assert installed() == []
    with pytest.raises(PeersNotAgreedError) as caught:
        parts.check_agreed(make_install_plan(COLOURS), ())
    assert [item["id"] for item in caught.value.extra["peers"]] == ["@acme/letters", "@acme/words"]


def test_operation_that_waits_for_consent_to_what_comes_along_leads_to_the_plan_until_it_is_asked_again(
    chain: None, admin_client: Client
) -> None:
    waits = run(ask(peers=[]))
    page = f"/admin/gridkit_django/installedplugin/marketplace/plugin/?id={quote(COLOURS, safe='')}"
    shown = f"/admin/gridkit_django/pluginoperation/{waits.pk}/change/"

    assert f'<a href="{page}">Decide</a>' in admin_client.get(shown).content.decode()
    told = admin_client.get(f"/gridkit/api/operations/{waits.pk}/").json()
    assert (told["state"], told["decide"]) == ("waiting", f"/gridkit/api/marketplace/plugins/{COLOURS}/plan/")
    assert run(ask()).state == OperationState.FINISHED
    text = admin_client.get(shown).content.decode()
    assert ("asked for consent, which was decided" in text, page in text) == (True, False)


def test_update_that_brings_another_plugin_along_does_not_come_by_itself(
    shop: Shop, manager: PluginManager, settings: Any
) -> None:
    shop.publish("colours")
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{COLOURS}")
    shop.publish("letters")
    shop.publish("colours", "1.1.0", needs=("@acme/letters ^1",))
    refresh_catalogue()
    settings.GRIDKIT = {**settings.GRIDKIT, "AUTO_UPDATE": "all"}

    plan = plan_auto_update(InstalledPlugin.objects.get())

    assert plan.version == ""
    assert "brings @acme/letters along" in dict(plan.held)["1.1.0"]


def test_manager_agrees_where_all_is_granted(chain: None, manager: PluginManager) -> None:
    manager.install_plugin(f"marketplace:{COLOURS}")

    assert installed() == [COLOURS, "@acme/letters", "@acme/words"]


def test_when_one_fails_all_that_came_is_taken_away_again(shop: Shop, manager: PluginManager) -> None:
    shop.publish("letters")
    shop.publish("words", needs=("@acme/letters",), start='raise ValueError("no words")')
    shop.publish("colours", needs=("@acme/words",))
    refresh_catalogue()

    done = run(ask())

    assert (done.state, done.error_code) == (OperationState.FAILED, "plugin-initialize-failed")
    assert installed() == []
    assert not PluginPackage.objects.exists()
    assert "@acme/letters is uninstalled again." in [line["text"] for line in done.log]


def test_what_was_there_before_stays_when_the_rest_is_undone(shop: Shop, manager: PluginManager) -> None:
    shop.publish("letters")
    shop.publish("words", needs=("@acme/letters",))
    shop.publish("colours", needs=("@acme/words",), start='raise ValueError("no")')
    refresh_catalogue()
    operation = ask()
    manager.install_plugin("marketplace:@acme/letters")

    done = run(operation)

    assert (done.state, installed()) == (OperationState.FAILED, ["@acme/letters"])


@pytest.mark.parametrize("step", ["peer 1", "peer 1 start", "peer 2", "switch"])
def test_worker_killed_in_the_middle_leaves_all_or_nothing(
    chain: None, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    operation = ask()
    remote = plugin_manager().remote
    assert remote is not None
    whole = remote.recipe

    def dying(run: OperationRun) -> list[Step]:
        def act(_run: OperationRun) -> None:
            raise Killed

        return [Step(item.name, act) if item.name == step else item for item in whole(run) or ()]

    with monkeypatch.context() as patch:
        patch.setattr(remote, "recipe", dying)
        with pytest.raises(Killed):
            run_operation(operation.pk)
    lose(operation)

    assert run(operation).state == OperationState.FINISHED
    assert installed() == [COLOURS, "@acme/letters", "@acme/words"]


def test_lost_operation_takes_what_came_along_away(chain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = ask()
    with monkeypatch.context() as patch:
        patch.setattr(placing, "plugin_manager", _die)
        with pytest.raises(Killed):
            run_operation(operation.pk)
    PluginOperation.objects.filter(pk=operation.pk).update(lease_until="2020-01-01T00:00:00Z")

    assert operations_module.end_lost_operations() == 1
    assert (installed(), PluginPackage.objects.count()) == ([], 0)


def _die() -> Any:
    raise Killed


def _colours(shop: Shop, needs: str = "@acme/words", words: dict[str, Any] | None = None) -> None:
    shop.publish("colours", needs=(needs,))
    if words is not None:
        shop.publish("words", **words)


CASES: dict[str, tuple[Callable[[Shop], None], str]] = {
    "nobody lists it": (
        _colours,
        "it needs @acme/words *, which is not installed, and main does not list it",
    ),
    "circle": (
        lambda shop: _colours(shop, words={"needs": (COLOURS,)}),
        "it needs itself: @acme/colours needs @acme/words needs @acme/colours",
    ),
    "conflict with the one that needs it": (
        lambda shop: _colours(shop, words={"conflicts": (COLOURS,)}),
        "it can't be active together with @acme/words",
    ),
    "no release in the range": (
        lambda shop: _colours(shop, needs="@acme/words >=9", words={}),
        "no release of it fits (none is in that range)",
    ),
    "yanked": (lambda shop: _colours(shop, words={"state": "yanked"}), "1.0.0: it was taken back"),
    "host lacks what it needs": (
        lambda shop: _colours(shop, words={"requires": ["no-such-distribution"]}),
        "it needs no-such-distribution, which is not installed",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_can_not_come_is_named(shop: Shop, case: str) -> None:
    prepare, reason = CASES[case]
    prepare(shop)
    refresh_catalogue()

    plan = make_install_plan(COLOURS)

    assert plan.peers == ()
    with pytest.raises(ReleaseUnfitError) as caught:
        plan.chosen()
    assert reason in caught.value.detail


def test_ranges_of_two_that_need_the_same_are_named_when_they_do_not_meet(shop: Shop) -> None:
    shop.publish("letters", "1.0.0")
    shop.publish("letters", "2.0.0")
    shop.publish("words", needs=("@acme/letters ^1",))
    shop.publish("colours", needs=("@acme/words", "@acme/letters >=2"))
    refresh_catalogue()

    (verdict,) = make_install_plan(COLOURS).verdicts

    assert verdict.reasons == (
        "it needs @acme/letters >=2, and @acme/words needs @acme/letters ^1: 1.0.0 would come along",
    )


def test_older_release_comes_along_where_the_newest_has_peers_that_can_not(shop: Shop) -> None:
    shop.publish("words", "1.0.0")
    shop.publish("words", "2.0.0", needs=("@acme/nowhere",))
    shop.publish("colours", needs=("@acme/words",))
    refresh_catalogue()

    assert [item.release.version for item in make_install_plan(COLOURS).peers] == ["1.0.0"]


def test_conflict_with_an_installed_plugin_is_named(shop: Shop, manager: PluginManager) -> None:
    shop.publish("letters")
    shop.publish("words", conflicts=("@acme/letters",))
    shop.publish("colours", needs=("@acme/words",))
    refresh_catalogue()
    manager.install_plugin("marketplace:@acme/letters")

    with pytest.raises(ReleaseUnfitError, match="can't be active together with @acme/letters"):
        make_install_plan(COLOURS).chosen()


def test_update_that_needs_a_new_plugin_brings_it_along(shop: Shop, manager: PluginManager, admin: User) -> None:
    shop.publish("colours")
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{COLOURS}")
    shop.publish("letters")
    shop.publish("colours", "2.0.0", needs=("@acme/letters",))
    refresh_catalogue()
    agreed = parts.agreeing(make_install_plan(COLOURS), "all")

    done = run(request_operation("update", COLOURS, {"peers": agreed}, user=admin))

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert manager.get_plugin(COLOURS).version == "2.0.0"
    assert manager.get_plugin("@acme/letters").effective_state == "active"


def test_update_that_brings_plugins_takes_the_right_to_start_them_in_the_admin(
    shop: Shop, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridkit_django.admin.marketplace_detail.enqueue_operation", lambda _: None)
    shop.publish("colours")
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{COLOURS}")
    shop.publish("letters")
    shop.publish("colours", "2.0.0", needs=("@acme/letters",))
    refresh_catalogue()
    user = User.objects.create_user("staff", password="root-of-all", is_staff=True)
    client = Client()
    client.force_login(user)
    address = f"/admin/gridkit_django/installedplugin/marketplace/plugin/?id={quote(COLOURS, safe='')}"
    given = {"password": "root-of-all", "peers-shown": "@acme/letters==1.0.0"}

    user.user_permissions.set(Permission.objects.filter(codename="install_plugin"))
    assert client.post(address, given).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="activate_plugin"))
    assert client.post(address, given).status_code == 302


def test_api_tells_the_plan_and_takes_consent_to_what_comes_along(chain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[Any] = []
    monkeypatch.setattr("gridkit_django.api.views.marketplace.enqueue_operation", queued.append)
    client = client_of("install_plugin", "activate_plugin")
    address = f"/gridkit/api/marketplace/plugins/{COLOURS}"

    plan = client.get(f"{address}/plan/").json()
    assert [(item["plugin"]["id"], item["neededBy"], item["asksFor"]) for item in plan["peers"]] == [
        ("@acme/letters", "@acme/words", ["methods:register"]),
        ("@acme/words", COLOURS, ["methods:register"]),
    ]
    refused = client.post(f"{address}/install/", {"activate": True}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "peers-not-agreed")
    peers = [{"id": "@acme/letters"}, {"id": "@acme/words", "grants": ["methods:register"]}]
    wish = {"activate": True, "peers": peers}
    assert client.post(f"{address}/install/", wish, format="json").status_code == 403, "granting is a right of its own"
    del peers[1]["grants"]
    assert client.post(f"{address}/install/", wish, format="json").status_code == 202
    operation = PluginOperation.objects.get()
    assert (operation.pk, operation.arguments["peers"]) == (
        queued[0],
        [{"id": name, "version": "1.0.0", "grants": []} for name in ("@acme/letters", "@acme/words")],
    )


def test_admin_shows_what_comes_along_and_notices_when_it_is_not_that_any_more(
    chain: None, shop: Shop, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Any] = []
    monkeypatch.setattr("gridkit_django.admin.marketplace_detail.enqueue_operation", queued.append)
    client = Client()
    client.force_login(admin)
    address = f"/admin/gridkit_django/installedplugin/marketplace/plugin/?id={quote(COLOURS, safe='')}"
    text = client.get(address).content.decode()
    for part in ("Comes along", "@acme/words needs it (^1).", "Permissions of what comes along", "@acme/letters 1.0.0"):
        assert part in text
    shown = "@acme/letters==1.0.0 @acme/words==1.0.0"
    assert f'name="peers-shown" value="{shown}"' in text
    given = {"password": "root-of-all", "peers-shown": shown, "peers-grants-1": ["methods:register"]}
    shop.publish("letters", "1.1.0")
    refresh_catalogue()

    late = client.post(address, given)
    assert (late.status_code, "Other plugins would come along" in late.content.decode()) == (200, True)
    given["peers-shown"] = "@acme/letters==1.1.0 @acme/words==1.0.0"
    assert client.post(address, given).status_code == 302

    operation = PluginOperation.objects.get()
    assert queued == [operation.pk]
    assert operation.arguments["peers"] == [
        {"id": "@acme/letters", "version": "1.1.0", "grants": []},
        {"id": "@acme/words", "version": "1.0.0", "grants": ["methods:register"]},
    ]


def test_command_tells_the_plan_and_installs_what_is_named(chain: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("gridkit_plugin", "install", COLOURS, "--dry-run")
    told = capsys.readouterr().out
    assert "@acme/letters 1.0.0 would come along: @acme/words needs it (^1)." in told
    assert told.rstrip().splitlines()[-2] == f"{COLOURS} 1.0.0 would be installed."
    assert installed() == []

    with pytest.raises(CommandError, match="peers-not-agreed"):
        call_command("gridkit_plugin", "install", COLOURS, "--with", "@acme/words", "--grant", "methods:register")
    given = ("--with", "@acme/words", "--with", "@acme/letters", "--grant", "methods:register")
    call_command("gridkit_plugin", "install", COLOURS, *given)
    assert installed() == [COLOURS, "@acme/letters", "@acme/words"]
