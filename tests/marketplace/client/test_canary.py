"""The canary: one process serves with the new version first, and goes back by itself when it does worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.exceptions import PluginIncompatibleError
from gridkit_django.marketplace.client import canary, refresh_catalogue
from gridkit_django.marketplace.client.canary import fault_of
from gridkit_django.models import InstalledPlugin, OperationState, PluginOperation, RuntimeProcess
from gridkit_django.plugins import PluginManager, cancel_operation, runtime, switch_anyway
from gridkit_django.plugins.canaries import CanaryWatch, wished_trials
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.plugins.spec import load_specs
from gridkit_django.plugins.trials import Trial
from gridkit_django.plugins.version_figures import VersionFigures, told_by
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_install import run
from tests.plugins.samples import Listener

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[int], object]


def figures(digest: str, calls: int = 0, errors: int = 0, ms: float = 1.0) -> dict[str, Any]:
    facts = {"version": "1", "digest": digest, "calls": calls, "errors": errors, "total_ms": calls * ms}
    return {PLUGIN: facts}


@pytest.fixture
def installed(acme: Acme, manager: PluginManager, no_probe: None, settings: Any) -> Iterator[Acme]:
    """1.0.0 serves here and in another web process; 1.1.0 is listed."""
    acme.publish()
    refresh_catalogue()
    assert run("install").state == OperationState.FINISHED
    settings.GRIDKIT = {**settings.GRIDKIT, "CANARY_SECONDS": 60}
    acme.publish("1.1.0", word="two")
    refresh_catalogue()
    RuntimeProcess.objects.all().delete()
    manager.runtime.process.kind = "web"
    manager.runtime.process.hurry()
    manager.runtime.housekeeping()
    now = timezone.now()
    digest = manager.runtime.live[PLUGIN].code.digest
    old = now - timedelta(hours=1)
    told = figures(digest, 1000, 10)
    host = manager.runtime.process.describe()["host"]
    RuntimeProcess.objects.create(host=host, pid=7, kind="web", figures=told, started_at=old, seen_at=now)
    RuntimeProcess.objects.filter(pid=manager.runtime.process.pid).update(started_at=now)
    yield acme
    manager.runtime.process.kind = "command"


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], None]:
    """Do something in each pause of the step instead of waiting; it is told the number of the pause."""

    def instead(act: Act) -> None:
        numbers = iter(range(100))
        monkeypatch.setattr(canary.time, "sleep", lambda seconds: act(next(numbers)))

    return instead


def mine(manager: PluginManager) -> Any:
    return RuntimeProcess.objects.filter(pid=manager.runtime.process.pid)


def serves(manager: PluginManager) -> str:
    return manager.runtime.live[PLUGIN].metadata.version


def tell(manager: PluginManager, calls: int, errors: int, ms: float, *, later: int) -> None:
    """Write what the canary counted, some seconds later."""
    row = mine(manager).get()
    facts = {**told_by(row, PLUGIN), "calls": calls, "errors": errors, "total_ms": calls * ms}  # type: ignore[dict-item]
    mine(manager).update(figures={PLUGIN: facts}, seen_at=timezone.now() + timedelta(seconds=later))


def look(manager: PluginManager) -> CanaryWatch:
    manager._canaries.look()
    return manager._canaries


@pytest.mark.both_databases
def test_canary_serves_the_new_version_first_and_then_all_do(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    seen: list[tuple[str, str]] = []

    def act(number: int) -> None:
        if number == 0:
            look(manager)
            seen.append((serves(manager), InstalledPlugin.objects.get().current_version.version))
        else:
            RuntimeProcess.objects.filter(pid=7).update(
                figures=figures(RuntimeProcess.objects.get(pid=7).figures[PLUGIN]["digest"], 1100, 12)
            )
            tell(manager, 40, 0, 1.0, later=61)

    between(act)

    done = run("update")

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert seen == [("1.1.0", "1.0.0")], "the others run the old one meanwhile"
    assert done.results["canary"]["new"]["calls"] == 40
    assert done.results["canary"]["old"] == {"processes": 1, "calls": 100, "errors": 2, "meanMs": 1.0}
    assert any("The canary did well." in line["text"] for line in done.log)
    assert (serves(manager), InstalledPlugin.objects.get().current_version.version) == ("1.1.0", "1.1.0")
    look(manager)
    assert serves(manager) == "1.1.0"
    assert InstalledPlugin.objects.get().effective_state == "active"


@pytest.mark.both_databases
def test_canary_that_raises_more_goes_back_and_nothing_is_switched(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    revision = InstalledPlugin.objects.get().revision
    between(lambda number: look(manager) if number == 0 else tell(manager, 40, 10, 1.0, later=1))

    failed = run("update")

    assert (failed.state, failed.error_code) == (OperationState.FAILED, "canary-failed")
    assert "25.0% of the calls raised" in failed.error_detail
    assert "New: 40 calls, 10 errors" in failed.error_detail
    assert serves(manager) == "1.1.0", "it has not looked yet"
    look(manager)
    assert serves(manager) == "1.0.0"
    row = InstalledPlugin.objects.get()
    assert (row.revision, row.effective_state, row.current_version.version) == (revision, "active", "1.0.0")


def test_canary_that_fails_too_often_in_a_row_is_not_suspended_everywhere(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    def act(number: int) -> None:
        look(manager)
        if number == 0:
            manager.runtime.suspend(manager.runtime.live[PLUGIN], "too-many-failures", "20 calls in a row failed", {})

    between(act)

    failed = run("update")

    assert failed.error_code == "canary-failed"
    assert "20 calls in a row failed" in failed.error_detail
    assert serves(manager) == "1.0.0"
    assert "failed" in mine(manager).get().figures[PLUGIN]
    look(manager)
    assert "failed" not in mine(manager).get().figures[PLUGIN], "the next attempt begins without it"
    assert InstalledPlugin.objects.get().effective_state == "active"


def test_version_that_can_not_start_in_the_canary_fails_with_the_reason(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    between(lambda number: look(manager))
    real = manager.runtime.trials._check

    def refuse(metadata: Any) -> None:
        real(metadata)
        raise PluginIncompatibleError("no fuse")

    monkeypatch.setattr(manager.runtime.trials, "_check", refuse)

    failed = run("update")

    assert failed.error_code == "canary-failed"
    assert "no fuse" in failed.error_detail
    assert serves(manager) == "1.0.0"


def test_version_that_would_migrate_the_storage_is_not_tried_and_goes_on(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def act(number: int) -> None:
        with monkeypatch.context() as patch:
            specs = load_specs()
            patch.setattr(
                runtime, "load_specs", lambda: {key: replace(it, storage_version=2) for key, it in specs.items()}
            )
            look(manager)
        seen.append(serves(manager))

    between(act)

    done = run("update")

    assert (done.state, seen) == (OperationState.FINISHED, ["1.0.0"])
    assert any("1.1.0 would migrate what is stored." in line["text"] for line in done.log)


def test_canary_goes_back_when_the_operation_is_stopped(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    def act(number: int) -> None:
        look(manager)
        if number:
            cancel_operation(PluginOperation.objects.get(kind="update").pk)

    between(act)

    assert run("update").state == OperationState.CANCELLED
    look(manager)
    assert serves(manager) == "1.0.0"


def test_canary_goes_back_when_no_worker_is_left(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    found: list[tuple[int, str]] = []

    def act(number: int) -> None:
        look(manager)
        facts = manager.runtime.process.describe()
        if number:
            rows = PluginOperation.objects.filter(kind="update")
            rows.update(lease_until=timezone.now() - timedelta(seconds=1))
            found.append((len(wished_trials(str(facts["host"]), int(facts["pid"]))), ""))
            look(manager)
            found.append((0, serves(manager)))
            cancel_operation(rows.get().pk)

    between(act)

    run("update")

    assert found[:2] == [(0, ""), (0, "1.0.0")]


def test_somebody_lets_it_switch_without_waiting(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    between(lambda number: switch_anyway(PluginOperation.objects.get(kind="update").pk, user=None))
    assert run("update").state == OperationState.FINISHED
    assert serves(manager) == "1.1.0"


def test_canary_whose_process_is_gone_fails(
    installed: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    between(lambda number: mine(manager).delete())
    failed = run("update")
    assert failed.error_code == "canary-failed"
    assert "its process is gone" in failed.error_detail


def test_single_process_and_a_site_that_wants_none_have_no_canary(
    installed: Acme, manager: PluginManager, settings: Any
) -> None:
    RuntimeProcess.objects.filter(pid=7).delete()

    done = run("update")

    assert (done.state, done.results["appoint"]) == (OperationState.FINISHED, {})
    settings.GRIDKIT = {**settings.GRIDKIT, "CANARY_SECONDS": 0}
    installed.publish("1.2.0", word="three")
    refresh_catalogue()
    assert "appoint" not in run("update").results


def test_versions_are_compared_by_errors_and_time_and_only_with_enough_calls() -> None:
    old = VersionFigures("1", "o", 3, 1000, 10, 1000.0)
    assert fault_of(VersionFigures("2", "n", 1, 19, 19, 9000.0), old) == ""
    assert fault_of(VersionFigures("2", "n", 1, 100, 6, 600.0), old) == ""
    assert fault_of(VersionFigures("2", "n", 1, 100, 7, 100.0), old).startswith("7.0% of the calls raised")
    assert fault_of(VersionFigures("2", "n", 1, 100, 0, 701.0), old).startswith("a call took 7.0 ms")
    assert fault_of(VersionFigures("2", "n", 1, 100, 0, 701.0), VersionFigures("1", "o", 1, 3, 0, 3.0)) == ""


def test_permissions_that_were_agreed_to_count_on_trial_and_revoked_ones_do_not(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    spec = manager.runtime.live["listener"].spec
    trial = Trial("listener", "9.0.0", "sha256:new", ("rows:read",))

    found = trial.spec_of(replace(spec, grants=GrantTable(spec.grants.granted, frozenset({"rows:read"}))))

    assert (found.version, found.digest, found.revision) == ("9.0.0", "sha256:new", spec.revision)
    assert "rows:read" in found.grants.granted
    assert not found.grants.allows("rows:read")


def test_process_without_an_idle_thread_and_a_site_without_canaries_ask_nothing(
    manager: PluginManager, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        CanaryWatch(manager.runtime).work()
