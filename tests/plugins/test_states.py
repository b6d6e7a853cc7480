"""The state machine, driven at random over real plugins on the real database, as several processes see it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_init, post_save
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gridkit_django.events import current_act, event_bus, make_event
from gridkit_django.exceptions import PluginError
from gridkit_django.models import (
    AuditRecord,
    DesiredState,
    EffectiveState,
    InstalledPlugin,
    PluginCrash,
    RuntimeGeneration,
)
from gridkit_django.plugins import ChangeKind, PlanChange, PluginManager, plugin_manager
from gridkit_django.plugins.states import TRANSITIONS, may_be_made, may_be_seen
from tests.plugins.samples import Listener

NAMES = ("base", "leaf", "rival")
CODE = """
from gridkit_django.plugins import Plugin, handles

class Sample(Plugin):
    def initialize(self, context):
        {start}

    @handles("row:update")
    def told(self, event):
        {work}
"""
STARTS = {
    "works": "pass",
    "raises": "raise ValueError('broken')",
    "waits": "raise ConnectionRefusedError('nobody answers')",
}
MANIFEST = """
id = "{name}"
name = "Sample"
version = "{version}"
author = "Tests"
description = "Only for tests."
category = "utility"
license = "MIT"
core_version = "{core}"
required_permissions = ["events:subscribe"]
peer_plugins = {peers}
incompatible_with = {rivals}
entry = "plugin:Sample"
"""
PEERS = {"base": [], "leaf": ["base >=1,<2"], "rival": []}
RIVALS = {"base": [], "leaf": [], "rival": ["leaf"]}


class Life(RuleBasedStateMachine):
    """Three plugins and a neighbour that stays well: ``leaf`` needs ``base``, and ``rival`` can't stand ``leaf``."""

    wishes: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        options = {"PLUGIN_ROOT": str(self.root / "plugins"), "STATE_DIR": str(self.root), "HOT_RELOAD": False}
        self.stack.enter_context(override_settings(GRIDKIT={**options, "HANDLER_FAILURES_MAX": 1}))
        self.steps: list[tuple[str, str, str, str]] = []
        self.stack.enter_context(watched(self.steps))
        self.manager = plugin_manager()
        self.ahead = 0.0
        self.wishes = {}

    @initialize()
    def begin(self) -> None:
        (self.root / "plugins").mkdir()
        for name in NAMES:
            self.write(name)
        self.manager.install_plugin(Listener)
        for name in NAMES:
            self.manager.install_plugin(f"folder:{name}", activate=name != "rival")
            self.wishes[name] = rows()[name].desired_state

    def teardown(self) -> None:
        self.manager.stop_all()
        self.manager.runtime._follower.failures.__init__()  # type: ignore[misc]
        InstalledPlugin.objects.update(current_version=None)
        InstalledPlugin.objects.all().delete()
        RuntimeGeneration.objects.all().delete()
        self.stack.close()

    def write(
        self, name: str, start: str = "works", *, core: str = "*", version: str = "1.0.0", fails: bool = False
    ) -> None:
        """Write a plugin's folder."""
        folder = self.root / "plugins" / name
        folder.mkdir(exist_ok=True)
        code = CODE.format(start=STARTS[start], work="1 / 0" if fails else "pass")
        manifest = MANIFEST.format(name=name, version=version, core=core, peers=PEERS[name], rivals=RIVALS[name])
        (folder / "plugin.toml").write_text(manifest)
        (folder / "plugin.py").write_text(code)

    @rule(
        name=st.sampled_from(NAMES), then=st.sampled_from(["reload", "restart", "restart", "nothing"]), data=st.data()
    )
    def change_files(self, name: str, then: str, data: st.DataObject) -> None:
        """Break or mend what lies at a source; then somebody loads it anew, or the process starts afresh."""
        changes: dict[str, Callable[[], object]] = {
            "mend": lambda: self.write(name),
            "raise at the start": lambda: self.write(name, "raises"),
            "wait at the start": lambda: self.write(name, "waits"),
            "raise at work": lambda: self.write(name, fails=True),
            "another core": lambda: self.write(name, core=">=99"),
            "another version": lambda: self.write(name, version=data.draw(st.sampled_from(["1.1.0", "2.0.0"]))),
            "no manifest": lambda: self._break_manifest(name),
            "no files": lambda: shutil.rmtree(self.root / "plugins" / name, ignore_errors=True),
        }
        changes[data.draw(st.sampled_from(sorted(changes)))]()
        if then == "restart":
            self.restart()
        elif then == "reload" and name in self.wishes:
            with suppress(PluginError):
                self.manager.reload_plugin(name)

    def _break_manifest(self, name: str) -> None:
        folder = self.root / "plugins" / name
        folder.mkdir(exist_ok=True)
        (folder / "plugin.toml").write_text("id = 3")

    @rule(name=st.sampled_from(NAMES), activate=st.booleans())
    def install_or_uninstall(self, name: str, activate: bool) -> None:
        with suppress(PluginError):
            if name in self.wishes:
                self.manager.uninstall_plugin(name)
            else:
                self.manager.install_plugin(f"folder:{name}", activate=activate)
        if name in rows():
            self.wishes[name] = self.wishes.get(name, rows()[name].desired_state)
        else:
            self.wishes.pop(name, None)

    @rule(name=st.sampled_from(NAMES))
    def activate(self, name: str) -> None:
        """What the dry run says is what happens."""
        if name not in self.wishes:
            return
        before, plan = rows()[name], self.manager.plan(PlanChange(ChangeKind.ACTIVATE, name))
        with suppress(PluginError):
            self.manager.activate_plugin(name)
        after, live = rows()[name], self.manager.runtime.live
        if plan.refused:
            assert (after.desired_state, after.revision) == (before.desired_state, before.revision)
            return
        self.wishes[name] = DesiredState.ACTIVE
        assert name in plan.order
        if not {"error", "quarantined"} & {row.effective_state for row in rows().values()}:
            assert set(live) == set(plan.order)

    @rule(name=st.sampled_from(NAMES))
    def deactivate(self, name: str) -> None:
        if name not in self.wishes:
            return
        plan = self.manager.plan(PlanChange(ChangeKind.DEACTIVATE, name))
        with suppress(PluginError):
            self.manager.deactivate_plugin(name)
        if not plan.refused:
            self.wishes[name] = DesiredState.INACTIVE
            assert name not in self.manager.runtime.live

    @rule(name=st.sampled_from(NAMES))
    def configure(self, name: str) -> None:
        if name in self.wishes:
            with suppress(PluginError):
                self.manager.configure_plugin(name, {})

    def restart(self) -> None:
        self.manager.stop_all()
        self.manager.ensure_current()

    def next_request(self) -> None:
        self.manager.runtime.mark_unchecked()
        self.manager.ensure_current()
        self.manager.runtime.housekeeping()

    @rule(seconds=st.sampled_from([0, 1, 40, 700]))
    def time_passes(self, seconds: int) -> None:
        self.ahead += seconds
        self.manager.runtime._follower.failures._clock = lambda: time.monotonic() + self.ahead
        self.next_request()

    @rule()
    def work(self) -> None:
        event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))
        self.next_request()

    @precondition(lambda self: self.wishes)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """A process dies while it starts a plugin: as the boot record tells it."""
        name = data.draw(st.sampled_from(sorted(self.wishes)))
        row = rows()[name]
        record = self.manager.runtime._starter._record
        digest = row.current_version.digest if row.current_version else ""
        before = PluginCrash.objects.count()
        with record.step(name, row.revision, digest, "initialize"):
            [path] = [item for item in record._folder().iterdir() if item.suffix == ".step"]  # type: ignore[union-attr]
            text = path.read_text()
        path.write_text(text.replace(f'"born": "{record._born[1]}"', '"born": "0"'))
        self.manager.runtime.retry(name)
        self.next_request()
        assert PluginCrash.objects.count() == before + 1

    @invariant()
    def only_allowed_transitions_happen(self) -> None:
        for name, before, after, kind in self.steps:
            allowed = may_be_seen if kind == "system" else may_be_made
            assert allowed(EffectiveState(before), EffectiveState(after)), (name, before, after, kind)
        self.steps.clear()

    @invariant()
    def wish_is_never_overwritten(self) -> None:
        found = {name: row.desired_state for name, row in rows().items() if name != "listener"}
        assert found == self.wishes

    @invariant()
    def who_runs_is_wanted_and_fits(self) -> None:
        live = self.manager.runtime.live
        for name, item in live.items():
            row = rows()[name]
            assert row.desired_state == DesiredState.ACTIVE
            assert row.effective_state != EffectiveState.SUSPENDED
            for peer, _ in item.metadata.peers:
                assert peer in live
            assert not set(item.metadata.incompatible_with) & set(live)

    @invariant()
    def neighbour_answers(self) -> None:
        if "listener" not in rows():
            return
        Listener.heard.clear()
        with self.manager.runtime.paused():
            method, _ = self.manager.runtime.live["listener"].methods["greet-listener"]
        assert method is not None
        assert rows()["listener"].effective_state == "active"

    @invariant()
    def every_trouble_has_code_reason_and_record(self) -> None:
        for name, row in rows().items():
            if row.effective_state in ("active", "installed"):
                assert (row.state_code, row.state_reason) == ("", "")
                continue
            assert row.state_code
            assert row.state_reason
            told = AuditRecord.objects.filter(target_id=name, actor_kind="system").order_by("-pk").first()
            assert told is not None
            evidence = told.context["evidence"]
            assert evidence["code"] == row.state_code
            assert evidence["reason"]
            assert told.changes["effective_state"][1] == row.effective_state

    @invariant()
    def nothing_is_due_for_ever(self) -> None:
        """After a follow each failure waits for something; else each request would follow anew."""
        failures = self.manager.runtime._follower.failures
        if failures.any_due():
            self.next_request()
            assert not failures.any_due()

    @rule()
    def mended_site_comes_back(self) -> None:
        """Mend all, let time pass, restart: what is wanted and fits runs, but for what an administrator must free."""
        for name in NAMES:
            self.write(name)
        InstalledPlugin.objects.filter(effective_state="error").update(state_evidence={})
        self.manager.stop_all()
        self.manager.ensure_current()
        self.manager.ensure_current()
        order = set(self.manager.plan().order)
        assert order == set(self.manager.runtime.live)


def rows() -> dict[str, InstalledPlugin]:
    return {row.plugin_id: row for row in InstalledPlugin.objects.select_related("current_version")}


@contextmanager
def watched(steps: list[tuple[str, str, str, str]]) -> Iterator[None]:
    """Note each change of a stored state, with who made it."""

    def loaded(instance: InstalledPlugin, **_kwargs: Any) -> None:
        instance.state_before = instance.effective_state if instance.pk else "discovered"  # type: ignore[attr-defined]

    def saved(instance: InstalledPlugin, **_kwargs: Any) -> None:
        before = instance.state_before  # type: ignore[attr-defined]
        if before != instance.effective_state:
            kind = "system" if current_act().actor.id == "runtime" else "administrator"
            steps.append((instance.plugin_id, before, instance.effective_state, kind))
        instance.state_before = instance.effective_state  # type: ignore[attr-defined]

    post_init.connect(loaded, sender=InstalledPlugin)
    post_save.connect(saved, sender=InstalledPlugin)
    try:
        yield
    finally:
        post_init.disconnect(loaded, sender=InstalledPlugin)
        post_save.disconnect(saved, sender=InstalledPlugin)


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_life_of_plugins_holds_what_it_promises(manager: PluginManager) -> None:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    # Without shrinking: a failure is told at once, and its steps can be read.
    phases = [Phase.explicit, Phase.generate]
    # What differs on PostgreSQL, tests of their own show.
    examples = 4 if connection.vendor == "sqlite" else 2
    how = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        phases=phases,
        suppress_health_check=slow,
        database=None,
    )
    run_state_machine_as_test(Life, settings=how)


def test_states_are_left_only_as_the_table_says() -> None:
    every = set(EffectiveState)
    seen = {state: {after for after in every if may_be_seen(state, after)} for state in every}
    assert seen[EffectiveState.SUSPENDED] == set(), "only an administrator ends a suspension"
    assert seen[EffectiveState.DISCOVERED] == set(), "nothing is installed by itself"
    assert all(EffectiveState.INSTALLED not in after for after in seen.values()), "only an act clears a state"
    for worse in (EffectiveState.QUARANTINED, EffectiveState.INCOMPATIBLE, EffectiveState.ERROR):
        assert EffectiveState.DEGRADED not in seen[worse], "a lesser trouble never covers a greater one"
    assert all(may_be_made(state, EffectiveState.INSTALLED) for state in every)
    assert not may_be_made(EffectiveState.INSTALLED, EffectiveState.ACTIVE)
    assert all(item.cause for item in TRANSITIONS)
