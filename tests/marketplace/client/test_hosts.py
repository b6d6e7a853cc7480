"""A version comes to every host before any of them switches: waiting, time-outs, going on anyway, and preparing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from gridkit_django.marketplace.client import PluginMarketplace, hosts, refresh_catalogue
from gridkit_django.models import AuditRecord, OperationState, PluginOperation, PluginPackage, RuntimeProcess
from gridkit_django.plugins import PluginManager, request_operation, run_operation, switch_anyway
from gridkit_django.plugins.packages import keep_files
from gridkit_django.plugins.preparing import HostPreparation, Wish, hosts_behind, wishes
from gridkit_django.plugins.processes import Prepared
from gridkit_django.plugins.wishes import WishWatch
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_install import SOURCE, ask, nothing_is_left, run
from tests.plugins.test_unpacked import made

pytestmark = pytest.mark.django_db(transaction=True)

Pauses = Callable[[Callable[[], object]], list[float]]


def process(host: str, pid: int = 1, *, silent: float = 0, **values: Any) -> RuntimeProcess:
    now = timezone.now()
    facts = {"kind": "web", "started_at": now, "seen_at": now - timedelta(seconds=silent), **values}
    return RuntimeProcess.objects.create(host=host, pid=pid, **facts)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Do something in each pause instead of waiting; returns how long the pauses would have been."""

    def instead(act: Callable[[], object]) -> list[float]:
        seconds: list[float] = []

        def pause(length: float) -> None:
            seconds.append(length)
            act()

        monkeypatch.setattr(hosts.time, "sleep", pause)
        return seconds

    return instead


@pytest.fixture
def listed(acme: Acme, manager: PluginManager, no_probe: None) -> Acme:
    acme.publish()
    refresh_catalogue()
    return acme


@pytest.fixture
def preparation(manager: PluginManager) -> Iterator[HostPreparation]:
    assert manager.remote is not None
    yield HostPreparation(manager.runtime, manager.remote.check_host)
    manager.runtime.process.prepared = Prepared()


def test_single_host_waits_for_nobody(listed: Acme, manager: PluginManager, pauses: Pauses) -> None:
    waited = pauses(lambda: None)
    process(str(manager.runtime.process.describe()["host"]), 99_999)
    process("silent", silent=3600)
    process("safe", safe_mode=True)
    process("command", kind="command")

    done = run("install")

    assert (done.state, done.error_detail, waited) == (OperationState.FINISHED, "", [])
    assert done.results["prepare"] == {"without": []}


@pytest.mark.both_databases
def test_operation_switches_when_the_other_hosts_are_ready_and_not_before(listed: Acme, pauses: Pauses) -> None:
    process("b", 7), process("b", 8, kind="celery")
    seen: list[tuple[Any, ...]] = []

    def other_host() -> None:
        (wish,) = wishes()
        operation = PluginOperation.objects.get()
        seen.append((wish.plugin_id, operation.step, operation.results.keys() & {"switch"}))
        RuntimeProcess.objects.filter(pid=8).update(ready=[wish.digest])

    pauses(other_host)

    done = run("install")

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert seen == [(PLUGIN, "prepare", set())]
    told = [line["text"] for line in done.log]
    assert "Waiting for b (web 7, celery 8)." in told
    assert "Every host of the site has the files." in told
    assert wishes() == ()


def test_operation_fails_when_a_host_is_not_ready_in_time_names_it_and_undoes_all(
    listed: Acme, settings: Any, pauses: Pauses
) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "HOSTS_READY_SECONDS": 0}
    digests: list[str] = []
    pauses(lambda: None)
    process("b", 7), process("c", 8)

    failed = run("install")

    assert (failed.state, failed.error_code) == (OperationState.FAILED, "hosts-not-ready")
    assert "b (web 7); c (web 8)" in failed.error_detail
    assert "switch_anyway" in failed.error_detail
    assert nothing_is_left(), digests


def test_reason_of_a_host_is_told(listed: Acme, settings: Any, pauses: Pauses) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "HOSTS_READY_SECONDS": 1}
    other = process("b")

    def other_host() -> None:
        RuntimeProcess.objects.filter(pk=other.pk).update(unready={wishes()[0].digest: "the disk is full"})
        settings.GRIDKIT = {**settings.GRIDKIT, "HOSTS_READY_SECONDS": 0}

    pauses(other_host)

    assert "b (web 1): the disk is full" in run("install").error_detail


def test_operation_switches_anyway_when_it_is_told_so_before(listed: Acme, manager: PluginManager) -> None:
    process("b")
    operation = request_operation("install", PLUGIN, {"source": SOURCE}, user=None, switch_anyway=True)

    run_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.state == OperationState.FINISHED
    assert operation.results["prepare"] == {"without": ["b"]}
    assert any("without b" in line["text"] for line in operation.log)
    listed.publish("1.1.0", word="two")
    refresh_catalogue()
    assert PluginMarketplace().update(PLUGIN, switch_anyway=True).version == "1.1.0"


def test_person_lets_a_waiting_operation_switch_in_the_admin(listed: Acme, admin: User, pauses: Pauses) -> None:
    process("b")
    client = Client()
    client.force_login(admin)
    pages: list[str] = []

    def look_and_press() -> None:
        operation = PluginOperation.objects.get()
        page = f"/admin/gridkit_django/pluginoperation/{operation.pk}/change/"
        pages.append(client.get(page).content.decode())
        assert client.post(page.replace("change/", "anyway/")).status_code == 302
        pages.append(client.get(page).content.decode())

    pauses(look_and_press)

    done = run("install")

    assert done.state == OperationState.FINISHED
    assert ["Switch now" in page for page in pages] == [True, False]
    assert AuditRecord.objects.filter(action="plugin.switch_anyway").count() == 1


def test_person_lets_it_switch_over_the_api_with_the_right_to_install(listed: Acme, admin: User) -> None:
    operation = ask("install", admin)
    url = f"/gridkit/api/operations/{operation.pk}/switch-anyway/"
    client, someone = Client(), User.objects.create_user("someone")
    client.force_login(someone)
    assert client.post(url, {}, content_type="application/json").status_code == 404
    PluginOperation.objects.update(requested_by=someone)
    assert client.post(url, {}, content_type="application/json").status_code == 403
    someone.user_permissions.add(Permission.objects.get(codename="install_plugin"))

    answer = client.post(url, {}, content_type="application/json")

    assert (answer.status_code, answer.json()["switchAnyway"]) == (200, True)
    assert switch_anyway(operation.pk, user=admin) == operation
    assert AuditRecord.objects.filter(action="plugin.switch_anyway").count() == 1, "the second time said nothing new"


def test_admin_refuses_those_who_may_not_install(listed: Acme) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_pluginoperation"))
    operation = ask("install", viewer)
    client = Client()
    client.force_login(viewer)

    answer = client.post(f"/admin/gridkit_django/pluginoperation/{operation.pk}/anyway/")

    assert answer.status_code == 403


def test_process_prepares_what_is_wished_for_and_forgets_it_after(
    manager: PluginManager, preparation: HostPreparation, site: Any, tmp_path: Any
) -> None:
    files = made()
    keep_files(files)
    manager.follow()

    preparation.prepare([Wish(PLUGIN, files.digest, ("django",))])

    row = RuntimeProcess.objects.get()
    assert (row.ready, row.unready) == ([files.digest], {})
    RuntimeProcess.objects.update(kind="web")
    assert hosts_behind(files.digest, "another") == ()
    assert len(list(tmp_path.rglob("packages/*/files/plugin.toml"))) == 1
    preparation.prepare([])
    row.refresh_from_db()
    assert row.ready == []


@pytest.mark.parametrize(
    ("kept", "requires", "reason"),
    [(True, ("no-such-thing",), "no-such-thing"), (False, (), "not where this host looks")],
)
def test_process_says_why_it_can_not_prepare(
    manager: PluginManager, preparation: HostPreparation, site: Any, kept: bool, requires: tuple[str, ...], reason: str
) -> None:
    files = made()
    if kept:
        keep_files(files)
    manager.follow()

    preparation.prepare([Wish(PLUGIN, files.digest, requires)])

    row = RuntimeProcess.objects.get()
    assert row.ready == []
    assert reason in row.unready[files.digest]


def test_only_processes_that_look_by_themselves_ask_what_is_wished_for_and_they_ask_once(
    manager: PluginManager,
    preparation: HostPreparation,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    django_assert_num_queries: Any,
) -> None:
    watch = WishWatch(manager.runtime, preparation, manager._canaries)
    with django_assert_num_queries(0):
        watch.work()
    monkeypatch.setattr(type(manager.runtime.idle), "is_running", True)
    with django_assert_num_queries(1):
        watch.work()
    settings.GRIDKIT = {"PLUGINS_SAFE_MODE": True}
    with django_assert_num_queries(0):
        watch.work()


def test_command_installs_and_updates_and_tells_why_not(listed: Acme, manager: PluginManager) -> None:
    process("b")
    out = StringIO()
    call_command("gridkit_plugin", "install", PLUGIN, "--grant=methods:register", "--switch-anyway", stdout=out)
    assert "without b" in out.getvalue()
    assert manager.get_plugin(PLUGIN).effective_state == "active"
    with pytest.raises(CommandError, match="release-unfit"):
        call_command("gridkit_plugin", "update", PLUGIN)
    with pytest.raises(CommandError, match="has no release"):
        call_command("gridkit_plugin", "update", PLUGIN, "--release=7", stdout=out)
    with pytest.raises(CommandError, match="not installed"):
        call_command("gridkit_plugin", "update", "@acme/other")
    assert PluginPackage.objects.count() == 1
