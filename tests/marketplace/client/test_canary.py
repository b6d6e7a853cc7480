"""The canary: one process serves with the new version first, and goes back by itself when it does worse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.exceptions import PluginIncompatibleError
from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.models import (
    AuditRecord,
    InstalledPlugin,
    OperationState,
    PluginCrash,
    PluginOperation,
    RuntimeProcess,
)
from gridkit_django.plugins import (
    PluginManager,
    cancel_operation,
    run_operation,
    runtime,
    switch_anyway,
)
from gridkit_django.plugins.canaries import appointments
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.plugins.spec import load_specs
from gridkit_django.plugins.trials import Trial
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_install import ask, run
from tests.marketplace.client.trials import Act, figures, look, mine, serves, tell
from tests.plugins.samples import Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.both_databases
def test_canary_serves_the_new_version_first_and_then_all_do(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
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
    told = done.canary
    assert (told["state"], told["version"], told["before"], told["share"]) == ("good", "1.1.0", "1.0.0", 1.0)
    assert told["new"]["calls"] == 40
    assert (told["old"]["processes"], told["old"]["calls"], told["old"]["errors"]) == (1, 100, 2)
    assert told["old"]["p95Ms"] == pytest.approx(1.0, rel=0.1)
    assert told["limits"]["errorShare"] == 0.07
    assert any("The canary did well." in line["text"] for line in done.log)
    assert (serves(manager), InstalledPlugin.objects.get().current_version.version) == ("1.1.0", "1.1.0")
    look(manager)
    assert serves(manager) == "1.1.0"
    assert InstalledPlugin.objects.get().effective_state == "active"


@pytest.mark.both_databases
def test_canary_that_raises_more_goes_back_and_nothing_is_switched(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
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
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
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
    tried: Acme, manager: PluginManager, between: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.parametrize("asked", [None, 60])
def test_version_that_would_migrate_the_storage_is_not_tried_and_goes_on_unless_that_was_asked_for(
    tried: Acme,
    manager: PluginManager,
    between: Callable[[Act], None],
    monkeypatch: pytest.MonkeyPatch,
    asked: int | None,
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

    done = run("update", canary_seconds=asked)

    assert (seen, done.canary["state"]) == (["1.0.0"], "untried")
    assert "1.1.0 would migrate what is stored" in done.canary["reason"]
    assert (done.state, done.error_code) == (("failed", "canary-not-possible") if asked else ("finished", ""))
    assert serves(manager) == ("1.0.0" if asked else "1.1.0")


def test_canary_goes_back_when_the_operation_is_stopped(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
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
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    found: list[object] = []

    def act(number: int) -> None:
        look(manager)
        if number:
            rows = PluginOperation.objects.filter(kind="update")
            rows.update(lease_until=timezone.now() - timedelta(seconds=1))
            found.append(appointments())
            look(manager)
            found.append(serves(manager))
            cancel_operation(rows.get().pk)

    between(act)

    run("update")

    assert found[:2] == [{}, "1.0.0"]


def test_somebody_lets_it_switch_without_waiting(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    between(lambda number: switch_anyway(PluginOperation.objects.get(kind="update").pk, user=None))
    assert run("update").state == OperationState.FINISHED
    assert serves(manager) == "1.1.0"


def test_another_process_takes_over_when_that_of_the_canary_is_gone(
    younger: RuntimeProcess, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    def act(number: int) -> None:
        if number == 0:
            younger.delete()
        look(manager)
        if number > 1:
            tell(manager, 40, 0, 1.0, later=61 * (number - 2))

    between(act)

    done = run("update")

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    told = done.canary
    assert (told["state"], told["pid"], told["lost"]) == ("good", manager.runtime.process.pid, [f"{younger.host}:9"])
    assert any("9 is gone. web " in line["text"] for line in done.log)


def test_canary_fails_when_the_second_process_is_gone_too(
    younger: RuntimeProcess, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    RuntimeProcess.objects.create(
        host=younger.host,
        pid=8,
        kind="web",
        figures=younger.figures,
        started_at=timezone.now(),
        seen_at=younger.seen_at,
    )
    between(lambda number: RuntimeProcess.objects.filter(pid=(9, 8)[number]).delete())

    failed = run("update")

    assert failed.error_code == "canary-failed"
    assert "and so is the one that tried it before" in failed.error_detail
    assert (failed.canary["state"], len(failed.canary["lost"])) == ("failed", 1)


def test_canary_fails_when_no_other_process_can_take_over(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    between(lambda number: mine(manager).delete())
    failed = run("update")
    assert failed.error_code == "canary-failed"
    assert "there is no other that could take over" in failed.error_detail
    assert failed.canary["reason"] in failed.error_detail


def test_version_that_killed_its_process_while_it_started_is_not_tried_by_another(
    younger: RuntimeProcess, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    digest = manager.runtime.live[PLUGIN].code.digest
    plugin = InstalledPlugin.objects.get()

    def act(number: int) -> None:
        (found,) = appointments().values()
        with manager.runtime._starter._record.step(PLUGIN, 1, found["digest"], "load", on_trial=True):
            (path,) = manager.runtime._starter._record._folder().glob("*.step")
            step = {**json.loads(path.read_text()), "host": younger.host, "pid": 2**22 + 1, "step": "initialize"}
        path.write_text(json.dumps(step))
        assert manager.runtime._crashes.judge() == {}, "it is held back nowhere"
        PluginCrash.objects.update(pid=9)
        younger.delete()

    between(act)

    failed = run("update")

    assert failed.error_code == "canary-failed"
    assert "its process died while the new version was at the step initialize" in failed.error_detail
    plugin.refresh_from_db()
    assert (plugin.effective_state, plugin.current_version.digest) == ("active", digest)
    assert AuditRecord.objects.filter(action="plugin.try").count() == 1


def test_canary_that_is_interrupted_once_begins_anew_and_fails_when_it_is_again(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    digest = manager.runtime.live[PLUGIN].code.digest

    def act(number: int) -> None:
        if number % 2 == 0:
            mine(manager).update(figures={})
            look(manager)
            manager.runtime.process.hurry()
            manager.runtime.housekeeping()
        else:
            mine(manager).update(figures=figures(digest))

    between(act)

    failed = run("update")

    assert failed.error_code == "canary-failed"
    assert "does not run it any more" in failed.error_detail


def test_trial_begins_anew_when_another_worker_leads_it(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(number: int) -> None:
        look(manager)
        if number == 1:
            raise SystemExit
        if number > 2:
            tell(manager, 40, 0, 1.0, later=61 * (number - 3))

    between(act)
    asked = ask("update")
    with pytest.raises(SystemExit):
        run_operation(asked.pk)
    look(manager)
    assert serves(manager) == "1.0.0"

    run_operation(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.error_detail) == (OperationState.FINISHED, "")
    assert any(line["text"].startswith("The trial begins anew") for line in asked.log)
    assert serves(manager) == "1.1.0"


def test_single_process_and_a_site_that_wants_none_have_no_canary(
    tried: Acme, manager: PluginManager, settings: Any
) -> None:
    RuntimeProcess.objects.filter(pid=7).delete()

    done = run("update")

    assert (done.state, done.results["appoint"]) == (OperationState.FINISHED, {})
    settings.GRIDKIT = {**settings.GRIDKIT, "CANARY_SECONDS": 0}
    tried.publish("1.2.0", word="three")
    refresh_catalogue()
    assert "appoint" not in run("update").results


def test_permissions_that_were_agreed_to_count_on_trial_and_revoked_ones_do_not(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    spec = manager.runtime.live["listener"].spec
    trial = Trial("listener", "9.0.0", "sha256:new", ("rows:read",))

    found = trial.spec_of(replace(spec, grants=GrantTable(spec.grants.granted, frozenset({"rows:read"}))))

    assert (found.version, found.digest, found.revision) == ("9.0.0", "sha256:new", spec.revision)
    assert "rows:read" in found.grants.granted
    assert not found.grants.allows("rows:read")
